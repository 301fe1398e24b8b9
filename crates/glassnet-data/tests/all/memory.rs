//! What a table costs in memory while it is read and encoded.

use std::io::{Read, Result, Seek, SeekFrom};

use glassnet_data::{
    CsvOptions, EncodeOptions, FitOptions, Preprocessing, Target, Task, read_csv_file,
};

use crate::counting::measure;

#[test]
fn the_counter_counts() {
    let (kept, most, now) = measure(|| {
        drop(vec![0_u8; 1000]);
        vec![0_u8; 10]
    });
    assert_eq!((kept.len(), most, now), (10, 1000, 10));
}

/// A file that is made while it is read: lines of six decimals, of a text, and of 0 or 1.
struct Lines {
    row: usize,
    line: Vec<u8>,
    at: usize,
}

const ROWS: usize = 12_000;
const COLUMNS: usize = 60;

impl Lines {
    fn new() -> Self {
        let names = (0..COLUMNS).map(|column| format!("x{column},")).collect::<String>();
        Lines { row: 0, line: format!("{names}word,y\n").into_bytes(), at: 0 }
    }
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.at == self.line.len() && self.row < ROWS {
            use std::io::Write;
            self.line.clear();
            for column in 0..COLUMNS {
                let number = ((self.row * COLUMNS + column) as f64).sin() * 3.0;
                write!(self.line, "{number:.6},")?;
            }
            writeln!(self.line, "w{},{}", self.row % 7, self.row % 2)?;
            (self.row, self.at) = (self.row + 1, 0);
        }
        let count = buffer.len().min(self.line.len() - self.at);
        buffer[..count].copy_from_slice(&self.line[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Seek for Lines {
    fn seek(&mut self, _: SeekFrom) -> Result<u64> {
        Ok(0)
    }
}

#[test]
fn a_table_is_as_large_as_its_numbers_in_32_bits() {
    const CELLS: usize = ROWS * (COLUMNS + 2);
    let (table, most, now) =
        measure(|| read_csv_file(Lines::new(), "t.csv", &CsvOptions::default()).expect("a table"));
    assert_eq!((table.rows(), table.header().len()), (ROWS, COLUMNS + 2));
    assert!(now < 4 * CELLS, "{now} bytes for {CELLS} cells");
    // What waits to be packed, and the piece of the file.
    assert!(most < 4 * CELLS + 5_000_000, "{most} bytes for {CELLS} cells");

    let target = Target::choose(&table, "y", Task::Classification).expect("a target");
    let fit = || Preprocessing::fit(&table, &target, target.rows(), &FitOptions::default());
    let (fitted, most, _) = measure(fit);
    // Some columns' worth of doubles.
    assert!(most < 8 * 4 * ROWS + 100_000, "{most} bytes to fit");

    let (preprocessing, _) = fitted.expect("a fit");
    let encode = || preprocessing.encode_owned(table, target.rows(), &EncodeOptions::default());
    let (encoded, most, now) = measure(encode);
    let numbers = 4 * encoded.expect("rows").features.len();
    // The table itself was there before.
    assert!(most < numbers + 1_000_000, "{most} bytes to encode {numbers}");
    assert!(now < numbers - 2 * CELLS, "the table is still there: {now}");
}
