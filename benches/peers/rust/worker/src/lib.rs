//! What the compiled contestants share: a case read from its file, steps timed, and the talk with `run.py`.
//!
//! A contestant is a process that reads one request per line (JSON) and answers each with one line; the requests are
//! those of `serve.rs`. It computes only while it is asked to, so that contestants don't disturb each other.

mod case;
mod sampler;
mod serve;

pub use case::{Case, Goal, Rule, Targets, Task};
pub use sampler::{Sampler, Times};
pub use serve::{Contestant, Loaded, serve};

/// After so many steps a training begins anew: random targets are never learnt, and a network that was trained on them
/// for long is no typical one.
pub const STEPS_PER_START: usize = 1024;

/// What went wrong, in a sentence.
pub type Result<T> = std::result::Result<T, String>;

/// Any error as its sentence.
pub fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
