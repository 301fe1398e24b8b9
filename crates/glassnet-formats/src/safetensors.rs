//! The safetensors container: named arrays and a table of texts.
//!
//! # Source
//! <https://huggingface.co/docs/safetensors>: 8 bytes header length, a JSON header, the arrays' bytes.

use std::collections::HashMap;
use std::fmt;

use glassnet::{Error, Result, Tensor, Value};
use safetensors::tensor::{Dtype, SafeTensorError, TensorView};
use serde::de::{IgnoredAny, MapAccess, Visitor};

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The arrays by name, in the order of their bytes in the file.
    pub tensors: Vec<(String, Value)>,
    /// The texts under `__metadata__`.
    pub metadata: Vec<(String, String)>,
}

/// The bytes of a file that holds `contents`.
///
/// # Errors
/// When two arrays have the same name.
pub fn write(contents: &Contents) -> Result<Vec<u8>> {
    let encoded: Vec<(&String, Dtype, &[usize], Vec<u8>)> = contents
        .tensors
        .iter()
        .map(|(name, value)| match value {
            Value::F32(tensor) => {
                (name, Dtype::F32, tensor.shape(), little_endian(tensor.data(), f32::to_le_bytes))
            }
            Value::I64(tensor) => {
                (name, Dtype::I64, tensor.shape(), little_endian(tensor.data(), i64::to_le_bytes))
            }
        })
        .collect();
    let mut views = Vec::with_capacity(encoded.len());
    for (index, (name, dtype, shape, bytes)) in encoded.iter().enumerate() {
        if encoded[..index].iter().any(|(other, ..)| other == name) {
            return Err(Error::model(format!("two arrays are called {name:?}")));
        }
        let view = TensorView::new(*dtype, shape.to_vec(), bytes).map_err(|error| {
            Error::model(format!("the array {name:?} cannot be written: {error}"))
        })?;
        views.push((name.as_str(), view));
    }
    let metadata: HashMap<String, String> = contents.metadata.iter().cloned().collect();
    let metadata = (!metadata.is_empty()).then_some(metadata);
    safetensors::serialize(views, metadata)
        .map_err(|error| Error::model(format!("the arrays cannot be written: {error}")))
}

fn little_endian<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

/// Reads a file's bytes; `name` stands in messages.
///
/// # Errors
/// When the bytes are no well-formed safetensors file: a header longer than the file, JSON that does not parse or
/// names an array twice, arrays that overlap, leave holes or do not fill the file, a shape whose size overflows, an
/// element type that glassnet does not hold.
pub fn read(bytes: &[u8], name: &str) -> Result<Contents> {
    let header = header(bytes, name)?;
    refuse_duplicates(header, name)?;
    let (_, metadata) = safetensors::SafeTensors::read_metadata(bytes)
        .map_err(|error| explain(&error, bytes, name))?;
    let file = safetensors::SafeTensors::deserialize(bytes)
        .map_err(|error| explain(&error, bytes, name))?;
    let mut names = metadata.offset_keys();
    names.retain(|key| file.tensor(key).is_ok());
    let mut tensors = Vec::with_capacity(names.len());
    for key in names {
        let view = file.tensor(&key).map_err(|error| explain(&error, bytes, name))?;
        let value = decode(&view, &key, name)?;
        tensors.push((key, value));
    }
    let mut texts: Vec<(String, String)> = metadata
        .metadata()
        .iter()
        .flatten()
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect();
    texts.sort();
    Ok(Contents { tensors, metadata: texts })
}

fn decode(view: &TensorView<'_>, key: &str, name: &str) -> Result<Value> {
    let shape = view.shape().to_vec();
    let value = match view.dtype() {
        Dtype::F32 => Tensor::new(
            shape,
            view.data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
        )
        .map(Value::F32),
        Dtype::I64 => Tensor::new(
            shape,
            view.data()
                .chunks_exact(8)
                .map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
        )
        .map(Value::I64),
        other => {
            return Err(Error::model(format!(
                "tensor {key:?} has element type {other:?}, expected F32 or I64"
            ))
            .at(name.to_owned())
            .help("convert it with tensor.float() before saving"));
        }
    };
    value.map_err(|error| error.at(format!("{name}, tensor {key:?}")))
}

/// The header's JSON, once its length was found to lie within the file.
fn header<'a>(bytes: &'a [u8], name: &str) -> Result<&'a [u8]> {
    let not_one = |what: String| {
        Error::model(what)
            .at(name.to_owned())
            .help("give a .safetensors file, whole and uncompressed")
    };
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(not_one(format!("{} bytes are too few for a safetensors file", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok().and_then(|length| rest.get(..length));
    match header {
        Some(header) if header.first() == Some(&b'{') => Ok(header),
        Some(_) => {
            Err(not_one("not a safetensors file: byte 8 does not begin a JSON header".into()))
        }
        None => Err(not_one(format!(
            "not a safetensors file, or cut short: its header claims {length} bytes, the file has {}",
            rest.len()
        ))),
    }
}

/// JSON lets a name stand twice, and readers then differ about which one counts.
fn refuse_duplicates(header: &[u8], name: &str) -> Result<()> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Option<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of tensors")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut seen = std::collections::HashSet::new();
            while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
                if !seen.insert(key.clone()) {
                    return Ok(Some(key));
                }
            }
            Ok(None)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(header);
    match serde::Deserializer::deserialize_map(&mut reader, Names) {
        Ok(None) => Ok(()),
        Ok(Some(key)) => Err(Error::model(format!("the header names tensor {key:?} twice"))
            .at(name.to_owned())
            .help("save the file again")),
        Err(error) => Err(Error::model(format!("the header is no valid JSON: {error}"))
            .at(format!("{name}, byte {}", 8 + error.column()))
            .help("save the file again")),
    }
}

fn explain(error: &SafeTensorError, bytes: &[u8], name: &str) -> Error {
    let what = match error {
        SafeTensorError::MetadataIncompleteBuffer => {
            format!(
                "the tensors do not fill the file's {} bytes exactly: it is cut short or has extra bytes",
                bytes.len()
            )
        }
        SafeTensorError::InvalidOffset(tensor) => {
            format!("tensor {tensor:?} overlaps another or leaves a hole before it")
        }
        SafeTensorError::TensorInvalidInfo => {
            "a tensor's shape and element type do not match the length of its data".into()
        }
        SafeTensorError::ValidationOverflow => "a tensor's shape is larger than any file".into(),
        SafeTensorError::HeaderTooLarge => "the header is larger than 100 MB".into(),
        other => format!("not a valid safetensors file: {other}"),
    };
    Error::model(what).at(name.to_owned()).help("save the file again, or copy it whole")
}
