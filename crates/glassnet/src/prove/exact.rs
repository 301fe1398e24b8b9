//! Exact arithmetic: numbers `m·2^e` with a whole number m of any size, and a network's value in them.
//!
//! A counterexample is believed only when this evaluation shows it. For piecewise-linear networks with fixed weights the
//! result is the exact real value; where a weight or a function is known to lie in an interval only, it is an
//! enclosure.

mod dyadic;
mod evaluate;

pub use dyadic::Dyadic;
pub use evaluate::{Enclosure, evaluate};
