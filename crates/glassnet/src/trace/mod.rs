//! Every value of one pass as data: forward, loss, backward and update, with where each number came from.
//!
//! A [`Trace`] is computed by the engine that trains, on the graph that it trains, with every node observed; observing
//! changes no bit of a result (see [`crate::engine`]). Beside each f32 stands the f64 that [`mod@crate::reference`]
//! computes from the same weights. Values are kept as one flat array per node; the provenance of an element
//! ([`Trace::element`]: operation, operands, local derivatives, kink, saturation, lost digits) is worked out when it
//! is asked for, so that a trace of a large network costs little more than its values.
//!
//! # At a kink
//! Where a derivative jumps (a ReLU at exactly 0), training takes PyTorch's convention. An [`Element`] says so, with the
//! derivatives on both sides.

mod access;
mod data;
mod element;
mod kink;
mod local;
mod position;
mod precision;
mod run;
mod update;
mod written;

#[cfg(test)]
mod operations;
#[cfg(test)]
mod tests;

pub use data::{NodeData, TraceData};
pub use element::{Element, Operand};
pub use kink::{Kink, Saturation, of_activation, of_value};
pub use local::{Basis, Edge};
pub use precision::Precision;
pub use update::Update;
pub use written::written;

use crate::engine::{self, Block, Draw, Memory, Plan};
use crate::graph::{Checked, NodeId, NodeMap};
use crate::nn::{LoweredLayer, Mode};
use crate::reference::{Array, Feeds};

/// How a trace is computed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Evaluation, or training: dropout draws its masks, batch normalisation takes the rows' statistics.
    pub mode: Mode,
    /// How the plan is compiled; what it observes is replaced by all nodes.
    pub engine: engine::Config,
    /// Where dropout masks come from, in training mode.
    pub draw: Draw,
    /// Whether f64 values are computed from weights and rows as they are written in decimals ([`written`]), so that
    /// 0.1 is a tenth, rather than from the f32s that stand for them. Weights that rounded to an f32 are then part of what
    /// f32 and f64 values differ by.
    pub as_written: bool,
}

/// All values of one pass over some rows.
///
/// ```
/// use glassnet::nn::{self, Network, StateDict, loss::Criterion};
/// use glassnet::train::{Dataset, Features, Target};
/// use glassnet::trace::{Config, Trace};
/// use glassnet::Tensor;
/// let module = nn::parse("Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())")?;
/// let state = StateDict::from_iter([
///     ("0.weight", Tensor::new([1, 1], vec![-0.1_f32])?.into()),
///     ("2.weight", Tensor::new([1, 1], vec![0.1_f32])?.into()),
/// ]);
/// let network = Network::with_state(module, &state)?;
/// let rows = Dataset::new(
///     Features::Floats(Tensor::new([3, 1], vec![1.0, 2.0, 10.0])?),
///     Target::Values(Tensor::new([3, 1], vec![0.0, 0.3, 1.0])?),
/// )?;
/// let trace = Trace::new(&network, &rows, &Criterion::parse("mse")?, &Config::default())?;
/// assert!((trace.exact_loss().unwrap() - 109.0 / 300.0).abs() < 1e-7);
/// assert_eq!(trace.gradient_values("0.weight").unwrap(), [0.0]);
///
/// let hidden = trace.layer("1").unwrap().output;
/// let unit = trace.element(hidden, 0)?; // ReLU(−0.1·1)
/// assert_eq!((unit.value, unit.operands[0].value), (0.0, -0.1));
/// assert_eq!(unit.operands[0].derivative, Some(0.0));
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    graph: Checked,
    /// The graph without its gradient: what a loss at other weights is computed with.
    forward: Checked,
    batch: usize,
    mode: Mode,
    plan: Plan,
    memory: Memory,
    block: Block,
    feeds: Feeds,
    exact: NodeMap<Array>,
    input: Option<NodeId>,
    output: NodeId,
    loss: Option<NodeId>,
    layers: Vec<LoweredLayer>,
    parameters: Vec<Parameter>,
    derivatives: NodeMap<NodeId>,
    level: engine::Level,
    as_written: bool,
}

/// A parameter of the network in a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The state-dict key: `0.weight`.
    pub key: String,
    /// Its node.
    pub node: NodeId,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The node of its gradient; none without a loss.
    pub gradient: Option<NodeId>,
}
