//! Python call expressions such as `SGD(lr=0.1, momentum=0.9)`: the notation of optimisers, schedules and clipping.
//!
//! ```text
//! call     = name [ "(" [ argument { "," argument } [ "," ] ] ")" ] .
//! argument = [ name "=" ] value .
//! value    = number | "True" | "False" | "None" | "inf" | "nan" | string | "(" values ")" | "[" values "]" | call .
//! ```
//!
//! Every error shows the text with carets below the part that is wrong.

mod parser;

use std::fmt;
use std::ops::Range;

use crate::error::{Error, Result};

/// Longer texts are refused before they take time or memory.
const MAX_BYTES: usize = 64 << 10;
/// Values may nest this deep, so that a hostile text cannot exhaust the stack.
const MAX_DEPTH: usize = 32;

/// A value of Python's notation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spanned>),
    Call(Call),
}

/// A value and the bytes of the text that it came from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spanned {
    pub(super) literal: Literal,
    pub(super) span: Range<usize>,
}

/// A name, or a name with arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// The last part of a dotted name: `SGD` of `torch.optim.SGD`.
    pub(super) name: String,
    pub(super) span: Range<usize>,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug, PartialEq)]
struct Argument {
    name: Option<(String, Range<usize>)>,
    value: Spanned,
}

/// What a callable accepts: its parameters in order, of which the first `positional` need no name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [&'static str],
    pub(super) positional: usize,
}

/// The arguments of a call, matched to the parameters of a signature.
#[derive(Clone, Debug)]
pub(super) struct Arguments<'a> {
    pub(super) source: &'a str,
    span: Range<usize>,
    callee: &'static str,
    values: Vec<(&'static str, Spanned)>,
}

/// An option whose value cannot be used: which one, what is wrong, what would be right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) option: &'static str,
    pub(super) what: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn new(
        option: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Fault { option, what: what.into(), help: help.into() }
    }

    /// The error of an option that was not read from a text.
    pub(super) fn into_error(self, callee: &str) -> Error {
        Error::usage(self.what).at(format!("{callee}, {}", self.option)).help(self.help)
    }
}

/// Reads one call that takes up the whole text.
pub(super) fn parse(source: &str) -> Result<Call> {
    if source.len() > MAX_BYTES {
        return Err(Error::usage("the expression is longer than 64 KiB"));
    }
    let mut parser = parser::Parser { source, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.at < source.len() {
        let rest = parser.at..source.len();
        return Err(complain(source, rest, "nothing more is expected after the expression"));
    }
    match value.literal {
        Literal::Call(call) => Ok(call),
        _ => Err(complain(
            source,
            value.span,
            "a name is expected here, such as adam or Adam(lr=0.01)",
        )),
    }
}

/// An error with the text and carets below `span`.
pub(super) fn complain(source: &str, span: Range<usize>, what: impl Into<String>) -> Error {
    let column = source.get(..span.start).map_or(0, |text| text.chars().count());
    let marked = source.get(span).map_or(1, |text| text.trim_end().chars().count());
    Error::usage(what).pointing(source, column, marked)
}

/// The candidate that differs least from `given`, if it is near enough to be a slip.
pub(super) fn nearest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = given.to_lowercase();
    let limit = given.chars().count().div_ceil(3).min(3);
    candidates
        .into_iter()
        // Texts of very different length are no slip, and comparing long ones takes time.
        .filter(|candidate| candidate.len().abs_diff(given.len()) <= 8)
        .map(|candidate| (strsim::levenshtein(&given, &candidate.to_lowercase()), candidate))
        .filter(|&(slips, _)| slips <= limit)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, candidate)| candidate)
}

impl Call {
    /// Matches the arguments to the parameters, as Python does.
    pub(super) fn bind<'a>(self, source: &'a str, signature: Signature) -> Result<Arguments<'a>> {
        let callee = signature.name;
        let mut values: Vec<(&'static str, Spanned)> = vec![];
        for (index, Argument { name, value }) in self.arguments.into_iter().enumerate() {
            let (parameter, span) = match name {
                Some((name, span)) => (keyword(source, signature, &name, &span)?, span),
                None if index < signature.positional => {
                    (signature.parameters[index], value.span.clone())
                }
                None => {
                    let what = match signature.positional {
                        0 => format!("{callee}() takes no arguments without a name"),
                        most => format!("{callee}() takes at most {most} arguments without a name"),
                    };
                    return Err(complain(source, value.span, what));
                }
            };
            if values.iter().any(|(other, _)| *other == parameter) {
                let what = format!("{callee}() got multiple values for argument '{parameter}'");
                return Err(complain(source, span, what));
            }
            values.push((parameter, value));
        }
        Ok(Arguments { source, span: self.span, callee, values })
    }

    /// Whether the first argument is the bare name `name`; if so it is dropped.
    pub(super) fn drop_first(&mut self, name: &str) {
        let first = self.arguments.first().filter(|argument| argument.name.is_none());
        if let Some(Literal::Call(call)) = first.map(|argument| &argument.value.literal)
            && call.name == name
            && call.arguments.is_empty()
        {
            self.arguments.remove(0);
        }
    }
}

