//! What is worth telling and no error.

use std::fmt;

/// Which observation a [`Note`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoteKind {
    /// The header looks like data, or a column has no name.
    Header,
    /// A column was left out of the features: dates, identifiers, no values.
    Dropped,
    /// A column has one value in all training rows.
    Constant,
    /// Integers too long for a 64-bit float.
    LostDigits,
    /// How a column's or target's meaning was decided where it could be taken differently.
    Interpreted,
    /// A column whose values nearly name their rows.
    ManyLevels,
    /// Columns of many categories that became codes.
    Codes,
    /// Rows that were left out.
    Rows,
    /// Classes with very few rows.
    SmallClass,
    /// Columns of a file that the model does not use.
    ExtraColumns,
    /// Values that the training rows did not have, and what became of them.
    Unseen,
    /// The split could not be what was asked for.
    Split,
}

/// Something worth telling that is no error; the caller decides where it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which observation this is.
    pub kind: NoteKind,
    /// The sentence, without a final stop.
    pub text: String,
}

impl Note {
    /// A note of `kind` that says `text`.
    pub fn new(kind: NoteKind, text: impl Into<String>) -> Self {
        Note { kind, text: text.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
