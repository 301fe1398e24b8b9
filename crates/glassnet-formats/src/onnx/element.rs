//! Element types of ONNX, and what becomes of each.

use std::fmt;

/// ONNX's number for texts, which are not read.
pub(super) const STRING: i32 = 8;

/// An element type that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F32,
    F64,
    F16,
    BF16,
    U8,
    I8,
    U16,
    I16,
    I32,
    I64,
    U32,
    U64,
    Bool,
}

/// What an element is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A number to compute with.
    Float,
    /// A whole number: shapes, axes, indices.
    Whole,
    /// True or false.
    Truth,
}

impl Element {
    const ALL: [Element; 13] = [
        Element::F32,
        Element::F64,
        Element::F16,
        Element::BF16,
        Element::U8,
        Element::I8,
        Element::U16,
        Element::I16,
        Element::I32,
        Element::I64,
        Element::U32,
        Element::U64,
        Element::Bool,
    ];

    /// ONNX's number for it.
    pub(super) fn code(self) -> i32 {
        match self {
            Element::F32 => 1,
            Element::U8 => 2,
            Element::I8 => 3,
            Element::U16 => 4,
            Element::I16 => 5,
            Element::I32 => 6,
            Element::I64 => 7,
            Element::Bool => 9,
            Element::F16 => 10,
            Element::F64 => 11,
            Element::U32 => 12,
            Element::U64 => 13,
            Element::BF16 => 16,
        }
    }

    /// The type of that number, if it is one that is read.
    pub(super) fn of(code: i32) -> Option<Self> {
        Element::ALL.into_iter().find(|element| element.code() == code)
    }

    /// What kind of thing it is.
    pub(super) fn class(self) -> Class {
        match self {
            Element::F32 | Element::F64 | Element::F16 | Element::BF16 => Class::Float,
            Element::Bool => Class::Truth,
            Element::U8
            | Element::I8
            | Element::U16
            | Element::I16
            | Element::I32
            | Element::I64
            | Element::U32
            | Element::U64 => Class::Whole,
        }
    }

    /// The bytes of one element in `raw_data`.
    pub(super) fn bytes(self) -> usize {
        match self {
            Element::U8 | Element::I8 | Element::Bool => 1,
            Element::F16 | Element::BF16 | Element::U16 | Element::I16 => 2,
            Element::F32 | Element::I32 | Element::U32 => 4,
            Element::F64 | Element::I64 | Element::U64 => 8,
        }
    }

    /// What it is called: NumPy's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Element::F32 => "float32",
            Element::F64 => "float64",
            Element::F16 => "float16",
            Element::BF16 => "bfloat16",
            Element::U8 => "uint8",
            Element::I8 => "int8",
            Element::U16 => "uint16",
            Element::I16 => "int16",
            Element::I32 => "int32",
            Element::I64 => "int64",
            Element::U32 => "uint32",
            Element::U64 => "uint64",
            Element::Bool => "bool",
        }
    }

    /// The least and greatest whole number of a type of whole numbers.
    pub(super) fn range(self) -> Option<(i128, i128)> {
        let bits = 8 * self.bytes() as u32;
        match self {
            Element::U8 | Element::U16 | Element::U32 | Element::U64 => {
                Some((0, (1_i128 << bits) - 1))
            }
            Element::I8 | Element::I16 | Element::I32 | Element::I64 => {
                Some((-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1))
            }
            Element::F32 | Element::F64 | Element::F16 | Element::BF16 | Element::Bool => None,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// ONNX's name of an element type, for those that are refused.
pub(super) fn name_of(code: i32) -> String {
    match Element::of(code) {
        Some(element) => element.to_string(),
        None => match code {
            0 => "undefined".to_owned(),
            STRING => "string".to_owned(),
            14 => "complex64".to_owned(),
            15 => "complex128".to_owned(),
            17..=20 => "an 8-bit float".to_owned(),
            21 | 22 => "a 4-bit integer".to_owned(),
            23 => "a 4-bit float".to_owned(),
            _ => format!("number {code}, which ONNX does not define"),
        },
    }
}

/// The value of a 16-bit float of IEEE 754.
pub(super) fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    }
}

/// The value of a bfloat16: the upper half of a 32-bit float.
pub(super) fn bfloat(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_floats_have_their_values() {
        let cases = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x0400, 2_f64.powi(-14)),
            (0x3555, 0.333251953125),
            (0x7c00, f64::INFINITY),
        ];
        for (bits, value) in cases {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
        assert_eq!(bfloat(0x3f80), 1.0);
        assert_eq!(bfloat(0xc040), -3.0);
    }
}