fn keyword(
    source: &str,
    signature: Signature,
    name: &str,
    span: &Range<usize>,
) -> Result<&'static str> {
    let known = signature.parameters;
    known.iter().copied().find(|parameter| *parameter == name).ok_or_else(|| {
        let what = format!("{}() got an unexpected keyword argument '{name}'", signature.name);
        let help = match nearest(name, known.iter().copied()) {
            Some(parameter) => format!("did you mean '{parameter}'?"),
            None => format!("it takes {}", known.join(", ")),
        };
        complain(source, span.clone(), what).help(help)
    })
}

impl Arguments<'_> {
    /// The value of a parameter, or `default` if it is not given.
    pub(super) fn get<T: FromLiteral>(&self, name: &'static str, default: T) -> Result<T> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// The value of a parameter, if it is given and is not `None`.
    pub(super) fn optional<T: FromLiteral>(&self, name: &'static str) -> Result<Option<T>> {
        match self.values.iter().find(|(parameter, _)| *parameter == name) {
            None => Ok(None),
            Some((_, value)) if value.literal == Literal::None => Ok(None),
            Some((_, value)) => match T::from_literal(&value.literal) {
                Some(read) => Ok(Some(read)),
                None => {
                    let what = format!("{}() expects {} for '{name}'", self.callee, T::EXPECTED);
                    Err(complain(self.source, value.span.clone(), what))
                }
            },
        }
    }

    /// The value of a parameter that has no default.
    pub(super) fn require<T: FromLiteral>(&self, name: &'static str) -> Result<T> {
        self.optional(name)?.ok_or_else(|| {
            let what = format!("{}() missing 1 required argument: '{name}'", self.callee);
            complain(self.source, self.span.clone(), what)
        })
    }

    /// The error of an option's value, with carets below that value.
    pub(super) fn error(&self, fault: Fault) -> Error {
        let given = self.values.iter().find(|(parameter, _)| *parameter == fault.option);
        let span = given.map_or(self.span.clone(), |(_, value)| value.span.clone());
        complain(self.source, span, fault.what).help(fault.help)
    }
}

/// A type that an argument can be read as.
pub(super) trait FromLiteral: Sized {
    /// What the error says was expected.
    const EXPECTED: &'static str;
    /// `None` if the literal is something else.
    fn from_literal(literal: &Literal) -> Option<Self>;
}

impl FromLiteral for f64 {
    const EXPECTED: &'static str = "a number";
    fn from_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Int(value) => Some(*value as f64),
            Literal::Float(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromLiteral for u64 {
    const EXPECTED: &'static str = "a whole number of at least 0";
    fn from_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Int(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }
}

impl FromLiteral for bool {
    const EXPECTED: &'static str = "True or False";
    fn from_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromLiteral for String {
    const EXPECTED: &'static str = "a text in quotes";
    fn from_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Text(value) => Some(value.clone()),
            _ => None,
        }
    }
}

impl FromLiteral for (f64, f64) {
    const EXPECTED: &'static str = "two numbers in parentheses";
    fn from_literal(literal: &Literal) -> Option<Self> {
        match <Vec<f64>>::from_literal(literal)?[..] {
            [first, second] => Some((first, second)),
            _ => None,
        }
    }
}

impl FromLiteral for Vec<f64> {
    const EXPECTED: &'static str = "a list of numbers";
    fn from_literal(literal: &Literal) -> Option<Self> {
        elements(literal)
    }
}

impl FromLiteral for Vec<u64> {
    const EXPECTED: &'static str = "a list of whole numbers of at least 0";
    fn from_literal(literal: &Literal) -> Option<Self> {
        elements(literal)
    }
}

impl FromLiteral for Call {
    const EXPECTED: &'static str = "a call";
    fn from_literal(literal: &Literal) -> Option<Self> {
        match literal {
            Literal::Call(call) => Some(call.clone()),
            _ => None,
        }
    }
}

impl FromLiteral for Vec<Call> {
    const EXPECTED: &'static str = "a list of schedules";
    fn from_literal(literal: &Literal) -> Option<Self> {
        elements(literal)
    }
}

fn elements<T: FromLiteral>(literal: &Literal) -> Option<Vec<T>> {
    match literal {
        Literal::List(list) => list.iter().map(|item| T::from_literal(&item.literal)).collect(),
        _ => None,
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::None => f.write_str("None"),
            Literal::Bool(true) => f.write_str("True"),
            Literal::Bool(false) => f.write_str("False"),
            Literal::Int(value) => write!(f, "{value}"),
            Literal::Float(value) if value.is_nan() => f.write_str("nan"),
            Literal::Float(value) => write!(f, "{value:?}"),
            Literal::Text(text) => write!(f, "'{text}'"),
            Literal::List(items) => write_list(f, items),
            Literal::Call(call) => f.write_str(&call.name),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[Spanned]) -> fmt::Result {
    let items: Vec<String> = items.iter().map(|item| item.literal.to_string()).collect();
    write!(f, "[{}]", items.join(", "))
}

#[cfg(test)]
mod tests;
