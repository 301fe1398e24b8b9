//! The formats of model files.

use glassnet::{Error, Result};

use crate::content::{Content, ending};

/// A format in which a network's weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// safetensors: read and written; keeps everything that glassnet knows of a model.
    Safetensors,
    /// What `torch.save` writes: read.
    PyTorch,
    /// An archive of NumPy's arrays: read and written.
    Npz,
    /// One array of NumPy: read and written.
    Npy,
    /// ONNX, which other runtimes run: read and written.
    Onnx,
}

impl Format {
    /// The format of a file with this content; `None` where glassnet reads no weights from it.
    pub fn of(content: Content) -> Option<Self> {
        match content {
            Content::Safetensors => Some(Format::Safetensors),
            Content::PyTorchZip | Content::Pickle => Some(Format::PyTorch),
            Content::Npz => Some(Format::Npz),
            Content::Npy => Some(Format::Npy),
            Content::Onnx => Some(Format::Onnx),
            Content::Zip
            | Content::Gzip
            | Content::Zstandard
            | Content::Xz
            | Content::Bzip2
            | Content::Hdf5
            | Content::Gguf
            | Content::Parquet
            | Content::LfsPointer
            | Content::Html
            | Content::Text
            | Content::Zeros
            | Content::Empty
            | Content::Unknown => None,
        }
    }

    /// The format that a file called `name` promises by its ending, whatever it holds.
    ///
    /// ```
    /// use glassnet_formats::Format;
    /// assert_eq!(Format::of_name("model.ONNX"), Some(Format::Onnx));
    /// assert_eq!(Format::of_name("model"), None);
    /// ```
    pub fn of_name(name: &str) -> Option<Self> {
        match ending(name).map(str::to_lowercase).as_deref() {
            Some("safetensors") => Some(Format::Safetensors),
            Some("pt" | "pth" | "ckpt" | "bin") => Some(Format::PyTorch),
            Some("npz") => Some(Format::Npz),
            Some("npy") => Some(Format::Npy),
            Some("onnx") => Some(Format::Onnx),
            Some(_) | None => None,
        }
    }

    /// The format in which a file called `name` is to be written, by its ending.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](glassnet::ErrorKind::Usage) when the ending is that of no format, or of one that is only read.
    ///
    /// ```
    /// use glassnet_formats::Format;
    /// assert_eq!(Format::to_write("weights.npz")?, Format::Npz);
    /// assert!(Format::to_write("weights.pt").unwrap_err().to_string().contains("safetensors.torch.load_file"));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn to_write(name: &str) -> Result<Self> {
        let refuse = |what: String, help: &str| {
            Err(Error::usage(what).at(name.to_owned()).help(help.to_owned()))
        };
        match (Format::of_name(name), ending(name)) {
            (Some(Format::PyTorch), _) => refuse(
                "PyTorch's files are read, not written".to_owned(),
                "write .safetensors, which PyTorch opens with safetensors.torch.load_file, or .npz",
            ),
            (Some(format), _) => Ok(format),
            (None, Some(other)) => refuse(
                format!("no format of model files that is written ends in .{other}"),
                "write .safetensors, .onnx, .npz or .npy",
            ),
            (None, None) => refuse(
                "the name has no ending that tells the format".to_owned(),
                "end it in .safetensors, .onnx, .npz or .npy",
            ),
        }
    }

    /// What to call it: `safetensors`, `PyTorch`, `npz`, `npy`, `ONNX`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Safetensors => "safetensors",
            Format::PyTorch => "PyTorch",
            Format::Npz => "npz",
            Format::Npy => "npy",
            Format::Onnx => "ONNX",
        }
    }
}
