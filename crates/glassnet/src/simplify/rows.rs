//! What units are given on the rows of a table: each row evaluated, its rounding accounted for, exactly where the sign
//! depends on it.

use super::chain::{Chain, Given, Part};
use super::tight::{places, proved};
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::prove::exact::evaluate;
use crate::prove::{self, Interval, Semantics, interval_bounds};
use crate::tensor::Tensor;
use num_traits::Zero;

/// Products that exact evaluations may cost in all.
const MOST_EXACT: usize = 60_000_000;

/// On how many rows a unit is on each side of its kink.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnRows {
    /// It is given more than 0.
    pub positive: usize,
    /// It is given exactly 0.
    pub zero: usize,
    /// It is given less than 0.
    pub negative: usize,
    /// So near 0 that f64 didn't tell, and too many of them to evaluate exactly.
    pub undecided: usize,
    /// The least it is given, rounded down.
    pub lo: f64,
    /// The most it is given, rounded up.
    pub hi: f64,
    /// Whether it is given the same on every row.
    pub constant: bool,
}

impl OnRows {
    const NONE: OnRows = OnRows {
        positive: 0,
        zero: 0,
        negative: 0,
        undecided: 0,
        lo: f64::INFINITY,
        hi: f64::NEG_INFINITY,
        constant: false,
    };

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.positive + self.zero + self.negative + self.undecided
    }
}

/// For each layer of the chain with a kink its units on the rows; `None` for the other layers.
pub(super) fn on_rows(
    network: &Network,
    chain: &Chain,
    rows: &Tensor<f32>,
) -> Result<Vec<Option<Vec<OnRows>>>> {
    let width = chain.inputs.max(1);
    if !rows.data().len().is_multiple_of(width) || rows.data().is_empty() {
        return Err(Error::data(format!(
            "the rows have {} numbers, the network {} inputs",
            rows.shape().iter().skip(1).product::<usize>(),
            chain.inputs
        ))
        .at("the data"));
    }
    // What the prover doesn't know is not evaluated: what holds on the box of the rows is left.
    let Ok(whole) = proved(network) else { return Ok(vec![None; chain.layers.len()]) };
    let places = places(chain, &whole);
    let Some(last) = places.iter().flatten().max().copied() else {
        return Ok(vec![None; chain.layers.len()]);
    };
    let proved = whole.up_to(last);
    let mut found: Vec<Option<Vec<OnRows>>> = (0..chain.layers.len())
        .map(|at| places[at].and_then(|_| chain.slopes(at)).map(|s| vec![OnRows::NONE; s.len()]))
        .collect();
    let mut unclear: Vec<(usize, usize, usize)> = vec![];
    for (number, row) in rows.data().chunks(width).enumerate() {
        let point: Option<Vec<Interval>> =
            row.iter().map(|x| x.is_finite().then(|| Interval::point(f64::from(*x)))).collect();
        let point = point.ok_or_else(|| {
            Error::data("a value is not finite").at(format!("row {}", number + 1))
        })?;
        let values = interval_bounds(&proved, &point, Semantics::Real)?;
        for (layer, units) in found.iter_mut().enumerate() {
            let (Some(units), Some(place)) = (units, places[layer]) else { continue };
            for (unit, (seen, z)) in units.iter_mut().zip(&values[place]).enumerate() {
                seen.lo = seen.lo.min(z.lo());
                seen.hi = seen.hi.max(z.hi());
                if z.lo() > 0.0 {
                    seen.positive += 1;
                } else if z.hi() < 0.0 {
                    seen.negative += 1;
                } else if *z == Interval::point(0.0) {
                    seen.zero += 1;
                } else {
                    seen.undecided += 1;
                    unclear.push((layer, number, unit));
                }
            }
        }
    }
    settle(&proved, &places, chain, rows, unclear, &mut found);
    constant(chain, rows, &mut found);
    Ok(found)
}

/// Evaluates exactly where f64 didn't tell the sign, as many rows as the budget allows.
fn settle(
    network: &prove::Network,
    places: &[Option<usize>],
    chain: &Chain,
    rows: &Tensor<f32>,
    mut unclear: Vec<(usize, usize, usize)>,
    found: &mut [Option<Vec<OnRows>>],
) {
    unclear.sort_unstable();
    let mut left = MOST_EXACT;
    for group in unclear.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (layer, number, _) = group[0];
        let cost = chain.parameters().max(1);
        let (Some(place), true) = (places[layer], left >= cost) else { continue };
        left -= cost;
        let row = rows.data().chunks(chain.inputs.max(1)).nth(number).unwrap_or_default();
        let point: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        let Ok(values) = evaluate(&network.up_to(place), &point) else { continue };
        for &(_, _, unit) in group {
            let (Some(units), Some(z)) = (&mut found[layer], values.get(unit)) else { continue };
            let seen = &mut units[unit];
            let count = if z.lo.is_positive() {
                &mut seen.positive
            } else if z.hi.is_negative() {
                &mut seen.negative
            } else if z.lo.is_zero() && z.hi.is_zero() {
                &mut seen.zero
            } else {
                continue;
            };
            *count += 1;
            seen.undecided -= 1;
        }
    }
}

/// Notes the units into which nothing enters that differs between the rows.
fn constant(chain: &Chain, rows: &Tensor<f32>, found: &mut [Option<Vec<OnRows>>]) {
    let width = chain.inputs.max(1);
    let first: Vec<f32> = rows.data().chunks(width).next().unwrap_or_default().to_vec();
    let mut same = vec![true; first.len()];
    for row in rows.data().chunks(width) {
        for ((same, a), b) in same.iter_mut().zip(row).zip(&first) {
            *same &= a.to_bits() == b.to_bits();
        }
    }
    let inputs = same.clone();
    let mut kept: Vec<Vec<bool>> = vec![];
    for (at, layer) in chain.layers.iter().enumerate() {
        match &layer.part {
            Part::Kept(kept) => {
                let of = |given: &Given| match given {
                    Given::Input(at) => inputs[*at],
                    Given::Between(lo, hi) => lo == hi,
                };
                same = kept.gives.iter().map(of).collect();
            }
            Part::Fork => kept.push(same.clone()),
            Part::Join => {
                let others = kept.pop().unwrap_or_default();
                same.iter_mut().zip(others).for_each(|(same, other)| *same &= other);
            }
            Part::Affine(affine) => {
                let of = |row: &Vec<super::exact::Ratio>| {
                    row.iter().zip(&same).all(|(weight, same)| *same || weight.is_zero())
                };
                same = affine.weight.iter().map(of).collect();
            }
            Part::Activation { slopes, .. } => {
                let Some(units) = &mut found[at] else { continue };
                for (unit, seen) in units.iter_mut().enumerate() {
                    seen.constant = same.get(unit).copied().unwrap_or(false);
                    let dead = seen.positive == 0
                        && seen.undecided == 0
                        && slopes.as_ref().is_some_and(|slopes| slopes[unit].is_zero());
                    if let Some(same) = same.get_mut(unit) {
                        *same |= dead;
                    }
                }
            }
            Part::Norm(_) => {}
            Part::Softmax(_) => same.iter_mut().for_each(|same| *same = false),
        }
    }
}
