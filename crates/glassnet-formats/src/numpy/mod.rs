//! NumPy's files: an array (`.npy`), and archives of arrays by name (`.npz`), which serve as state dicts.
//!
//! # Source
//! `numpy/lib/format.py` describes the array's header; an `.npz` is a zip archive with a member `KEY.npy` for each key.

mod arrays;
mod header;

pub use arrays::{Array, Cells, arrays, npy_head};

use glassnet::{Error, Result, Value};

use crate::budget::Budget;
use crate::content::Content;
use crate::elements::{ElementType, decode};
use crate::message::quoted;
use crate::note::{Conversions, Note};
use crate::strided::gather;
use crate::zip::{Archive, Writer};
use header::Kind;

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The arrays by key, in the archive's order.
    pub tensors: Vec<(String, Value)>,
    /// Which numbers were converted, and what was left out.
    pub notes: Vec<Note>,
}

/// The key of a file's only array: that of a lone `Linear` in PyTorch.
const ONLY: &str = "weight";

/// Reads the arrays in the bytes of an `.npz`, or the one in those of an `.npy`, whose key is `weight`; `name` stands
/// in messages.
///
/// Floats of 16 and 64 bits become float32, integers and booleans int64; byte order and column-major arrays are read as
/// what they mean. Members of the archive that are no arrays are left out, and the notes say so.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the bytes are another format, or damaged; when an array holds
/// texts, objects, complex numbers or records; when a float64 is beyond float32.
///
/// # Example
/// ```
/// use glassnet::{Tensor, Value};
/// use glassnet_formats::numpy;
/// let weight = Value::from(Tensor::new([1, 2], vec![0.5_f32, -1.0])?);
/// let bytes = numpy::write_npz([("0.weight", &weight)])?;
/// assert_eq!(numpy::read(&bytes, "a.npz")?.tensors, [("0.weight".to_owned(), weight)]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn read(bytes: &[u8], name: &str) -> Result<Contents> {
    let content = Content::of(bytes);
    if content == Content::Npy {
        let mut conversions = Conversions::default();
        let value = array(bytes, ONLY, name, &mut Budget::of(bytes.len()), &mut conversions)?;
        return Ok(Contents {
            tensors: vec![(ONLY.to_owned(), value)],
            notes: conversions.notes(),
        });
    }
    if !matches!(content, Content::Npz | Content::Zip) {
        return Err(Error::model(format!("not a NumPy archive: the content is {content}"))
            .at(name.to_owned())
            .help("give the file that numpy.savez(\"weights.npz\", **arrays) writes"));
    }
    let archive = Archive::read(bytes, name)?;
    let (mut conversions, mut tensors, mut others) = (Conversions::default(), vec![], vec![]);
    let mut budget = Budget::of(bytes.len());
    for member in archive.members() {
        let Some(key) = member.name.strip_suffix(".npy") else {
            others.push(Note::LeftOut {
                what: format!("the member {}", quoted(&member.name)),
                why: "it is no NumPy array".to_owned(),
            });
            continue;
        };
        let value = array(&archive.content(member)?, key, name, &mut budget, &mut conversions)?;
        tensors.push((key.to_owned(), value));
    }
    if tensors.is_empty() {
        return Err(Error::model("the zip archive holds no NumPy arrays")
            .at(name.to_owned())
            .help("give the file that numpy.savez(\"weights.npz\", **arrays) writes"));
    }
    let notes = conversions.notes().into_iter().chain(others).collect();
    Ok(Contents { tensors, notes })
}

fn array(
    bytes: &[u8],
    key: &str,
    name: &str,
    budget: &mut Budget,
    conversions: &mut Conversions,
) -> Result<Value> {
    let place = || format!("{name}, array {}", quoted(key));
    let within = |error: Error| match error.help_text() {
        Some(_) => error.at(place()),
        None => error.at(place()).help("save it again with numpy.savez"),
    };
    let (header, data) = header::read(bytes).map_err(within)?;
    let shape = header.shape;
    let Kind::Number(element) = header.element else {
        return Err(within(
            Error::model("the array holds texts").help("leave it out: weights are numbers"),
        ));
    };
    let needed = shape.iter().try_fold(element.size(), |all, &length| all.checked_mul(length));
    if needed != Some(data.len()) {
        let (kind, have) = (element.name(), data.len());
        return Err(within(Error::model(format!(
            "shape {shape:?} of {kind} does not fit its {have} bytes of data"
        ))));
    }
    budget.take(&shape, element.held_size()).map_err(|what| {
        Error::model(what).at(place()).help("save it in a wider type, without compression")
    })?;
    let (mut strides, mut step) = (vec![0; shape.len()], 1_usize);
    let axes = 0..shape.len();
    let order: Vec<usize> = if header.by_columns { axes.collect() } else { axes.rev().collect() };
    for axis in order {
        strides[axis] = step;
        step = step.saturating_mul(shape[axis]);
    }
    let row_major = gather(data, element.size(), 0, &shape, &strides)
        .map_err(|what| within(Error::model(what)))?;
    let (value, change) = decode(&row_major, element, header.order, shape).map_err(within)?;
    conversions.add(key, element, change);
    Ok(value)
}

/// The bytes of an `.npz` of these arrays, as `numpy.savez` writes it: float32 and int64, little endian, without
/// compression. The same arrays give the same bytes.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when a key stands twice or has more than 65535 bytes, or the file would
/// have more than 4 GB.
pub fn write_npz<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Result<Vec<u8>> {
    let mut seen = std::collections::HashSet::new();
    let mut archive = Writer::default();
    for (key, value) in tensors {
        if !seen.insert(key) {
            return Err(Error::model(format!("two tensors are called {}", quoted(key)))
                .help("give each another name"));
        }
        archive.add(&format!("{key}.npy"), &write_npy(value))?;
    }
    Ok(archive.finish())
}

/// The bytes of an `.npy`.
pub fn write_npy(value: &Value) -> Vec<u8> {
    match value {
        Value::F32(tensor) => {
            let mut bytes = header::write(ElementType::F32, tensor.shape());
            bytes.extend(tensor.data().iter().flat_map(|number| number.to_le_bytes()));
            bytes
        }
        Value::I64(tensor) => {
            let mut bytes = header::write(ElementType::I64, tensor.shape());
            bytes.extend(tensor.data().iter().flat_map(|number| number.to_le_bytes()));
            bytes
        }
    }
}
