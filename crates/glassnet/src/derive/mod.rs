//! Derivatives with named steps, each checked; a student's own lines judged; what holds of a function.

mod check;
mod exact;
mod lines;
mod properties;

pub use check::{Kink, Marked, MarkedLine, Judgement, check_lines};
pub use exact::{Comparison, Piece, compare, compare_on};
pub use lines::{Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines};
pub use properties::{
    How, Interval, Known, Limit, OneSided, Properties, Quantity, Run, Sample, Steepest, Symmetry,
    Trend, properties,
};
