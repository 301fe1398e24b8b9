//! Derivations: derivatives line by line with named rules, each line checked; formulas compared exactly; a student's
//! own lines judged; what holds of a function.

mod exact;
mod lines;
mod rule;
mod shape;
mod term;
mod validate;

pub use exact::{Comparison, Piece, compare, compare_on};
pub use lines::{Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines};
pub use rule::Rule;
pub use validate::{Verdict, validate};
