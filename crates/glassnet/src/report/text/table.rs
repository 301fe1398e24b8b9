//! Tables with a rule below the heads, each cell's text wrapped within its column.

use super::super::columns::Grid;
use super::words;
use crate::document::{Align, Table};
use crate::formula::{columns, padded, wrapped};

/// Between two columns.
const GAP: usize = 2;
/// The table as lines of at most `width` columns.
pub(super) fn set(table: &Table, width: usize) -> Vec<String> {
    let mut lines = vec![];
    if !table.caption.is_empty() {
        lines.extend(words::paragraph(&table.caption, width));
        lines.push(String::new());
    }
    let grid = Grid::new(table, GAP, words::plain);
    for (i, group) in grid.groups(width).iter().enumerate() {
        if i > 0 {
            lines.push(String::new());
        }
        write(&grid, group, width, &mut lines);
    }
    lines
}

fn write(grid: &Grid, group: &[usize], width: usize, lines: &mut Vec<String>) {
    let widths = grid.widths(group, width);
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
