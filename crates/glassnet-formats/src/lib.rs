//! Model files: bytes in, bytes out. Nothing here opens a file, and nothing that a file says is executed.
//!
//! [`safetensors`] reads and writes the container; [`model`] says what glassnet keeps in its metadata.

pub mod model;
pub mod safetensors;

pub use model::{FORMAT_VERSION, ModelFile};
