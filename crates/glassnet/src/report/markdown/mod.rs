//! GitHub's Markdown: mathematics between dollar signs, tables with pipes, notes as quotations, figures as text charts
//! (GitHub shows no drawings from within a file), each with its description in words.

mod words;

use crate::document::{Align, Block, Check, Document, Figure, NoteKind, Steps, Table};
use crate::formula::{Math, rows};
use words::{display, inline, opening};

/// A formula wider than this many columns of text is broken at its signs.
const PAGE: usize = 88;

/// The document as Markdown.
pub(super) fn render(document: &Document) -> String {
    let mut lines = vec![];
    if !document.title.is_empty() {
        lines.push(format!("# {}", inline(&document.title).replace('\n', " ")));
    }
    blocks(&document.blocks, &mut lines);
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The blocks with an empty line between each two.
fn blocks(blocks: &[Block], lines: &mut Vec<String>) {
    let mut list_before = None;
    for block in blocks {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let list = match block {
            Block::List { ordered, .. } => Some(*ordered),
            _ => None,
        };
        // Two lists of a kind would become one.
        if list.is_some() && list == list_before {
            lines.extend(["<!-- -->".into(), String::new()]);
        }
        list_before = list;
        write(block, lines);
    }
}

fn write(block: &Block, lines: &mut Vec<String>) {
    match block {
        Block::Heading(level, text) => {
            let mark = "#".repeat(usize::from((*level).clamp(2, 4)));
            lines.push(format!("{mark} {}", inline(text).replace('\n', " ")));
        }
        Block::Paragraph(text) => lines.extend(paragraph(&inline(text))),
        Block::List { ordered, items } => list(*ordered, items, lines),
        Block::Formula(math) => lines.extend(formula(math)),
        Block::Steps(steps) => lines.extend(derivation(steps)),
        Block::Table(table) => lines.extend(set_table(table)),
        Block::Figure(figure) => write_figure(figure, lines),
        Block::Code { language, text } => {
            lines.extend(fenced(language.as_deref().unwrap_or(""), text.lines()));
        }
        Block::Note(kind, inner) => note(*kind, inner, lines),
    }
}

/// A paragraph's lines, whose first signs are not read as a list's or a heading's.
fn paragraph(text: &str) -> Vec<String> {
    text.split('\n').map(opening).collect()
}

fn list(ordered: bool, items: &[Vec<Block>], lines: &mut Vec<String>) {
    let close = items.iter().all(|item| matches!(item.as_slice(), [] | [Block::Paragraph(_)]));
    for (i, item) in items.iter().enumerate() {
        if i > 0 && !close {
            lines.push(String::new());
        }
        let mark = if ordered { format!("{}. ", i + 1) } else { "- ".into() };
        let mut inner = vec![];
        blocks(item, &mut inner);
        if inner.is_empty() {
            inner.push(String::new());
        }
        for (j, line) in inner.iter().enumerate() {
            lines.push(match (j, line.is_empty()) {
                (0, _) => format!("{mark}{line}").trim_end().to_owned(),
                (_, true) => String::new(),
                (_, false) => " ".repeat(mark.len()) + line,
            });
        }
    }
}

fn note(kind: NoteKind, inner: &[Block], lines: &mut Vec<String>) {
    let word = format!("**{}:**", kind.word());
    let mut set = vec![];
    match inner.split_first() {
        Some((Block::Paragraph(text), rest)) => {
            set.extend(format!("{word} {}", inline(text)).split('\n').map(str::to_owned));
            blocks(rest, &mut set);
        }
        Some(_) | None => {
            set.push(word);
            blocks(inner, &mut set);
        }
    }
    lines.extend(set.iter().map(|line| format!("> {line}").trim_end().to_owned()));
}

fn formula(math: &Math) -> Vec<String> {
    let lines = rows(math, PAGE);
    let body = match lines.as_slice() {
        [only] => vec![display(only)],
        lines => {
            let mut body = vec!["\\begin{aligned}".to_owned()];
            for (i, line) in lines.iter().enumerate() {
                let indent = if i == 0 { "" } else { "\\qquad {}" };
                let end = if i + 1 < lines.len() { " \\\\" } else { "" };
                body.push(format!("& {indent}{}{end}", display(line)));
            }
            body.push("\\end{aligned}".into());
            body
        }
    };
    between_dollars(body)
}

fn between_dollars(body: Vec<String>) -> Vec<String> {
    let mut lines = vec!["$$".to_owned()];
    lines.extend(body);
    lines.push("$$".into());
    lines
}

fn derivation(steps: &Steps) -> Vec<String> {
    let mut body = vec![format!("& {}", display(&steps.start))];
    for step in &steps.steps {
        let relation = Math::Operator(step.relation).latex();
        for (i, row) in rows(&step.value, PAGE * 3 / 4).iter().enumerate() {
            let mut line = match i {
                0 => format!("& \\quad {relation} {}", display(row)),
                _ => format!("& \\qquad\\quad {{}}{}", display(row)),
            };
            if i == 0 {
                let sign =
                    step.check.map_or(String::new(), |check| format!("{} \\; ", sign(check)));
                let label = words::in_mathematics(&step.label);
                if !(sign.is_empty() && label.is_empty()) {
                    line.push_str(&format!(" && {sign}{label}"));
                }
            }
            body.push(line);
        }
    }
    let last = body.len() - 1;
    body[..last].iter_mut().for_each(|line| line.push_str(" \\\\"));
    body.insert(0, "\\begin{aligned}".into());
    body.push("\\end{aligned}".into());
    let mut lines = between_dollars(body);
    let used = [Check::Exact, Check::Numeric, Check::Wrong]
        .into_iter()
        .filter(|check| steps.steps.iter().any(|step| step.check == Some(*check)));
    let words: Vec<String> =
        used.map(|check| format!("{} {}", check.sign(), check.word())).collect();
    if !words.is_empty() {
        lines.extend([String::new(), words.join(", ")]);
    }
    lines
}

fn sign(check: Check) -> &'static str {
    match check {
        Check::Exact => "\\checkmark",
        Check::Numeric => "\\approx",
        Check::Wrong => "\\times",
    }
}

