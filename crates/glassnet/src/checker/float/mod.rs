//! Bounds in f64 of a network's units, each sum's rounding accounted for: of what certificates say of signs, and of the
//! parts of proofs.

mod bounds;
mod network;
mod rounding;

pub(super) use bounds::{Bounds, Choice, Form, Range, Side};
pub(super) use network::Network;
pub(super) use rounding::{LARGE, U64, UNDERFLOW, share};
