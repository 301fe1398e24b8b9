//! Rows that are longer or shorter than the header.

use glassnet::{Error, Result};

use crate::words::count;

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
