//! Set mathematics in one line of Unicode text: `e²ᶻ`, `w₁₁⁽¹⁾`, `(a + b)/c`.

use super::compose::needs_brackets;
use super::expression::Relation;
use super::math::{BigOperator, Fence, Math, Operator};
use std::fmt;

/// Characters with their raised forms.
#[rustfmt::skip]
const RAISED: &[(char, char)] = &[
    ('0', '⁰'),
    ('1', '¹'),
    ('2', '²'),
    ('3', '³'),
    ('4', '⁴'),
    ('5', '⁵'),
    ('6', '⁶'),
    ('7', '⁷'),
    ('8', '⁸'),
    ('9', '⁹'),
    ('+', '⁺'),
    ('−', '⁻'),
    ('(', '⁽'),
    (')', '⁾'),
    ('a', 'ᵃ'),
    ('b', 'ᵇ'),
    ('c', 'ᶜ'),
    ('d', 'ᵈ'),
    ('e', 'ᵉ'),
    ('f', 'ᶠ'),
    ('g', 'ᵍ'),
    ('h', 'ʰ'),
    ('i', 'ⁱ'),
    ('j', 'ʲ'),
    ('k', 'ᵏ'),
    ('l', 'ˡ'),
    ('m', 'ᵐ'),
    ('n', 'ⁿ'),
    ('o', 'ᵒ'),
    ('p', 'ᵖ'),
    ('r', 'ʳ'),
    ('s', 'ˢ'),
    ('t', 'ᵗ'),
    ('u', 'ᵘ'),
    ('v', 'ᵛ'),
    ('w', 'ʷ'),
    ('x', 'ˣ'),
    ('y', 'ʸ'),
    ('z', 'ᶻ'),
    ('⊤', 'ᵀ'),
    ('′', '′'),
    ('*', '*'),
    (',', ','),
];

/// Characters with their lowered forms.
#[rustfmt::skip]
const LOWERED: &[(char, char)] = &[
    ('0', '₀'),
    ('1', '₁'),
    ('2', '₂'),
    ('3', '₃'),
    ('4', '₄'),
    ('5', '₅'),
    ('6', '₆'),
    ('7', '₇'),
    ('8', '₈'),
    ('9', '₉'),
    ('+', '₊'),
    ('−', '₋'),
    ('(', '₍'),
    (')', '₎'),
    ('a', 'ₐ'),
    ('e', 'ₑ'),
    ('h', 'ₕ'),
    ('i', 'ᵢ'),
    ('j', 'ⱼ'),
    ('k', 'ₖ'),
    ('l', 'ₗ'),
    ('m', 'ₘ'),
    ('n', 'ₙ'),
    ('o', 'ₒ'),
    ('p', 'ₚ'),
    ('r', 'ᵣ'),
    ('s', 'ₛ'),
    ('t', 'ₜ'),
    ('u', 'ᵤ'),
    ('v', 'ᵥ'),
    ('x', 'ₓ'),
    (',', ','),
];

fn shifted(text: &str, table: &[(char, char)]) -> Option<String> {
    let find = |c: char| table.iter().find(|(own, _)| *own == c).map(|(_, shifted)| *shifted);
    text.chars().filter(|c| *c != ' ').map(find).collect()
}

fn unshifted(character: char, table: &[(char, char)]) -> Option<char> {
    table.iter().find(|(own, shifted)| *shifted == character && own != shifted).map(|(own, _)| *own)
}

/// The character of which this is the raised form.
pub(super) fn unraised(character: char) -> Option<char> {
    unshifted(character, RAISED)
}

/// The character of which this is the lowered form.
pub(super) fn unlowered(character: char) -> Option<char> {
    unshifted(character, LOWERED)
}

/// The text raised by Unicode's own characters, if it has all of them.
pub(crate) fn raised(text: &str) -> Option<String> {
    // A prime stands high by itself.
    if text == "′" { Some(text.into()) } else { shifted(text, RAISED) }
}

/// The text lowered by Unicode's own characters, if it has all of them.
pub(crate) fn lowered(text: &str) -> Option<String> {
    shifted(text, LOWERED)
}

impl fmt::Display for Math {
    /// One line of Unicode text; `report` sets fractions and matrices over several lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(line(self).trim_end())
    }
}

