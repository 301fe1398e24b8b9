//! The text that was handed in, and errors that point into it.

use crate::error::Error;
use std::ops::Range;

/// A text with the name that errors give it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) name: &'a str,
}

impl Source<'_> {
    /// The line and column of a byte, counted from 1.
    pub(super) fn place(&self, byte: usize) -> (usize, usize) {
        let before = &self.text[..byte];
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    /// A usage error about the bytes `range`: `name:line:column`, with carets.
    pub(super) fn fault(&self, range: Range<usize>, what: impl Into<String>) -> Error {
        let (line, column) = self.place(range.start);
        let start = self.text[..range.start].rfind('\n').map_or(0, |end| end + 1);
        let shown = self.text[start..].lines().next().unwrap_or("");
        let end = range.end.min(start + shown.len()).max(range.start);
        let marked = self.text[range.start..end].chars().count();
        Error::usage(what).at(format!("{}:{line}:{column}", self.name)).pointing(
            shown,
            column - 1,
            marked,
        )
    }
}
