//! Formulas as elementwise graph operations.

use crate::error::{Error, Result};
use crate::formula::{Case, Comparison, Constant, Expression, Function, Relation, Sign, Term};
use crate::graph::op::{Activation, Arithmetic};
use crate::graph::{Builder, NodeId};

/// Appends `formula` of the one variable `z`, elementwise, and returns its node: of `z`'s shape, also where the
/// formula is constant.
///
/// Parts without the variable are computed once, in f64. A comparison `a ≥ b` becomes `not b − a > 0`, so a NaN
/// takes the first case there and the next one for `>` and `<`.
pub(super) fn lower(formula: &Expression, builder: &mut Builder, z: NodeId) -> Result<NodeId> {
    let value = part(formula, builder, z)?;
    let shape = builder.shape(z).clone();
    builder.broadcast(value, shape)
}

fn part(formula: &Expression, builder: &mut Builder, z: NodeId) -> Result<NodeId> {
    if formula.variables().is_empty() {
        return constant(formula, builder);
    }
    match formula {
        Expression::Number(_) | Expression::Constant(_) => constant(formula, builder),
        Expression::Variable(_) => Ok(z),
        Expression::Negative(value) => {
            let value = part(value, builder, z)?;
            builder.activation(Activation::Negate, value)
        }
        Expression::Sum(terms) => sum(terms, builder, z),
        Expression::Product(factors) => chain(Arithmetic::Mul, factors, builder, z),
        Expression::Max(values) => chain(Arithmetic::Maximum, values, builder, z),
        Expression::Min(values) => chain(Arithmetic::Minimum, values, builder, z),
        Expression::Quotient(numerator, denominator) => {
            let inverse = evaluated(numerator) == Some(1.0);
            let below = part(denominator, builder, z)?;
            if inverse {
                return builder.activation(Activation::Reciprocal, below);
            }
            let above = part(numerator, builder, z)?;
            builder.div(above, below)
        }
        Expression::Power(base, exponent) => power(base, exponent, builder, z),
        Expression::Call(function, argument) => {
            let argument = part(argument, builder, z)?;
            call(*function, argument, builder)
        }
        Expression::Piecewise(cases, otherwise) => piecewise(cases, otherwise, builder, z),
    }
}

/// The value of a formula without variables.
fn evaluated(formula: &Expression) -> Option<f64> {
    if formula.variables().is_empty() { formula.evaluate(&[]).ok() } else { None }
}

fn constant(formula: &Expression, builder: &mut Builder) -> Result<NodeId> {
    let value = formula.evaluate(&[])?;
    if !value.is_finite() {
        return Err(Error::usage(format!("the formula's part {formula} is {value}"))
            .help("write a formula whose constants are finite"));
    }
    builder.constant(value)
}

fn sum(terms: &[Term], builder: &mut Builder, z: NodeId) -> Result<NodeId> {
    let mut total: Option<NodeId> = None;
    for Term { sign, value } in terms {
        let value = part(value, builder, z)?;
        total = Some(match (total, sign) {
            (None, Sign::Plus) => value,
            (None, Sign::Minus) => builder.activation(Activation::Negate, value)?,
            (Some(total), Sign::Plus) => builder.add(total, value)?,
            (Some(total), Sign::Minus) => builder.sub(total, value)?,
        });
    }
    total.map_or_else(|| builder.constant(0.0), Ok)
}

fn chain(
    op: Arithmetic,
    values: &[Expression],
    builder: &mut Builder,
    z: NodeId,
) -> Result<NodeId> {
    let mut joined: Option<NodeId> = None;
    for value in values {
        let value = part(value, builder, z)?;
        joined = Some(match joined {
            None => value,
            Some(before) => builder.arithmetic(op, &[before, value])?,
        });
    }
    joined.map_or_else(|| Err(Error::usage("a product of no factors")), Ok)
}

