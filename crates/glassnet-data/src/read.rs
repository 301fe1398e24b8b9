//! CSV in, a typed table out.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};

use glassnet::{Error, Result};

use crate::bytes::read_error;
use crate::columns::{Context, Typed, Typing, too_much_text};
use crate::encoding::decoded;
use crate::fingerprint::Fingerprint;
use crate::header::{check_named_columns, header, order_of};
use crate::input::Input;
use crate::lines::Lines;
use crate::long::{Blocks, Spill, Spilled};
use crate::note::Note;
use crate::options::CsvOptions;
use crate::packed::Block;
use crate::ragged::Ragged;
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

/// What is gathered from all files.
struct Gathered {
    header: Vec<(String, bool)>,
    columns: Vec<Option<Typing>>,
    blocks: Blocks,
    block_rows: usize,
    /// How many rows wait to be packed.
    staged: usize,
    rows: usize,
    lines: Lines,
    fingerprint: Fingerprint,
}

impl Gathered {
    fn new(header: Vec<(String, bool)>, options: &CsvOptions, texts: &BTreeSet<usize>) -> Self {
        let mut fingerprint = Fingerprint::new();
        header.iter().for_each(|(column, _)| fingerprint.push(column.as_bytes()));
        Gathered {
            columns: typings(&header, options, texts),
            block_rows: block_rows(header.len()),
            header,
            blocks: Blocks::default(),
            staged: 0,
            rows: 0,
            lines: Lines::default(),
            fingerprint,
        }
    }

    /// Takes the rows of a file that begin with `line`. `order` says which cell each column is, where the file has its
    /// columns in another order.
    fn take<R: Read>(
        &mut self,
        mut records: Records<'_, R>,
        mut line: Option<u64>,
        order: Option<&[usize]>,
        (context, mut spill): (&Context<'_>, Option<&mut Spill>),
    ) -> Result<()> {
        let (width, first_row) = (self.header.len(), self.rows);
        let mut ragged = Ragged::default();
        self.lines.begin(first_row, context.file);
        while let Some(begin) = line {
            self.lines.push(self.rows, begin);
            if records.width() == width {
                let row = self.rows;
                let mut push = |cell: (&[u8], u64), column: &mut Option<Typing>| {
                    self.fingerprint.push_word(cell.0, cell.1);
                    column.as_mut().map_or(Ok(()), |column| column.push(cell, row, context))
                };
                match order {
                    None => {
                        for (cell, column) in records.cells_and_words().zip(&mut self.columns) {
                            push(cell, column)?;
                        }
                    }
                    Some(order) => {
                        for (&at, column) in order.iter().zip(&mut self.columns) {
                            push(records.cell_and_word(at), column)?;
                        }
                    }
                }
                self.staged += 1;
            } else {
                ragged.push(begin, records.width());
            }
            self.rows += 1;
            if self.staged == self.block_rows {
                self.pack(spill.as_deref_mut())?;
            }
            line = records.next()?;
        }
        records.refuse_blank()?;
        ragged.into_result(width, self.rows - first_row, context.file)
    }

    fn pack(&mut self, spill: Option<&mut Spill>) -> Result<()> {
        let staged = self.columns.iter_mut().flatten().map(Typing::staged);
        let block = Block::pack(staged, self.staged);
        self.staged = 0;
        self.blocks.push(block, spill)
    }
}

/// Goes through the files; the texts of the columns `texts` are kept whatever they look like.
fn pass(
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    texts: &BTreeSet<usize>,
    mut spill: Option<&mut Spill>,
) -> Result<Pass> {
    let mut notes = Vec::new();
    let mut gathered: Option<Gathered> = None;
    let title = title(inputs);
    let first_name = inputs.first().map(|input| input.name.clone()).unwrap_or_default();
    for input in inputs {
        let name = input.name.clone();
        let mut records =
            Records::new(decoded(input.open()?, options.encoding, &name), &name, options)?;
        let mut line = records.next()?;
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
        if options.has_header {
            line = records.next()?;
        }
        let context = Context::new(&name, options).within(spill.as_deref());
        let gathered = gathered.get_or_insert_with(|| Gathered::new(header, options, texts));
        let within = (&context, spill.as_deref_mut());
        let taken = gathered.take(records, line, order.as_deref(), within);
        let refused = |column: &Option<Typing>| column.as_ref().is_some_and(Typing::is_refused);
        match gathered.columns.iter().position(refused) {
            Some(index) => return Err(too_much_text(&gathered.header[index].0, &context)),
            None => taken?,
        }
    }
    let Some(mut gathered) = gathered else {
        return Err(Error::data("there is no file to read").help("name at least one"));
    };
    if gathered.rows == 0 {
        return Err(Error::data("the file has a header and no rows")
            .at(title)
            .help("add rows, or --no-header if the first line is one"));
    }
    if gathered.staged > 0 {
        gathered.pack(spill)?;
    }
    finish(gathered, (title, notes), options)
}

/// What the columns are, once all rows were read.
fn finish(gathered: Gathered, named: (String, Vec<Note>), options: &CsvOptions) -> Result<Pass> {
    let Gathered { header, columns, blocks, rows, lines, fingerprint, .. } = gathered;
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
            true => Typing::of_texts(declared),
            false => Typing::new(declared),
        })
    };
    header.iter().enumerate().map(typing).collect()
}
