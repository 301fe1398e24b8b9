//! Formulas that are wider than the page: broken before relations, then before signs, then between factors.

use super::super::line;
use super::super::math::{Math, Operator};
use super::opening::{is_plain, opened};
use super::panel::{Panel, columns};
use super::pieces::set;

/// Where a row may be broken, from the first choice to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seam {
    Relation,
    List,
    Sum,
    Product,
}

const SEAMS: [Seam; 4] = [Seam::Relation, Seam::List, Seam::Sum, Seam::Product];

/// Continued lines stand this far in.
const INDENT: usize = 2;

/// The piece as panels below each other, none wider than `width`.
pub(crate) fn broken(piece: &Math, width: usize) -> Vec<Panel> {
    let whole = set(piece);
    if whole.width() <= width {
        return vec![trimmed(&whole)];
    }
    if let Math::Row(parts) = piece {
        let parts = flattened(parts);
        for seam in SEAMS {
            let chunks = split(&parts, seam);
            // Below this, broken lines are harder to read than one wrapped line.
            if chunks.len() > 1 && width > 12 {
                return match seam {
                    Seam::Relation => relate(&chunks, width),
                    Seam::List | Seam::Sum | Seam::Product => fill(&chunks, seam, width),
                };
            }
        }
    }
    let opened = if is_plain(piece) { None } else { opened(piece, width) };
    opened.unwrap_or_else(|| {
        wrapped(&piece.to_string(), width, INDENT).into_iter().map(Panel::line).collect()
    })
}

/// The piece in rows that are each about as wide as `width` columns of text: for pages whose letters are not all of
/// one width. Each row but the first begins with its sign; what has no sign to break at stays whole.
pub(crate) fn rows(piece: &Math, width: usize) -> Vec<Math> {
    match piece {
        Math::Row(parts) => rows_at(&flattened(parts), &SEAMS, width),
        piece => vec![piece.clone()],
    }
}

/// Rows within a row without their bounds, which nobody sees.
fn flattened(parts: &[Math]) -> Vec<Math> {
    let mut flat = vec![];
    for part in parts {
        match part {
            Math::Row(inner) => flat.extend(flattened(inner)),
            part => flat.push(part.clone()),
        }
    }
    flat
}

/// As [`rows`], broken at the first of `seams` that there is, and what is still too wide at those after it.
fn rows_at(parts: &[Math], seams: &[Seam], width: usize) -> Vec<Math> {
    if set_start(parts).width() <= width {
        return vec![Math::Row(parts.to_vec())];
    }
    let (seam, later) = match seams.split_first() {
        Some((seam, later)) => (*seam, later),
        None => return vec![Math::Row(parts.to_vec())],
    };
    let mut chunks = split(parts, seam);
    if seam == Seam::Relation && chunks.len() > 1 && set_start(&chunks[0]).width() <= width / 3 {
        let first = chunks.remove(0);
        chunks[0].splice(0..0, first);
    }
    let mut lines: Vec<Vec<Math>> = vec![];
    for chunk in chunks {
        if let Some(last) = lines.last_mut().filter(|_| seam != Seam::Relation) {
            let mut longer = last.clone();
            longer.extend_from_slice(&chunk);
            if set_start(&longer).width() <= width {
                *last = longer;
                continue;
            }
        }
        lines.push(chunk);
    }
    lines.iter().flat_map(|line| rows_at(line, later, width)).collect()
}

fn trimmed(panel: &Panel) -> Panel {
    Panel::new(panel.trimmed(), panel.baseline())
}

fn seam(operator: Operator) -> Option<Seam> {
    match operator {
        Operator::Relation(_)
        | Operator::Equals
        | Operator::NotEqual
        | Operator::Approximately
        | Operator::Defined
        | Operator::Becomes
        | Operator::To
        | Operator::Implies
        | Operator::Element => Some(Seam::Relation),
        Operator::Comma | Operator::Space => Some(Seam::List),
        Operator::Plus | Operator::Minus => Some(Seam::Sum),
        Operator::Dot | Operator::Times | Operator::Beside | Operator::Elementwise => {
            Some(Seam::Product)
        }
        Operator::Sign
        | Operator::Partial
        | Operator::Differential
        | Operator::Infinity
        | Operator::Dots
        | Operator::Transposed => None,
    }
}

