//! Numbers as people wrote them: the f32 nearest to 3.21 stands for 3.21.

use crate::tensor::Tensor;

/// The f64 nearest to the shortest decimal that reads back as `value`.
///
/// ```
/// assert_eq!(glassnet::trace::written(3.21), 3.21_f64);
/// assert_ne!(f64::from(3.21_f32), 3.21_f64);
/// ```
pub fn written(value: f32) -> f64 {
    let wide = f64::from(value);
    if !value.is_finite() || value == 0.0 {
        return wide;
    }
    if (1e-3..1e6).contains(&wide.abs()) {
        // The product is exact (24 and 21 significant bits), so the quotient is the decimal, rounded once.
        let mut power = 1.0;
        for _ in 0..10 {
            let decimal = libm::round(wide * power) / power;
            if decimal as f32 == value {
                return decimal;
            }
            power *= 10.0;
        }
    }
    format!("{value:e}").parse().unwrap_or(wide)
}

pub(super) fn tensor(values: &Tensor<f32>, as_written: bool) -> Tensor<f64> {
    values.map(|value| if as_written { written(value) } else { f64::from(value) })
}
