//! Reverse-mode differentiation, graph to graph.
//!
//! The derivative of a graph is again a graph: it can be printed, drawn, bounded and executed like any other, and
//! every node of it keeps the origin of the node that it differentiates. Derivatives come in the form that the
//! kernels use: an activation's from its output where that is enough, softmax and cross-entropy as one operation.
//! At kinks the conventions are PyTorch's, written at each operation; a ReLU's derivative at exactly 0 is 0.

mod arithmetic;
mod layout;
mod linear;
mod loss;
mod reduce;
mod second;

use crate::error::{Error, Result};
use crate::graph::op::{Activation, ActivationGrad, DerivativeForm, Gather, Normalize, Softmax};
use crate::graph::{Builder, Checked, NodeId, NodeMap, Op, Shape};

/// A graph that also computes derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// The graph that was given, with the derivative's nodes behind its own.
    pub graph: Checked,
    /// For each node asked for, the node of its derivative, of the same shape.
    pub gradients: Vec<NodeId>,
    /// For each node of the graph that was given on whose value the loss was differentiated on the way, the node
    /// of its derivative: what flows backwards.
    pub derivatives: NodeMap<NodeId>,
}

/// Extends `graph` by the derivatives of the scalar `loss` towards the nodes `towards`.
///
/// A node on which the loss does not depend has a derivative of zeros.
///
/// # Errors
/// When `loss` is no scalar, or an operation on the way has no derivative towards the operand concerned
/// (a loss towards its class indices, a derivative's derivative where none is known).
///
/// ```
/// use glassnet::graph::{Builder, DType, Shape, op::{Activation, Reduction}};
/// let mut builder = Builder::new();
/// let weight = builder.parameter("weight", Shape::from([3]))?;
/// let square = builder.activation(Activation::Square, weight)?;
/// let loss = builder.reduce_all(Reduction::Sum, square)?;
/// let gradient = glassnet::grad::grad(&builder.finish_checked(), loss, &[weight])?;
/// assert_eq!(gradient.graph.shape(gradient.gradients[0]), &Shape::from([3]));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn grad(graph: &Checked, loss: NodeId, towards: &[NodeId]) -> Result<Gradient> {
    if graph.shape(loss).rank() != 0 {
        return Err(Error::network(format!(
            "only a scalar has a gradient, the loss has shape {}",
            graph.shape(loss)
        ))
        .help("reduce it with mean or sum"));
    }
    let depends = dependents(graph, towards);
    let mut builder = Builder::extend(graph.graph().clone())?;
    builder.set_origin(graph.graph().node(loss).origin().derivative());
    let seed = builder.constant(1.0)?;
    let mut gradients = NodeMap::for_graph(graph.graph());
    gradients.insert(loss, seed);
    let ids: Vec<NodeId> = graph.graph().ids().collect();
    for &id in ids.iter().rev() {
        let Some(&dy) = gradients.get(id) else { continue };
        let node = graph.graph().node(id);
        if !depends[id.index()] || node.operands().is_empty() {
            continue;
        }
        builder.set_origin(node.origin().derivative());
        let wanted: Vec<bool> =
            node.operands().iter().map(|operand| depends[operand.index()]).collect();
        let step = Step { id, operands: node.operands(), wanted: &wanted, dy };
        let contributions = differentiate(&mut builder, node.op(), &step)?;
        for ((&operand, contribution), wanted) in
            node.operands().iter().zip(contributions).zip(wanted)
        {
            let Some(contribution) = contribution.filter(|_| wanted) else { continue };
            let total = match gradients.get(operand) {
                Some(&earlier) => builder.add(earlier, contribution)?,
                None => contribution,
            };
            gradients.insert(operand, total);
        }
    }
    let mut found = Vec::with_capacity(towards.len());
    for &id in towards {
        found.push(match gradients.get(id) {
            Some(&gradient) => gradient,
            None => {
                builder.set_origin(graph.graph().node(id).origin().derivative());
                let zero = builder.constant(0.0)?;
                builder.broadcast(zero, graph.shape(id).clone())?
            }
        });
    }
    Ok(Gradient { graph: builder.finish_checked(), gradients: found, derivatives: gradients })
}

/// For every node, whether its value depends on one of `towards`.
fn dependents(graph: &Checked, towards: &[NodeId]) -> Vec<bool> {
    let mut depends = vec![false; graph.graph().nodes().len()];
    for id in graph.graph().ids() {
        let operands = graph.graph().node(id).operands();
        depends[id.index()] =
            towards.contains(&id) || operands.iter().any(|operand| depends[operand.index()]);
    }
    depends
}

