//! Numbers with few digits that say no more than is known.

/// `bound` with four digits, rounded up: what is shown of an upper bound holds as well.
pub(crate) fn above(bound: f64) -> String {
    let near = format!("{bound:.3e}");
    if !bound.is_finite() || near.parse().is_ok_and(|near: f64| near >= bound) {
        return near;
    }
    // A digit more than the nearest: 9.999 becomes 10.000, which is read as what it is.
    let (mantissa, exponent) = near.split_once('e').unwrap_or((&near, "0"));
    let next = mantissa.parse().unwrap_or(0.0) + 0.001;
    format!("{next:.3}e{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_no_less() {
        for (bound, shown) in [
            (0.0, "0.000e0"),
            (1.5, "1.500e0"),
            (3.651_201_1e-4, "3.652e-4"),
            (9.9991e7, "10.000e7"),
        ] {
            assert_eq!(above(bound), shown);
            assert!(shown.parse::<f64>().unwrap() >= bound);
        }
        assert_eq!(above(f64::INFINITY), "inf");
    }
}
