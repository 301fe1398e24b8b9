//! Networks made smaller without changing what they compute, and larger; whether two networks compute the same.
//!
//! [`simplify()`] applies named rewrites until none applies and gives a [`Certificate`](crate::checker::Certificate),
//! which [`checker`](crate::checker) replays before anything is returned: a mistake here is an error, never a wrong
//! network. [`units()`] says which units are dead, always active, constant or copies; [`equal()`] decides equality where it
//! can and finds an input that shows a difference; [`widen`] and [`deepen`] grow a network that goes on training.
//!
//! # Source
//! Serra, Kumar & Ramalingam, 'Lossless Compression of Deep Neural Networks', arXiv 2001.00218, and Serra, Yu, Kumar &
//! Ramalingam, 'Scaling Up Exact Neural Network Compression by ReLU Stability', arXiv 2102.07804; Chen, Goodfellow &
//! Shlens, 'Net2Net', arXiv 1511.05641.

mod bounds;
mod chain;
mod copies;
mod equal;
mod exact;
mod grow;
mod near;
mod proof;
mod rewrite;
mod rewriter;
mod rows;
mod tight;
mod units;
mod witness;

pub use bounds::Domain;
pub use equal::{Answer, Equality, Witness, equal, equal_while};
pub use grow::{deepen, widen};
pub use proof::{cases, proof};
pub use rewrite::{Config, Removal, Simplified, simplify, verify};
pub use rows::OnRows;
pub use units::{Free, LayerUnits, Relation, Scope, State, Unit, graph_units, units};
