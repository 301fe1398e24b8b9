//! Tables from files: flags to options, notes to the terminal.

use std::io::Cursor;
use std::path::Path;

use glassnet::{Error, Result};
use glassnet_data::{ColumnType, CsvOptions, Matrix, Note, Table, read_csv_file, read_matrix};

use crate::args::Reading;
use crate::output;
use crate::terminal::Terminal;

/// What the reading flags say.
pub(crate) fn options(reading: &Reading) -> Result<CsvOptions> {
    let mut options = CsvOptions {
        delimiter: one_byte(&reading.delimiter, "--delimiter")?,
        quote: one_byte(&reading.quote, "--quote")?,
        decimal_comma: reading.decimal_comma,
        missing: reading.missing.clone(),
        allow_non_finite: reading.allow_non_finite,
        ..CsvOptions::default()
    };
    for declaration in &reading.column_type {
        let declared = declaration.rsplit_once('=').and_then(|(column, name)| {
            ColumnType::from_name(name).map(|column_type| (column, column_type))
        });
        let Some((column, column_type)) = declared else {
            return Err(Error::usage(format!("{declaration:?} declares no type"))
                .at("--column-type")
                .help("write COLUMN=number, COLUMN=boolean, COLUMN=category or COLUMN=date"));
        };
        options.column_types.insert(column.to_owned(), column_type);
    }
    Ok(options)
}

fn one_byte(text: &str, flag: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err(Error::usage(format!("{text:?} is not one ASCII character"))
            .at(flag.to_owned())
            .help("give one character, or '\\t' for a tabulator")),
    }
}

/// The name of a table in messages.
pub(crate) fn label(path: &Path) -> String {
    if path == Path::new("-") { "stdin".into() } else { path.display().to_string() }
}

/// Reads a table and tells what was noticed.
pub(crate) fn table(path: &Path, options: &CsvOptions, terminal: &Terminal) -> Result<Table> {
    let name = label(path);
    let table = if path == Path::new("-") {
        // What was piped in can't be gone through twice, so all of it is kept while it is read.
        read_csv_file(Cursor::new(output::read(path)?), &name, options)?
    } else {
        read_csv_file(output::open(path)?, &name, options)?
    };
    notes(table.notes(), terminal);
    Ok(table)
}

/// Reads a table of numbers and tells what was noticed.
pub(crate) fn matrix(path: &Path, options: &CsvOptions, terminal: &Terminal) -> Result<Matrix> {
    let name = label(path);
    let matrix = if path == Path::new("-") {
        read_matrix(output::read(path)?.as_slice(), &name, options)?
    } else {
        read_matrix(output::open(path)?, &name, options)?
    };
    notes(&matrix.notes, terminal);
    Ok(matrix)
}

/// An error about a table's rows, by the table's name.
pub(crate) fn in_table(error: Error, path: &Path) -> Error {
    match error.place() {
        Some(_) => error,
        None => error.at(label(path)),
    }
}

/// Every target cell of a table is empty.
pub(crate) fn no_target(path: &Path) -> Error {
    Error::data("no row has a target").at(label(path)).help("give rows whose target is known")
}

/// Tells notes on stderr.
pub(crate) fn notes(notes: &[Note], terminal: &Terminal) {
    for note in notes {
        terminal.note(&note.to_string());
    }
}
