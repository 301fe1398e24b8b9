//! What signs, commands and names of written mathematics stand for.

use super::token::Word;
use crate::formula::{Expression, Function, Relation};

/// Commands that only set a distance or a size.
pub(super) const SPACES: [&str; 9] = [
    "displaystyle",
    "textstyle",
    "limits",
    "nonumber",
    "notag",
    "thinspace",
    "enspace",
    "hfill",
    "hspace",
];
/// Commands that size the bracket behind them.
pub(super) const SIZES: [&str; 12] = [
    "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl",
    "Biggr",
];

/// Signs, the longer before those that they begin with.
#[rustfmt::skip]
const SIGNS: [(&str, char); 36] = [
    ("**", '^'), ("+", '+'), ("-", '-'), ("−", '-'), ("–", '-'), ("*", '*'), ("·", '*'), ("⋅", '*'),
    ("×", '*'), ("∙", '*'), ("/", '/'), ("÷", '/'), ("∕", '/'), ("^", '^'), ("_", '_'), ("(", '('), (")", ')'),
    ("[", '['), ("]", ']'), ("{", '{'), ("}", '}'), ("|", '|'), (",", ','), (";", ';'), ("'", '\''),
    ("′", '\''), ("’", '\''), ("″", '"'), ("&", '&'), ("≈", '≈'), ("√", '√'), (":=", '='), ("≡", '='),
    ("=", '='), (".", '.'), (":", ':'),
];

const RELATIONS: [(&str, Relation); 6] = [
    ("<=", Relation::LessEqual),
    (">=", Relation::GreaterEqual),
    ("≤", Relation::LessEqual),
    ("≥", Relation::GreaterEqual),
    ("<", Relation::Less),
    (">", Relation::Greater),
];

/// The sign at the start of `text`, and its length.
pub(super) fn mark(text: &str) -> Option<(Word, usize)> {
    let relation = RELATIONS.iter().find(|(written, _)| text.starts_with(written));
    if let Some((written, relation)) = relation {
        return Some((Word::Relation(*relation), written.len()));
    }
    let sign = SIGNS.iter().filter(|(written, _)| text.starts_with(written));
    let (written, sign) = sign.max_by_key(|(written, _)| written.len())?;
    Some((Word::Mark(*sign), written.len()))
}

const MARKS: [(&str, char); 10] = [
    ("cdot", '*'),
    ("times", '*'),
    ("ast", '*'),
    ("div", '/'),
    ("approx", '≈'),
    ("equiv", '='),
    ("lbrace", '('),
    ("rbrace", ')'),
    ("lbrack", '['),
    ("rbrack", ']'),
];

const COMPARISONS: [(&str, Relation); 8] = [
    ("lt", Relation::Less),
    ("gt", Relation::Greater),
    ("le", Relation::LessEqual),
    ("leq", Relation::LessEqual),
    ("leqslant", Relation::LessEqual),
    ("ge", Relation::GreaterEqual),
    ("geq", Relation::GreaterEqual),
    ("geqslant", Relation::GreaterEqual),
];

const LETTERS: [(&str, &str); 30] = [
    ("partial", "∂"),
    ("pi", "π"),
    ("sigma", "σ"),
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ε"),
    ("varepsilon", "ε"),
    ("zeta", "ζ"),
    ("eta", "η"),
    ("theta", "θ"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("nu", "ν"),
    ("xi", "ξ"),
    ("rho", "ρ"),
    ("tau", "τ"),
    ("omega", "ω"),
    ("psi", "ψ"),
    ("phi", "φ"),
    ("varphi", "φ"),
    ("Phi", "Φ"),
    ("arcsin", "asin"),
    ("arccos", "acos"),
    ("arctan", "atan"),
    ("lg", "log10"),
    ("max", "max"),
    ("min", "min"),
];

/// What `\name` stands for.
pub(super) fn command(name: &str) -> Option<Word> {
    let sign = MARKS.iter().find(|(own, _)| *own == name).map(|(_, mark)| Word::Mark(*mark));
    let relation = COMPARISONS.iter().find(|(own, _)| *own == name);
    let letter = LETTERS.iter().find(|(own, _)| *own == name);
    sign.or_else(|| relation.map(|(_, relation)| Word::Relation(*relation)))
        .or_else(|| letter.map(|(_, letter)| Word::Name((*letter).into())))
        .or_else(|| Function::named(name).map(|_| Word::Name(name.into())))
        .or_else(|| reciprocal(name).map(|_| Word::Name(name.into())))
}

/// Every command that is read, for suggestions.
pub(super) fn commands() -> impl Iterator<Item = &'static str> {
    let own = ["frac", "sqrt", "left", "right", "text", "mathrm", "operatorname", "quad"];
    let marks = MARKS.iter().map(|(name, _)| *name);
    let letters = LETTERS.iter().map(|(name, _)| *name);
    let functions = ["exp", "ln", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh"];
    let functions = functions.into_iter().chain(RECIPROCALS.iter().map(|(name, _)| *name));
    own.into_iter().chain(marks).chain(letters).chain(functions)
}

/// The function that a name stands for, also written as a layer is: `ReLU`, `SiLU`.
pub(super) fn function_name(name: &str) -> Option<Function> {
    Function::named(name)
        .or_else(|| Function::named(&name.to_lowercase()).filter(|_| name.len() > 1))
}

/// Functions that have no name in formulas, by those that have one.
const RECIPROCALS: [(&str, &str); 6] = [
    ("sech", "1/cosh(z)"),
    ("csch", "1/sinh(z)"),
    ("coth", "cosh(z)/sinh(z)"),
    ("sec", "1/cos(z)"),
    ("csc", "1/sin(z)"),
    ("cot", "cos(z)/sin(z)"),
];

/// The formula in `z` of a function that is only written by those that have a name: sech, cot, …
pub(super) fn reciprocal(name: &str) -> Option<Expression> {
    let (_, formula) = RECIPROCALS.iter().find(|(own, _)| *own == name)?;
    crate::formula::parse(formula).ok()
}

/// True for letters and digits that begin with a letter.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && text.chars().all(char::is_alphanumeric)
}

/// True for a distance such as `2pt`.
pub(super) fn is_length(text: &str) -> bool {
    let digits = text
        .trim_start_matches(['-', '.'])
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    ["pt", "ex", "em", "mm", "cm"].contains(&digits.trim()) && digits.len() < text.len()
}

/// The name nearest to `name` among `known`, if it is near enough to be a slip.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = match name.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    known
        .into_iter()
        .filter(|candidate| candidate.chars().count() > 2)
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
