//! The model files' tests: one binary.

mod archive;
mod chain;
mod checkpoint;
mod container;
mod content;
mod hostile;
mod hostile_torch;
mod model;
mod mutations;
mod support;
mod torch;
