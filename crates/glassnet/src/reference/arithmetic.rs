//! Elementwise arithmetic with broadcasting.

use super::index::broadcast_positions;
use crate::error::Result;
use crate::graph::op::Arithmetic;
use crate::tensor::Tensor;

pub(super) fn evaluate(
    op: Arithmetic,
    operands: &[&Tensor<f64>],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let repeated: Vec<Vec<f64>> =
        operands.iter().map(|operand| broadcast(operand, &shape)).collect();
    let at = |operand: usize, element: usize| repeated[operand][element];
    let pairs = |f: fn(f64, f64) -> f64| -> Vec<f64> {
        (0..repeated[0].len()).map(|element| f(at(0, element), at(1, element))).collect()
    };
    let data = match op {
        Arithmetic::Add => pairs(|a, b| a + b),
        Arithmetic::Sub => pairs(|a, b| a - b),
        Arithmetic::Mul => pairs(|a, b| a * b),
        Arithmetic::Div => pairs(|a, b| a / b),
        Arithmetic::Maximum => pairs(maximum),
        Arithmetic::Minimum => pairs(|a, b| -maximum(-a, -b)),
        Arithmetic::Power => pairs(libm::pow),
        Arithmetic::Select => (0..repeated[0].len())
            .map(|element| at(if at(0, element) > 0.0 { 1 } else { 2 }, element))
            .collect(),
    };
    Tensor::new(shape, data)
}

/// The larger of `a` and `b`; NaN if either is, unlike [`f64::max`].
pub(super) fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// The elements of `x`, repeated to `shape`.
pub(super) fn broadcast(x: &Tensor<f64>, shape: &[usize]) -> Vec<f64> {
    broadcast_positions(x.shape(), shape).into_iter().map(|at| x.data()[at]).collect()
}
