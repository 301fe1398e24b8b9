//! Derivatives with named steps, each checked; a student's own lines judged; what holds of a function.
//!
//! [`derive`](derive()) writes the lines, [`Rule`] names them, [`validate`](validate()) says whether a name fits what
//! happened between two lines, and [`compare`](compare()) whether two lines are equal. [`read_lines`] reads what
//! somebody else wrote and [`check_lines`] judges it; [`properties`](properties()) says what holds of a function.

mod chain;
mod check;
mod derivation;
mod document;
mod exact;
mod first;
mod function;
mod piecewise;
mod properties;
mod rule;
mod script;
mod shape;
mod steer;
mod strategy;
mod term;
mod validate;

#[cfg(test)]
mod tests;

pub use check::{
    Convention, Judgement, Kink, LabelJudgement, Marked, MarkedLabel, MarkedLine, check_lines,
};
pub use derivation::{Config, Derivation, DerivationStep, Joint, JointKind, PieceDerivation};
pub use exact::{Comparison, Piece, compare, compare_on};
pub use function::{AskedFunction, read_function};
pub use properties::{
    How, Interval, Known, Limit, OneSided, Properties, Quantity, Run, Sample, Steepest, Symmetry,
    Trend, properties,
};
pub use rule::Rule;
pub use script::{
    Defined, Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines,
};
pub use strategy::derive;
pub use validate::{Verdict, validate};
