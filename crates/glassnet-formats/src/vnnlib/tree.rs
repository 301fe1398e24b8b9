//! Brackets and words with their places.

use glassnet::{Error, ErrorKind};

/// The deepest nesting of brackets.
const DEEPEST: usize = 64;

/// A word or a list in brackets.
#[derive(Debug)]
pub(super) enum Tree<'a> {
    Word(&'a str, Place),
    List(Vec<Tree<'a>>, Place),
}

/// Where something begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// An error at this place of the file `name`.
    pub(super) fn error(self, name: &str, what: impl Into<String>) -> Error {
        Error::model(what).at(format!("{name}:{}:{}", self.line, self.column))
    }
}

impl<'a> Tree<'a> {
    pub(super) fn place(&self) -> Place {
        match self {
            Tree::Word(_, place) | Tree::List(_, place) => *place,
        }
    }

    /// The list's first word and the rest, if it begins with a word.
    pub(super) fn call(&self) -> Option<(&'a str, &[Tree<'a>])> {
        match self {
            Tree::List(parts, _) => match parts.split_first() {
                Some((Tree::Word(word, _), rest)) => Some((word, rest)),
                Some((Tree::List(..), _)) | None => None,
            },
            Tree::Word(..) => None,
        }
    }
}

/// The lists of a text, one after the other; `;` begins a comment.
pub(super) fn parse<'a>(text: &'a str, name: &str) -> Result<Vec<Tree<'a>>, Error> {
    let mut open: Vec<(Vec<Tree<'a>>, Place)> = vec![];
    let mut done = vec![];
    for (number, line) in text.lines().enumerate() {
        let line = line.split(';').next().unwrap_or_default();
        let mut rest = line;
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { break };
            let column = line[..line.len() - rest.len()].chars().count() + 1;
            let place = Place { line: number + 1, column };
            let tree = match first {
                '(' => {
                    rest = &rest[1..];
                    if open.len() == DEEPEST {
                        let what = format!("brackets are nested more than {DEEPEST} deep");
                        let place = format!("{name}:{}:{column}", number + 1);
                        return Err(Error::new(ErrorKind::Limit, what).at(place));
                    }
                    open.push((vec![], place));
                    continue;
                }
                ')' => {
                    rest = &rest[1..];
                    let Some((parts, begin)) = open.pop() else {
                        return Err(place.error(name, "a bracket is closed that was not opened"));
                    };
                    Tree::List(parts, begin)
                }
                _ => {
                    let end = rest
                        .find(|c: char| c.is_whitespace() || c == '(' || c == ')')
                        .unwrap_or(rest.len());
                    let (word, after) = rest.split_at(end);
                    rest = after;
                    Tree::Word(word, place)
                }
            };
            match open.last_mut() {
                Some((parts, _)) => parts.push(tree),
                None => done.push(tree),
            }
        }
    }
    match open.pop() {
        Some((_, place)) => Err(place.error(name, "a bracket is not closed")),
        None => Ok(done),
    }
}
