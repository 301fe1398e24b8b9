//! Single operations on arrays, for a line of user code: a graph of one node, compiled and run.

use super::{Block, Config, Draw, Plan};
use crate::error::{Error, Result};
use crate::graph::op::{CrossEntropy, Loss, Softmax};
use crate::graph::{Builder, DType, NodeId, Shape};
use crate::tensor::Tensor;

/// Softmax along axis `dim`: probabilities that sum to 1.
///
/// # Shapes
/// Any → the same.
///
/// # Errors
/// When the axis does not exist.
///
/// # Source
/// `torch.nn.functional.softmax`.
///
/// ```
/// use glassnet::{Tensor, engine::functional::softmax};
/// let p = softmax(&Tensor::from_rows(&[[0.0_f32, 0.0]])?, 1)?;
/// assert_eq!(p.data(), [0.5, 0.5]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn softmax(logits: &Tensor<f32>, dim: usize) -> Result<Tensor<f32>> {
    let mut builder = Builder::new();
    let z = builder.input("z", DType::F32, Shape::from(logits.shape()))?;
    let y = builder.softmax(Softmax::Probabilities { axis: dim }, z)?;
    let values = run(builder, y, |plan, memory| {
        if let Some(place) = plan.input("z") {
            memory.floats_mut(place).copy_from_slice(logits.data());
        }
    })?;
    Tensor::new(logits.shape(), values)
}

/// The mean cross-entropy of `logits` against class indices.
///
/// # Shapes
/// logits `[rows, classes]`, target `[rows]` → a scalar.
///
/// # Errors
/// When the shapes do not fit or a class does not exist.
///
/// # Source
/// `torch.nn.functional.cross_entropy`.
///
/// ```
/// use glassnet::{Tensor, engine::functional::cross_entropy};
/// let loss = cross_entropy(&Tensor::from_rows(&[[0.0_f32, 0.0]])?, &[1])?;
/// assert!((loss - 2.0_f32.ln()).abs() < 1e-6);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn cross_entropy(logits: &Tensor<f32>, target: &[i64]) -> Result<f32> {
    let mut builder = Builder::new();
    let z = builder.input("z", DType::F32, Shape::from(logits.shape()))?;
    let t = builder.input("target", DType::I64, Shape::from([target.len()]))?;
    let loss = builder.loss(Loss::CrossEntropy(CrossEntropy::default()), &[z, t])?;
    let values = run(builder, loss, |plan, memory| {
        if let (Some(z), Some(t)) = (plan.input("z"), plan.input("target")) {
            memory.floats_mut(z).copy_from_slice(logits.data());
            memory.indices_mut(t).copy_from_slice(target);
        }
    })?;
    values.first().copied().ok_or_else(|| Error::network("the loss has no value"))
}

fn run(
    builder: Builder,
    result: NodeId,
    feed: impl FnOnce(&Plan, &mut super::Memory),
) -> Result<Vec<f32>> {
    let graph = builder.finish_checked();
    let plan = Plan::compile(&graph, &[result], 1, &Config::default())?;
    let mut memory = plan.memory();
    feed(&plan, &mut memory);
    plan.run(&Block::for_graph(&graph), &mut memory, Draw::default())?;
    Ok(plan.results(&memory).to_vec())
}
