//! The checker: replays certificates in exact arithmetic of its own, and proofs of properties in its own sound floats.
//!
//! It shares no code with what makes certificates: networks are read from their graphs by `chain`, numbers are exact
//! (`number`), intervals and distances are computed here. What it accepts is a theorem about real arithmetic; whoever
//! made the certificate need not be trusted.
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
