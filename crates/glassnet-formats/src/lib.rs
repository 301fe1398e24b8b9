//! Model files: bytes in, bytes out. Nothing here opens a file, and nothing that a file says is executed.
//!
//! [`open`] reads a file of any [`Format`]: [`safetensors`], which is also what glassnet writes, PyTorch's ([`torch`]),
//! NumPy's ([`numpy`]), ONNX ([`onnx`]). [`model`] says what glassnet keeps beside the weights (of one network, or of the members of an
//! ensemble), [`checkpoint`] what it keeps of a training under way; [`content`] tells what a file holds when it is
//! something else. [`chain`] reads a network from the keys and shapes of a file that has weights alone; [`mod@convert`] writes
//! one format from another.

mod budget;
pub mod chain;
pub mod checkpoint;
pub mod content;
pub mod convert;
mod elements;
mod fitting;
mod format;
mod json;
mod members;
mod message;
pub mod model;
mod note;
pub mod numpy;
pub mod onnx;
mod open;
mod pickle;
mod prefix;
pub mod safetensors;
mod strided;
pub mod torch;
pub mod vnnlib;
mod zip;

pub use checkpoint::{CheckpointContext, differences, read_checkpoint, write_checkpoint};
pub use content::Content;
pub use fitting::fitted;
pub use format::Format;
pub use model::{Card, FORMAT_VERSION, ModelFile, ReadOptions, Task};
pub use note::Note;
pub use onnx::{
    OnnxAnswer, OnnxColumn, OnnxEncoding, OnnxExport, OnnxModel, OnnxNumber, OnnxOptions,
    OnnxTable, read_onnx, read_onnx_tensor, read_onnx_with, write_onnx, write_onnx_table,
};
pub use open::{Opened, open};
pub use prefix::unwrapped;
