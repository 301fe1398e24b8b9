//! Closed intervals with ends that may be infinite, rounded outward.

use std::fmt;

use crate::error::{Error, Result};

/// All reals from `lo` to `hi`; an infinite end means that there is no bound on that side.
///
/// Arithmetic rounds outward, and only where a result isn't exact, so that points stay points as long as they can.
///
/// ```
/// use glassnet::prove::Interval;
/// let w = Interval::new(-0.1, -0.1)?;
/// let h = Interval::new(0.0, f64::INFINITY)?;
/// assert_eq!(w.times(h), Interval::new(f64::NEG_INFINITY, 0.0)?);
/// assert_eq!(Interval::point(0.0).times(Interval::ALL), Interval::point(0.0));
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

impl Interval {
    /// Every real number.
    pub const ALL: Interval = Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    /// The reals from `lo` to `hi`.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](crate::ErrorKind::Model) when an end is NaN, `lo > hi`, or no real lies between them.
    pub fn new(lo: f64, hi: f64) -> Result<Self> {
        if lo.is_nan() || hi.is_nan() {
            return Err(Error::model(format!("the interval {lo} to {hi} has an end that is NaN")));
        }
        if lo > hi || lo == f64::INFINITY || hi == f64::NEG_INFINITY {
            return Err(Error::model(format!("the interval {lo} to {hi} is empty"))
                .help("give the lower bound first"));
        }
        Ok(Interval { lo, hi })
    }

    /// The interval of ends that are known to be in order; NaN, which a sum of opposite infinities gives, means unbounded.
    pub(super) fn of(lo: f64, hi: f64) -> Self {
        let lo = if lo.is_nan() || lo == f64::INFINITY { f64::NEG_INFINITY } else { lo };
        let hi = if hi.is_nan() || hi == f64::NEG_INFINITY { f64::INFINITY } else { hi };
        Interval { lo, hi }
    }

    /// The single number `value`, which must be finite.
    pub fn point(value: f64) -> Self {
        debug_assert!(value.is_finite());
        Interval { lo: value, hi: value }
    }

    /// The lower end.
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// The upper end.
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// Whether it is a single number.
    pub fn is_point(self) -> bool {
        self.lo == self.hi
    }

    /// Whether both ends are finite.
    pub fn is_finite(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
    }

    /// Whether `value` lies in it.
    pub fn contains(self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// The greatest absolute value in it.
    pub fn magnitude(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// A number in it: the middle, or 0 or the finite end where it is unbounded.
    pub fn middle(self) -> f64 {
        match (self.lo.is_finite(), self.hi.is_finite()) {
            (true, true) => (self.lo / 2.0 + self.hi / 2.0).clamp(self.lo, self.hi),
            (true, false) => self.lo.max(0.0),
            (false, true) => self.hi.min(0.0),
            (false, false) => 0.0,
        }
    }

    /// Every sum.
    pub fn plus(self, other: Interval) -> Interval {
        Interval::of(sum_down(self.lo, other.lo), sum_up(self.hi, other.hi))
    }

    /// Every difference.
    pub fn minus(self, other: Interval) -> Interval {
        self.plus(other.negated())
    }

    /// Every negated value.
    pub fn negated(self) -> Interval {
        Interval { lo: -self.hi, hi: -self.lo }
    }

    /// Every product, with `0·∞ = 0`.
    pub fn times(self, other: Interval) -> Interval {
        let pairs =
            [(self.lo, other.lo), (self.lo, other.hi), (self.hi, other.lo), (self.hi, other.hi)];
        let lo = pairs.iter().map(|&(a, b)| product_down(a, b)).fold(f64::INFINITY, f64::min);
        let hi = pairs.iter().map(|&(a, b)| product_up(a, b)).fold(f64::NEG_INFINITY, f64::max);
        Interval::of(lo, hi)
    }

    /// Every reciprocal, or `None` when 0 lies in the interval.
    pub fn reciprocal(self) -> Option<Interval> {
        if self.contains(0.0) {
            return None;
        }
        Some(Interval::of(quotient_down(self.hi), quotient_up(self.lo)))
    }

    /// The smallest interval that holds both.
    pub fn hull(self, other: Interval) -> Interval {
        Interval { lo: self.lo.min(other.lo), hi: self.hi.max(other.hi) }
    }

    /// What lies in both, or `None`.
    pub fn meet(self, other: Interval) -> Option<Interval> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Interval { lo, hi })
    }

