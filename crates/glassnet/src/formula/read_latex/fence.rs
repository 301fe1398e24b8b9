//! Brackets and bars, with and without `\left` and `\right`.

use super::super::math::{Fence, Math};
use super::{Reader, Word, gathered};
use crate::error::Result;

/// A fence's end: the mark, and whether a backslash stands before it.
type End = (char, bool);

impl Reader<'_> {
    /// `( … )` and `[ … ]`; an interval such as `[0, 1)` may end with the other.
    pub(super) fn fence(&mut self, open: char) -> Result<Math> {
        let start = self.position;
        self.advance();
        let inner = self.deeper(Self::row)?;
        let close = match *self.word() {
            Word::Mark(close @ (')' | ']')) => close,
            Word::Mark(_) | Word::Command(_) | Word::NewLine | Word::Space | Word::End => {
                let what = format!("this '{open}' is not closed");
                return Err(self.fault_at(start, what).help("close it within the same group"));
            }
        };
        self.advance();
        Ok(match (open, close) {
            ('(', ')') => Math::Fence(Fence::Round, Box::new(gathered(inner))),
            ('[', ']') => Math::Fence(Fence::Square, Box::new(gathered(inner))),
            (open, close) => {
                let mut row = vec![Math::Text(open.to_string())];
                row.extend(inner);
                row.push(Math::Text(close.to_string()));
                Math::Row(row)
            }
        })
    }

    /// `| … |`, or a bar alone, which reads 'given'.
    pub(super) fn bars(&mut self) -> Result<Math> {
        let start = self.position;
        self.advance();
        if !self.has_partner(start, ('|', false)) {
            return Ok(Math::Text(" | ".into()));
        }
        self.inner_bars(Fence::Bars, start)
    }

    fn inner_bars(&mut self, fence: Fence, start: usize) -> Result<Math> {
        let inner = self.deeper(Self::row)?;
        let closes = match (fence, self.word()) {
            (Fence::Bars, Word::Mark('|')) => true,
            (Fence::Bars, Word::Command(name)) => name == "rvert" || name == "vert",
            (Fence::DoubleBars, Word::Command(name)) => {
                name == "|" || name == "rVert" || name == "Vert"
            }
            _ => false,
        };
        if !closes {
            return Err(self
                .fault_at(start, "these bars are not closed")
                .help("add the right ones"));
        }
        self.advance();
        Ok(Math::Fence(fence, Box::new(gathered(inner))))
    }

    /// True if the bar here is the right one of bars that were opened in this group.
    pub(super) fn closes_bars(&self) -> bool {
        let mark: End = ('|', self.is_command("|"));
        // Bars open and close in turn within a group: an odd number before means that one is open.
        let mut before = 0;
        let mut depth = 0usize;
        for token in self.tokens[..self.position].iter().rev() {
            match &token.word {
                Word::Mark('}' | ')' | ']') => depth += 1,
                Word::Mark('{' | '(' | '[') if depth == 0 => break,
                Word::Mark('{' | '(' | '[') => depth -= 1,
                Word::Mark('&') | Word::NewLine if depth == 0 => break,
                Word::Mark('|') if depth == 0 && !mark.1 => before += 1,
                Word::Command(name) if depth == 0 && name == "|" && mark.1 => before += 1,
                Word::Mark(_) | Word::Command(_) | Word::NewLine | Word::Space | Word::End => {}
            }
        }
        let left = self.position.checked_sub(1).map(|i| &self.tokens[i].word);
        let after_right = matches!(left, Some(Word::Command(name)) if name == "right");
        before % 2 == 1 || after_right
    }

    /// True if another bar closes the one at `start` before its group ends.
    fn has_partner(&self, start: usize, mark: End) -> bool {
        let mut depth = 0usize;
        for token in &self.tokens[start + 1..] {
            match &token.word {
                Word::Mark('{' | '(' | '[') => depth += 1,
                Word::Mark('}' | ')' | ']') if depth == 0 => return false,
                Word::Mark('}' | ')' | ']') => depth -= 1,
                Word::Mark('&') | Word::NewLine if depth == 0 => return false,
                Word::Mark('|') if depth == 0 && !mark.1 => return true,
                Word::Command(name) if depth == 0 && name == "|" && mark.1 => return true,
                Word::Mark(_) | Word::Command(_) | Word::NewLine | Word::Space | Word::End => {}
            }
        }
        false
    }

    /// `\left…`, `\{ … \}`, `\| … \|`, `\lvert … \rvert`.
    pub(super) fn fence_command(&mut self, name: &str) -> Result<Math> {
        let start = self.position;
        self.advance();
        match name {
            "left" => self.left(start),
            "{" => {
                let inner = self.deeper(Self::row)?;
                if !self.is_command("}") {
                    let what = "this '\\{' is not closed";
                    return Err(self.fault_at(start, what).help("add a '\\}'"));
                }
                self.advance();
                Ok(Math::Fence(Fence::Curly, Box::new(gathered(inner))))
            }
            "|" if !self.has_partner(start, ('|', true)) => {
                Err(self.fault_at(start, "these bars are not closed").help("add the right ones"))
            }
            "|" | "lVert" | "Vert" => self.inner_bars(Fence::DoubleBars, start),
            "langle" => {
                Err(self.fault_at(start, "angle brackets are not read").help("use ( and )"))
            }
            _ => self.inner_bars(Fence::Bars, start),
        }
    }

    fn left(&mut self, start: usize) -> Result<Math> {
        let open = self.delimiter(start)?;
        let inner = self.deeper(Self::row)?;
        if !self.is_command("right") {
            let what = "this \\left has no \\right";
            return Err(self.fault_at(start, what).help("add it, within the same group"));
        }
        let place = self.position;
        self.advance();
        let close = self.delimiter(place)?;
        let fence = match (open, close) {
            (('(', false), (')', false)) => Fence::Round,
            (('[', false), (']', false)) => Fence::Square,
            (('{', true), ('}', true)) => Fence::Curly,
            (('|', false), ('|', false)) => Fence::Bars,
            (('|', true), ('|', true)) => Fence::DoubleBars,
            _ => {
                let what = "these brackets don't belong together";
                let help =
                    "open and close with the same kind; write \\begin{cases} for a brace alone";
                return Err(self.fault_at(place, what).help(help));
            }
        };
        Ok(Math::Fence(fence, Box::new(gathered(inner))))
    }

    /// The bracket behind `\left` or `\right`.
    fn delimiter(&mut self, place: usize) -> Result<End> {
        while *self.word() == Word::Space {
            self.advance();
        }
        let end = match self.word() {
            Word::Mark(mark @ ('(' | ')' | '[' | ']' | '|')) => (*mark, false),
            Word::Command(name) => match name.as_str() {
                "{" | "lbrace" => ('{', true),
                "}" | "rbrace" => ('}', true),
                "|" | "Vert" | "lVert" | "rVert" => ('|', true),
                "vert" | "lvert" | "rvert" => ('|', false),
                _ => return Err(self.no_delimiter(place)),
            },
            Word::Mark(_) | Word::NewLine | Word::Space | Word::End => {
                return Err(self.no_delimiter(place));
            }
        };
        self.advance();
        Ok(end)
    }

    fn no_delimiter(&self, place: usize) -> crate::Error {
        self.fault_at(place, "a bracket must follow").help("one of ( ) [ ] \\{ \\} | \\|")
    }
}
