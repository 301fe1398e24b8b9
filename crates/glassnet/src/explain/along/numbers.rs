//! Places, losses and polynomials as they are read: exact while they are short, else to a few digits.

use super::Level;
use crate::explain::exact::{Place, Polynomial, Rational, digits, math, nearest};
use crate::formula::{Math, Operator};
use num_traits::{One, Signed, Zero};

/// Up to so many places behind the point a fraction is shown as the decimal that it is.
const DECIMALS: usize = 12;

/// A place in a sentence: exact while it is short, else to seven digits.
pub(super) fn at(place: &Place) -> String {
    match place.fraction().map(|exact| digits(exact, DECIMALS)) {
        Some(exact)
            if exact.len() <= 18
                && (!exact.contains('/') || place.fraction().is_some_and(is_brief)) =>
        {
            signed(&exact)
        }
        Some(_) | None => format!("≈ {}", signed(&format!("{:.7}", Significant(place.to_f64())))),
    }
}

/// A place as it is set on a page: exact while it is short, else to seven digits.
pub(super) fn place(place: &Place) -> Math {
    match place.fraction() {
        Some(exact) => readable_signed(exact),
        None => Math::number(&format!("{:.7}", Significant(place.to_f64()))),
    }
}

pub(super) fn readable_signed(value: &Rational) -> Math {
    let decimal = digits(value, DECIMALS);
    if !decimal.contains('/') {
        return Math::number(&decimal);
    }
    if is_brief(value) {
        return math(value);
    }
    Math::number(&format!("{:.7}", Significant(nearest(value))))
}

/// Whether a reader is glad of the fraction: a whole number, or up to six digits above and below the line.
pub(super) fn is_brief(value: &Rational) -> bool {
    let text = value.to_string();
    let digits = |part: &str| part.trim_start_matches('-').len();
    match text.split_once('/') {
        None => digits(&text) <= 18,
        Some((above, below)) => digits(above) <= 6 && digits(below) <= 6,
    }
}

/// A number in a sentence, with a minus sign rather than a hyphen.
pub(super) fn signed(number: &str) -> String {
    number.replace('-', "−")
}

/// Whether [`place`] shows the place itself.
pub(super) fn is_short(place: &Place) -> bool {
    place.fraction().is_some_and(|exact| is_brief(exact) || !digits(exact, DECIMALS).contains('/'))
}

/// Rounds to significant digits in fixed notation.
pub(super) struct Significant(pub(super) f64);

impl std::fmt::Display for Significant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = f.precision().unwrap_or(6);
        if self.0 == 0.0 || !self.0.is_finite() {
            return write!(f, "{}", self.0);
        }
        let rounded: f64 = format!("{:.*e}", digits - 1, self.0).parse().unwrap_or(self.0);
        let text = format!("{rounded:?}");
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

pub(super) fn level(level: &Level) -> String {
    let value = signed(&format!("{:.6}", Significant(level.value)));
    match &level.exact {
        Some(exact) if exact.is_integer() => signed(&exact.to_string()),
        Some(exact) if is_brief(exact) => format!("{} ≈ {value}", signed(&exact.to_string())),
        Some(_) | None => value,
    }
}

/// `7/20*w^2 - 53/75*w + 109/300`, highest power first.
pub(super) fn written(polynomial: &Polynomial, symbol: &str) -> String {
    let mut text = String::new();
    for (power, coefficient) in polynomial.coefficients().iter().enumerate().rev() {
        if coefficient.is_zero() {
            continue;
        }
        let sign = match (text.is_empty(), coefficient.is_negative()) {
            (true, true) => "-",
            (true, false) => "",
            (false, true) => " - ",
            (false, false) => " + ",
        };
        let size = coefficient.abs();
        let factor = match power {
            0 => String::new(),
            1 => symbol.to_owned(),
            _ => format!("{symbol}^{power}"),
        };
        text.push_str(sign);
        if power == 0 || !size.is_one() {
            text.push_str(&size.to_string());
            if power > 0 {
                text.push('*');
            }
        }
        text.push_str(&factor);
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

/// The polynomial as it is set on a page, highest power first.
pub(super) fn set(polynomial: &Polynomial, symbol: &str) -> Math {
    let mut row = vec![];
    for (power, coefficient) in polynomial.coefficients().iter().enumerate().rev() {
        if coefficient.is_zero() {
            continue;
        }
        match (row.is_empty(), coefficient.is_negative()) {
            (true, true) => row.push(Math::Operator(Operator::Sign)),
            (true, false) => {}
            (false, true) => row.push(Math::Operator(Operator::Minus)),
            (false, false) => row.push(Math::Operator(Operator::Plus)),
        }
        let size = coefficient.abs();
        let base = Math::name(symbol);
        let factor = match power {
            0 => None,
            1 => Some(base),
            _ => Some(base.raised(Math::number(&power.to_string()))),
        };
        match factor {
            None => row.push(readable(&size)),
            Some(factor) if size.is_one() => row.push(factor),
            Some(factor) => {
                row.extend([readable(&size), Math::Operator(Operator::Beside), factor]);
            }
        }
    }
    if row.is_empty() { Math::number("0") } else { Math::row(row) }
}

/// A coefficient: exact while it can be read, else to seven digits, as everywhere in a list of many pieces.
pub(super) fn readable(value: &Rational) -> Math {
    if is_brief(value) {
        return math(value);
    }
    Math::number(&format!("{:.7}", Significant(nearest(value))))
}
