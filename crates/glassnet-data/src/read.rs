//! CSV in, a typed table out.

use std::io::Read;

use csv::ByteRecord;
use glassnet::{Error, Result};

use crate::bytes::{check, read_all};
use crate::cell::{Reading, read_number};
use crate::columns::{Context, RawColumn, finish};
use crate::fingerprint::Fingerprint;
use crate::note::{Note, NoteKind};
use crate::options::CsvOptions;
use crate::records::{Lines, Ragged, Records};
use crate::table::{Column, Table, unknown_column};
use crate::words::{list, quoted};

/// Reads a CSV table and decides each column's type from all of its rows. `name` stands for the file in messages.
///
/// A column is of numbers when every cell that is not missing is a finite decimal number, boolean when every one is
/// `true` or `false`, of dates when every one names a day or month, else a category. A column that is mostly numbers and has
/// some text is refused rather than turned into a category, unless it is declared
/// ([`CsvOptions::column_types`]). Integers of one width with leading zeros (`007`) are codes: a category that
/// keeps its zeros. A UTF-8 byte order mark is skipped; `\n`, `\r\n` and `\r` end lines; blank lines are skipped;
/// blanks around numbers and names are ignored.
///
/// ```
/// use glassnet_data::{ColumnType, CsvOptions, read_csv};
/// let text = "wind,weather\n4.7,rain\n,sun\n";
/// let table = read_csv(text.as_bytes(), "weather.csv", &CsvOptions::default())?;
/// assert_eq!(table.rows(), 2);
/// assert_eq!(table.require("weather")?.column_type(), ColumnType::Category);
/// assert!(table.require("wind")?.is_missing(1));
///
/// let error = read_csv("a,b\n1,2\n3\n".as_bytes(), "t.csv", &CsvOptions::default()).unwrap_err();
/// assert_eq!(error.place(), Some("t.csv:3"));
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// Kind `io` when reading fails. Kind `data`, with file and line, for text that is no UTF-8, an unclosed quote, rows
/// longer or shorter than the header, a header with equal names, no rows, another delimiter than the declared one, and columns
/// whose cells contradict their type.
pub fn read_csv(input: impl Read, name: &str, options: &CsvOptions) -> Result<Table> {
    options.check()?;
    let bytes = read_all(input, name)?;
    let text = check(&bytes, name, options)?;
    let mut records = Records::new(text, options);
    let mut notes = Vec::new();
    let mut record = ByteRecord::new();
    let mut line = records.next(&mut record)?;
    let header = header(&record, name, options, &mut notes)?;
    check_named_columns(&header, name, options)?;

    let kept: Vec<bool> = header
        .iter()
        .map(|(column, _)| {
            !options.drop.contains(column)
                && options.keep.as_ref().is_none_or(|keep| keep.contains(column))
        })
        .collect();
    let mut raw: Vec<RawColumn> = header.iter().map(|_| RawColumn::default()).collect();
    let mut fingerprint = Fingerprint::new();
    header.iter().for_each(|(column, _)| fingerprint.push(column.as_bytes()));
    let (mut lines, mut ragged, mut rows) = (Lines::default(), Ragged::default(), 0);
    if options.has_header {
        line = records.next(&mut record)?;
    }
    while let Some(begin) = line {
        lines.push(rows, begin);
        rows += 1;
        if record.len() == header.len() {
            for ((cell, column), &kept) in record.iter().zip(&mut raw).zip(&kept) {
                fingerprint.push(cell);
                if kept {
                    column.push(cell);
                }
            }
        } else {
            ragged.push(begin, record.len());
        }
        line = records.next(&mut record)?;
    }
    ragged.into_result(header.len(), rows, name)?;
    if rows == 0 {
        return Err(Error::data("the file has a header and no rows")
            .at(name)
            .help("add rows, or --no-header if the first line is one"));
    }
    drop(records);
    drop(bytes);

    let context = Context { file: name, lines: &lines, options };
    let mut columns = Vec::new();
    for (((column, unnamed), raw), kept) in header.iter().zip(raw).zip(kept) {
        if !kept {
            continue;
        }
        let declared = options.column_types.get(column).copied();
        let (cells, told) = finish(raw, column, declared, &context)?;
        notes.extend(told);
        columns.push(Column {
            name: column.clone(),
            cells,
            declared: declared.is_some(),
            unnamed: *unnamed,
        });
    }
    Ok(Table {
        name: name.to_string(),
        header: header.into_iter().map(|(column, _)| column).collect(),
        columns,
        rows,
        missing: options.missing.clone(),
        lines,
        fingerprint: fingerprint.finish(),
        notes,
    })
}

