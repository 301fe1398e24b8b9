//! The footer of a Parquet file: its columns, and where their pages are.

use std::ops::Range;

use glassnet::{Error, Result};
use parquet::basic::{Compression, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use parquet::schema::types::ColumnDescPtr;

use super::meaning::{Meaning, nested};
use super::plain::Width;
use super::thrift::Compact;
use crate::input::Input;
use crate::options::CsvOptions;
use crate::words::{list, quoted, shell};

/// What a file says of itself, held against the file.
pub(super) struct Footer {
    /// Every column's name, nested ones too.
    pub(super) header: Vec<String>,
    /// The flat columns that are to be read, each with its place in the header.
    pub(super) columns: Vec<(usize, Column)>,
    pub(super) groups: Vec<Group>,
}

/// A flat column.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) meaning: Meaning,
    pub(super) descriptor: ColumnDescPtr,
}

/// Some rows of a file.
pub(super) struct Group {
    pub(super) rows: usize,
    /// For each of the [columns](Footer::columns) where its pages are, and how they are packed.
    pub(super) chunks: Vec<(Range<u64>, Compression)>,
}

/// The most rows that a file of few bytes may have, and how many each byte more adds: a column of one value takes
/// no bytes for most of its rows.
const FREE_ROWS: u64 = 1 << 20;
const ROWS_OF_BYTE: u64 = 1 << 13;

impl Footer {
    /// Reads the footer of `input`.
    ///
    /// # Errors
    /// Kind `io`; kind `data` for a file that is cut short, damaged or encrypted, for columns that are nested or of a type that
    /// is not read (unless they are left out), and for more rows than the file can hold.
    pub(super) fn read(input: &mut Input<'_>, options: &CsvOptions) -> Result<Footer> {
        let name = input.name.clone();
        let length = input.length()?;
        let (metadata, data_end) = metadata(input, length, &name)?;
        let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or(u64::MAX);
        if rows > FREE_ROWS.saturating_add(ROWS_OF_BYTE.saturating_mul(length)) {
            let what = format!("the file claims {rows} rows in {length} bytes");
            return Err(damaged(what, &name));
        }
        let mut header: Vec<String> = vec![];
        let mut columns = vec![];
        let mut places = vec![];
        let schema = metadata.file_metadata().schema_descr();
        let fields = schema.root_schema().get_fields();
        let mut leaf = 0;
        for (at, field) in fields.iter().enumerate() {
            let column = field.name().to_owned();
            if header.contains(&column) {
                return Err(Error::data(format!("the file has two columns {}", quoted(&column)))
                    .at(name)
                    .help("rename one of them"));
            }
            header.push(column.clone());
            let first = leaf;
            leaf += leaves(field);
            if options.leaves_out(&column) {
                continue;
            }
            let refuse = |what: String| {
                Error::data(format!("column {} {what}", quoted(&column))).at(name.clone()).help(
                    format!(
                        "leave it out with --drop {}, or write it as flat columns",
                        shell(&column)
                    ),
                )
            };
            if let Some(kind) = nested(field) {
                return Err(refuse(format!("is nested ({kind}): only flat columns are read")));
            }
            let descriptor = schema.column(first);
            let meaning = Meaning::of(&descriptor)
                .map_err(|what| refuse(format!("holds {what}, which is not read")))?;
            places.push(first);
            columns.push((at, Column { name: column.clone(), meaning, descriptor }));
        }
        let mut groups = vec![];
        for group in metadata.row_groups() {
            let rows = usize::try_from(group.num_rows())
                .map_err(|_| damaged("a row group has a negative number of rows".into(), &name))?;
            if group.num_columns() != schema.num_columns() {
                let what = "a row group has another number of columns than the schema";
                return Err(damaged(what.into(), &name));
            }
            let chunk = |(&leaf, (_, column)): (&usize, &(usize, Column))| {
                chunk(group.column(leaf), (rows, data_end), &column.name, &name)
            };
            let chunks = places.iter().zip(&columns).map(chunk).collect::<Result<_>>()?;
            groups.push(Group { rows, chunks });
        }
        let total = groups.iter().map(|group| group.rows as u64).fold(0, u64::saturating_add);
        if total != rows {
            let what = format!("the file claims {rows} rows, its row groups have {total}");
            return Err(damaged(what, &name));
        }
        Ok(Footer { header, columns, groups })
    }
}

/// How many columns of values a field of the schema has.
fn leaves(field: &parquet::schema::types::Type) -> usize {
    match field.is_group() {
        true => field.get_fields().iter().map(|field| leaves(field)).sum(),
        false => 1,
    }
}

