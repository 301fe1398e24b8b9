//! Commands: operators, letters, functions, fractions, roots, words.

use super::super::accent;
use super::super::expression::Relation;
use super::super::fault::nearest;
use super::super::latex::{COMMANDS, GREEK};
use super::super::math::{BigOperator, Math, Operator};
use super::{Reader, Word};
use crate::error::Result;

/// Operators by their commands.
const OPERATORS: [(&str, Operator); 36] = [
    ("cdot", Operator::Dot),
    ("times", Operator::Times),
    ("lt", Operator::Relation(Relation::Less)),
    ("le", Operator::Relation(Relation::LessEqual)),
    ("leq", Operator::Relation(Relation::LessEqual)),
    ("leqslant", Operator::Relation(Relation::LessEqual)),
    ("gt", Operator::Relation(Relation::Greater)),
    ("ge", Operator::Relation(Relation::GreaterEqual)),
    ("geq", Operator::Relation(Relation::GreaterEqual)),
    ("geqslant", Operator::Relation(Relation::GreaterEqual)),
    ("ne", Operator::NotEqual),
    ("neq", Operator::NotEqual),
    ("approx", Operator::Approximately),
    ("coloneqq", Operator::Defined),
    ("leftarrow", Operator::Becomes),
    ("gets", Operator::Becomes),
    ("to", Operator::To),
    ("rightarrow", Operator::To),
    ("longrightarrow", Operator::To),
    ("Rightarrow", Operator::Implies),
    ("implies", Operator::Implies),
    ("Longrightarrow", Operator::Implies),
    ("in", Operator::Element),
    ("partial", Operator::Partial),
    ("infty", Operator::Infinity),
    ("dots", Operator::Dots),
    ("ldots", Operator::Dots),
    ("cdots", Operator::Dots),
    ("dotsc", Operator::Dots),
    ("dotsb", Operator::Dots),
    ("top", Operator::Transposed),
    ("intercal", Operator::Transposed),
    ("odot", Operator::Elementwise),
    ("circledcirc", Operator::Elementwise),
    ("quad", Operator::Space),
    ("qquad", Operator::Space),
];

/// Signs that are set as words are: they have no meaning of their own here.
const SIGNS: [(&str, &str); 20] = [
    ("mid", " | "),
    ("pm", "±"),
    ("mp", "∓"),
    ("nabla", "∇"),
    ("sim", " ∼ "),
    ("propto", " ∝ "),
    ("equiv", " ≡ "),
    ("circ", "∘"),
    ("mapsto", " → "),
    ("Leftrightarrow", " ⇔ "),
    ("iff", " ⇔ "),
    ("cup", " ∪ "),
    ("cap", " ∩ "),
    ("notin", " ∉ "),
    ("forall", "∀"),
    ("exists", "∃"),
    ("checkmark", "✓"),
    ("ell", "ℓ"),
    ("prime", "′"),
    ("emptyset", "∅"),
];

/// Commands that have braces behind them or a meaning of their own; for 'did you mean'.
const OTHERS: [&str; 20] = [
    "frac",
    "dfrac",
    "tfrac",
    "sqrt",
    "text",
    "mathrm",
    "operatorname",
    "sum",
    "prod",
    "left",
    "right",
    "begin",
    "end",
    "underbrace",
    "hat",
    "bar",
    "tilde",
    "dot",
    "vec",
    "mathbb",
];

/// The operator that a command sets.
pub(super) fn operator(name: &str) -> Option<Operator> {
    OPERATORS.iter().find(|(own, _)| *own == name).map(|(_, operator)| *operator)
}

