//! Elementwise functions of one variable and their derivatives, point by point.
//!
//! Formulas are written so that nothing cancels: `ln(1 + x)` and `e^x − 1` through `log1p` and `expm1`, tails of
//! the normal distribution through `erfc`. A NaN stays a NaN wherever PyTorch keeps it.

use crate::error::Result;
use crate::graph::op::{Activation, ActivationGrad, SELU_ALPHA, SELU_SCALE};
use crate::tensor::Tensor;

const TWO_OVER_SQRT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;
/// √(2/π).
const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
/// 1/√(2π), the height of the normal density.
const ONE_OVER_SQRT_2_PI: f64 = 0.398_942_280_401_432_7;
/// The cubic coefficient of GELU's approximation by tanh.
const GELU_CUBIC: f64 = 0.044_715;

/// `f(z)`.
///
/// ```
/// use glassnet::graph::op::Activation;
/// use glassnet::reference::activation;
/// assert_eq!(activation::value(Activation::Sigmoid, 0.0), 0.5);
/// assert_eq!(activation::derivative(Activation::Sigmoid, 0.0), 0.25);
/// // PyTorch's convention at the kink.
/// assert_eq!(activation::derivative(Activation::Relu, 0.0), 0.0);
/// ```
pub fn value(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Relu => clamp(z, 0.0, f64::INFINITY),
        Activation::LeakyRelu { negative_slope } => {
            if z > 0.0 {
                z
            } else {
                negative_slope * z
            }
        }
        Activation::Elu { alpha } => elu(z, alpha, 1.0),
        Activation::Celu { alpha } => elu(z, alpha, alpha),
        Activation::Selu => SELU_SCALE * elu(z, SELU_ALPHA, 1.0),
        Activation::Gelu => z * normal_distribution(z),
        Activation::GeluTanh => z * sigmoid(2.0 * gelu_inner(z)),
        Activation::Silu => z * sigmoid(z),
        Activation::Mish => z * libm::tanh(softplus(z)),
        Activation::Softplus { beta, threshold } => {
            if beta * z > threshold {
                z
            } else {
                softplus(beta * z) / beta
            }
        }
        Activation::Softsign => z / (1.0 + z.abs()),
        Activation::Sigmoid => sigmoid(z),
        Activation::LogSigmoid => -softplus(-z),
        Activation::Tanh => libm::tanh(z),
        Activation::Hardtanh { min, max } => clamp(z, min, max),
        Activation::Relu6 => clamp(z, 0.0, 6.0),
        Activation::Hardsigmoid => clamp(z + 3.0, 0.0, 6.0) / 6.0,
        Activation::Hardswish => z * clamp(z + 3.0, 0.0, 6.0) / 6.0,
        Activation::NegativePart => clamp(z, f64::NEG_INFINITY, 0.0),
        Activation::Negate => -z,
        Activation::Abs => z.abs(),
        Activation::Sign => sign(z),
        Activation::Square => z * z,
        Activation::Sqrt => z.sqrt(),
        Activation::Reciprocal => 1.0 / z,
        Activation::Exp => libm::exp(z),
        Activation::Expm1 => libm::expm1(z),
        Activation::Log => libm::log(z),
        Activation::Log1p => libm::log1p(z),
        Activation::Sin => libm::sin(z),
        Activation::Cos => libm::cos(z),
        Activation::Tan => libm::tan(z),
        Activation::Asin => libm::asin(z),
        Activation::Acos => libm::acos(z),
        Activation::Atan => libm::atan(z),
        Activation::Sinh => libm::sinh(z),
        Activation::Cosh => libm::cosh(z),
        Activation::Erf => libm::erf(z),
    }
}

