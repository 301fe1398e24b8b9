//! A glass-box engine for feed-forward neural networks.
//!
//! One [`graph`] is the centre: layers ([`nn`]) lower into it, and everything else reads it: the
//! gradient ([`grad`]), the f64 oracle ([`mod@reference`]), the f32 engine ([`engine`]) and the training loop
//! ([`train`]). The library thinks and does nothing else: files, clock, randomness, threads and printing are
//! arguments of its functions, never its habits.

pub mod checker;
pub mod derive;
pub mod document;
pub mod draw;
pub mod engine;
pub mod error;
pub mod explain;
pub mod formula;
pub mod grad;
pub mod graph;
pub mod lesson;
pub mod math;
pub mod nn;
pub mod prove;
pub mod reference;
pub mod report;
pub mod simplify;
pub mod tensor;
pub mod trace;
pub mod train;
pub mod worked;

pub use error::{Error, ErrorKind, Result};
pub use tensor::{Tensor, Value};
