//! A single piece that is wider than the page, broken within: a fraction's parts over their bar, what stands between
//! brackets, a matrix's columns in groups, the values of cases.

use super::super::math::{Fence, Math};
use super::breaking::broken;
use super::panel::Panel;
use super::pieces::{columns_of, enclosed, fraction_of, is_flat, matrix_of, set};

/// Narrower pages than this have no room for brackets and bars.
const LEAST: usize = 16;

/// The piece in at most `width` columns, if its kind can be broken within.
pub(super) fn opened(piece: &Math, width: usize) -> Option<Vec<Panel>> {
    if width < LEAST {
        return None;
    }
    let panels = match piece {
        Math::Fraction(numerator, denominator) => {
            // A bar within the parts makes the fraction's own bar longer.
            let part = |piece: &Math| joined(&broken(piece, width - 2));
            vec![fraction_of(&part(numerator), &part(denominator))]
        }
        Math::Fence(fence, inner) => {
            vec![enclosed(&joined(&broken(inner, width - 2)), *fence)]
        }
        Math::Matrix(rows) => return open_matrix(rows, width),
        Math::Cases(rows) => vec![open_cases(rows, width)],
        Math::Row(parts) => vec![open_row(parts, width)?],
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_)
        | Math::Raised(..)
        | Math::Lowered(..)
        | Math::Root(_)
        | Math::Big(..)
        | Math::Under(..) => return None,
    };
    panels.iter().all(|panel| panel.width() <= width).then_some(panels)
}

fn joined(panels: &[Panel]) -> Panel {
    let whole = Panel::below_each_other(panels);
    // Several lines stand level with their neighbours by their middle.
    match panels.len() {
        1 => whole,
        _ => Panel::new(whole.trimmed(), whole.height() / 2),
    }
}

/// A row without a place to break, such as a function and its argument: its widest part is broken within.
fn open_row(parts: &[Math], width: usize) -> Option<Panel> {
    let panels: Vec<Panel> = parts.iter().map(set).collect();
    let (widest, _) = panels.iter().enumerate().max_by_key(|(_, panel)| panel.width())?;
    let rest: usize =
        panels.iter().enumerate().filter(|(i, _)| *i != widest).map(|(_, p)| p.width()).sum();
    let room = width.checked_sub(rest).filter(|room| *room > width / 2)?;
    let inner = joined(&opened(&parts[widest], room)?);
    let all = panels
        .into_iter()
        .enumerate()
        .map(|(i, panel)| if i == widest { inner.clone() } else { panel });
    Some(Panel::beside(all))
}

/// Columns in groups, each group under its numbers.
fn open_matrix(rows: &[Vec<Math>], width: usize) -> Option<Vec<Panel>> {
    let count = rows.iter().map(Vec::len).max()?;
    let mut panels: Vec<Panel> = vec![];
    let mut start = 0;
    while start < count {
        let fits = |end: usize| matrix_of(&columns_of(rows, start, end)).width() <= width;
        let mut end = start + 1;
        if !fits(end) {
            return None;
        }
        while end < count && fits(end + 1) {
            end += 1;
        }
        panels.push(Panel::line(match end - start {
            1 => format!("column {}", start + 1),
            _ => format!("columns {} to {}", start + 1, end),
        }));
        panels.push(matrix_of(&columns_of(rows, start, end)));
        start = end;
    }
    Some(panels)
}

fn open_cases(rows: &[(Math, Option<Math>)], width: usize) -> Panel {
    let room = width - 2;
    let mut lines: Vec<String> = vec![];
    for (i, (value, condition)) in rows.iter().enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        let value = joined(&broken(value, room));
        let condition = match condition {
            Some(condition) => {
                let condition = joined(&broken(condition, room - 5));
                Panel::beside([Panel::line("if "), condition])
            }
            None => Panel::line("otherwise"),
        };
        if value.width() + 2 + condition.width() <= room {
            lines.extend(Panel::beside([value, Panel::line("  "), condition]).trimmed());
        } else {
            lines.extend(value.trimmed());
            lines.extend(Panel::beside([Panel::line("  "), condition]).trimmed());
        }
    }
    let middle = lines.len() / 2;
    super::pieces::braced(&Panel::new(lines, middle))
}

/// True if the piece would be as readable in the one-line form, wrapped.
pub(super) fn is_plain(piece: &Math) -> bool {
    match piece {
        Math::Fence(Fence::Round | Fence::Square, inner) => is_flat(inner),
        Math::Row(parts) => parts.iter().all(is_flat),
        piece => is_flat(piece),
    }
}
