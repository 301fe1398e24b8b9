//! Derivatives with named steps, each checked; a student's own lines judged; what holds of a function.

mod lines;

pub use lines::{Label, Line, Lines, MAX_FILE_BYTES, MAX_LINES, Reading, Role, Slope, read_lines};
