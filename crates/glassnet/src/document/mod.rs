//! What people read, as data: headings, sentences, formulas, step lists, tables, figures.
//!
//! Readers of a network return typed results; `explain`, `derive`, `worked` and others turn these into a
//! [`Document`], and `report` renders it for the terminal, as Markdown, LaTeX, HTML or JSON. A document says what
//! is shown, never how: no escapes, no widths, no colours. Anyone may build one:
//!
//! ```
//! use glassnet::document::{Block, Document, Inline, Text};
//! use glassnet::formula::Math;
//! let mut document = Document::new("Softmax");
//! document.push(Block::sentence("The predicted class is A."));
//! document.push(Block::Paragraph(Text::from_iter([
//!     Inline::plain("Its probability is "),
//!     Inline::Math(Math::f64(0.989)),
//!     Inline::plain("."),
//! ])));
//! assert_eq!(document.plain(), "Softmax\n\nThe predicted class is A.\n\nIts probability is 0.989.\n");
//! ```

mod plain;
mod plot;
mod steps;
mod table;
mod text;

pub use plot::{Axis, Figure, Mark, Plot, Scale, Series, Style};
pub use steps::{Check, Step, Steps};
pub use table::{Align, Column, Table};
pub use text::{Inline, Text};

use crate::formula::Math;

/// A title and what follows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What the document is about; a renderer sets it as the heading of level 1.
    pub title: Text,
    /// The content, from top to bottom.
    pub blocks: Vec<Block>,
}

/// A part of a document that stands by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A heading of level 2 (a section) to 4.
    Heading(u8, Text),
    /// Sentences.
    Paragraph(Text),
    /// Items, each of one or more blocks; numbered from 1 if `ordered`.
    List {
        /// Whether the items are numbered.
        ordered: bool,
        /// The items.
        items: Vec<Vec<Block>>,
    },
    /// Mathematics on a line of its own.
    Formula(Math),
    /// A derivation or calculation, line by line.
    Steps(Steps),
    /// Rows under a header.
    Table(Table),
    /// A drawing with its caption.
    Figure(Figure),
    /// Text in a fixed pitch, kept as it is.
    Code {
        /// What it is written in (`sh`, `python`), for highlighting.
        language: Option<String>,
        /// The lines.
        text: String,
    },
    /// Something that the reader must be told apart from the course of the text.
    Note(NoteKind, Vec<Block>),
}

/// Why something is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// A remark.
    Remark,
    /// A choice that mathematics leaves open, such as a ReLU's derivative at 0.
    Convention,
    /// Something that is easily misread or goes wrong.
    Warning,
    /// A statement that holds for what was computed but is not proven here.
    NotProven,
    /// What was left out, and how to see it.
    Omitted,
}

impl NoteKind {
    /// The word that introduces the note.
    pub fn word(self) -> &'static str {
        match self {
            NoteKind::Remark => "Note",
            NoteKind::Convention => "Convention",
            NoteKind::Warning => "Careful",
            NoteKind::NotProven => "Not proven here",
            NoteKind::Omitted => "Left out",
        }
    }
}

impl Document {
    /// An empty document with a title.
    pub fn new(title: impl Into<Text>) -> Document {
        Document { title: title.into(), blocks: vec![] }
    }

    /// Appends a block.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Appends a heading of level 2.
    pub fn section(&mut self, text: impl Into<Text>) {
        self.push(Block::Heading(2, text.into()));
    }

    /// Appends a paragraph.
    pub fn say(&mut self, text: impl Into<Text>) {
        self.push(Block::Paragraph(text.into()));
    }

    /// Appends mathematics on a line of its own.
    pub fn formula(&mut self, math: Math) {
        self.push(Block::Formula(math));
    }

    /// Appends a note of one paragraph.
    pub fn note(&mut self, kind: NoteKind, text: impl Into<Text>) {
        self.push(Block::Note(kind, vec![Block::Paragraph(text.into())]));
    }

    /// Appends another document as a section: its title becomes a heading of level `level`, its headings go
    /// as many levels deeper (4 at most).
    pub fn include(&mut self, other: Document, level: u8) {
        if !other.title.is_empty() {
            self.push(Block::Heading(level.clamp(2, 4), other.title));
        }
        let shift = level.saturating_sub(1);
        for block in other.blocks {
            self.push(match block {
                Block::Heading(own, text) => Block::Heading((own + shift).min(4), text),
                block => block,
            });
        }
    }
}

impl Block {
    /// A paragraph.
    pub fn sentence(text: impl Into<Text>) -> Block {
        Block::Paragraph(text.into())
    }
}
