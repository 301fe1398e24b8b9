//! The words of written mathematics, in plain text and in LaTeX alike, each with its bytes in the source.

use super::names;
use super::source::Source;
use crate::error::Result;
use crate::formula::{Number, Relation};
use std::ops::Range;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    Number(Number),
    /// Letters, perhaps with digits behind: `tanh`, `z`, `w1`, `σ`.
    Name(String),
    /// Raised digits, and whether a raised minus stands before them.
    Raised(String, bool),
    /// One of `+ - * / ^ _ ( ) [ ] { } | ⟨ ⟩ , ; ' & = ≈ √`, whichever way it was written; ⟨ and ⟩ are bars that
    /// say which end they are.
    Mark(char),
    Relation(Relation),
    /// `\frac` of any size.
    Fraction,
    /// `\sqrt`
    Root,
    /// `\begin{cases}`
    BeginCases,
    /// `\end{cases}`
    EndCases,
    /// `\\`
    Break,
    /// `\quad`, which parts formulas of one row.
    Quad,
    /// Words within mathematics: `\text{if }`.
    Text(String),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: Word,
    pub(super) range: Range<usize>,
}

const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹";

fn raised_digit(c: char) -> Option<usize> {
    RAISED.chars().position(|digit| digit == c)
}

fn run(text: &str, test: impl Fn(char) -> bool) -> usize {
    text.find(|c| !test(c)).unwrap_or(text.len())
}

/// The words of the bytes `range`, with [`Word::End`] last.
pub(super) fn tokens(source: &Source, range: Range<usize>) -> Result<Vec<Token>> {
    let mut reader = Reader { source, end: range.end, at: range.start, tokens: vec![] };
    while let Some(first) = reader.rest().chars().next() {
        reader.word(first)?;
    }
    reader.push(Word::End, 0);
    Ok(reader.tokens)
}

