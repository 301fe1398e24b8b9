//! The graph with every straight piece held: what the loss would be if no unit crossed its kink.

use super::units::kinked;
use crate::error::Result;
use crate::graph::op::{Activation, Op};
use crate::graph::{Builder, Checked, DType, NodeId, NodeMap};
use crate::reference::activation::{derivative, value};
use crate::reference::{Array, Feeds};

/// A graph without kinks that agrees with another one as long as nothing crosses a kink.
pub(super) struct Frozen {
    pub(super) graph: Checked,
    pub(super) feeds: Feeds,
    /// The new node of each old one.
    pub(super) ids: NodeMap<NodeId>,
}

/// Replaces every activation made of straight pieces by the piece that holds at `values`: `slope·z + offset`, both
/// fed. On a kink it is the piece whose slope training takes.
pub(super) fn frozen(graph: &Checked, feeds: &Feeds, values: &NodeMap<Array>) -> Result<Frozen> {
    let straight: Vec<_> =
        kinked(graph).into_iter().filter(|place| is_straight(place.activation)).collect();
    let mut builder = Builder::new();
    let mut feeds = feeds.clone();
    let mut ids: NodeMap<NodeId> = NodeMap::for_graph(graph.graph());
    for id in graph.graph().ids() {
        let node = graph.graph().node(id);
        builder.restore_origin(node.origin().clone());
        let operands: Vec<NodeId> = node.operands().iter().map(|&operand| ids[operand]).collect();
        let new = match straight.iter().find(|place| place.node == id) {
            Some(place) => {
                let z = values[place.argument].floats()?;
                let slopes = z.map(|z| derivative(place.activation, z));
                let offsets =
                    z.map(|z| value(place.activation, z) - derivative(place.activation, z) * z);
                let shape = graph.shape(id).clone();
                let names = [format!("slope {}", id.index()), format!("offset {}", id.index())];
                let slope = builder.input(&names[0], DType::F64, shape.clone())?;
                let offset = builder.input(&names[1], DType::F64, shape)?;
                let [slope_name, offset_name] = names;
                feeds.set_input(slope_name, slopes);
                feeds.set_input(offset_name, offsets);
                let scaled = builder.mul(operands[0], slope)?;
                builder.add(scaled, offset)?
            }
            None => builder.push(node.op().clone(), operands)?,
        };
        ids.insert(id, new);
    }
    Ok(Frozen { graph: builder.finish_checked(), feeds, ids })
}

/// Whether the function is straight between its kinks.
pub(super) fn is_straight(activation: Activation) -> bool {
    match activation {
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs
        | Activation::Sign => true,
        Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Softplus { .. }
        | Activation::Softsign
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Hardswish
        | Activation::Square
        | Activation::Sqrt
        | Activation::Reciprocal
        | Activation::Exp
        | Activation::Expm1
        | Activation::Log
        | Activation::Log1p
        | Activation::Sin
        | Activation::Cos
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos
        | Activation::Atan
        | Activation::Sinh
        | Activation::Cosh
        | Activation::Erf => false,
    }
}

/// Whether the graph's operations from `source` on are all straight between kinks, so that its outputs are piecewise
/// affine in `source`.
pub(super) fn is_piecewise_affine(graph: &Checked, source: NodeId) -> bool {
    use crate::graph::op::{Arithmetic, Reduction};
    let nodes = graph.graph();
    let mut depends = vec![false; nodes.nodes().len()];
    depends[source.index()] = true;
    for id in nodes.ids() {
        let operands = nodes.node(id).operands();
        let moving: Vec<bool> = operands.iter().map(|operand| depends[operand.index()]).collect();
        if !moving.contains(&true) {
            continue;
        }
        depends[id.index()] = true;
        let only_first = !moving[1..].contains(&true);
        let straight = match nodes.node(id).op() {
            Op::Linear(_) => moving.iter().filter(|moving| **moving).count() == 1,
            Op::Arithmetic(op) => match op {
                Arithmetic::Add | Arithmetic::Sub | Arithmetic::Maximum | Arithmetic::Minimum => {
                    true
                }
                Arithmetic::Mul => moving != [true, true],
                Arithmetic::Div => only_first,
                Arithmetic::Power => false,
                Arithmetic::Select => !moving[0],
            },
            Op::Activation(activation) => is_straight(*activation),
            Op::Reduce(op) => match op.kind {
                Reduction::Sum | Reduction::Mean | Reduction::Max | Reduction::Min => true,
                Reduction::Variance { .. } => false,
            },
            Op::Layout(_) => true,
            Op::Source(_)
            | Op::ActivationGrad(_)
            | Op::Softmax(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Loss(_) => false,
        };
        if !straight {
            return false;
        }
    }
    true
}
