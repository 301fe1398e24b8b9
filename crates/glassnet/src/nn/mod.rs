//! Layers, networks, their notation and their weights.
//!
//! A [`Module`] says what a network is: PyTorch's layers with PyTorch's arguments, defaults, `repr` and state-dict
//! keys. It holds no weights; a [`StateDict`] does, and a [`Network`] is both. A module is built by functions
//! that read like PyTorch's constructors, or [`parse`]d from the same text that builds it in Python:
//!
//! ```
//! use glassnet::nn::{self, Network};
//! let built = nn::sequential([nn::linear(2, 3), nn::relu(), nn::linear(3, 2)]);
//! let read = nn::parse("nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))")?;
//! assert_eq!(built, read);
//! assert_eq!(nn::parse("2-3-2")?, read);
//! # Ok::<(), glassnet::Error>(())
//! ```
//!
//! [`Module::lower`] turns a module into nodes of a [`graph`](crate::graph), which all readers share.

mod activation;
mod activation_formula;
mod arguments;
mod by_name;
mod construct;
mod embed_columns;
mod formula_lowering;
pub mod init;
mod initial;
mod layer;
pub mod loss;
mod lower;
mod module;
mod network;
mod parse;
mod print;
mod scalar;
mod shape;
mod signature;
mod state;
mod summary;
mod validate;

#[cfg(test)]
mod tests;

pub use activation::{Activation, Approximate};
pub use by_name::{ACTIVATION_NAMES, activation_name, activation_named};
pub use construct::{
    batch_norm_1d, celu, dropout, elu, embed_columns, embedding, flatten, formula, gelu,
    hardsigmoid, hardswish, hardtanh, identity, layer_norm, leaky_relu, linear, log_sigmoid,
    log_softmax, mish, named, prelu, relu, relu6, residual, selu, sequential, sigmoid, silu,
    softmax, softplus, softsign, tanh,
};
pub use embed_columns::{ColumnPiece, EmbedColumns};
pub use layer::{
    BatchNorm1d, Dropout, Embedding, Flatten, Formula, LayerNorm, Linear, Prelu, Residual,
    Sequential,
};
pub use lower::{BufferUpdate, LoweredLayer, Lowering, Mode};
pub use module::Module;
pub use network::Network;
pub use parse::{MAX_BYTES, MAX_NESTING, parse};
pub use scalar::Scalar;
pub use state::{Incompatible, StateDict, StateShape};
pub use summary::{Summary, SummaryRow};
pub use validate::MAX_PARAMETER_BYTES;
