//! Is a formula zero everywhere? A test at several points: exactly in the rationals where that is possible,
//! else in f64 with an estimate of the rounding error.

use super::expression::{Expression, Sign};
use super::function::Function;
use super::number::Rational;
use std::collections::HashMap;

/// Values of the variables: of both signs, small and large, with common values such as 0, 1 and 2 avoided,
/// since many formulas that are not zero vanish there.
const POINTS: [(i128, i128); 14] = [
    (7, 5),
    (-7, 5),
    (1, 3),
    (-1, 3),
    (19, 7),
    (-19, 7),
    (11, 1),
    (-11, 1),
    (1, 1000),
    (-1, 1000),
    (301, 3),
    (-301, 3),
    (1_000_003, 7),
    (-1_000_003, 7),
];

/// True if `tree` has a value at one of the points at least, and is zero wherever it has one.
pub(super) fn is_zero_everywhere(tree: &Expression) -> bool {
    let names = tree.variables();
    let rounds = if names.is_empty() { 1 } else { POINTS.len() };
    let mut found = false;
    for round in 0..rounds {
        let point = names.iter().enumerate().map(|(i, name)| (name.as_str(), value(round, i)));
        match zero_at(tree, &point.collect()) {
            Some(false) => return false,
            Some(true) => found = true,
            None => {}
        }
    }
    found
}

/// A value for variable `i` in `round`; two variables never move together.
fn value(round: usize, i: usize) -> Rational {
    let (numerator, denominator) = POINTS[(round + 5 * i) % POINTS.len()];
    let value = Rational::new(numerator, denominator).unwrap_or(Rational::ONE);
    let shift = Rational::new(i as i128, 13).unwrap_or(Rational::ZERO);
    value.plus(shift).unwrap_or(value)
}

type Point<'a> = HashMap<&'a str, Rational>;

fn zero_at(tree: &Expression, point: &Point) -> Option<bool> {
    if let Some(value) = exact(tree, point) {
        return Some(value.is_zero());
    }
    let (value, error) = rounded(tree, point);
    (value.is_finite() && error.is_finite()).then(|| value.abs() <= 4.0 * error)
}

/// The value in the rationals; `None` where it is no rational, overflows, or does not exist.
fn exact(tree: &Expression, point: &Point) -> Option<Rational> {
    let at = |tree: &Expression| exact(tree, point);
    match tree {
        Expression::Number(number) => number.rational(),
        Expression::Constant(_) => None,
        Expression::Variable(name) => point.get(name.as_str()).copied(),
        Expression::Negative(value) => Some(at(value)?.negative()),
        Expression::Sum(terms) => terms.iter().try_fold(Rational::ZERO, |sum, term| {
            let value = at(&term.value)?;
            match term.sign {
                Sign::Plus => sum.plus(value),
                Sign::Minus => sum.minus(value),
            }
        }),
        Expression::Product(parts) => {
            parts.iter().try_fold(Rational::ONE, |product, part| product.times(at(part)?))
        }
        Expression::Quotient(left, right) => at(left)?.over(at(right)?),
        Expression::Power(base, exponent) => {
            let exponent = at(exponent)?;
            let whole = i32::try_from(exponent.numerator()).ok()?;
            (exponent.denominator() == 1).then(|| at(base)?.power(whole)).flatten()
        }
        Expression::Call(function, argument) => exact_call(*function, at(argument)?),
        Expression::Max(parts) | Expression::Min(parts) => {
            let mut values = parts.iter().map(at);
            let first = values.next()??;
            let least = matches!(tree, Expression::Min(_));
            values.try_fold(first, |best, value| {
                let value = value?;
                Some(if value.compare(best)?.is_lt() == least { value } else { best })
            })
        }
        Expression::Piecewise(cases, otherwise) => {
            for case in cases {
                let order = at(&case.condition.left)?.compare(at(&case.condition.right)?)?;
                if case.condition.relation.holds(order as i8, 0) {
                    return at(&case.value);
                }
            }
            at(otherwise)
        }
    }
}

