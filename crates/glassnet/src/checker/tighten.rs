//! Tighter bounds than intervals of what units are given: substituted backwards through linear layers and kinks.
//!
//! Lemma (lines): for `l ≤ z ≤ u`, `l < 0 < u` and a slope 0 ≤ s ≤ 1, `relu(z)` lies above `s·z`, and below the chord
//! `λ·z + c` where `λ·l + c ≥ 0` and `λ·u + c ≥ u`. Where z has one sign relu is exact.
//!
//! Lemma (substitution): a lower bound of `Σ aᵢ·hᵢ` is got by replacing each hᵢ by the line below where `aᵢ > 0`, above
//! where `aᵢ < 0`; linear layers are replaced exactly. What is left is a linear function of values that lie in known
//! intervals.
//!
//! Lemma (rounding): computed in f64, a coefficient that is a sum of n products is off by at most `γ(n+1)·Σ|a·w|`,
//! `γ(n) = n·u/(1 − n·u)`, with the rounding of the weights themselves. A coefficient that is off by ε moves the bound by
//! `ε·max|h|` at most. Summed, a layer costs `γ·Σᵢ |aᵢ|·Sᵢ` with `Sᵢ = Σⱼ |wᵢⱼ|·max|hⱼ| + |bᵢ|`, which every row
//! adds up; each such sum is itself rounded by no more than the same share, for which it is doubled.

use super::bound::Extent;
use super::chain::{Affine, Chain, Layer};
use super::number::Number;

/// The unit roundoff of f64.
const UNIT: f64 = 1.110_223_024_625_156_5e-16;

/// For each layer's input and the output what each unit lies in, at most as wide as `extents`.
pub(super) fn tighten(chain: &Chain, extents: &[Vec<Extent>]) -> Vec<Vec<(f64, f64)>> {
    let mut boxes: Vec<Vec<(f64, f64)>> =
        extents.iter().map(|units| units.iter().map(outward).collect()).collect();
    let layers: Vec<Option<Rounded>> = chain
        .layers
        .iter()
        .map(|layer| match layer {
            Layer::Affine(affine) if affine.is_sure() => Rounded::of(affine),
            Layer::Affine(_)
            | Layer::Scale(_)
            | Layer::Kinked(_)
            | Layer::Function(_)
            | Layer::Softmax(_) => None,
        })
        .collect();
    for at in 1..chain.layers.len() {
        let (Layer::Kinked(_), Some(Some(_))) = (&chain.layers[at], layers.get(at - 1)) else {
            // Between linear layers intervals are passed on as they are.
            continue;
        };
        let open = |&(lo, hi): &(f64, f64)| lo < 0.0 && hi > 0.0;
        for unit in 0..boxes[at].len() {
            if !open(&boxes[at][unit]) {
                continue;
            }
            let lo = least(chain, &layers, &boxes, at, unit, 1.0);
            let hi = -least(chain, &layers, &boxes, at, unit, -1.0);
            let old = boxes[at][unit];
            boxes[at][unit] = (old.0.max(lo), old.1.min(hi));
        }
    }
    boxes
}

/// An interval with ends in f64, each checked to be outside.
fn outward(extent: &Extent) -> (f64, f64) {
    let lo = extent.lo.as_ref().and_then(|lo| {
        let below = lo.near().next_down();
        Number::from_f64(below).filter(|end| !end.minus(lo).is_positive()).map(|_| below)
    });
    let hi = extent.hi.as_ref().and_then(|hi| {
        let above = hi.near().next_up();
        Number::from_f64(above).filter(|end| !end.minus(hi).is_negative()).map(|_| above)
    });
    (lo.unwrap_or(f64::NEG_INFINITY), hi.unwrap_or(f64::INFINITY))
}

