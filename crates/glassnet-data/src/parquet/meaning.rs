//! What the values of a Parquet column mean.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::schema::types::{ColumnDescriptor, Type};

use crate::options::ColumnType;

/// What a column's values mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Meaning {
    Integer {
        signed: bool,
    },
    Float,
    Half,
    Decimal {
        decimals: u32,
    },
    Boolean,
    Text,
    Uuid,
    Date,
    /// So many of its units make a second.
    Timestamp {
        per_second: i64,
    },
    Time {
        per_second: i64,
    },
    /// Two integers: nanoseconds of a day, the day's number.
    Int96,
}

impl Meaning {
    /// The type of column that it becomes.
    pub(super) fn column_type(self) -> ColumnType {
        match self {
            Meaning::Integer { .. } | Meaning::Float | Meaning::Half | Meaning::Decimal { .. } => {
                ColumnType::Number
            }
            Meaning::Boolean => ColumnType::Boolean,
            Meaning::Text | Meaning::Uuid | Meaning::Time { .. } => ColumnType::Category,
            Meaning::Date | Meaning::Timestamp { .. } | Meaning::Int96 => ColumnType::Date,
        }
    }

    /// The meaning of a flat column, or what it holds that is not read.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Self, String> {
        let (converted, physical) = (column.converted_type(), column.physical_type());
        let decimals = |scale: i32| u32::try_from(scale).ok().filter(|&scale| scale <= 38);
        let logical = column.logical_type_ref();
        let scale = match (logical, converted) {
            (Some(LogicalType::Decimal(decimal)), _) => Some(decimal.scale),
            (None, ConvertedType::DECIMAL) => Some(column.type_scale()),
            (_, _) => None,
        };
        if let Some(scale) = scale {
            let decimals = decimals(scale).ok_or("decimals of an unknown scale")?;
            return match physical {
                Physical::FIXED_LEN_BYTE_ARRAY if !(1..=16).contains(&column.type_length()) => {
                    Err("decimals of more than 128 bits".into())
                }
                Physical::INT96 | Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE => {
                    Err("decimals of an unknown form".into())
                }
                Physical::INT32
                | Physical::INT64
                | Physical::BYTE_ARRAY
                | Physical::FIXED_LEN_BYTE_ARRAY => Ok(Meaning::Decimal { decimals }),
            };
        }
        match physical {
            Physical::BOOLEAN => Ok(Meaning::Boolean),
            Physical::FLOAT | Physical::DOUBLE => Ok(Meaning::Float),
            Physical::INT96 => Ok(Meaning::Int96),
            Physical::INT32 | Physical::INT64 => integer(logical, converted, physical),
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => bytes(column),
        }
    }
}

fn integer(
    logical: Option<&LogicalType>,
    converted: ConvertedType,
    physical: Physical,
) -> Result<Meaning, String> {
    let per_second = |unit: &TimeUnit| match unit {
        TimeUnit::MILLIS => 1_000,
        TimeUnit::MICROS => 1_000_000,
        TimeUnit::NANOS => 1_000_000_000,
    };
    let of_days = physical == Physical::INT32;
    Ok(match logical {
        Some(LogicalType::Integer(int)) => Meaning::Integer { signed: int.is_signed },
        Some(LogicalType::Date) if of_days => Meaning::Date,
        Some(LogicalType::Timestamp(of)) if !of_days => {
            Meaning::Timestamp { per_second: per_second(&of.unit) }
        }
        Some(LogicalType::Time(of)) => Meaning::Time { per_second: per_second(&of.unit) },
        Some(LogicalType::Unknown) | None => match converted {
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Meaning::Integer { signed: false },
            ConvertedType::DATE if of_days => Meaning::Date,
            ConvertedType::TIMESTAMP_MILLIS if !of_days => Meaning::Timestamp { per_second: 1_000 },
            ConvertedType::TIMESTAMP_MICROS if !of_days => {
                Meaning::Timestamp { per_second: 1_000_000 }
            }
            ConvertedType::TIME_MILLIS => Meaning::Time { per_second: 1_000 },
            ConvertedType::TIME_MICROS => Meaning::Time { per_second: 1_000_000 },
            _ => Meaning::Integer { signed: true }, // not operations: types that integers do not have
        },
        Some(other) => return Err(format!("{other:?}")),
    })
}

fn bytes(column: &ColumnDescriptor) -> Result<Meaning, String> {
    let fixed = column.physical_type() == Physical::FIXED_LEN_BYTE_ARRAY;
    match column.logical_type_ref() {
        Some(LogicalType::Float16) if column.type_length() == 2 && fixed => Ok(Meaning::Half),
        Some(LogicalType::Uuid) if column.type_length() == 16 && fixed => Ok(Meaning::Uuid),
        Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) => Ok(Meaning::Text),
        Some(LogicalType::Unknown) | None => match column.converted_type() {
            ConvertedType::BSON => Err("BSON documents".into()),
            ConvertedType::INTERVAL => Err("intervals".into()),
            _ => Ok(Meaning::Text), // not operations: bytes, which often are texts
        },
        Some(other) => Err(format!("{other:?}")),
    }
}

/// Why a field of the schema is no flat column, if it is none.
pub(super) fn nested(field: &Type) -> Option<&'static str> {
    let info = field.get_basic_info();
    if info.has_repetition() && info.repetition() == parquet::basic::Repetition::REPEATED {
        return Some("a list");
    }
    if !field.is_group() {
        return None;
    }
    let is = |logical: &LogicalType, converted| {
        info.logical_type_ref() == Some(logical) || info.converted_type() == converted
    };
    Some(if is(&LogicalType::List, ConvertedType::LIST) {
        "a list"
    } else if is(&LogicalType::Map, ConvertedType::MAP) {
        "a map"
    } else {
        "a struct"
    })
}
