//! Task 2.5 (a): a network with two hidden units, its weights set by hand, classifies XOR.
//!
//! Run it with `cargo run -p glassnet --example run_2unit_model`.

#![allow(clippy::print_stdout, reason = "a program speaks to its terminal")]

mod run_model;

use glassnet::nn::{self, Module};
use glassnet::{Result, Tensor};

/// A two-layer MLP with two hidden units.
fn create_2unit_net() -> Module {
    nn::sequential([nn::linear(2, 2), nn::relu(), nn::linear(2, 2)])
}

/// What the program prints.
pub(crate) fn text() -> Result<String> {
    let state = nn::StateDict::from_iter([
        ("0.weight", Tensor::from_rows(&[[3.21_f32, 3.21], [-2.34, -2.34]])?.into()),
        ("0.bias", Tensor::new([2], vec![-3.21_f32, 2.34])?.into()),
        ("2.weight", Tensor::from_rows(&[[3.19_f32, 4.64], [-2.68, -3.44]])?.into()),
        ("2.bias", Tensor::new([2], vec![-4.08_f32, 4.42])?.into()),
    ]);
    run_model::text(create_2unit_net(), &state)
}

#[allow(dead_code)]
fn main() -> Result<()> {
    print!("{}", text()?);
    Ok(())
}
