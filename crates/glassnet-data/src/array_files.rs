//! Files of arrays as tables: NumPy's `.npy` and `.npz`, and IDX, in which MNIST comes.
//!
//! The first axis counts rows. An array of one axis is a column, one of more axes a column for each further element: `x0`,
//! `x1`, … in a file of one array, the array's name and the number in an archive.

use std::borrow::Cow;
use std::io::Read;

use glassnet::{Error, Result};
use glassnet_formats::numpy::{self, Array, Cells};

use crate::arrays::Columns;
use crate::bytes::read_error;
use crate::columns::Context;
use crate::content::Content;
use crate::half::half;
use crate::input::Input;
use crate::long::Spill;
use crate::options::{ColumnType, CsvOptions};
use crate::read::{Gone, title};
use crate::typed::Cell;
use crate::words::{list, quoted};

/// The most columns of a table: each costs some hundred bytes while it is read.
const MOST_COLUMNS: usize = 100_000;

/// Reads files of arrays as one table.
///
/// # Errors
/// Kind `io`; kind `data` for files that are damaged, arrays of objects, arrays of different lengths, too many columns, and what
/// [`read_csv`](crate::read_csv) refuses in typed columns.
pub(crate) fn read_array_files(
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    mut spill: Option<&mut Spill>,
) -> Result<Gone> {
    let title = title(inputs);
    let mut gathered: Option<Columns> = None;
    for input in inputs {
        let name = input.name.clone();
        let labels = match input.labels() {
            Some((column, labels)) => {
                Some((column.to_owned(), labels.name.clone(), labels.whole()?))
            }
            None => None,
        };
        let streamed = Streamed::new(input, options)?;
        let (mut stream, bytes) = match streamed {
            Some(streamed) => (Some(streamed), vec![]),
            None => (None, input.whole()?),
        };
        let mut found = match &stream {
            Some(stream) => vec![(String::new(), stream.array.clone())],
            None => arrays_of(&bytes, &name, options)?,
        };
        if let Some((column, file, bytes)) = &labels {
            found.push(labels_of(bytes, file, column)?);
        }
        let rows = refuse_lengths(&found, &name)?;
        let mut sources = sources(found, &name)?;
        let header: Vec<String> =
            sources.iter().flat_map(|source| source.names.iter().cloned()).collect();
        let kept: Vec<(usize, usize, usize)> = places(&sources)
            .enumerate()
            .filter(|(at, _)| !options.leaves_out(&header[*at]))
            .map(|(at, (source, column))| (at, source, column))
            .collect();
        let natural: Vec<(usize, ColumnType)> =
            kept.iter().map(|&(at, source, _)| (at, sources[source].column_type())).collect();
        let context = Context::new(&name, options).within(spill.as_deref());
        let gathered = match &mut gathered {
            None => gathered.insert(Columns::new(header.clone(), &natural, &context)?),
            Some(gathered) => gathered,
        };
        let order = gathered.begin(&header, &natural, &name)?;
        let mut text = String::new();
        let mut done = 0;
        let mut reader = match &stream {
            Some(_) => Some(input.open()?),
            None => None,
        };
        if let (Some(stream), Some(reader)) = (&mut stream, &mut reader) {
            gathered.fingerprint_bytes(&stream.head(reader, &name)?);
        }
        while done < rows {
            let count = gathered.room().min(rows - done);
            let first = gathered.rows();
            if let (Some(stream), Some(reader), [source, ..]) =
                (&stream, &mut reader, sources.as_mut_slice())
            {
                stream.read(reader, (source, done, count), &name)?;
                gathered.fingerprint_bytes(&source.array.data);
            }
            for (&(_, source, column), &to) in kept.iter().zip(&order) {
                for row in 0..count {
                    let cell = sources[source].cell(done + row, column, &mut text, &name)?;
                    gathered.push(to, cell, first + row, &context)?;
                }
            }
            gathered.rows_done(count, spill.as_deref_mut())?;
            done += count;
        }
        gathered.fingerprint_bytes(&bytes);
        if let Some((_, _, bytes)) = &labels {
            gathered.fingerprint_bytes(bytes);
        }
    }
    gathered.ok_or_else(|| Error::data("there is no file to read"))?.finish(title, options, spill)
}

