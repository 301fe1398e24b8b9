//! Lines below and above `f(z + δ) − f(z)`, in δ and z.

use crate::graph::op::Activation;
use crate::prove::propagate::{Semantics, U64, kink_range};
use crate::prove::relax::kink_lines;
use crate::prove::{Interval, smooth};

/// `α·δ + β·z + γ`.
pub(super) type Line = (f64, f64, f64);

/// A line below and one above the difference of a function's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joint {
    pub(super) lower: Line,
    pub(super) upper: Line,
    /// What the difference lies in.
    pub(super) range: Interval,
    /// What the rounding of the lines' slopes may cost.
    pub(super) error: f64,
}

/// The lines of a kink for z ∈ `z`, z + δ ∈ `y`, δ ∈ `d`.
///
/// With `f(t) = below·t + g·relu(t)`, `g = above − below`, the difference is `below·δ + g·(relu(z + δ) − relu(z))`.
pub(super) fn of_kink(below: f64, above: f64, z: Interval, y: Interval, d: Interval) -> Joint {
    let gain = above - below;
    let (lower, upper) = (negated(above_relu(y, z, d.negated()), z), above_relu(z, y, d));
    let (lower, upper) = if gain < 0.0 { (upper, lower) } else { (lower, upper) };
    let scaled = |(a, b, c): Line, up: bool| {
        if (below, above) == (0.0, 1.0) {
            return (a, b, c);
        }
        let c = gain * c;
        let slack = 4.0 * U64 * c.abs();
        (below + gain * a, gain * b, if up { c + slack } else { c - slack })
    };
    let size = below.abs() + gain.abs() * (lower.0.abs().max(upper.0.abs()) + 1.0);
    let error = if (below, above) == (0.0, 1.0) {
        0.0
    } else {
        8.0 * U64 * (size * d.magnitude() + size * z.magnitude())
    };
    let relu = |t: Interval| kink_range(0.0, 1.0, t, Semantics::Real);
    let moved = Interval::of(d.lo().min(0.0), d.hi().max(0.0));
    let moved = moved.meet(relu(y).minus(relu(z))).unwrap_or(moved);
    let gain = Interval::point(above).minus(Interval::point(below));
    let range = Interval::point(below).times(d).plus(gain.times(moved));
    Joint { lower: scaled(lower, false), upper: scaled(upper, true), range, error }
}

/// From a line above `relu(y − δ) − relu(y)` in −δ and y, one below `relu(y) − relu(y − δ)` in δ and z.
fn negated((a, b, c): Line, _z: Interval) -> Line {
    // d ≥ −(a·(−δ) + b·(z + δ) + c)
    (a - b, -b, -c)
}

/// A line above `relu(z + δ) − relu(z)`.
///
/// Three are always right: the chord of `max(δ, 0)`, as relu rises by at most 1; the chord of `relu(y)`, as `relu(z) ≥ 0`;
/// that chord less z, as `relu(z) ≥ z`. Where both sides are known one of them is exact; else the one is taken whose
/// greatest value is least.
fn above_relu(z: Interval, y: Interval, d: Interval) -> Line {
    let of = |t: Interval| kink_lines(0.0, 1.0, t, Semantics::Real).upper;
    let (slope, intercept) = of(y);
    let by_value = (slope, slope, intercept);
    let less_z = (slope, slope - 1.0, intercept);
    let known = |t: Interval| t.lo() >= 0.0 || t.hi() <= 0.0;
    if known(z) && known(y) {
        return if z.lo() >= 0.0 { less_z } else { by_value };
    }
    let (slope, intercept) = of(d);
    let by_change = (slope, 0.0, intercept);
    let most = |(a, b, c): Line| {
        let end = |s: f64, t: Interval| {
            if s == 0.0 { 0.0 } else { (s * t.lo()).max(s * t.hi()) }
        };
        let most = c + end(a, d) + end(b, z);
        if most.is_nan() { f64::INFINITY } else { most }
    };
    let mut best = by_change;
    for line in [by_value, less_z] {
        if most(line) < most(best) {
            best = line;
        }
    }
    best
}