pub(super) fn line(piece: &Math) -> String {
    match piece {
        Math::Row(parts) => row(parts),
        Math::Number(digits) => digits.clone(),
        Math::Name(letters, None) => clean(letters),
        Math::Name(letters, Some(index)) => clean(letters) + &below(&clean(index)),
        Math::Text(words) => clean(words),
        Math::Pi => "π".into(),
        Math::Function(name, index, exponent) => {
            let index = index.map_or(String::new(), below);
            let exponent = exponent.as_ref().map_or(String::new(), |e| above(&line(e)));
            format!("{}{index}{exponent}", clean(name))
        }
        Math::Apply => String::new(),
        Math::Operator(operator) => sign(*operator).into(),
        Math::Fraction(numerator, denominator) => {
            format!("{}/{}", operand(numerator), operand(denominator))
        }
        Math::Raised(base, exponent) => base_text(base) + &above(&line(exponent)),
        Math::Lowered(base, index) => base_text(base) + &below(&line(index)),
        Math::Root(inner) if is_bare(inner) => format!("√{}", line(inner)),
        Math::Root(inner) => format!("√({})", line(inner)),
        Math::Fence(fence, inner) => {
            let (open, close) = fences(*fence);
            format!("{open}{}{close}", line(inner).trim())
        }
        Math::Matrix(rows) => {
            let rows: Vec<String> =
                rows.iter().map(|row| row.iter().map(line).collect::<Vec<_>>().join(" ")).collect();
            format!("[{}]", rows.join("; "))
        }
        Math::Big(operator, index, limit) => {
            let name = big(*operator);
            let index = index.as_ref().map_or(String::new(), |index| below(&line(index)));
            let limit = limit.as_ref().map_or(String::new(), |limit| above(&line(limit)));
            format!("{name}{index}{limit} ")
        }
        Math::Under(inner, words) => format!("{} [{}]", line(inner), line(words)),
        Math::Cases(rows) => {
            let rows: Vec<String> = rows
                .iter()
                .map(|(value, condition)| match condition {
                    Some(condition) => format!("{} if {}", line(value), line(condition)),
                    None => format!("{} otherwise", line(value)),
                })
                .collect();
            format!("{{ {} }}", rows.join("; "))
        }
    }
}

/// Words without the characters that a terminal would obey: a class's name may hold any.
fn clean(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Parts side by side; a product's dot is written where `1/2x` would be read as a fraction over 2x.
fn row(parts: &[Math]) -> String {
    let mut text = String::new();
    for (i, part) in parts.iter().enumerate() {
        let before = i.checked_sub(1).map(|before| &parts[before]);
        match part {
            Math::Operator(Operator::Beside) if before.is_some_and(is_derivative_sign) => {
                text.push(' ');
            }
            Math::Operator(Operator::Beside) if before.is_some_and(needs_dot) => text.push('·'),
            // z·tanh(z): in one typeface ztanh(z) would be one word.
            Math::Operator(Operator::Beside)
                if runs_together(before.map_or("", |_| &text), parts.get(i + 1)) =>
            {
                text.push('·');
            }
            // ln 0.989, but ln(0.989)
            Math::Apply if !matches!(parts.get(i + 1), None | Some(Math::Fence(..))) => {
                text.push(' ');
            }
            part => text.push_str(&line(part)),
        }
    }
    text
}

/// Whether a letter and a word of several letters would stand beside each other.
pub(super) fn runs_together(before: &str, after: Option<&Math>) -> bool {
    before.ends_with(char::is_alphabetic) && after.is_some_and(starts_with_word)
}

fn starts_with_word(piece: &Math) -> bool {
    match piece {
        Math::Function(name, ..) | Math::Name(name, _) => name.chars().count() > 1,
        Math::Text(_) => true,
        Math::Row(parts) => parts.first().is_some_and(starts_with_word),
        Math::Raised(base, _) | Math::Lowered(base, _) => starts_with_word(base),
        Math::Number(_)
        | Math::Pi
        | Math::Apply
        | Math::Operator(_)
        | Math::Fraction(..)
        | Math::Root(_)
        | Math::Fence(..)
        | Math::Matrix(_)
        | Math::Big(..)
        | Math::Under(..)
        | Math::Cases(_) => false,
    }
}

/// True for what needs no brackets under a root in one line: √2, √z, √π.
fn is_bare(inner: &Math) -> bool {
    match inner {
        Math::Number(_) | Math::Pi => true,
        Math::Name(name, None) => name.chars().count() == 1,
        _ => false, // not operations: every other piece takes brackets
    }
}

/// True for what would take in a factor that stands right behind it: 1/2·z, √2·z.
pub(super) fn needs_dot(piece: &Math) -> bool {
    let root = match piece {
        Math::Root(inner) => is_bare(inner),
        Math::Row(parts) => {
            matches!(parts.last(), Some(Math::Root(inner)) if is_bare(inner))
        }
        _ => false, // not operations: every other piece has an end of its own
    };
    root || ends_in_fraction(piece)
}

fn ends_in_fraction(piece: &Math) -> bool {
    match piece {
        Math::Fraction(..) => true,
        Math::Row(parts) => parts.last().is_some_and(ends_in_fraction),
        _ => false,
    }
}

/// `d/dz` or `d²/dz²`, which is read as one sign.
fn is_derivative_sign(piece: &Math) -> bool {
    let is_d =
        |piece: &Math| matches!(piece, Math::Operator(Operator::Differential | Operator::Partial));
    let above = |above: &Math| match above {
        Math::Raised(base, _) => is_d(base),
        above => is_d(above),
    };
    matches!(piece, Math::Fraction(top, below)
        if above(top)
            && matches!(&**below, Math::Row(parts) if is_derivative(parts)))
}

/// The sign that runs over an index.
pub(super) fn big(operator: BigOperator) -> &'static str {
    match operator {
        BigOperator::Sum => "Σ",
        BigOperator::Product => "Π",
        BigOperator::Max => "max",
        BigOperator::Min => "min",
    }
}

