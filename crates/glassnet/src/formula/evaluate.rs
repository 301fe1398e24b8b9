//! Values in f64, the same bits on every machine.

use super::expression::{Constant, Expression, Sign};
use super::function::Function;
use crate::error::{Error, Result};

impl Expression {
    /// The value with the variables bound by name.
    ///
    /// # Numerics
    /// Sums and products run from left to right; `e^…` is the exponential function; functions are libm's, or
    /// forms of them without overflow and cancellation (see [`Function::evaluate`]). Outside a function's domain
    /// the value is NaN or infinite, as in IEEE arithmetic; `max`, `min` and `relu` pass NaN on, as PyTorch's do,
    /// and a comparison with NaN does not hold.
    ///
    /// # Errors
    /// A variable that `values` does not name.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("b*tanh(c*z)")?;
    /// assert_eq!(formula.evaluate(&[("b", 2.0), ("c", 0.5), ("z", 1.0)])?, 2.0 * libm::tanh(0.5));
    /// assert!(formula.evaluate(&[("z", 1.0)]).is_err());
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn evaluate(&self, values: &[(&str, f64)]) -> Result<f64> {
        let at = |tree: &Expression| tree.evaluate(values);
        Ok(match self {
            Expression::Number(number) => number.to_f64(),
            Expression::Constant(constant) => constant.to_f64(),
            Expression::Variable(name) => lookup(name, values)?,
            Expression::Negative(value) => -at(value)?,
            Expression::Sum(terms) => {
                let mut sum = 0.0;
                for (i, term) in terms.iter().enumerate() {
                    let value = at(&term.value)?;
                    let value = if term.sign == Sign::Plus { value } else { -value };
                    sum = if i == 0 { value } else { sum + value };
                }
                sum
            }
            Expression::Product(parts) => {
                parts.iter().try_fold(1.0, |product, part| at(part).map(|value| product * value))?
            }
            Expression::Quotient(left, right) => at(left)? / at(right)?,
            Expression::Power(base, exponent) => match base.as_ref() {
                Expression::Constant(Constant::E) => libm::exp(at(exponent)?),
                base => power(at(base)?, at(exponent)?),
            },
            Expression::Call(function, argument) => function.evaluate(at(argument)?),
            Expression::Max(parts) => pick(parts.iter().map(at), |new, best| new > best)?,
            Expression::Min(parts) => pick(parts.iter().map(at), |new, best| new < best)?,
            Expression::Piecewise(cases, otherwise) => {
                for case in cases {
                    let condition = &case.condition;
                    if condition.relation.holds(at(&condition.left)?, at(&condition.right)?) {
                        return at(&case.value);
                    }
                }
                at(otherwise)?
            }
        })
    }
}

fn lookup(name: &str, values: &[(&str, f64)]) -> Result<f64> {
    let found = values.iter().find(|(own, _)| *own == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let given: Vec<&str> = values.iter().map(|(own, _)| *own).collect();
        Error::usage(format!("the variable '{name}' has no value")).help(format!(
            "give one; there are values for: {}",
            if given.is_empty() { "none".to_string() } else { given.join(", ") }
        ))
    })
}

/// Squares and cubes by products, which are what a reader would compute.
fn power(base: f64, exponent: f64) -> f64 {
    match exponent {
        2.0 => base * base,
        3.0 => base * base * base,
        _ => libm::pow(base, exponent),
    }
}

fn pick(
    values: impl Iterator<Item = Result<f64>>,
    better: impl Fn(f64, f64) -> bool,
) -> Result<f64> {
    let mut best: Option<f64> = None;
    for value in values {
        let value = value?;
        best = match best {
            Some(best) if !(value.is_nan() || better(value, best)) => Some(best),
            Some(best) if best.is_nan() => Some(best),
            _ => Some(value),
        };
    }
    Ok(best.unwrap_or(f64::NAN))
}

fn sigmoid(z: f64) -> f64 {
    // exp of a value that is not positive cannot overflow.
    if z >= 0.0 {
        1.0 / (1.0 + libm::exp(-z))
    } else {
        let small = libm::exp(z);
        small / (1.0 + small)
    }
}

fn softplus(z: f64) -> f64 {
    if z.is_nan() { z } else { z.max(0.0) + libm::log1p(libm::exp(-z.abs())) }
}

impl Function {
    /// The value at `z` in f64.
    ///
    /// # Numerics
    /// libm's function where there is one. σ(z) and softplus take exp of −|z| only; ln σ(z) is −softplus(−z);
    /// GELU is z·erfc(−z/√2)/2, which keeps its digits far left, where 1 + erf loses them.
    pub fn evaluate(self, z: f64) -> f64 {
        match self {
            Function::Exp => libm::exp(z),
            Function::Log => libm::log(z),
            Function::Log2 => libm::log2(z),
            Function::Log10 => libm::log10(z),
            Function::Log1p => libm::log1p(z),
            Function::Expm1 => libm::expm1(z),
            Function::Sqrt => libm::sqrt(z),
            Function::Sin => libm::sin(z),
            Function::Cos => libm::cos(z),
            Function::Tan => libm::tan(z),
            Function::Asin => libm::asin(z),
            Function::Acos => libm::acos(z),
            Function::Atan => libm::atan(z),
            Function::Sinh => libm::sinh(z),
            Function::Cosh => libm::cosh(z),
            Function::Tanh => libm::tanh(z),
            Function::Sigmoid => sigmoid(z),
            Function::Softplus => softplus(z),
            Function::Relu => {
                if z <= 0.0 {
                    0.0
                } else {
                    z
                }
            }
            Function::Abs => z.abs(),
            Function::Sign => {
                if z > 0.0 {
                    1.0
                } else if z < 0.0 {
                    -1.0
                } else {
                    z * 0.0
                }
            }
            Function::Erf => libm::erf(z),
            Function::Silu => z * sigmoid(z),
            Function::Gelu => 0.5 * z * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2),
            Function::Mish => z * libm::tanh(softplus(z)),
            Function::LogSigmoid => -softplus(-z),
            Function::Softsign => z / (1.0 + z.abs()),
        }
    }
}