/// The one array of a file, whose rows follow each other there: some of them are in memory at a time.
struct Streamed {
    /// Without its elements.
    array: Array<'static>,
    /// Where these begin.
    begin: usize,
}

/// More than the head of a file of one array has.
const HEAD: u64 = 70_000;

impl Streamed {
    /// `None` for a file that has to be read as a whole: an archive, or an array whose columns follow each other.
    fn new(input: &mut Input<'_>, options: &CsvOptions) -> Result<Option<Self>> {
        let name = input.name.clone();
        let mut head = vec![];
        input.open()?.take(HEAD).read_to_end(&mut head).map_err(|e| read_error(&name, &e))?;
        let content = Content::of(&head);
        if !matches!(content, Content::Npy | Content::Idx) || !options.arrays.is_empty() {
            return Ok(None);
        }
        let length = input.length()?;
        let (array, begin) = match content {
            Content::Idx => idx_head(&head, length, &name)?,
            _ => numpy::npy_head(&head, length, &name).map_err(as_data)?, // not operations: NPY
        };
        Ok((!array.by_columns).then_some(Streamed { array, begin }))
    }

    /// Reads what stands before the elements.
    fn head(&self, reader: &mut dyn Read, name: &str) -> Result<Vec<u8>> {
        let mut head = vec![0; self.begin];
        reader.read_exact(&mut head).map_err(|error| read_error(name, &error))?;
        Ok(head)
    }

    /// Reads the next `count` rows, of which `done` were read, into a source.
    fn read(
        &self,
        reader: &mut dyn Read,
        (source, done, count): (&mut Source<'_>, usize, usize),
        name: &str,
    ) -> Result<()> {
        let bytes = count * source.step * self.array.cells.size();
        let mut data = std::mem::take(&mut source.array.data).into_owned();
        data.resize(bytes, 0);
        reader.read_exact(&mut data).map_err(|error| read_error(name, &error))?;
        (source.array.data, source.before) = (Cow::Owned(data), done);
        Ok(())
    }
}

/// The arrays of a file, each with the name that its columns get.
fn arrays_of<'a>(
    bytes: &'a [u8],
    name: &'a str,
    options: &CsvOptions,
) -> Result<Vec<(String, Array<'a>)>> {
    let content = Content::of(bytes);
    let chosen = &options.arrays;
    if content != Content::Zip && !chosen.is_empty() {
        return Err(Error::usage(format!(
            "{} is {content}, of which no array is chosen",
            quoted(name)
        ))
        .at("--arrays")
        .help("leave it out: it chooses among the arrays of a .npz"));
    }
    if content == Content::Idx {
        return Ok(vec![(String::new(), idx(bytes, name)?)]);
    }
    let wanted = |key: &str| chosen.is_empty() || chosen.iter().any(|(_, array)| array == key);
    let found = numpy::arrays(bytes, name, wanted).map_err(as_data)?;
    let missing = chosen.iter().find(|(_, key)| found.iter().all(|array| array.key != *key));
    if let Some((_, key)) = missing {
        let keys = found.iter().map(|array| array.key.as_str());
        return Err(Error::data(format!("there is no array {}", quoted(key)))
            .at(name)
            .help(format!("the others are there: {}", list(keys, 30))));
    }
    let named = |array: Array<'a>| {
        let chosen = chosen.iter().find(|(_, key)| *key == array.key);
        (chosen.map_or(array.key.clone(), |(column, _)| column.clone()), array)
    };
    Ok(found.into_iter().map(named).collect())
}

/// The one array of a file of labels, which is the column `column`.
fn labels_of<'a>(bytes: &'a [u8], file: &'a str, column: &str) -> Result<(String, Array<'a>)> {
    let mut found = match Content::of(bytes) {
        Content::Idx => vec![idx(bytes, file)?],
        Content::Npy | Content::Zip => numpy::arrays(bytes, file, |_| true).map_err(as_data)?,
        content => {
            return Err(Error::data(format!("the labels are {content}, not an array"))
                .at(file)
                .help("give an .npy or IDX file with a label for each row"));
        }
    };
    let width = |array: &Array<'_>| array.shape.iter().skip(1).product::<usize>();
    match (found.len(), found.pop()) {
        (1, Some(array)) if !array.shape.is_empty() && width(&array) == 1 => {
            let array = Array { shape: array.shape[..1].to_vec(), ..array };
            Ok((column.to_owned(), array))
        }
        (_, _) => Err(Error::data("the labels are more than one number for each row")
            .at(file)
            .help("give an array of one axis")),
    }
}