/// The piece with its indices, where its kind has a place for them.
pub(super) fn attach(base: Math, lower: Option<Math>, upper: Option<Math>) -> Result<Math, String> {
    Ok(match base {
        Math::Big(sign, None, None) => Math::Big(sign, lower.map(Box::new), upper.map(Box::new)),
        Math::Function(name, None, None) => {
            let below = match &lower {
                Some(Math::Number(digits)) if name == "log" && digits == "2" => Some("2"),
                Some(Math::Number(digits)) if name == "log" && digits == "10" => Some("10"),
                Some(_) | None => None,
            };
            match (name.as_str(), lower, below) {
                ("max", Some(lower), _) => {
                    Math::Big(BigOperator::Max, Some(Box::new(lower)), upper.map(Box::new))
                }
                ("min", Some(lower), _) => {
                    Math::Big(BigOperator::Min, Some(Box::new(lower)), upper.map(Box::new))
                }
                (_, None, _) => Math::Function(name, None, upper.map(Box::new)),
                (_, Some(_), Some(below)) => Math::Function(name, Some(below), upper.map(Box::new)),
                (_, Some(lower), None) => {
                    let base = Math::Function(name, None, None).lowered(lower);
                    if let Some(upper) = upper { base.raised(upper) } else { base }
                }
            }
        }
        Math::Under(inner, words) if *words == Math::Row(vec![]) => match (lower, upper) {
            (Some(lower), None) => Math::Under(inner, Box::new(lower)),
            (None, None) => {
                return Err("the brace's words are missing: write \\underbrace{…}_{…}".into());
            }
            (_, Some(_)) => return Err("a brace under a piece has no upper index".into()),
        },
        Math::Name(letters, None) => {
            let index = match &lower {
                Some(Math::Number(digits)) => Some(digits.clone()),
                Some(Math::Name(index, None)) if index != "′" && index != "*" => {
                    Some(index.clone())
                }
                Some(_) | None => None,
            };
            let base = match (index, lower) {
                (Some(index), _) => Math::Name(letters, Some(index)),
                (None, Some(lower)) => Math::Name(letters, None).lowered(lower),
                (None, None) => Math::Name(letters, None),
            };
            if let Some(upper) = upper { base.raised(upper) } else { base }
        }
        base => {
            let base = if let Some(lower) = lower { base.lowered(lower) } else { base };
            if let Some(upper) = upper { base.raised(upper) } else { base }
        }
    })
}

