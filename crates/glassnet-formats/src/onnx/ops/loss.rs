//! The losses of ONNX's training operators.

use glassnet::graph::op::{CrossEntropy, Loss, LossReduction, Scores, Softmax};
use glassnet::graph::{DType, Op};
use glassnet::{Error, Result};

use crate::onnx::element::{Class, Element};
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value, of_class};

pub(super) fn negative_log_likelihood(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let scores = classes_last(emitter, operands.float(0)?)?;
    Ok(vec![loss(emitter, node, operands, &scores, Scores::LogProbabilities)?])
}

/// The loss, and on request the logarithms of the probabilities.
pub(super) fn softmax_cross_entropy(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let scores = classes_last(emitter, x)?;
    let mut results = vec![loss(emitter, node, operands, &scores, Scores::Logits)?];
    if node.proto.output.len() > 1 {
        results.push(emitter.emit(Op::Softmax(Softmax::Logarithms { axis: 1 }), &[x])?);
    }
    Ok(results)
}

/// ONNX has the classes along axis 1, the graph along the last.
fn classes_last(emitter: &mut Emitter, x: &Value) -> Result<Value> {
    let rank = emitter.rank(x);
    if rank < 2 {
        return Err(Error::model(format!("scores with {rank} axes have no axis of classes")));
    }
    let order = [0].into_iter().chain(2..rank).chain([1]).collect();
    emitter.permute(x, order)
}

fn loss(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    scores: &Value,
    kind: Scores,
) -> Result<Value> {
    let target = operands.need(1)?;
    of_class(target, Class::Whole, 1)?;
    let word = node.word("reduction", "mean")?;
    let reduction = LossReduction::parse(word)
        .ok_or_else(|| Error::model(format!("reduction is {word:?}, it is none, mean or sum")))?;
    let target = emitter.node(target)?;
    if emitter.builder.type_of(target).dtype != DType::I64 {
        return Err(node.unsupported("its classes are not an input of indices"));
    }
    let mut nodes = vec![emitter.node(scores)?, target];
    if operands.get(2).is_some() {
        nodes.push(emitter.node(operands.float(2)?)?);
    }
    let ignore_index = node.optional_int("ignore_index")?.unwrap_or(i64::MIN);
    let loss = CrossEntropy { scores: kind, reduction, label_smoothing: 0.0, ignore_index };
    let id = emitter.push(Op::Loss(Loss::CrossEntropy(loss)), nodes)?;
    Ok(Value::Node { id, element: Element::F32 })
}
