//! Fractions of any size, and how decimals and floats become them.

use std::fmt;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Math, Operator};

/// A fraction of whole numbers of any size, always in lowest terms.
pub type Rational = num_rational::BigRational;

/// What a float that was given stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// The shortest decimal that reads back as the float, as it is printed: the f32 nearest to 0.1 is 1/10.
    #[default]
    Printed,
    /// The value that is stored, a whole number over a power of two: the f32 nearest to 0.1 is 13421773/134217728.
    Stored,
}

impl Numbers {
    /// The sentence that says how numbers were taken.
    pub fn sentence(self) -> &'static str {
        match self {
            Numbers::Printed => {
                "Numbers are taken as they are printed: 0.1 is 1/10, not the nearest binary number."
            }
            Numbers::Stored => {
                "Numbers are taken as they are stored: whole numbers over a power of two."
            }
        }
    }
}

/// The fraction that `value` stands for.
///
/// # Errors
/// When it is NaN or infinite.
///
/// ```
/// use glassnet::explain::exact::{Numbers, rational};
/// assert_eq!(rational(0.1, Numbers::Printed)?.to_string(), "1/10");
/// assert_eq!(rational(0.1, Numbers::Stored)?.to_string(), "3602879701896397/36028797018963968");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn rational(value: f64, numbers: Numbers) -> Result<Rational> {
    let found = match numbers {
        Numbers::Printed => decimal(&format!("{value:e}")),
        Numbers::Stored => Rational::from_float(value),
    };
    found.ok_or_else(|| {
        Error::new(ErrorKind::Numeric, format!("{value} is no number to compute with exactly"))
            .help("give finite numbers")
    })
}

/// As [`rational`], over a power of ten or two that is not cancelled: sums of such fractions need no common divisors.
pub(super) fn uncancelled(value: f64, numbers: Numbers) -> Result<Rational> {
    match numbers {
        Numbers::Printed => match uncancelled_decimal(&format!("{value:e}")) {
            Some(found) => Ok(found),
            None => rational(value, numbers),
        },
        Numbers::Stored => rational(value, numbers),
    }
}

/// The sum, cancelled only where neither denominator is a multiple of the other.
///
/// Cancelling costs more than all else in long sums of decimals, whose denominators are powers of ten anyway.
pub(super) fn plus(a: &Rational, b: &Rational) -> Rational {
    if a.numer().is_zero() {
        return b.clone();
    }
    if b.numer().is_zero() {
        return a.clone();
    }
    if a.denom() == b.denom() {
        return Rational::new_raw(a.numer() + b.numer(), a.denom().clone());
    }
    let (wide, narrow) = if a.denom() > b.denom() { (a, b) } else { (b, a) };
    let (factor, rest) = wide.denom().div_rem(narrow.denom());
    if rest.is_zero() {
        return Rational::new_raw(wide.numer() + narrow.numer() * factor, wide.denom().clone());
    }
    a + b
}

/// The product, not cancelled.
pub(super) fn times(a: &Rational, b: &Rational) -> Rational {
    if a.numer().is_zero() || b.numer().is_zero() {
        return Rational::zero();
    }
    Rational::new_raw(a.numer() * b.numer(), a.denom() * b.denom())
}

/// The value of a decimal's text: digits with at most one point, a sign, an exponent.
pub fn decimal(text: &str) -> Option<Rational> {
    uncancelled_decimal(text).map(|value| value.reduced())
}

fn uncancelled_decimal(text: &str) -> Option<Rational> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole_number(whole, part)?;
    let exponent = exponent.parse::<i64>().ok()? - i64::try_from(part.len()).ok()?;
    if exponent.unsigned_abs() > 5000 {
        return None;
    }
    let power = match u32::try_from(exponent.unsigned_abs()).ok()? {
        small @ 0..=38 => BigInt::from(10_i128.pow(small)),
        large => BigInt::from(10).pow(large),
    };
    Some(if exponent < 0 {
        Rational::new_raw(digits, power)
    } else {
        Rational::from_integer(digits * power)
    })
}

