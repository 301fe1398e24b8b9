//! The only way to a [`Checked`] graph.

use super::{Builder, Graph, NodeId, NodeMap, Shape, Type};
use crate::error::Result;

/// A graph whose every node has a type. Readers take it by reference and need not check anything again.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    graph: Graph,
    types: NodeMap<Type>,
}

impl Checked {
    pub(super) fn from_parts(graph: Graph, types: NodeMap<Type>) -> Self {
        Checked { graph, types }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a node.
    pub fn type_of(&self, id: NodeId) -> &Type {
        &self.types[id]
    }

    /// The shape of a node.
    pub fn shape(&self, id: NodeId) -> &Shape {
        &self.types[id].shape
    }

    /// The graph, without its types.
    pub fn into_graph(self) -> Graph {
        self.graph
    }
}

/// Infers the type of every node of `graph` and checks that operands fit.
///
/// # Errors
/// The first node whose operands do not fit, named by its origin, with what was expected and what was found.
///
/// ```
/// use glassnet::graph::{check, parse};
/// let graph = parse(r#"
///     %0 = input {name="x", dtype=f32, shape=[B, 64]}
///     %1 = parameter {name="2.weight", shape=[10, 128]}
///     %2 = affine(%0, %1) @ layer "2" "Linear"
/// "#);
/// let message = graph.unwrap_err().to_string();
/// assert!(message.contains("64 features"), "{message}");
/// ```
pub fn check(graph: Graph) -> Result<Checked> {
    Builder::extend(graph).map(Builder::finish_checked)
}
