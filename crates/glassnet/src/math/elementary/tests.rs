//! Elementary functions against their true values, within the stated bounds.

use super::truth::{DERIVATIVE_BOUND, ENTRIES, error};
use super::*;

fn function(name: &str) -> fn(f32) -> f32 {
    match name {
        "exp" => exp,
        "expm1" => expm1,
        "log" => log,
        "log1p" => log1p,
        "tanh" => tanh,
        "sigmoid" => sigmoid,
        "softplus" => softplus,
        "logsigmoid" => logsigmoid,
        "sin" => sin,
        "cos" => cos,
        "erf" => erf,
        "gelu" => gelu,
        "gelu_tanh" => gelu_tanh,
        "silu" => silu,
        "mish" => mish,
        "gelu_derivative" => gelu_derivative,
        "gelu_tanh_derivative" => gelu_tanh_derivative,
        "silu_derivative" => silu_derivative,
        "mish_derivative" => mish_derivative,
        other => panic!("no function {other}"),
    }
}

/// One input in 1021 of all 2³², and the neighbourhood of special ones: what a few seconds without optimisation allow.
/// `cargo xtask ci functions` takes one in 64, optimised, and `cargo run --release --example ulp` all of them.
fn inputs() -> Vec<f32> {
    let mut bits: Vec<u32> = (0..=u32::MAX).step_by(1021).collect();
    let special = [
        0.0,
        f32::MIN_POSITIVE,
        0.55,
        0.7517916,
        1.0,
        1.278465,
        1.192375,
        87.33655,
        88.72284,
        103.97208,
    ];
    for centre in special {
        for near in -50..=50_i32 {
            let point = centre.to_bits().wrapping_add_signed(near);
            bits.extend([point, point | 0x8000_0000]);
        }
    }
    bits.into_iter().map(f32::from_bits).filter(|x| x.is_finite()).collect()
}

#[test]
fn errors_are_within_the_stated_bounds() {
    let inputs = inputs();
    for entry in ENTRIES {
        let function = function(entry.name);
        let mut worst = (0.0, 0.0);
        for &x in &inputs {
            let (ulps, absolute) = error(function(x), (entry.truth)(f64::from(x)));
            let measure = if entry.ulps.is_some() { ulps } else { absolute };
            if measure > worst.0 {
                worst = (measure, x);
            }
        }
        let bound = entry.ulps.unwrap_or(DERIVATIVE_BOUND);
        assert!(
            worst.0 <= bound,
            "{}: error {:e} at {:?}, bound {bound:e}",
            entry.name,
            worst.0,
            worst.1
        );
    }
}

#[test]
fn nan_stays_nan() {
    for entry in ENTRIES {
        assert!(function(entry.name)(f32::NAN).is_nan(), "{}", entry.name);
        assert!(function(entry.name)(-f32::NAN).is_nan(), "{}", entry.name);
    }
}

#[test]
fn infinities_give_the_limits() {
    let limits = [
        ("exp", 0.0, f32::INFINITY),
        ("expm1", -1.0, f32::INFINITY),
        ("log", f32::NAN, f32::INFINITY),
        ("log1p", f32::NAN, f32::INFINITY),
        ("tanh", -1.0, 1.0),
        ("sigmoid", 0.0, 1.0),
        ("softplus", 0.0, f32::INFINITY),
        ("logsigmoid", f32::NEG_INFINITY, -0.0),
        ("sin", f32::NAN, f32::NAN),
        ("cos", f32::NAN, f32::NAN),
        ("erf", -1.0, 1.0),
        ("gelu", -0.0, f32::INFINITY),
        ("gelu_tanh", -0.0, f32::INFINITY),
        ("silu", -0.0, f32::INFINITY),
        ("mish", -0.0, f32::INFINITY),
        ("gelu_derivative", -0.0, 1.0),
        ("gelu_tanh_derivative", -0.0, 1.0),
        ("silu_derivative", -0.0, 1.0),
        ("mish_derivative", -0.0, 1.0),
    ];
    for (name, left, right) in limits {
        for (x, limit) in [(f32::NEG_INFINITY, left), (f32::INFINITY, right)] {
            let y = function(name)(x);
            let same = y.to_bits() == limit.to_bits() || (y.is_nan() && limit.is_nan());
            assert!(same, "{name}({x}) = {y:?}, expected {limit:?}");
        }
    }
}

#[test]
fn zeros_keep_their_sign() {
    for name in ["expm1", "log1p", "tanh", "sin", "erf", "gelu", "gelu_tanh", "silu", "mish"] {
        for zero in [0.0_f32, -0.0] {
            assert_eq!(function(name)(zero).to_bits(), zero.to_bits(), "{name}({zero:?})");
        }
    }
    assert_eq!(log(-0.0), f32::NEG_INFINITY);
    assert_eq!(log(0.0), f32::NEG_INFINITY);
    assert_eq!(log1p(-1.0), f32::NEG_INFINITY);
    assert!(log1p(-1.0000001).is_nan());
}

fn softmax(logits: [f32; 2]) -> ([f32; 2], [f32; 2]) {
    let largest = logits[0].max(logits[1]);
    let exps = logits.map(|z| exp(z - largest));
    let sum = exps[0] + exps[1];
    let inverse = 1.0 / sum;
    (exps.map(|e| e * inverse), logits.map(|z| (z - largest) - log(sum)))
}

/// Task 2.5 (a): the sheet's probabilities and loss, which follow from this `exp`.
#[test]
fn the_exercise_prints_its_digits() {
    let rows = [[6.7775993, -3.6295996], [-4.08, 4.42], [-4.08, 4.42], [6.1599007, -4.1828003]];
    let printed =
        [[9.9996984e-1, 3.0213278e-5], [2.0342699e-4, 9.9979657e-1], [9.9996781e-1, 3.2226122e-5]];
    for (row, expected) in [0, 1, 3].into_iter().zip(printed) {
        assert_eq!(softmax(rows[row]).0, expected);
    }
    // PyTorch's nll_loss adds the first row last (its cascade hands row 0 up at once); in order the digits end in 15.
    let mean = |order: [usize; 4]| {
        let classes = [0, 1, 1, 0];
        order
            .into_iter()
            .fold(0.0_f32, |sum, row| (-softmax(rows[row]).1[classes[row]]).mul_add(0.25, sum))
    };
    assert_eq!(mean([1, 2, 3, 0]).to_string(), "0.00011732114");
    assert_eq!(mean([0, 1, 2, 3]).to_string(), "0.00011732115");
    assert_eq!(exp(-10.342701).to_bits() + 1, core_math::expf(-10.342701).to_bits());
}