fn exact_call(function: Function, value: Rational) -> Option<Rational> {
    let positive = value.numerator() > 0;
    match function {
        Function::Relu => Some(if positive { value } else { Rational::ZERO }),
        Function::Abs => Some(if positive { value } else { value.negative() }),
        Function::Sign => Rational::new(value.numerator().signum(), 1),
        Function::Softsign => {
            let size = if positive { value } else { value.negative() };
            value.over(size.plus(Rational::ONE)?)
        }
        Function::Exp
        | Function::Log
        | Function::Log2
        | Function::Log10
        | Function::Log1p
        | Function::Expm1
        | Function::Sqrt
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Sinh
        | Function::Cosh
        | Function::Tanh
        | Function::Sigmoid
        | Function::Softplus
        | Function::Erf
        | Function::Silu
        | Function::Gelu
        | Function::Mish
        | Function::LogSigmoid => None,
    }
}

/// The value in f64, and an estimate of its rounding error: each operation adds half a unit in the last place
/// (functions two), and passes on the errors of what it is applied to.
fn rounded(tree: &Expression, point: &Point) -> (f64, f64) {
    const UNIT: f64 = f64::EPSILON;
    let at = |tree: &Expression| rounded(tree, point);
    match tree {
        Expression::Number(number) => (number.to_f64(), UNIT * number.to_f64()),
        Expression::Constant(constant) => (constant.to_f64(), UNIT * constant.to_f64()),
        Expression::Variable(name) => {
            let value = point.get(name.as_str()).map_or(f64::NAN, |value| value.to_f64());
            (value, UNIT * value.abs())
        }
        Expression::Negative(value) => {
            let (value, error) = at(value);
            (-value, error)
        }
        Expression::Sum(terms) => terms.iter().fold((0.0, 0.0), |(sum, error), term| {
            let (value, own) = at(&term.value);
            let value = if term.sign == Sign::Plus { value } else { -value };
            (sum + value, error + own + UNIT * (sum + value).abs())
        }),
        Expression::Product(parts) => parts.iter().fold((1.0, 0.0), |(product, error), part| {
            let (value, own) = at(part);
            let next = product * value;
            (next, error * value.abs() + own * product.abs() + UNIT * next.abs())
        }),
        Expression::Quotient(left, right) => {
            let ((left, left_error), (right, right_error)) = (at(left), at(right));
            let value = left / right;
            let passed = (left_error + value.abs() * right_error) / right.abs();
            (value, passed + UNIT * value.abs())
        }
        Expression::Power(base, exponent) => {
            let ((base, base_error), (exponent, exponent_error)) = (at(base), at(exponent));
            let power = |base: f64, exponent: f64| libm::pow(base, exponent);
            let value = power(base, exponent);
            let by_base = spread(|shift| power(base + shift, exponent), base_error);
            let by_exponent = spread(|shift| power(base, exponent + shift), exponent_error);
            (value, by_base + by_exponent + 4.0 * UNIT * value.abs())
        }
        Expression::Call(function, argument) => {
            let (argument, error) = at(argument);
            let value = function.evaluate(argument);
            let passed = spread(|shift| function.evaluate(argument + shift), error);
            (value, passed + 4.0 * UNIT * value.abs())
        }
        Expression::Max(parts) | Expression::Min(parts) => {
            let greatest = matches!(tree, Expression::Max(_));
            let start = (if greatest { f64::NEG_INFINITY } else { f64::INFINITY }, 0.0);
            parts.iter().map(at).fold(start, |(best, error): (f64, f64), (value, own)| {
                let best = if greatest { best.max(value) } else { best.min(value) };
                (best, error.max(own))
            })
        }
        Expression::Piecewise(cases, otherwise) => {
            let holds = |case: &&super::expression::Case| {
                let condition = &case.condition;
                condition.relation.holds(at(&condition.left).0, at(&condition.right).0)
            };
            cases.iter().find(holds).map_or_else(|| at(otherwise), |case| at(&case.value))
        }
    }
}

/// How far `function` moves when its argument is off by `error` either way; 0 where it is undefined beside.
fn spread(function: impl Fn(f64) -> f64, error: f64) -> f64 {
    let here = function(0.0);
    let sides = [function(error) - here, function(-error) - here];
    sides.into_iter().map(f64::abs).filter(|size| size.is_finite()).fold(0.0, f64::max)
}
