//! Values against independent formulas and known digits.

use super::trees::FORMULAS;
use crate::formula::{Function, parse};

fn at(formula: &str, z: f64) -> f64 {
    parse(formula).unwrap().evaluate(&[("z", z), ("x", z)]).unwrap()
}

#[test]
fn definitions_agree_with_values() {
    for function in Function::all() {
        let Some(definition) = function.definition() else { continue };
        for z in [-3.7, -1.0, -0.2, 0.0, 0.3, 0.9, 2.5, 6.0] {
            let (own, defined) = (function.evaluate(z), definition.evaluate(&[("z", z)]).unwrap());
            let close = (own - defined).abs() <= 1e-13 * own.abs().max(1e-2);
            assert!(
                close || own.is_nan() && defined.is_nan() || own == defined,
                "{function:?}({z}): {own} but {defined}"
            );
        }
    }
}

#[test]
fn values_and_slopes_are_those_of_pytorch() {
    let table: serde_json::Value = serde_json::from_str(include_str!("torch_values.json")).unwrap();
    let points: Vec<f64> = serde_json::from_value(table["points"].clone()).unwrap();
    let functions = table["functions"].as_object().unwrap();
    assert_eq!(functions.len(), 31);
    for (source, row) in functions {
        let formula = parse(source).unwrap();
        let slope = formula.differentiate("z").unwrap();
        for (own, key) in [(&formula, "value"), (&slope, "slope")] {
            let expected: Vec<f64> = serde_json::from_value(row[key].clone()).unwrap();
            for (z, expected) in points.iter().zip(expected) {
                let value = own.evaluate(&[("z", *z)]).unwrap();
                // GELU's slope far left is a difference of equal numbers in PyTorch too: absolute there.
                let close = (value - expected).abs() <= 1e-13 * expected.abs() + 1e-15;
                assert!(close, "{key} of {source} at {z}: {value}, PyTorch {expected}");
            }
        }
    }
}

#[test]
fn extremes_stay_finite() {
    assert_eq!(at("sigmoid(z)", -800.0), 0.0);
    assert_eq!(at("sigmoid(z)", 800.0), 1.0);
    assert_eq!(at("softplus(z)", 800.0), 800.0);
    assert_eq!(at("logsigmoid(z)", -800.0), -800.0);
    assert!(at("gelu(z)", -20.0) < 0.0);
    assert_eq!(at("mish(z)", 1000.0), 1000.0);
    assert_eq!(at("1/z", 0.0), f64::INFINITY);
    assert!(at("log(z)", -1.0).is_nan());
}

#[test]
fn values_that_are_not_numbers_pass_on() {
    for formula in ["relu(z)", "max(z, 0)", "max(0, z)", "min(0, z, 1)", "sign(z)", "softplus(z)"] {
        assert!(at(formula, f64::NAN).is_nan(), "{formula}");
    }
    assert_eq!(at("piecewise(z < 0, 1, z >= 0, 2, 3)", f64::NAN), 3.0);
}

#[test]
fn operations_have_their_values() {
    assert_eq!(at("-z^2", 3.0), -9.0);
    assert_eq!(at("2^3^2", 0.0), 512.0);
    assert_eq!(at("8/2/2", 0.0), 2.0);
    assert_eq!(at("10 - 3 - 2", 0.0), 5.0);
    assert_eq!(at("max(1, z, 2) - min(4, z, 5)", 3.0), 0.0);
    assert_eq!(at("piecewise(z < 0, 1, z > 3, 2, 3)", 3.0), 3.0);
    assert_eq!(at("e^z", 1.5), libm::exp(1.5));
    assert_eq!(at("2x|x|", -2.0), -8.0);
    for formula in FORMULAS {
        assert!(at(formula, 0.37).is_finite(), "{formula}");
    }
}
