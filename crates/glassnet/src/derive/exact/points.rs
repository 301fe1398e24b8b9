//! Points at which two formulas are looked at: readable numbers first, then more of both signs and many sizes.

use super::pieces::Place;
use num_bigint::BigInt;
use num_rational::BigRational;

/// Numerators and denominators; the denominators are powers of two, so that every number is a short binary one.
const FIRST: [(i64, i64); 16] = [
    (1, 1),
    (2, 1),
    (-1, 1),
    (1, 2),
    (-1, 2),
    (3, 1),
    (-2, 1),
    (3, 2),
    (-3, 2),
    (1, 4),
    (-3, 1),
    (3, 4),
    (-3, 4),
    (5, 2),
    (-5, 4),
    (9, 8),
];

/// How many points are tried.
pub(super) const TRIES: usize = 72;

fn fraction(numerator: i64, denominator: i64) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

/// The `index`-th number of a fixed sequence: at first readable, then scattered over (−6, 6), (−1, 1), (−20, 20).
fn scattered(index: usize) -> BigRational {
    if let Some((numerator, denominator)) = FIRST.get(index) {
        return fraction(*numerator, *denominator);
    }
    // Multiples of the golden section fill an interval evenly.
    let step = (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
    let numerator = 2 * step as i64 - 4095;
    let denominator = match index % 4 {
        0 | 2 => 683,
        1 => 4096,
        _ => 205,
    };
    // The quotient by 683 or 205 is rounded to a binary fraction.
    fraction(numerator * 1024 / denominator, 1024)
}

/// The `index`-th number within a place.
fn within(place: &Place, index: usize) -> BigRational {
    let one = fraction(1, 1);
    match place {
        Place::At(value) => value.clone(),
        Place::Between(None, None) => scattered(index),
        Place::Between(Some(low), None) => low + size(index),
        Place::Between(None, Some(high)) => high - size(index),
        Place::Between(Some(low), Some(high)) => {
            let part = size(index);
            let part = &part / (&part + one);
            low + (high - low) * part
        }
    }
}

fn size(index: usize) -> BigRational {
    let value = scattered(index);
    if value < fraction(0, 1) { -value } else { value }
}

/// The `round`-th point: a number for every name, that of `variable` within `place`.
pub(super) fn point(
    names: &[String],
    variable: Option<&str>,
    place: &Place,
    round: usize,
) -> Vec<(String, BigRational)> {
    let whole = Place::Between(None, None);
    names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let own = if variable == Some(name) { place } else { &whole };
            // Two variables never move together.
            (name.clone(), within(own, (round * (2 * i + 1) + 3 * i) % TRIES))
        })
        .collect()
}
