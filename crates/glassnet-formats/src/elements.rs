//! Numbers of any type in a file as the two that glassnet holds: 32-bit floats and 64-bit integers.

use glassnet::{Error, Result, Tensor, Value};

/// How a file stores a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ElementType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

/// The order of a number's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

/// What became of numbers on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// They are the same bits.
    None,
    /// They have more bits than before and the same values.
    Widened,
    /// They have fewer bits and the same values.
    Narrowed,
    /// They have fewer bits, and some are no longer what they were.
    Rounded,
}

impl ElementType {
    /// The type that NumPy writes as `code`, the byte order's sign left out: `f4`, `u1`.
    pub(crate) fn of_numpy(code: &str) -> Option<Self> {
        Some(match code {
            "f8" => ElementType::F64,
            "f4" => ElementType::F32,
            "f2" => ElementType::F16,
            "i8" => ElementType::I64,
            "i4" => ElementType::I32,
            "i2" => ElementType::I16,
            "i1" => ElementType::I8,
            "u8" => ElementType::U64,
            "u4" => ElementType::U32,
            "u2" => ElementType::U16,
            "u1" => ElementType::U8,
            "b1" => ElementType::Bool,
            _ => return None, // not operations: what is no number
        })
    }

    /// The bytes of one number.
    pub(crate) fn size(self) -> usize {
        match self {
            ElementType::F64 | ElementType::I64 | ElementType::U64 => 8,
            ElementType::F32 | ElementType::I32 | ElementType::U32 => 4,
            ElementType::F16 | ElementType::BF16 | ElementType::I16 | ElementType::U16 => 2,
            ElementType::I8 | ElementType::U8 | ElementType::Bool => 1,
        }
    }

    /// PyTorch's and NumPy's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ElementType::F64 => "float64",
            ElementType::F32 => "float32",
            ElementType::F16 => "float16",
            ElementType::BF16 => "bfloat16",
            ElementType::I64 => "int64",
            ElementType::I32 => "int32",
            ElementType::I16 => "int16",
            ElementType::I8 => "int8",
            ElementType::U64 => "uint64",
            ElementType::U32 => "uint32",
            ElementType::U16 => "uint16",
            ElementType::U8 => "uint8",
            ElementType::Bool => "bool",
        }
    }

    /// What such numbers become: `float32` or `int64`.
    pub(crate) fn held_as(self) -> &'static str {
        match self {
            ElementType::F64 | ElementType::F32 | ElementType::F16 | ElementType::BF16 => "float32",
            ElementType::I64
            | ElementType::I32
            | ElementType::I16
            | ElementType::I8
            | ElementType::U64
            | ElementType::U32
            | ElementType::U16
            | ElementType::U8
            | ElementType::Bool => "int64",
        }
    }

    /// The bytes of one number as glassnet holds it.
    pub(crate) fn held_size(self) -> usize {
        if self.held_as() == "int64" { 8 } else { 4 }
    }
}

/// The array of `shape` whose elements lie in `bytes`, row-major and side by side.
///
/// # Errors
/// When a float64 lies beyond float32, a uint64 beyond int64, or the bytes are not those of the shape.
pub(crate) fn decode(
    bytes: &[u8],
    element: ElementType,
    order: ByteOrder,
    shape: Vec<usize>,
) -> Result<(Value, Change)> {
    let value = |change, value: Result<Value>| value.map(|value| (value, change));
    let floats = |data| Tensor::new(shape.clone(), data).map(Value::F32);
    let whole = |data| Tensor::new(shape.clone(), data).map(Value::I64);
    match element {
        ElementType::F32 => {
            let data = numbers(bytes, order, f32::from_le_bytes);
            value(Change::None, floats(data))
        }
        ElementType::F16 => {
            let data = numbers(bytes, order, |bytes| from_f16(u16::from_le_bytes(bytes)));
            value(Change::Widened, floats(data))
        }
        ElementType::BF16 => {
            let wide = |bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16);
            value(Change::Widened, floats(numbers(bytes, order, wide)))
        }
        ElementType::F64 => {
            let (data, change) = narrowed(bytes, order)?;
            value(change, floats(data))
        }
        ElementType::I64 => value(Change::None, whole(numbers(bytes, order, i64::from_le_bytes))),
        ElementType::I32 => widened(bytes, order, i32::from_le_bytes, whole),
        ElementType::I16 => widened(bytes, order, i16::from_le_bytes, whole),
        ElementType::I8 => widened(bytes, order, i8::from_le_bytes, whole),
        ElementType::U32 => widened(bytes, order, u32::from_le_bytes, whole),
        ElementType::U16 => widened(bytes, order, u16::from_le_bytes, whole),
        ElementType::U8 => widened(bytes, order, u8::from_le_bytes, whole),
        ElementType::Bool => widened(bytes, order, |[byte]: [u8; 1]| byte != 0, whole),
        ElementType::U64 => {
            let data = numbers(bytes, order, u64::from_le_bytes);
            let signed = data.iter().map(|&number| i64::try_from(number));
            let data = signed.collect::<std::result::Result<Vec<i64>, _>>().map_err(|_| {
                Error::model("a uint64 is larger than any int64")
                    .help("save it as int64, with smaller numbers")
            })?;
            value(Change::Widened, whole(data))
        }
    }
}

