//! Derivations: derivatives line by line with named rules, each line checked, and formulas compared exactly.

mod exact;
mod rule;
mod term;

pub use exact::{Comparison, Piece, compare, compare_on};
pub use rule::Rule;
