//! The JSON before the arrays: parsed once, in the file's order, and checked before any byte of data is read.

use std::collections::HashSet;
use std::fmt;

use glassnet::{Error, Result};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::{MAX_HEADER, METADATA, place};
use crate::content::Content;
use crate::json;
use crate::message::quoted;

/// More axes than NumPy 2 and PyTorch's iterators handle.
const MAX_AXES: usize = 64;

/// What a header says, checked: every array's bytes lie in the file, side by side.
pub(super) struct Header {
    /// In the order of the JSON.
    pub(super) tensors: Vec<(String, TensorInfo)>,
    pub(super) metadata: Vec<(String, String)>,
    /// Where in the file the offsets count from.
    pub(super) data_start: usize,
}

pub(super) fn read(bytes: &[u8], name: &str) -> Result<Header> {
    let text = text(bytes, name)?;
    let parsed = parse(text, name)?;
    let data_start = 8 + text.len();
    check(&parsed.tensors, bytes.len() - data_start, name)?;
    Ok(Header { tensors: parsed.tensors, metadata: parsed.metadata, data_start })
}

/// The header's JSON, once its length was found to lie within the file.
fn text<'a>(bytes: &'a [u8], name: &str) -> Result<&'a [u8]> {
    let content = Content::of(bytes);
    if !matches!(content, Content::Safetensors | Content::Unknown) {
        return Err(content.refuse(name));
    }
    let Some((length, rest)) = bytes.split_first_chunk::<8>().filter(|(_, rest)| !rest.is_empty())
    else {
        return Err(damaged(
            format!("the file is cut short: {} bytes are too few for safetensors", bytes.len()),
            name,
        ));
    };
    if content == Content::Unknown {
        return Err(Error::model(
            "not safetensors: byte 8, where the JSON header begins, is not '{'",
        )
        .at(format!("{name}, byte 8"))
        .help("give a .safetensors file, whole and uncompressed"));
    }
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER as u64 {
        return Err(Error::model(format!(
            "the header claims {length} bytes, safetensors allows {MAX_HEADER}"
        ))
        .at(format!("{name}, bytes 0 to 7"))
        .help("save the file again"));
    }
    usize::try_from(length).ok().and_then(|length| rest.get(..length)).ok_or_else(|| {
        let left = rest.len();
        damaged(
            format!("the file is cut short: its header claims {length} bytes, {left} follow"),
            name,
        )
    })
}

fn damaged(what: String, name: &str) -> Error {
    Error::model(what).at(name.to_owned()).help("copy or download it again")
}

fn parse(text: &[u8], name: &str) -> Result<Parsed> {
    let place_of = |at: usize| format!("{name}, byte {}", 8 + at);
    json::refuse_huge(text, json::MaxValues::USUAL, place_of)?;
    let mut parsed = Parsed::default();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let outcome = reader.deserialize_map(&mut parsed).and_then(|()| reader.end());
    match outcome {
        Ok(()) => Ok(parsed),
        Err(error) => {
            let reason = json::reason(&error);
            let what = match parsed.current {
                Some(key) if error.is_data() && key == METADATA => {
                    format!("the header's {METADATA} cannot be used: {reason}")
                }
                Some(key) if error.is_data() => {
                    format!(
                        "the header's entry for tensor {} cannot be used: {reason}",
                        quoted(&key)
                    )
                }
                _ if error.is_data() => format!("the header cannot be used: {reason}"),
                _ => format!("the header is not valid JSON: {reason}"),
            };
            let at = place_of(json::byte_of(&error, text));
            Err(Error::model(what).at(at).help("save the file again"))
        }
    }
}

/// The header's entries in order; filled in place, so that an error can name the entry that it is about.
#[derive(Default)]
struct Parsed {
    tensors: Vec<(String, TensorInfo)>,
    metadata: Vec<(String, String)>,
    current: Option<String>,
}

