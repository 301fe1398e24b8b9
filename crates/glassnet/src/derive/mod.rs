//! Derivations: derivatives line by line with named rules, each line checked; formulas compared exactly; a student's
//! own lines judged; what holds of a function.

mod exact;
mod lines;

pub use exact::{Comparison, Piece, compare, compare_on};
pub use lines::{Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines};
