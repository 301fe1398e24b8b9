//! Derivations: derivatives line by line with named rules, each line checked, and formulas compared exactly.
//!
//! [`derive`](derive()) writes the lines, [`Rule`] names them, [`validate`](validate()) says whether a name fits what
//! happened between two lines, and [`compare`](compare()) whether two lines are equal.

mod derivation;
mod document;
mod exact;
mod first;
mod lines;
mod piecewise;
mod rule;
mod shape;
mod steer;
mod strategy;
mod term;
mod validate;

#[cfg(test)]
mod tests;

pub use derivation::{Config, Derivation, DerivationStep, Joint, JointKind, PieceDerivation};
pub use exact::{Comparison, Piece, compare, compare_on};
pub use rule::Rule;
pub use strategy::derive;
pub use validate::{Verdict, validate};