/// An IDX file: two zeros, an element type, the number of axes, their lengths, the elements; all highest byte first.
///
/// # Source
/// Y. LeCun, C. Cortes, C. Burges, 'The MNIST database of handwritten digits', 'File formats'.
fn idx<'a>(bytes: &'a [u8], name: &str) -> Result<Array<'a>> {
    let (array, begin) = idx_head(bytes, bytes.len() as u64, name)?;
    Ok(Array { data: Cow::Borrowed(&bytes[begin..]), ..array })
}

/// What the head of an IDX file of so many bytes says: the array without its elements, and where these begin.
fn idx_head(head: &[u8], length: u64, name: &str) -> Result<(Array<'static>, usize)> {
    let short = || {
        Error::data("the IDX file is cut short").at(name).help("copy or download the file again")
    };
    let (first, mut rest) = head.split_first_chunk::<4>().ok_or_else(short)?;
    let cells = match first[2] {
        0x08 => Cells::Unsigned(1),
        0x09 => Cells::Integer(1),
        0x0B => Cells::Integer(2),
        0x0C => Cells::Integer(4),
        0x0D => Cells::Float(4),
        _ => Cells::Float(8), // not operations: `Content::of` saw that it is 0x0E
    };
    let mut shape = vec![];
    for _ in 0..first[3] {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        shape.push(u32::from_be_bytes(*length) as usize);
        rest = after;
    }
    let begin = head.len() - rest.len();
    let needed = shape.iter().try_fold(cells.size(), |all, &length| all.checked_mul(length));
    let found = length.saturating_sub(begin as u64);
    if needed.is_none_or(|needed| needed as u64 != found) {
        let what = format!(
            "the IDX file claims the shape {shape:?} of {} bytes each and has {found} bytes",
            cells.size(),
        );
        return Err(Error::data(what).at(name).help("copy or download the file again"));
    }
    let (key, data) = (String::new(), Cow::Borrowed(&[][..]));
    Ok((Array { key, cells, big_endian: true, by_columns: false, shape, data }, begin))
}

/// How many rows all arrays have.
fn refuse_lengths(found: &[(String, Array<'_>)], file: &str) -> Result<usize> {
    if let Some((key, _)) = found.iter().find(|(_, array)| array.shape.is_empty()) {
        return Err(Error::data(format!("the array {} is one number, not rows", quoted(key)))
            .at(file)
            .help("choose others with --arrays"));
    }
    let rows = found.first().map_or(0, |(_, array)| array.shape[0]);
    if found.iter().all(|(_, array)| array.shape[0] == rows) {
        return Ok(rows);
    }
    let mut error = Error::data("the arrays have different numbers of rows")
        .at(file)
        .help("choose those of one table: --arrays X=x_train,y=y_train");
    for (key, array) in found.iter().take(20) {
        error = error.detail(format!("{}: {:?}", quoted(key), array.shape));
    }
    Err(error)
}

/// An array and its columns.
struct Source<'a> {
    array: Array<'a>,
    names: Vec<String>,
    /// From one row to the next, in elements.
    step: usize,
    /// How many rows there are before those in memory.
    before: usize,
    /// Where each column's first element is.
    firsts: Vec<usize>,
}

fn sources<'a>(found: Vec<(String, Array<'a>)>, file: &str) -> Result<Vec<Source<'a>>> {
    let mut all = 0_usize;
    let mut known = std::collections::HashSet::new();
    let mut sources = vec![];
    for (name, array) in found {
        let width = array.shape[1..].iter().try_fold(1_usize, |all, &len| all.checked_mul(len));
        all = all.saturating_add(width.unwrap_or(usize::MAX));
        if all > MOST_COLUMNS {
            return Err(Error::data(format!("the arrays have more than {MOST_COLUMNS} columns"))
                .at(file)
                .help("the first axis counts rows: transpose the array, or choose others")
                .detail(format!("{}: {:?}", quoted(&name), array.shape)));
        }
        let source = Source::new(&name, array);
        if let Some(twice) = source.names.iter().find(|&name| !known.insert(name.clone())) {
            return Err(Error::data(format!("two columns would be called {}", quoted(twice)))
                .at(file)
                .help("give one array another name: --arrays X=features,y=labels"));
        }
        sources.push(source);
    }
    Ok(sources)
}

