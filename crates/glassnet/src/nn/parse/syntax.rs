//! From words to a tree of calls and literals, nothing known about layers yet.

use super::fault::fault;
use super::token::{Token, Word, tokens};
use super::{MAX_BYTES, MAX_NESTING};
use crate::error::{Error, Result};
use crate::nn::Scalar;
use std::ops::Range;

/// An expression and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    None,
    Bool(bool),
    Number(Scalar),
    Text(String),
    /// A tuple or list.
    List(Vec<Node>),
    /// A dictionary.
    Pairs(Vec<(Node, Node)>),
    /// A name without brackets behind it.
    Name(String),
    Call(Call),
}

/// `name(arguments)`.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) name_range: Range<usize>,
    pub(super) arguments: Vec<Argument>,
}

/// An argument, perhaps with its name.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    pub(super) name: Option<(String, Range<usize>)>,
    pub(super) value: Node,
}

/// The one expression of `source`.
pub(super) fn read(source: &str) -> Result<Node> {
    if source.len() > MAX_BYTES {
        let what = format!("the network's text has {} bytes", source.len());
        return Err(Error::usage(what).help(format!("at most {MAX_BYTES} are read")));
    }
    if source.trim().is_empty() {
        return Err(Error::usage("the network's text is empty")
            .help("write one such as Sequential(Linear(2, 3), ReLU()), or widths such as 6-32-4"));
    }
    let mut reader = Reader { source, tokens: tokens(source)?, next: 0, nesting: 0 };
    let node = reader.expression()?;
    reader.accept(',');
    match reader.word() {
        Word::End => Ok(node),
        Word::Mark(')' | ']' | '}') => {
            Err(reader.fault("this bracket closes nothing").help("remove it"))
        }
        _ => Err(reader
            .fault("the network ends before this")
            .help("put all layers into one Sequential(…)")),
    }
}

struct Reader<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    next: usize,
    nesting: usize,
}

impl Reader<'_> {
    fn word(&self) -> &Word {
        &self.tokens[self.next].word
    }

    fn range(&self) -> Range<usize> {
        self.tokens[self.next].range.clone()
    }

    fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn accept(&mut self, mark: char) -> bool {
        let found = *self.word() == Word::Mark(mark);
        if found {
            self.advance();
        }
        found
    }

    fn fault(&self, what: impl Into<String>) -> Error {
        fault(self.source, self.range(), what)
    }

    fn expression(&mut self) -> Result<Node> {
        let range = self.range();
        let kind = match self.word().clone() {
            Word::Name(name) => {
                self.advance();
                if *self.word() == Word::Mark('(') {
                    return self.call(name, range);
                }
                match name.as_str() {
                    "None" => Kind::None,
                    "True" => Kind::Bool(true),
                    "False" => Kind::Bool(false),
                    _ => Kind::Name(name),
                }
            }
            Word::Number(number) => {
                self.advance();
                Kind::Number(number)
            }
            Word::Text(text) => {
                self.advance();
                Kind::Text(text)
            }
            Word::Mark(sign @ ('-' | '+')) => return self.signed(sign),
            Word::Mark('(') => return self.brackets(),
            Word::Mark('[') => {
                let items = self.enclosed(']', Reader::expression)?;
                Kind::List(items)
            }
            Word::Mark('{') => Kind::Pairs(self.enclosed('}', Reader::pair)?),
            Word::End => {
                return Err(self.fault("the network ends where a layer or value was expected"));
            }
            Word::Mark(mark) => {
                let what = format!("a layer or value was expected before '{mark}'");
                return Err(self.fault(what));
            }
        };
        Ok(Node { kind, range: range.start..self.end() })
    }

    /// The end of the word before.
    fn end(&self) -> usize {
        self.tokens[self.next.saturating_sub(1)].range.end
    }

    fn signed(&mut self, sign: char) -> Result<Node> {
        let start = self.range().start;
        self.advance();
        let Word::Number(number) = *self.word() else {
            return Err(self.fault(format!("a number was expected after '{sign}'")));
        };
        self.advance();
        let number = match (sign, number) {
            ('-', Scalar::Int(value)) => Scalar::Int(-value),
            ('-', Scalar::Float(value)) => Scalar::Float(-value),
            (_, own) => own,
        };
        Ok(Node { kind: Kind::Number(number), range: start..self.end() })
    }

    /// A tuple, or an expression in brackets.
    fn brackets(&mut self) -> Result<Node> {
        let start = self.range().start;
        let mut items = self.enclosed(')', Reader::expression)?;
        let comma = self.tokens[self.next.saturating_sub(2)].word == Word::Mark(',');
        let range = start..self.end();
        match items.len() {
            1 if !comma => Ok(Node { range, ..items.remove(0) }),
            _ => Ok(Node { kind: Kind::List(items), range }),
        }
    }

    fn call(&mut self, name: String, name_range: Range<usize>) -> Result<Node> {
        let arguments = self.enclosed(')', Reader::argument)?;
        let range = name_range.start..self.end();
        Ok(Node { kind: Kind::Call(Call { name, name_range, arguments }), range })
    }

    fn argument(&mut self) -> Result<Argument> {
        let range = self.range();
        let equals = self.tokens.get(self.next + 1).map(|token| &token.word);
        if let (Word::Name(name), Some(Word::Mark('='))) = (self.word().clone(), equals) {
            self.advance();
            self.advance();
            return Ok(Argument { name: Some((name, range)), value: self.expression()? });
        }
        if let Word::Mark('*') = self.word() {
            return Err(self.fault("arguments with a star are not read").help("write them out"));
        }
        Ok(Argument { name: None, value: self.expression()? })
    }

    fn pair(&mut self) -> Result<(Node, Node)> {
        let key = self.expression()?;
        if !self.accept(':') {
            return Err(self.fault("a colon and the key's value were expected"));
        }
        Ok((key, self.expression()?))
    }

    /// What stands between the bracket here and `close`, separated by commas, perhaps with one at the end.
    fn enclosed<T>(&mut self, close: char, item: fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let opening = self.range();
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            let what = format!("the network is nested deeper than {MAX_NESTING}");
            return Err(self.fault(what).help("write it with fewer brackets"));
        }
        self.advance();
        let mut items = vec![];
        while !self.accept(close) {
            if *self.word() == Word::End {
                return Err(fault(self.source, opening, "this bracket is never closed")
                    .help(format!("add '{close}'")));
            }
            items.push(item(self)?);
            if self.accept(',') || *self.word() == Word::Mark(close) || *self.word() == Word::End {
                continue;
            }
            return Err(match self.word() {
                Word::Mark(other @ (')' | ']' | '}')) => {
                    let what = format!("'{close}' was expected here, not '{other}'");
                    self.fault(what).help("pair the brackets")
                }
                _ => self.fault("a comma is missing before this").help("separate by commas"),
            });
        }
        self.nesting -= 1;
        Ok(items)
    }
}