impl Reader<'_> {
    /// What the command here sets.
    pub(super) fn command(&mut self, name: &str) -> Result<Math> {
        let start = self.position;
        if matches!(name, "left" | "{" | "|" | "lvert" | "lVert" | "vert" | "Vert" | "langle") {
            return self.fence_command(name);
        }
        self.advance();
        match name {
            "frac" | "dfrac" | "tfrac" | "cfrac" => {
                let numerator = self.braces()?;
                let denominator = self.braces()?;
                Ok(fraction(numerator, denominator))
            }
            "sqrt" => {
                if self.is_mark('[') {
                    let help = "write a power: x^{1/3}";
                    return Err(self
                        .fault("roots other than the square root are not read")
                        .help(help));
                }
                Ok(Math::Root(Box::new(self.braces()?)))
            }
            "text" | "textrm" | "mbox" | "textnormal" => Ok(Math::Text(self.words()?)),
            "mathrm" | "mathit" | "textit" => self.upright(),
            "operatorname" => self.operator_name(),
            "underbrace" => {
                let inner = self.braces()?;
                Ok(Math::Under(Box::new(inner), Box::new(Math::Row(vec![]))))
            }
            "sum" => Ok(Math::Big(BigOperator::Sum, None, None)),
            "prod" => Ok(Math::Big(BigOperator::Product, None, None)),
            "begin" => self.environment(start),
            "hat" | "widehat" => self.accented("hat", start),
            "bar" | "overline" => self.accented("bar", start),
            "tilde" | "widetilde" => self.accented("tilde", start),
            "dot" | "vec" => self.accented(name, start),
            "mathbb" => {
                let letter = self.raw()?;
                match letter.trim() {
                    "R" => Ok(Math::Name("ℝ".into(), None)),
                    "N" => Ok(Math::Name("ℕ".into(), None)),
                    "Z" => Ok(Math::Name("ℤ".into(), None)),
                    _ => Err(self.fault_at(start, "\\mathbb is read for R, N and Z only")),
                }
            }
            "pi" => Ok(Math::Pi),
            "epsilon" => Ok(Math::Name("ε".into(), None)),
            "phi" => Ok(Math::Name("φ".into(), None)),
            "%" | "#" | "&" | "_" | "$" => Ok(Math::Text(name.into())),
            name if COMMANDS.contains(&name) => Ok(Math::Function(name.into(), None, None)),
            name => {
                if let Some((letter, _)) = GREEK.iter().find(|(_, own)| *own == name) {
                    return Ok(Math::Name((*letter).into(), None));
                }
                if let Some((_, sign)) = SIGNS.iter().find(|(own, _)| *own == name) {
                    return Ok(match *sign {
                        "ℓ" | "′" | "∇" => Math::Name((*sign).into(), None),
                        sign => Math::Text(sign.into()),
                    });
                }
                Err(self.unknown(name, start))
            }
        }
    }

    fn unknown(&self, name: &str, start: usize) -> crate::Error {
        let error = self.fault_at(start, format!("the command \\{name} is not read"));
        let known = OPERATORS
            .iter()
            .map(|(name, _)| *name)
            .chain(SIGNS.iter().map(|(name, _)| *name))
            .chain(GREEK.iter().map(|(_, name)| *name))
            .chain(COMMANDS)
            .chain(OTHERS);
        match nearest(name, known) {
            Some(near) => error.help(format!("did you mean '\\{near}'?")),
            None => error.help("write words in \\text{…}, a function's name in \\operatorname{…}"),
        }
    }

    /// `\mathrm{d}` is a differential, `\mathrm{out}` a name.
    fn upright(&mut self) -> Result<Math> {
        let start = self.position;
        let word = self.raw()?;
        let word = word.trim().replace("\\_", "_");
        match word.as_str() {
            "" => Err(self.fault_at(start, "the braces are empty")),
            "d" => Ok(Math::Operator(Operator::Differential)),
            word if word.chars().all(|c| c.is_alphanumeric() || "_ .,-".contains(c)) => {
                Ok(Math::Name(word.into(), None))
            }
            _ => Err(self
                .fault_at(start, "a name has letters and digits only")
                .help("write words in \\text{…}")),
        }
    }

    fn operator_name(&mut self) -> Result<Math> {
        if self.is_mark('*') {
            self.advance();
        }
        let start = self.position;
        let name = self.raw()?;
        let name = match name.trim().strip_prefix("\\text{").and_then(|rest| rest.strip_suffix('}'))
        {
            Some(inner) => super::text::plain(inner),
            None => super::text::plain(name.trim()),
        };
        match name.is_empty() {
            true => Err(self.fault_at(start, "the braces are empty")),
            false => Ok(Math::Function(name, None, None)),
        }
    }

    fn accented(&mut self, command: &str, start: usize) -> Result<Math> {
        match self.braces()? {
            Math::Name(letter, index) => match accent::compose(&letter, command) {
                Some(letter) => Ok(Math::Name(letter, index)),
                None => Err(self.no_letter(command, start)),
            },
            _ => Err(self.no_letter(command, start)),
        }
    }

    fn no_letter(&self, command: &str, start: usize) -> crate::Error {
        self.fault_at(start, format!("\\{command} is read over a single letter only"))
    }

    /// The source between the braces that follow.
    pub(super) fn raw(&mut self) -> Result<String> {
        while *self.word() == Word::Space {
            self.advance();
        }
        let open = self.position;
        if !self.is_mark('{') {
            return Err(self.fault("a '{' was expected here").help("write it in braces: {…}"));
        }
        let start = self.token().range.end;
        let mut depth = 0usize;
        loop {
            match self.word() {
                Word::Mark('{') => depth += 1,
                Word::Mark('}') => depth -= 1,
                Word::End => {
                    return Err(self.fault_at(open, "this '{' is not closed").help("add a '}'"));
                }
                Word::Mark(_) | Word::Command(_) | Word::NewLine | Word::Space => {}
            }
            if depth == 0 {
                break;
            }
            self.advance();
        }
        let words = self.source[start..self.token().range.start].to_owned();
        self.advance();
        Ok(words)
    }
}

/// In `dJ/dw` the d is a differential.
fn fraction(numerator: Math, denominator: Math) -> Math {
    match (differential(&numerator), differential(&denominator)) {
        (Some(above), Some(below)) => Math::fraction(above, below),
        _ => Math::fraction(numerator, denominator),
    }
}

fn differential(piece: &Math) -> Option<Math> {
    let is_d = |part: &Math| {
        *part == Math::Name("d".into(), None) || *part == Math::Operator(Operator::Differential)
    };
    let d = Math::Operator(Operator::Differential);
    match piece {
        piece if is_d(piece) => Some(d),
        Math::Row(parts) => match parts.as_slice() {
            [first, Math::Operator(Operator::Beside), rest @ ..] if is_d(first) => {
                let mut row = vec![d];
                row.extend_from_slice(rest);
                Some(Math::Row(row))
            }
            [first, ..] if *first == d => Some(piece.clone()),
            _ => None,
        },
        _ => None,
    }
}