/// For each column the number of its source and of its place there.
fn places<'s>(sources: &'s [Source<'_>]) -> impl Iterator<Item = (usize, usize)> + 's {
    let of = |(at, source): (usize, &Source<'_>)| (0..source.names.len()).map(move |c| (at, c));
    sources.iter().enumerate().flat_map(of)
}

impl<'a> Source<'a> {
    fn new(name: &str, array: Array<'a>) -> Self {
        let axes = &array.shape[1..];
        let width: usize = axes.iter().product();
        let prefix = if name.is_empty() { "x" } else { name };
        let names = match axes.is_empty() && !name.is_empty() {
            true => vec![name.to_owned()],
            false => (0..width).map(|column| format!("{prefix}{column}")).collect(),
        };
        let (step, firsts) = match array.by_columns {
            false => (width, (0..width).collect()),
            true => (1, (0..width).map(|column| by_columns(column, &array.shape)).collect()),
        };
        Source { array, names, step, before: 0, firsts }
    }

    fn column_type(&self) -> ColumnType {
        match self.array.cells {
            Cells::Float(_) | Cells::Integer(_) | Cells::Unsigned(_) => ColumnType::Number,
            Cells::Boolean => ColumnType::Boolean,
            Cells::Text(_) | Cells::Bytes(_) => ColumnType::Category,
        }
    }

    fn cell<'t>(
        &self,
        row: usize,
        column: usize,
        text: &'t mut String,
        file: &str,
    ) -> Result<Cell<'t>> {
        let (cells, big) = (self.array.cells, self.array.big_endian);
        let size = cells.size();
        let at = (self.firsts[column] + (row - self.before) * self.step) * size;
        let bytes = &self.array.data[at..at + size];
        let bad = || {
            Error::data(format!(
                "column {} holds bytes that are no text",
                quoted(&self.names[column])
            ))
            .at(format!("{file}, row {}", row + 1))
            .help("save the texts with astype(str)")
        };
        Ok(match cells {
            Cells::Float(2) => Cell::Float(half(wide(bytes, big) as u16)),
            Cells::Float(4) => Cell::Float(f32::from_bits(wide(bytes, big) as u32).into()),
            Cells::Float(_) => Cell::Float(f64::from_bits(wide(bytes, big))),
            Cells::Integer(size) => {
                let unused = 64 - 8 * size as u32;
                Cell::Integer((((wide(bytes, big) << unused) as i64) >> unused).into())
            }
            Cells::Unsigned(_) => Cell::Integer(wide(bytes, big).into()),
            Cells::Boolean => Cell::Boolean(bytes[0] != 0),
            Cells::Text(_) => {
                text.clear();
                let codes = bytes.chunks_exact(4).map(|code| wide(code, big) as u32);
                for code in codes.take_while(|&code| code != 0) {
                    text.push(char::from_u32(code).ok_or_else(bad)?);
                }
                Cell::Text(text)
            }
            Cells::Bytes(_) => {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                text.clear();
                text.push_str(std::str::from_utf8(&bytes[..end]).map_err(|_| bad())?);
                Cell::Text(text)
            }
        })
    }
}

/// Where the first element of a column is in an array whose first axis counts fastest; columns are counted with the last axis
/// fastest.
fn by_columns(mut column: usize, shape: &[usize]) -> usize {
    let mut index = vec![0; shape.len()];
    for axis in (1..shape.len()).rev() {
        index[axis] = column % shape[axis];
        column /= shape[axis];
    }
    let mut stride = 1;
    let mut at = 0;
    for (index, length) in index.iter().zip(shape) {
        at += index * stride;
        stride *= length;
    }
    at
}

/// Up to eight bytes as an integer.
fn wide(bytes: &[u8], big_endian: bool) -> u64 {
    let digit = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    match big_endian {
        true => bytes.iter().fold(0, digit),
        false => bytes.iter().rev().fold(0, digit),
    }
}

/// What is wrong with a file that is read as a table is an error of the data.
fn as_data(error: Error) -> Error {
    let mut data = Error::data(error.what());
    if let Some(place) = error.place() {
        data = data.at(place);
    }
    if let Some(help) = error.help_text() {
        data = data.help(help);
    }
    error.details().iter().fold(data, |data, line| data.detail(line.clone()))
}