/// One node on the way back.
struct Step<'a> {
    /// The node itself: its value is the operation's output.
    id: NodeId,
    operands: &'a [NodeId],
    /// Which operands' derivatives are wanted.
    wanted: &'a [bool],
    /// The derivative of the loss towards this node's value.
    dy: NodeId,
}

/// The derivative of the loss towards each operand; `None` where the operand has none or it is not wanted.
type Contributions = Vec<Option<NodeId>>;

fn differentiate(b: &mut Builder, op: &Op, step: &Step<'_>) -> Result<Contributions> {
    match op {
        Op::Source(_) | Op::Random(_) => Ok(vec![]),
        Op::Linear(op) => linear::differentiate(b, *op, step),
        Op::Arithmetic(op) => arithmetic::differentiate(b, *op, step),
        Op::Activation(op) => activation(b, *op, step).map(|dz| vec![Some(dz)]),
        Op::ActivationGrad(op) => second::activation(b, *op, step),
        Op::Softmax(op) => softmax(b, *op, step),
        Op::Reduce(op) => reduce::differentiate(b, op, step).map(|dx| vec![Some(dx)]),
        Op::Normalize(op) => normalize(b, op, step),
        Op::Gather(op) => gather(b, *op, step),
        Op::Layout(op) => layout::differentiate(b, op, step),
        Op::Loss(op) => loss::differentiate(b, *op, step),
    }
}

fn activation(b: &mut Builder, activation: Activation, step: &Step<'_>) -> Result<NodeId> {
    if activation == Activation::Negate {
        return b.activation(Activation::Negate, step.dy);
    }
    let from = match activation.derivative_form() {
        DerivativeForm::Input => step.operands[0],
        DerivativeForm::Output => step.id,
    };
    b.push(Op::ActivationGrad(ActivationGrad(activation)), vec![step.dy, from])
}

fn softmax(b: &mut Builder, op: Softmax, step: &Step<'_>) -> Result<Contributions> {
    let derivative = match op {
        Softmax::Probabilities { axis } => Softmax::ProbabilitiesGrad { axis },
        Softmax::Logarithms { axis } => Softmax::LogarithmsGrad { axis },
        Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. } => {
            return second::softmax(b, op, step);
        }
    };
    b.push(Op::Softmax(derivative), vec![step.dy, step.id]).map(|dz| vec![Some(dz)])
}

fn normalize(b: &mut Builder, op: &Normalize, step: &Step<'_>) -> Result<Contributions> {
    if op.grad {
        return second::normalize(b, op, step);
    }
    let derivative = Normalize { grad: true, ..op.clone() };
    b.normalize(derivative, &[step.dy, step.operands[0]]).map(|dx| vec![Some(dx)])
}

fn gather(b: &mut Builder, op: Gather, step: &Step<'_>) -> Result<Contributions> {
    match op {
        Gather::Embedding { padding_idx } => {
            let rows = b.shape(step.operands[0]).dims()[0].at(0);
            let derivative = Gather::EmbeddingGrad { rows, padding_idx };
            b.gather(derivative, &[step.dy, step.operands[1]]).map(|dw| vec![Some(dw), None])
        }
        Gather::EmbeddingGrad { .. } => Err(no_second_derivative("embedding")
            .help("write it as a matrix product with rows of zeros and a one")),
    }
}

fn no_second_derivative(of: &str) -> Error {
    Error::unsupported(of, "grad", "its derivative is not differentiated again")
}

/// Sums `gradient` down to `shape`, from which its value was broadcast.
fn sum_to(b: &mut Builder, gradient: NodeId, shape: &Shape) -> Result<NodeId> {
    use crate::graph::Dim;
    use crate::graph::op::{Reduce, Reduction};
    let from = b.shape(gradient).clone();
    let added = from.rank() - shape.rank();
    let axes: Vec<usize> = (0..from.rank())
        .filter(|&axis| {
            axis < added
                || (shape.dims()[axis - added] == Dim::Fixed(1)
                    && from.dims()[axis] != Dim::Fixed(1))
        })
        .collect();
    if axes.is_empty() {
        return Ok(gradient);
    }
    let summed = b.reduce(Reduce { kind: Reduction::Sum, axes, keep: false }, gradient)?;
    b.reshape(summed, shape.clone())
}
