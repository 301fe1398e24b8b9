//! The words of a formula.

use super::expression::Relation;
use super::fault::fault;
use super::number::Number;
use crate::error::Result;
use std::ops::Range;

/// A word of a formula.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Number(Number),
    Name(String),
    /// Raised digits: the size, and whether a raised minus stands before it.
    Raised(Number, bool),
    /// One of `+ - * / ^ ( ) [ ] | , √`, whichever way it was written.
    Mark(char),
    Relation(Relation),
    End,
}

/// A word with its bytes in the source.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) range: Range<usize>,
}

const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";

fn raised_digit(c: char) -> Option<usize> {
    RAISED.chars().position(|digit| digit == c)
}

/// The raised form of a string of digits.
pub(super) fn raise(digits: &str) -> String {
    let raised = |byte: u8| RAISED.chars().nth(usize::from(byte.wrapping_sub(b'0'))).unwrap_or('?');
    digits.bytes().map(raised).collect()
}

/// True for a letter that is a name by itself, as `π` in `2πz`: one outside ASCII.
fn is_lone_letter(c: char) -> bool {
    !c.is_ascii() && c.is_alphabetic() && raised_digit(c).is_none()
}

/// The length in bytes of the longest start of `text` whose characters all satisfy `test`.
fn run(text: &str, test: impl Fn(char) -> bool) -> usize {
    text.find(|c| !test(c)).unwrap_or(text.len())
}

fn is_index(c: char) -> bool {
    c.is_ascii_digit() || c == '_'
}

fn number_length(text: &str) -> usize {
    let digit = |c: char| c.is_ascii_digit();
    let mut length = run(text, digit);
    if text[length..].starts_with('.') {
        length += 1;
        length += run(&text[length..], digit);
    }
    // `2e` is twice Euler's number; `2e3` and `2e-3` are decimals.
    let rest = &text[length..];
    if rest.starts_with(['e', 'E']) {
        let sign = usize::from(rest[1..].starts_with(['+', '-']));
        let digits = run(&rest[1 + sign..], digit);
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    length
}

fn mark(text: &str) -> Option<(Word, usize)> {
    const MARKS: [(&str, char); 27] = [
        ("**", '^'),
        ("+", '+'),
        ("-", '-'),
        ("−", '-'),
        ("–", '-'),
        ("*", '*'),
        ("·", '*'),
        ("⋅", '*'),
        ("×", '*'),
        ("∙", '*'),
        ("/", '/'),
        ("÷", '/'),
        ("∕", '/'),
        ("^", '^'),
        ("(", '('),
        (")", ')'),
        ("[", '['),
        ("]", ']'),
        ("|", '|'),
        (",", ','),
        ("√", '√'),
        ("{", '{'),
        ("}", '}'),
        ("=", '='),
        ("!", '!'),
        ("%", '%'),
        ("'", '\''),
    ];
    const RELATIONS: [(&str, Relation); 6] = [
        ("<=", Relation::LessEqual),
        (">=", Relation::GreaterEqual),
        ("≤", Relation::LessEqual),
        ("≥", Relation::GreaterEqual),
        ("<", Relation::Less),
        (">", Relation::Greater),
    ];
    let relation = RELATIONS.iter().find(|(written, _)| text.starts_with(written));
    let marked = MARKS.iter().find(|(written, _)| text.starts_with(written));
    relation
        .map(|(written, relation)| (Word::Relation(*relation), written.len()))
        .or_else(|| marked.map(|(written, mark)| (Word::Mark(*mark), written.len())))
}

fn raised_word(text: &str) -> Option<(Word, usize)> {
    let negative = text.starts_with('⁻');
    let sign = if negative { '⁻'.len_utf8() } else { 0 };
    let length = run(&text[sign..], |c| raised_digit(c).is_some());
    let digits: String = text[sign..sign + length]
        .chars()
        .filter_map(raised_digit)
        .map(|digit| char::from(b'0' + digit as u8))
        .collect();
    Some((Word::Raised(Number::parse(&digits)?, negative), sign + length))
}

fn number_word(source: &str, start: usize) -> Result<(Word, usize)> {
    let length = number_length(&source[start..]);
    let text = &source[start..start + length];
    let number = Number::parse(text).ok_or_else(|| {
        fault(source, start..start + length, "this number is not within the range of f64")
            .help("numbers reach from 5e-324 to 1.79e308")
    })?;
    Ok((Word::Number(number), length))
}

/// The word at byte `start`, where a character that is no white space stands.
fn word(source: &str, start: usize, first: char) -> Result<(Word, usize)> {
    let rest = &source[start..];
    let dotted = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    if first.is_ascii_digit() || dotted {
        return number_word(source, start);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
        return Ok((Word::Name(rest[..length].to_string()), length));
    }
    if is_lone_letter(first) {
        let length = first.len_utf8() + run(&rest[first.len_utf8()..], is_index);
        return Ok((Word::Name(rest[..length].to_string()), length));
    }
    mark(rest).or_else(|| raised_word(rest)).ok_or_else(|| {
        let range = start..start + first.len_utf8();
        let shown =
            if first.is_control() { first.escape_unicode().to_string() } else { first.to_string() };
        fault(source, range, format!("'{shown}' has no meaning in a formula"))
    })
}

/// The words of `source`, with [`Word::End`] last.
pub(super) fn tokens(source: &str) -> Result<Vec<Token>> {
    let mut tokens = vec![];
    let mut start = 0;
    while let Some(first) = source[start..].chars().next() {
        if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        }
        let (word, length) = word(source, start, first)?;
        tokens.push(Token { word, range: start..start + length });
        start += length;
    }
    let end = source.trim_end().len();
    tokens.push(Token { word: Word::End, range: end..end });
    Ok(tokens)
}
