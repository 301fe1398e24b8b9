//! Tables from files of any kind that is known: what they are is told by their content.

use glassnet::{Error, Result, Tensor};

use crate::content::Content;
use crate::input::Input;
use crate::matrix::{Matrix, read_matrix};
use crate::options::CsvOptions;
use crate::read::read_csv_files;
use crate::table::Table;
use crate::words::list;

/// Reads the files of a table: one, or several with the same columns, whose rows follow each other. What a file is, is told by
/// its content, not by its name: CSV, or CSV compressed with gzip or zstd.
///
/// # Errors
/// As [`read_csv_file`](crate::read_csv_file); kind `data` also when a file has other columns than the first, or is of
/// another kind.
pub fn read_table(mut inputs: Vec<Input<'_>>, options: &CsvOptions) -> Result<Table> {
    let mut notes = vec![];
    let mut kinds = vec![];
    for input in &mut inputs {
        let (outer, inner) = input.look()?;
        notes.extend(input.note(outer));
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
    let mut table = match kinds.first() {
        None
        | Some(
            Content::Text
            | Content::Gzip
            | Content::Zstandard
            | Content::Parquet
            | Content::Npy
            | Content::Zip
            | Content::Idx,
        ) => read_csv_files(&mut inputs, options)?,
    };
    table.notes.splice(0..0, notes);
    Ok(table)
}

/// Reads files of numbers for a network without preprocessing: as [`read_matrix`], from any kind of file that
/// [`read_table`] knows. Several files have the same columns in the same order.
///
/// # Errors
/// As [`read_matrix`] and [`read_table`].
pub fn read_numbers(inputs: Vec<Input<'_>>, options: &CsvOptions) -> Result<Matrix> {
    let mut all: Option<Matrix> = None;
    for mut input in inputs {
        let (outer, _) = input.look()?;
        let (name, note) = (input.name.clone(), input.note(outer));
        let mut matrix = read_matrix(input.open()?, &name, options)?;
        matrix.notes.splice(0..0, note);
        all = Some(match all {
            None => matrix,
            Some(before) => appended(before, matrix, &name)?,
        });
    }
    all.ok_or_else(|| Error::data("there is no file to read").help("name at least one"))
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
