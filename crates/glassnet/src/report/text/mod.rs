//! Text for a terminal: no line is wider than asked for, and nothing but characters.

mod steps;
mod table;
mod words;

pub(super) use words::{cut, plain};

use crate::document::{Block, Document, Figure, NoteKind, Text};
use crate::formula::{columns, wrapped};

/// The document as text of at most `width` columns, ending with a line end.
pub(super) fn render(document: &Document, width: usize) -> String {
    let mut lines = vec![];
    if !document.title.is_empty() {
        heading(1, &document.title, width, &mut lines);
    }
    blocks(&document.blocks, width, &mut lines);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The blocks with an empty line between each two.
fn blocks(blocks: &[Block], width: usize, lines: &mut Vec<String>) {
    for block in blocks {
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        if matches!(block, Block::Heading(..)) && !lines.is_empty() {
            lines.push(String::new());
        }
        write(block, width, lines);
    }
}

fn write(block: &Block, width: usize, lines: &mut Vec<String>) {
    match block {
        Block::Heading(level, text) => heading(*level, text, width, lines),
        Block::Paragraph(text) => lines.extend(words::paragraph(text, width)),
        Block::List { ordered, items } => list(*ordered, items, width, lines),
        Block::Formula(math) => {
            let set = math.lines(width - 4);
            lines.extend(set.iter().map(|line| indented(4, line)));
        }
        Block::Steps(steps) => lines.extend(steps::set(steps, width)),
        Block::Table(table) => lines.extend(table::set(table, width)),
        Block::Figure(figure) => write_figure(figure, width, lines),
        Block::Code { text, .. } => {
            let code: Vec<String> =
                text.lines().map(|line| words::clean(&line.replace('\t', "    "))).collect();
            let widest = code.iter().map(|line| columns(line)).max().unwrap_or(0);
            // Set in as far as there is room: a command that is cut cannot be copied.
            let indent = width.saturating_sub(widest).min(4);
            for line in &code {
                let cut = words::cut(line, width - indent);
                lines.extend(cut.iter().map(|line| indented(indent, line)));
            }
        }
        Block::Note(kind, inner) => note(*kind, inner, width, lines),
    }
}

fn indented(by: usize, line: &str) -> String {
    match line.trim_end() {
        "" => String::new(),
        line => " ".repeat(by) + line,
    }
}

fn heading(level: u8, text: &Text, width: usize, lines: &mut Vec<String>) {
    let set = wrapped(&words::plain(text), width, 0);
    let widest = set.iter().map(|line| columns(line)).max().unwrap_or(0);
    lines.extend(set);
    match level {
        0 | 1 => lines.push("═".repeat(widest)),
        2 => lines.push("─".repeat(widest)),
        _ => {}
    }
}

fn list(ordered: bool, items: &[Vec<Block>], width: usize, lines: &mut Vec<String>) {
    let hang = if ordered { items.len().to_string().len() + 2 } else { 2 };
    let close = items.iter().all(|item| matches!(item.as_slice(), [] | [Block::Paragraph(_)]));
    for (i, item) in items.iter().enumerate() {
        if i > 0 && !close {
            lines.push(String::new());
        }
        let mark = if ordered { format!("{}.", i + 1) } else { "•".into() };
        // Deep nesting goes on without indents rather than without room.
        let hang = if width > hang + 16 { hang } else { 0 };
        let mut inner = vec![];
        blocks(item, width - hang, &mut inner);
        if inner.is_empty() {
            inner.push(String::new());
        }
        for (j, line) in inner.iter().enumerate() {
            let lead = match (j, hang) {
                (0, 0) => format!("{mark} "),
                (0, hang) => format!("{mark:<hang$}"),
                (_, hang) => " ".repeat(hang),
            };
            lines.extend(words::cut(&format!("{lead}{line}"), width));
        }
    }
}

fn note(kind: NoteKind, inner: &[Block], width: usize, lines: &mut Vec<String>) {
    let word = format!("{}: ", kind.word());
    let bar = if width > 24 { "│ " } else { "" };
    let width = width - columns(bar);
    let mut set = vec![];
    match inner.split_first() {
        Some((Block::Paragraph(text), rest)) => {
            let mut whole = Text::from(word);
            whole.0.extend_from_slice(&text.0);
            set.extend(words::paragraph(&whole, width));
            blocks(rest, width, &mut set);
        }
        _ => {
            set.extend(wrapped(&word, width, 0));
            blocks(inner, width, &mut set);
        }
    }
    lines.extend(set.iter().map(|line| format!("{bar}{line}").trim_end().to_owned()));
}

fn write_figure(figure: &Figure, width: usize, lines: &mut Vec<String>) {
    lines.extend(crate::draw::chart(&figure.plot, width));
    if !figure.caption.is_empty() {
        lines.push(String::new());
        lines.extend(words::paragraph(&figure.caption, width));
    }
}
