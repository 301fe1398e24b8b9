//! The built command, run in folders of its own.

mod bad_input;
mod bad_models;
mod derive;
mod exercise;
mod explain;
mod files;
mod folder;
mod formats;
mod hostile_data;
mod hostile_flags;
mod hostile_models;
mod json_docs;
mod many;
mod onnx;
mod outputs;
mod prove;
mod reproducible;
mod seed;
mod signals;
mod surface;
mod tables;
mod train_report;
mod worked;
