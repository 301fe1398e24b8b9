//! Whole numbers of any size times powers of two.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

/// The number `mantissa·2^exponent`: sums and products are exact.
///
/// ```
/// use glassnet::prove::exact::Dyadic;
/// let (a, b) = (Dyadic::from_f64(0.1).unwrap(), Dyadic::from_f64(0.2).unwrap());
/// // What f64 rounds away is still there.
/// assert!(a.plus(&b) < Dyadic::from_f64(0.1 + 0.2).unwrap());
/// assert_eq!(Dyadic::from_f64(0.625).unwrap().to_string(), "0.625");
/// ```
#[derive(Clone, Debug)]
pub struct Dyadic {
    mantissa: BigInt,
    exponent: i64,
}

impl Dyadic {
    /// 0.
    pub fn zero() -> Self {
        Dyadic { mantissa: BigInt::zero(), exponent: 0 }
    }

    /// The exact value of a float, or `None` when it isn't finite.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let field = ((bits >> 52) & 0x7ff) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, exponent) =
            if field == 0 { (fraction, -1074) } else { (fraction | (1 << 52), field - 1075) };
        if mantissa == 0 {
            return Some(Dyadic::zero());
        }
        // Short mantissas keep the products of a deep network short.
        let shift = mantissa.trailing_zeros();
        let magnitude = BigInt::from(mantissa >> shift);
        let mantissa = if value < 0.0 { -magnitude } else { magnitude };
        Some(Dyadic { mantissa, exponent: exponent + i64::from(shift) })
    }

    /// `self + other`.
    pub fn plus(&self, other: &Dyadic) -> Dyadic {
        if self.mantissa.is_zero() {
            return other.clone();
        }
        if other.mantissa.is_zero() {
            return self.clone();
        }
        let (high, low) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = (high.exponent - low.exponent) as u64;
        Dyadic { mantissa: (&high.mantissa << shift) + &low.mantissa, exponent: low.exponent }
    }

    /// `self − other`.
    pub fn minus(&self, other: &Dyadic) -> Dyadic {
        self.plus(&other.negated())
    }

    /// `−self`.
    pub fn negated(&self) -> Dyadic {
        Dyadic { mantissa: -&self.mantissa, exponent: self.exponent }
    }

    /// `self·other`.
    pub fn times(&self, other: &Dyadic) -> Dyadic {
        if self.mantissa.is_zero() || other.mantissa.is_zero() {
            return Dyadic::zero();
        }
        Dyadic {
            mantissa: &self.mantissa * &other.mantissa,
            exponent: self.exponent + other.exponent,
        }
    }

    /// Whether it is below 0.
    pub fn is_negative(&self) -> bool {
        self.mantissa.is_negative()
    }

    /// Whether it is above 0.
    pub fn is_positive(&self) -> bool {
        self.mantissa.is_positive()
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    /// Whole mantissa and power of two, in lowest terms.
    pub fn parts(&self) -> (BigInt, i64) {
        match self.mantissa.trailing_zeros() {
            None => (BigInt::zero(), 0),
            Some(shift) => (&self.mantissa >> shift, self.exponent + shift as i64),
        }
    }

    /// The greatest f64 that is not above it (−∞ below all finite ones).
    pub fn floor_f64(&self) -> f64 {
        if self.is_negative() { -self.negated().truncated(true) } else { self.truncated(false) }
    }

    /// The least f64 that is not below it (∞ above all finite ones).
    pub fn ceil_f64(&self) -> f64 {
        -self.negated().floor_f64()
    }

    /// A number near it, for printing.
    pub fn to_f64(&self) -> f64 {
        let (down, up) = (self.floor_f64(), self.ceil_f64());
        let Some(lower) = Dyadic::from_f64(down) else { return up };
        let Some(upper) = Dyadic::from_f64(up) else { return down };
        if self.minus(&lower) <= upper.minus(self) { down } else { up }
    }

    /// A number that isn't negative, rounded to an f64: up if asked, else down.
    fn truncated(&self, up: bool) -> f64 {
        if self.mantissa.is_zero() {
            return 0.0;
        }
        let bits = self.mantissa.bits() as i64;
        let top = self.exponent + bits; // the value is below 2^top
        if top > 1024 {
            return if up { f64::INFINITY } else { f64::MAX };
        }
        // The unit in the last place of the result: 53 bits, fewer for subnormal numbers.
        let unit = (top - 53).max(-1074);
        let shift = unit - self.exponent;
        let (whole, exact) = if shift <= 0 {
            (&self.mantissa << (-shift) as u64, true)
        } else {
            let whole = &self.mantissa >> shift as u64;
            let exact = self.mantissa.trailing_zeros().unwrap_or(0) >= shift as u64;
            (whole, exact)
        };
        let whole = whole.to_u64().unwrap_or(u64::MAX);
        // At most 53 bits times a power of two is exact, in two steps where the power itself is too small for a float.
        let down = (whole as f64) * power_of_two(unit / 2) * power_of_two(unit - unit / 2);
        if up && !exact { down.next_up() } else { down }
    }
}

fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

impl PartialEq for Dyadic {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Dyadic {}

impl PartialOrd for Dyadic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Dyadic {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.minus(other).mantissa.sign() {
            Sign::Minus => Ordering::Less,
            Sign::NoSign => Ordering::Equal,
            Sign::Plus => Ordering::Greater,
        }
    }
}

impl fmt::Display for Dyadic {
    /// The whole decimal, every digit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mantissa, exponent) = self.parts();
        if exponent >= 0 {
            return write!(f, "{}", mantissa << exponent as u64);
        }
        // m / 2^k = m·5^k / 10^k
        let places = exponent.unsigned_abs() as usize;
        let digits = (mantissa.abs() * BigInt::from(5).pow(places as u32)).to_string();
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        write!(f, "{}{whole}.{fraction}", if mantissa.is_negative() { "-" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dyadic(value: f64) -> Dyadic {
        Dyadic::from_f64(value).unwrap()
    }

    #[test]
    fn floats_come_back_as_they_were() {
        for value in [0.0, 1.0, -0.1, 1e300, -1e-300, 5e-324, f64::MAX, f64::MIN_POSITIVE] {
            let number = dyadic(value);
            assert_eq!((number.floor_f64(), number.ceil_f64()), (value, value), "{value}");
        }
        assert_eq!(Dyadic::from_f64(f64::NAN), None);
    }

    #[test]
    fn what_no_float_holds_is_rounded_to_its_sides() {
        let sum = dyadic(1.0).plus(&dyadic(1e-30));
        assert_eq!((sum.floor_f64(), sum.ceil_f64()), (1.0, 1.0_f64.next_up()));
        let below = sum.negated();
        assert_eq!((below.floor_f64(), below.ceil_f64()), (-1.0_f64.next_up(), -1.0));
        let tiny = dyadic(5e-324).times(&dyadic(0.5));
        assert_eq!((tiny.floor_f64(), tiny.ceil_f64()), (0.0, 5e-324));
        let huge = dyadic(f64::MAX).times(&dyadic(2.0));
        assert_eq!((huge.floor_f64(), huge.ceil_f64()), (f64::MAX, f64::INFINITY));
    }

    #[test]
    fn decimals_show_every_digit() {
        assert_eq!(dyadic(-0.1).to_string(), format!("{:.55}", -0.1_f64));
        assert_eq!(dyadic(3.0).times(&dyadic(4.0)).to_string(), "12");
        assert_eq!(dyadic(-0.5).to_string(), "-0.5");
    }

    #[test]
    fn order_is_that_of_the_numbers() {
        assert!(dyadic(0.1).plus(&dyadic(0.2)) > dyadic(0.3));
        assert!(dyadic(-2.0) < dyadic(0.0));
        assert_eq!(dyadic(1.5).plus(&dyadic(0.5)), dyadic(2.0));
    }
}
