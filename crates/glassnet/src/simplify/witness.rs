//! Inputs on which two networks differ: tried inside a domain, and evaluated exactly.

use std::cmp::Ordering;

use super::bounds::Domain;
use super::chain::Chain;
use super::equal::{TRIES, Witness};
use super::exact::{Ratio, exact, near};
use super::tight::proved;
use crate::error::Result;
use crate::nn::Network;
use crate::prove::exact::{Enclosure, evaluate};
use crate::prove::{self, Interval, Semantics};
use num_traits::Signed;

/// Up to so many weights every input that is tried is evaluated exactly; in larger networks those that differ in f64.
const MOST_EXACT: usize = 20_000;

/// The difference at one input, exactly evaluated.
pub(super) fn shown(a: &Network, b: &Network, domain: &Domain, point: &[f64]) -> Result<f64> {
    let Some(input) = inside(point, domain).filter(|input| input.len() == domain.ends().len())
    else {
        return Ok(0.0);
    };
    let x: Vec<f64> = input.iter().map(|value| f64::from(*value)).collect();
    let (y, z) = (evaluate(&proved(a)?, &x)?, evaluate(&proved(b)?, &x)?);
    Ok(differs(&input, &y, &z, &exact(0.0)?)?.map_or(0.0, |witness| witness.difference))
}

/// Tries inputs inside the domain: at corners, at random, and on both sides of the units' kinks.
pub(super) fn search(
    a: &Network,
    b: &Network,
    domain: &Domain,
    tolerance: f64,
    seen: &[f64],
) -> Result<Option<Witness>> {
    let (left, right) = (proved(a)?, proved(b)?);
    let weights = |network: &Network| -> usize {
        network.state_dict().iter().map(|(_, value)| value.shape().iter().product::<usize>()).sum()
    };
    let small = weights(a).max(weights(b)) <= MOST_EXACT;
    let most = tolerance;
    let tolerance = exact(tolerance)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut points: Vec<Vec<f64>> = vec![];
    if !seen.is_empty() {
        points.push(seen.to_vec());
    }
    let width = domain.ends().len();
    for scale in [0.0, 1.0, -1.0, 10.0, 1000.0] {
        points.push(vec![scale; width]);
    }
    for network in [a, b] {
        points.extend(beside_kinks(network, &mut random));
    }
    while points.len() < TRIES {
        let size = 10.0_f64.powi(points.len() as i32 % 7 - 2);
        points.push(
            domain
                .ends()
                .iter()
                .map(|(lo, hi)| {
                    let share = random.next();
                    if lo.is_finite() && hi.is_finite() {
                        lo + (hi - lo) * share
                    } else {
                        let middle = if lo.is_finite() {
                            return lo + share * size;
                        } else if hi.is_finite() {
                            return hi - share * size;
                        } else {
                            0.0
                        };
                        middle + (2.0 * share - 1.0) * size
                    }
                })
                .collect(),
        );
    }
    for point in points.iter().take(TRIES) {
        let Some(input) = inside(point, domain) else { continue };
        let x: Vec<f64> = input.iter().map(|value| f64::from(*value)).collect();
        if !small && !may_differ(&left, &right, &x, most)? {
            continue;
        }
        let (Ok(y), Ok(z)) = (evaluate(&left, &x), evaluate(&right, &x)) else { continue };
        if let Some(witness) = differs(&input, &y, &z, &tolerance)? {
            return Ok(Some(witness));
        }
    }
    Ok(None)
}

/// Whether outputs at `x` differ by more than the tolerance, as far as f64 tells.
fn may_differ(
    left: &prove::Network,
    right: &prove::Network,
    x: &[f64],
    tolerance: f64,
) -> Result<bool> {
    let point: Vec<Interval> = x.iter().map(|x| Interval::point(*x)).collect();
    let of = |network: &prove::Network| -> Result<Vec<Interval>> {
        let mut all = prove::interval_bounds(network, &point, Semantics::Real)?;
        Ok(all.swap_remove(network.output()))
    };
    let apart =
        |(y, z): (&Interval, &Interval)| y.lo() - z.hi() > tolerance || z.lo() - y.hi() > tolerance;
    Ok(of(left)?.iter().zip(&of(right)?).any(apart))
}

/// The output that surely differs most, above the tolerance.
fn differs(
    input: &[f32],
    y: &[Enclosure],
    z: &[Enclosure],
    tolerance: &Ratio,
) -> Result<Option<Witness>> {
    let mut best: Option<Witness> = None;
    for (output, (y, z)) in y.iter().zip(z).enumerate() {
        let (above, below) = (y.lo.minus(&z.hi), z.lo.minus(&y.hi));
        let (mantissa, exponent) = if above.is_negative() { below.parts() } else { above.parts() };
        let two = Ratio::from_integer(2.into());
        let difference =
            Ratio::from_integer(mantissa) * num_traits::pow::Pow::pow(two, exponent as i32);
        if difference <= *tolerance || !difference.is_positive() {
            continue;
        }
        let size = near(&difference);
        if best.as_ref().is_none_or(|best| best.difference < size) {
            best = Some(Witness {
                input: input.to_vec(),
                output,
                a: y.lo.to_f64(),
                b: z.lo.to_f64(),
                difference: size,
            });
        }
    }
    Ok(best)
}

/// The nearest f32 inside the domain; `None` where an interval holds none.
fn inside(point: &[f64], domain: &Domain) -> Option<Vec<f32>> {
    point
        .iter()
        .zip(domain.ends())
        .map(|(value, (lo, hi))| {
            let near = value.clamp(*lo, *hi) as f32;
            let fits = |value: &f32| {
                f64::from(*value) >= *lo && f64::from(*value) <= *hi && value.is_finite()
            };
            [near, near.next_up(), near.next_down()].into_iter().find(fits)
        })
        .collect()
}

/// Points on both sides of the first layer's kinks, where networks that differ in a kink differ.
fn beside_kinks(network: &Network, random: &mut Random) -> Vec<Vec<f64>> {
    let Ok(chain) = Chain::read(network) else { return vec![] };
    let Some(affine) = chain.affine(0) else { return vec![] };
    let mut points = vec![];
    for unit in (0..affine.bias.len()).take(40) {
        let weights: Vec<f64> = affine.weight[unit].iter().map(near).collect();
        let square: f64 = weights.iter().map(|weight| weight * weight).sum();
        if square.total_cmp(&0.0) != Ordering::Greater {
            continue;
        }
        let other: Vec<f64> = weights.iter().map(|_| 2.0 * random.next() - 1.0).collect();
        let value: f64 =
            weights.iter().zip(&other).map(|(w, x)| w * x).sum::<f64>() + near(&affine.bias[unit]);
        for side in [-0.1, 0.1] {
            let step = (value + side * square.sqrt()) / square;
            points.push(weights.iter().zip(&other).map(|(w, x)| x - step * w).collect());
        }
    }
    points
}

/// A fixed sequence of numbers between 0 and 1 (SplitMix64: Steele, Lea & Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