fn set_table(table: &Table) -> Vec<String> {
    let mut lines = vec![];
    if !table.caption.is_empty() {
        lines.extend(paragraph(&inline(&table.caption)));
        lines.push(String::new());
    }
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    lines.push(row(table.columns.iter().map(|column| words::cell(&column.head)).collect()));
    let marks = table.columns.iter().map(|column| match column.align {
        Align::Left => "---",
        Align::Right => "---:",
    });
    lines.push(row(marks.map(str::to_owned).collect()));
    lines.extend(table.rows.iter().map(|cells| row(cells.iter().map(words::cell).collect())));
    lines
}

fn write_figure(figure: &Figure, lines: &mut Vec<String>) {
    let chart = crate::draw::chart(&figure.plot, 80);
    lines.extend(fenced("text", chart.iter().map(String::as_str)));
    if !figure.caption.is_empty() {
        lines.push(String::new());
        lines.extend(paragraph(&inline(&figure.caption)));
    }
    if !figure.alternative.is_empty() {
        lines.push(String::new());
        lines.extend(paragraph(&words::escape(&figure.alternative)));
    }
}

/// Lines that are kept as they are, within more backticks than they have themselves.
fn fenced<'a>(language: &str, text: impl Iterator<Item = &'a str>) -> Vec<String> {
    let text: Vec<&str> = text.collect();
    let run = |line: &&str| line.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(text.iter().map(run).max().unwrap_or(0).max(2) + 1);
    let language: String = language.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let mut lines = vec![format!("{fence}{language}")];
    lines.extend(text.iter().map(|line| line.replace('\r', "")));
    lines.push(fence);
    lines
}