    /// The interval with `margin ≥ 0` more on both sides.
    pub(super) fn widened(self, margin: f64) -> Interval {
        if margin == 0.0 {
            return self;
        }
        Interval::of((self.lo - margin).next_down(), (self.hi + margin).next_up())
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", self.lo, self.hi)
    }
}

/// The rounding error of `a + b` (Knuth's TwoSum), exactly.
fn sum_error(a: f64, b: f64, sum: f64) -> f64 {
    let b_part = sum - a;
    (a - (sum - b_part)) + (b - b_part)
}

/// The greatest float that is certainly at most `a + b`.
fn sum_down(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if a.is_infinite() || b.is_infinite() || sum_error(a, b, sum) == 0.0 {
        sum
    } else {
        sum.next_down()
    }
}

fn sum_up(a: f64, b: f64) -> f64 {
    -sum_down(-a, -b)
}

/// Whether the product of `a` and `b` is the float `product` without an error.
fn is_exact_product(a: f64, b: f64, product: f64) -> bool {
    // Below this the error itself may be too small for a float.
    const SAFE: f64 = 1e-290;
    a == 0.0
        || b == 0.0
        || (product.is_finite() && product.abs() > SAFE && a.mul_add(b, -product) == 0.0)
}

fn product_down(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 {
        return 0.0;
    }
    let product = a * b;
    if a.is_infinite() || b.is_infinite() || is_exact_product(a, b, product) {
        product
    } else {
        product.next_down()
    }
}

fn product_up(a: f64, b: f64) -> f64 {
    -product_down(-a, b)
}

fn quotient_down(divisor: f64) -> f64 {
    let quotient = 1.0 / divisor;
    let exact =
        divisor.is_infinite() || (quotient.is_normal() && quotient.mul_add(divisor, -1.0) == 0.0);
    if exact { quotient } else { quotient.next_down() }
}

fn quotient_up(divisor: f64) -> f64 {
    -quotient_down(-divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(lo: f64, hi: f64) -> Interval {
        Interval::new(lo, hi).unwrap()
    }

    #[test]
    fn exact_results_stay_points_and_others_are_widened() {
        assert_eq!(interval(0.5, 0.5).plus(interval(0.25, 0.25)), Interval::point(0.75));
        let tenth = Interval::point(0.1).plus(Interval::point(0.2));
        assert!(tenth.lo() < tenth.hi());
        assert!(tenth.contains(0.1 + 0.2));
        let third = Interval::point(3.0).reciprocal().unwrap();
        assert!(third.lo() < third.hi());
        assert_eq!(Interval::point(4.0).reciprocal().unwrap(), Interval::point(0.25));
    }

    #[test]
    fn unbounded_ends_follow_the_exact_zero() {
        let positive = interval(0.0, f64::INFINITY);
        assert_eq!(Interval::point(-2.0).times(positive), interval(f64::NEG_INFINITY, 0.0));
        assert_eq!(Interval::ALL.times(Interval::point(0.0)), Interval::point(0.0));
        assert_eq!(positive.minus(positive), Interval::ALL);
        assert_eq!(interval(-1.0, 1.0).reciprocal(), None);
        let past = Interval::point(f64::MAX).plus(Interval::point(f64::MAX));
        assert!(past.lo() >= f64::MAX || past.lo() == f64::NEG_INFINITY);
        assert_eq!(past.hi(), f64::INFINITY);
    }

    #[test]
    fn bad_ends_are_refused() {
        assert!(Interval::new(1.0, 0.0).is_err());
        assert!(Interval::new(f64::NAN, 0.0).is_err());
        assert!(Interval::new(f64::INFINITY, f64::INFINITY).is_err());
    }
}
