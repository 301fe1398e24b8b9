//! Statements about a network that hold for every input of a set: sound bounds, properties, witnesses.
//!
//! A proof shares no arithmetic with what it proves: this room never uses the engine, the f64 reference or their
//! elementary functions. A network is first lowered from its graph into the prover's own form ([`Network`]): affine
//! layers and elementwise functions, each unit with the layer it came from.
//!
//! # What a bound means
//! [`Semantics`] says which execution a bound is about. `Real` is exact arithmetic on the stored weights. `F32AnyOrder`
//! also holds for every f32 execution of a piecewise-linear network, whatever the order of its sums, with or without
//! fused multiply-adds: each affine row may be off by `γₙ₊₁·(Σ|w||h| + |b|) + n·2⁻¹⁴⁹`.
//!
//! # How bounds stay sound
//! All arithmetic rounds to nearest in f64, and every row carries a bound of its own rounding error, which widens the
//! result. Ends of intervals may be infinite; `0·∞` is 0, since the weight is exactly 0.
//!
//! # Source
//! Rounding errors: Higham, Accuracy and Stability of Numerical Algorithms, chapter 3.

mod ascent;
mod crown;
mod difference;
mod dual;
pub mod exact;
mod float;
mod forward;
mod interval;
mod lower;
mod monotone;
mod multiply;
mod network;
mod planes;
mod propagate;
mod property;
pub mod regions;
mod relax;
mod search;
mod sharpen;
mod smooth;
mod softmax;
mod substitute;
mod tighten;

pub use difference::{Difference, Narrowed, difference, have_one_structure, narrow, product};
pub use interval::Interval;
pub use lower::{Weight, lower, lower_between, lower_scores};
pub use monotone::{Direction, Fall, Monotone, Rise, fall_between, monotone};
pub use network::{Affine, Layer, Matrix, Network, Step, Term};
pub use propagate::{Semantics, interval_bounds};
pub use property::{Case, Constraint, Property};
pub use search::{
    Config, Outcome, Progress, Recorded, Recording, Search, Sum, Then, Verdict, Witness, prove,
};
pub use softmax::softmax_error;
pub use tighten::bounds;