/// The row's parts in chunks, each but the first beginning with its sign; commas end the chunk before.
fn split(parts: &[Math], at: Seam) -> Vec<Vec<Math>> {
    let mut chunks: Vec<Vec<Math>> = vec![vec![]];
    for part in parts {
        let here = matches!(part, Math::Operator(operator) if seam(*operator) == Some(at));
        let filled = chunks.last().is_some_and(|chunk| !chunk.is_empty());
        if here && at == Seam::List {
            if let Some(last) = chunks.last_mut() {
                last.push(part.clone());
            }
            chunks.push(vec![]);
            continue;
        }
        if here && filled {
            chunks.push(vec![]);
        }
        if let Some(last) = chunks.last_mut() {
            last.push(part.clone());
        }
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// A line for each relation, the relations below each other; behind the left side if that is short.
fn relate(chunks: &[Vec<Math>], width: usize) -> Vec<Panel> {
    let left = set_start(&chunks[0]);
    let beside = left.width() <= 16.min(width / 3);
    let indent = if beside { left.width() + 1 } else { INDENT };
    let mut lines = if beside { vec![] } else { break_chunk(&chunks[0], width) };
    for chunk in &chunks[1..] {
        for panel in break_chunk(chunk, width - indent) {
            lines.push(match (lines.is_empty(), beside) {
                (true, true) => Panel::beside([left.clone(), Panel::line(" "), panel]),
                (true, false) | (false, _) => indented(&panel, indent),
            });
        }
    }
    lines
}

/// As many chunks to a line as fit.
fn fill(chunks: &[Vec<Math>], at: Seam, width: usize) -> Vec<Panel> {
    let mut lines: Vec<Panel> = vec![];
    let mut current: Vec<Math> = vec![];
    let indent = if at == Seam::List { 0 } else { INDENT };
    for chunk in chunks {
        let shift = if lines.is_empty() { 0 } else { indent };
        let mut longer = current.clone();
        longer.extend_from_slice(chunk);
        if set_start(&longer).width() <= width - shift {
            current = longer;
            continue;
        }
        if !current.is_empty() {
            lines.push(indented(&set_start(&current), shift));
            current = vec![];
        }
        let shift = if lines.is_empty() { 0 } else { indent };
        match set_start(chunk).width() <= width - shift {
            true => current = chunk.clone(),
            false => {
                let inner = break_chunk(chunk, width - shift);
                lines.extend(inner.iter().map(|panel| indented(panel, shift)));
            }
        }
    }
    if !current.is_empty() {
        let shift = if lines.is_empty() { 0 } else { indent };
        lines.push(indented(&set_start(&current), shift));
    }
    lines
}

/// A chunk: its sign, then its parts, broken further if they are too wide.
fn break_chunk(chunk: &[Math], width: usize) -> Vec<Panel> {
    let (sign, rest) = match chunk.split_first() {
        Some((Math::Operator(operator), rest)) if seam(*operator).is_some() => {
            (leading(*operator), rest)
        }
        _ => ("", chunk),
    };
    let inner = match rest {
        [only] => broken(only, width - columns(sign)),
        rest => broken(&Math::Row(rest.to_vec()), width - columns(sign)),
    };
    let blank = " ".repeat(columns(sign));
    let head = |i: usize| Panel::line(if i == 0 { sign } else { &blank });
    inner.into_iter().enumerate().map(|(i, panel)| Panel::beside([head(i), panel])).collect()
}

/// The sign at the start of a line.
fn leading(operator: Operator) -> &'static str {
    match operator {
        Operator::Dot => "· ",
        operator => line::sign(operator).trim_start(),
    }
}

/// A line's parts, without the space before its first sign and behind its last.
fn set_start(parts: &[Math]) -> Panel {
    let whole = match parts.split_first() {
        Some((Math::Operator(operator), rest)) => {
            Panel::beside([Panel::line(leading(*operator)), set(&Math::Row(rest.to_vec()))])
        }
        _ => set(&Math::Row(parts.to_vec())),
    };
    trimmed(&whole)
}

fn indented(panel: &Panel, indent: usize) -> Panel {
    Panel::beside([Panel::line(" ".repeat(indent)), panel.clone()])
}

/// One line of text over several, broken at spaces, a sign going with what follows it; words that are wider than a
/// line are cut.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize) -> Vec<String> {
    let width = width.max(1);
    let indent = if width > 4 * indent { indent } else { 0 };
    let mut lines: Vec<String> = vec![];
    let mut line = String::new();
    let mut held = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if is_sign(word) {
            held = if held.is_empty() { word.to_owned() } else { format!("{held} {word}") };
            continue;
        }
        let word = match held.is_empty() {
            true => word.to_owned(),
            false => format!("{} {word}", std::mem::take(&mut held)),
        };
        push_word(&mut lines, &mut line, &word, width, indent);
    }
    if !held.is_empty() {
        push_word(&mut lines, &mut line, &held, width, indent);
    }
    if !line.trim().is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

fn is_sign(word: &str) -> bool {
    matches!(
        word,
        "+" | "−"
            | "·"
            | "×"
            | "="
            | "≠"
            | "≈"
            | ":="
            | "←"
            | "→"
            | "⇒"
            | "∈"
            | "<"
            | "≤"
            | ">"
            | "≥"
            | "⊙"
    )
}

fn push_word(lines: &mut Vec<String>, line: &mut String, word: &str, width: usize, indent: usize) {
    let gap = usize::from(!line.trim().is_empty());
    if columns(line) + gap + columns(word) <= width {
        if gap > 0 {
            line.push(' ');
        }
        line.push_str(word);
        return;
    }
    if !line.trim().is_empty() {
        lines.push(std::mem::take(line));
        *line = " ".repeat(indent);
    }
    for character in word.chars() {
        let mut wide = [0; 4];
        if columns(line) + columns(character.encode_utf8(&mut wide)) > width {
            lines.push(std::mem::take(line));
            *line = " ".repeat(indent);
        }
        line.push(character);
    }
}
