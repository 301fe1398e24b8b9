//! One door to model files of every format that is read.

use glassnet::Result;
use glassnet::nn::StateDict;

use crate::content::{Content, disagreement, ending};
use crate::model::{ModelFile, ReadOptions, check_finite};
use crate::note::Note;
use crate::onnx::{self, OnnxModel};
use crate::{Format, numpy, safetensors, torch};

/// What was found in a file.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The file's format, by its content.
    pub format: Format,
    /// Weights, and what they are for if the file says it.
    pub model: ModelFile,
    /// The texts beside them, of which those of glassnet are a part.
    pub metadata: Vec<(String, String)>,
    /// What to tell people about the file.
    pub notes: Vec<Note>,
    /// What an ONNX file computes where that is no chain of layers; `model` has its arrays then, and no network.
    pub graph: Option<Box<OnnxModel>>,
}

/// Reads a model file of any format, which the content decides; `name` stands in messages.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the content is none of a model file, or the reader of its format
/// refuses it ([`ModelFile::read_with`], [`torch::read`], [`numpy::read`], [`onnx::read_onnx`]), or a weight is not finite and the options do
/// not allow it.
///
/// # Example
/// ```
/// use glassnet::{Tensor, Value};
/// use glassnet_formats::{Format, ReadOptions, numpy, open};
/// let weight = Value::from(Tensor::new([1, 2], vec![0.5_f32, -1.0])?);
/// let bytes = numpy::write_npz([("weight", &weight)])?;
/// let opened = open(&bytes, "a.npz", ReadOptions::default())?;
/// assert_eq!(opened.format, Format::Npz);
/// assert_eq!(opened.model.state.get("weight"), Some(&weight));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn open(bytes: &[u8], name: &str, options: ReadOptions) -> Result<Opened> {
    let content = Content::of(bytes);
    let bare = |tensors| ModelFile { state: StateDict::from_iter::<Vec<_>>(tensors), card: None };
    let for_torch =
        ending(name).is_some_and(|ending| Content::PyTorchZip.endings().contains(&ending));
    let for_onnx = ending(name).is_some_and(|ending| Content::Onnx.endings().contains(&ending));
    let format = match Format::of(content) {
        Some(format) => format,
        // Which of the two archives it fails to be, its name says.
        None if content == Content::Zip && for_torch => Format::PyTorch,
        None if content == Content::Zip => Format::Npz,
        None if content == Content::Unknown && for_onnx => Format::Onnx,
        // A damaged header: its reader says where.
        None if content == Content::Unknown && !for_torch => Format::Safetensors,
        None => return Err(content.refuse(name)),
    };
    let mut opened = match format {
        Format::Safetensors => {
            let contents = safetensors::read(bytes, name)?;
            let metadata = contents.metadata.clone();
            let notes = contents.notes.clone();
            Opened { format, model: ModelFile::of(contents, name)?, metadata, notes, graph: None }
        }
        Format::PyTorch => {
            let contents = torch::read(bytes, name)?;
            Opened {
                format,
                model: bare(contents.tensors),
                metadata: vec![],
                notes: contents.notes,
                graph: None,
            }
        }
        Format::Npz | Format::Npy => {
            let contents = numpy::read(bytes, name)?;
            Opened {
                format,
                model: bare(contents.tensors),
                metadata: vec![],
                notes: contents.notes,
                graph: None,
            }
        }
        Format::Onnx => onnx::open(bytes, name)?,
    };
    if !options.allow_non_finite {
        check_finite(&opened.model.state, name)?;
    }
    if let Some(note) = disagreement(bytes, name) {
        opened.notes.insert(0, Note::Content(note));
    }
    Ok(opened)
}
