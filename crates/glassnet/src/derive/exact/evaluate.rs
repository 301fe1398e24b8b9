//! A formula's value as an enclosure, with what is undefined kept apart from what cannot be told.

use super::fixed::Ball;
use crate::formula::{Constant, Expression, Function, Relation, Sign};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Zero};
use std::cmp::Ordering;

/// Why there is no enclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// The formula has no real value there.
    Undefined,
    /// The value is too large, or the arithmetic cannot tell on which side of a kink, pole or end of a domain it is.
    Unclear,
}

/// A point: a value for every variable.
pub(super) type Point = [(String, Ball)];

/// The exact value of a number as it is written.
pub(super) fn number(text: &str) -> BigRational {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    let digits = digits.parse::<BigInt>().unwrap_or_default();
    // A number is within f64's range, so its exponent is small.
    let places = exponent.parse::<i64>().unwrap_or(0) - fraction.len() as i64;
    let scale = BigInt::from(10).pow(places.unsigned_abs().min(100_000) as u32);
    match places {
        0.. => BigRational::from_integer(digits * scale),
        _ => BigRational::new(digits, scale),
    }
}

/// The exact value of a formula of numbers by the four operations and whole powers.
pub(crate) fn rational(tree: &Expression) -> Option<BigRational> {
    match tree {
        Expression::Number(own) => Some(number(own.as_str())),
        Expression::Negative(value) => Some(-rational(value)?),
        Expression::Sum(terms) => terms.iter().try_fold(BigRational::zero(), |sum, term| {
            let value = rational(&term.value)?;
            Some(if term.sign == Sign::Plus { sum + value } else { sum - value })
        }),
        Expression::Product(parts) => parts
            .iter()
            .try_fold(BigRational::one(), |product, part| Some(product * rational(part)?)),
        Expression::Quotient(left, right) => {
            let right = rational(right)?;
            (!right.is_zero()).then_some(())?;
            Some(rational(left)? / right)
        }
        Expression::Power(base, exponent) => {
            let (base, exponent) = (rational(base)?, rational(exponent)?);
            let whole = i32::try_from(exponent.to_integer()).ok()?;
            if !exponent.is_integer() || whole.abs() > 64 || (base.is_zero() && whole < 0) {
                return None;
            }
            Some(base.pow(whole))
        }
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => None,
    }
}

/// The value of `tree` at `point`.
pub(super) fn evaluate(tree: &Expression, point: &Point) -> Result<Ball, Gap> {
    let at = |tree: &Expression| evaluate(tree, point);
    match tree {
        Expression::Number(own) => Ok(Ball::rational(&number(own.as_str()))),
        Expression::Constant(Constant::Pi) => Ok(Ball::pi()),
        Expression::Constant(Constant::E) => Ball::integer(1).exp().ok_or(Gap::Unclear),
        Expression::Variable(name) => {
            let found = point.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.clone()).ok_or(Gap::Undefined)
        }
        Expression::Negative(value) => Ok(at(value)?.negative()),
        Expression::Sum(terms) => terms.iter().try_fold(Ball::integer(0), |sum, term| {
            let value = at(&term.value)?;
            Ok(if term.sign == Sign::Plus { sum.plus(&value) } else { sum.minus(&value) })
        }),
        Expression::Product(parts) => parts.iter().try_fold(Ball::integer(1), |product, part| {
            product.times(&at(part)?).ok_or(Gap::Unclear)
        }),
        Expression::Quotient(left, right) => quotient(&at(left)?, &at(right)?),
        Expression::Power(base, exponent) => power(base, exponent, point),
        Expression::Call(function, argument) => call(*function, &at(argument)?),
        Expression::Max(parts) | Expression::Min(parts) => {
            let better = match tree {
                Expression::Min(_) => Ordering::Less,
                _ => Ordering::Greater, // not operations: the other of the two arms
            };
            let mut best: Option<Ball> = None;
            for part in parts {
                let value = at(part)?;
                best = Some(match best {
                    None => value,
                    Some(best) => match value.order(&best).ok_or(Gap::Unclear)? {
                        order if order == better => value,
                        _ => best,
                    },
                });
            }
            best.ok_or(Gap::Undefined)
        }
        Expression::Piecewise(cases, otherwise) => {
            for case in cases {
                let (left, right) = (at(&case.condition.left)?, at(&case.condition.right)?);
                let order = left.order(&right).ok_or(Gap::Unclear)?;
                if holds(case.condition.relation, order) {
                    return at(&case.value);
                }
            }
            at(otherwise)
        }
    }
}

/// Whether two numbers in this order stand in the relation.
pub(super) fn holds(relation: Relation, order: Ordering) -> bool {
    relation.holds(order as i8, 0)
}

fn quotient(left: &Ball, right: &Ball) -> Result<Ball, Gap> {
    match right.sign() {
        Some(Ordering::Equal) => Err(Gap::Undefined),
        _ => left.over(right).ok_or(Gap::Unclear),
    }
}

