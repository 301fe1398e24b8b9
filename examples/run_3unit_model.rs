//! Task 2.5 (b): three hidden units compute the same as two when the third has weights of zero.
//!
//! Run it with `cargo run -p glassnet --example run_3unit_model`.

#![allow(clippy::print_stdout, reason = "a program speaks to its terminal")]

mod run_model;

use glassnet::nn::{self, Module};
use glassnet::{Result, Tensor};

/// A two-layer MLP with three hidden units.
fn create_3unit_net() -> Module {
    nn::sequential([nn::linear(2, 3), nn::relu(), nn::linear(3, 2)])
}

/// What the program prints.
pub(crate) fn text() -> Result<String> {
    let state = nn::StateDict::from_iter([
        ("0.weight", Tensor::from_rows(&[[3.21_f32, 3.21], [-2.34, -2.34], [0.0, 0.0]])?.into()),
        ("0.bias", Tensor::new([3], vec![-3.21_f32, 2.34, 0.0])?.into()),
        ("2.weight", Tensor::from_rows(&[[3.19_f32, 4.64, 0.0], [-2.68, -3.44, 0.0]])?.into()),
        ("2.bias", Tensor::new([2], vec![-4.08_f32, 4.42])?.into()),
    ]);
    run_model::text(create_3unit_net(), &state)
}

#[allow(dead_code)]
fn main() -> Result<()> {
    print!("{}", text()?);
    Ok(())
}
