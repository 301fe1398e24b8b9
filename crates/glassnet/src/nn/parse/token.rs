//! The words of Python's expressions, as far as networks need them.

use super::fault::fault;
use crate::error::Result;
use crate::nn::Scalar;
use std::ops::Range;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// `nn.Linear`, `True`: letters, digits, underscores, joined by dots.
    Name(String),
    /// `2`, `1e-5`, without a sign.
    Number(Scalar),
    /// `'tanh'`, without its quotes.
    Text(String),
    /// Any other sign.
    Mark(char),
    /// The end of the text.
    End,
}

/// A word and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) range: Range<usize>,
}

/// The words of `source`, the last of which is [`Word::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<Token>> {
    let mut tokens = vec![];
    let mut at = 0;
    while let Some(first) = source[at..].chars().next() {
        let start = at;
        let word = match first {
            space if space.is_whitespace() => {
                at += space.len_utf8();
                continue;
            }
            '#' => {
                at += source[at..].find('\n').unwrap_or(source.len() - at);
                continue;
            }
            '\'' | '"' => text(source, &mut at)?,
            digit if digit.is_ascii_digit() || starts_fraction(&source[at..]) => {
                number(source, &mut at)?
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                at += length(&source[at..], |c| c.is_alphanumeric() || c == '_' || c == '.');
                Word::Name(source[start..at].to_owned())
            }
            mark if "()[]{},=:-+*".contains(mark) => {
                at += 1;
                Word::Mark(mark)
            }
            other => {
                let end = at + other.len_utf8();
                return Err(fault(source, at..end, format!("{other:?} cannot stand here"))
                    .help("write a network such as Sequential(Linear(2, 3), ReLU())"));
            }
        };
        tokens.push(Token { word, range: start..at });
    }
    // The end is where the last word ended, so that carets don't point behind blanks.
    let end = tokens.last().map_or(0, |token: &Token| token.range.end);
    tokens.push(Token { word: Word::End, range: end..end });
    Ok(tokens)
}

fn starts_fraction(rest: &str) -> bool {
    let mut characters = rest.chars();
    characters.next() == Some('.') && characters.next().is_some_and(|c| c.is_ascii_digit())
}

fn length(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|character| !belongs(character)).unwrap_or(rest.len())
}

fn number(source: &str, at: &mut usize) -> Result<Word> {
    let start = *at;
    let digits = |rest: &str| length(rest, |c| c.is_ascii_digit() || c == '_');
    *at += digits(&source[*at..]);
    let mut whole = true;
    if source[*at..].starts_with('.') {
        whole = false;
        *at += 1;
        *at += digits(&source[*at..]);
    }
    if source[*at..].starts_with(['e', 'E']) {
        let signed = source[*at + 1..].strip_prefix(['+', '-']);
        let power = signed.unwrap_or(&source[*at + 1..]);
        if power.starts_with(|c: char| c.is_ascii_digit()) {
            whole = false;
            *at += 1 + usize::from(signed.is_some()) + digits(power);
        }
    }
    let stray = length(&source[*at..], |c| c.is_alphanumeric() || c == '_' || c == '.');
    if stray > 0 {
        let range = start..*at + stray;
        let what = format!("{} is no number", &source[range.clone()]);
        return Err(fault(source, range, what).help("write digits such as 32 or 1e-5"));
    }
    let range = start..*at;
    let shown = &source[range.clone()];
    let plain = shown.replace('_', "");
    if whole {
        let padded = plain.len() > 1 && plain.starts_with('0');
        return match plain.parse() {
            Ok(_) if padded => Err(fault(source, range, format!("{shown} begins with a zero"))
                .help("write it without leading zeros, as Python does")),
            Ok(value) => Ok(Word::Number(Scalar::Int(value))),
            Err(_) => {
                Err(fault(source, range, "this number is beyond 2^63").help("give a smaller one"))
            }
        };
    }
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Word::Number(Scalar::Float(value))),
        Ok(_) | Err(_) => Err(fault(source, range, format!("{shown} is beyond the floats"))
            .help("give a number below 1e308")),
    }
}

fn text(source: &str, at: &mut usize) -> Result<Word> {
    let start = *at;
    let mut characters = source[start..].char_indices();
    let Some((_, quote)) = characters.next() else { return Ok(Word::End) };
    let mut value = String::new();
    while let Some((place, character)) = characters.next() {
        match character {
            '\n' => break,
            '\\' => value.push(escaped(source, start + place, &mut characters)?),
            end if end == quote => {
                *at = start + place + 1;
                return Ok(Word::Text(value));
            }
            plain => value.push(plain),
        }
    }
    Err(fault(source, start..start + 1, "this quote is never closed")
        .help(format!("add {quote} at the text's end, on the same line")))
}

/// The character that an escape stands for; its backslash, at byte `start`, is read already.
fn escaped(source: &str, start: usize, rest: &mut std::str::CharIndices) -> Result<char> {
    let refused = |end: usize| {
        let what = format!("{} is no escape that is known here", &source[start..end]);
        fault(source, start..end, what).help(r"write \\ for a backslash")
    };
    let Some((_, letter)) = rest.next() else { return Err(refused(source.len())) };
    let digits = match letter {
        '\\' | '\'' | '"' => return Ok(letter),
        'n' => return Ok('\n'),
        'r' => return Ok('\r'),
        't' => return Ok('\t'),
        'x' => 2,
        'u' => 4,
        other => return Err(refused(start + 1 + other.len_utf8())),
    };
    let code: String = rest.by_ref().take(digits).map(|(_, digit)| digit).collect();
    let complete = code.len() == digits && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = if complete { u32::from_str_radix(&code, 16).ok() } else { None };
    value.and_then(char::from_u32).ok_or_else(|| refused(start + 2 + code.len()))
}
