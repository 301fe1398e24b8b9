//! Tables of numbers only, as bare networks read them: no types, no preprocessing.

use std::io::Read;

use glassnet::{Error, Result, Tensor};

use crate::cell::{Reading, read_number, trim};
use crate::encoding::decoded;
use crate::header::{all_numbers, header};
use crate::lines::Lines;
use crate::note::Note;
use crate::options::CsvOptions;
use crate::ragged::Ragged;
use crate::records::Records;
use crate::words::quoted;

/// A table of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// The columns' names; `x0`, `x1`, … without a header.
    pub names: Vec<String>,
    /// Shape `[rows, columns]`.
    pub values: Tensor<f32>,
    /// What is worth telling about the file.
    pub notes: Vec<Note>,
}

/// Reads a CSV file of numbers: every cell is a finite decimal number that fits a 32-bit float (NaN and infinity only with
/// [`CsvOptions::allow_non_finite`]), rounded once. Declared column types, missing marks, `drop` and `keep` do not apply.
///
/// ```
/// use glassnet_data::{CsvOptions, read_matrix};
/// let matrix = read_matrix("a,b\n0,1\n-2,0.5\n".as_bytes(), "x.csv", &CsvOptions::default())?;
/// assert_eq!(matrix.values.shape(), [2, 2]);
/// assert_eq!(matrix.values.row(1), [-2.0, 0.5]);
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// As [`read_csv`](crate::read_csv); kind `data` also for every cell that is no number, with its line and column, and
/// for a header of numbers only, which is most likely a row (`--no-header`).
pub fn read_matrix(input: impl Read, name: &str, options: &CsvOptions) -> Result<Matrix> {
    options.check()?;
    let mut records = Records::new(decoded(input, options.encoding, name), name, options)?;
    let mut notes = Vec::new();
    let mut line = records.next()?;
    let first: Vec<Vec<u8>> = records.cells().map(<[u8]>::to_vec).collect();
    let found = if options.has_header && all_numbers(&first, options) {
        Err(Error::data("the first line holds numbers only, so it seems to be a row, not a header")
            .at(format!("{name}:1"))
            .help("add --no-header, or give the columns names"))
    } else {
        header(&first, name, options, &mut notes)
    };
    let names: Vec<String> = match found {
        Ok(header) => header.into_iter().map(|(name, _)| name).collect(),
        Err(error) => return Err(records.refuse(error)),
    };
    if options.has_header {
        line = records.next()?;
    }
    let (mut values, mut lines, mut ragged, mut rows) =
        (Vec::new(), Lines::default(), Ragged::default(), 0);
    let mut bad: Option<(usize, usize, String)> = None;
    lines.begin(0, name);
    while let Some(begin) = line {
        lines.push(rows, begin);
        if records.width() != names.len() {
            ragged.push(begin, records.width());
        }
        for (column, cell) in records.cells().enumerate() {
            // The text was checked to be UTF-8, and cells are cut at ASCII bytes.
            let cell = std::str::from_utf8(cell).unwrap_or_default();
            match read_f32(cell, options) {
                Some(value) => values.push(value),
                None if bad.is_none() => bad = Some((rows, column, cell.to_string())),
                None => {}
            }
        }
        rows += 1;
        line = records.next()?;
    }
    records.refuse_blank()?;
    drop(records);
    ragged.into_result(names.len(), rows, name)?;
    if rows == 0 {
        return Err(Error::data("the file has a header and no rows")
            .at(name)
            .help("add rows, or --no-header if the first line is one"));
    }
    if let Some((row, column, cell)) = bad {
        let place = format!("{name}:{}, column {}", lines.of(row), quoted(&names[column]));
        return Err(bad_cell(&cell, options).at(place));
    }
    Ok(Matrix { values: Tensor::new([rows, names.len()], values)?, names, notes })
}

fn read_f32(cell: &str, options: &CsvOptions) -> Option<f32> {
    let value = match options.decimal_comma {
        false => trim(cell).parse::<f32>().ok()?,
        true if cell.contains('.') => return None,
        true => trim(cell).replacen(',', ".", 1).parse::<f32>().ok()?,
    };
    if value.is_finite() {
        return Some(value);
    }
    let is_word = matches!(read_number(cell, options.decimal_comma), Reading::NonFinite(_));
    (is_word && options.allow_non_finite).then_some(value)
}

fn bad_cell(cell: &str, options: &CsvOptions) -> Error {
    let shown = quoted(cell);
    if trim(cell).is_empty() {
        return Error::data("the cell is empty")
            .help("fill it: a network without preprocessing cannot handle gaps");
    }
    match read_number(cell, options.decimal_comma) {
        Reading::NonFinite(_) => Error::data(format!("{shown} is not a finite number"))
            .help("correct the cell, or accept such values with --allow-non-finite"),
        Reading::Overflow | Reading::Finite(_) => {
            Error::data(format!("{shown} is beyond the largest 32-bit float (3.4e38)"))
                .help("correct the cell")
        }
        Reading::Text if matches!(read_number(cell, true), Reading::Finite(_)) => {
            Error::data(format!("{shown} looks like a number with a decimal comma"))
                .help("add --decimal-comma")
        }
        Reading::Text => Error::data(format!("{shown} is no number"))
            .help("correct the cell: a network without preprocessing reads numbers only"),
    }
}
