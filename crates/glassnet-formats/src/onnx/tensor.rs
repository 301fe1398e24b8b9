//! Arrays as they lie in a file.

use glassnet::{Error, Result};

use super::constant::{Constant, Data, Whole};
use super::element::{self, Class, Element, bfloat, half};
use super::fold::{self, MOST_AXES};
use super::proto;
use crate::message::quoted;

/// The value of [`proto::Tensor::data_location`] for data in a file of its own.
const EXTERNAL: i32 = 1;

/// Reads an array; nothing is allocated that the file does not hold.
///
/// # Errors
/// Data in another file, an element type that is not read, a negative or overflowing shape, or another number of
/// elements than the shape has; the message names the array.
pub(super) fn read(tensor: &proto::Tensor) -> Result<Constant> {
    read_nameless(tensor).map_err(|error| {
        error.at(format!("tensor {}", quoted(tensor.name.as_deref().unwrap_or(""))))
    })
}

fn read_nameless(tensor: &proto::Tensor) -> Result<Constant> {
    if tensor.data_location == Some(EXTERNAL) || !tensor.external_data.is_empty() {
        return Err(external(tensor));
    }
    let code = tensor.data_type.unwrap_or(0);
    let Some(element) = Element::of(code) else {
        let why = format!("its elements are {}", element::name_of(code));
        return Err(Error::unsupported("an array", "the ONNX reader", &why)
            .help("export the model with float32 weights"));
    };
    let shape = shape(tensor)?;
    let elements = fold::elements(&shape)?;
    let data = match &tensor.raw_data {
        Some(raw) => from_raw(raw, element, elements)?,
        None => from_lists(tensor, element)?,
    };
    let constant = Constant { element, shape, data };
    if constant.len() != elements {
        return Err(Error::model(format!(
            "the shape {:?} has {elements} elements, the file holds {}",
            constant.shape,
            constant.len()
        ))
        .help("export or download it again"));
    }
    Ok(constant)
}

fn external(tensor: &proto::Tensor) -> Error {
    let location = tensor
        .external_data
        .iter()
        .find(|entry| entry.key.as_deref() == Some("location"))
        .and_then(|entry| entry.value.as_deref())
        .unwrap_or("");
    Error::model(format!(
        "its data lie in another file, {}, which is not read: a model is one file here",
        quoted(location)
    ))
    .help("save it as one file in Python: onnx.save(onnx.load(FILE), \"whole.onnx\")")
}

fn shape(tensor: &proto::Tensor) -> Result<Vec<usize>> {
    if tensor.dims.len() > MOST_AXES {
        return Err(Error::model(format!("the array has {} axes", tensor.dims.len()))
            .help(format!("at most {MOST_AXES} are read")));
    }
    let lengths = tensor.dims.iter().map(|&length| {
        usize::try_from(length)
            .map_err(|_| Error::model(format!("the array has an axis of length {length}")))
    });
    lengths.collect()
}

fn from_raw(raw: &[u8], element: Element, elements: usize) -> Result<Data> {
    if elements.checked_mul(element.bytes()) != Some(raw.len()) {
        return Err(Error::model(format!(
            "the shape has {elements} elements of {} bytes, the file holds {} bytes",
            element.bytes(),
            raw.len()
        ))
        .help("export or download it again"));
    }
    let wholes = |numbers: Vec<i64>| Data::Wholes(numbers.into_iter().map(Whole::Number).collect());
    Ok(match element {
        Element::F32 => Data::Floats(numbers(raw, |bytes| f64::from(f32::from_le_bytes(bytes)))),
        Element::F64 => Data::Floats(numbers(raw, f64::from_le_bytes)),
        Element::F16 => Data::Floats(numbers(raw, |bytes| half(u16::from_le_bytes(bytes)))),
        Element::BF16 => Data::Floats(numbers(raw, |bytes| bfloat(u16::from_le_bytes(bytes)))),
        Element::Bool => Data::Truths(raw.iter().map(|&byte| byte != 0).collect()),
        Element::U8 => wholes(raw.iter().map(|&byte| i64::from(byte)).collect()),
        Element::I8 => wholes(numbers(raw, |bytes| i64::from(i8::from_le_bytes(bytes)))),
        Element::U16 => wholes(numbers(raw, |bytes| i64::from(u16::from_le_bytes(bytes)))),
        Element::I16 => wholes(numbers(raw, |bytes| i64::from(i16::from_le_bytes(bytes)))),
        Element::I32 => wholes(numbers(raw, |bytes| i64::from(i32::from_le_bytes(bytes)))),
        Element::U32 => wholes(numbers(raw, |bytes| i64::from(u32::from_le_bytes(bytes)))),
        Element::I64 => wholes(numbers(raw, i64::from_le_bytes)),
        Element::U64 => {
            let numbers = numbers(raw, u64::from_le_bytes);
            wholes(numbers.into_iter().map(unsigned).collect::<Result<_>>()?)
        }
    })
}

fn numbers<T, const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect()
}

fn unsigned(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::model(format!("the number {number} is too large")))
}

/// Old exporters, and scalars: a list per element type.
fn from_lists(tensor: &proto::Tensor, element: Element) -> Result<Data> {
    let short = |number: &i32| *number as u16;
    Ok(match element {
        Element::F32 => {
            Data::Floats(tensor.float_data.iter().map(|&number| f64::from(number)).collect())
        }
        Element::F64 => Data::Floats(tensor.double_data.clone()),
        Element::F16 => {
            Data::Floats(tensor.int32_data.iter().map(|number| half(short(number))).collect())
        }
        Element::BF16 => {
            Data::Floats(tensor.int32_data.iter().map(|number| bfloat(short(number))).collect())
        }
        Element::Bool => {
            Data::Truths(tensor.int32_data.iter().map(|&number| number != 0).collect())
        }
        Element::I64 => Data::Wholes(tensor.int64_data.iter().map(|&n| Whole::Number(n)).collect()),
        Element::U32 | Element::U64 => {
            let numbers = tensor.uint64_data.iter();
            let wholes = numbers.map(|&number| unsigned(number).map(Whole::Number));
            Data::Wholes(wholes.collect::<Result<_>>()?)
        }
        Element::U8 | Element::I8 | Element::U16 | Element::I16 | Element::I32 => Data::Wholes(
            tensor.int32_data.iter().map(|&number| Whole::Number(i64::from(number))).collect(),
        ),
    })
}

/// What an array's elements are, for messages.
pub(super) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Float => "floats",
        Class::Whole => "whole numbers",
        Class::Truth => "truth values",
    }
}
