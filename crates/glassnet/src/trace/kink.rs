//! Kinks and saturation: where a derivative jumps, and where it is nearly 0.

use serde::Serialize;

use super::element::Operand;
use crate::graph::Op;
use crate::graph::op::{Activation, Arithmetic, Loss, PairLoss, Reduction};
use crate::reference::activation::derivative;

/// An element that lies exactly on a kink: the derivative jumps there, and which value training takes is a convention
/// (PyTorch's).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Kink {
    /// Where the kink is.
    pub at: f64,
    /// The derivative just below.
    pub below: f64,
    /// The derivative just above.
    pub above: f64,
    /// The derivative that training takes.
    pub taken: f64,
}

/// How flat an activation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Saturation {
    /// The derivative is exactly 0: a ReLU below 0.
    Flat,
    /// The derivative is below a hundredth of its largest size: a sigmoid far from 0.
    Saturated,
}

/// The kink of `activation` that `z` lies on.
pub fn of_activation(activation: Activation, z: f32) -> Option<Kink> {
    let at = activation.kinks().into_iter().find(|&kink| z == kink as f32)?;
    let step = 1e-6 * at.abs().max(1.0);
    Some(Kink {
        at,
        below: rounded(derivative(activation, at - step)),
        above: rounded(derivative(activation, at + step)),
        taken: derivative(activation, at),
    })
}

/// One-sided derivatives are taken a millionth beside the kink; of a straight piece that makes no difference, of a curve
/// it shows beyond the fifth digit.
fn rounded(slope: f64) -> f64 {
    libm::round(slope * 1e5) / 1e5
}

/// The kink that an element's operands put it on.
pub(super) fn of_operation(op: &Op, operands: &[Operand]) -> Option<Kink> {
    let value = |at: usize| operands.get(at).map(|operand| operand.value);
    let tie = |below: f64, above: f64, taken: f64| Some(Kink { at: 0.0, below, above, taken });
    match op {
        Op::Activation(activation) => of_activation(*activation, value(0)?),
        Op::Arithmetic(op) => match op {
            Arithmetic::Maximum if value(0)? == value(1)? => tie(0.0, 1.0, 0.5),
            Arithmetic::Minimum if value(0)? == value(1)? => tie(1.0, 0.0, 0.5),
            Arithmetic::Select if value(0)? == 0.0 => tie(0.0, 1.0, 0.0),
            Arithmetic::Maximum
            | Arithmetic::Minimum
            | Arithmetic::Select
            | Arithmetic::Add
            | Arithmetic::Sub
            | Arithmetic::Mul
            | Arithmetic::Div
            | Arithmetic::Power => None,
        },
        Op::Reduce(reduce) => {
            let share = operands.iter().filter_map(|operand| operand.derivative);
            let share = share.fold(0.0, f64::max);
            let extreme = matches!(reduce.kind, Reduction::Max | Reduction::Min);
            if extreme && share < 1.0 { tie(0.0, 1.0, share) } else { None }
        }
        Op::Loss(Loss::Pair(loss)) => {
            let jumps = match loss {
                PairLoss::L1 => true,
                PairLoss::SmoothL1 { beta } => *beta == 0.0,
                PairLoss::Mse
                | PairLoss::Huber { .. }
                | PairLoss::Bce
                | PairLoss::BceWithLogits
                | PairLoss::KlDiv { .. }
                | PairLoss::PoissonNll { .. }
                | PairLoss::GaussianNll { .. } => false,
            };
            if jumps && value(0)? == value(1)? { tie(-1.0, 1.0, 0.0) } else { None }
        }
        Op::Source(_)
        | Op::Linear(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(Loss::CrossEntropy(_) | Loss::CrossEntropyGrad(_) | Loss::PairGrad { .. }) => {
            None
        }
    }
}

/// How flat the operation is at its operand.
pub(super) fn saturation(op: &Op, operands: &[Operand]) -> Option<Saturation> {
    let Op::Activation(activation) = op else { return None };
    let z = operands.first()?.value;
    of_value(*activation, z)
}

/// How flat `activation` is at `z`; none on a kink, where one side may be steep.
pub fn of_value(activation: Activation, z: f32) -> Option<Saturation> {
    let largest = largest_slope(activation)?;
    if of_activation(activation, z).is_some() {
        return None;
    }
    let slope = derivative(activation, f64::from(z)).abs();
    if slope == 0.0 {
        Some(Saturation::Flat)
    } else if slope < 0.01 * largest {
        Some(Saturation::Saturated)
    } else {
        None
    }
}

/// The size of the derivative where the function is steep, for functions that become flat somewhere.
fn largest_slope(activation: Activation) -> Option<f64> {
    match activation {
        Activation::Sigmoid => Some(0.25),
        Activation::Hardsigmoid => Some(1.0 / 6.0),
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
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardswish
        | Activation::NegativePart
        | Activation::Atan
        | Activation::Erf => Some(1.0),
        Activation::Sign
        | Activation::Negate
        | Activation::Abs
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
        | Activation::Sinh
        | Activation::Cosh => None,
    }
}
