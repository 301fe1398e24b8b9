//! What bytes look like, whatever the file is called: the content decides, the name does not.

use std::fmt;

use glassnet::Error;

/// The kind of file that some bytes look like.
///
/// ```
/// use glassnet_formats::Content;
/// assert_eq!(Content::of(b"\x1f\x8b\x08\0\0\0\0\0\0\x03"), Content::Gzip);
/// assert_eq!(Content::of(b"a,b\n1,2\n"), Content::Text);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// A safetensors header, whole or damaged.
    Safetensors,
    /// A zip archive with `data.pkl`, as `torch.save` writes it.
    PyTorchZip,
    /// A pickle, as older versions of `torch.save` write it.
    Pickle,
    /// An ONNX model.
    Onnx,
    /// A zip archive of NumPy arrays.
    Npz,
    /// A NumPy array.
    Npy,
    /// Another zip archive.
    Zip,
    /// Compressed by gzip.
    Gzip,
    /// Compressed by zstd.
    Zstandard,
    /// Compressed by xz.
    Xz,
    /// Compressed by bzip2.
    Bzip2,
    /// An HDF5 file, such as Keras writes.
    Hdf5,
    /// A GGUF file.
    Gguf,
    /// A Parquet table.
    Parquet,
    /// The few lines that stand for a file in a repository that keeps it in Git LFS.
    LfsPointer,
    /// An HTML page.
    Html,
    /// Other text.
    Text,
    /// Nothing but zero bytes, as a download leaves that was given its length but no content.
    Zeros,
    /// No bytes at all.
    Empty,
    /// None of these.
    Unknown,
}

/// What begins with what. None of them is eight bytes of a safetensors header before its `{`.
const MAGIC: [(&[u8], Content); 11] = [
    (TORCH_LEGACY, Content::Pickle),
    (b"\x1f\x8b", Content::Gzip),
    (b"\x28\xb5\x2f\xfd", Content::Zstandard),
    (b"\xfd7zXZ\0", Content::Xz),
    (b"BZh", Content::Bzip2),
    (b"\x93NUMPY", Content::Npy),
    (b"\x89HDF\r\n\x1a\n", Content::Hdf5),
    (b"GGUF", Content::Gguf),
    (b"PAR1", Content::Parquet),
    (b"version https://git-lfs", Content::LfsPointer),
    (b"PK\x05\x06", Content::Zip),
];

/// The pickled magic number 0x1950a86a20f9469cfc6c with which `torch.save` began before version 1.6.
const TORCH_LEGACY: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";

impl Content {
    /// What `bytes` look like.
    pub fn of(bytes: &[u8]) -> Self {
        let brace = bytes.get(8) == Some(&b'{');
        if bytes.is_empty() {
            return Content::Empty;
        }
        // A header below 4 GB: no other format has four zeros and a brace there.
        if brace && bytes[4..8] == [0; 4] {
            return Content::Safetensors;
        }
        if let Some((_, content)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return *content;
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return zip(bytes);
        }
        if is_pickle(bytes) {
            return Content::Pickle;
        }
        if is_onnx(bytes) {
            return Content::Onnx;
        }
        match text(bytes) {
            Some(content) => content,
            None if brace => Content::Safetensors,
            None if bytes.iter().all(|&byte| byte == 0) => Content::Zeros,
            None => Content::Unknown,
        }
    }

