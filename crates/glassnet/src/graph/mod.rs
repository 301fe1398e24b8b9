//! The graph: what a network computes, and nothing about how.
//!
//! # What a graph means
//! A [`Graph`] is a list of [`Node`]s. A node is one operation ([`Op`]) applied to the values of earlier nodes;
//! it has exactly one value, an array. A graph is evaluated by visiting its nodes in order, so it is acyclic by
//! construction: [`Builder::push`] and the text parser accept only operands that stand before their user.
//! There is no control flow, no side effect and no state. Whatever changes from step to step comes in through a
//! source: an input, a parameter, a buffer (running statistics), a dropout mask.
//!
//! # Structure only
//! A graph holds no numbers but those that define an operation (an axis, a slope, an epsilon). Weights, shapes,
//! values, bounds and provenance stand beside it in [`NodeMap`]s, keyed by node. So one graph serves every
//! reader: the gradient, the f64 reference, the f32 engine, and later the tracer, the prover and the drawings.
//!
//! # Shapes
//! Sources declare their shape and element type; all others are inferred by [`check`]. One symbolic dimension,
//! the batch ([`Dim::Batch`]), may stand anywhere in a shape; it is given a number only when a graph is executed.
//!
//! # Invariants
//! - operands stand before users ([`Graph`] has no way to break this);
//! - names of sources are unique within their sort;
//! - a [`Checked`] graph has a type for every node, and every reader may rely on it;
//! - every node has an [`Origin`]: messages speak of layers, never of node numbers.

mod builder;
mod check;
mod map;
pub mod op;
mod origin;
mod shape;
mod text;

pub use builder::Builder;
pub use check::{Checked, check};
pub use map::NodeMap;
pub use op::Op;
pub use origin::{Origin, Place};
pub use shape::{DType, Dim, Shape, Type};
pub use text::parse;

use std::sync::Arc;

/// The place of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The position in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One operation, its operands and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    op: Op,
    operands: Vec<NodeId>,
    origin: Arc<Origin>,
}

impl Node {
    /// The operation.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// The nodes whose values it takes, in the operation's order.
    pub fn operands(&self) -> &[NodeId] {
        &self.operands
    }

    /// The layer or file line it came from.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }
}

/// A list of operations in order of evaluation, with named outputs.
///
/// Displays as its text form, which [`parse`] reads back:
///
/// ```
/// use glassnet::graph::{Builder, DType, Dim, Shape};
/// let mut builder = Builder::new();
/// let x = builder.input("x", DType::F32, Shape::from([Dim::Batch, Dim::Fixed(2)]))?;
/// let weight = builder.parameter("0.weight", Shape::from([3, 2]))?;
/// let y = builder.affine(x, weight, None)?;
/// builder.output("y", y);
/// let graph = builder.finish();
/// let text = graph.to_string();
/// assert!(text.contains("%2 = affine(%0, %1) : f32[B, 3]"));
/// assert_eq!(glassnet::graph::parse(&text)?, graph);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    outputs: Vec<(String, NodeId)>,
}

impl Graph {
    /// The nodes in order of evaluation.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes' ids in order of evaluation.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The node at `id`.
    ///
    /// # Panics
    /// When `id` comes from a larger graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The named results, in the order in which they were declared.
    pub fn outputs(&self) -> &[(String, NodeId)] {
        &self.outputs
    }

    /// The node of the output called `name`.
    pub fn output(&self, name: &str) -> Option<NodeId> {
        self.outputs.iter().find(|(output, _)| output == name).map(|&(_, id)| id)
    }

    /// The inputs, parameters and buffers with their names, in order.
    pub fn sources(&self) -> impl Iterator<Item = (NodeId, &op::Source)> {
        self.ids().filter_map(|id| match self.node(id).op() {
            Op::Source(source) => Some((id, source)),
            _ => None, // not operations: a filter for one family
        })
    }
}
