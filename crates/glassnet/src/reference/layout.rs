//! Reshapes, permutations, slices, concatenations and repetition.

use super::arithmetic::broadcast;
use super::index::{positions, strides};
use crate::error::Result;
use crate::graph::op::Layout;
use crate::tensor::Tensor;

pub(super) fn evaluate(
    op: &Layout,
    operands: &[&Tensor<f64>],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let x = operands[0];
    match op {
        Layout::Reshape { .. } => Tensor::new(shape, x.data().to_vec()),
        Layout::Permute { axes } => {
            let own = strides(x.shape());
            let permuted: Vec<usize> = axes.iter().map(|&axis| own[axis]).collect();
            let data = positions(&shape, &permuted).into_iter().map(|at| x.data()[at]).collect();
            Tensor::new(shape, data)
        }
        Layout::Concat { axis } => {
            let mut result = Tensor::full(shape, 0.0);
            let mut start = 0;
            for operand in operands {
                put(operand, &mut result, *axis, start);
                start += operand.shape()[*axis];
            }
            Ok(result)
        }
        Layout::Slice { axis, start, .. } => {
            let own = strides(x.shape());
            let data = positions(&shape, &own)
                .into_iter()
                .map(|at| x.data()[at + start * own[*axis]])
                .collect();
            Tensor::new(shape, data)
        }
        Layout::Pad { axis, before, .. } => {
            let mut result = Tensor::full(shape, 0.0);
            put(x, &mut result, *axis, *before);
            Ok(result)
        }
        Layout::Broadcast { .. } => {
            let data = broadcast(x, &shape);
            Tensor::new(shape, data)
        }
    }
}

/// Writes `part` into `whole` so that it begins at `start` along `axis`.
fn put(part: &Tensor<f64>, whole: &mut Tensor<f64>, axis: usize, start: usize) {
    let strides = strides(whole.shape());
    let places = positions(part.shape(), &strides);
    for (at, &value) in places.into_iter().zip(part.data()) {
        whole.data_mut()[at + start * strides[axis]] = value;
    }
}
