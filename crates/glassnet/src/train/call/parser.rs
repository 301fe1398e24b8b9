//! From text to [`Call`]: one token after the other, each with its place.

use std::ops::Range;

use super::{Argument, Call, Literal, MAX_DEPTH, Spanned, complain};
use crate::error::{Error, Result};

/// A position in the text.
pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    pub(super) fn skip_space(&mut self) {
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

    pub(super) fn value(&mut self, depth: usize) -> Result<Spanned> {
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
