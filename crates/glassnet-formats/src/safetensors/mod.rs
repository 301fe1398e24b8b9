//! The safetensors container: named arrays and a table of texts.
//!
//! # Source
//! <https://huggingface.co/docs/safetensors>: 8 bytes header length, a JSON header, the arrays' bytes.

mod header;
mod write;

use glassnet::{Error, Result, Value};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;

pub use write::write;

use crate::elements::{self, ByteOrder, Change, ElementType};
use crate::message::quoted;
use crate::note::{Conversions, Note};

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
    /// Which numbers were converted.
    pub notes: Vec<Note>,
}

impl Contents {
    /// The text under `key`.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(known, _)| known == key).map(|(_, text)| text.as_str())
    }
}

/// Reads a file's bytes; `name` stands in messages.
///
/// Floats of 32 bits keep every bit, also those of NaN; floats of 16 and 64 bits become float32, integers and booleans
/// int64, and the notes say so. Time and memory grow with the file and nothing else, whatever its
/// header claims.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the bytes look like another format (which one is said), or
/// when they are no well-formed safetensors file: a header longer than the file, JSON that does not parse, is nested
/// deeper than 64 levels, has more than a million values or names an array twice, arrays that overlap, leave holes or do not fill the file, a shape
/// whose size overflows or that has more than 64 axes, an element type that is neither a float of 16 to 64 bits nor an integer, a float64
/// beyond float32.
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
    let mut conversions = Conversions::default();
    let mut tensors = Vec::with_capacity(header.tensors.len());
    for (key, info) in header.tensors {
        let (start, end) = info.data_offsets;
        let (value, element, change) = decode(&data[start..end], info, &place(name, &key))?;
        conversions.add(&key, element, change);
        tensors.push((key, value));
    }
    Ok(Contents { tensors, metadata: header.metadata, notes: conversions.notes() })
}

fn decode(data: &[u8], info: TensorInfo, place: &str) -> Result<(Value, ElementType, Change)> {
    let element = match info.dtype {
        Dtype::F64 => ElementType::F64,
        Dtype::F32 => ElementType::F32,
        Dtype::F16 => ElementType::F16,
        Dtype::BF16 => ElementType::BF16,
        Dtype::I64 => ElementType::I64,
        Dtype::I32 => ElementType::I32,
        Dtype::I16 => ElementType::I16,
        Dtype::I8 => ElementType::I8,
        Dtype::U64 => ElementType::U64,
        Dtype::U32 => ElementType::U32,
        Dtype::U16 => ElementType::U16,
        Dtype::U8 => ElementType::U8,
        Dtype::BOOL => ElementType::Bool,
        other => {
            return Err(Error::model(format!(
                "it has element type {other}, glassnet reads floats of 16 to 64 bits and integers"
            ))
            .at(place.to_owned())
            .help("convert it to torch.float32 and save the file again"));
        }
    };
    let (value, change) = elements::decode(data, element, ByteOrder::Little, info.shape)
        .map_err(|error| error.at(place.to_owned()))?;
    Ok((value, element, change))
}

fn place(name: &str, key: &str) -> String {
    format!("{name}, tensor {}", quoted(key))
}