/// `f'(z)`; at a kink, what PyTorch takes there (see [`Activation`]).
pub fn derivative(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Relu => step(z > 0.0 || z.is_nan()),
        Activation::LeakyRelu { negative_slope } => {
            if z > 0.0 {
                1.0
            } else {
                negative_slope
            }
        }
        Activation::Elu { alpha } => elu_derivative(z, alpha, 1.0),
        Activation::Celu { alpha } => elu_derivative(z, alpha, alpha),
        Activation::Selu => SELU_SCALE * elu_derivative(z, SELU_ALPHA, 1.0),
        Activation::Gelu => {
            let density = ONE_OVER_SQRT_2_PI * libm::exp(-0.5 * z * z);
            normal_distribution(z) + z * density
        }
        Activation::GeluTanh => {
            let (inner, slope) = (2.0 * gelu_inner(z), 1.0 + 3.0 * GELU_CUBIC * z * z);
            let bend = sigmoid(inner) * sigmoid(-inner);
            // Far out the bend underflows before the slope overflows; their product is 0, not 0·∞.
            let curve = if bend == 0.0 { 0.0 } else { z * 2.0 * SQRT_2_OVER_PI * slope * bend };
            sigmoid(inner) + curve
        }
        Activation::Silu => sigmoid(z) * (1.0 + z * sigmoid(-z)),
        Activation::Mish => {
            let t = libm::tanh(softplus(z));
            t + z * (1.0 - t) * (1.0 + t) * sigmoid(z)
        }
        Activation::Softplus { beta, threshold } => {
            if beta * z > threshold {
                1.0
            } else {
                sigmoid(beta * z)
            }
        }
        Activation::Softsign => {
            let width = 1.0 + z.abs();
            1.0 / (width * width)
        }
        Activation::Sigmoid => sigmoid(z) * sigmoid(-z),
        Activation::LogSigmoid => sigmoid(-z),
        Activation::Tanh => {
            let e = libm::exp(-2.0 * z.abs());
            4.0 * e / ((1.0 + e) * (1.0 + e))
        }
        Activation::Hardtanh { min, max } => step(!(z <= min || z >= max)),
        Activation::Relu6 => step(!(z <= 0.0 || z >= 6.0)),
        Activation::Hardsigmoid => step(z > -3.0 && z < 3.0) / 6.0,
        Activation::Hardswish => {
            if z <= -3.0 {
                0.0
            } else if z < 3.0 {
                z / 3.0 + 0.5
            } else {
                1.0
            }
        }
        Activation::NegativePart => step(z <= 0.0 || z.is_nan()),
        Activation::Negate => -1.0,
        Activation::Abs => sign(z),
        Activation::Sign => 0.0,
        Activation::Square => 2.0 * z,
        Activation::Sqrt => 0.5 / z.sqrt(),
        Activation::Reciprocal => -1.0 / (z * z),
        Activation::Exp | Activation::Expm1 => libm::exp(z),
        Activation::Log => 1.0 / z,
        Activation::Log1p => 1.0 / (1.0 + z),
        Activation::Sin => libm::cos(z),
        Activation::Cos => -libm::sin(z),
        Activation::Tan => {
            let t = libm::tan(z);
            1.0 + t * t
        }
        Activation::Asin => 1.0 / ((1.0 - z) * (1.0 + z)).sqrt(),
        Activation::Acos => -1.0 / ((1.0 - z) * (1.0 + z)).sqrt(),
        Activation::Atan => 1.0 / (1.0 + z * z),
        Activation::Sinh => libm::cosh(z),
        Activation::Cosh => libm::sinh(z),
        Activation::Erf => TWO_OVER_SQRT_PI * libm::exp(-z * z),
    }
}

/// `f'` from what [`Activation::derivative_form`] says is kept: z or y.
fn derivative_from_kept(activation: Activation, kept: f64) -> f64 {
    match activation {
        Activation::Sigmoid => kept * (1.0 - kept),
        Activation::Tanh => (1.0 - kept) * (1.0 + kept),
        Activation::Sqrt => 0.5 / kept,
        Activation::Reciprocal => -(kept * kept),
        Activation::Exp => kept,
        // The first four keep the sign, or the ends, of their input, so what holds of z holds of y; all others keep z.
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Softplus { .. }
        | Activation::Softsign
        | Activation::LogSigmoid
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs
        | Activation::Sign
        | Activation::Square
        | Activation::Expm1
        | Activation::Log
        | Activation::Log1p
        | Activation::Sin
        | Activation::Cos
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos
        | Activation::Atan
        | Activation::Sinh
        | Activation::Cosh
        | Activation::Erf => derivative(activation, kept),
    }
}

/// `dy · f'`; operands `dy` and z or y.
pub(super) fn gradient(
    op: ActivationGrad,
    operands: &[&Tensor<f64>],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let pairs = operands[0].data().iter().zip(operands[1].data());
    Tensor::new(shape, pairs.map(|(dy, &kept)| dy * derivative_from_kept(op.0, kept)).collect())
}

fn step(condition: bool) -> f64 {
    if condition { 1.0 } else { 0.0 }
}

/// z cut to `[min, max]`; NaN stays NaN, and +0 is preferred to −0 at the cut.
fn clamp(z: f64, min: f64, max: f64) -> f64 {
    if z <= min {
        min
    } else if z >= max {
        max
    } else {
        z
    }
}

/// −1, 0 or 1; 0 for NaN, as in PyTorch.
pub(super) fn sign(z: f64) -> f64 {
    step(z > 0.0) - step(z < 0.0)
}

pub(super) fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + libm::exp(-z))
    } else {
        let e = libm::exp(z);
        e / (1.0 + e)
    }
}

/// `ln(1 + e^z)`, finite and accurate for every finite z.
pub(super) fn softplus(z: f64) -> f64 {
    z.max(0.0) + libm::log1p(libm::exp(-z.abs()))
}

/// Φ(z); through `erfc` the left tail keeps its digits.
fn normal_distribution(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// `√(2/π)·(z + 0.044715·z³)`; `½(1 + tanh u)` is `σ(2u)`, which keeps its digits in the left tail.
fn gelu_inner(z: f64) -> f64 {
    SQRT_2_OVER_PI * (z + GELU_CUBIC * z * z * z)
}

fn elu(z: f64, alpha: f64, width: f64) -> f64 {
    if z > 0.0 { z } else { alpha * libm::expm1(z / width) }
}

fn elu_derivative(z: f64, alpha: f64, width: f64) -> f64 {
    if z > 0.0 { 1.0 } else { alpha / width * libm::exp(z / width) }
}
