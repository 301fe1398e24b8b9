//! Products of two units: their range, and planes below and above them.
//!
//! For `x ∈ [a, b]`, `y ∈ [c, d]` each of `(x − a)(y − c)`, `(b − x)(d − y)` is at least 0 and each of `(x − b)(y − c)`,
//! `(x − a)(y − d)` at most 0: four planes, of which two lie below `x·y` and two above.
//!
//! # Numerics
//! Slopes are ends of intervals and exact; the constant is their product, rounded outward. An f32 execution rounds the product
//! once.
//!
//! # Source
//! McCormick, Computability of global solutions to factorable nonconvex programs, part I, Mathematical Programming 10 (1976).

use super::Interval;
use super::propagate::{Semantics, TINY32, U32, U64};

/// `slope_x·x + slope_y·y + constant`.
pub(super) type Plane = (f64, f64, f64);

/// A plane below a product and one above it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planes {
    pub(super) lower: Plane,
    pub(super) upper: Plane,
    /// What an f32 execution may add to the product, and what the rounding of a coefficient costs.
    pub(super) error: f64,
}

/// The values of a product.
pub(super) fn range(x: Interval, y: Interval, semantics: Semantics) -> Interval {
    let exact = x.times(y);
    match semantics {
        Semantics::Real => exact,
        Semantics::F32AnyOrder => {
            let wide = exact.widened(margin(exact));
            // Rounding keeps the sign.
            let lo = if exact.lo() >= 0.0 { wide.lo().max(0.0) } else { wide.lo() };
            let hi = if exact.hi() <= 0.0 { wide.hi().min(0.0) } else { wide.hi() };
            Interval::of(lo, hi)
        }
    }
}

/// Infinite where a product may leave f32.
fn margin(product: Interval) -> f64 {
    let margin = U32 * product.magnitude() * (1.0 + 8.0 * U64) + TINY32;
    if product.magnitude() + margin > f64::from(f32::MAX) { f64::INFINITY } else { margin }
}

/// Of the two planes on each side the one that touches the corner where the product is least, or greatest; constant ones
/// where a factor isn't bounded.
pub(super) fn planes(x: Interval, y: Interval, semantics: Semantics) -> Planes {
    let product = x.times(y);
    let error = match semantics {
        Semantics::Real => 0.0,
        Semantics::F32AnyOrder => margin(product),
    };
    if !(product.is_finite() && x.is_finite() && y.is_finite()) {
        let (lower, upper) = ((0.0, 0.0, product.lo()), (0.0, 0.0, product.hi()));
        return Planes { lower, upper, error };
    }
    let (a, b, c, d) = (x.lo(), x.hi(), y.lo(), y.hi());
    let through = |x: f64, y: f64| -> (f64, f64, Interval) {
        (y, x, Interval::point(x).times(Interval::point(y)).negated())
    };
    let below = if a * c <= b * d { through(a, c) } else { through(b, d) };
    let above = if b * c >= a * d { through(b, c) } else { through(a, d) };
    let reach = x.magnitude() * y.magnitude();
    Planes {
        lower: (below.0, below.1, below.2.lo()),
        upper: (above.0, above.1, above.2.hi()),
        error: error + 8.0 * U64 * reach * (1.0 + 8.0 * U64) + 1e-300,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_lie_between_the_planes_and_touch_them_in_corners() {
        let ends = [(-1.0, 2.0), (0.5, 0.75), (-3.0, -1.0), (0.0, 1e-4), (-1e4, 1e4), (2.0, 2.0)];
        for (a, b) in ends {
            for (c, d) in ends {
                let (x, y) = (Interval::new(a, b).unwrap(), Interval::new(c, d).unwrap());
                for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
                    let planes = planes(x, y, semantics);
                    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
                    for step in 0..=400 {
                        let u = a + (b - a) * f64::from(step % 21) / 20.0;
                        let v = c + (d - c) * f64::from(step / 21 % 20) / 19.0;
                        let product = u * v;
                        let at = |plane: Plane| plane.0 * u + plane.1 * v + plane.2;
                        let slack = 1e-12 * (1.0 + x.magnitude() * y.magnitude());
                        assert!(at(planes.lower) <= product + slack, "{x} {y} at {u} {v}");
                        assert!(at(planes.upper) >= product - slack, "{x} {y} at {u} {v}");
                        assert!(range(x, y, semantics).contains(product));
                        least = least.min(at(planes.lower));
                        most = most.max(at(planes.upper));
                    }
                    // Where both factors have both signs no plane on one side touches all that is least.
                    if a < 0.0 && b > 0.0 && c < 0.0 && d > 0.0 {
                        continue;
                    }
                    let exact = x.times(y);
                    let slack = 1e-12 * (1.0 + exact.magnitude());
                    assert!(least >= exact.lo() - slack && most <= exact.hi() + slack);
                }
            }
        }
    }

    #[test]
    fn unbounded_factors_have_constant_planes() {
        let half = Interval::new(0.0, f64::INFINITY).unwrap();
        let found = planes(half, Interval::new(1.0, 2.0).unwrap(), Semantics::Real);
        assert_eq!((found.lower, found.upper.2), ((0.0, 0.0, 0.0), f64::INFINITY));
    }
}
