//! Where each row of a table comes from: its file, and its line there.

use crate::words::quoted;

/// The line number of each row, kept as the places where it departs from counting on: most files need one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lines {
    runs: Vec<(usize, u64)>,
    /// The files in order, each with its first row.
    files: Vec<(usize, String)>,
    unit: Unit,
    /// Rows that are skipped: the first row that is asked for is this one.
    skipped: usize,
}

/// What is counted within a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Unit {
    /// Lines of text.
    #[default]
    Line,
    /// Rows of a file that has no lines.
    Row,
}

impl Lines {
    /// Of files without lines.
    pub(crate) fn of_rows() -> Self {
        Lines { unit: Unit::Row, ..Lines::default() }
    }

    /// Begins a file with row `row`.
    pub(crate) fn begin(&mut self, row: usize, file: &str) {
        self.files.push((row, file.to_owned()));
        if self.unit == Unit::Row {
            self.push(row, 1);
        }
    }

    /// Counts rows from row `first` on.
    pub(crate) fn skip(&mut self, first: usize) {
        self.skipped = first;
    }

    pub(crate) fn push(&mut self, row: usize, line: u64) {
        if self.runs.is_empty() || self.of(row) != line {
            self.runs.push((row, line));
        }
    }

    /// The line (or row of its file) on which row `row` begins, counted from 1.
    pub(crate) fn of(&self, row: usize) -> u64 {
        let row = row + self.skipped;
        let after = self.runs.partition_point(|&(start, _)| start <= row);
        match after.checked_sub(1).map(|index| self.runs[index]) {
            Some((start, line)) => line + (row - start) as u64,
            None => row as u64 + 1,
        }
    }

    /// The file of row `row`.
    pub(crate) fn file(&self, row: usize) -> &str {
        let row = row + self.skipped;
        let after = self.files.partition_point(|(start, _)| *start <= row);
        after.checked_sub(1).map_or("", |index| self.files[index].1.as_str())
    }

    /// `file:line`, or `file, row N` where there are no lines.
    pub(crate) fn place(&self, row: usize) -> String {
        let (file, number) = (self.file(row), self.of(row));
        match self.unit {
            Unit::Line => format!("{file}:{number}"),
            Unit::Row => format!("{file}, row {number}"),
        }
    }

    /// `line N`, with the file if there are several.
    pub(crate) fn origin(&self, row: usize) -> String {
        let unit = match self.unit {
            Unit::Line => "line",
            Unit::Row => "row",
        };
        let of = match self.files.len() {
            0 | 1 => String::new(),
            _ => format!(" of {}", quoted(self.file(row))), // not operations: several files
        };
        format!("{unit} {}{of}", self.of(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_know_their_files() {
        let mut lines = Lines::default();
        lines.begin(0, "a.csv");
        lines.push(0, 2);
        lines.push(1, 3);
        lines.begin(2, "b.csv");
        lines.push(2, 2);
        lines.push(3, 4);
        assert_eq!(lines.place(1), "a.csv:3");
        assert_eq!(lines.place(2), "b.csv:2");
        assert_eq!(lines.origin(3), "line 4 of \"b.csv\"");
        let mut rows = Lines::of_rows();
        rows.begin(0, "a.parquet");
        rows.begin(5, "b.parquet");
        assert_eq!(rows.place(4), "a.parquet, row 5");
        assert_eq!(rows.place(6), "b.parquet, row 2");
    }

    #[test]
    fn lines_are_kept_as_runs() {
        let mut lines = Lines::default();
        for (row, line) in [2, 3, 4, 7, 8, 20].into_iter().enumerate() {
            lines.push(row, line);
        }
        assert_eq!(lines.runs, [(0, 2), (3, 7), (5, 20)]);
        assert_eq!((0..6).map(|row| lines.of(row)).collect::<Vec<_>>(), [2, 3, 4, 7, 8, 20]);
    }
}
