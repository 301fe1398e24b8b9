//! Parquet files: row groups into the same packed columns as CSV.
//!
//! The `parquet` crate reads metadata and decodes pages; which pages there are, and how long they may become, is checked
//! here before memory is taken.

mod footer;
mod guard;
mod meaning;
mod pages;
mod plain;
mod thrift;
mod unpack;
mod values;

pub use self::guard::is_guarded;

use bytes::Bytes;
use glassnet::{Error, Result};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::ParquetError;

use self::footer::{Column, Footer, Group, damaged, text, width};
use self::guard::guarded;
use self::pages::Pages;
use crate::arrays::Columns;
use crate::columns::Context;
use crate::input::Input;
use crate::long::Spill;
use crate::options::CsvOptions;
use crate::read::{Gone, title};
use crate::words::quoted;

/// Reads Parquet files as one table.
///
/// # Errors
/// Kind `io`; kind `data` for files that are cut short, damaged or encrypted, columns that are nested or of types that are not
/// read, files of other columns than the first, and what [`read_csv`](crate::read_csv) refuses in typed columns.
pub(crate) fn read_parquet_files(
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    mut spill: Option<&mut Spill>,
) -> Result<Gone> {
    let title = title(inputs);
    let mut gathered: Option<Columns> = None;
    for input in inputs {
        let name = input.name.clone();
        let footer = guarded(&name, || Footer::read(input, options))?;
        let context = Context::new(&name, options).within(spill.as_deref());
        let natural: Vec<_> =
            footer.columns.iter().map(|(at, column)| (*at, column.meaning.column_type())).collect();
        let gathered = match &mut gathered {
            None => gathered.insert(Columns::new(footer.header.clone(), &natural, &context)?),
            Some(gathered) => gathered,
        };
        let order = gathered.begin(&footer.header, &natural, &name)?;
        let rows = footer.groups.iter().map(|group| group.rows).sum();
        if let Some(spill) =
            spill.as_deref_mut().filter(|spill| gathered.is_long(rows, Some(spill)))
        {
            for group in &footer.groups {
                let to = (&order[..], &mut *gathered);
                guarded(&name, || read_tall_group(input, &footer, group, to, (&context, spill)))?;
            }
            gathered.fingerprint_file(input)?;
            continue;
        }
        for group in &footer.groups {
            let spill = spill.as_deref_mut();
            let read = || read_group(input, &footer, group, (&order, gathered), (&context, spill));
            guarded(&name, read)?;
        }
        gathered.fingerprint_file(input)?;
    }
    let gathered = gathered.ok_or_else(|| Error::data("there is no file to read"))?;
    gathered.finish(title, options, spill)
}

/// Reads the rows of a row group: `order` says which of the gathered columns each of the file is.
fn read_group(
    input: &mut Input<'_>,
    footer: &Footer,
    group: &Group,
    (order, gathered): (&[usize], &mut Columns),
    (context, mut spill): (&Context<'_>, Option<&mut Spill>),
) -> Result<()> {
    let mut readers = vec![];
    for (at, (_, column)) in footer.columns.iter().enumerate() {
        readers.push(reader_of(input, group, column, at)?);
    }
    let mut left = group.rows;
    while left > 0 {
        let count = left.min(gathered.room());
        for (((_, column), reader), &to) in footer.columns.iter().zip(&mut readers).zip(order) {
            read_column(reader, column, (count, 0), (to, gathered), context)?;
        }
        gathered.rows_done(count, spill.as_deref_mut())?;
        left -= count;
    }
    Ok(())
}

/// The most rows that are taken column by column.
const MOST_TALL: usize = 1 << 20;

/// As [`read_group`], one column after the other, of which one is in memory at a time; all cells go to a scratch.
fn read_tall_group(
    input: &mut Input<'_>,
    footer: &Footer,
    group: &Group,
    (order, gathered): (&[usize], &mut Columns),
    (context, spill): (&Context<'_>, &mut Spill),
) -> Result<()> {
    for first in (0..group.rows).step_by(MOST_TALL) {
        let rows = MOST_TALL.min(group.rows - first);
        gathered.tall(rows, spill, |gathered, to| {
            let at = order.iter().position(|&other| other == to);
            let at = at.ok_or_else(|| damaged("a column is missing".to_owned(), context.file))?;
            let (_, column) = &footer.columns[at];
            let mut reader = reader_of(input, group, column, at)?;
            // Values have to be decoded to be passed over.
            for passed in (0..first).step_by(MOST_AT_ONCE) {
                let count = MOST_AT_ONCE.min(first - passed);
                let optional = column.descriptor.max_def_level() > 0;
                values::read(&mut reader, column.meaning, optional, count, |_| Ok(()))
                    .map_err(|error| unreadable(column, &error, context))??;
            }
            let mut done = 0;
            while done < rows {
                let count = MOST_AT_ONCE.min(rows - done);
                read_column(&mut reader, column, (count, done), (to, gathered), context)?;
                done += count;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// How many values are decoded at once.
const MOST_AT_ONCE: usize = 1 << 16;

fn reader_of(
    input: &mut Input<'_>,
    group: &Group,
    column: &Column,
    at: usize,
) -> Result<ColumnReader> {
    let (range, codec) = &group.chunks[at];
    let chunk = Bytes::from(input.piece(range.clone())?);
    let of_values = (width(column), column.descriptor.max_def_level() > 0);
    let pages = Pages::new(chunk, *codec, group.rows, of_values);
    Ok(get_column_reader(column.descriptor.clone(), Box::new(pages)))
}

fn unreadable(column: &Column, error: &ParquetError, context: &Context<'_>) -> Error {
    damaged(format!("column {}: {}", quoted(&column.name), text(error)), context.file)
}

fn read_column(
    reader: &mut ColumnReader,
    column: &Column,
    (count, after): (usize, usize),
    (to, gathered): (usize, &mut Columns),
    context: &Context<'_>,
) -> Result<()> {
    let optional = column.descriptor.max_def_level() > 0;
    let mut row = gathered.rows() + after;
    let read = values::read(reader, column.meaning, optional, count, |cell| {
        gathered.push(to, cell, row, context)?;
        row += 1;
        Ok(())
    });
    read.map_err(|error| unreadable(column, &error, context))?
}
