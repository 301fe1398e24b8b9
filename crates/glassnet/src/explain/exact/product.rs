//! Matrix products: constants over a common denominator, what moves by merging.

use num_bigint::BigInt;
use num_traits::{One, ToPrimitive, Zero};
use std::sync::Arc;

use super::evaluate::{Found, Step, Value};
use super::function::{Function, Jump, compare, merged};
use super::number::{Rational, plus};
use super::polynomial::Polynomial;
use crate::graph::op::Linear;

pub(super) fn evaluate(step: &Step<'_>, op: Linear) -> Found {
    let Some(operands) = step.exact() else { return Ok((step.passed_on(), false)) };
    let (a_rows, a_columns) = as_matrix(&step.shape(step.operand(0)));
    let (b_rows, b_columns) = as_matrix(&step.shape(step.operand(1)));
    let (transpose_a, transpose_b) = match op {
        Linear::Affine => (false, true),
        Linear::MatMul { transpose_a, transpose_b } => (transpose_a, transpose_b),
    };
    let left = vectors(operands[0], a_rows, a_columns, transpose_a);
    // The right side's vectors run along `k` as well: its columns, unless it is transposed.
    let right = vectors(operands[1], b_rows, b_columns, !transpose_b);
    let bias = operands.get(2).copied();
    let mut elements = Vec::with_capacity(left.len() * right.len());
    for row in &left {
        for (index, column) in right.iter().enumerate() {
            elements.push(dot(row, column, bias.map(|bias| &bias[index])));
        }
    }
    Ok((Value::Exact(elements), false))
}

fn as_matrix(shape: &[usize]) -> (usize, usize) {
    match shape.split_last() {
        Some((&columns, leading)) => (leading.iter().product(), columns),
        None => (1, 1),
    }
}

/// A row or column of a matrix, made ready for many products.
struct Vector<'a> {
    elements: Vec<&'a Function>,
    /// The constants over `denominator`; 0 where an element moves.
    numerators: Vec<BigInt>,
    /// The same where they fit, with the bits of the largest.
    small: Option<(Vec<i128>, u64)>,
    denominator: BigInt,
    /// Which elements move.
    moving: Vec<usize>,
    /// Their changes in order of the places, with the element's index.
    jumps: Vec<(usize, &'a Jump)>,
}

fn vectors(elements: &[Function], rows: usize, columns: usize, by_column: bool) -> Vec<Vector<'_>> {
    if by_column {
        (0..columns)
            .map(|column| Vector::new((0..rows).map(|row| &elements[row * columns + column])))
            .collect()
    } else {
        (0..rows)
            .map(|row| Vector::new(elements[row * columns..(row + 1) * columns].iter()))
            .collect()
    }
}

impl<'a> Vector<'a> {
    fn new(elements: impl Iterator<Item = &'a Function>) -> Self {
        let elements: Vec<&Function> = elements.collect();
        let constants: Vec<Option<Rational>> =
            elements.iter().map(|element| element.as_constant()).collect();
        let mut denominator = BigInt::one();
        for constant in constants.iter().flatten() {
            if !(&denominator % constant.denom()).is_zero() {
                let common = Rational::new(denominator.clone(), constant.denom().clone());
                // lcm(d, c) = d · (c / gcd(d, c)), and the reduced fraction's denominator is c / gcd.
                denominator *= common.denom();
            }
        }
        let numerator = |constant: &Option<Rational>| match constant {
            Some(value) => value.numer() * (&denominator / value.denom()),
            None => BigInt::zero(),
        };
        let numerators: Vec<BigInt> = constants.iter().map(numerator).collect();
        let bits = numerators.iter().map(BigInt::bits).max().unwrap_or(0);
        let small = numerators.iter().map(BigInt::to_i128).collect::<Option<Vec<_>>>();
        let moving: Vec<usize> =
            (0..elements.len()).filter(|&index| constants[index].is_none()).collect();
        let mut jumps: Vec<(usize, &Jump)> = moving
            .iter()
            .flat_map(|&index| elements[index].jumps().iter().map(move |jump| (index, jump)))
            .collect();
        jumps.sort_by(|a, b| compare(&a.1.at, &b.1.at));
        let small = small.map(|small| (small, bits));
        Vector { elements, numerators, small, denominator, moving, jumps }
    }

    fn constant(&self, index: usize) -> Option<Rational> {
        self.elements[index].as_constant()
    }
}

/// `Σ aₖ·bₖ + bias`.
fn dot(a: &Vector<'_>, b: &Vector<'_>, bias: Option<&Function>) -> Function {
    let constant = Function::constant(constant_dot(a, b));
    let fixed_bias = Function::default();
    let bias = bias.unwrap_or(&fixed_bias);
    if a.moving.is_empty() && b.moving.is_empty() {
        return match bias.as_constant() {
            Some(bias) => Function::constant(plus(&constant.first().constant_term(), &bias)),
            None => Function::sum([(Rational::one(), &constant), (Rational::one(), bias)]),
        };
    }
    let (moving, fixed) = if b.moving.is_empty() { (a, b) } else { (b, a) };
    if fixed.moving.is_empty() && bias.is_constant() {
        return weighted(moving, fixed, constant.first().plus(bias.first()));
    }
    let mut products: Vec<Function> = vec![];
    for index in 0..a.elements.len() {
        if !a.elements[index].is_constant() || !b.elements[index].is_constant() {
            products.push(a.elements[index].times(b.elements[index]));
        }
    }
    let terms = products.iter().chain([&constant, bias]);
    Function::sum(terms.map(|function| (Rational::one(), function)))
}

/// The sum of the moving elements, each with the factor that stands against it, and `constant`.
fn weighted(moving: &Vector<'_>, fixed: &Vector<'_>, constant: Polynomial) -> Function {
    let factors: Vec<Option<Rational>> = {
        let mut factors = vec![None; fixed.elements.len()];
        for &index in &moving.moving {
            factors[index] = fixed.constant(index).filter(|factor| !factor.is_zero());
        }
        factors
    };
    let mut first = constant;
    for &index in &moving.moving {
        if let Some(factor) = &factors[index] {
            first = first.plus(&moving.elements[index].first().times_constant(factor));
        }
    }
    let mut jumps = Vec::with_capacity(moving.jumps.len());
    for &(index, jump) in &moving.jumps {
        if let Some(factor) = &factors[index] {
            jumps.push(Jump {
                at: Arc::clone(&jump.at),
                change: jump.change.times_constant(factor),
            });
        }
    }
    Function::from_jumps(first, merged(jumps))
}

fn constant_dot(a: &Vector<'_>, b: &Vector<'_>) -> Rational {
    let length_bits = u64::from(usize::BITS - a.elements.len().leading_zeros());
    let sum = match (&a.small, &b.small) {
        (Some((left, left_bits)), Some((right, right_bits)))
            if left_bits + right_bits + length_bits < 126 =>
        {
            BigInt::from(left.iter().zip(right).map(|(x, y)| x * y).sum::<i128>())
        }
        (Some(_) | None, Some(_) | None) => {
            a.numerators.iter().zip(&b.numerators).map(|(x, y)| x * y).sum()
        }
    };
    if sum.is_zero() {
        return Rational::zero();
    }
    Rational::new_raw(sum, &a.denominator * &b.denominator)
}
