//! Derivatives of layouts: the way back.

use super::{Contributions, Step, sum_to};
use crate::error::Result;
use crate::graph::op::Layout;
use crate::graph::{Builder, NodeId, Shape};

pub(super) fn differentiate(
    b: &mut Builder,
    op: &Layout,
    step: &Step<'_>,
) -> Result<Contributions> {
    let dy = step.dy;
    let shape = b.shape(step.operands[0]).clone();
    let back = match op {
        Layout::Reshape { .. } => b.reshape(dy, shape)?,
        Layout::Permute { axes } => {
            let mut inverse = vec![0; axes.len()];
            for (to, &from) in axes.iter().enumerate() {
                inverse[from] = to;
            }
            b.layout(Layout::Permute { axes: inverse }, &[dy])?
        }
        Layout::Concat { axis } => return slices(b, *axis, step),
        Layout::Slice { axis, start, end } => {
            let length = length_along(&shape, *axis);
            b.layout(Layout::Pad { axis: *axis, before: *start, after: length - end }, &[dy])?
        }
        Layout::Pad { axis, before, .. } => {
            let length = length_along(&shape, *axis);
            b.layout(Layout::Slice { axis: *axis, start: *before, end: before + length }, &[dy])?
        }
        Layout::Broadcast { .. } => sum_to(b, dy, &shape)?,
    };
    Ok(vec![Some(back)])
}

fn slices(b: &mut Builder, axis: usize, step: &Step<'_>) -> Result<Contributions> {
    let mut start = 0;
    let mut slices: Vec<Option<NodeId>> = vec![];
    for (&operand, &wanted) in step.operands.iter().zip(step.wanted) {
        let end = start + length_along(b.shape(operand), axis);
        slices.push(match wanted {
            true => Some(b.layout(Layout::Slice { axis, start, end }, &[step.dy])?),
            false => None,
        });
        start = end;
    }
    Ok(slices)
}

/// The length of an axis that is known to be fixed: layouts along the batch do not check.
fn length_along(shape: &Shape, axis: usize) -> usize {
    shape.dims()[axis].at(0)
}
