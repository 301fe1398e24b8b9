//! Lines below and above an elementwise function over an interval.

use super::Interval;
use super::propagate::{Semantics, TINY32, U32, U64};

/// `lower.0·z + lower.1 ≤ f(z) ≤ upper.0·z + upper.1` for all z of an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lines {
    pub(super) lower: (f64, f64),
    pub(super) upper: (f64, f64),
    /// What an f32 execution may add to the function's value.
    pub(super) margin: f64,
}

impl Lines {
    fn exactly(slope: f64) -> Self {
        Lines { lower: (slope, 0.0), upper: (slope, 0.0), margin: 0.0 }
    }

    /// Constant lines at the ends of the function's range.
    pub(super) fn constant(range: Interval) -> Self {
        Lines { lower: (0.0, range.lo()), upper: (0.0, range.hi()), margin: 0.0 }
    }
}

/// The lines of a kink over `z`.
///
/// # Numerics
/// On the side where the kink sticks out, any slope between the two is right with intercept 0. On the other, the chord's
/// intercept is the greater of what either end of the interval asks for, rounded up: so the line is right whatever the
/// rounding of its slope was.
pub(super) fn kink_lines(below: f64, above: f64, z: Interval, semantics: Semantics) -> Lines {
    let (l, u) = (z.lo(), z.hi());
    let mut lines = if l >= 0.0 {
        Lines::exactly(above)
    } else if u <= 0.0 {
        Lines::exactly(below)
    } else if below == above {
        Lines::exactly(above)
    } else {
        let near = (if u > -l { above } else { below }, 0.0);
        if above > below {
            Lines { lower: near, upper: chord(below, above, l, u), margin: 0.0 }
        } else {
            let (slope, intercept) = chord(-below, -above, l, u);
            Lines { lower: (-slope, -intercept), upper: near, margin: 0.0 }
        }
    };
    let rounds = |slope: f64| !matches!(slope.abs(), 0.0 | 1.0);
    if semantics == Semantics::F32AnyOrder && (rounds(below) || rounds(above)) {
        let value = (below * l).abs().max((above * u).abs());
        lines.margin = U32 * value * (1.0 + 8.0 * U64) + TINY32;
    }
    lines
}

/// The line above a convex kink over `l < 0 < u`.
fn chord(below: f64, above: f64, l: f64, u: f64) -> (f64, f64) {
    if !(l.is_finite() && u.is_finite()) {
        // The kink lies below its steeper branch only where that branch is the upper one: no line is right on both sides.
        let slope = if l.is_finite() { above } else { below };
        if l.is_infinite() && u.is_infinite() {
            return (0.0, f64::INFINITY);
        }
        let end = if l.is_finite() { l } else { u };
        let other = if l.is_finite() { below } else { above };
        // At the finite end the branch there is `other`; along the infinite one the slopes agree.
        let gap = ((other - slope) * end).abs() * (1.0 + 8.0 * U64);
        return (slope, gap.next_up());
    }
    let (at_l, at_u) = (below * l, above * u);
    let slope = ((at_u - at_l) / (u - l)).clamp(below, above);
    let ask = |value: f64, z: f64| {
        (value - slope * z) + 4.0 * U64 * (value.abs() + (slope * z).abs()) + 1e-300
    };
    (slope, ask(at_l, l).max(ask(at_u, u)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_on_their_intervals() {
        for (below, above) in [(0.0, 1.0), (0.01, 1.0), (-1.0, 1.0), (1.0, 0.0), (2.0, 1.0)] {
            for (l, u) in [(-1.0, 2.0), (-3.0, 0.5), (-1e-9, 1e9), (0.5, 2.0), (-2.0, -1.0)] {
                let z = Interval::new(l, u).unwrap();
                let lines = kink_lines(below, above, z, Semantics::Real);
                for step in 0..=100 {
                    let at = l + (u - l) * f64::from(step) / 100.0;
                    let value = if at >= 0.0 { above * at } else { below * at };
                    let slack = 1e-12 * (1.0 + value.abs());
                    assert!(lines.lower.0 * at + lines.lower.1 <= value + slack);
                    assert!(lines.upper.0 * at + lines.upper.1 >= value - slack);
                }
            }
        }
    }

    #[test]
    fn unbounded_sides_have_lines_where_there_are_any() {
        let z = Interval::new(-2.0, f64::INFINITY).unwrap();
        let lines = kink_lines(0.0, 1.0, z, Semantics::Real);
        assert_eq!(lines.upper.0, 1.0);
        assert!(lines.upper.1 >= 2.0 && lines.upper.1 < 2.0 + 1e-9);
    }
}
