//! Layers, networks, their notation and their weights.

pub mod init;
pub mod loss;