/// The columns' names, and whether each was made up because the header had none.
pub(crate) fn header(
    first: &ByteRecord,
    file: &str,
    options: &CsvOptions,
    notes: &mut Vec<Note>,
) -> Result<Vec<(String, bool)>> {
    refuse_other_delimiter(first, file, options)?;
    if !options.has_header {
        return Ok((0..first.len()).map(|index| (format!("x{index}"), false)).collect());
    }
    let mut names: Vec<(String, bool)> = Vec::with_capacity(first.len());
    for (index, cell) in first.iter().enumerate() {
        let text = String::from_utf8_lossy(cell);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            names.push((format!("column {}", index + 1), true));
            notes.push(Note::new(
                NoteKind::Header,
                format!("column {} has no name in the header of {file}", index + 1),
            ));
        } else {
            names.push((trimmed.to_string(), false));
        }
    }
    let numbers = all_numbers(first, options);
    refuse_equal_names(&names, numbers, file)?;
    let counts_on = |start: usize| {
        names.iter().enumerate().all(|(index, (name, _))| *name == (index + start).to_string())
    };
    if numbers && !counts_on(0) && !counts_on(1) {
        notes.push(Note::new(NoteKind::Header, format!(
            "the first line of {file} holds numbers only and was taken as the header; --no-header if it is a row"
        )));
    }
    Ok(names)
}

/// Whether every cell of the header is a number, as if it were a row.
pub(crate) fn all_numbers(first: &ByteRecord, options: &CsvOptions) -> bool {
    first.iter().all(|cell| {
        let text = String::from_utf8_lossy(cell);
        matches!(read_number(&text, options.decimal_comma), Reading::Finite(_))
    })
}

fn refuse_other_delimiter(first: &ByteRecord, file: &str, options: &CsvOptions) -> Result<()> {
    let Some(only) = first.get(0).filter(|_| first.len() == 1) else {
        return Ok(());
    };
    let candidates = [(b';', "';'"), (b'\t', "tab"), (b'|', "'|'"), (b',', "','")];
    let other =
        candidates.into_iter().find(|(byte, _)| *byte != options.delimiter && only.contains(byte));
    match other {
        None => Ok(()),
        Some((byte, shown)) => Err(Error::data(format!(
            "the first line has one cell, {}, that seems to be separated by {}",
            quoted(&String::from_utf8_lossy(only)),
            if byte == b'\t' { "tabs".to_string() } else { shown.to_string() },
        ))
        .at(format!("{file}:1"))
        .help(match byte {
            b';' => {
                "add --delimiter ';', and --decimal-comma if its numbers look like 1,5".to_string()
            }
            _ => format!("add --delimiter {shown}"),
        })),
    }
}

fn refuse_equal_names(names: &[(String, bool)], numbers: bool, file: &str) -> Result<()> {
    let mut at: std::collections::HashMap<&str, Vec<usize>> = std::collections::HashMap::new();
    for (index, (name, _)) in names.iter().enumerate() {
        at.entry(name).or_default().push(index + 1);
    }
    let mut equal: Vec<(&str, Vec<usize>)> =
        at.into_iter().filter(|(_, places)| places.len() > 1).collect();
    equal.sort_by_key(|(_, places)| places[0]);
    if equal.is_empty() {
        return Ok(());
    }
    let mut error = Error::data(format!(
        "the header has equal names: {}",
        list(equal.iter().map(|(name, _)| name), 10)
    ))
    .at(format!("{file}:1"))
    .help(if numbers {
        "if the first line is a row, add --no-header"
    } else {
        "rename the columns so that every name is there once"
    });
    for (name, places) in equal.iter().take(10) {
        let places: Vec<String> = places.iter().take(10).map(usize::to_string).collect();
        error = error.detail(format!("{}: columns {}", quoted(name), places.join(", ")));
    }
    Err(error)
}

fn check_named_columns(header: &[(String, bool)], file: &str, options: &CsvOptions) -> Result<()> {
    let has = |name: &String| header.iter().any(|(column, _)| column == name);
    let declared =
        options.keep.is_none().then(|| options.column_types.keys()).into_iter().flatten();
    match options.drop.iter().chain(declared).find(|name| !has(name)) {
        None => Ok(()),
        Some(name) => {
            let names: Vec<String> = header.iter().map(|(column, _)| column.clone()).collect();
            Err(unknown_column(name, file, &names))
        }
    }
}
