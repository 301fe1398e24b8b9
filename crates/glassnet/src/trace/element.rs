//! Where one number came from.

use serde::{Serialize, Serializer};

use super::Trace;
use super::kink::{self, Kink, Saturation};
use super::local::Basis;
use super::precision::{self, Precision};
use crate::error::{Error, Result};
use crate::graph::op::{Arithmetic, Reduction};
use crate::graph::{NodeId, Op};

/// One number of a trace with its provenance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Element {
    /// Its node; as data, the node's position in the graph.
    #[serde(serialize_with = "position")]
    pub node: NodeId,
    /// What the node is called.
    pub name: String,
    /// The index along each axis.
    pub coordinates: Vec<usize>,
    /// The operation that made it.
    pub operation: &'static str,
    /// The layer or line that the operation came from.
    pub origin: String,
    /// As the engine computed it.
    pub value: f32,
    /// In f64, from the same weights and rows.
    pub exact: f64,
    /// How both differ, and whether terms cancelled.
    pub precision: Precision,
    /// The numbers that it was computed from, in order.
    pub operands: Vec<Operand>,
    /// Whether it lies exactly on a kink of its operation.
    pub kink: Option<Kink>,
    /// Whether an activation is flat or nearly flat here.
    pub saturation: Option<Saturation>,
}

/// A number that another was computed from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operand {
    /// Its node; as data, the node's position in the graph.
    #[serde(serialize_with = "position")]
    pub node: NodeId,
    /// What the node is called.
    pub name: String,
    /// Its place in the node's array, row-major: [`Trace::element`] goes on from there.
    pub element: usize,
    /// As the engine computed it; an index as a float.
    pub value: f32,
    /// In f64.
    pub exact: f64,
    /// The derivative of the element towards it, at the engine's values; none towards indices, and where a derivative
    /// is not differentiated again.
    pub derivative: Option<f64>,
    /// The same at the f64 values.
    pub exact_derivative: Option<f64>,
}

fn position<S: Serializer>(node: &NodeId, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_u64(node.index() as u64)
}

impl Trace {
    /// The provenance of element number `element` (row-major) of `node`.
    ///
    /// # Errors
    /// When the node holds integers or has no such element.
    pub fn element(&self, node: NodeId, element: usize) -> Result<Element> {
        let (Some(values), Some(exact)) = (self.floats(node), self.exact(node)) else {
            return Err(Error::usage(format!("{} holds integers", self.name(node))));
        };
        let (Some(&value), Some(&exact)) = (values.get(element), exact.get(element)) else {
            return Err(Error::usage(format!(
                "{} has {} elements, there is no element {element}",
                self.name(node),
                values.len()
            )));
        };
        let entry = self.graph().graph().node(node);
        let mut operands = vec![];
        self.edges(node, element, Basis::Engine, None, &mut |edge| {
            let id = entry.operands()[edge.operand];
            let index = self.indices(id).map(|values| values[edge.element]);
            operands.push(Operand {
                node: id,
                name: self.name(id),
                element: edge.element,
                value: match (self.floats(id), index) {
                    (Some(values), _) => values[edge.element],
                    (None, index) => index.unwrap_or_default() as f32,
                },
                exact: match (self.exact(id), index) {
                    (Some(values), _) => values[edge.element],
                    (None, index) => index.unwrap_or_default() as f64,
                },
                derivative: edge.derivative,
                exact_derivative: None,
            });
        });
        let mut at = 0;
        self.edges(node, element, Basis::Exact, None, &mut |edge| {
            if let Some(operand) = operands.get_mut(at) {
                operand.exact_derivative = edge.derivative;
            }
            at += 1;
        });
        let terms = is_sum(entry.op()).then(|| terms(entry.op(), &operands));
        let cancellation =
            terms.and_then(|terms| precision::cancellation(terms.into_iter(), exact));
        Ok(Element {
            node,
            name: self.name(node),
            coordinates: self.coordinates(node, element),
            operation: entry.op().name(),
            origin: entry.origin().to_string(),
            value,
            exact,
            precision: Precision::of(value, exact, cancellation),
            kink: kink::of_operation(entry.op(), &operands),
            saturation: kink::saturation(entry.op(), &operands),
            operands,
        })
    }
}

/// Whether the operation adds its terms up, so that they can cancel.
fn is_sum(op: &Op) -> bool {
    match op {
        Op::Linear(_) => true,
        Op::Arithmetic(op) => matches!(op, Arithmetic::Add | Arithmetic::Sub),
        Op::Reduce(reduce) => matches!(reduce.kind, Reduction::Sum | Reduction::Mean),
        Op::Source(_)
        | Op::Activation(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(_) => false,
    }
}

/// The terms of a sum: a product's each stand at both of its factors, so only one of them counts.
fn terms(op: &Op, operands: &[Operand]) -> Vec<f64> {
    let first = operands.first().map(|operand| operand.node);
    let product = matches!(op, Op::Linear(_));
    let factor = operands.get(1).map(|operand| operand.node);
    operands
        .iter()
        .enumerate()
        .filter(|(at, operand)| {
            // Factors alternate: x₀, w₀, x₁, w₁, …, and the bias stands last by itself.
            !product || at % 2 == 0 || (Some(operand.node) != first && Some(operand.node) != factor)
        })
        .map(|(_, operand)| operand.exact * operand.exact_derivative.unwrap_or(0.0))
        .collect()
}
