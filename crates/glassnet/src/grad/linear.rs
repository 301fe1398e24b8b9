//! Derivatives of products: products again.

use super::{Contributions, Step};
use crate::error::Result;
use crate::graph::op::{Linear, Reduce, Reduction};
use crate::graph::{Builder, Dim, NodeId, Shape};

pub(super) fn differentiate(b: &mut Builder, op: Linear, step: &Step<'_>) -> Result<Contributions> {
    match op {
        Linear::Affine => affine(b, step),
        Linear::MatMul { transpose_a, transpose_b } => matmul(b, transpose_a, transpose_b, step),
    }
}

fn affine(b: &mut Builder, step: &Step<'_>) -> Result<Contributions> {
    let &[x, weight, ..] = step.operands else { unreachable!("arity was checked") };
    let mut contributions = vec![None; step.operands.len()];
    if step.wanted[0] {
        let shape = b.shape(x).clone();
        let dy = as_matrix(b, step.dy)?;
        let dx = b.matmul(dy, weight, false, false)?;
        contributions[0] = Some(b.reshape(dx, shape)?);
    }
    if step.wanted[1] {
        let (dy, x) = (as_matrix(b, step.dy)?, as_matrix(b, x)?);
        contributions[1] = Some(b.matmul(dy, x, true, false)?);
    }
    if step.wanted.get(2) == Some(&true) {
        let leading = b.shape(step.dy).rank() - 1;
        contributions[2] = Some(if leading == 0 {
            step.dy
        } else {
            let axes = (0..leading).collect();
            b.reduce(Reduce { kind: Reduction::Sum, axes, keep: false }, step.dy)?
        });
    }
    Ok(contributions)
}

/// A vector as a matrix of one row; anything else as it is.
fn as_matrix(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    match *b.shape(x).dims() {
        [length] => b.reshape(x, Shape::from([Dim::Fixed(1), length])),
        ref _matrix => Ok(x),
    }
}

fn matmul(
    b: &mut Builder,
    transpose_a: bool,
    transpose_b: bool,
    step: &Step<'_>,
) -> Result<Contributions> {
    let (left, right, dy) = (step.operands[0], step.operands[1], step.dy);
    let da = |b: &mut Builder| match (transpose_a, transpose_b) {
        (false, _) => b.matmul(dy, right, false, !transpose_b),
        (true, _) => b.matmul(right, dy, transpose_b, true),
    };
    let db = |b: &mut Builder| match (transpose_a, transpose_b) {
        (_, false) => b.matmul(left, dy, !transpose_a, false),
        (_, true) => b.matmul(dy, left, true, transpose_a),
    };
    Ok(vec![
        if step.wanted[0] { Some(da(b)?) } else { None },
        if step.wanted[1] { Some(db(b)?) } else { None },
    ])
}
