//! Tables: CSV, and the other files that hold tables.

use std::io::Cursor;

use glassnet::{Error, ErrorKind};
use glassnet_data::{
    CsvOptions, EncodeOptions, FitOptions, Input, Preprocessing, Table, Target, Task, read_csv,
    read_matrix, read_numbers, read_table,
};

/// Reads the bytes behind the first as a table; the first says how.
pub(super) fn csv(bytes: &[u8]) -> bool {
    let Some((&how, text)) = bytes.split_first() else { return false };
    let bit = |at: u8| how >> at & 1 == 1;
    let options = CsvOptions {
        delimiter: if bit(0) { b';' } else { b',' },
        decimal_comma: bit(1),
        missing: if bit(2) { vec!["NA".to_owned()] } else { vec![] },
        allow_non_finite: bit(3),
        has_header: !bit(4),
        ..CsvOptions::default()
    };
    if let Err(error) = read_matrix(text, "fuzz.csv", &options) {
        check_error(&error);
    }
    match read_csv(text, "fuzz.csv", &options) {
        Ok(table) => {
            learned_from(&table);
            true
        }
        Err(error) => {
            check_error(&error);
            false
        }
    }
}

/// Reads the bytes as a table of any kind: Parquet, arrays, compressed text.
pub(super) fn any(bytes: &[u8]) -> bool {
    let inputs = || vec![Input::new("fuzz", Cursor::new(bytes))];
    let options = CsvOptions::default();
    if let Err(error) = read_numbers(inputs(), &options) {
        check_error(&error);
    }
    match read_table(inputs(), &options) {
        Ok(table) if table.header().len() * table.rows() <= MOST_CELLS => {
            learned_from(&table);
            true
        }
        Ok(_) => true,
        Err(error) => {
            check_error(&error);
            false
        }
    }
}

/// Tables with more cells are read and not learned from: a few bytes can stand for many.
const MOST_CELLS: usize = 100_000;

/// Every column as the target: fitted and encoded, or refused.
fn learned_from(table: &Table) {
    let rows: Vec<usize> = (0..table.rows()).collect();
    for name in table.header().iter().take(4) {
        let target = match Target::choose(table, name, Task::Auto) {
            Ok(target) => target,
            Err(error) => {
                check_error(&error);
                continue;
            }
        };
        let fitted = match Preprocessing::fit(table, &target, &rows, &FitOptions::default()) {
            Ok((fitted, _)) => fitted,
            Err(error) => {
                check_error(&error);
                continue;
            }
        };
        match fitted.encode(table, &rows, &EncodeOptions::lenient()) {
            Ok(encoded) => {
                assert_eq!(encoded.features.shape(), [rows.len(), fitted.width()]);
                assert!(encoded.features.data().iter().all(|number| number.is_finite()));
            }
            Err(error) => check_error(&error),
        }
        let again = Preprocessing::from_json(&fitted.to_json());
        assert_eq!(again.unwrap_or_else(|error| panic!("{error}")), fitted);
    }
}

/// An error about a table says where, and stays readable.
fn check_error(error: &Error) {
    let kinds = [ErrorKind::Data, ErrorKind::Usage, ErrorKind::Limit];
    assert!(kinds.contains(&error.kind()), "{:?}: {error}", error.kind());
    let text = error.to_string();
    assert!(text.len() < 100_000, "{} bytes of message", text.len());
}
