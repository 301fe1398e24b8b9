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

/// How long the word is with which `rest` begins: up to a space or a bracket, outside of an index and of quotes.
fn word_length(rest: &str) -> usize {
    let (mut index, mut quoted) = (false, false);
    let end = rest.find(|c: char| {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => index = true,
            ']' if !quoted => index = false,
            _ => {} // not operations: other characters open and close nothing
        }
        !index && !quoted && (c.is_whitespace() || c == '(' || c == ')')
    });
    end.unwrap_or(rest.len())
}

/// The lists of a text, one after the other; `;` begins a comment.
pub(super) fn parse<'a>(text: &'a str, name: &str) -> Result<Vec<Tree<'a>>, Error> {
    let mut open: Vec<(Vec<Tree<'a>>, Place)> = vec![];
    let mut done = vec![];
    for (number, line) in text.lines().enumerate() {
        let line = line.split(';').next().unwrap_or_default();
        let mut rest = line;
        // Where on this line the word before begins, if an index may follow it.
        let mut before: Option<usize> = None;
        loop {
            rest = rest.trim_start();
            let Some(first) = rest.chars().next() else { break };
            let at = line.len() - rest.len();
            let column = line[..at].chars().count() + 1;
            let place = Place { line: number + 1, column };
            let indexed = before.take();
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
                    let length = word_length(rest);
                    rest = &rest[length..];
                    // An index with a space before it belongs to its word.
                    if let (Some(start), '[', Some((parts, _))) = (indexed, first, open.last_mut())
                        && let Some(Tree::Word(word, _)) = parts.last_mut()
                    {
                        *word = &line[start..at + length];
                        continue;
                    }
                    let declares = match open.last() {
                        Some((parts, _)) => {
                            matches!(parts.first(), Some(Tree::Word(first, _)) if first.starts_with("declare-"))
                        }
                        None => false,
                    };
                    let word = &line[at..at + length];
                    let named = first.is_ascii_alphabetic() && !word.ends_with(']');
                    before = (named && !declares).then_some(at);
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
