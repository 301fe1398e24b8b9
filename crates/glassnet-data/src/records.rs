//! The rows of a CSV text with their line numbers: every row as long as the header, or an error.

use csv::{ByteRecord, Reader, ReaderBuilder};
use glassnet::{Error, Result};

use crate::bytes::line_end;
use crate::options::CsvOptions;
use crate::words::count;

/// The line number of each row, kept as the places where it departs from counting on: most files need one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lines {
    runs: Vec<(usize, u64)>,
}

impl Lines {
    pub(crate) fn push(&mut self, row: usize, line: u64) {
        if self.runs.is_empty() || self.of(row) != line {
            self.runs.push((row, line));
        }
    }

    /// The line on which row `row` begins, counted from 1.
    pub(crate) fn of(&self, row: usize) -> u64 {
        let after = self.runs.partition_point(|&(start, _)| start <= row);
        match after.checked_sub(1).map(|index| self.runs[index]) {
            Some((start, line)) => line + (row - start) as u64,
            None => row as u64 + 1,
        }
    }
}

/// A reader over a checked text that yields records with their lines.
pub(crate) struct Records<'a> {
    text: &'a [u8],
    reader: Reader<&'a [u8]>,
    carriage_returns: bool,
    counted_to: usize,
    line: u64,
}

impl<'a> Records<'a> {
    pub(crate) fn new(text: &'a [u8], options: &CsvOptions) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(options.delimiter)
            .quote(options.quote)
            .from_reader(text);
        let carriage_returns = line_end(text) == b'\r';
        Records { text, reader, carriage_returns, counted_to: 0, line: 1 }
    }

    /// The next record and the line it begins on; `None` at the end.
    pub(crate) fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>> {
        let start = self.reader.position().clone();
        let more = self
            .reader
            .read_byte_record(record)
            .map_err(|error| Error::data(format!("the text is no CSV: {error}")))?;
        if !more {
            return Ok(None);
        }
        // The reader's position stands before the blank lines that it skips.
        let mut at = start.byte() as usize;
        let mut skipped = 0;
        while let Some(byte @ (b'\r' | b'\n')) = self.text.get(at) {
            skipped += u64::from(*byte == b'\n');
            at += 1;
        }
        if self.carriage_returns {
            let passed = &self.text[self.counted_to..at];
            self.line += passed.iter().filter(|&&byte| byte == b'\r').count() as u64;
            self.counted_to = at;
            return Ok(Some(self.line));
        }
        Ok(Some(start.line() + skipped))
    }
}

/// What the rows with a wrong number of cells were: gathered over the whole file, so that the message can tell one
/// slip from a header that does not fit.
#[derive(Default)]
pub(crate) struct Ragged {
    first: Vec<(u64, usize)>,
    count: usize,
    same_length: bool,
}

impl Ragged {
    pub(crate) fn push(&mut self, line: u64, found: usize) {
        self.same_length = self.count == 0 || (self.same_length && self.first[0].1 == found);
        self.count += 1;
        if self.first.len() < 5 {
            self.first.push((line, found));
        }
    }

    /// An error when any row did not have `expected` cells, `rows` being all rows of the file.
    pub(crate) fn into_result(self, expected: usize, rows: usize, name: &str) -> Result<()> {
        let Some(&(line, found)) = self.first.first() else {
            return Ok(());
        };
        let fields = |number| count(number, "field");
        if self.count == rows && self.same_length && rows > 1 {
            let help = if found > expected {
                "give every column a name; a delimiter at the end of the rows makes an empty column"
            } else {
                "remove the names that have no column; check --delimiter"
            };
            return Err(Error::data(format!(
                "every row has {}, the header has {expected}",
                fields(found)
            ))
            .at(format!("{name}:{line}"))
            .help(help));
        }
        let mut error = Error::data(format!("the row has {}, expected {expected}", fields(found)))
            .at(format!("{name}:{line}"))
            .help(if found > expected {
                "quote cells that hold the delimiter, or remove the surplus"
            } else {
                "add the missing cells (empty ones count as missing), or remove the row"
            });
        for (line, found) in &self.first[1..] {
            error = error.detail(format!("line {line} has {}", fields(*found)));
        }
        if self.count > self.first.len() {
            error = error.detail(format!("… {} in all", count(self.count, "row")));
        }
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_as_runs() {
        let mut lines = Lines::default();
        for (row, line) in [2, 3, 4, 7, 8, 20].into_iter().enumerate() {
            lines.push(row, line);
        }
        assert_eq!(lines.runs, [(0, 2), (3, 7), (5, 20)]);
        assert_eq!((0..6).map(|row| lines.of(row)).collect::<Vec<_>>(), [2, 3, 4, 7, 8, 20]);
    }

    fn starts(text: &str) -> Vec<u64> {
        let mut records = Records::new(text.as_bytes(), &CsvOptions::default());
        let mut record = ByteRecord::new();
        std::iter::from_fn(|| records.next(&mut record).expect("CSV")).collect()
    }

    #[test]
    fn lines_count_through_blank_lines_quotes_and_carriage_returns() {
        assert_eq!(starts("a,b\n1,2\n\n\n3,4\n"), [1, 2, 5]);
        assert_eq!(starts("\n\na\r\n\"x\r\ny\"\r\nz"), [3, 4, 6]);
        assert_eq!(starts("a\rb\r\rc\r"), [1, 2, 4]);
    }
}
