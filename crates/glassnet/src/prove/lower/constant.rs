//! Operations on constants: what a normalisation makes of its statistics.
//!
//! # Numerics
//! A result that f32 holds exactly stays a single number. Any other is an interval that also holds what an f32 execution
//! gives: the engine's 2 ulp and one rounding.

use crate::graph::op::{Activation, Arithmetic};
use crate::prove::Interval;
use crate::prove::propagate::{TINY32, U32};

/// The interval with room for what f32 makes of it.
fn rounded(value: Interval) -> Interval {
    let exact = value.is_point() && f64::from(value.lo() as f32) == value.lo();
    if exact || !value.is_finite() {
        return value;
    }
    value.widened(value.magnitude() * 6.0 * U32 + 4.0 * TINY32)
}

/// The function of a constant, or `None` where it isn't known.
pub(super) fn activation(function: Activation, z: Interval) -> Option<Interval> {
    let monotone =
        |f: fn(f64) -> f64| Interval::new(f(z.lo()).next_down(), f(z.hi()).next_up()).ok();
    let value = match function {
        Activation::Sqrt if z.lo() >= 0.0 => {
            let root = z.lo().sqrt();
            if z.is_point() && root.mul_add(root, -z.lo()) == 0.0 && z.lo() > 1e-290 {
                Some(Interval::point(root))
            } else {
                // The square root is correctly rounded.
                monotone(f64::sqrt).map(|wide| Interval::of(wide.lo().max(0.0), wide.hi()))
            }
        }
        Activation::Reciprocal => z.reciprocal(),
        Activation::Square => {
            let square = z.times(z);
            Some(Interval::of(square.lo().max(0.0), square.hi()))
        }
        Activation::Negate => return Some(z.negated()),
        Activation::Relu => return Some(Interval::of(z.lo().max(0.0), z.hi().max(0.0))),
        Activation::NegativePart => return Some(Interval::of(z.lo().min(0.0), z.hi().min(0.0))),
        Activation::Sqrt
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
        | Activation::Abs
        | Activation::Sign
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
        | Activation::Erf => None,
    };
    value.map(rounded)
}

/// `a op b` of constants, or `None` where it isn't known.
pub(super) fn arithmetic(op: Arithmetic, a: Interval, b: Interval) -> Option<Interval> {
    let value = match op {
        Arithmetic::Add => Some(a.plus(b)),
        Arithmetic::Sub => Some(a.minus(b)),
        Arithmetic::Mul => Some(a.times(b)),
        Arithmetic::Div => b.reciprocal().map(|inverse| {
            let exact = a.lo() / b.lo();
            // A quotient of numbers that f64 divides without a rest stays a number.
            let whole = a.is_point()
                && b.is_point()
                && exact.is_normal()
                && exact.mul_add(b.lo(), -a.lo()) == 0.0
                && a.lo().abs() > 1e-290;
            if whole { Interval::point(exact) } else { a.times(inverse) }
        }),
        Arithmetic::Maximum => return Some(Interval::of(a.lo().max(b.lo()), a.hi().max(b.hi()))),
        Arithmetic::Minimum => return Some(Interval::of(a.lo().min(b.lo()), a.hi().min(b.hi()))),
        Arithmetic::Power | Arithmetic::Select => None,
    };
    value.map(rounded)
}
