//! Elementwise functions: those made of straight pieces exactly, the others smoothly.

use num_traits::{One, Zero};
use std::sync::Arc;

use super::evaluate::{Found, Step, Value};
use super::function::Function;
use super::number::{Numbers, Rational, ratio, rational};
use super::polynomial::Polynomial;
use crate::error::Result;
use crate::graph::op::Activation;

pub(super) fn evaluate(step: &Step<'_>, activation: Activation) -> Found {
    match activation {
        Activation::Negate => step.polynomial(|operands| {
            operands[0].iter().map(|element| element.times_constant(&ratio(-1, 1))).collect()
        }),
        Activation::Square => step.polynomial(|operands| {
            operands[0].iter().map(|element| element.times(element)).collect()
        }),
        Activation::Relu
        | Activation::LeakyRelu { .. }
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::NegativePart
        | Activation::Abs => match step.exact() {
            Some(operands) => {
                let pieces = Pieces::of(activation, step.given.numbers)?;
                let elements = operands[0].iter().map(|element| pieces.apply(element)).collect();
                Ok((Value::Exact(elements), false))
            }
            None => Ok((step.unknown("its kinks lie where a curve passes them"), false)),
        },
        Activation::Sign => match step.exact() {
            Some(operands) if operands[0].iter().all(Function::is_constant) => {
                let elements = operands[0].iter().map(|element| {
                    let value = element.as_constant().unwrap_or_default();
                    Function::constant(sign(&value))
                });
                Ok((Value::Exact(elements.collect()), false))
            }
            Some(_) | None => Ok((step.unknown("the sign leaps"), false)),
        },
        Activation::Reciprocal => match step.exact() {
            Some(operands) if operands[0].iter().all(invertible) => {
                let elements = operands[0].iter().map(|element| {
                    let value = element.as_constant().unwrap_or_else(Rational::one);
                    Function::constant(value.recip())
                });
                Ok((Value::Exact(elements.collect()), false))
            }
            Some(_) | None => Ok((step.unknown("divides by a value that moves"), false)),
        },
        Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Exp
        | Activation::Expm1
        | Activation::Sin
        | Activation::Cos
        | Activation::Atan
        | Activation::Sinh
        | Activation::Cosh
        | Activation::Erf => step.analytic(),
        Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Softsign => kinked(step, &Rational::zero()),
        Activation::Softplus { beta, threshold } => {
            let numbers = step.given.numbers;
            kinked(step, &(rational(threshold, numbers)? / rational(beta, numbers)?))
        }
        Activation::Sqrt
        | Activation::Log
        | Activation::Log1p
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos => {
            step.constant_only("the function is not defined, or not smooth, everywhere")
        }
    }
}

fn invertible(element: &Function) -> bool {
    element.as_constant().is_some_and(|value| !value.is_zero())
}

/// Analytic on both sides of `kink`.
fn kinked(step: &Step<'_>, kink: &Rational) -> Found {
    if step.stands_still() {
        return step.analytic();
    }
    let Some(operands) = step.exact() else {
        return Ok((step.unknown("its kinks lie where a curve passes them"), false));
    };
    let mut places: Vec<_> = operands[0]
        .iter()
        .flat_map(|element| {
            // A mark of 0 and 1 on both sides shows where the kink is passed, whatever else changes there.
            let sides = element.split(std::slice::from_ref(kink), |region, _| {
                Polynomial::constant(ratio(region as i64, 1))
            });
            let own: Vec<_> = element.places().chain(sides.places()).map(Arc::clone).collect();
            own
        })
        .collect();
    places.sort();
    places.dedup();
    Ok((Value::Smooth(places), false))
}

/// A function made of polynomials between thresholds.
struct Pieces {
    thresholds: Vec<Rational>,
    /// A polynomial in the value for every region.
    polynomials: Vec<Polynomial>,
}

