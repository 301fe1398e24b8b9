//! Every activation over its domain, with odd parameters too.

use glassnet::Result;
use glassnet::graph::Op;
use glassnet::graph::op::{Activation, ActivationGrad};

use super::shape;
use crate::bench::{Bench, Case};

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for activation in Activation::ALL.into_iter().flat_map(with_odd_parameters) {
        for range in domain(activation) {
            let mut bench = Bench::new(format!("{activation:?} over {range:?}"), 7);
            let z = bench.input(shape(&[0, 5]), range)?;
            let y = bench.builder.activation(activation, z)?;
            cases.push(bench.finish(y)?);
        }
        cases.push(after_product(activation)?);
        cases.push(derivative_in_dy(activation)?);
        cases.push(at_kinks(activation)?);
    }
    Ok(cases)
}

/// The activation itself, and the same sort with parameters that change what it does.
fn with_odd_parameters(activation: Activation) -> Vec<Activation> {
    let odd = match activation {
        Activation::LeakyRelu { .. } => [0.0, 0.25, 1.0, 1.5, -0.5]
            .map(|negative_slope| Activation::LeakyRelu { negative_slope })
            .to_vec(),
        Activation::Elu { .. } => [0.5, 2.0, -0.75].map(|alpha| Activation::Elu { alpha }).to_vec(),
        Activation::Celu { .. } => {
            [0.5, 2.0, -0.75].map(|alpha| Activation::Celu { alpha }).to_vec()
        }
        Activation::Softplus { .. } => [(0.5, 20.0), (2.0, 3.0), (4.0, 0.5), (1.0, -1.0)]
            .map(|(beta, threshold)| Activation::Softplus { beta, threshold })
            .to_vec(),
        Activation::Hardtanh { .. } => [(-0.5, 0.25), (0.5, 2.0), (-3.0, -0.5)]
            .map(|(min, max)| Activation::Hardtanh { min, max })
            .to_vec(),
        Activation::Relu
        | Activation::Selu
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Softsign
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs
        | Activation::Sign
        | Activation::Square
        | Activation::Sqrt
        | Activation::Reciprocal
        | Activation::Exp
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
        | Activation::Erf => vec![],
    };
    [vec![activation], odd].concat()
}

/// Ranges of z: where the function is defined, near 0 and far out.
fn domain(activation: Activation) -> Vec<(f32, f32)> {
    match activation {
        Activation::Sqrt | Activation::Log => vec![(0.25, 4.0), (10.0, 1000.0)],
        Activation::Reciprocal => vec![(0.25, 4.0), (-4.0, -0.25)],
        Activation::Log1p => vec![(-0.75, 4.0), (-0.01, 0.01)],
        Activation::Tan | Activation::Asin | Activation::Acos => vec![(-0.9, 0.9), (-0.01, 0.01)],
        Activation::Exp | Activation::Expm1 | Activation::Sinh | Activation::Cosh => {
            vec![(-2.0, 2.0), (-0.01, 0.01), (-10.0, -4.0)]
        }
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Softplus { .. }
        | Activation::Softsign
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs
        | Activation::Sign
        | Activation::Square
        | Activation::Sin
        | Activation::Cos
        | Activation::Atan
        | Activation::Erf => vec![(-2.0, 2.0), (-0.01, 0.01), (-8.0, 8.0)],
    }
}

/// The kernel that a product and its activation share.
fn after_product(activation: Activation) -> Result<Case> {
    let mut bench = Bench::new(format!("{activation:?} after a product"), 5);
    let x = bench.input(shape(&[0, 3]), (0.25, 0.5))?;
    let weight = bench.parameter(shape(&[17, 3]), (0.25, 0.5))?;
    let bias = bench.parameter(shape(&[17]), (0.0, 0.125))?;
    let z = bench.builder.affine(x, weight, Some(bias))?;
    let y = bench.builder.activation(activation, z)?;
    bench.finish(y)
}

/// A derivative is linear in what comes from above, so it has one itself.
fn derivative_in_dy(activation: Activation) -> Result<Case> {
    let mut bench = Bench::new(format!("{activation:?}'s derivative, in dy"), 3);
    let dy = bench.input(shape(&[0, 5]), (-2.0, 2.0))?;
    let from = bench.held(shape(&[0, 5]), (0.25, 0.75))?;
    let op = Op::ActivationGrad(ActivationGrad(activation));
    let dz = bench.builder.push(op, vec![dy, from])?;
    bench.finish(dz)
}

/// On every kink and next to it, at both zeros, and at NaN.
fn at_kinks(activation: Activation) -> Result<Case> {
    let mut points = vec![0.0, -0.0, f32::NAN];
    for kink in activation.kinks() {
        let kink = kink as f32;
        points.extend([kink, kink.next_up(), kink.next_down()]);
    }
    let mut bench = Bench::new(format!("{activation:?} at its kinks"), 1).on_kinks();
    let z = bench.given([points.len()], points)?;
    let y = bench.builder.activation(activation, z)?;
    bench.finish(y)
}
