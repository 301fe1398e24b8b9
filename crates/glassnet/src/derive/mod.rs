//! Derivatives with named steps, each checked; a student's own lines judged; what holds of a function.

mod check;
mod exact;
mod function;
mod lines;
mod properties;
mod rule;
mod shape;
mod term;
mod validate;

pub use check::{
    Convention, Judgement, Kink, LabelJudgement, Marked, MarkedLabel, MarkedLine, check_lines,
};
pub use exact::{Comparison, Piece, compare, compare_on};
pub use function::{AskedFunction, read_function};
pub use lines::{Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines};
pub use properties::{
    How, Interval, Known, Limit, OneSided, Properties, Quantity, Run, Sample, Steepest, Symmetry,
    Trend, properties,
};
pub use rule::Rule;
pub use validate::{Verdict, validate};
