//! Derivations: derivatives line by line with named rules, each line checked; formulas compared exactly; a student's
//! own lines judged; what holds of a function.
//!
//! [`derive`](derive()) writes the lines, [`Rule`] names them, [`validate`](validate()) says whether a name fits what
//! happened between two lines, and [`compare`](compare()) whether two lines are equal.

mod chain;
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
pub use lines::{Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines};
pub use rule::Rule;
pub use strategy::derive;
pub use validate::{Verdict, validate};
