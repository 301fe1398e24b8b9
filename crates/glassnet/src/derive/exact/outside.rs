//! What the neighbours of the exact comparison use of it.

use super::evaluate::evaluate;
use super::fixed::Ball;
use super::pieces::{self, Place};
use crate::formula::Expression;
use num_rational::BigRational;
use num_traits::Zero;

/// (a, b) if the formula is a·variable + b with rational a and b.
pub(in crate::derive) fn affine(
    tree: &Expression,
    variable: &str,
) -> Option<(BigRational, BigRational)> {
    let polynomial = pieces::polynomial(tree, variable)?;
    let coefficient = |i: usize| polynomial.get(i).cloned().unwrap_or_else(BigRational::zero);
    (polynomial.len() <= 2).then(|| (coefficient(1), coefficient(0)))
}

/// The numbers at which something in the formula that is affine in the variable changes its sign, in order.
pub(in crate::derive) fn ordered_joints(tree: &Expression, variable: &str) -> Vec<BigRational> {
    let mut found = vec![];
    pieces::joints(tree, variable, &mut found);
    found.sort();
    found
}

/// The formula between two numbers, with what is decided there decided.
pub(in crate::derive) fn between(
    tree: &Expression,
    variable: &str,
    low: &Option<BigRational>,
    high: &Option<BigRational>,
) -> Expression {
    pieces::resolve(tree, variable, &Place::Between(low.clone(), high.clone()))
}

/// The value at a number, right to the last digit of f64; `None` where there is none or it can't be enclosed.
pub(in crate::derive) fn digits(
    tree: &Expression,
    variable: &str,
    at: &BigRational,
) -> Option<f64> {
    let point = [(variable.to_string(), Ball::rational(at))];
    let value = evaluate(tree, &point).ok()?;
    value.is_precise().then(|| value.to_f64())
}
