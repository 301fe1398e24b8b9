//! Exact numbers: `mantissa · 2^exponent / odd`, with big integers.
//!
//! Weights are f32, hence whole multiples of powers of two, and so are their sums and products: a common denominator
//! other than a power of two appears only where a certificate gives a ratio. Sums of weights therefore shift and add,
//! and never look for common divisors.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

use crate::error::{Error, Result};

/// The most digits that a number of a certificate may have.
const MOST_DIGITS: usize = 4096;

/// A rational number, exactly.
#[derive(Clone, Debug)]
pub(super) struct Number {
    mantissa: BigInt,
    exponent: i64,
    /// The odd part of the denominator, at least 1.
    odd: BigInt,
}

impl Number {
    pub(super) fn zero() -> Self {
        Number { mantissa: BigInt::zero(), exponent: 0, odd: BigInt::one() }
    }

    pub(super) fn one() -> Self {
        Number { mantissa: BigInt::one(), exponent: 0, odd: BigInt::one() }
    }

    /// `2^exponent`.
    pub(super) fn power_of_two(exponent: i64) -> Self {
        Number { mantissa: BigInt::one(), exponent, odd: BigInt::one() }
    }

    /// The number that `value` is; `None` for NaN and infinities.
    pub(super) fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let bits = value.to_bits();
        let field = ((bits >> 52) & 0x7ff) as i64;
        let fraction = bits & ((1 << 52) - 1);
        let (whole, exponent) =
            if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
        if whole == 0 {
            return Some(Number::zero());
        }
        let shift = whole.trailing_zeros();
        let mut mantissa = BigInt::from(whole >> shift);
        if value < 0.0 {
            mantissa = -mantissa;
        }
        Some(Number { mantissa, exponent: exponent + i64::from(shift), odd: BigInt::one() })
    }

    /// The number that `text` writes: `-3`, `22/7`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::model(format!("{:?} is no fraction", text.chars().take(40).collect::<String>()))
                .at("the certificate")
                .help("write whole numbers or fractions such as -3/4")
        };
        if text.len() > MOST_DIGITS {
            return Err(bad().detail(format!("it has more than {MOST_DIGITS} characters")));
        }
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let mantissa: BigInt = above.parse().map_err(|_| bad())?;
        let below: BigInt = below.parse().map_err(|_| bad())?;
        if below.sign() != Sign::Plus {
            return Err(bad());
        }
        let twos = below.trailing_zeros().unwrap_or(0);
        let number = Number { mantissa, exponent: -(twos as i64), odd: below >> twos };
        Ok(number.reduced())
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub(super) fn is_positive(&self) -> bool {
        self.mantissa.is_positive()
    }

    pub(super) fn is_negative(&self) -> bool {
        self.mantissa.is_negative()
    }

    pub(super) fn negated(&self) -> Self {
        Number { mantissa: -&self.mantissa, exponent: self.exponent, odd: self.odd.clone() }
    }

    pub(super) fn abs(&self) -> Self {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        if self.is_zero() {
            return other.clone();
        }
        if other.is_zero() {
            return self.clone();
        }
        let exponent = self.exponent.min(other.exponent);
        let shifted = |n: &Number| &n.mantissa << (n.exponent - exponent) as u64;
        if self.odd.is_one() && other.odd.is_one() {
            return Number {
                mantissa: shifted(self) + shifted(other),
                exponent,
                odd: BigInt::one(),
            };
        }
        let mantissa = shifted(self) * &other.odd + shifted(other) * &self.odd;
        Number { mantissa, exponent, odd: &self.odd * &other.odd }.reduced()
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return Number::zero();
        }
        let product = Number {
            mantissa: &self.mantissa * &other.mantissa,
            exponent: self.exponent + other.exponent,
            odd: &self.odd * &other.odd,
        };
        if product.odd.is_one() { product } else { product.reduced() }
    }

    /// `1/self`; `None` for zero.
    pub(super) fn reciprocal(&self) -> Option<Self> {
        if self.is_zero() {
            return None;
        }
        let twos = self.mantissa.trailing_zeros().unwrap_or(0);
        let odd = (&self.mantissa >> twos).abs();
        let sign = self.mantissa.signum();
        let exponent = -(self.exponent + twos as i64);
        Some(Number { mantissa: &self.odd * sign, exponent, odd })
    }

    /// A number at most `2^-digits` below the square root of a number that isn't negative, as a share of the root.
    pub(super) fn root(&self, digits: u64) -> Self {
        // √(m·2^e/q) = √(m·q·2^e)/q, and m·q is lengthened by an even power of two until its root has the digits.
        let mut mantissa = &self.mantissa * &self.odd;
        let mut exponent = self.exponent;
        let lengthen = 2 * (digits + 2) + (exponent.rem_euclid(2) as u64);
        mantissa <<= lengthen;
        exponent -= lengthen as i64;
        let root = mantissa.sqrt();
        Number { mantissa: root, exponent: exponent / 2, odd: self.odd.clone() }.reduced()
    }

    pub(super) fn max(self, other: Self) -> Self {
        if self.compare(&other) == Ordering::Less { other } else { self }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.minus(other).mantissa.cmp(&BigInt::zero())
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.minus(other).is_zero()
    }

    /// The nearest fraction whose mantissa has few common factors with its denominator.
    fn reduced(mut self) -> Self {
        if self.mantissa.is_zero() {
            return Number::zero();
        }
        if !self.odd.is_one() {
            let common = self.mantissa.gcd(&self.odd);
            self.mantissa /= &common;
            self.odd /= &common;
        }
        self
    }

    /// An f64 near it, for messages.
    pub(super) fn near(&self) -> f64 {
        let (above, below) = if self.exponent >= 0 {
            (&self.mantissa << self.exponent.min(4096) as u64, self.odd.clone())
        } else {
            (self.mantissa.clone(), &self.odd << (-self.exponent).min(65_536) as u64)
        };
        num_traits::ToPrimitive::to_f64(&num_rational::Ratio::new_raw(above, below))
            .unwrap_or(f64::NAN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn floats_are_taken_exactly() {
        let tenth = Number::from_f64(0.1).unwrap();
        assert!(!tenth.is(&number("1/10")));
        assert!(tenth.is(&number("3602879701896397/36028797018963968")));
        assert!(Number::from_f64(-2.5).unwrap().is(&number("-5/2")));
        assert!(Number::from_f64(f64::NAN).is_none());
        let least = Number::from_f64(5e-324).unwrap();
        assert!(least.is(&Number::power_of_two(-1074)));
    }

    #[test]
    fn arithmetic_is_that_of_fractions() {
        let third = number("1/3");
        assert!(third.plus(&number("1/6")).is(&number("1/2")));
        assert!(third.times(&number("-9/4")).is(&number("-3/4")));
        assert!(third.minus(&third).is_zero());
        assert!(number("-12/5").reciprocal().unwrap().is(&number("-5/12")));
        assert!(Number::zero().reciprocal().is_none());
        assert_eq!(third.compare(&number("33/100")), Ordering::Greater);
        assert_eq!(number("-7/4").near(), -1.75);
    }

    #[test]
    fn roots_are_as_near_as_they_say() {
        for text in ["2", "1/3", "49", "1/1024", "5/7"] {
            let (square, root) = (number(text), number(text).root(100));
            let miss = square.minus(&root.times(&root));
            assert!(!miss.is_negative());
            let most = square.times(&Number::power_of_two(-98));
            assert_ne!(miss.compare(&most), Ordering::Greater, "{text}");
        }
    }

    #[test]
    fn what_is_no_fraction_is_refused() {
        for text in ["", "x", "1/0", "1/-2", "1/2/3", "0.5", &"9".repeat(5000)] {
            assert!(Number::parse(text).is_err(), "{text:.20}");
        }
    }
}
