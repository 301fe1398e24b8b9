//! How numbers are shown: to so many significant digits, without zeros that say nothing.

use crate::document::Text;
use crate::formula::Math;

/// `value` to `digits` significant digits, trailing zeros cut; very small and very large ones as `1.5e-7`. Digits
/// before the point are always all there: 1096.63 to three digits is 1097.
pub(super) fn shown(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".into()
        } else if value > 0.0 {
            "∞".into()
        } else {
            "-∞".into()
        };
    }
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-3..9).contains(&exponent) {
        let places = (digits as i32 - 1 - exponent).max(0) as usize;
        trimmed(format!("{value:.places$}"))
    } else {
        format!("{}e{exponent}", trimmed(mantissa.into()))
    }
}

/// The number that [`shown`] shows.
pub(super) fn rounded(value: f64, digits: usize) -> f64 {
    shown(value, digits).parse().unwrap_or(value)
}

/// As [`shown`], set as mathematics.
pub(super) fn math(value: f64, digits: usize) -> Math {
    if value.is_finite() { Math::number(&shown(value, digits)) } else { Math::f64(value) }
}

/// As [`shown`], as a table's cell.
pub(super) fn cell(value: f64, digits: usize) -> Text {
    math(value, digits).into()
}

/// `value` with exactly `places` decimals.
pub(super) fn fixed(value: f64, places: usize) -> Math {
    if value.is_finite() { Math::number(&format!("{value:.places$}")) } else { Math::f64(value) }
}

/// A matrix of numbers to `digits` significant digits.
pub(super) fn matrix(rows: &[Vec<f64>], digits: usize) -> Math {
    Math::Matrix(
        rows.iter().map(|row| row.iter().map(|&value| math(value, digits)).collect()).collect(),
    )
}

/// A column of numbers to `digits` significant digits.
pub(super) fn column(values: &[f64], digits: usize) -> Math {
    Math::Matrix(values.iter().map(|&value| vec![math(value, digits)]).collect())
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// A count with its noun: `1 row`, `4 rows`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_significant_and_zeros_are_cut() {
        for (value, digits, text) in [
            (1096.633, 3, "1097"),
            (2.7249, 3, "2.72"),
            (9.025, 3, "9.03"),
            (0.989405, 3, "0.989"),
            (-0.6177000004, 6, "-0.6177"),
            (6.648e-3, 3, "0.00665"),
            (4.5396e-5, 3, "4.54e-5"),
            (8.2446e-9, 3, "8.24e-9"),
            (0.0, 3, "0"),
            (-0.0, 3, "0"),
            (1e9, 3, "1e9"),
            (0.9999, 3, "1"),
            (f64::INFINITY, 3, "∞"),
        ] {
            assert_eq!(shown(value, digits), text);
        }
    }
}
