//! Softmax, its logarithm, and their derivatives.

use crate::error::Result;
use crate::graph::op::Softmax;
use crate::tensor::Tensor;

pub(super) fn evaluate(
    op: Softmax,
    operands: &[&Tensor<f64>],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let (length, inner) = (shape[op.axis()], shape[op.axis() + 1..].iter().product::<usize>());
    let mut data = vec![0.0; operands[0].len()];
    let lines = data.len().checked_div(length).unwrap_or(0);
    for line in 0..lines {
        let start = line / inner * inner * length + line % inner;
        let read = |operand: usize| -> Vec<f64> {
            (0..length).map(|i| operands[operand].data()[start + i * inner]).collect()
        };
        let values = match op {
            Softmax::Probabilities { .. } => probabilities(&read(0)),
            Softmax::Logarithms { .. } => logarithms(&read(0)),
            Softmax::ProbabilitiesGrad { .. } => probabilities_gradient(&read(0), &read(1)),
            Softmax::LogarithmsGrad { .. } => logarithms_gradient(&read(0), &read(1)),
        };
        for (i, value) in values.into_iter().enumerate() {
            data[start + i * inner] = value;
        }
    }
    Tensor::new(shape, data)
}

/// `e^(zᵢ − m) / Σⱼ e^(zⱼ − m)`.
pub(super) fn probabilities(z: &[f64]) -> Vec<f64> {
    let m = greatest(z);
    let exponentials: Vec<f64> = z.iter().map(|z| libm::exp(z - m)).collect();
    let reciprocal = 1.0 / exponentials.iter().sum::<f64>();
    exponentials.into_iter().map(|e| e * reciprocal).collect()
}

/// `(zᵢ − m) − log Σⱼ e^(zⱼ − m)`; the largest term is 1, and `log1p` of the others keeps the digits of a loss near 0.
pub(super) fn logarithms(z: &[f64]) -> Vec<f64> {
    let m = greatest(z);
    let largest = z.iter().position(|&z| z == m);
    let others = z.iter().enumerate().filter(|&(i, _)| Some(i) != largest);
    let log_sum = libm::log1p(others.map(|(_, z)| libm::exp(z - m)).sum());
    z.iter().map(|z| (z - m) - log_sum).collect()
}

fn probabilities_gradient(dy: &[f64], y: &[f64]) -> Vec<f64> {
    let dot: f64 = dy.iter().zip(y).map(|(dy, y)| dy * y).sum();
    dy.iter().zip(y).map(|(dy, y)| y * (dy - dot)).collect()
}

fn logarithms_gradient(dy: &[f64], y: &[f64]) -> Vec<f64> {
    let sum: f64 = dy.iter().sum();
    dy.iter().zip(y).map(|(dy, y)| dy - libm::exp(*y) * sum).collect()
}

/// A NaN is passed over here; it comes back through its own exponential, which is part of every sum.
fn greatest(z: &[f64]) -> f64 {
    z.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_keep_small_losses_and_pass_on_nan() {
        let confident = logarithms(&[50.0, 0.0]);
        assert_eq!(confident[0], -libm::log1p(libm::exp(-50.0)));
        assert!(logarithms(&[f64::NAN, 1.0]).iter().all(|log| log.is_nan()));
        assert!(probabilities(&[f64::NAN, 1.0]).iter().all(|p| p.is_nan()));
        assert!(logarithms(&[f64::NEG_INFINITY; 2]).iter().all(|log| log.is_nan()));
        assert_eq!(logarithms(&[f64::NEG_INFINITY, 3.0]), [f64::NEG_INFINITY, 0.0]);
    }
}
