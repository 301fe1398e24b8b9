//! Tests of modules against PyTorch's goldens and by laws.

mod generate;
mod goldens;
mod initial;
mod laws;
mod lowering;
mod values;
