//! How many digits an f32 has right, and where others were lost.

use serde::Serialize;

/// A computed f32 against the f64 beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Precision {
    /// f32 value minus f64 value.
    pub error: f64,
    /// The error in units of the last place of an f32 of that size; infinite where only one of both is finite.
    pub ulps: f64,
    /// For a sum: `Σ|terms| / |Σ terms|`, at least 1; infinite where terms cancel to 0. Its decimal logarithm is how
    /// many digits the result has fewer than its terms.
    pub cancellation: Option<f64>,
}

impl Precision {
    /// Compares a value with the exact one.
    pub fn of(value: f32, exact: f64, cancellation: Option<f64>) -> Precision {
        let error = f64::from(value) - exact;
        let both_nan = value.is_nan() && exact.is_nan();
        let ulps = if both_nan || f64::from(value) == exact {
            0.0
        } else if error.is_finite() {
            error.abs() / spacing(exact)
        } else {
            f64::INFINITY
        };
        Precision { error, ulps, cancellation }
    }

    /// The decimal digits that cancellation cost: 0 where nothing cancelled.
    pub fn digits_lost(&self) -> f64 {
        self.cancellation.map_or(0.0, |ratio| libm::log10(ratio.max(1.0)))
    }
}

/// The distance between neighbouring f32s at `exact`.
fn spacing(exact: f64) -> f64 {
    let size = exact.abs().max(f64::from(f32::MIN_POSITIVE));
    let exponent = libm::ilogb(size);
    libm::ldexp(1.0, exponent - 23)
}

/// `Σ|terms| / |total|`, if there are terms that could cancel.
pub(super) fn cancellation(terms: impl Iterator<Item = f64>, total: f64) -> Option<f64> {
    let sizes: f64 = terms.map(f64::abs).sum();
    match (sizes == 0.0, total == 0.0) {
        (true, _) => None,
        (false, true) => Some(f64::INFINITY),
        (false, false) => Some((sizes / total.abs()).max(1.0)),
    }
}
