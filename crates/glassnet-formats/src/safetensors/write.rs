//! Arrays and texts to a file's bytes.

use std::collections::HashSet;

use glassnet::{Error, Result, Value};
use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::{MAX_HEADER, METADATA};

/// The bytes of a file that holds `tensors` and the texts `metadata`.
///
/// The header names both in the order given, so that a state dict keeps PyTorch's order and the same arrays give the
/// same bytes. (`safetensors::serialize` sorts the names, and its texts stand in another order each time.) In the data
/// the arrays of 64 bits come first: PyTorch's reader needs each one aligned to its elements.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when a name stands twice, a tensor is called `__metadata__`, or the
/// names alone take more than 100 MB.
pub fn write<'a>(
    tensors: impl IntoIterator<Item = (&'a str, &'a Value)>,
    metadata: &[(String, String)],
) -> Result<Vec<u8>> {
    let tensors: Vec<(&str, &Value)> = tensors.into_iter().collect();
    refuse_double("tensors", tensors.iter().map(|(name, _)| *name))?;
    refuse_double("texts", metadata.iter().map(|(key, _)| key.as_str()))?;
    if tensors.iter().any(|(name, _)| *name == METADATA) {
        return Err(Error::model(format!("a tensor cannot be called {METADATA:?}"))
            .help("give it another name"));
    }
    let order = data_order(&tensors);
    let (header, data_len) = Header::new(&tensors, &order, metadata);
    let mut json = serde_json::to_vec(&header)
        .map_err(|error| Error::model(format!("the header cannot be written: {error}")))?;
    json.resize(json.len().next_multiple_of(8), b' ');
    if json.len() > MAX_HEADER {
        return Err(Error::model(format!("the header would take {} bytes", json.len()))
            .help("write fewer tensors or shorter texts: a header has at most 100 MB"));
    }
    let mut bytes = Vec::with_capacity(8 + json.len() + data_len);
    bytes.extend((json.len() as u64).to_le_bytes());
    bytes.extend(json);
    for &index in &order {
        match tensors[index].1 {
            Value::F32(tensor) => append(&mut bytes, tensor.data(), f32::to_le_bytes),
            Value::I64(tensor) => append(&mut bytes, tensor.data(), i64::to_le_bytes),
        }
    }
    Ok(bytes)
}

fn refuse_double<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::model(format!("two {what} are called {name:?}"))
                .help("give each another name"));
        }
    }
    Ok(())
}

/// The tensors' places by falling alignment, else in the order given.
fn data_order(tensors: &[(&str, &Value)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|&index| match tensors[index].1 {
        Value::I64(_) => 0,
        Value::F32(_) => 1,
    });
    order
}

fn append<T: Copy, const N: usize>(out: &mut Vec<u8>, numbers: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let start = out.len();
    out.resize(start + N * numbers.len(), 0);
    let (places, _) = out[start..].as_chunks_mut::<N>();
    for (place, &number) in places.iter_mut().zip(numbers) {
        *place = bytes(number);
    }
}

/// The header as its JSON stands in the file.
struct Header<'a> {
    metadata: &'a [(String, String)],
    tensors: Vec<(&'a str, TensorInfo)>,
}

impl<'a> Header<'a> {
    /// The header and the length of the data that it describes.
    fn new(
        tensors: &[(&'a str, &Value)],
        order: &[usize],
        metadata: &'a [(String, String)],
    ) -> (Self, usize) {
        let mut offsets = vec![(0, 0); tensors.len()];
        let mut end = 0;
        for &index in order {
            let start = end;
            end += match tensors[index].1 {
                Value::F32(tensor) => size_of_val(tensor.data()),
                Value::I64(tensor) => size_of_val(tensor.data()),
            };
            offsets[index] = (start, end);
        }
        let entries = tensors.iter().zip(offsets).map(|(&(name, value), data_offsets)| {
            let dtype = match value {
                Value::F32(_) => Dtype::F32,
                Value::I64(_) => Dtype::I64,
            };
            (name, TensorInfo { dtype, shape: value.shape().to_vec(), data_offsets })
        });
        (Header { metadata, tensors: entries.collect() }, end)
    }
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.metadata.is_empty() {
            map.serialize_entry(METADATA, &Texts(self.metadata))?;
        }
        for (name, info) in &self.tensors {
            map.serialize_entry(name, info)?;
        }
        map.end()
    }
}

struct Texts<'a>(&'a [(String, String)]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, text)| (key, text)))
    }
}
