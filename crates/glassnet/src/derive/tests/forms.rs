//! Closed forms: what formulas end in.

use super::derivation;
use crate::derive::{Comparison, compare};
use crate::formula::parse;

/// The formula's derivative is written so, and is equal to the engine's.
fn check(formula: &str, order: u32, expected: &str) {
    let found = derivation(formula, order);
    assert_eq!(found.derivative.to_string(), expected, "{formula}");
    assert!(found.is_exact(), "{formula}");
    let mut slope = parse(formula).unwrap();
    for _ in 0..order {
        slope = slope.differentiate("z").unwrap();
    }
    assert_eq!(compare(&slope, &found.derivative), Comparison::Equal, "{formula}");
}

#[test]
fn the_ten_formulas_have_simple_closed_forms() {
    check("(exp(3z)-1)/(exp(3z)+1)", 1, "3/2*(1 - tanh(3*z/2)^2)");
    check("b*tanh(c*z)", 1, "b*(1 - tanh(c*z)^2)*c");
    check("softplus(z)", 1, "sigmoid(z)");
    check("silu(z)", 1, "silu(z) + sigmoid(z) - silu(z)*sigmoid(z)");
    check("gelu(z)", 1, "(1 + erf(z/sqrt(2)))/2 + z*exp(-z^2/2)/sqrt(2*pi)");
    check("mish(z)", 1, "tanh(softplus(z)) + z*(1 - tanh(softplus(z))^2)*sigmoid(z)");
    check("z/(1+abs(z))", 1, "1/(1 + abs(z))^2");
    check("log(cosh(z))", 1, "tanh(z)");
    check("z*tanh(z)", 1, "tanh(z) + z*(1 - tanh(z)^2)");
    check("sigmoid(z)*sigmoid(2z)", 1, "sigmoid(z)*sigmoid(2*z)*(3 - 2*sigmoid(2*z) - sigmoid(z))");
}

#[test]
fn gelu_is_said_in_the_normal_distributions_names() {
    let said = |order| derivation("gelu(z)", order).remarks;
    assert_eq!(said(1).len(), 1);
    assert!(said(1)[0].ends_with(" this is Φ(z) + z·φ(z)."), "{:?}", said(1));
    assert!(said(2)[0].ends_with(" this is 2·φ(z) − z²·φ(z)."), "{:?}", said(2));
    assert!(derivation("tanh(z)", 1).remarks.is_empty());
}

#[test]
fn other_writings_of_the_same_end_alike() {
    check("log(1+exp(z))", 1, "sigmoid(z)");
    check("z/(1+exp(-z))", 1, "sigmoid(z) + z*sigmoid(z) - z*sigmoid(z)^2");
    check("softsign(z)", 1, "1/(1 + abs(z))^2");
    check("(e^z-e^(-z))/(e^z+e^(-z))", 1, "1 - tanh(z)^2");
    check("logsigmoid(z)", 1, "sigmoid(-z)");
}

/// √(1 + z²)² is 1 + z², and a fraction within a fraction is resolved by the common denominator, not by a power law.
#[test]
fn roots_of_sums_cancel() {
    check("sqrt(1+z^2)", 1, "z/sqrt(1 + z^2)");
    check("sqrt(1+z^2)", 2, "1/(1 + z^2)^(3/2)");
    check("1/sqrt(1+z^2)", 1, "-z/(1 + z^2)^(3/2)");
    check("sqrt(z)", 1, "1/(2*sqrt(z))");
    check("1/sqrt(z)", 1, "-1/(2*z^(3/2))");
    let labels: Vec<String> =
        derivation("sqrt(1+z^2)", 2).steps.iter().map(|step| step.label.clone()).collect();
    assert_eq!(
        labels,
        ["quotient rule", "power law", "common denominator", "multiply out", "collect"]
    );
}

/// Where a formula has poles, or logarithms and roots of what may be negative, every line still is right.
#[test]
fn formulas_with_poles_and_ends_have_right_lines() {
    check("log(-z)", 1, "1/z");
    check("log(z^2)", 1, "2/z");
    check("log(1-z^2)", 1, "-2*z/(1 - z^2)");
    check("sqrt(-z)", 1, "-1/(2*sqrt(-z))");
    check("z/(z-1)", 1, "-1/(z - 1)^2");
    check("(z^2-1)/(z-1)", 1, "1");
    check("sqrt(z^2+1)/z", 1, "-1/(sqrt(z^2 + 1)*z^2)");
    // √(z²) is |z|, not z.
    check("sqrt(z^2)", 1, "z/sqrt(z^2)");
}