    /// What to call it in a sentence: `a PyTorch zip archive`.
    pub fn name(self) -> &'static str {
        match self {
            Content::Safetensors => "safetensors",
            Content::PyTorchZip => "a PyTorch zip archive",
            Content::Pickle => "a Python pickle",
            Content::Onnx => "an ONNX model",
            Content::Npz => "a NumPy archive (.npz)",
            Content::Npy => "a NumPy array (.npy)",
            Content::Zip => "a zip archive",
            Content::Gzip => "gzip-compressed data",
            Content::Zstandard => "zstd-compressed data",
            Content::Xz => "xz-compressed data",
            Content::Bzip2 => "bzip2-compressed data",
            Content::Hdf5 => "an HDF5 file",
            Content::Gguf => "a GGUF file",
            Content::Parquet => "a Parquet table",
            Content::LfsPointer => "a Git LFS pointer, not the file that it stands for",
            Content::Html => "an HTML page",
            Content::Text => "text",
            Content::Zeros => "zero bytes only",
            Content::Empty => "nothing: the file is empty",
            Content::Unknown => "bytes of no known format",
        }
    }

    /// The endings that files of this content usually have, without the dot.
    pub(crate) fn endings(self) -> &'static [&'static str] {
        match self {
            Content::Safetensors => &["safetensors"],
            Content::PyTorchZip | Content::Pickle => &["pt", "pth", "bin", "ckpt", "pkl", "pickle"],
            Content::Onnx => &["onnx"],
            Content::Npz => &["npz"],
            Content::Npy => &["npy"],
            Content::Zip => &["zip"],
            Content::Gzip => &["gz", "tgz"],
            Content::Zstandard => &["zst"],
            Content::Xz => &["xz"],
            Content::Bzip2 => &["bz2"],
            Content::Hdf5 => &["h5", "hdf5", "keras"],
            Content::Gguf => &["gguf"],
            Content::Parquet => &["parquet"],
            Content::Html => &["html", "htm"],
            Content::Text => &["txt", "csv", "tsv", "json", "md"],
            Content::LfsPointer | Content::Zeros | Content::Empty | Content::Unknown => &[],
        }
    }

    /// How to get a model file from it.
    fn mend(self) -> &'static str {
        match self {
            Content::PyTorchZip | Content::Npz | Content::Npy | Content::Onnx => {
                "convert it: glassnet convert FILE model.safetensors"
            }
            Content::Pickle => {
                "convert it in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), \
                 \"model.safetensors\")"
            }
            Content::Hdf5 | Content::Gguf => {
                "save the state dict in Python with safetensors.torch.save_file"
            }
            Content::Zip => "unpack it and give the model file in it",
            Content::Gzip => "unpack it first, with gunzip",
            Content::Zstandard => "unpack it first, with unzstd",
            Content::Xz => "unpack it first, with unxz",
            Content::Bzip2 => "unpack it first, with bunzip2",
            Content::LfsPointer => "fetch the file itself, with git lfs pull",
            Content::Html => "download the file itself, not the page about it",
            Content::Zeros | Content::Empty => "copy or download it again",
            Content::Safetensors | Content::Parquet | Content::Text | Content::Unknown => {
                "give a .safetensors, .pt, .onnx or .npz file, whole and uncompressed"
            }
        }
    }

    /// Why a file of this content is no model file.
    pub(crate) fn refuse(self, name: &str) -> Error {
        let content = self.name();
        let promised = ending(name).and_then(|ending| {
            let lead = match ending {
                "safetensors" => "",
                "npz" => "not a NumPy archive: ",
                "onnx" => "not an ONNX model: ",
                _ if Content::PyTorchZip.endings().contains(&ending) => "not a PyTorch zip: ",
                _ => return None,
            };
            Some((lead, ending))
        });
        let what = match promised {
            Some((lead, ending)) => format!(
                "{lead}its name ends in .{ending}, its content is {content}, and the content decides"
            ),
            None => format!("expected a model file, the content is {content}"),
        };
        Error::model(what).at(name.to_owned()).help(self.mend())
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What to tell a person whose file is read by its content although its name promises another one.
///
/// ```
/// use glassnet_formats::{content::disagreement, safetensors};
/// let bytes = safetensors::write([], &[])?;
/// assert_eq!(disagreement(&bytes, "a.safetensors"), None);
/// assert_eq!(
///     disagreement(&bytes, "a.pt").unwrap(),
///     "a.pt: its name ends in .pt, its content is safetensors, and the content decides",
/// );
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn disagreement(bytes: &[u8], name: &str) -> Option<String> {
    const PROMISES: [Content; 11] = [
        Content::Safetensors,
        Content::Pickle,
        Content::Onnx,
        Content::Npz,
        Content::Npy,
        Content::Zip,
        Content::Gzip,
        Content::Zstandard,
        Content::Hdf5,
        Content::Parquet,
        Content::Text,
    ];
    let ending = ending(name)?;
    let content = Content::of(bytes);
    let promised = PROMISES.iter().any(|content| content.endings().contains(&ending));
    (promised && !content.endings().contains(&ending)).then(|| {
        format!(
            "{name}: its name ends in .{ending}, its content is {content}, and the content decides"
        )
    })
}

pub(crate) fn ending(name: &str) -> Option<&str> {
    std::path::Path::new(name).extension()?.to_str()
}

/// What is in a zip archive, by the name of its first member; PyTorch's may come behind small ones.
fn zip(bytes: &[u8]) -> Content {
    let name =
        bytes.get(26..28).map(|length| usize::from(u16::from_le_bytes([length[0], length[1]])));
    let name = name.and_then(|length| bytes.get(30..30 + length)).unwrap_or(&[]);
    let begin = &bytes[..bytes.len().min(1 << 16)];
    let end = &bytes[bytes.len().saturating_sub(1 << 16)..];
    let has_pickle = |part: &[u8]| part.windows(8).any(|window| window == b"data.pkl");
    if name.ends_with(b".npy") {
        Content::Npz
    } else if has_pickle(begin) || has_pickle(end) {
        Content::PyTorchZip
    } else {
        Content::Zip
    }
}

/// Protocols 2 to 5 begin with their number and end with `STOP`.
fn is_pickle(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, next, .., b'.'] if *next != 0)
}

/// The IR version as field 1, then one of the fields that exporters write next.
fn is_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..])
}

fn text(bytes: &[u8]) -> Option<Content> {
    let begin = &bytes[..bytes.len().min(4096)];
    let begin = match std::str::from_utf8(begin) {
        Ok(text) => text,
        // The cut may go through a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&begin[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    if begin.is_empty() || begin.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let begin = begin.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    let html = begin.starts_with("<!doctype html") || begin.starts_with("<html");
    Some(if html { Content::Html } else { Content::Text })
}
