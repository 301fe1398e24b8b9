//! Tests of modules against PyTorch's goldens and by laws.

mod generate;
mod goldens;
mod laws;
mod lowering;