impl<'de> Visitor<'de> for &mut Parsed {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let key = &*self.current.insert(key);
            // JSON lets a name stand twice, and readers then differ about which one counts.
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("the name stands twice"));
            }
            if key == METADATA {
                self.metadata = map.next_value::<Texts>()?.0;
            } else {
                let Entry { dtype, shape, data_offsets } = map.next_value()?;
                self.tensors
                    .push((key.clone(), TensorInfo { dtype, shape: shape.0, data_offsets }));
            }
            self.current = None;
        }
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Entry {
    dtype: Dtype,
    shape: Shape,
    data_offsets: (usize, usize),
}

/// Axes' lengths, refused as soon as there are too many to be honest.
struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Axes;
        impl<'de> Visitor<'de> for Axes {
            type Value = Shape;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a shape")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut axes: A) -> Result<Shape, A::Error> {
                let mut shape = vec![];
                while let Some(length) = axes.next_element()? {
                    if shape.len() == MAX_AXES {
                        return Err(A::Error::custom(format!(
                            "its shape has more than {MAX_AXES} axes"
                        )));
                    }
                    shape.push(length);
                }
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(Axes)
    }
}

/// Texts by key, none twice.
struct Texts(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = Texts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut texts = vec![];
                let mut seen = HashSet::new();
                while let Some((key, text)) = map.next_entry::<String, String>()? {
                    if !seen.insert(key.clone()) {
                        return Err(A::Error::custom(format!("key {} stands twice", quoted(&key))));
                    }
                    texts.push((key, text));
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_map(Table)
    }
}

/// Every array has the bytes that its shape needs, and together they fill the data without overlap or hole.
fn check(tensors: &[(String, TensorInfo)], data_len: usize, name: &str) -> Result<()> {
    let mut by_offset: Vec<&(String, TensorInfo)> = tensors.iter().collect();
    by_offset.sort_by_key(|(_, info)| info.data_offsets);
    let refuse = |key: &str, what: String| {
        Err(Error::model(what).at(place(name, key)).help("save the file again"))
    };
    let mut filled = 0;
    for (key, TensorInfo { dtype, shape, data_offsets: (start, end) }) in &by_offset {
        let Some(needed) = needed_bytes(shape, *dtype) else {
            return refuse(key, format!("shape {shape:?} of {dtype} is larger than any file"));
        };
        if start < &filled {
            let what = format!("its data begin at byte {start}, within those of the tensor before");
            return refuse(key, format!("two tensors overlap: {what}, which end at {filled}"));
        }
        if start > &filled {
            return refuse(
                key,
                format!("bytes {filled} to {start} of the data belong to no tensor"),
            );
        }
        if end.checked_sub(*start) != Some(needed) {
            return refuse(
                key,
                format!(
                    "shape {shape:?} of {dtype} needs {needed} bytes, its data go from {start} to {end}"
                ),
            );
        }
        filled = *end;
    }
    if filled > data_len {
        let what =
            format!("the file is cut short: its tensors take {filled} bytes, it has {data_len}");
        return Err(damaged(what, name));
    }
    if filled < data_len {
        let extra = data_len - filled;
        return Err(damaged(format!("{extra} bytes follow the last tensor"), name));
    }
    // The crate that defines the format has the last word.
    let entries = by_offset.into_iter().cloned().collect();
    Metadata::new(None, entries).map(drop).map_err(|error| damaged(error.to_string(), name))
}

/// The bytes of an array; `None` when they overflow, also where an axis of length 0 would hide it.
fn needed_bytes(shape: &[usize], dtype: Dtype) -> Option<usize> {
    let widest = shape.iter().try_fold(1_usize, |all, &length| all.checked_mul(length.max(1)))?;
    let bits = widest.checked_mul(dtype.bitsize()).filter(|bits| isize::try_from(*bits).is_ok())?;
    Some(if shape.contains(&0) { 0 } else { bits.div_ceil(8) })
}
