//! Numbers as they were written, and exact fractions to compute with them.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number that is not negative, kept as its text: `2`, `0.1`, `1.50`, `1e-3`.
///
/// Two numbers are equal when they are written alike: `0.5` and `0.50` differ, as lines of a derivation do.
/// A negative number is an [`Expression::Negative`](super::Expression::Negative) of a number.
///
/// ```
/// use glassnet::formula::{Number, Rational};
/// let tenth = Number::parse("0.1").unwrap();
/// assert_eq!(tenth.as_str(), "0.1");
/// assert_eq!(tenth.rational(), Rational::new(1, 10));
/// assert_eq!(Number::parse("-1"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(String);

impl Number {
    /// The number written as `text`: digits with at most one point, then perhaps `e` and a signed exponent.
    ///
    /// `None` for any other text, for numbers beyond the range of f64, and for those that are not zero but
    /// closer to it than f64 can tell.
    pub fn parse(text: &str) -> Option<Number> {
        if !text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
            || !text.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        {
            return None;
        }
        let value: f64 = text.parse().ok()?;
        let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
        let zero = !mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
        (value.is_finite() && (value != 0.0) != zero).then(|| Number(text.to_string()))
    }

    /// The whole number `value`.
    pub fn integer(value: u64) -> Number {
        Number(value.to_string())
    }

    /// The shortest decimal that f64 reads as `value`; `None` if it is negative or not finite.
    pub fn from_f64(value: f64) -> Option<Number> {
        (value.is_finite() && !value.is_sign_negative()).then(|| Number(format!("{value:?}")))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The f64 nearest to the number.
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The exact value, where numerator and denominator fit into 127 bits.
    pub fn rational(&self) -> Option<Rational> {
        let (mantissa, exponent) = self.0.split_once(['e', 'E']).unwrap_or((&self.0, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            digits = digits.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        let exponent = exponent.parse::<i64>().ok()?.checked_sub(fraction.len() as i64)?;
        let scale = 10i128.checked_pow(u32::try_from(exponent.unsigned_abs()).ok()?);
        match (digits, exponent) {
            (0, _) => Rational::new(0, 1),
            (_, 0..) => Rational::new(digits.checked_mul(scale?)?, 1),
            _ => Rational::new(digits, scale?),
        }
    }

    /// True if the number is written with digits only.
    pub fn is_integer_text(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An exact fraction in lowest terms; arithmetic that would overflow 127 bits answers `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rational {
    numerator: i128,
    denominator: i128,
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Rational {
    /// Zero.
    pub const ZERO: Rational = Rational { numerator: 0, denominator: 1 };
    /// One.
    pub const ONE: Rational = Rational { numerator: 1, denominator: 1 };

    /// `numerator / denominator`; `None` if the denominator is zero or a part is `i128::MIN`.
    pub fn new(numerator: i128, denominator: i128) -> Option<Rational> {
        if denominator == 0 || numerator == i128::MIN || denominator == i128::MIN {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = divisor as i128 * denominator.signum();
        Some(Rational { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The numerator, with the sign.
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// The denominator, at least 1.
    pub fn denominator(self) -> i128 {
        self.denominator
    }

    /// The sum.
    pub fn plus(self, other: Rational) -> Option<Rational> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        let denominator = self.denominator.checked_mul(other.denominator)?;
        Rational::new(left.checked_add(right)?, denominator)
    }

    /// The negative.
    pub fn negative(self) -> Rational {
        Rational { numerator: -self.numerator, ..self }
    }

    /// The difference.
    pub fn minus(self, other: Rational) -> Option<Rational> {
        self.plus(other.negative())
    }

    /// The product.
    pub fn times(self, other: Rational) -> Option<Rational> {
        let numerator = self.numerator.checked_mul(other.numerator)?;
        Rational::new(numerator, self.denominator.checked_mul(other.denominator)?)
    }

    /// The quotient; `None` also for division by zero.
    pub fn over(self, other: Rational) -> Option<Rational> {
        let numerator = self.numerator.checked_mul(other.denominator)?;
        Rational::new(numerator, self.denominator.checked_mul(other.numerator)?)
    }

    /// The power with a whole exponent; `None` also for zero to a negative power.
    pub fn power(self, exponent: i32) -> Option<Rational> {
        let count = exponent.unsigned_abs();
        let numerator = self.numerator.checked_pow(count)?;
        let denominator = self.denominator.checked_pow(count)?;
        match exponent {
            0.. => Rational::new(numerator, denominator),
            _ => Rational::new(denominator, numerator),
        }
    }

    /// The order of two fractions.
    pub fn compare(self, other: Rational) -> Option<Ordering> {
        Some(self.minus(other)?.numerator.cmp(&0))
    }

    /// True for zero.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// The f64 nearest to numerator over that nearest to denominator.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// The text of a finite decimal that equals the fraction's size, without its sign; `None` if there is none
    /// of at most 30 places.
    pub(crate) fn decimal(self) -> Option<String> {
        let mut places = 0usize;
        let mut scaled = self.numerator.abs();
        while scaled % self.denominator != 0 {
            scaled = scaled.checked_mul(10)?;
            places += 1;
            if places > 30 {
                return None;
            }
        }
        let digits = (scaled / self.denominator).to_string();
        if places == 0 {
            return Some(digits);
        }
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        Some(format!("{whole}.{fraction}"))
    }
}