impl Pieces {
    fn of(activation: Activation, numbers: Numbers) -> Result<Pieces> {
        let number = |value: f64| rational(value, numbers);
        let line = |constant: Rational, slope: Rational| Polynomial::new(vec![constant, slope]);
        let flat = Polynomial::constant;
        let identity = Polynomial::variable;
        let zero = Rational::zero;
        let (thresholds, polynomials) = match activation {
            Activation::Relu => (vec![zero()], vec![flat(zero()), identity()]),
            Activation::LeakyRelu { negative_slope } => {
                (vec![zero()], vec![line(zero(), number(negative_slope)?), identity()])
            }
            Activation::Hardtanh { min, max } => {
                let (min, max) = (number(min)?, number(max)?);
                (vec![min.clone(), max.clone()], vec![flat(min), identity(), flat(max)])
            }
            Activation::Relu6 => {
                (vec![zero(), ratio(6, 1)], vec![flat(zero()), identity(), flat(ratio(6, 1))])
            }
            Activation::Hardsigmoid => (
                vec![ratio(-3, 1), ratio(3, 1)],
                vec![flat(zero()), line(ratio(1, 2), ratio(1, 6)), flat(ratio(1, 1))],
            ),
            Activation::Hardswish => (
                vec![ratio(-3, 1), ratio(3, 1)],
                vec![
                    flat(zero()),
                    Polynomial::new(vec![zero(), ratio(1, 2), ratio(1, 6)]),
                    identity(),
                ],
            ),
            Activation::NegativePart => (vec![zero()], vec![identity(), flat(zero())]),
            Activation::Abs => (vec![zero()], vec![line(zero(), ratio(-1, 1)), identity()]),
            Activation::Negate
            | Activation::Square
            | Activation::Sign
            | Activation::Reciprocal
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Mish
            | Activation::Sigmoid
            | Activation::LogSigmoid
            | Activation::Tanh
            | Activation::Exp
            | Activation::Expm1
            | Activation::Sin
            | Activation::Cos
            | Activation::Atan
            | Activation::Sinh
            | Activation::Cosh
            | Activation::Erf
            | Activation::Elu { .. }
            | Activation::Celu { .. }
            | Activation::Selu
            | Activation::Softsign
            | Activation::Softplus { .. }
            | Activation::Sqrt
            | Activation::Log
            | Activation::Log1p
            | Activation::Tan
            | Activation::Asin
            | Activation::Acos => (vec![], vec![identity()]),
        };
        Ok(Pieces { thresholds, polynomials })
    }

    fn apply(&self, element: &Function) -> Function {
        element.split(&self.thresholds, |region, p| compose(&self.polynomials[region], p))
    }
}

/// `outer(inner(w))`.
fn compose(outer: &Polynomial, inner: &Polynomial) -> Polynomial {
    outer.coefficients().iter().rev().fold(Polynomial::default(), |sum, coefficient| {
        sum.times(inner).plus(&Polynomial::constant(coefficient.clone()))
    })
}

fn sign(value: &Rational) -> Rational {
    match value.cmp(&Rational::zero()) {
        std::cmp::Ordering::Less => ratio(-1, 1),
        std::cmp::Ordering::Equal => Rational::zero(),
        std::cmp::Ordering::Greater => ratio(1, 1),
    }
}

/// `dy · f'`, where nothing moves; `from` is z or y, as the operation says.
pub(super) fn gradient(step: &Step<'_>, activation: Activation) -> Found {
    if !step.stands_still() {
        return Ok((step.unknown("a derivative leaps at kinks"), false));
    }
    let Some(operands) = step.exact() else {
        return Ok((step.unknown("a derivative of whole numbers"), false));
    };
    let mut elements = Vec::with_capacity(operands[0].len());
    for (dy, from) in operands[0].iter().zip(operands[1]) {
        let from = from.as_constant().unwrap_or_default();
        match slope(activation, &from, step.given.numbers)? {
            Some(slope) => elements.push(dy.times_constant(&slope)),
            None => return step.analytic(),
        }
    }
    Ok((Value::Exact(elements), false))
}

/// The derivative of a function of straight pieces, by PyTorch's conventions at its kinks.
fn slope(activation: Activation, from: &Rational, numbers: Numbers) -> Result<Option<Rational>> {
    let zero = Rational::zero();
    let step = |holds: bool| ratio(i64::from(holds), 1);
    let inside = |low: &Rational, high: &Rational| from > low && from < high;
    Ok(Some(match activation {
        Activation::Relu => step(*from > zero),
        Activation::LeakyRelu { negative_slope } => {
            if *from > zero {
                ratio(1, 1)
            } else {
                rational(negative_slope, numbers)?
            }
        }
        Activation::Hardtanh { min, max } => {
            step(inside(&rational(min, numbers)?, &rational(max, numbers)?))
        }
        Activation::Relu6 => step(inside(&zero, &ratio(6, 1))),
        Activation::Hardsigmoid => step(inside(&ratio(-3, 1), &ratio(3, 1))) / ratio(6, 1),
        Activation::Hardswish => {
            if *from <= ratio(-3, 1) {
                zero
            } else if *from < ratio(3, 1) {
                from / ratio(3, 1) + ratio(1, 2)
            } else {
                ratio(1, 1)
            }
        }
        Activation::NegativePart => step(*from <= zero),
        Activation::Abs => sign(from),
        Activation::Sign => zero,
        Activation::Negate => ratio(-1, 1),
        Activation::Square => from * ratio(2, 1),
        Activation::Reciprocal
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Exp
        | Activation::Expm1
        | Activation::Sin
        | Activation::Cos
        | Activation::Atan
        | Activation::Sinh
        | Activation::Cosh
        | Activation::Erf
        | Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Softsign
        | Activation::Softplus { .. }
        | Activation::Sqrt
        | Activation::Log
        | Activation::Log1p
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos => return Ok(None),
    }))
}