/// The metadata, and where the pages end.
fn metadata(input: &mut Input<'_>, length: u64, name: &str) -> Result<(ParquetMetaData, u64)> {
    let cut = || {
        Error::data("the Parquet file is cut short: its footer is missing")
            .at(name)
            .help("copy it again; a Parquet file can only be read whole")
    };
    let end = length.checked_sub(8).filter(|&end| end >= 4).ok_or_else(cut)?;
    let tail = input.piece(end..length)?;
    match &tail[4..] {
        b"PAR1" => {}
        b"PARE" => {
            return Err(Error::data("the Parquet file is encrypted, footer and all")
                .at(name)
                .help("write it again without encryption"));
        }
        _ => return Err(cut()), // not operations: other bytes
    }
    let footer = u64::from(u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]));
    let begin = end.checked_sub(footer).filter(|&begin| begin >= 4).ok_or_else(|| {
        damaged(format!("its footer of {footer} bytes is longer than the file"), name)
    })?;
    let bytes = input.piece(begin..end)?;
    let unreadable = |error| damaged(format!("its footer cannot be read: {}", text(&error)), name);
    let encrypted = encrypted(&bytes).map_err(unreadable)?;
    if !encrypted.is_empty() {
        let schema = ParquetMetaDataReader::decode_schema(&bytes).map_err(unreadable)?;
        let columns = encrypted.into_iter().filter(|&leaf| leaf < schema.num_columns());
        let names: Vec<String> = columns.map(|leaf| schema.column(leaf).path().string()).collect();
        return Err(Error::data(format!(
            "columns of the Parquet file are encrypted: {}",
            list(names, 10)
        ))
        .at(name)
        .help("write it again without encryption"));
    }
    let metadata = ParquetMetaDataReader::decode_metadata(&bytes).map_err(unreadable)?;
    Ok((metadata, begin))
}

/// Which columns of values are encrypted, as the first row group tells: field 8 of its column chunks (field 1 of a row group,
/// field 4 of the footer).
fn encrypted(footer: &[u8]) -> parquet::errors::Result<Vec<usize>> {
    let mut compact = Compact::new(footer);
    let (mut found, mut group) = (vec![], 0);
    let mut last = 0;
    while let Some(field) = compact.field(last)? {
        last = field.id;
        if field.id != 4 {
            compact.skip(field)?;
            continue;
        }
        compact.structs(field, |compact| {
            group += 1;
            let mut last = 0;
            while let Some(field) = compact.field(last)? {
                last = field.id;
                if field.id != 1 {
                    compact.skip(field)?;
                    continue;
                }
                let mut leaf = 0;
                compact.structs(field, |compact| {
                    let mut last = 0;
                    while let Some(field) = compact.field(last)? {
                        last = field.id;
                        if field.id == 8 && group == 1 {
                            found.push(leaf);
                        }
                        compact.skip(field)?;
                    }
                    leaf += 1;
                    Ok(())
                })?;
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// Where a column's pages of a row group are.
fn chunk(
    chunk: &ColumnChunkMetaData,
    (rows, data_end): (usize, u64),
    column: &str,
    name: &str,
) -> Result<(Range<u64>, Compression)> {
    let shown = quoted(column);
    if chunk.file_path().is_some_and(|path| !path.is_empty()) {
        let what = format!("column {shown} stands in another file");
        return Err(Error::data(what).at(name).help("write the table as one file"));
    }
    let refuse = |what: &str| damaged(format!("column {shown} {what}"), name);
    if chunk.num_values() != rows as i64 {
        return Err(refuse("has another number of values than its row group has rows"));
    }
    if rows == 0 {
        return Ok((0..0, chunk.compression()));
    }
    let dictionary = chunk.dictionary_page_offset().filter(|&offset| offset > 0);
    let first = dictionary.map_or(chunk.data_page_offset(), |at| at.min(chunk.data_page_offset()));
    let (Ok(first), Ok(size)) = (u64::try_from(first), u64::try_from(chunk.compressed_size()))
    else {
        return Err(refuse("begins before the file"));
    };
    match first.checked_add(size) {
        Some(end) if first >= 4 && end <= data_end => Ok((first..end, chunk.compression())),
        Some(_) | None => Err(refuse("ends behind the file")),
    }
}

/// How long a column's values are.
pub(super) fn width(column: &Column) -> Width {
    match column.descriptor.physical_type() {
        Physical::BOOLEAN => Width::Fixed(1),
        Physical::INT32 | Physical::FLOAT => Width::Fixed(4),
        Physical::BYTE_ARRAY => Width::Told,
        Physical::INT64 | Physical::DOUBLE => Width::Fixed(8),
        Physical::INT96 => Width::Fixed(12),
        Physical::FIXED_LEN_BYTE_ARRAY => {
            Width::Fixed(usize::try_from(column.descriptor.type_length()).unwrap_or(0))
        }
    }
}

/// The error for a file that contradicts itself.
pub(super) fn damaged(what: String, name: &str) -> Error {
    Error::data(format!("the Parquet file is damaged: {what}"))
        .at(name)
        .help("copy it or write it again")
}

/// What the `parquet` crate says, without its own name.
pub(super) fn text(error: &ParquetError) -> String {
    match error {
        ParquetError::General(what) => what.clone(),
        _ => error.to_string(), // not operations: errors
    }
}
