//! Python call expressions such as `SGD(lr=0.1, momentum=0.9)`: the notation of optimisers, schedules and clipping.
//!
//! ```text
//! call     = name [ "(" [ argument { "," argument } [ "," ] ] ")" ] .
//! argument = [ name "=" ] value .
//! value    = number | "True" | "False" | "None" | "inf" | "nan" | string | "(" values ")" | "[" values "]" | call .
//! ```
//!
//! Every error shows the text with carets below the part that is wrong.

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
    let mut parser = Parser { source, at: 0 };
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
    // Control characters are shown as spaces, so that the text stays one line and the carets stay below it.
    let line: String = source.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let before = source.get(..span.start).map_or(0, |text| text.chars().count());
    let below = source.get(span).map_or(1, |text| text.trim_end().chars().count()).max(1);
    Error::usage(what).detail(line).detail(format!("{}{}", " ".repeat(before), "^".repeat(below)))
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
        .map(|candidate| (distance(&given, &candidate.to_lowercase()), candidate))
        .filter(|&(slips, _)| slips <= limit)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements between two texts (Levenshtein). Long texts are as far as can be.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 3 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
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

struct Parser<'a> {
    source: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn here(&self, what: impl Into<String>) -> Error {
        let end = self.at + self.rest().chars().next().map_or(0, char::len_utf8);
        complain(self.source, self.at..end, what)
    }

    fn value(&mut self, depth: usize) -> Result<Spanned> {
        self.skip_space();
        if depth > MAX_DEPTH {
            return Err(self.here(format!("values may nest at most {MAX_DEPTH} deep")));
        }
        let start = self.at;
        let literal = match self.rest().chars().next() {
            Some('(') => self.list(")", depth)?,
            Some('[') => self.list("]", depth)?,
            Some(quote @ ('"' | '\'')) => self.text(quote)?,
            Some(c) if c.is_ascii_digit() || matches!(c, '.' | '-' | '+') => self.number()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.word(depth)?,
            Some(_) => return Err(self.here("a value is expected here")),
            None if self.source.trim().is_empty() => {
                return Err(Error::usage("the expression is empty"));
            }
            None => {
                return Err(self.here("the expression ends too early; a value is expected here"));
            }
        };
        Ok(Spanned { literal, span: start..self.at })
    }

    fn list(&mut self, close: &str, depth: usize) -> Result<Literal> {
        self.at += 1;
        let mut items = vec![];
        loop {
            if self.eat(close) {
                return Ok(Literal::List(items));
            }
            items.push(self.value(depth + 1)?);
            if !self.eat(",") && !self.rest().starts_with(close) {
                return Err(self.here(format!("a comma or '{close}' is expected here")));
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<Literal> {
        let start = self.at;
        self.at += 1;
        let text = self.take_while(|c| c != quote);
        if !self.eat(&quote.to_string()) {
            return Err(complain(self.source, start..self.at, "the closing quote is missing"));
        }
        Ok(Literal::Text(text.to_owned()))
    }

    fn number(&mut self) -> Result<Literal> {
        let start = self.at;
        let negative = self.rest().starts_with('-');
        if self.rest().starts_with(['-', '+']) {
            self.at += 1;
        }
        let digits = self.at;
        self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
        // An exponent's sign follows its letter directly.
        if self.source[digits..self.at].ends_with(['e', 'E']) && self.rest().starts_with(['-', '+'])
        {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit() || c == '_');
        }
        let text: String = self.source[digits..self.at].chars().filter(|&c| c != '_').collect();
        let sign = if negative { "-" } else { "" };
        if let Ok(value) = format!("{sign}{text}").parse::<i64>() {
            return Ok(Literal::Int(value));
        }
        // `inf` and `nan` are read so that they can be refused by the option's own name.
        let special = matches!(text.as_str(), "inf" | "nan");
        let plain = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        match text.parse::<f64>() {
            Ok(value) if plain || special => {
                Ok(Literal::Float(if negative { -value } else { value }))
            }
            Ok(_) | Err(_) => {
                let end = self.at.max(start + 1);
                Err(complain(self.source, start..end, "this is not a number"))
            }
        }
    }

    fn word(&mut self, depth: usize) -> Result<Literal> {
        let start = self.at;
        let dotted = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let name = dotted.rsplit('.').next().unwrap_or(dotted).to_owned();
        let span = start..self.at;
        let arguments = if self.eat("(") { Some(self.arguments(depth)?) } else { None };
        Ok(match (dotted, arguments) {
            ("True", None) => Literal::Bool(true),
            ("False", None) => Literal::Bool(false),
            ("None", None) => Literal::None,
            ("inf" | "math.inf", None) => Literal::Float(f64::INFINITY),
            ("nan" | "math.nan", None) => Literal::Float(f64::NAN),
            (_, arguments) => {
                Literal::Call(Call { name, span, arguments: arguments.unwrap_or_default() })
            }
        })
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Argument>> {
        let mut arguments: Vec<Argument> = vec![];
        loop {
            if self.eat(")") {
                return Ok(arguments);
            }
            let name = self.argument_name();
            let value = self.value(depth + 1)?;
            if name.is_none() && arguments.last().is_some_and(|previous| previous.name.is_some()) {
                let what = "positional argument follows keyword argument";
                return Err(complain(self.source, value.span, what).help("name it"));
            }
            arguments.push(Argument { name, value });
            if !self.eat(",") && !self.rest().starts_with(')') {
                return Err(self.here("a comma or ')' is expected here"));
            }
        }
    }

    fn argument_name(&mut self) -> Option<(String, Range<usize>)> {
        self.skip_space();
        let start = self.at;
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_').to_owned();
        let span = start..self.at;
        if !name.is_empty() && self.eat("=") {
            return Some((name, span));
        }
        self.at = start;
        None
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
mod tests {
    use super::*;

    const SIGNATURE: Signature =
        Signature { name: "F", parameters: &["rate", "pair", "flag", "text"], positional: 2 };

    fn bind(source: &str) -> Result<Arguments<'_>> {
        parse(source)?.bind(source, SIGNATURE)
    }

    #[track_caller]
    fn check_error(source: &str, expected: &str) {
        let error = bind(source)
            .and_then(|arguments| {
                arguments.optional::<f64>("rate")?;
                arguments.optional::<(f64, f64)>("pair")?;
                arguments.optional::<bool>("flag")?;
                arguments.optional::<String>("text").map(|_| ())
            })
            .expect_err("the text has a fault");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn reads_python_literals() -> Result<()> {
        let arguments = bind("torch.optim.F( 1e-3, pair=[.5, -2_0.], flag=True, text='cos', )")?;
        assert_eq!(arguments.require::<f64>("rate")?, 1e-3);
        assert_eq!(arguments.require::<(f64, f64)>("pair")?, (0.5, -20.0));
        assert!(arguments.require::<bool>("flag")?);
        assert_eq!(arguments.require::<String>("text")?, "cos");
        let arguments = bind("F(rate=+1E+2, text=None)")?;
        assert_eq!(arguments.require::<f64>("rate")?, 100.0);
        assert_eq!(arguments.optional::<String>("text")?, None);
        assert!(bind("F(1e400)")?.require::<f64>("rate")?.is_infinite());
        assert!(bind("F(float_)")?.require::<f64>("rate").is_err());
        assert_eq!(bind("F(rate=-inf)")?.require::<f64>("rate")?, f64::NEG_INFINITY);
        Ok(())
    }

    #[test]
    fn faults_are_shown_with_carets() {
        check_error(
            "F(flga=True)",
            "F() got an unexpected keyword argument 'flga'; did you mean 'flag'?\n  F(flga=True)\n    ^^^^",
        );
        check_error(
            "F(1, rate=2)",
            "F() got multiple values for argument 'rate'\n  F(1, rate=2)\n       ^^^^",
        );
        check_error(
            "F(1, (1, 2), True)",
            "F() takes at most 2 arguments without a name\n  F(1, (1, 2), True)\n               ^^^^",
        );
        check_error(
            "F(1, 2)",
            "F() expects two numbers in parentheses for 'pair'\n  F(1, 2)\n       ^",
        );
        check_error("F(1,, 2)", "a value is expected here\n  F(1,, 2)\n      ^");
        check_error("F(1 2)", "a comma or ')' is expected here\n  F(1 2)\n      ^");
        check_error("F(é=1.5.2)", "this is not a number\n  F(é=1.5.2)\n      ^^^^^");
        check_error("F(0x10)", "this is not a number\n  F(0x10)\n    ^^^^");
        check_error("F(text='a)", "the closing quote is missing\n  F(text='a)\n         ^^^");
        check_error("F() x", "nothing more is expected after the expression\n  F() x\n      ^");
        check_error("  ", "the expression is empty");
        check_error(
            "F(rate=1, 2)",
            "positional argument follows keyword argument; name it\n  F(rate=1, 2)\n            ^",
        );
    }

    #[test]
    fn hostile_texts_are_refused() {
        assert!(parse(&"(".repeat(MAX_BYTES + 1)).is_err());
        for open in ["(", "[", "F(", "F(a="] {
            assert!(parse(&open.repeat(10_000)).is_err());
        }
        for text in
            ["é", "F(\u{0}", "F(=1)", "F(-)", "F(+", "F(1e", "F(1e-", "\"", "1", "-", "F)", "F(._)"]
        {
            // Whatever the answer, it is an answer.
            let _ = bind(text).map(|arguments| arguments.optional::<f64>("rate"));
        }
    }

    #[test]
    fn near_names_are_found() {
        assert_eq!(nearest("momentun", ["lr", "momentum"]), Some("momentum"));
        assert_eq!(nearest("LR", ["lr", "momentum"]), Some("lr"));
        assert_eq!(nearest("xyz", ["lr", "momentum"]), None);
    }
}