/// Numerator or denominator in one line: bracketed if it is a row with signs or signs of multiplication.
fn operand(piece: &Math) -> String {
    let text = line(piece);
    let loose = match piece {
        Math::Row(parts) => parts.len() > 1 && !is_call(parts) && !is_derivative(parts),
        Math::Fraction(..) | Math::Under(..) | Math::Big(..) => true,
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_)
        | Math::Raised(..)
        | Math::Lowered(..)
        | Math::Root(_)
        | Math::Fence(..)
        | Math::Matrix(_)
        | Math::Cases(_) => false,
    };
    if loose { format!("({text})") } else { text }
}

fn is_call(parts: &[Math]) -> bool {
    matches!(parts, [Math::Function(..), Math::Apply, Math::Fence(..)])
}

/// `∂J`, `dz`: read as one name.
fn is_derivative(parts: &[Math]) -> bool {
    matches!(parts, [Math::Operator(Operator::Partial | Operator::Differential), rest]
        if !matches!(rest, Math::Row(_) | Math::Fraction(..)))
}

fn base_text(base: &Math) -> String {
    let text = line(base);
    if needs_brackets(base) { format!("({text})") } else { text }
}

fn above(text: &str) -> String {
    raised(text).unwrap_or_else(|| match text.chars().count() {
        1 => format!("^{text}"),
        _ => format!("^({text})"),
    })
}

pub(super) fn below(text: &str) -> String {
    lowered(text).unwrap_or_else(|| match text.chars().all(char::is_alphanumeric) {
        true => format!("_{text}"),
        false => format!("_({text})"),
    })
}

pub(crate) fn fences(fence: Fence) -> (&'static str, &'static str) {
    match fence {
        Fence::Round => ("(", ")"),
        Fence::Square => ("[", "]"),
        Fence::Curly => ("{", "}"),
        Fence::Bars => ("|", "|"),
        Fence::DoubleBars => ("‖", "‖"),
    }
}

/// The sign with its spaces.
pub(crate) fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Plus => " + ",
        Operator::Minus => " − ",
        Operator::Sign => "−",
        Operator::Dot => "·",
        Operator::Times => " × ",
        Operator::Beside => "",
        Operator::Comma => ", ",
        Operator::Relation(Relation::Less) => " < ",
        Operator::Relation(Relation::LessEqual) => " ≤ ",
        Operator::Relation(Relation::Greater) => " > ",
        Operator::Relation(Relation::GreaterEqual) => " ≥ ",
        Operator::Equals => " = ",
        Operator::NotEqual => " ≠ ",
        Operator::Approximately => " ≈ ",
        Operator::Defined => " := ",
        Operator::Becomes => " ← ",
        Operator::To => " → ",
        Operator::Implies => " ⇒ ",
        Operator::Element => " ∈ ",
        Operator::Partial => "∂",
        Operator::Differential => "d",
        Operator::Infinity => "∞",
        Operator::Dots => "⋯",
        Operator::Transposed => "⊤",
        Operator::Elementwise => " ⊙ ",
        Operator::Space => "  ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::parse;

    #[test]
    fn formulas_stand_in_a_line() {
        let check = |formula: &str, expected: &str| {
            assert_eq!(parse(formula).unwrap().math().to_string(), expected);
        };
        check("(exp(2z) - 1)/(exp(2z) + 1)", "(e²ᶻ − 1)/(e²ᶻ + 1)");
        check("1 - tanh(z)^2", "1 − tanh²(z)");
        check("exp(-z)/(1+exp(-z))^2", "e⁻ᶻ/(1 + e⁻ᶻ)²");
        check("-w_1*x/2", "−(w₁x)/2");
    }

    #[test]
    fn pieces_of_explanations_stand_in_a_line() {
        let partial = |name: &str| Math::row([Math::Operator(Operator::Partial), Math::name(name)]);
        let slope = Math::fraction(partial("J"), partial("w1"));
        assert_eq!(slope.equals(Math::f64(-0.5)).to_string(), "∂J/∂w₁ = −0.5");
        let matrix = Math::Matrix(vec![vec![Math::f64(1.0), Math::f64(-2.0)]]);
        assert_eq!(matrix.to_string(), "[1 −2]");
    }
}
