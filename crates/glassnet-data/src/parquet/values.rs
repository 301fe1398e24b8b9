//! A column chunk's values as cells.

use std::fmt::Write;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::errors::{ParquetError, Result};

use super::meaning::Meaning;
use crate::calendar::civil;
use crate::half::half;
use crate::typed::Cell;

/// Reads `count` rows of a column whose values mean `meaning` and gives each cell to `give`. In a column that is `optional`
/// values may be missing.
pub(super) fn read(
    reader: &mut ColumnReader,
    meaning: Meaning,
    optional: bool,
    count: usize,
    mut give: impl FnMut(Cell<'_>) -> glassnet::Result<()>,
) -> Result<glassnet::Result<()>> {
    let mut text = String::new();
    let how = (optional, count);
    match reader {
        ColumnReader::BoolColumnReader(reader) => each(reader, how, |value| {
            give(value.map_or(Cell::Missing, |&value| Cell::Boolean(value)))
        }),
        ColumnReader::Int32ColumnReader(reader) => each(reader, how, |value| {
            give(value.map_or(Cell::Missing, |&value| {
                let unsigned = i64::from(value as u32);
                integer(meaning, i64::from(value), unsigned.into(), &mut text)
            }))
        }),
        ColumnReader::Int64ColumnReader(reader) => each(reader, how, |value| {
            give(value.map_or(Cell::Missing, |&value| {
                integer(meaning, value, i128::from(value as u64), &mut text)
            }))
        }),
        ColumnReader::Int96ColumnReader(reader) => each(reader, how, |value: Option<&Int96>| {
            give(value.map_or(Cell::Missing, |value| {
                let [low, high, day] = [0, 1, 2].map(|at| value.data()[at]);
                let nanos = (i64::from(high) << 32) | i64::from(low);
                // Julian day 2,440,588 is 1970-01-01.
                timestamp(i64::from(day as i32) - 2_440_588, nanos, 1_000_000_000, &mut text)
            }))
        }),
        ColumnReader::FloatColumnReader(reader) => each(reader, how, |value| {
            give(value.map_or(Cell::Missing, |&value| Cell::Float(value.into())))
        }),
        ColumnReader::DoubleColumnReader(reader) => each(reader, how, |value| {
            give(value.map_or(Cell::Missing, |&value| Cell::Float(value)))
        }),
        ColumnReader::ByteArrayColumnReader(reader) => {
            let mut bad = None;
            let read = each(reader, how, |value: Option<&ByteArray>| {
                let data = value.map(ByteArray::data);
                give(data.map_or(Cell::Missing, |data| bytes(meaning, data, &mut text, &mut bad)))
            });
            bad.map_or(read, |what| Err(ParquetError::General(what)))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            let mut bad = None;
            let read = each(reader, how, |value: Option<&FixedLenByteArray>| {
                let data = value.map(|value| value.data());
                give(data.map_or(Cell::Missing, |data| bytes(meaning, data, &mut text, &mut bad)))
            });
            bad.map_or(read, |what| Err(ParquetError::General(what)))
        }
    }
}

/// Gives the next `count` values, those that are missing as `None`.
fn each<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    (optional, count): (bool, usize),
    mut give: impl FnMut(Option<&T::T>) -> glassnet::Result<()>,
) -> Result<glassnet::Result<()>> {
    let (mut levels, mut values) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let (rows, ..) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
    if rows != count {
        return Err(ParquetError::General("its pages end before its rows".to_owned()));
    }
    let mut values = values.iter();
    for row in 0..count {
        let present = !optional || levels.get(row).is_some_and(|&level| level > 0);
        let value = if present { values.next() } else { None };
        if present && value.is_none() {
            return Err(ParquetError::General("it has fewer values than it says".to_owned()));
        }
        if let Err(error) = give(value) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

fn integer(meaning: Meaning, value: i64, unsigned: i128, text: &mut String) -> Cell<'_> {
    match meaning {
        Meaning::Integer { signed: false } => Cell::Integer(unsigned),
        Meaning::Decimal { decimals } => Cell::Decimal { integer: value.into(), decimals },
        Meaning::Date => {
            text.clear();
            write_date(text, value);
            Cell::Text(text)
        }
        Meaning::Timestamp { per_second } => {
            let of_day = per_second * 86_400;
            timestamp(value.div_euclid(of_day), value.rem_euclid(of_day), per_second, text)
        }
        Meaning::Time { per_second } => {
            text.clear();
            write_time(text, value, per_second);
            Cell::Text(text)
        }
        Meaning::Integer { signed: true }
        | Meaning::Float
        | Meaning::Half
        | Meaning::Boolean
        | Meaning::Text
        | Meaning::Uuid
        | Meaning::Int96 => Cell::Integer(value.into()),
    }
}

fn timestamp(days: i64, of_day: i64, per_second: i64, text: &mut String) -> Cell<'_> {
    text.clear();
    write_date(text, days);
    text.push('T');
    write_time(text, of_day, per_second);
    Cell::Text(text)
}

