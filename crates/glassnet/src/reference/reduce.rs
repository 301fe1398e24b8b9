//! Sums, means, extremes and variances over axes.

use super::arithmetic::maximum;
use super::index::groups;
use crate::error::{Error, Result};
use crate::graph::op::{Reduce, Reduction};
use crate::tensor::Tensor;

pub(super) fn evaluate(op: &Reduce, x: &Tensor<f64>, shape: Vec<usize>) -> Result<Tensor<f64>> {
    let members = members(x, &op.axes, shape.iter().product());
    let data = members.iter().map(|values| reduce(op.kind, values)).collect::<Result<_>>()?;
    Tensor::new(shape, data)
}

/// The elements of every group, in row-major order.
fn members(x: &Tensor<f64>, axes: &[usize], count: usize) -> Vec<Vec<f64>> {
    let mut members = vec![vec![]; count];
    for (&group, &value) in groups(x.shape(), axes).iter().zip(x.data()) {
        members[group].push(value);
    }
    members
}

fn reduce(kind: Reduction, values: &[f64]) -> Result<f64> {
    Ok(match kind {
        Reduction::Sum => sum(values),
        Reduction::Mean => mean(values),
        Reduction::Max => extreme(values, maximum)?,
        Reduction::Min => extreme(values, |a, b| -maximum(-a, -b))?,
        Reduction::Variance { correction } => {
            let mean = mean(values);
            let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
            squares / (values.len() as f64 - f64::from(correction)).max(0.0)
        }
    })
}

fn extreme(values: &[f64], choose: fn(f64, f64) -> f64) -> Result<f64> {
    values
        .iter()
        .copied()
        .reduce(choose)
        .ok_or_else(|| Error::data("no elements have no largest and no smallest"))
}

/// From +0, so that the sum over nothing is not −0.
fn sum(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, x| sum + x)
}

fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}
