//! Tables from files of any kind that is known: what they are is told by their content.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use glassnet::{Error, Result, Tensor};

use crate::array_files::read_array_files;
use crate::content::Content;
use crate::input::Input;
use crate::long::{Loaded, Spill};
use crate::matrix::{Matrix, read_matrix};
use crate::options::CsvOptions;
use crate::read::{Gone, read_csv_files};
use crate::table::Table;
use crate::words::{list, quoted};

/// Reads the files of a table: one, or several with the same columns, whose rows follow each other. What a file is, is told by
/// its content, not by its name: CSV, or CSV compressed with gzip or zstd.
///
/// # Errors
/// As [`read_csv_file`](crate::read_csv_file); kind `data` also when a file has other columns than the first, or is of
/// another kind.
pub fn read_table(inputs: Vec<Input<'_>>, options: &CsvOptions) -> Result<Table> {
    // Without a place to go to the cells stay in memory.
    read(inputs, options, None).map(|(table, _)| table)
}

/// As [`read_table`], of a table whose cells leave memory where they are more than `spill` says.
///
/// # Errors
/// As [`read_table`]; kind `io` when they can't be written.
pub fn read_table_within(
    inputs: Vec<Input<'_>>,
    options: &CsvOptions,
    spill: &mut Spill,
) -> Result<Loaded> {
    let threads = spill.threads;
    let (table, spilled) = read(inputs, options, Some(spill))?;
    Ok(Loaded::new(table, spilled, threads))
}

fn read(
    mut inputs: Vec<Input<'_>>,
    options: &CsvOptions,
    spill: Option<&mut Spill>,
) -> Result<Gone> {
    let mut notes = vec![];
    let mut kinds = vec![];
    for input in &mut inputs {
        let (outer, inner) = input.look()?;
        notes.extend(input.note(outer));
        input.refuse_labels_beside(inner)?;
        kinds.push(inner);
    }
    if let Some(at) = kinds.iter().position(|&kind| kind != kinds[0]) {
        return Err(Error::data(format!(
            "the file is {}, the first one is {}",
            kinds[at], kinds[0]
        ))
        .at(inputs[at].name.clone())
        .help("give files of one kind"));
    }
    let kind = kinds.first().copied().unwrap_or(Content::Text);
    let (mut table, spilled) = read_kind(kind, &mut inputs, options, spill)?;
    table.notes.splice(0..0, notes);
    Ok((table, spilled))
}

/// Reads files of one kind.
fn read_kind(
    kind: Content,
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    spill: Option<&mut Spill>,
) -> Result<Gone> {
    if kind != Content::Text {
        held_whole(inputs)?;
    }
    match kind {
        Content::Parquet => parquet(inputs, options, spill),
        Content::Text | Content::Gzip | Content::Zstandard => {
            read_csv_files(inputs, options, spill)
        }
        Content::Npy | Content::Zip | Content::Idx => read_array_files(inputs, options, spill),
    }
}

/// Unpacks compressed files whose bytes are not read in their order.
fn held_whole(inputs: &mut [Input<'_>]) -> Result<()> {
    for input in inputs {
        if input.look()?.0.is_compressed() {
            let whole = input.whole()?;
            input.hold(Cursor::new(whole));
        }
    }
    Ok(())
}

#[cfg(feature = "parquet")]
fn parquet(
    inputs: &mut [Input<'_>],
    options: &CsvOptions,
    spill: Option<&mut Spill>,
) -> Result<Gone> {
    crate::parquet::read_parquet_files(inputs, options, spill)
}

#[cfg(not(feature = "parquet"))]
fn parquet(inputs: &mut [Input<'_>], _: &CsvOptions, _: Option<&mut Spill>) -> Result<Gone> {
    Err(Error::data("the file is a Parquet file, which this build does not read")
        .at(crate::read::title(inputs))
        .help("use a build with the feature parquet, or save the table as CSV"))
}

/// Reads files of numbers for a network without preprocessing: as [`read_matrix`], from any kind of file that
/// [`read_table`] knows. Several files have the same columns in the same order.
///
/// # Errors
/// As [`read_matrix`] and [`read_table`].
pub fn read_numbers(inputs: Vec<Input<'_>>, options: &CsvOptions) -> Result<Matrix> {
    let mut all: Option<Matrix> = None;
    // As they do not apply to CSV either.
    let plain = CsvOptions {
        missing: vec![],
        column_types: BTreeMap::new(),
        drop: BTreeSet::new(),
        keep: None,
        ..options.clone()
    };
    for mut input in inputs {
        let (outer, inner) = input.look()?;
        let (name, note) = (input.name.clone(), input.note(outer));
        let mut matrix = match inner {
            Content::Text => read_matrix(input.open()?, &name, options)?,
            Content::Gzip
            | Content::Zstandard
            | Content::Parquet
            | Content::Npy
            | Content::Zip
            | Content::Idx => of_table(&read_kind(inner, &mut [input], &plain, None)?.0)?,
        };
        matrix.notes.splice(0..0, note);
        all = Some(match all {
            None => matrix,
            Some(before) => appended(before, matrix, &name)?,
        });
    }
    all.ok_or_else(|| Error::data("there is no file to read").help("name at least one"))
}

/// A table's numbers, which must be its only columns and have no gaps.
fn of_table(table: &Table) -> Result<Matrix> {
    let names: Vec<String> = table.names().map(str::to_owned).collect();
    let (rows, width) = (table.rows(), names.len());
    let mut values = vec![0.0; rows * width];
    for (at, column) in table.columns().enumerate() {
        let numbers = column.numbers().ok_or_else(|| {
            Error::data(format!(
                "column {} holds no numbers (its type is {})",
                quoted(column.name()),
                column.column_type().name()
            ))
            .at(table.name())
            .help("a network without preprocessing reads numbers only")
        })?;
        for (row, &number) in numbers.iter().enumerate() {
            let value = number as f32;
            if !value.is_finite() {
                let what = match number.is_nan() {
                    true => "the cell is empty".to_owned(),
                    false => format!("{number:e} is beyond the largest 32-bit float (3.4e38)"),
                };
                return Err(Error::data(what)
                    .at(table.place(row, column.name()))
                    .help("correct the cell: a network without preprocessing needs every number"));
            }
            values[row * width + at] = value;
        }
    }
    Ok(Matrix { values: Tensor::new([rows, width], values)?, names, notes: table.notes().to_vec() })
}

/// The rows of both.
fn appended(before: Matrix, after: Matrix, name: &str) -> Result<Matrix> {
    if before.names != after.names {
        return Err(Error::data("the file has other columns than the first one, or another order")
            .at(format!("{name}:1"))
            .help("give files with the same columns")
            .detail(format!("first: {}", list(&before.names, 30)))
            .detail(format!("here: {}", list(&after.names, 30))));
    }
    let rows = before.values.shape()[0] + after.values.shape()[0];
    let shape = [rows, before.names.len()];
    let (mut values, mut notes) = (before.values.into_data(), before.notes);
    values.extend_from_slice(after.values.data());
    notes.extend(after.notes);
    Ok(Matrix { names: before.names, values: Tensor::new(shape, values)?, notes })
}
