//! Derivations: derivatives line by line with named rules, each line checked, and formulas compared exactly.

mod exact;
mod rule;
mod shape;
mod term;
mod validate;

pub use exact::{Comparison, Piece, compare, compare_on};
pub use rule::Rule;
pub use validate::{Verdict, validate};