fn write_date(text: &mut String, days: i64) {
    let (year, month, day) = civil(days);
    // Writing to a String cannot fail.
    let _ = write!(text, "{year:04}-{month:02}-{day:02}");
}

fn write_time(text: &mut String, of_day: i64, per_second: i64) {
    let (seconds, rest) = (of_day.div_euclid(per_second), of_day.rem_euclid(per_second));
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let _ = write!(text, "{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if rest > 0 {
        let digits = per_second.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        let _ = write!(text, ".{}", fraction.trim_end_matches('0'));
    }
}

/// `bad` says what is wrong with the bytes, if anything is.
fn bytes<'t>(
    meaning: Meaning,
    data: &[u8],
    text: &'t mut String,
    bad: &mut Option<String>,
) -> Cell<'t> {
    match meaning {
        Meaning::Decimal { decimals } => match whole(data) {
            Some(integer) => Cell::Decimal { integer, decimals },
            None => {
                *bad = Some("it holds decimals of more than 128 bits".to_owned());
                Cell::Missing
            }
        },
        Meaning::Half => match data {
            [low, high] => Cell::Float(half(u16::from_le_bytes([*low, *high]))),
            _ => Cell::Missing, // not operations: lengths that the type does not have
        },
        Meaning::Uuid => {
            text.clear();
            for (at, byte) in data.iter().enumerate() {
                let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
                let _ = write!(text, "{dash}{byte:02x}");
            }
            Cell::Text(text)
        }
        Meaning::Text
        | Meaning::Integer { .. }
        | Meaning::Float
        | Meaning::Boolean
        | Meaning::Date
        | Meaning::Timestamp { .. }
        | Meaning::Time { .. }
        | Meaning::Int96 => match std::str::from_utf8(data) {
            Ok(found) => {
                text.clear();
                text.push_str(found);
                Cell::Text(text)
            }
            Err(_) => {
                *bad = Some("it holds bytes that are no text in UTF-8".to_owned());
                Cell::Missing
            }
        },
    }
}

/// A big-endian integer in two's complement.
fn whole(data: &[u8]) -> Option<i128> {
    if data.is_empty() || data.len() > 16 {
        return None;
    }
    let mut wide = [if data[0] & 0x80 == 0 { 0 } else { 0xFF }; 16];
    wide[16 - data.len()..].copy_from_slice(data);
    Some(i128::from_be_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written() {
        let mut text = String::new();
        assert_eq!(timestamp(0, 1_500, 1_000, &mut text), Cell::Text("1970-01-01T00:00:01.5"));
        let meaning = Meaning::Timestamp { per_second: 1_000_000 };
        assert_eq!(integer(meaning, -1, 0, &mut text), Cell::Text("1969-12-31T23:59:59.999999"));
        assert_eq!(whole(&[0xFF, 0x7F]), Some(-129));
        assert_eq!(whole(&[0; 17]), None);
    }
}
