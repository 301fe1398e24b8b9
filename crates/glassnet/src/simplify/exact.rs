//! Fractions: how weights become exact, and back to the nearest f32; systems of linear equations.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::error::{Error, Result};

/// A fraction.
pub(super) type Ratio = BigRational;

/// A prime below 2^61, for ranks.
const PRIME: u64 = (1 << 61) - 1;

pub(super) fn exact(value: f64) -> Result<Ratio> {
    BigRational::from_float(value).ok_or_else(|| {
        Error::model(format!("a weight is {value}")).help("replace it, or train again")
    })
}

/// The nearest f64.
pub(super) fn near(value: &Ratio) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

/// The nearest f32, with the rounding to f64 between, which moves ties at most.
pub(super) fn rounded(value: &Ratio) -> f32 {
    near(value) as f32
}

/// As a certificate writes it.
pub(super) fn text(value: &Ratio) -> String {
    if value.is_integer() { value.numer().to_string() } else { value.to_string() }
}

pub(super) fn texts(values: &[Ratio]) -> Vec<String> {
    values.iter().map(text).collect()
}

/// `value mod PRIME`; `None` where the denominator is a multiple of it.
fn residue(value: &Ratio) -> Option<u64> {
    let prime = BigInt::from(PRIME);
    let modulo = |number: &BigInt| {
        let rest: BigInt = ((number % &prime) + &prime) % &prime;
        rest.to_u64()
    };
    let (above, below) = (modulo(value.numer())?, modulo(value.denom())?);
    (below != 0).then(|| multiply(above, power(below, PRIME - 2)))
}

fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

/// Rows that are independent (of the first kind that comes), and a column in which each is the first to count: found
/// modulo a prime, so that they are independent over the fractions too; rows left out are dependent but for a chance
/// of about 2⁻⁶⁰, which who uses the answer checks.
pub(super) fn independent(rows: &[&[Ratio]]) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut reduced: Vec<(usize, Vec<u64>)> = vec![];
    let mut chosen = vec![];
    for (number, row) in rows.iter().enumerate() {
        let mut row: Vec<u64> = row.iter().map(residue).collect::<Option<_>>()?;
        for (pivot, other) in &reduced {
            let factor = row[*pivot];
            if factor != 0 {
                for (value, other) in row.iter_mut().zip(other) {
                    *value = (*value + PRIME - multiply(factor, *other)) % PRIME;
                }
            }
        }
        if let Some(pivot) = row.iter().position(|value| *value != 0) {
            let inverse = power(row[pivot], PRIME - 2);
            row.iter_mut().for_each(|value| *value = multiply(*value, inverse));
            reduced.push((pivot, row));
            chosen.push(number);
        }
    }
    Some((chosen, reduced.into_iter().map(|(pivot, _)| pivot).collect()))
}

/// The factors with which the rows of `basis` add up to `target`, looking at the columns `pivots` only; `None` where
/// there are none that are right in every column.
pub(super) fn combination(
    basis: &[&[Ratio]],
    pivots: &[usize],
    target: &[Ratio],
) -> Option<Vec<Ratio>> {
    let size = basis.len();
    // Column j of the system is basis row j at the pivots.
    let mut system: Vec<Vec<Ratio>> = pivots
        .iter()
        .map(|&pivot| {
            basis.iter().map(|row| row[pivot].clone()).chain([target[pivot].clone()]).collect()
        })
        .collect();
    for at in 0..size {
        let lead = (at..size).find(|&row| !system[row][at].is_zero())?;
        system.swap(at, lead);
        let inverse = system[at][at].recip();
        system[at].iter_mut().for_each(|value| *value *= &inverse);
        let pivot_row = system[at].clone();
        for (row, values) in system.iter_mut().enumerate() {
            if row != at && !values[at].is_zero() {
                let factor = values[at].clone();
                for (value, other) in values.iter_mut().zip(&pivot_row).skip(at) {
                    *value -= &factor * other;
                }
            }
        }
    }
    let factors: Vec<Ratio> = system.into_iter().map(|mut row| row.swap_remove(size)).collect();
    let right = (0..target.len()).all(|column| {
        let sum: Ratio = factors.iter().zip(basis).map(|(factor, row)| factor * &row[column]).sum();
        sum == target[column]
    });
    right.then_some(factors)
}

/// The factor s > 0 with which `b = s·a`.
pub(super) fn proportion(a: &[Ratio], b: &[Ratio]) -> Option<Ratio> {
    let lead = a.iter().position(|value| !value.is_zero())?;
    let scale = &b[lead] / &a[lead];
    let proportional = scale.is_positive() && a.iter().zip(b).all(|(a, b)| &scale * a == *b);
    proportional.then_some(scale)
}

pub(super) fn one() -> Ratio {
    Ratio::one()
}

pub(super) fn zero() -> Ratio {
    Ratio::zero()
}
