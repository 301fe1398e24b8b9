//! Numbers as an explanation shows them: six significant digits, and whether these are all there are.

use crate::document::Text;
use crate::formula::{Math, Operator};

/// Significant digits of numbers that are steps on the way; results are shown with all of theirs.
const DIGITS: usize = 6;

/// A number as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    text: String,
    /// Whether nothing was rounded away.
    pub(super) exact: bool,
}

impl Shown {
    pub(super) fn math(&self) -> Math {
        match self.text.as_str() {
            "NaN" => Math::f64(f64::NAN),
            "inf" => Math::f64(f64::INFINITY),
            "-inf" => Math::f64(f64::NEG_INFINITY),
            text => Math::number(text),
        }
    }

    pub(super) fn text(&self) -> Text {
        self.math().into()
    }
}

/// A number of a few digits: f64 noise behind the twelfth digit does not count as rounding.
pub(super) fn shown(value: f64) -> Shown {
    if value == 0.0 {
        return Shown { text: "0".into(), exact: true };
    }
    if !value.is_finite() {
        let text = if value.is_nan() { "NaN".into() } else { value.to_string() };
        return Shown { text, exact: true };
    }
    let rounded: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
    let exact = (rounded - value).abs() <= 1e-12 * value.abs();
    Shown { text: digits(rounded), exact }
}

/// An f32 of a few digits, by the decimal that stands for it.
pub(super) fn shown_f32(value: f32) -> Shown {
    shown(crate::trace::written(value))
}

/// All digits of an f32.
pub(super) fn full(value: f32) -> Math {
    Math::f32(value)
}

/// Twelve significant digits of an f64.
pub(super) fn precise(value: f64) -> Math {
    if !value.is_finite() || value == 0.0 {
        return Math::f64(value);
    }
    let rounded: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    Math::number(&digits(rounded))
}

/// The shortest decimal, with an exponent where many zeros would stand.
fn digits(value: f64) -> String {
    if (1e-4..1e7).contains(&value.abs()) { value.to_string() } else { format!("{value:e}") }
}

/// `=` if both sides are shown without rounding, else `≈`.
pub(super) fn relation(exact: bool) -> Operator {
    if exact { Operator::Equals } else { Operator::Approximately }
}

/// A number in a few digits as mathematics.
pub(super) fn number(value: f64) -> Math {
    shown(value).math()
}

/// An f32 in a few digits as mathematics.
pub(super) fn number_f32(value: f32) -> Math {
    shown_f32(value).math()
}

/// `left = right` or `left ≈ right`.
pub(super) fn related(left: Math, exact: bool, right: Math) -> Math {
    Math::row([left, Math::Operator(relation(exact)), right])
}
