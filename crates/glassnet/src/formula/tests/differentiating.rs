//! Derivatives against central differences, the conventions at kinks, and limits.

use super::trees::{FORMULAS, tree};
use crate::error::ErrorKind;
use crate::formula::{Expression, parse};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

fn at(formula: &Expression, z: f64) -> f64 {
    formula.evaluate(&[("z", z)]).unwrap()
}

/// Ridders' method: central differences of shrinking width, extrapolated; the value and its estimated error.
fn difference(formula: &Expression, z: f64) -> (f64, f64) {
    let slope = |h: f64| (at(formula, z + h) - at(formula, z - h)) / (2.0 * h);
    let mut row = vec![slope(0.02)];
    let mut best = (row[0], f64::INFINITY);
    for i in 1..10 {
        let mut next = vec![slope(0.02 / 1.5f64.powi(i))];
        let mut factor = 1.0;
        for j in 0..row.len() {
            factor *= 2.25;
            let value = (next[j] * factor - row[j]) / (factor - 1.0);
            let error = (value - next[j]).abs().max((value - row[j]).abs());
            if error < best.1 {
                best = (value, error);
            }
            next.push(value);
        }
        row = next;
    }
    best
}

/// True if a kink lies within 0.05 of z.
fn near_kink(formula: &Expression, z: f64) -> bool {
    formula.kinks().unwrap().iter().any(|place| {
        let values = (-10..=10).map(|i| at(place, z + 0.005 * f64::from(i)));
        let signs: Vec<bool> = values.map(|value| value > 0.0).collect();
        signs.iter().any(|sign| *sign != signs[0]) || at(place, z) == 0.0
    })
}

#[test]
fn the_table_agrees_with_differences_to_third_order() {
    let mut compared = 0;
    for source in FORMULAS {
        let mut formula = parse(source).unwrap();
        for order in 1..=3 {
            let slope = formula.differentiate("z").unwrap();
            assert_eq!(slope.tidy().tidy(), slope.tidy(), "{source}");
            for z in [-2.3, -0.7, 0.31, 1.13, 2.6] {
                let (expected, error) = difference(&formula, z);
                let sharp = error < 1e-6 * (1.0 + expected.abs());
                if near_kink(&formula, z) || !sharp {
                    continue;
                }
                compared += 1;
                let value = at(&slope, z);
                let close =
                    (value - expected).abs() <= 1e-8 * (1.0 + expected.abs()) + 10.0 * error;
                assert!(close, "{source}, order {order} at {z}: {slope} = {value}, not {expected}");
            }
            formula = slope;
        }
    }
    assert!(compared > 900, "only {compared} places were compared");
}

proptest! {
    #![proptest_config(crate::formula::tests::fixed(2000))]

    #[test]
    fn random_trees_agree_with_differences(formula in tree(&["z"]), z in -2.0..2.0f64) {
        let slope = formula.differentiate("z").unwrap();
        let tidied = (at(&formula.tidy(), z), at(&formula, z));
        let (expected, error) = difference(&formula, z);
        let value = at(&slope, z);
        let smooth = error < 1e-6 * expected.abs() && at(&formula, z).abs() < 1e6;
        if smooth && expected.abs() > 1e-3 && !near_kink(&formula, z) && value.is_finite() {
            let close = (value - expected).abs() <= 1e-5 * expected.abs();
            prop_assert!(close, "{} at {}: {} = {}, not {}", formula, z, slope, value, expected);
            let close = (tidied.0 - tidied.1).abs() <= 1e-9 * tidied.1.abs().max(1.0);
            prop_assert!(close || !tidied.0.is_finite(), "{} tidied", formula);
        }
    }

    #[test]
    fn derivatives_of_random_trees_read_back(formula in tree(&["z"])) {
        let slope = formula.differentiate("z").unwrap();
        for text in [slope.to_string(), slope.unicode()] {
            match parse(&text) {
                Ok(read) => prop_assert_eq!(&read, &slope, "{}", text),
                Err(error) => prop_assert!(error.what().contains("division by zero"), "{}", error),
            }
        }
    }
}

fn check(formula: &str, derivative: &str) {
    let slope = parse(formula).unwrap().differentiate("z").unwrap();
    assert_eq!(slope.to_string(), derivative, "{formula}");
}

