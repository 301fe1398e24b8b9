//! Model files: bytes in, bytes out. Nothing here opens a file, and nothing that a file says is executed.
//!
//! [`safetensors`] reads and writes the container; [`model`] says what glassnet keeps in it beside the weights;
//! [`content`] tells what a file holds when it is something else.

pub mod content;
mod json;
pub mod model;
pub mod safetensors;

pub use content::Content;
pub use model::{Card, FORMAT_VERSION, ModelFile, ReadOptions, Task};
