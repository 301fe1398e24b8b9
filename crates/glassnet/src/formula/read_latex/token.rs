//! LaTeX cut into commands and characters.

use super::super::fault::fault;
use crate::error::Result;
use std::ops::Range;

/// A word of LaTeX mathematics.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A command without its backslash: `frac`, `{`.
    Command(String),
    /// A character.
    Mark(char),
    /// `\\`
    NewLine,
    /// Spaces, commands that set spaces, comments.
    Space,
    End,
}

/// A word with its bytes in the source.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) range: Range<usize>,
}

/// Commands that only change spaces or sizes.
const SPACES: [&str; 17] = [
    ",",
    ";",
    ":",
    "!",
    " ",
    "thinspace",
    "enspace",
    "displaystyle",
    "textstyle",
    "limits",
    "nolimits",
    "big",
    "Big",
    "bigl",
    "bigr",
    "Bigl",
    "Bigr",
];

/// The words of `text`, ending with [`Word::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = vec![];
    let mut rest = text.char_indices().peekable();
    while let Some((start, character)) = rest.next() {
        let mut end = start + character.len_utf8();
        let word = match character {
            '\\' => {
                let Some((_, first)) = rest.next() else {
                    let what = "a backslash at the end names no command";
                    return Err(fault(text, start..end, what).help("remove it"));
                };
                end += first.len_utf8();
                let mut name = first.to_string();
                while first.is_ascii_alphabetic()
                    && let Some((_, letter)) = rest.next_if(|(_, c)| c.is_ascii_alphabetic())
                {
                    name.push(letter);
                    end += 1;
                }
                match name.as_str() {
                    "\\" | "cr" => Word::NewLine,
                    name if SPACES.contains(&name) => Word::Space,
                    _ => Word::Command(name),
                }
            }
            '~' => Word::Space,
            '%' => {
                while let Some((_, skipped)) = rest.next_if(|(_, c)| *c != '\n') {
                    end += skipped.len_utf8();
                }
                Word::Space
            }
            space if space.is_whitespace() => Word::Space,
            other => Word::Mark(other),
        };
        tokens.push(Token { word, range: start..end });
    }
    tokens.push(Token { word: Word::End, range: text.len()..text.len() });
    Ok(tokens)
}
