//! Words within `\text{…}`, as people read them: the opposite of [`escape_latex`](super::super::escape_latex).

use super::super::latex::GREEK;
use super::super::latex_words::SIGNS;
use super::super::line;
use super::Reader;
use crate::error::Result;

/// Characters by the commands that set them in words.
const NAMED: [(&str, &str); 12] = [
    ("textbackslash", "\\"),
    ("textasciicircum", "^"),
    ("textasciitilde", "~"),
    ("textless", "<"),
    ("textgreater", ">"),
    ("textbar", "|"),
    ("textasciigrave", "`"),
    ("textquotedbl", "\""),
    ("textquotesingle", "'"),
    ("ldots", "…"),
    ("dots", "…"),
    ("textbullet", "•"),
];

impl Reader<'_> {
    /// The words in the braces that follow.
    pub(super) fn words(&mut self) -> Result<String> {
        Ok(plain(&self.raw()?))
    }
}

/// LaTeX text as people read it.
pub(super) fn plain(source: &str) -> String {
    let mut words = String::new();
    let mut rest = source;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => {
                let length = rest.chars().take_while(char::is_ascii_alphabetic).count();
                if length == 0 {
                    // \_ and its kin stand for the character itself.
                    let next = rest.chars().next();
                    words.extend(next);
                    rest = &rest[next.map_or(0, char::len_utf8)..];
                    continue;
                }
                let (name, after) = rest.split_at(length);
                rest = after.strip_prefix("{}").unwrap_or_else(|| after.trim_start());
                words.push_str(&named(name));
            }
            '$' => {
                let (inner, after) = rest.split_once('$').unwrap_or((rest, ""));
                words.push_str(&sign(inner.trim()));
                rest = after;
            }
            '{' | '}' => {}
            '~' => words.push('\u{a0}'),
            other => words.push(other),
        }
    }
    words
}

fn named(name: &str) -> String {
    let known = NAMED.iter().find(|(own, _)| *own == name);
    known.map_or_else(|| format!("\\{name} "), |(_, character)| (*character).to_owned())
}

/// A sign of mathematics within words, as one character where there is one.
fn sign(inner: &str) -> String {
    if let Some((sign, _)) = SIGNS.iter().find(|(_, command)| *command == inner) {
        return sign.to_string();
    }
    let name = inner.strip_prefix('\\').unwrap_or(inner);
    if let Some((letter, _)) = GREEK.iter().find(|(_, command)| *command == name) {
        return (*letter).to_owned();
    }
    let index = |mark: char| inner.strip_prefix(mark)?.strip_prefix('{')?.strip_suffix('}');
    let shifted = match (index('^'), index('_')) {
        (Some(raised), _) => line::raised(&raised.replace('-', "−")),
        (None, Some(lowered)) => line::lowered(&lowered.replace('-', "−")),
        (None, None) => None,
    };
    shifted.unwrap_or_else(|| inner.to_owned())
}