#[test]
fn derivatives_are_written_lightly_tidied() {
    check("z^2", "2*z");
    check("z^0.5", "0.5*z^(-0.5)");
    check("z^(1/2)", "1/2*z^(-1/2)");
    check("b*z^3 + c", "3*b*z^2");
    check("z^n", "n*z^(n - 1)");
    check("b*tanh(c*z)", "b*c*(1 - tanh(c*z)^2)");
    check("sigmoid(z)", "sigmoid(z)*(1 - sigmoid(z))");
    check("1/(1 + exp(-z))", "exp(-z)/(1 + exp(-z))^2");
    check(
        "(exp(2z) - 1)/(exp(2z) + 1)",
        "(2*exp(2*z)*(exp(2*z) + 1) - 2*(exp(2*z) - 1)*exp(2*z))/(exp(2*z) + 1)^2",
    );
    check("log(z^2 + 1)", "2*z/(z^2 + 1)");
    check("cos(z)", "-sin(z)");
    check("2^z", "2^z*log(2)");
    check("e^z", "e^z");
    check("z^z", "z^z*(log(z) + z/z)");
    check("z/3", "1/3");
    check("5", "0");
    check("relu(z)", "piecewise(z > 0, 1, 0)");
    check("max(z, 0)", "piecewise(z > 0, 1, 0 > z, 0, 1/2)");
    check("piecewise(z < 0, z, 2)", "piecewise(z < 0, 1, 0)");
}

#[test]
fn kinks_take_the_named_convention() {
    let slope = |formula: &str, z: f64| at(&parse(formula).unwrap().differentiate("z").unwrap(), z);
    assert_eq!(slope("relu(z)", 0.0), 0.0);
    assert_eq!(slope("abs(z)", 0.0), 0.0);
    assert_eq!(slope("sign(z)", 0.0), 0.0);
    // torch.maximum and torch.minimum at a tie: half each.
    assert_eq!(slope("max(z, 0)", 0.0), 0.5);
    assert_eq!(slope("min(3*z, z)", 0.0), 2.0);
    // torch.maximum(torch.maximum(a, b), c): a quarter, a quarter, a half.
    assert_eq!(slope("max(4*z, 0, 2*z)", 0.0), 2.0);
    assert_eq!(slope("piecewise(z < 0, z, 5*z)", 0.0), 5.0);
    assert_eq!(slope("softsign(z)", 0.0), 1.0);
}

#[test]
fn kinks_are_listed_once() {
    let list = |formula: &str| {
        let kinks = parse(formula).unwrap().kinks().unwrap();
        kinks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(list("relu(z) + abs(z) + sign(2 - z)"), ["z", "2 - z"]);
    assert_eq!(list("max(z, 1, z^2)"), ["z - 1", "z - z^2", "1 - z^2"]);
    assert_eq!(list("piecewise(z < 0, relu(z + 1), 3)"), ["z", "z + 1"]);
    assert!(list("tanh(z)/z + softsign(z) + relu(3)").is_empty());
}

#[test]
fn large_derivatives_are_refused() {
    let factors = vec!["(z+1)"; 2000].join("*");
    let error = parse(&factors).unwrap().differentiate("z").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit);
    let nested = format!("{}z{}", "mish(".repeat(199), ")".repeat(199));
    let formula = parse(&nested).unwrap();
    let slope = formula.differentiate("z");
    assert!(slope.is_ok_and(|slope| slope.nodes() > 10_000));
    let nested = format!("{}z{}", "max(z, 1, 2, 3, ".repeat(190), ")".repeat(190));
    assert!(parse(&nested).unwrap().kinks().is_ok());
    let wide =
        format!("max({})", (0..10_000).map(|i| format!("{i}z")).collect::<Vec<_>>().join(","));
    let wide = parse(&wide).unwrap();
    assert_eq!(wide.kinks().unwrap_err().kind(), ErrorKind::Limit);
    assert_eq!(wide.differentiate("z").unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn deep_formulas_stay_within_the_stack_at_any_order() {
    let nested = |open: &str, count: usize| format!("{}z{}", open.repeat(count), ")".repeat(count));
    for source in [
        nested("exp(", 199),
        nested("sqrt(1+", 199),
        nested("relu(", 199),
        nested("max(1,", 199),
        nested("1/(2+", 199),
        nested("(2-", 199),
        format!("z{}", "/z".repeat(398)),
    ] {
        let mut formula = parse(&source).unwrap();
        for _ in 0..8 {
            assert!(!formula.to_string().is_empty() && !formula.unicode().is_empty());
            assert!(!formula.latex().is_empty() && !formula.mathml().is_empty());
            at(&formula.tidy(), 0.3);
            match formula.differentiate("z") {
                Ok(slope) if slope.nodes() > 100_000 => break,
                Ok(slope) => formula = slope,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Limit);
                    break;
                }
            }
        }
    }
}
