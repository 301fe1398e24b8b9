//! Numbers as Python prints them.

use std::fmt;

/// A number among a layer's arguments. Python tells whole numbers from floats, and so does a layer's `repr`:
/// `Softplus(beta=2)` and `Softplus(beta=2.0)` compute the same and print differently.
///
/// ```
/// use glassnet::nn::Scalar;
/// assert_eq!(Scalar::from(0.00001).to_string(), "1e-05");
/// assert_eq!(Scalar::from(2.0).to_string(), "2.0");
/// assert_eq!(Scalar::from(2).to_string(), "2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// Written without a point or exponent.
    Int(i64),
    /// Written with one.
    Float(f64),
}

impl Scalar {
    /// The value as a float.
    pub fn value(self) -> f64 {
        match self {
            Scalar::Int(value) => value as f64,
            Scalar::Float(value) => value,
        }
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Scalar::Float(value)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Scalar::Int(value)
    }
}

impl From<i32> for Scalar {
    fn from(value: i32) -> Self {
        Scalar::Int(value.into())
    }
}

impl fmt::Display for Scalar {
    /// As Python's `repr`: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match *self {
            Scalar::Int(value) => return write!(f, "{value}"),
            Scalar::Float(value) => value,
        };
        if value.is_nan() {
            return f.write_str("nan");
        }
        let scientific = format!("{value:e}");
        match scientific.split_once('e').map(|(digits, power)| (digits, power.parse::<i32>())) {
            Some((digits, Ok(power))) if !(-4..16).contains(&power) => {
                let sign = if power < 0 { '-' } else { '+' };
                write!(f, "{digits}e{sign}{:02}", power.unsigned_abs())
            }
            // Within these powers Rust's own form is Python's; infinities print as `inf` in both.
            Some(_) | None => write!(f, "{value:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right column is what Python 3.11 prints.
    #[test]
    fn floats_print_as_in_python() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (1e22, "1e+22"),
            (2.5e-300, "2.5e-300"),
            (f64::INFINITY, "inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(Scalar::Float(value).to_string(), expected);
        }
    }
}
