//! Derivatives of reductions: repetition along the reduced axes.

use super::Step;
use crate::error::Result;
use crate::graph::op::{Activation, Arithmetic, Reduce, Reduction};
use crate::graph::{Builder, Dim, NodeId, Shape};

pub(super) fn differentiate(b: &mut Builder, op: &Reduce, step: &Step<'_>) -> Result<NodeId> {
    let x = step.operands[0];
    let shape = b.shape(x).clone();
    let kept = kept_shape(&shape, &op.axes);
    let dy = b.reshape(step.dy, kept.clone())?;
    match op.kind {
        Reduction::Sum => b.broadcast(dy, shape),
        Reduction::Mean => {
            let count = reduced_count(b, &shape, &op.axes)?;
            let share = b.div(dy, count)?;
            b.broadcast(share, shape)
        }
        Reduction::Max | Reduction::Min => {
            let extreme = b.reshape(step.id, kept)?;
            to_extremes(b, x, extreme, dy, &op.axes)
        }
        Reduction::Variance { correction } => {
            let mean = Reduce { kind: Reduction::Mean, axes: op.axes.clone(), keep: true };
            let mean = b.reduce(mean, x)?;
            let centred = b.sub(x, mean)?;
            let count = reduced_count(b, &shape, &op.axes)?;
            let correction = b.constant(f64::from(correction))?;
            let degrees = b.sub(count, correction)?;
            let share = b.div(dy, degrees)?;
            let twice = b.scale(share, 2.0)?;
            b.mul(centred, twice)
        }
    }
}

/// The shape with the reduced axes kept as length 1.
fn kept_shape(shape: &Shape, axes: &[usize]) -> Shape {
    let mut dims = shape.dims().to_vec();
    for &axis in axes {
        dims[axis] = Dim::Fixed(1);
    }
    dims.into()
}

/// The number of elements that one result is made of, as a scalar node.
fn reduced_count(b: &mut Builder, shape: &Shape, axes: &[usize]) -> Result<NodeId> {
    let dims: Vec<Dim> = axes.iter().map(|&axis| shape.dims()[axis]).collect();
    b.count(dims.into())
}

/// Shares `dy` evenly among the elements that equal the extreme.
fn to_extremes(
    b: &mut Builder,
    x: NodeId,
    extreme: NodeId,
    dy: NodeId,
    axes: &[usize],
) -> Result<NodeId> {
    let difference = b.sub(x, extreme)?;
    let distance = b.activation(Activation::Abs, difference)?;
    let (zero, one) = (b.constant(0.0)?, b.constant(1.0)?);
    // An infinite extreme has no distance from itself: NaN, which is not above 0 either.
    let equals = b.arithmetic(Arithmetic::Select, &[distance, zero, one])?;
    let ties = Reduce { kind: Reduction::Sum, axes: axes.to_vec(), keep: true };
    let ties = b.reduce(ties, equals)?;
    let share = b.div(dy, ties)?;
    b.mul(equals, share)
}
