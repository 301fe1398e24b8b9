//! The checker: replays certificates in exact arithmetic of its own, and proofs of properties in its own sound floats.
//!
//! It shares no code with what makes certificates: networks are read from their graphs by `chain`, numbers are exact
//! (`number`), intervals and distances are computed here. What it accepts is a theorem about real arithmetic; whoever
//! made the certificate need not be trusted.
//!
//! # How to read it
//! Of a certificate: `number` (exact numbers), `chain` (a graph read as layers), `bound` (intervals, and how far two
//! chains lie apart), `replay` (a function for each step, with its condition), `certificate` (the format, and the order
//! of it all); `canonical` for claims by the canonical form. Of a proof: `number`, `chain`, `float` (bounds in f64 with
//! their rounding), `proof` (the format, and a tree followed from its root). Where a step's condition is a sign that
//! intervals don't show, certificates use `float` and trees too.
//!
//! # Source
//! Serra, Kumar & Ramalingam, 'Lossless Compression of Deep Neural Networks', arXiv 2001.00218, for stable and
//! linearly dependent units; Chen, Goodfellow & Shlens, 'Net2Net', arXiv 1511.05641, for wider and deeper networks.

mod bound;
mod canonical;
pub mod certificate;
mod chain;
mod float;
mod number;
pub mod proof;
mod replay;

pub use certificate::{Certificate, Checked, Claim, Method, Step, Verdict, digest, verify};
pub use chain::Parameters;
pub use proof::{Judgement, Proof, verify_proof};
