//! Tables from files: flags to options, notes to the terminal.

use std::io::Seek;
use std::path::{Path, PathBuf};

use glassnet::{Error, Result};
use glassnet_data::{
    ColumnType, CsvOptions, Input, Matrix, Note, Table, TextEncoding, read_numbers, read_table,
};
use tempfile::SpooledTempFile;

use crate::args::Reading;
use crate::output;
use crate::scratch;
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
    if let Some(label) = &reading.encoding {
        options.encoding = Some(TextEncoding::from_label(label).ok_or_else(|| {
            Error::usage(format!("{label:?} is no encoding that is known"))
                .at("--encoding")
                .help("give its usual name, such as latin1, utf-16, windows-1250 or shift_jis")
        })?);
    }
    for array in &reading.arrays {
        let (name, key) = array.split_once('=').unwrap_or((array, array));
        options.arrays.push((name.to_owned(), key.to_owned()));
    }
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

/// The name of a file in messages.
pub(crate) fn label(path: &Path) -> String {
    if path == Path::new("-") { "stdin".into() } else { path.display().to_string() }
}

/// What names the files of a table together.
pub(crate) fn title(paths: &[PathBuf]) -> String {
    match paths {
        [first, rest @ ..] if !rest.is_empty() => {
            format!("{} and {} more", label(first), rest.len())
        }
        _ => paths.first().map_or(String::new(), |path| label(path)), // not operations: one file
    }
}

/// The files that `given` names: those of a pattern such as `data/part-*.csv` in the order of their names.
///
/// # Errors
/// Kind `io` for a pattern that no file has; kind `usage` for a pattern that is none, and for stdin beside files.
pub(crate) fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = vec![];
    for path in given {
        match path.to_str().filter(|text| text.contains(['*', '?', '['])) {
            // A file may be called like a pattern.
            Some(pattern) if !path.exists() => files.extend(matching(pattern)?),
            Some(_) | None => files.push(path.clone()),
        }
    }
    if files.len() > 1 && files.iter().any(|path| path == Path::new("-")) {
        return Err(Error::usage("stdin cannot be one of several files")
            .at("-")
            .help("give - alone, or files"));
    }
    Ok(files)
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let paths = glob::glob(pattern).map_err(|error| {
        Error::usage(format!("the pattern cannot be understood: {}", error.msg))
            .at(pattern.to_owned())
            .help("write [*] for a star in a name")
    })?;
    let mut found = vec![];
    for path in paths {
        found.push(path.map_err(|error| {
            glassnet_data::read_error(&error.path().display().to_string(), error.error())
        })?);
    }
    if found.is_empty() {
        return Err(Error::io("there is no such file, and none that fits the pattern")
            .at(pattern.to_owned())
            .help("check the path"));
    }
    Ok(found)
}

/// The files of a table, opened.
fn inputs(paths: &[PathBuf]) -> Result<Vec<Input<'static>>> {
    let open = |path: &PathBuf| {
        let name = label(path);
        if path == Path::new("-") {
            return Ok(Input::new(name, piped_in()?));
        }
        Ok(Input::new(name, output::open(path)?))
    };
    files(paths)?.iter().map(open).collect()
}

/// Reads a table and tells what was noticed.
pub(crate) fn table(paths: &[PathBuf], options: &CsvOptions, terminal: &Terminal) -> Result<Table> {
    labelled_table(paths, &[], "", options, terminal)
}

/// As [`table`], with the labels of the rows in files of their own, which become the column `column`.
pub(crate) fn labelled_table(
    paths: &[PathBuf],
    labels: &[PathBuf],
    column: &str,
    options: &CsvOptions,
    terminal: &Terminal,
) -> Result<Table> {
    let table = read_table(labelled_inputs(paths, labels, column)?, options)?;
    notes(table.notes(), terminal);
    Ok(table)
}

/// The files of a table, opened, with the labels of the rows in files of their own, if there are any.
pub(crate) fn labelled_inputs(
    paths: &[PathBuf],
    labels: &[PathBuf],
    column: &str,
) -> Result<Vec<Input<'static>>> {
    let (mut rows, labels) = (inputs(paths)?, inputs(labels)?);
    if !labels.is_empty() && labels.len() != rows.len() {
        return Err(Error::usage(format!(
            "{} files of labels for {} files of rows",
            labels.len(),
            rows.len()
        ))
        .at("--labels")
        .help("give one for each, in the same order"));
    }
    if !labels.is_empty() {
        let pairs = rows.into_iter().zip(labels);
        rows = pairs.map(|(rows, labels)| rows.with_labels(column, labels)).collect();
    }
    Ok(rows)
}

/// What was piped in, which can be read again: kept in memory, or in a temporary file where it is long.
fn piped_in() -> Result<SpooledTempFile> {
    const MOST: usize = 256_000_000;
    let mut kept = tempfile::spooled_tempfile_in(MOST, scratch::folder());
    let copied = std::io::copy(&mut std::io::stdin().lock(), &mut kept).and_then(|_| kept.rewind());
    copied.map(|()| kept).map_err(|error| {
        Error::io(format!("the data cannot be read: {error}"))
            .at("stdin")
            .help("pipe a table into it, or name a file")
    })
}

/// The column that `given` names: its name, or the number of one of an array's columns, which are called x0, x1, ….
pub(crate) fn column(given: &str, table: &Table) -> String {
    let numbered = format!("x{given}");
    let counted = given.parse::<usize>().ok().and_then(|at| table.header().get(at));
    let named = table.header().iter().any(|name| name == given);
    if !named && counted == Some(&numbered) { numbered } else { given.to_owned() }
}

/// Reads a table of numbers and tells what was noticed.
pub(crate) fn matrix(
    paths: &[PathBuf],
    options: &CsvOptions,
    terminal: &Terminal,
) -> Result<Matrix> {
    let matrix = read_numbers(inputs(paths)?, options)?;
    notes(&matrix.notes, terminal);
    Ok(matrix)
}

/// An error about a table's rows, by the table's name.
pub(crate) fn in_table(error: Error, paths: &[PathBuf]) -> Error {
    match error.place() {
        Some(_) => error,
        None => error.at(title(paths)),
    }
}

/// Every target cell of a table is empty.
pub(crate) fn no_target(paths: &[PathBuf]) -> Error {
    Error::data("no row has a target").at(title(paths)).help("give rows whose target is known")
}

/// Tells notes on stderr.
pub(crate) fn notes(notes: &[Note], terminal: &Terminal) {
    for note in notes {
        terminal.note(&note.to_string());
    }
}
