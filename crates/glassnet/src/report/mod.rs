//! Documents rendered: for the terminal, as Markdown, LaTeX, one HTML file, or JSON.

mod columns;
mod html;
mod json;
mod latex;
mod markdown;
mod text;

use crate::document::Document;

/// What a document is rendered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text for a terminal, with Unicode mathematics.
    Text,
    /// Markdown with LaTeX mathematics between dollar signs.
    Markdown,
    /// A LaTeX document.
    Latex,
    /// One self-contained HTML file.
    Html,
    /// The document as data.
    Json,
}

/// How a document is rendered.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// How many columns a line of text may take; narrower than 20 is taken as 20.
    pub width: usize,
}

impl Default for Config {
    /// Lines of 80 columns.
    fn default() -> Self {
        Config { width: 80 }
    }
}

/// The document in `format`.
pub fn render(document: &Document, format: Format, config: &Config) -> String {
    match format {
        Format::Text => text::render(document, config.width.max(20)),
        Format::Latex => latex::render(document),
        Format::Html => html::render(document),
        Format::Markdown => markdown::render(document),
        Format::Json => json::render(document),
    }
}

/// The document as a part of another document of `format`, as a notebook shows it: HTML and LaTeX without what only a
/// file of their own needs (head, preamble), the other formats as [`render`] gives them.
///
/// HTML brings its style sheet along, which reaches nothing outside the part.
pub fn embed(document: &Document, format: Format, config: &Config) -> String {
    match format {
        Format::Latex => latex::embed(document),
        Format::Html => html::embed(document),
        Format::Text | Format::Markdown | Format::Json => render(document, format, config),
    }
}