/// A matrix and a bias rounded to f64.
struct Rounded {
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

impl Rounded {
    /// `None` where a number is further from its float than twice the unit roundoff.
    fn of(affine: &Affine) -> Option<Self> {
        let row = |row: &Vec<Number>| row.iter().map(rounded).collect::<Option<_>>();
        Some(Rounded {
            weight: affine.weight.iter().map(row).collect::<Option<_>>()?,
            bias: row(&affine.bias)?,
        })
    }
}

fn rounded(number: &Number) -> Option<f64> {
    let near = number.near();
    let off = Number::from_f64(near)?.minus(number).abs();
    let allowed = number.abs().times(&Number::power_of_two(-52));
    (!off.minus(&allowed).is_positive()).then_some(near)
}

fn share(terms: usize) -> f64 {
    let share = (terms + 8) as f64 * UNIT;
    if share < 0.5 { 2.0 * share / (1.0 - share) } else { f64::INFINITY }
}

/// A number that is not above `sign` times what unit `unit` before layer `top` is given.
fn least(
    chain: &Chain,
    layers: &[Option<Rounded>],
    boxes: &[Vec<(f64, f64)>],
    top: usize,
    unit: usize,
    sign: f64,
) -> f64 {
    let mut factors = vec![0.0; boxes[top].len()];
    factors[unit] = sign;
    let (mut constant, mut magnitude, mut error) = (0.0_f64, 0.0_f64, 1e-290_f64);
    let mut terms = 4;
    let mut at = top;
    while at > 0 {
        match (&chain.layers[at - 1], &layers[at - 1]) {
            (Layer::Affine(_), Some(affine)) => {
                let input = &boxes[at - 1];
                let mut sums = vec![0.0; input.len()];
                let share = share(factors.len() + input.len());
                for (factor, (row, bias)) in
                    factors.iter().zip(affine.weight.iter().zip(&affine.bias))
                {
                    if *factor == 0.0 {
                        continue;
                    }
                    constant += factor * bias;
                    magnitude += (factor * bias).abs();
                    let mut size = bias.abs();
                    for ((sum, weight), (lo, hi)) in sums.iter_mut().zip(row).zip(input) {
                        if *weight != 0.0 {
                            *sum += factor * weight;
                            size += weight.abs() * lo.abs().max(hi.abs());
                        }
                    }
                    error += share * factor.abs() * size;
                }
                terms += factors.len();
                factors = sums;
            }
            (Layer::Kinked(slopes), _) if slopes.iter().all(|slope| slope.is_zero()) => {
                for (factor, &(lo, hi)) in factors.iter_mut().zip(&boxes[at - 1]) {
                    let (slope, intercept) = line(lo, hi, *factor > 0.0);
                    if *factor == 0.0 || (slope, intercept) == (0.0, 0.0) {
                        *factor = 0.0;
                        continue;
                    }
                    if intercept != 0.0 {
                        constant += *factor * intercept;
                        magnitude += (*factor * intercept).abs();
                    }
                    if slope != 1.0 {
                        error += 4.0 * UNIT * factor.abs() * slope * lo.abs().max(hi.abs());
                        *factor *= slope;
                    }
                }
                terms += factors.len();
            }
            // Anything else is where substituting ends: its values lie in their intervals.
            (
                Layer::Affine(_)
                | Layer::Scale(_)
                | Layer::Kinked(_)
                | Layer::Function(_)
                | Layer::Softmax(_),
                _,
            ) => break,
        }
        at -= 1;
    }
    for (factor, (lo, hi)) in factors.iter().zip(&boxes[at]) {
        if *factor != 0.0 {
            let product = (factor * lo).min(factor * hi);
            constant += product;
            magnitude += product.abs();
        }
    }
    let least = constant - 2.0 * error - share(terms + factors.len()) * magnitude - 1e-290;
    if least.is_nan() { f64::NEG_INFINITY } else { least }
}

/// The line below relu, or above it, for z between `lo` and `hi`: slope and intercept.
fn line(lo: f64, hi: f64, below: bool) -> (f64, f64) {
    if lo >= 0.0 {
        return (1.0, 0.0);
    }
    if hi <= 0.0 {
        return (0.0, 0.0);
    }
    if below {
        return (if hi > -lo { 1.0 } else { 0.0 }, 0.0);
    }
    if !(lo.is_finite() && hi.is_finite()) {
        return if lo.is_finite() { (1.0, (-lo).next_up()) } else { (0.0, hi) };
    }
    let slope = (hi / (hi - lo)).clamp(0.0, 1.0);
    // The intercept is what either end asks for, whatever the rounding of the slope was.
    let ask = |value: f64, z: f64| (value - slope * z) + 4.0 * UNIT * (value + (slope * z).abs());
    (slope, ask(0.0, lo).max(ask(hi, hi)) + 1e-290)
}
