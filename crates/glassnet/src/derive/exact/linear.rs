//! A formula as a linear combination of others with rational coefficients, found by elimination.

use super::convert::Converter;
use super::field::{Fraction, Obstacle};
use super::polynomial::Monomial;
use crate::formula::Expression;
use num_rational::BigRational;
use num_traits::Zero;
use std::collections::BTreeMap;

/// The coefficients with which `target` is the sum of the `basis`, if there are such; where there are several
/// ways, later formulas of the basis get zero.
pub(crate) fn combination(target: &Expression, basis: &[Expression]) -> Option<Vec<BigRational>> {
    let mut converter = Converter::default();
    for _ in 0..8 {
        converter.field.learnt = false;
        converter.but_for_joints = false;
        let found = attempt(&mut converter, target, basis);
        if converter.field.outdated {
            converter.field.restart();
            continue;
        }
        if converter.field.learnt {
            continue;
        }
        return found.ok().flatten().filter(|_| !converter.but_for_joints);
    }
    None
}

fn attempt(
    converter: &mut Converter,
    target: &Expression,
    basis: &[Expression],
) -> Result<Option<Vec<BigRational>>, Obstacle> {
    let mut columns = vec![];
    for tree in basis.iter().chain([target]) {
        columns.push(converter.convert(tree, None)?);
    }
    // Over one denominator: a·D for each, D the product of the largest powers.
    let mut bottom: BTreeMap<usize, u32> = BTreeMap::new();
    for column in &columns {
        for (factor, exponent) in &column.bottom {
            let own = bottom.entry(*factor).or_insert(0);
            *own = (*own).max(*exponent);
        }
    }
    let mut scale = Fraction::integer(1);
    for (factor, exponent) in bottom {
        for _ in 0..exponent {
            let own = Fraction::polynomial(converter.field.factor(factor).clone());
            scale = converter.field.times(&scale, &own)?;
        }
    }
    let mut rows: BTreeMap<Monomial, Vec<BigRational>> = BTreeMap::new();
    let width = columns.len();
    for (place, column) in columns.iter().enumerate() {
        let whole = converter.field.times(column, &scale)?;
        if !whole.bottom.is_empty() {
            return Ok(None);
        }
        for (monomial, coefficient) in whole.top.0 {
            let row = rows.entry(monomial).or_insert_with(|| vec![BigRational::zero(); width]);
            row[place] = coefficient;
        }
    }
    Ok(solve(rows.into_values().collect(), width - 1))
}

/// Gauss–Jordan over the rationals; the last column is the right side.
fn solve(mut rows: Vec<Vec<BigRational>>, unknowns: usize) -> Option<Vec<BigRational>> {
    let mut pivots = vec![];
    let mut next = 0;
    for column in 0..unknowns {
        let Some(found) = (next..rows.len()).find(|row| !rows[*row][column].is_zero()) else {
            continue;
        };
        rows.swap(next, found);
        let lead = rows[next][column].clone();
        for value in &mut rows[next] {
            *value /= &lead;
        }
        let own = rows[next].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            if i != next && !row[column].is_zero() {
                let factor = row[column].clone();
                for (value, base) in row.iter_mut().zip(&own) {
                    *value -= &factor * base;
                }
            }
        }
        pivots.push(column);
        next += 1;
    }
    let solvable = rows[next.min(rows.len())..].iter().all(|row| row[unknowns].is_zero());
    if !solvable {
        return None;
    }
    let mut solution = vec![BigRational::zero(); unknowns];
    for (row, column) in pivots.into_iter().enumerate() {
        solution[column] = rows[row][unknowns].clone();
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::parse;

    #[test]
    fn derivatives_are_combinations_of_the_function() {
        let check = |target: &str, basis: &[&str], expected: &str| {
            let basis: Vec<_> = basis.iter().map(|text| parse(text).unwrap()).collect();
            let found = combination(&parse(target).unwrap(), &basis);
            let shown = found.map_or("none".into(), |found| {
                found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            });
            assert_eq!(shown, expected);
        };
        check("4exp(2z)/(exp(2z)+1)^2", &["1", "tanh(z)", "tanh(z)^2"], "1 0 -1");
        check("exp(-z)/(1+exp(-z))^2", &["1", "sigmoid(z)", "sigmoid(z)^2"], "0 1 -1");
        check("6exp(3z)/(exp(3z)+1)^2", &["1", "((exp(3z)-1)/(exp(3z)+1))^2"], "3/2 -3/2");
        check("sin(z)", &["1", "cos(z)"], "none");
    }
}
