//! Softmax, its logarithm, and the one-hot of the largest.

use glassnet::Result;
use glassnet::graph::Op;
use glassnet::graph::op::{self, Reduction};

use super::{axis, joined, shape_of};
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// From version 13 on along one axis, the last by default; before over all axes from one on, by default from 1 on.
fn along(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    f: impl Fn(&mut Emitter, &Value, usize) -> Result<Value>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let shape = emitter.shape(x);
    let first = axis(node.int("axis", if node.opset >= 13 { -1 } else { 1 })?, shape.rank())?;
    if node.opset >= 13 || first + 1 == shape.rank() {
        return Ok(vec![f(emitter, x, first)?]);
    }
    let (before, behind) = shape.dims().split_at(first);
    let flat = emitter.reshape(x, shape_of(&[before, &[joined(behind)?]]))?;
    let y = f(emitter, &flat, first)?;
    Ok(vec![emitter.reshape(&y, shape)?])
}

pub(super) fn softmax(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    along(emitter, node, operands, |emitter, x, axis| {
        emitter.emit(Op::Softmax(op::Softmax::Probabilities { axis }), &[x])
    })
}

pub(super) fn log_softmax(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    along(emitter, node, operands, |emitter, x, axis| {
        emitter.emit(Op::Softmax(op::Softmax::Logarithms { axis }), &[x])
    })
}

/// 1 at the first of the largest elements, 0 elsewhere.
pub(super) fn hardmax(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    along(emitter, node, operands, |emitter, x, axis| {
        super::indexing::first_extreme(emitter, x, axis, Reduction::Max)
    })
}