fn power(
    base: &Expression,
    exponent: &Expression,
    builder: &mut Builder,
    z: NodeId,
) -> Result<NodeId> {
    if *base == Expression::Constant(Constant::E) {
        let exponent = part(exponent, builder, z)?;
        return builder.activation(Activation::Exp, exponent);
    }
    let base = part(base, builder, z)?;
    // Small whole powers are products: faster than a logarithm, and right for a negative base's derivative.
    let whole = evaluated(exponent);
    if whole == Some(1.0) {
        return Ok(base);
    }
    if whole == Some(2.0) {
        return builder.activation(Activation::Square, base);
    }
    if whole == Some(3.0) || whole == Some(4.0) {
        let square = builder.activation(Activation::Square, base)?;
        return match whole {
            Some(3.0) => builder.mul(square, base),
            _ => builder.activation(Activation::Square, square),
        };
    }
    if whole == Some(-1.0) {
        return builder.activation(Activation::Reciprocal, base);
    }
    let exponent = part(exponent, builder, z)?;
    builder.arithmetic(Arithmetic::Power, &[base, exponent])
}

fn call(function: Function, z: NodeId, builder: &mut Builder) -> Result<NodeId> {
    let activation = match function {
        Function::Exp => Activation::Exp,
        Function::Log => Activation::Log,
        Function::Log2 => return scaled_log(std::f64::consts::LN_2, z, builder),
        Function::Log10 => return scaled_log(std::f64::consts::LN_10, z, builder),
        Function::Log1p => Activation::Log1p,
        Function::Expm1 => Activation::Expm1,
        Function::Sqrt => Activation::Sqrt,
        Function::Sin => Activation::Sin,
        Function::Cos => Activation::Cos,
        Function::Tan => Activation::Tan,
        Function::Asin => Activation::Asin,
        Function::Acos => Activation::Acos,
        Function::Atan => Activation::Atan,
        Function::Sinh => Activation::Sinh,
        Function::Cosh => Activation::Cosh,
        Function::Tanh => Activation::Tanh,
        Function::Sigmoid => Activation::Sigmoid,
        // Beyond 40 the identity is the nearest number to ln(1 + e^z), even in f64.
        Function::Softplus => Activation::Softplus { beta: 1.0, threshold: 40.0 },
        Function::Relu => Activation::Relu,
        Function::Abs => Activation::Abs,
        Function::Sign => Activation::Sign,
        Function::Erf => Activation::Erf,
        Function::Silu => Activation::Silu,
        Function::Gelu => Activation::Gelu,
        Function::Mish => Activation::Mish,
        Function::LogSigmoid => Activation::LogSigmoid,
        Function::Softsign => Activation::Softsign,
    };
    builder.activation(activation, z)
}

fn scaled_log(divisor: f64, z: NodeId, builder: &mut Builder) -> Result<NodeId> {
    let logarithm = builder.activation(Activation::Log, z)?;
    let divisor = builder.constant(divisor)?;
    builder.div(logarithm, divisor)
}

fn piecewise(
    cases: &[Case],
    otherwise: &Expression,
    builder: &mut Builder,
    z: NodeId,
) -> Result<NodeId> {
    let mut value = part(otherwise, builder, z)?;
    for Case { condition: Comparison { left, relation, right }, value: chosen } in
        cases.iter().rev()
    {
        let chosen = part(chosen, builder, z)?;
        let (left, right) = (part(left, builder, z)?, part(right, builder, z)?);
        // `Select` asks for a condition above 0, and a difference of floats has the sign of their comparison.
        let (condition, holds, fails) = match relation {
            Relation::Greater => (builder.sub(left, right)?, chosen, value),
            Relation::Less => (builder.sub(right, left)?, chosen, value),
            Relation::GreaterEqual => (builder.sub(right, left)?, value, chosen),
            Relation::LessEqual => (builder.sub(left, right)?, value, chosen),
        };
        value = builder.arithmetic(Arithmetic::Select, &[condition, holds, fails])?;
    }
    Ok(value)
}
