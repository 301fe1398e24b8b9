//! CSV in, a typed table out.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek, SeekFrom};

use glassnet::{Error, Result};

use crate::bytes::read_error;
use crate::cell::{Reading, read_number};
use crate::columns::{Context, Typed, Typing};
use crate::fingerprint::Fingerprint;
use crate::note::{Note, NoteKind};
use crate::options::CsvOptions;
use crate::packed::Block;
use crate::records::{Lines, Ragged, Records};
use crate::table::{Described, Table, unknown_column};
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
    let mut bytes = Vec::new();
    let mut input = input;
    input.read_to_end(&mut bytes).map_err(|error| read_error(name, &error))?;
    read_csv_file(Cursor::new(bytes), name, options)
}

/// As [`read_csv`], from a file, of which it holds a small piece at a time. It may go through the file a second time: where
/// columns begin with numbers and turn out to be categories.
///
/// ```
/// use std::io::Cursor;
/// use glassnet_data::{ColumnType, CsvOptions, read_csv_file};
/// let file = Cursor::new("room\n101\n102\nlobby\ncellar\n");
/// let table = read_csv_file(file, "rooms.csv", &CsvOptions::default())?;
/// assert_eq!(table.require("room")?.column_type(), ColumnType::Category);
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// As [`read_csv`]; kind `io` also when the file changes in between.
pub fn read_csv_file(
    mut input: impl Read + Seek,
    name: &str,
    options: &CsvOptions,
) -> Result<Table> {
    options.check()?;
    let begin = input.stream_position().map_err(|error| read_error(name, &error))?;
    let fingerprint = match pass(&mut input, name, options, &BTreeSet::new())? {
        Pass::Done(table) => return Ok(table),
        Pass::Again { texts, fingerprint } => {
            input.seek(SeekFrom::Start(begin)).map_err(|error| read_error(name, &error))?;
            (pass(&mut input, name, options, &texts)?, fingerprint)
        }
    };
    match fingerprint {
        (Pass::Done(table), before) if table.fingerprint == before => Ok(table),
        (Pass::Done(_) | Pass::Again { .. }, _) => {
            Err(Error::io("the file changed while it was read")
                .at(name)
                .help("try again when nothing writes to it"))
        }
    }
}

/// What came of going through a file.
enum Pass {
    Done(Table),
    /// The texts of these columns, counted from 0, are needed.
    Again {
        texts: BTreeSet<usize>,
        fingerprint: u64,
    },
}

/// How many cells wait to be packed. A column's cells in a block should be many, as each packing has a cost.
const STAGED_CELLS: usize = 1 << 19;
/// The most rows of a block: what waits of a column is less than what allocators take from the system piece by piece,
/// so that it is used again.
const MOST_ROWS: usize = 1 << 13;

/// Goes through the file; the texts of the columns `texts` are kept whatever they look like.
fn pass(
    input: &mut impl Read,
    name: &str,
    options: &CsvOptions,
    texts: &BTreeSet<usize>,
) -> Result<Pass> {
    let mut records = Records::new(input, name, options)?;
    let mut notes = Vec::new();
    let mut line = records.next()?;
    let first: Vec<Vec<u8>> = records.cells().map(<[u8]>::to_vec).collect();
    let found = header(&first, name, options, &mut notes)
        .and_then(|header| check_named_columns(&header, name, options).map(|()| header));
    let header = match found {
        Ok(header) => header,
        Err(error) => return Err(records.refuse(error)),
    };

    let mut fingerprint = Fingerprint::new();
    header.iter().for_each(|(column, _)| fingerprint.push(column.as_bytes()));
    let mut columns = typings(&header, options, texts);
    let block_rows = (STAGED_CELLS / header.len().max(1)).clamp(1, MOST_ROWS);
    let context = Context::new(name, options);
    let (mut lines, mut ragged, mut rows) = (Lines::default(), Ragged::default(), 0);
    let mut blocks = Vec::new();
    let mut staged = 0;
    if options.has_header {
        line = records.next()?;
    }
    while let Some(begin) = line {
        lines.push(rows, begin);
        if records.width() == header.len() {
            for (cell, column) in records.cells_and_words().zip(&mut columns) {
                fingerprint.push_word(cell.0, cell.1);
                if let Some(column) = column {
                    column.push(cell, rows, &context)?;
                }
            }
            staged += 1;
        } else {
            ragged.push(begin, records.width());
        }
        rows += 1;
        if staged == block_rows {
            blocks.push(pack(&mut columns));
            staged = 0;
        }
        line = records.next()?;
    }
    records.refuse_blank()?;
    drop(records);
    ragged.into_result(header.len(), rows, name)?;
    if rows == 0 {
        return Err(Error::data("the file has a header and no rows")
            .at(name)
            .help("add rows, or --no-header if the first line is one"));
    }
    if staged > 0 {
        blocks.push(pack(&mut columns));
    }

    let fingerprint = fingerprint.finish();
    let mut described = Vec::new();
    let mut again = BTreeSet::new();
    for (index, ((column, unnamed), typing)) in header.iter().zip(columns).enumerate() {
        let Some(typing) = typing else { continue };
        match typing.finish(column, &context, &lines)? {
            Typed::Again => {
                again.insert(index);
            }
            Typed::Column(kind, told) => {
                notes.extend(told);
                described.push(Described {
                    name: column.clone(),
                    kind,
                    declared: options.column_types.contains_key(column),
                    unnamed: *unnamed,
                });
            }
        }
    }
    if !again.is_empty() {
        return Ok(Pass::Again { texts: again, fingerprint });
    }
    Ok(Pass::Done(Table {
        name: name.to_string(),
        header: header.into_iter().map(|(column, _)| column).collect(),
        columns: described,
        blocks,
        rows,
        missing: options.missing.clone(),
        lines,
        fingerprint,
        notes,
    }))
}

/// What types each column; `None` for those that are left out.
fn typings(
    header: &[(String, bool)],
    options: &CsvOptions,
    texts: &BTreeSet<usize>,
) -> Vec<Option<Typing>> {
    let typing = |(index, (column, _)): (usize, &(String, bool))| {
        let kept = !options.drop.contains(column)
            && options.keep.as_ref().is_none_or(|keep| keep.contains(column));
        let declared = options.column_types.get(column).copied();
        kept.then(|| match texts.contains(&index) {
            true => Typing::of_texts(declared),
            false => Typing::new(declared),
        })
    };
    header.iter().enumerate().map(typing).collect()
}

fn pack(columns: &mut [Option<Typing>]) -> Block {
    Block::pack(columns.iter_mut().flatten().map(Typing::staged))
}

/// The columns' names, and whether each was made up because the header had none.
pub(crate) fn header(
    first: &[Vec<u8>],
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
pub(crate) fn all_numbers(first: &[Vec<u8>], options: &CsvOptions) -> bool {
    first.iter().all(|cell| {
        let text = String::from_utf8_lossy(cell);
        matches!(read_number(&text, options.decimal_comma), Reading::Finite(_))
    })
}

fn refuse_other_delimiter(first: &[Vec<u8>], file: &str, options: &CsvOptions) -> Result<()> {
    let Some(only) = first.first().filter(|_| first.len() == 1) else {
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
