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
mod onnx;
mod onnx_file;
mod onnx_hostile;
mod onnx_nodes;
#[path = "../onnx/runner.rs"]
mod onnx_runner;
mod onnx_write;
mod same_bits;
mod support;
mod torch;