/// The lines of a function that isn't piecewise linear: its slope between z and z + δ is one of its derivatives there, but
/// for a jump.
pub(super) fn of_smooth(function: Activation, z: Interval, y: Interval, d: Interval) -> Joint {
    let slopes = smooth::derivative(function, z.hull(y));
    let direct = smooth::range(function, y).minus(smooth::range(function, z));
    let jump = smooth::jump(function, z.hull(y));
    let range = slopes.times(d).widened(jump);
    let range = range.meet(direct).unwrap_or(range);
    if !slopes.is_finite() || !d.is_finite() || !jump.is_finite() {
        let (lower, upper) = ((0.0, 0.0, range.lo()), (0.0, 0.0, range.hi()));
        return Joint { lower, upper, range, error: 0.0 };
    }
    // min(m·δ, M·δ) ≤ s·δ ≤ max(m·δ, M·δ)
    let (least, most) = (slopes.lo(), slopes.hi());
    let upper = kink_lines(least, most, d, Semantics::Real).upper;
    let lower = kink_lines(most, least, d, Semantics::Real).lower;
    let moved = |intercept: f64, by: f64| Interval::of(intercept, intercept).widened(by.abs());
    let lower = (lower.0, 0.0, moved(lower.1, jump).lo());
    let upper = (upper.0, 0.0, moved(upper.1, jump).hi());
    Joint { lower, upper, range, error: 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_on_their_boxes() {
        let interval = |lo: f64, hi: f64| Interval::new(lo, hi).unwrap();
        let spans = [(-1.0, 2.0), (0.0, 1.5), (-2.0, -0.25), (-0.1, 0.1), (0.5, 3.0)];
        let kinks = [(0.0, 1.0), (0.01, 1.0), (-1.0, 1.0), (1.0, 0.0), (2.0, 1.0)];
        for (lo, hi) in spans {
            for (dl, du) in [(-0.3, 0.2), (0.0, 0.1), (-0.2, -0.05), (-1e-6, 2e-6)] {
                let (z, d) = (interval(lo, hi), interval(dl, du));
                let y = z.plus(d);
                for (below, above) in kinks {
                    let joint = of_kink(below, above, z, y, d);
                    let f = |t: f64| if t >= 0.0 { above * t } else { below * t };
                    holds(&joint, z, d, &f);
                }
                for function in [Activation::Tanh, Activation::Sigmoid, Activation::Gelu] {
                    let joint = of_smooth(function, z, y, d);
                    holds(&joint, z, d, &|t| smooth::roughly(function, t));
                }
                // Its threshold makes a jump of 0.18 at ½.
                let joint = of_smooth(Activation::Softplus { beta: 2.0, threshold: 1.0 }, z, y, d);
                let softplus = |t: f64| if t > 0.5 { t } else { (2.0 * t).exp().ln_1p() / 2.0 };
                holds(&joint, z, d, &softplus);
            }
        }
    }

    fn holds(joint: &Joint, z: Interval, d: Interval, f: &dyn Fn(f64) -> f64) {
        for i in 0..=40 {
            for j in 0..=40 {
                let z = z.lo() + (z.hi() - z.lo()) * f64::from(i) / 40.0;
                let d = d.lo() + (d.hi() - d.lo()) * f64::from(j) / 40.0;
                let value = f(z + d) - f(z);
                let at = |(a, b, c): Line| a * d + b * z + c;
                assert!(at(joint.lower) <= value + 1e-12, "{joint:?} {z} {d} {value}");
                assert!(at(joint.upper) >= value - 1e-12, "{joint:?} {z} {d} {value}");
                assert!(joint.range.lo() <= value + 1e-12 && joint.range.hi() >= value - 1e-12);
            }
        }
    }
}