#[test]
fn second_derivatives_are_short() {
    check("tanh(z)", 2, "-2*tanh(z)*(1 - tanh(z)^2)");
    check("sigmoid(z)", 2, "sigmoid(z)*(1 - sigmoid(z))*(1 - 2*sigmoid(z))");
    check("softplus(z)", 2, "(1 - sigmoid(z))*sigmoid(z)");
    check("gelu(z)", 2, "(2 - z^2)*exp(-z^2/2)/sqrt(2*pi)");
    check("z^3", 2, "6*z");
}

#[test]
fn elementary_formulas_end_as_in_a_textbook() {
    check("5", 1, "0");
    check("z", 1, "1");
    check("z^2 - 3z + 1", 1, "2*z - 3");
    check("1/z", 1, "-1/z^2");
    check("sqrt(1 + z^2)", 1, "z/sqrt(1 + z^2)");
    check("2^z", 1, "2^z*log(2)");
    check("z^z", 1, "z^z*(log(z) + 1)");
    check("z*log(z) - z", 1, "log(z)");
    check("log(z)/z", 1, "(1 - log(z))/z^2");
    check("sin(z)*cos(z)", 1, "cos(2*z)");
    check("sin(z)/cos(z)", 1, "1/cos(z)^2");
    check("sin(z)^2 + cos(z)^2", 1, "0");
    check("z^3*exp(-z^2/2)", 1, "z^2*(3 - z^2)*exp(-z^2/2)");
    check("(2z+1)/(3z-2)", 1, "-7/(3*z - 2)^2");
}

#[test]
fn pieces_and_joints() {
    use crate::derive::JointKind::{Jump, Kink, Smooth};
    let check = |formula: &str, kinds: &[crate::derive::JointKind], expected: &str| {
        let found = derivation(formula, 1);
        let joints: Vec<_> = found.joints.iter().map(|joint| joint.kind).collect();
        assert_eq!(joints, kinds, "{formula}");
        assert_eq!(found.derivative.to_string(), expected, "{formula}");
    };
    check("max(0.1z, z)", &[Kink], "piecewise(z < 0, 0.1, z <= 0, 0.55, 1)");
    check("piecewise(z > 0, z, 0.01z)", &[Kink], "piecewise(z > 0, 1, 0.01)");
    check("abs(z)", &[Kink], "sign(z)");
    check("piecewise(z > 0, z, exp(z) - 1)", &[Smooth], "piecewise(z < 0, exp(z), 1)");
    check("piecewise(z > 0, z, 2*(exp(z) - 1))", &[Kink], "piecewise(z > 0, 1, 2*exp(z))");
    check("piecewise(z < 0, 0, 1 + z)", &[Jump], "piecewise(z < 0, 0, 1)");
    check("relu(2z - 1)", &[Kink], "piecewise(z > 1/2, 2, 0)");
    check("abs(z^2 - 1)", &[Kink, Kink], "2*z*sign(z^2 - 1)");
    check("z*abs(z)", &[Smooth], "2*abs(z)");
    check("max(z, z)", &[], "1");
    let clipped = derivation("min(1, max(-1, z))", 1);
    assert_eq!(clipped.joints.len(), 2);
    let ends: Vec<String> = clipped.joints.iter().map(|joint| joint.at.to_string()).collect();
    assert_eq!(ends, ["-1", "1"]);
}

#[test]
fn what_cannot_be_derived_is_refused() {
    use crate::derive::{Config, derive};
    let formula = parse("b*z").unwrap();
    let error = derive(&formula, "x", &Config::default()).unwrap_err();
    assert!(error.to_string().contains("its variables are: b, z"), "{error}");
    let error = derive(&formula, "z", &Config { order: 0, ..Config::default() }).unwrap_err();
    assert!(error.to_string().contains("order from 1 to 6"), "{error}");
    let long = parse(&vec!["z"; 500].join("+")).unwrap();
    assert!(derive(&long, "z", &Config::default()).is_err());
}

#[test]
fn one_sided_derivatives_are_limits_or_left_open() {
    // |tanh z| has a kink within both pieces of relu(z): putting 0 in would give the convention, not a limit.
    for formula in ["abs(tanh(z))+relu(z)", "relu(z)+sign(tanh(z))", "min(tanh(z),abs(z))"] {
        let derivation = derivation(formula, 1);
        let formula = parse(formula).unwrap();
        for joint in &derivation.joints {
            for (slope, side) in [(&joint.left, -1.0), (&joint.right, 1.0)] {
                let Some(slope) = slope else { continue };
                let at = joint.at.evaluate(&[]).unwrap();
                let value = |z: f64| formula.evaluate(&[("z", z)]).unwrap();
                let step = 1e-7 * side;
                let expected = (value(at + step) - value(at + step / 2.0)) / (step / 2.0);
                let found = slope.evaluate(&[]).unwrap();
                assert!((found - expected).abs() < 1e-5, "{formula}: {found} is not {expected}");
            }
        }
    }
}
