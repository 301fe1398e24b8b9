//! Model files: bytes in, bytes out. Nothing here opens a file, and nothing that a file says is executed.
//!
//! [`safetensors`] reads and writes the container; [`model`] says what glassnet keeps in it beside the weights (of one
//! network, or of the members of an ensemble),
//! [`checkpoint`] what it keeps of a training under way; [`content`] tells what a file holds when it is something else.

pub mod checkpoint;
pub mod content;
mod json;
mod members;
mod message;
pub mod model;
pub mod onnx;
pub mod safetensors;

pub use checkpoint::{CheckpointContext, differences, read_checkpoint, write_checkpoint};
pub use content::Content;
pub use model::{Card, FORMAT_VERSION, ModelFile, ReadOptions, Task};
pub use onnx::{
    OnnxExport, OnnxModel, OnnxOptions, read_onnx, read_onnx_tensor, read_onnx_with, write_onnx,
};