fn power(base: &Expression, exponent: &Expression, point: &Point) -> Result<Ball, Gap> {
    if *base == Expression::Constant(Constant::E) {
        return evaluate(exponent, point)?.exp().ok_or(Gap::Unclear);
    }
    let base = evaluate(base, point)?;
    let whole = match rational(exponent) {
        Some(value) if value.is_integer() => i64::try_from(value.to_integer()).ok(),
        Some(_) => None,
        None => evaluate(exponent, point)?.whole(),
    };
    if let Some(whole) = whole {
        if whole < 0 && base.sign() == Some(Ordering::Equal) {
            return Err(Gap::Undefined);
        }
        return base.power(whole).ok_or(Gap::Unclear);
    }
    let exponent = evaluate(exponent, point)?;
    match (base.sign(), exponent.sign()) {
        (Some(Ordering::Greater), _) => {
            base.ln().and_then(|log| log.times(&exponent)?.exp()).ok_or(Gap::Unclear)
        }
        (Some(Ordering::Equal), Some(Ordering::Greater)) => Ok(Ball::integer(0)),
        (Some(Ordering::Equal), Some(Ordering::Less)) | (Some(Ordering::Less), _) => {
            Err(Gap::Undefined)
        }
        (Some(Ordering::Equal), Some(Ordering::Equal) | None) | (None, _) => Err(Gap::Unclear),
    }
}

fn logarithm(value: &Ball) -> Result<Ball, Gap> {
    match value.sign() {
        Some(Ordering::Greater) => value.ln().ok_or(Gap::Unclear),
        Some(Ordering::Less | Ordering::Equal) => Err(Gap::Undefined),
        None => Err(Gap::Unclear),
    }
}

fn root(value: &Ball) -> Result<Ball, Gap> {
    match value.sign() {
        Some(Ordering::Less) => Err(Gap::Undefined),
        _ => value.sqrt().ok_or(Gap::Unclear),
    }
}

fn sign(value: &Ball) -> Result<i64, Gap> {
    Ok(value.sign().ok_or(Gap::Unclear)? as i64)
}

fn arcsine(z: &Ball) -> Result<Ball, Gap> {
    let one = Ball::integer(1);
    let rest = one.minus(&z.times(z).ok_or(Gap::Unclear)?);
    match rest.sign() {
        Some(Ordering::Greater) => {
            z.over(&root(&rest)?).and_then(|tangent| tangent.atan()).ok_or(Gap::Unclear)
        }
        Some(Ordering::Less) => Err(Gap::Undefined),
        Some(Ordering::Equal) | None => Err(Gap::Unclear),
    }
}

fn call(function: Function, z: &Ball) -> Result<Ball, Gap> {
    let one = Ball::integer(1);
    let unclear = |value: Option<Ball>| value.ok_or(Gap::Unclear);
    let by_definition = || {
        let definition = function.definition().ok_or(Gap::Unclear)?;
        evaluate(definition, &[("z".to_string(), z.clone())])
    };
    match function {
        Function::Exp => unclear(z.exp()),
        Function::Expm1 => Ok(unclear(z.exp())?.minus(&one)),
        Function::Log => logarithm(z),
        Function::Log1p => logarithm(&one.plus(z)),
        Function::Log2 => quotient(&logarithm(z)?, &logarithm(&Ball::integer(2))?),
        Function::Log10 => quotient(&logarithm(z)?, &logarithm(&Ball::integer(10))?),
        Function::Sqrt => root(z),
        Function::Sin => unclear(z.sin_cos().map(|(sin, _)| sin)),
        Function::Cos => unclear(z.sin_cos().map(|(_, cos)| cos)),
        Function::Tan => {
            let (sin, cos) = z.sin_cos().ok_or(Gap::Unclear)?;
            quotient(&sin, &cos)
        }
        Function::Asin => arcsine(z),
        Function::Acos => {
            let half = Ball::pi().over(&Ball::integer(2)).ok_or(Gap::Unclear)?;
            Ok(half.minus(&arcsine(z)?))
        }
        Function::Atan => unclear(z.atan()),
        Function::Erf => unclear(z.erf()),
        Function::Abs => unclear(z.times(&Ball::integer(sign(z)?))),
        Function::Sign => Ok(Ball::integer(sign(z)?)),
        Function::Relu => Ok(if sign(z)? > 0 { z.clone() } else { Ball::integer(0) }),
        Function::Softsign => {
            let size = unclear(z.times(&Ball::integer(sign(z)?)))?;
            quotient(z, &one.plus(&size))
        }
        Function::Sinh
        | Function::Cosh
        | Function::Tanh
        | Function::Sigmoid
        | Function::Softplus
        | Function::Silu
        | Function::Gelu
        | Function::Mish
        | Function::LogSigmoid => by_definition(),
    }
}