/// The digits of both texts, one behind the other; those of a float fit into an i128, which is quicker.
fn whole_number(whole: &str, part: &str) -> Option<BigInt> {
    if whole.len() + part.len() > 36 {
        return format!("{whole}{part}").parse().ok();
    }
    let (negative, whole) = match whole.strip_prefix('-') {
        Some(size) => (true, size),
        None => (false, whole),
    };
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let mut value = 0_i128;
    for digit in whole.bytes().chain(part.bytes()) {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i128::from(digit - b'0');
    }
    Some(BigInt::from(if negative { -value } else { value }))
}

/// The f64 nearest to `value`, or an infinity.
pub fn nearest(value: &Rational) -> f64 {
    value.to_f64().unwrap_or(f64::NAN)
}

/// The fraction in digits, as short as it can be said exactly: `3`, `-53/75`, `0.35` where `decimals` allows
/// so many places behind the point.
pub fn digits(value: &Rational, decimals: usize) -> String {
    if value.is_integer() {
        return value.to_integer().to_string();
    }
    let ten = BigInt::from(10);
    let mut scaled = value.clone();
    for places in 1..=decimals {
        scaled *= Rational::from_integer(ten.clone());
        if scaled.is_integer() {
            let sign = if scaled.is_negative() { "-" } else { "" };
            let text = format!("{:0>width$}", scaled.to_integer().abs(), width = places + 1);
            let (whole, part) = text.split_at(text.len() - places);
            return format!("{sign}{whole}.{part}");
        }
    }
    value.to_string()
}

/// How many digits numerator and denominator have together, which says whether a reader wants to see them.
pub(super) fn length(value: &Rational) -> u64 {
    // log10(2) ≈ 0.30103
    (value.numer().bits() + value.denom().bits()) * 301 / 1000
}

/// A fraction as it is set on a page; one that is too long to read is set as `≈` its f64.
pub fn math(value: &Rational) -> Math {
    if length(value) > 30 {
        return Math::row([Math::Operator(Operator::Approximately), Math::f64(nearest(value))]);
    }
    let size = |value: &BigInt| Math::number(&value.abs().to_string());
    let unsigned = if value.denom().is_one() {
        size(value.numer())
    } else {
        Math::fraction(size(value.numer()), size(value.denom()))
    };
    if value.is_negative() {
        Math::row([Math::Operator(Operator::Sign), unsigned])
    } else {
        unsigned
    }
}

/// A fraction of two small whole numbers.
pub fn ratio(numerator: i64, denominator: i64) -> Rational {
    Rational::new(numerator.into(), denominator.into())
}

/// A fraction that prints shortly: exact while it can be read, else its f64 behind `≈`.
#[derive(Clone, Debug)]
pub struct Short<'a>(pub &'a Rational);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() || length(self.0) <= 30 {
            write!(f, "{}", self.0)
        } else {
            write!(f, "≈ {:?}", nearest(self.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, expected) in
            [("-1e-1", "-1/10"), ("3.21", "321/100"), ("1.5e3", "1500"), ("-0", "0")]
        {
            assert_eq!(decimal(text).unwrap().to_string(), expected);
        }
        for wrong in ["x", "", "-", ".", "1-2", "+-1", "1e", "1e99999"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
        let long = "123456789012345678901234567890.123456789012345";
        assert_eq!(
            decimal(long).unwrap().to_string(),
            "24691357802469135780246913578024691357802469/200000000000000"
        );
        assert_eq!(
            rational(f64::from(0.1_f32), Numbers::Stored).unwrap().to_string(),
            "13421773/134217728"
        );
        assert!(rational(f64::NAN, Numbers::Printed).is_err());
        assert!(rational(f64::INFINITY, Numbers::Stored).is_err());
    }

    #[test]
    fn digits_are_short_and_exact() {
        assert_eq!(digits(&ratio(-1, 20), 4), "-0.05");
        assert_eq!(digits(&ratio(109, 300), 6), "109/300");
        assert_eq!(digits(&ratio(-6, 2), 6), "-3");
    }
}
