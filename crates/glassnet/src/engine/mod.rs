//! STUB engine

pub mod kernels;
