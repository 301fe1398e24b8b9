//! CSV in, a typed table out.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};

use glassnet::{Error, Result};

use crate::batch::Batch;
use crate::bytes::read_error;
use crate::columns::{Context, Typed, Typing};
use crate::encoding::decoded;
use crate::gathered::Gathered;
use crate::header::{check_named_columns, header, order_of};
use crate::input::Input;
use crate::long::{Spill, Spilled};
use crate::note::Note;
use crate::options::CsvOptions;
use crate::records::Records;
use crate::table::{Described, Table};
use crate::words::count;

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
/// columns begin with numbers and turn out to be categories. A file that is compressed with gzip or zstd is unpacked as it is
/// read.
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
/// As [`read_csv`]; kind `io` also when the file changes in between; kind `limit` for compressed bytes that become too many.
pub fn read_csv_file(input: impl Read + Seek, name: &str, options: &CsvOptions) -> Result<Table> {
    // Without a place to go to the cells stay in memory.
    read_csv_files(&mut [Input::new(name, input)], options, None).map(|(table, _)| table)
}

/// Reads several CSV files as one table: rows follow each other in the files' order, columns are found by name.
///
/// # Errors
/// As [`read_csv_file`]; kind `data` also when a file has other columns than the first.
pub(crate) fn read_csv_files(
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    mut spill: Option<&mut Spill>,
) -> Result<Gone> {
    options.check()?;
    let fingerprint = match pass(inputs, options, &BTreeSet::new(), spill.as_deref_mut())? {
        Pass::Done(gone) => return Ok(*gone),
        Pass::Again { texts, fingerprint } => (pass(inputs, options, &texts, spill)?, fingerprint),
    };
    match fingerprint {
        (Pass::Done(gone), before) if gone.0.fingerprint == before => Ok(*gone),
        (Pass::Done(_) | Pass::Again { .. }, _) => {
            Err(Error::io("the file changed while it was read")
                .at(title(inputs))
                .help("try again when nothing writes to it"))
        }
    }
}

/// A table, and its blocks if they aren't in memory.
pub(crate) type Gone = (Table, Option<Spilled>);

/// What came of going through the files.
enum Pass {
    Done(Box<Gone>),
    /// The texts of these columns, counted from 0, are needed.
    Again {
        texts: BTreeSet<usize>,
        fingerprint: u64,
    },
}

/// What names all files together.
pub(crate) fn title(inputs: &[Input<'_>]) -> String {
    match inputs {
        [] => String::new(),
        [only] => only.name.clone(),
        [first, rest @ ..] => format!("{} and {} more", first.name, count(rest.len(), "file")),
    }
}

/// How many cells wait to be packed. A column's cells in a block should be many, as each packing has a cost.
const STAGED_CELLS: usize = 1 << 19;
/// The most rows of a block: what waits of a column is less than what allocators take from the system piece by piece,
/// so that it is used again.
const MOST_ROWS: usize = 1 << 13;

/// How many rows of so many columns make a block.
pub(crate) fn block_rows(columns: usize) -> usize {
    (STAGED_CELLS / columns.max(1)).clamp(1, MOST_ROWS)
}

/// Goes through the files; the texts of the columns `texts` are kept whatever they look like.
fn pass(
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    texts: &BTreeSet<usize>,
    mut spill: Option<&mut Spill>,
) -> Result<Pass> {
    let threads = spill.as_ref().map_or(1, |spill| spill.threads);
    let mut notes = Vec::new();
    let mut gathered: Option<Gathered> = None;
    let title = title(inputs);
    let first_name = inputs.first().map(|input| input.name.clone()).unwrap_or_default();
    for input in inputs {
        let name = input.name.clone();
        let mut records =
            Records::new(decoded(input.open()?, options.encoding, &name), &name, options)?;
        let line = records.next()?;
        let first: Vec<Vec<u8>> = records.cells().map(<[u8]>::to_vec).collect();
        // What the headers of further files look like was told of the first.
        let mut told = Vec::new();
        let told = if gathered.is_none() { &mut notes } else { &mut told };
        let found = header(&first, &name, options, told).and_then(|header| match &gathered {
            None => check_named_columns(&header, &name, options).map(|()| (header, None)),
            Some(gathered) => {
                let order = order_of(&gathered.header, &header, (&first_name, &name))?;
                Ok((header, order))
            }
        });
        let (header, order) = match found {
            Ok(found) => found,
            Err(error) => return Err(records.refuse(error)),
        };
        let head = (!options.has_header).then(|| Batch::of(line.unwrap_or(1), &first));
        let context = Context::new(&name, options).within(spill.as_deref());
        let gathered = gathered.get_or_insert_with(|| {
            let columns = typings(&header, options, texts);
            Gathered::new(header, columns, threads)
        });
        gathered.take(records, head, order.as_deref(), (&context, spill.as_deref_mut()))?;
    }
    let Some(mut gathered) = gathered else {
        return Err(Error::data("there is no file to read").help("name at least one"));
    };
    if gathered.rows == 0 {
        return Err(Error::data("the file has a header and no rows")
            .at(title)
            .help("add rows; the first line holds the names of the columns"));
    }
    if gathered.staged > 0 {
        gathered.pack(spill)?;
    }
    finish(gathered, (title, notes), options)
}

/// What the columns are, once all rows were read.
fn finish(gathered: Gathered, named: (String, Vec<Note>), options: &CsvOptions) -> Result<Pass> {
    let Gathered { header, columns, blocks, rows, lines, fingerprint, .. } = gathered;
    let columns = columns.into_columns();
    let (title, mut notes) = named;
    let context = Context::new(&title, options);
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
    let (blocks, spilled) = blocks.finish();
    let table = Table {
        name: title,
        header: header.into_iter().map(|(column, _)| column).collect(),
        columns: described,
        blocks,
        rows,
        missing: options.missing.clone(),
        lines,
        fingerprint,
        notes,
    };
    Ok(Pass::Done(Box::new((table, spilled))))
}

/// What types each column; `None` for those that are left out.
fn typings(
    header: &[(String, bool)],
    options: &CsvOptions,
    texts: &BTreeSet<usize>,
) -> Vec<Option<Typing>> {
    let typing = |(index, (column, _)): (usize, &(String, bool))| {
        let kept = !options.leaves_out(column);
        let declared = options.column_types.get(column).copied();
        kept.then(|| match texts.contains(&index) {
            true => Typing::of_texts(declared).needed_by(options, column),
            false => Typing::new(declared).needed_by(options, column),
        })
    };
    header.iter().enumerate().map(typing).collect()
}
