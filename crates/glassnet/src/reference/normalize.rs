//! Standardisation over axes.

use super::index::groups;
use crate::error::Result;
use crate::graph::op::Normalize;
use crate::tensor::Tensor;

pub(super) fn evaluate(
    op: &Normalize,
    operands: &[&Tensor<f64>],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let x = if op.grad { operands[1] } else { operands[0] };
    let group_of = groups(&shape, &op.axes);
    let count = group_of.iter().max().map_or(0, |last| last + 1);
    let mut members: Vec<Vec<usize>> = vec![vec![]; count];
    for (element, &group) in group_of.iter().enumerate() {
        members[group].push(element);
    }
    let mut data = vec![0.0; x.len()];
    for elements in &members {
        let values: Vec<f64> = elements.iter().map(|&at| x.data()[at]).collect();
        let (y, deviation) = standardise(&values, op.eps);
        let result = if op.grad {
            let dy: Vec<f64> = elements.iter().map(|&at| operands[0].data()[at]).collect();
            gradient(&dy, &y, deviation)
        } else {
            y
        };
        for (&at, value) in elements.iter().zip(result) {
            data[at] = value;
        }
    }
    Tensor::new(shape, data)
}

/// `(x − mean)/√(variance + eps)` and that root.
fn standardise(x: &[f64], eps: f64) -> (Vec<f64>, f64) {
    let mean = mean(x.iter().copied());
    let variance = self::mean(x.iter().map(|x| (x - mean) * (x - mean)));
    let deviation = (variance + eps).sqrt();
    (x.iter().map(|x| (x - mean) / deviation).collect(), deviation)
}

/// `(dy − mean(dy) − y·mean(dy·y)) / √(variance + eps)`.
fn gradient(dy: &[f64], y: &[f64], deviation: f64) -> Vec<f64> {
    let mean_dy = mean(dy.iter().copied());
    let mean_dy_y = mean(dy.iter().zip(y).map(|(dy, y)| dy * y));
    dy.iter().zip(y).map(|(dy, y)| (dy - mean_dy - y * mean_dy_y) / deviation).collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