struct Reader<'a> {
    source: &'a Source<'a>,
    end: usize,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.source.text[self.at..self.end]
    }

    fn push(&mut self, word: Word, length: usize) {
        self.tokens.push(Token { word, range: self.at..self.at + length });
        self.at += length;
    }

    fn word(&mut self, first: char) -> Result<()> {
        let rest = self.rest();
        if first.is_whitespace() || first == '~' || first == '$' {
            self.at += first.len_utf8();
            return Ok(());
        }
        if first == '\\' {
            return self.command();
        }
        let dotted = first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if first.is_ascii_digit() || dotted {
            return self.number();
        }
        if first.is_ascii_alphabetic() {
            let letters = run(rest, |c| c.is_ascii_alphabetic());
            let length = letters + run(&rest[letters..], |c| c.is_ascii_alphanumeric());
            self.push(Word::Name(rest[..length].into()), length);
            return Ok(());
        }
        if first == '⁻' || raised_digit(first).is_some() {
            let sign = if first == '⁻' { first.len_utf8() } else { 0 };
            let length = run(&rest[sign..], |c| raised_digit(c).is_some());
            let digits = rest[sign..sign + length].chars().filter_map(raised_digit);
            let digits: String = digits.map(|digit| char::from(b'0' + digit as u8)).collect();
            if !digits.is_empty() {
                self.push(Word::Raised(digits, sign > 0), sign + length);
                return Ok(());
            }
        }
        if let Some((word, length)) = names::mark(rest) {
            self.push(word, length);
            return Ok(());
        }
        if first.is_alphabetic() || first == '∂' {
            self.push(Word::Name(first.to_string()), first.len_utf8());
            return Ok(());
        }
        let shown =
            if first.is_control() { first.escape_unicode().to_string() } else { first.to_string() };
        let range = self.at..self.at + first.len_utf8();
        Err(self
            .source
            .fault(range, format!("'{shown}' has no meaning in a line"))
            .help("write formulas in plain text or LaTeX; words go behind two spaces or a '#'"))
    }

    fn number(&mut self) -> Result<()> {
        let rest = self.rest();
        let digit = |c: char| c.is_ascii_digit();
        let mut length = run(rest, digit);
        if rest[length..].starts_with('.') {
            length += 1 + run(&rest[length + 1..], digit);
        }
        // `2e^z` is twice a power of e, `2e-3` a decimal.
        let after = &rest[length..];
        if after.starts_with(['e', 'E']) {
            let sign = usize::from(after[1..].starts_with(['+', '-']));
            let digits = run(&after[1 + sign..], digit);
            if digits > 0 {
                length += 1 + sign + digits;
            }
        }
        let Some(number) = Number::parse(&rest[..length]) else {
            let range = self.at..self.at + length;
            return Err(self
                .source
                .fault(range, "this number is not within the range of f64")
                .help("numbers reach from 5e-324 to 1.79e308"));
        };
        self.push(Word::Number(number), length);
        Ok(())
    }

    /// What stands between the braces at byte `at` (counted within the rest), and the length with them.
    fn group(&self, at: usize) -> Option<(&'a str, usize)> {
        let rest = self.rest();
        let open = at + run(&rest[at..], char::is_whitespace);
        if !rest[open..].starts_with('{') {
            return None;
        }
        let mut depth = 0usize;
        for (i, c) in rest[open..].char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return Some((&rest[open + 1..open + i], open + i + 1)),
                '}' => depth -= 1,
                _ => {}
            }
        }
        None
    }

    fn command(&mut self) -> Result<()> {
        let rest = self.rest();
        let letters = run(&rest[1..], |c| c.is_ascii_alphabetic());
        if letters == 0 {
            return self.symbol_command();
        }
        let name = &rest[1..1 + letters];
        let length = 1 + letters;
        if names::SPACES.contains(&name) || names::SIZES.contains(&name) {
            self.at += length;
            return Ok(());
        }
        match name {
            "left" | "right" | "middle" => self.fence(name, length),
            "lvert" => self.push(Word::Mark('⟨'), length),
            "rvert" => self.push(Word::Mark('⟩'), length),
            "vert" | "mid" => self.push(Word::Mark('|'), length),
            "frac" | "dfrac" | "tfrac" | "cfrac" => self.push(Word::Fraction, length),
            "sqrt" => self.push(Word::Root, length),
            "quad" | "qquad" => self.push(Word::Quad, length),
            "prime" => self.push(Word::Mark('\''), length),
            "text" | "mbox" | "textit" | "textrm" | "textbf" | "textnormal" | "intertext" => {
                let (inner, length) = self.group(length).unwrap_or(("", length));
                let word = match names::function_name(inner.trim()) {
                    Some(_) => Word::Name(inner.trim().into()),
                    None => Word::Text(inner.into()),
                };
                self.push(word, length);
            }
            "mathrm" | "operatorname" | "mathit" | "mathsf" | "mathbf" | "rm" => {
                let length = if rest[length..].starts_with('*') { length + 1 } else { length };
                match self.group(length) {
                    Some((inner, length)) if names::is_word(inner.trim()) => {
                        self.push(Word::Name(inner.trim().into()), length);
                    }
                    // What is no word is read as it stands between its braces.
                    Some(_) | None => self.at += length,
                }
            }
            "begin" | "end" => return self.environment(name, length),
            name => match names::command(name) {
                Some(word) => self.push(word, length),
                None => {
                    let known = names::commands();
                    let range = self.at..self.at + length;
                    let fault = self.source.fault(range, format!("unknown command '\\{name}'"));
                    return Err(match names::nearest(name, known) {
                        Some(near) => fault.help(format!("did you mean '\\{near}'?")),
                        None => fault.help("write the formula with common commands, or plainly"),
                    });
                }
            },
        }
        Ok(())
    }

    /// `\,`, `\{`, `\\` and others of one sign.
    fn symbol_command(&mut self) -> Result<()> {
        let sign = self.rest()[1..].chars().next();
        let length = 1 + sign.map_or(0, char::len_utf8);
        match sign {
            Some('\\') => {
                // `\\[2pt]` and `\\*` are line breaks with a distance.
                let after = &self.rest()[2..];
                let starred = usize::from(after.starts_with('*'));
                let distance = match after[starred..].strip_prefix('[') {
                    Some(inside) => inside
                        .find(']')
                        .filter(|&end| names::is_length(&inside[..end]))
                        .map_or(0, |end| end + 2),
                    None => 0,
                };
                self.push(Word::Break, 2 + starred + distance);
            }
            Some('{') => self.push(Word::Mark('('), length),
            Some('}') => self.push(Word::Mark(')'), length),
            Some('|') => self.push(Word::Mark('|'), length),
            Some(',' | ';' | ':' | '!' | ' ' | '\n' | '(' | ')' | '[' | ']' | '/') => {
                self.at += length;
            }
            Some(_) | None => {
                let range = self.at..self.at + length;
                return Err(self
                    .source
                    .fault(range, "this backslash begins no command")
                    .help("remove it"));
            }
        }
        Ok(())
    }

    fn fence(&mut self, name: &str, length: usize) {
        let rest = &self.rest()[length..];
        let blank = run(rest, char::is_whitespace);
        let after = &rest[blank..];
        let bar = if name == "left" { '⟨' } else { '⟩' };
        match after.chars().next() {
            // An invisible fence.
            Some('.') => self.at += length + blank + 1,
            Some('|') => self.push(Word::Mark(bar), length + blank + 1),
            _ => self.at += length,
        }
    }

    fn environment(&mut self, name: &str, length: usize) -> Result<()> {
        let Some((inner, whole)) = self.group(length) else {
            let range = self.at..self.at + length;
            return Err(self
                .source
                .fault(range, format!("'\\{name}' names no environment"))
                .help(format!("write \\{name}{{aligned}}")));
        };
        match (name, inner.trim()) {
            ("begin", "cases" | "dcases") => self.push(Word::BeginCases, whole),
            (_, "cases" | "dcases") => self.push(Word::EndCases, whole),
            // An environment within the mathematics only places its rows.
            _ => {
                self.at += whole;
                // The columns of `\begin{array}{rl}`.
                if name == "begin"
                    && inner.trim() == "array"
                    && let Some((_, columns)) = self.group(0)
                {
                    self.at += columns;
                }
            }
        }
        Ok(())
    }
}
