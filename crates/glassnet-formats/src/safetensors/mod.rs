//! The safetensors container: named arrays and a table of texts.
//!
//! # Source
//! <https://huggingface.co/docs/safetensors>: 8 bytes header length, a JSON header, the arrays' bytes.

mod header;
mod write;

use glassnet::{Error, Result, Tensor, Value};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;

pub use write::write;

use crate::message::quoted;

/// The key of the texts in the header, which no tensor can have.
const METADATA: &str = "__metadata__";

/// The longest header that safetensors allows, in bytes.
const MAX_HEADER: usize = 100_000_000;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The arrays by name, in the order in which the header names them.
    pub tensors: Vec<(String, Value)>,
    /// The texts under `__metadata__`, in the header's order.
    pub metadata: Vec<(String, String)>,
}

impl Contents {
    /// The text under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| known == key).map(|(_, text)| text.as_str())
    }
}

/// Reads a file's bytes; `name` stands in messages.
///
/// Floats keep every bit, also those of NaN. Time and memory grow with the file and nothing else, whatever its
/// header claims.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the bytes look like another format (which one is said), or
/// when they are no well-formed safetensors file: a header longer than the file, JSON that does not parse, is nested
/// deeper than 64 levels, has more than a million values or names an array twice, arrays that overlap, leave holes or do not fill the file, a shape
/// whose size overflows or that has more than 64 axes, an element type other than F32 and I64.
///
/// # Example
/// ```
/// use glassnet::{Tensor, Value};
/// use glassnet_formats::safetensors;
/// let weight = Value::from(Tensor::new([1, 2], vec![0.5_f32, -1.0])?);
/// let bytes = safetensors::write([("0.weight", &weight)], &[])?;
/// let contents = safetensors::read(&bytes, "model.safetensors")?;
/// assert_eq!(contents.tensors, [("0.weight".to_owned(), weight)]);
///
/// let error = safetensors::read(&bytes[..bytes.len() - 3], "model.safetensors").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the file is cut short: its tensors take 8 bytes, it has 5; model.safetensors; copy or download it again",
/// );
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn read(bytes: &[u8], name: &str) -> Result<Contents> {
    let header = header::read(bytes, name)?;
    let data = &bytes[header.data_start..];
    let mut tensors = Vec::with_capacity(header.tensors.len());
    for (key, info) in header.tensors {
        let (start, end) = info.data_offsets;
        let value = decode(&data[start..end], &info, &key, name)?;
        tensors.push((key, value));
    }
    Ok(Contents { tensors, metadata: header.metadata })
}

fn decode(data: &[u8], info: &TensorInfo, key: &str, name: &str) -> Result<Value> {
    let shape = info.shape.clone();
    let value = match info.dtype {
        Dtype::F32 => Tensor::new(shape, numbers(data, f32::from_le_bytes)).map(Value::F32),
        Dtype::I64 => Tensor::new(shape, numbers(data, i64::from_le_bytes)).map(Value::I64),
        other => return Err(unsupported(other, key, name)),
    };
    value.map_err(|error| error.at(place(name, key)))
}

fn numbers<T, const N: usize>(data: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|&bytes| number(bytes)).collect()
}

fn unsupported(dtype: Dtype, key: &str, name: &str) -> Error {
    let convert = match dtype {
        Dtype::F64 | Dtype::F16 | Dtype::BF16 => {
            "convert it with tensor.float() and save the file again"
        }
        Dtype::BOOL | Dtype::U8 | Dtype::I8 | Dtype::I16 | Dtype::U16 | Dtype::I32 | Dtype::U32 => {
            "convert it with tensor.long() and save the file again"
        }
        _ => "convert it to torch.float32 and save the file again",
    };
    Error::model(format!(
        "tensor {} has element type {dtype}, glassnet holds F32 and I64",
        quoted(key)
    ))
    .at(place(name, key))
    .help(convert)
}

fn place(name: &str, key: &str) -> String {
    format!("{name}, tensor {}", quoted(key))
}
