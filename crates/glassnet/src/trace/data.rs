//! A trace as plain data, to be written as JSON.

use serde::Serialize;

use super::Trace;

/// All nodes of a trace, in order of evaluation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceData {
    /// The number of rows.
    pub rows: usize,
    /// The nodes; a node's operands are positions in this list.
    pub nodes: Vec<NodeData>,
    /// The position of the network's output.
    pub output: usize,
    /// The position of the loss.
    pub loss: Option<usize>,
    /// Each parameter's key, its position, and its gradient's.
    pub parameters: Vec<(String, usize, Option<usize>)>,
}

/// A node with its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeData {
    /// What it is called: see [`Trace::name`].
    pub name: String,
    /// The operation, by its name in the graph's text form.
    pub operation: String,
    /// The layer or line that it came from.
    pub origin: String,
    /// Whether it belongs to the gradient.
    pub gradient: bool,
    /// The positions of its operands.
    pub operands: Vec<usize>,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// Its values as the engine computed them; integers as floats.
    pub values: Vec<f32>,
    /// Its values in f64.
    pub exact: Vec<f64>,
}

impl Trace {
    /// The whole trace as plain data, weights included.
    pub fn data(&self) -> TraceData {
        let graph = self.graph.graph();
        let nodes = graph.ids().map(|id| {
            let node = graph.node(id);
            let integers = self.indices(id).unwrap_or_default();
            NodeData {
                name: self.name(id),
                operation: node.op().name().into(),
                origin: node.origin().to_string(),
                gradient: !self.is_forward(id),
                operands: node.operands().iter().map(|operand| operand.index()).collect(),
                shape: self.shape(id),
                values: match self.floats(id) {
                    Some(values) => values.to_vec(),
                    None => integers.iter().map(|&value| value as f32).collect(),
                },
                exact: match self.exact(id) {
                    Some(values) => values.to_vec(),
                    None => integers.iter().map(|&value| value as f64).collect(),
                },
            }
        });
        TraceData {
            rows: self.batch,
            nodes: nodes.collect(),
            output: self.output.index(),
            loss: self.loss.map(|id| id.index()),
            parameters: self
                .parameters
                .iter()
                .map(|p| (p.key.clone(), p.node.index(), p.gradient.map(|id| id.index())))
                .collect(),
        }
    }
}
