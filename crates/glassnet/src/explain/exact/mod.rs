//! A reader of the graph that rounds nothing: fractions, and piecewise polynomials in one weight.
//!
//! As one weight moves and all else stands still, every value of a piecewise-linear network is piecewise affine in
//! that weight, and a squared error piecewise quadratic. This reader computes these functions exactly, over the
//! same graph that is trained. Without a moving weight, every value is a fraction.
//!
//! What is no polynomial is told apart: functions such as tanh of a value that does not move are taken at their
//! nearest f64 ([`Values::rounded`] names them); of a value that moves they are smooth between kinks that are still
//! known exactly ([`Value::Smooth`]); and what cannot be known this way says why ([`Value::Unknown`]).

mod activation;
mod arithmetic;
mod evaluate;
mod function;
mod loss;
mod number;
mod place;
mod polynomial;
mod product;
mod single;

pub use evaluate::{Given, MAX_JUMPS, MAX_PRODUCTS, Value, Values, evaluate};
pub use function::{Function, Piece};
pub use number::{Numbers, Rational, Short, decimal, digits, math, nearest, ratio, rational};
pub use place::{Place, between, roots};
pub use polynomial::Polynomial;