fn widened<const N: usize, T: Into<i64>>(
    bytes: &[u8],
    order: ByteOrder,
    number: impl Fn([u8; N]) -> T,
    whole: impl Fn(Vec<i64>) -> Result<Value>,
) -> Result<(Value, Change)> {
    let data = numbers(bytes, order, |bytes| number(bytes).into());
    Ok((whole(data)?, Change::Widened))
}

fn numbers<T, const N: usize>(
    data: &[u8],
    order: ByteOrder,
    number: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let (chunks, _) = data.as_chunks::<N>();
    match order {
        ByteOrder::Little => chunks.iter().map(|&bytes| number(bytes)).collect(),
        ByteOrder::Big => chunks
            .iter()
            .map(|&(mut bytes)| {
                bytes.reverse();
                number(bytes)
            })
            .collect(),
    }
}

/// float64 rounded to the nearest float32. Infinities and NaN stay what they are.
fn narrowed(bytes: &[u8], order: ByteOrder) -> Result<(Vec<f32>, Change)> {
    let wide = numbers(bytes, order, f64::from_le_bytes);
    let mut change = Change::Narrowed;
    let mut narrow = Vec::with_capacity(wide.len());
    for (index, &number) in wide.iter().enumerate() {
        let rounded = number as f32;
        if rounded.is_infinite() && number.is_finite() {
            return Err(Error::model(format!(
                "element {index} is {number:e}, beyond the largest float32 (3.4e38)"
            ))
            .help("scale the weights down, or save them as float32 where they were made"));
        }
        if f64::from(rounded) != number && !number.is_nan() {
            change = Change::Rounded;
        }
        narrow.push(rounded);
    }
    Ok((narrow, change))
}

/// The value of an IEEE 754 binary16, which every f32 can hold.
fn from_f16(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let exponent = u32::from(bits >> 10) & 0x1f;
    let fraction = u32::from(bits) & 0x3ff;
    match (exponent, fraction) {
        // Subnormal: a multiple of 2^-24, which the product of these two gives exactly.
        (0, _) => {
            let size = fraction as f32 * (1.0 / 16_777_216.0);
            f32::from_bits(sign | size.to_bits())
        }
        (0x1f, _) => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        (exponent, _) => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_what_ieee_754_says() {
        for bits in 0..=u16::MAX {
            let found = from_f16(bits);
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
            let size = match exponent {
                0 => fraction * 2_f64.powi(-24),
                31 if fraction == 0.0 => f64::INFINITY,
                31 => f64::NAN,
                exponent => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
            };
            let wanted = if bits >> 15 == 1 { -size } else { size };
            assert!(
                f64::from(found) == wanted || found.is_nan() && wanted.is_nan(),
                "{bits:#x}: {found} is not {wanted}"
            );
            assert_eq!(found.is_sign_negative(), bits >> 15 == 1);
        }
    }

    #[test]
    fn both_byte_orders_give_the_same_numbers() {
        for element in [ElementType::F64, ElementType::F16, ElementType::BF16, ElementType::I16] {
            let bytes: Vec<u8> = (1..=16).map(|byte| byte * 7).collect();
            let mut swapped = bytes.clone();
            swapped.chunks_mut(element.size()).for_each(<[u8]>::reverse);
            let shape = vec![16 / element.size()];
            let little = decode(&bytes, element, ByteOrder::Little, shape.clone());
            assert_eq!(little, decode(&swapped, element, ByteOrder::Big, shape), "{element:?}");
        }
    }

    #[test]
    fn doubles_are_rounded_to_nearest_and_say_so() {
        let read = |number: f64| {
            let (value, change) =
                decode(&number.to_le_bytes(), ElementType::F64, ByteOrder::Little, vec![])?;
            Ok::<_, Error>((value.as_f32().map(|tensor| tensor.data()[0]), change))
        };
        assert_eq!(read(0.5), Ok((Some(0.5), Change::Narrowed)));
        assert_eq!(read(0.1), Ok((Some(0.1), Change::Rounded)));
        assert_eq!(read(f64::INFINITY), Ok((Some(f32::INFINITY), Change::Narrowed)));
        assert_eq!(read(1e-60), Ok((Some(0.0), Change::Rounded)));
        // Rounded to the nearest, the first still is the largest f32; the second would be infinite.
        assert_eq!(read(3.402_823_5e38), Ok((Some(f32::MAX), Change::Rounded)));
        assert!(read(3.5e38).is_err() && read(-1e300).is_err());
    }

    #[test]
    fn integers_keep_their_values() {
        let read = |bytes: &[u8], element| {
            let (value, _) = decode(bytes, element, ByteOrder::Little, vec![1])?;
            Ok::<_, Error>(value.as_i64().map(|tensor| tensor.data()[0]))
        };
        assert_eq!(read(&[0xff], ElementType::I8), Ok(Some(-1)));
        assert_eq!(read(&[0xff], ElementType::U8), Ok(Some(255)));
        assert_eq!(read(&[2], ElementType::Bool), Ok(Some(1)));
        assert_eq!(read(&[0xff, 0xff], ElementType::U16), Ok(Some(65_535)));
        assert_eq!(read(&[0xff; 4], ElementType::I32), Ok(Some(-1)));
        assert_eq!(read(&[0xff; 8], ElementType::I64), Ok(Some(-1)));
        assert!(read(&[0xff; 8], ElementType::U64).is_err());
    }
}
