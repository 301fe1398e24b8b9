//! Tables: columns as wide as their cells while there is room; then cells wrap; then the columns are shown in groups,
//! each group behind the first column.

use super::words;
use crate::document::{Align, Table};
use crate::formula::{columns, padded, wrapped};

/// Between two columns.
const GAP: usize = 2;
/// A column of words may be wrapped down to this.
const LEAST: usize = 12;

struct Grid {
    heads: Vec<String>,
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

/// The table as lines of at most `width` columns.
pub(super) fn set(table: &Table, width: usize) -> Vec<String> {
    let mut lines = vec![];
    if !table.caption.is_empty() {
        lines.extend(words::paragraph(&table.caption, width));
        lines.push(String::new());
    }
    let grid = Grid {
        heads: table.columns.iter().map(|column| words::plain(&column.head)).collect(),
        aligns: table.columns.iter().map(|column| column.align).collect(),
        rows: table.rows.iter().map(|row| row.iter().map(words::plain).collect()).collect(),
    };
    for (i, group) in groups(&grid, width).iter().enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        write(&grid, group, width, &mut lines);
    }
    lines
}

impl Grid {
    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }

    fn natural(&self, column: usize) -> usize {
        let head = columns(&self.heads[column]);
        self.cells(column).map(columns).fold(head, usize::max)
    }

    /// The least width: words wrap at spaces, numbers don't.
    fn least(&self, column: usize) -> usize {
        let natural = self.natural(column);
        let longest = |text: &str| text.split(' ').map(columns).max().unwrap_or(0);
        let words = self.cells(column).map(longest).fold(longest(&self.heads[column]), usize::max);
        match self.aligns[column] {
            Align::Left => natural.min(words.max(LEAST)),
            Align::Right => natural.min(words),
        }
    }
}

/// The columns in groups that fit beside each other, each group but the first behind a copy of column 0.
fn groups(grid: &Grid, width: usize) -> Vec<Vec<usize>> {
    let count = grid.heads.len();
    let mut all: Vec<Vec<usize>> = vec![];
    let mut current: Vec<usize> = vec![];
    let total = |group: &[usize]| -> usize {
        group.iter().map(|column| grid.least(*column) + GAP).sum::<usize>().saturating_sub(GAP)
    };
    for column in 0..count {
        let mut longer = current.clone();
        longer.push(column);
        let fresh = if all.is_empty() { 0 } else { 1 };
        if total(&longer) > width && current.len() > fresh {
            all.push(std::mem::take(&mut current));
            // Naming the rows again must leave room for something to name.
            if grid.least(0) + GAP + grid.least(column) <= width {
                longer = vec![0, column];
            } else {
                longer = vec![column];
            }
        }
        current = longer;
    }
    if !current.is_empty() {
        all.push(current);
    }
    all
}

/// The columns' widths: the natural ones, the widest cut down until all fit.
fn widths(grid: &Grid, group: &[usize], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = group.iter().map(|column| grid.natural(*column).max(1)).collect();
    let least: Vec<usize> = group.iter().map(|column| grid.least(*column)).collect();
    let room = width.saturating_sub(GAP * (group.len().saturating_sub(1)));
    while widths.iter().sum::<usize>() > room {
        let slack = |i: &usize| widths[*i] > least[*i] && widths[*i] > 1;
        let widest = (0..widths.len()).filter(slack).max_by_key(|i| widths[*i]);
        // A column that cannot shrink by its words is cut within them.
        let widest = widest.or_else(|| (0..widths.len()).max_by_key(|i| widths[*i]));
        match widest {
            Some(i) if widths[i] > 1 => widths[i] -= 1,
            _ => break,
        }
    }
    widths
}

fn write(grid: &Grid, group: &[usize], width: usize, lines: &mut Vec<String>) {
    let widths = widths(grid, group, width);
    let empty = String::new();
    let pick = |row: &[String]| -> Vec<String> {
        group.iter().map(|column| row.get(*column).unwrap_or(&empty).clone()).collect()
    };
    let aligns: Vec<Align> = group.iter().map(|column| grid.aligns[*column]).collect();
    write_row(&pick(&grid.heads), &widths, &aligns, lines);
    let rules: Vec<String> = widths.iter().map(|wide| "─".repeat(*wide)).collect();
    lines.push(rules.join(&" ".repeat(GAP)));
    for row in &grid.rows {
        write_row(&pick(row), &widths, &aligns, lines);
    }
}

fn write_row(cells: &[String], widths: &[usize], aligns: &[Align], lines: &mut Vec<String>) {
    let wrapped: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, wide)| wrapped(cell, *wide, 0)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for i in 0..height {
        let parts: Vec<String> = wrapped
            .iter()
            .zip(widths)
            .zip(aligns)
            .map(|((cell, wide), align)| {
                let text = cell.get(i).map_or("", |line| line.trim());
                match align {
                    Align::Left => padded(text, *wide),
                    Align::Right => " ".repeat(wide.saturating_sub(columns(text))) + text,
                }
            })
            .collect();
        lines.push(parts.join(&" ".repeat(GAP)).trim_end().to_owned());
    }
}
