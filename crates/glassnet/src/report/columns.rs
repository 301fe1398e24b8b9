//! How a table's columns share a page's width: as wide as their cells while there is room; then columns of words wrap;
//! then the columns are shown in groups, each group behind the first column.

use crate::document::{Align, Table, Text};
use crate::formula::columns;

/// A column of words may be wrapped down to this.
const LEAST: usize = 12;

/// A table's cells as text, for measuring.
pub(super) struct Grid {
    pub(super) heads: Vec<String>,
    pub(super) aligns: Vec<Align>,
    pub(super) rows: Vec<Vec<String>>,
    gap: usize,
}

impl Grid {
    /// The table with its cells as `plain` writes them, and `gap` columns between two columns of cells.
    pub(super) fn new(table: &Table, gap: usize, plain: fn(&Text) -> String) -> Grid {
        Grid {
            heads: table.columns.iter().map(|column| plain(&column.head)).collect(),
            aligns: table.columns.iter().map(|column| column.align).collect(),
            rows: table.rows.iter().map(|row| row.iter().map(plain).collect()).collect(),
            gap,
        }
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }

    /// How wide the column is if nothing wraps.
    pub(super) fn natural(&self, column: usize) -> usize {
        self.cells(column).map(columns).fold(columns(&self.heads[column]), usize::max)
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

    /// The columns in groups that fit beside each other, each group but the first behind a copy of column 0.
    pub(super) fn groups(&self, width: usize) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = vec![];
        let mut current: Vec<usize> = vec![];
        let total = |group: &[usize]| -> usize {
            let sum: usize = group.iter().map(|column| self.least(*column) + self.gap).sum();
            sum.saturating_sub(self.gap)
        };
        for column in 0..self.heads.len() {
            let mut longer = current.clone();
            longer.push(column);
            let named = usize::from(!all.is_empty());
            if total(&longer) > width && current.len() > named {
                all.push(std::mem::take(&mut current));
                // Naming the rows again must leave room for something to name.
                longer = match self.least(0) + self.gap + self.least(column) <= width {
                    true => vec![0, column],
                    false => vec![column],
                };
            }
            current = longer;
        }
        if !current.is_empty() {
            all.push(current);
        }
        all
    }

    /// The widths of a group's columns: the natural ones, the widest cut down until all fit.
    pub(super) fn widths(&self, group: &[usize], width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> =
            group.iter().map(|column| self.natural(*column).max(1)).collect();
        let least: Vec<usize> = group.iter().map(|column| self.least(*column)).collect();
        let room = width.saturating_sub(self.gap * group.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            let slack = |i: &usize| widths[*i] > least[*i] && widths[*i] > 1;
            let widest = (0..widths.len()).filter(slack).max_by_key(|i| widths[*i]);
            // A column that cannot shrink by its words is cut within them.
            let widest = widest.or_else(|| (0..widths.len()).max_by_key(|i| widths[*i]));
            match widest {
                Some(i) if widths[i] > 1 => widths[i] -= 1,
                Some(_) | None => break,
            }
        }
        widths
    }
}
