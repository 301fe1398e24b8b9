//! The exercise's derivations, line by line, with the sheet's rules in the sheet's order.

use super::{derivation, lines};
use crate::derive::JointKind;

#[test]
fn tanh_has_the_sheets_lines() {
    let tanh = derivation("tanh(z)", 1);
    assert_eq!(tanh.definition.as_ref().unwrap().to_string(), "(exp(2*z) - 1)/(exp(2*z) + 1)");
    assert_eq!(
        lines(&tanh),
        [
            "(2*exp(2*z)*(exp(2*z) + 1) - (exp(2*z) - 1)*2*exp(2*z))/(exp(2*z) + 1)^2 [quotient rule]",
            "(2*exp(4*z) + 2*exp(2*z) - 2*exp(4*z) + 2*exp(2*z))/(exp(2*z) + 1)^2 [multiply out]",
            "(exp(4*z) + 2*exp(2*z) + 1 - exp(4*z) + 2*exp(2*z) - 1)/(exp(2*z) + 1)^2 [subtract e^4z and expand by +1 -1]",
            "((exp(4*z) + 2*exp(2*z) + 1) - (exp(4*z) - 2*exp(2*z) + 1))/(exp(2*z) + 1)^2 [separate]",
            "((exp(2*z) + 1)^2 - (exp(2*z) - 1)^2)/(exp(2*z) + 1)^2 [square rule]",
            "1 - ((exp(2*z) - 1)/(exp(2*z) + 1))^2 [divide]",
            "1 - tanh(z)^2 [definition]",
        ]
    );
    assert!(tanh.is_exact() && tanh.parts.is_empty() && tanh.pieces.is_empty());
}

#[test]
fn the_same_way_is_taken_for_other_rates() {
    // The same steps with other numbers, also by another writing and another variable name.
    assert_eq!(
        lines(&derivation("(e^(3z) - 1)/(e^(3z) + 1)", 1)),
        [
            "(3*e^(3*z)*(e^(3*z) + 1) - (e^(3*z) - 1)*3*e^(3*z))/(e^(3*z) + 1)^2 [quotient rule]",
            "(3*e^(6*z) + 3*e^(3*z) - 3*e^(6*z) + 3*e^(3*z))/(e^(3*z) + 1)^2 [multiply out]",
            "3/2*(2*e^(6*z) + 2*e^(3*z) - 2*e^(6*z) + 2*e^(3*z))/(e^(3*z) + 1)^2 [factor out 3/2]",
            "3/2*(e^(6*z) + 2*e^(3*z) + 1 - e^(6*z) + 2*e^(3*z) - 1)/(e^(3*z) + 1)^2 [subtract e^6z and expand by +1 -1]",
            "3/2*((e^(6*z) + 2*e^(3*z) + 1) - (e^(6*z) - 2*e^(3*z) + 1))/(e^(3*z) + 1)^2 [separate]",
            "3/2*((e^(3*z) + 1)^2 - (e^(3*z) - 1)^2)/(e^(3*z) + 1)^2 [square rule]",
            "3/2*(1 - ((e^(3*z) - 1)/(e^(3*z) + 1))^2) [divide]",
            "3/2*(1 - tanh(3*z/2)^2) [definition]",
        ]
    );
    let other = derivation("(exp(z) - 2)/(exp(z) + 2)", 1);
    assert_eq!(other.steps.last().unwrap().label, "divide");
    assert_eq!(other.derivative.to_string(), "1/2*(1 - ((exp(z) - 2)/(exp(z) + 2))^2)");
}

#[test]
fn sigmoid_has_the_sheets_lines() {
    let sigmoid = derivation("sigmoid(z)", 1);
    assert_eq!(sigmoid.definition.as_ref().unwrap().to_string(), "1/(1 + exp(-z))");
    assert_eq!(
        lines(&sigmoid),
        [
            "(-1)*(1 + exp(-z))^(-2)*(-exp(-z)) [chain rule]",
            "exp(-z)/(1 + exp(-z))^2 [power law]",
            "(1 - sigmoid(z))/sigmoid(z)*sigmoid(z)^2 [1+e^-z = 1/σ, e^-z = (1-σ)/σ]",
            "(1 - sigmoid(z))*sigmoid(z) [cancel]",
        ]
    );
    assert!(sigmoid.is_exact());
    // By the same rule: f = m/(a + b e^{kz}).
    let other = derivation("1/(1 + e^(-2z))", 1);
    assert_eq!(other.derivative.to_string(), "2*(1 - sigmoid(2*z))*sigmoid(2*z)");
}

#[test]
fn relu_has_two_pieces_and_a_convention() {
    let relu = derivation("relu(z)", 1);
    let pieces: Vec<String> =
        relu.pieces.iter().map(|piece| piece.derivative.to_string()).collect();
    assert_eq!(pieces, ["0", "1"]);
    assert_eq!(relu.joints.len(), 1);
    let joint = &relu.joints[0];
    assert_eq!(joint.kind, JointKind::Kink);
    assert_eq!(joint.at.to_string(), "0");
    let shown = |value: &Option<crate::formula::Expression>| value.as_ref().unwrap().to_string();
    assert_eq!(
        [shown(&joint.left), shown(&joint.right), shown(&joint.convention)],
        ["0", "1", "0"]
    );
    assert_eq!(relu.derivative.to_string(), "piecewise(z > 0, 1, 0)");
    assert_eq!(
        relu.conventions,
        ["At z = 0 the one-sided derivatives 0 and 1 differ: the derivative is undefined there. \
          The convention (PyTorch's) is 0."]
    );
}

#[test]
fn the_document_reads_as_the_sheet() {
    let text = derivation("relu(z)", 1).document().plain();
    for part in [
        "For z < 0 it is 0:",
        "For z > 0 it is z:",
        "Convention:",
        "Every line was checked exactly.",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = derivation("tanh(z)", 1).document().plain();
    assert!(text.contains("subtract e⁴ᶻ and expand by +1 -1"), "{text}");
    assert!(text.contains("1 − tanh²(z)"), "{text}");
}
