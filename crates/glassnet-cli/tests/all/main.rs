//! The built command, run in folders of its own.

mod derive;
mod exercise;
mod folder;
mod hostile_data;
mod hostile_flags;
mod hostile_models;
mod outputs;
mod reproducible;
mod signals;
mod surface;
mod tables;
