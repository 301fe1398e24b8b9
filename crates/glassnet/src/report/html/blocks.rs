//! The parts of a document as HTML elements.

use super::steps;
use super::words::{escape, inline, plain};
use crate::document::{Align, Block, Figure, NoteKind, Table};
use crate::formula::{Math, rows};

/// A formula wider than this many columns of text is broken at its signs.
pub(super) const PAGE: usize = 80;

/// The blocks in order; `figures` counts the document's figures.
pub(super) fn write_all(blocks: &[Block], figures: &mut usize, text: &mut String) {
    blocks.iter().for_each(|block| write(block, figures, text));
}

fn write(block: &Block, figures: &mut usize, text: &mut String) {
    match block {
        Block::Heading(level, words) => {
            let level = (*level).clamp(2, 4);
            text.push_str(&format!("<h{level}>{}</h{level}>\n", inline(words)));
        }
        Block::Paragraph(words) => text.push_str(&format!("<p>{}</p>\n", inline(words))),
        Block::List { ordered, items } => {
            let tag = if *ordered { "ol" } else { "ul" };
            text.push_str(&format!("<{tag}>\n"));
            for item in items {
                text.push_str("<li>");
                write_all(item, figures, text);
                text.push_str("</li>\n");
            }
            text.push_str(&format!("</{tag}>\n"));
        }
        Block::Formula(math) => text.push_str(&formula(math)),
        Block::Steps(lines) => text.push_str(&steps::set(lines)),
        Block::Table(table) => text.push_str(&set_table(table)),
        Block::Figure(figure) => {
            *figures += 1;
            text.push_str(&set_figure(figure, *figures));
        }
        Block::Code { language, text: code } => {
            let name = language
                .as_deref()
                .map_or(String::new(), |name| format!(" class=\"language-{}\"", escape(name)));
            // A line end behind <pre> is not shown: one more keeps a first empty line.
            text.push_str(&format!("<pre><code{name}>{}</code></pre>\n", escape(code)));
        }
        Block::Note(kind, inner) => note(*kind, inner, figures, text),
    }
}

/// Mathematics on a line of its own, or on several.
fn formula(math: &Math) -> String {
    let lines = rows(math, PAGE);
    if let [only] = lines.as_slice() {
        return format!("<div class=\"formula\">{}</div>\n", only.mathml(true));
    }
    let lines = steps::lines(&lines);
    format!("<div class=\"formula broken\"><div>{lines}</div></div>\n")
}

fn set_table(table: &Table) -> String {
    let mut text = String::from("<div class=\"scroll\" role=\"group\" tabindex=\"0\"");
    let name = match table.caption.is_empty() {
        true => "Table".to_owned(),
        false => escape(&plain(&table.caption)),
    };
    text.push_str(&format!(" aria-label=\"{name}\"><table>\n"));
    if !table.caption.is_empty() {
        text.push_str(&format!("<caption>{}</caption>\n", inline(&table.caption)));
    }
    let class = |align| match align {
        Align::Left => "",
        Align::Right => " class=\"number\"",
    };
    text.push_str("<thead><tr>");
    for column in &table.columns {
        let class = class(column.align);
        text.push_str(&format!("<th scope=\"col\"{class}>{}</th>", inline(&column.head)));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        text.push_str("<tr>");
        for (i, (cell, column)) in row.iter().zip(&table.columns).enumerate() {
            let (class, cell) = (class(column.align), inline(cell));
            // The first column names its row.
            text.push_str(&match i {
                0 => format!("<th scope=\"row\"{class}>{cell}</th>"),
                _ => format!("<td{class}>{cell}</td>"),
            });
        }
        text.push_str("</tr>\n");
    }
    text + "</tbody>\n</table></div>\n"
}

fn set_figure(figure: &Figure, number: usize) -> String {
    let caption = plain(&figure.caption);
    let title = match caption.trim() {
        "" => format!("Figure {number}"),
        caption => caption.to_owned(),
    };
    let id = format!("figure-{number}");
    let picture = crate::draw::svg(&figure.plot, &title, &figure.alternative, &id);
    let mut text = format!("<figure>\n{picture}");
    if !figure.caption.is_empty() {
        text.push_str(&format!("<figcaption>{}</figcaption>\n", inline(&figure.caption)));
    }
    text + "</figure>\n"
}

fn note(kind: NoteKind, inner: &[Block], figures: &mut usize, text: &mut String) {
    let class = match kind {
        NoteKind::Remark => "remark",
        NoteKind::Convention => "convention",
        NoteKind::Warning => "warning",
        NoteKind::NotProven => "not-proven",
        NoteKind::Omitted => "omitted",
    };
    let word = format!("<strong>{}:</strong>", kind.word());
    text.push_str(&format!("<aside class=\"{class}\" role=\"note\">\n"));
    match inner.split_first() {
        Some((Block::Paragraph(words), rest)) => {
            text.push_str(&format!("<p>{word} {}</p>\n", inline(words)));
            write_all(rest, figures, text);
        }
        Some(_) | None => {
            text.push_str(&format!("<p>{word}</p>\n"));
            write_all(inner, figures, text);
        }
    }
    text.push_str("</aside>\n");
}
