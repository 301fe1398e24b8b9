//! The pieces of a piecewise-linear network of one or two inputs, exactly: where they lie, and what the network is there.
//!
//! A network of affine layers and kinks (ReLU, LeakyReLU, clipping, …) is affine on each of finitely many pieces. With one
//! input these are intervals ([`line()`]), with two they are convex polygons ([`plane()`]). Each kink's argument is affine on a
//! piece that earlier kinks have made, so the piece is cut where it is 0. Coordinates are rational numbers, and every
//! question on which side a corner lies is answered exactly: floats decide where their error bound lets them, whole numbers
//! of any size where it doesn't. So pieces neither overlap nor leave a gap, and their areas add up to that of the domain.
//!
//! # Source
//! Linear regions: G. Montúfar, R. Pascanu, K. Cho, Y. Bengio, 'On the Number of Linear Regions of Deep Neural Networks', 2014.
//! Exact signs behind a float's error bound: J. Shewchuk, 'Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric
//! Predicates', 1997.

mod form;
mod line;
mod plane;
mod polygon;
#[cfg(test)]
mod tests;

pub use form::Form;
pub use line::{Line, Piece, line};
pub use plane::{Cell, LevelSet, Plane, Region, plane};
pub use polygon::Polygon;

use form::Forms;

use super::Network;
use crate::error::{Error, ErrorKind, Result};

/// Refuses a network that has no such pieces.
fn check(network: &Network, inputs: usize) -> Result<()> {
    if network.inputs() != inputs {
        let words = if inputs == 1 { "1 input" } else { "2 inputs" };
        return Err(Error::usage(format!(
            "the network has {} inputs, its pieces are found for {words}",
            network.inputs()
        )));
    }
    if !network.is_piecewise_linear() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the network has a function that is not made of straight pieces",
        )
        .help("networks of affine layers and ReLU, LeakyReLU, PReLU, Hardtanh, ReLU6 or max have such pieces"));
    }
    if !network.has_fixed_weights() {
        return Err(Error::new(ErrorKind::Unsupported, "a weight is no single number")
            .help("give every weight a value"));
    }
    Ok(())
}

fn too_many(most: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("the network has more than {most} pieces there"))
        .help("choose a smaller domain, or allow more pieces")
}
