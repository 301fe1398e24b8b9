//! Arrays as they are in the file, for whoever reads tables rather than weights: nothing is converted.

use std::borrow::Cow;

use glassnet::{Error, Result};

use super::header::{self, Kind};
use crate::content::Content;
use crate::elements::{ByteOrder, ElementType};
use crate::message::quoted;
use crate::zip::Archive;

/// What an array's elements are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cells {
    /// Floats of so many bytes: 2, 4 or 8.
    Float(usize),
    /// Integers with a sign, of 1, 2, 4 or 8 bytes.
    Integer(usize),
    /// Integers without a sign, of 1, 2, 4 or 8 bytes.
    Unsigned(usize),
    /// One byte each, 0 or 1.
    Boolean,
    /// Texts of so many characters, four bytes each, filled up with zeros.
    Text(usize),
    /// Texts of so many bytes, filled up with zeros.
    Bytes(usize),
}

impl Cells {
    /// The bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Cells::Float(bytes) | Cells::Integer(bytes) | Cells::Unsigned(bytes) => bytes,
            Cells::Boolean => 1,
            Cells::Text(length) => 4 * length,
            Cells::Bytes(length) => length,
        }
    }
}

/// An array of a file: its elements' bytes are as many as the shape says.
#[derive(Clone, Debug, PartialEq)]
pub struct Array<'a> {
    /// Its name in the archive; empty for a file of one array.
    pub key: String,
    /// What its elements are.
    pub cells: Cells,
    /// Whether the highest byte of an element comes first.
    pub big_endian: bool,
    /// Whether the first axis counts fastest, as in Fortran.
    pub by_columns: bool,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// The elements side by side.
    pub data: Cow<'a, [u8]>,
}

/// The arrays in the bytes of an `.npz` of which `wanted` is true, or the one of an `.npy` (its key is empty); `name` stands in
/// messages. Members of the archive that are no arrays are left out.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the bytes are another format, or damaged; when a wanted array holds
/// objects, complex numbers, dates or records; when no array is wanted (its message lists those that there are).
///
/// # Example
/// ```
/// use glassnet::{Tensor, Value};
/// use glassnet_formats::numpy::{Cells, arrays, write_npz};
/// let x = Value::from(Tensor::new([2, 1], vec![0.5_f32, -1.0])?);
/// let bytes = write_npz([("x", &x)])?;
/// let found = arrays(&bytes, "a.npz", |key| key == "x")?;
/// assert_eq!((found[0].cells, found[0].shape.as_slice()), (Cells::Float(4), &[2, 1][..]));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn arrays<'a>(
    bytes: &'a [u8],
    name: &'a str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Array<'a>>> {
    match Content::of(bytes) {
        Content::Npy => Ok(vec![array(Cow::Borrowed(bytes), "", name)?]),
        Content::Npz | Content::Zip | Content::PyTorchZip => of_archive(bytes, name, wanted),
        content => Err(Error::model(format!("not a NumPy array: the content is {content}"))
            .at(name.to_owned())
            .help("save it with numpy.save or numpy.savez")),
    }
}

/// What the head of an `.npy` says: the array without its elements, and where these begin. `head` needs not be more than the
/// first 70,000 bytes; `length` are all of the file's.
///
/// ```
/// use glassnet::{Tensor, Value};
/// use glassnet_formats::numpy::{npy_head, write_npy};
/// let bytes = write_npy(&Value::from(Tensor::new([2, 1], vec![0.5_f32, -1.0])?));
/// let (array, begin) = npy_head(&bytes, bytes.len() as u64, "a.npy")?;
/// assert_eq!((array.shape, bytes.len() - begin), (vec![2, 1], 8));
/// # Ok::<(), glassnet::Error>(())
/// ```
///
/// # Errors
/// As [`arrays`].
pub fn npy_head(head: &[u8], length: u64, name: &str) -> Result<(Array<'static>, usize)> {
    let (array, rest) = described(head, "", name)?;
    let begin = head.len() - rest;
    fits(&array, length.saturating_sub(begin as u64), "", name)?;
    Ok((array, begin))
}

fn of_archive<'a>(
    bytes: &'a [u8],
    name: &'a str,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Array<'a>>> {
    let archive = Archive::read(bytes, name)?;
    let (mut found, mut keys) = (vec![], vec![]);
    for member in archive.members() {
        let Some(key) = member.name.strip_suffix(".npy") else { continue };
        keys.push(quoted(key));
        if wanted(key) {
            found.push(array(archive.content(member)?, key, name)?);
        }
    }
    if found.is_empty() {
        let error = match keys.is_empty() {
            true => Error::model("the zip archive holds no NumPy arrays")
                .help("give the file that numpy.savez(\"data.npz\", X=X, y=y) writes"),
            false => Error::model("the archive holds none of the arrays that are asked for")
                .help(format!("it holds {}", keys.join(", "))),
        };
        return Err(error.at(name.to_owned()));
    }
    Ok(found)
}

fn array<'a>(bytes: Cow<'a, [u8]>, key: &str, name: &str) -> Result<Array<'a>> {
    let (array, length) = described(&bytes, key, name)?;
    fits(&array, length as u64, key, name)?;
    let begin = bytes.len() - length;
    let data = match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[begin..]),
        Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(begin)),
    };
    Ok(Array { data, ..array })
}

/// An array without its elements, and how many bytes follow its header.
fn described(bytes: &[u8], key: &str, name: &str) -> Result<(Array<'static>, usize)> {
    let (header, data) = header::read(bytes).map_err(|error| within(error, key, name))?;
    let cells = match header.element {
        Kind::Text(length) => Cells::Text(length),
        Kind::Bytes(length) => Cells::Bytes(length),
        Kind::Number(element) => number(element),
    };
    let array = Array {
        key: key.to_owned(),
        cells,
        big_endian: header.order == ByteOrder::Big,
        by_columns: header.by_columns,
        shape: header.shape,
        data: Cow::Borrowed(&[]),
    };
    Ok((array, data.len()))
}

/// Checks that an array has as many bytes as its shape says.
fn fits(array: &Array<'_>, bytes: u64, key: &str, name: &str) -> Result<()> {
    let (size, shape) = (array.cells.size(), &array.shape);
    let needed = shape.iter().try_fold(size, |all, &length| all.checked_mul(length));
    if needed.is_none_or(|needed| needed as u64 != bytes) {
        let what =
            format!("shape {shape:?} of {size} bytes each does not fit its {bytes} bytes of data");
        return Err(within(Error::model(what), key, name));
    }
    Ok(())
}

fn within(error: Error, key: &str, name: &str) -> Error {
    let place = match key.is_empty() {
        true => name.to_owned(),
        false => format!("{name}, array {}", quoted(key)),
    };
    let error = error.at(place);
    match error.help_text() {
        Some(_) => error,
        None => error.help("save it again with numpy.save or numpy.savez"),
    }
}

fn number(element: ElementType) -> Cells {
    let size = element.size();
    match element {
        // NumPy has no bfloat16, and its files no code for one.
        ElementType::F64 | ElementType::F32 | ElementType::F16 | ElementType::BF16 => {
            Cells::Float(size)
        }
        ElementType::I64 | ElementType::I32 | ElementType::I16 | ElementType::I8 => {
            Cells::Integer(size)
        }
        ElementType::U64 | ElementType::U32 | ElementType::U16 | ElementType::U8 => {
            Cells::Unsigned(size)
        }
        ElementType::Bool => Cells::Boolean,
    }
}
