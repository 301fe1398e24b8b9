//! The model files' tests: one binary.

mod checkpoint;
mod container;
mod content;
mod hostile;
mod model;
mod mutations;
mod support;
mod torch;
