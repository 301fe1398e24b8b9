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
    for ((_, column), (range, codec)) in footer.columns.iter().zip(&group.chunks) {
        let chunk = Bytes::from(input.piece(range.clone())?);
        let of_values = (width(column), column.descriptor.max_def_level() > 0);
        let pages = Pages::new(chunk, *codec, group.rows, of_values);
        readers.push(get_column_reader(column.descriptor.clone(), Box::new(pages)));
    }
    let mut left = group.rows;
    while left > 0 {
        let count = left.min(gathered.room());
        for (((_, column), reader), &to) in footer.columns.iter().zip(&mut readers).zip(order) {
            read_column(reader, column, count, (to, gathered), context)?;
        }
        gathered.rows_done(count, spill.as_deref_mut())?;
        left -= count;
    }
    Ok(())
}

fn read_column(
    reader: &mut ColumnReader,
    column: &Column,
    count: usize,
    (to, gathered): (usize, &mut Columns),
    context: &Context<'_>,
) -> Result<()> {
    let optional = column.descriptor.max_def_level() > 0;
    let mut row = gathered.rows();
    let read = values::read(reader, column.meaning, optional, count, |cell| {
        gathered.push(to, cell, row, context)?;
        row += 1;
        Ok(())
    });
    read.map_err(|error| {
        damaged(format!("column {}: {}", quoted(&column.name), text(&error)), context.file)
    })?
}
