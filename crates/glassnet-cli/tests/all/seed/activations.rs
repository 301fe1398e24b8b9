//! 1.3: activations compared.

use super::*;

#[track_caller]
fn answers(activations: &[&str]) -> Vec<Value> {
    let answer = json(&[&["worked", "activations"][..], activations].concat());
    answer["activations"].as_array().unwrap().clone()
}

/// Checks a small number to the three digits that the sheet's comparison has.
#[track_caller]
fn scientific(value: &Value, digits: &str) {
    assert_eq!(format!("{:.2e}", number(value)), digits);
}

#[test]
fn relu_sigmoid_tanh() {
    let all = answers(&["relu", "sigmoid", "tanh"]);
    let [relu, sigmoid, tanh] = all.as_slice() else { panic!("{all:?}") };
    for key in ["max_slope", "slope_5", "slope_10"] {
        assert_eq!(relu[key], 1.0);
    }
    assert_eq!((&relu["zero_centred"], &relu["can_die"]), (&false.into(), &true.into()));
    assert_eq!((&sigmoid["max_slope"], &sigmoid["max_slope_at"]), (&0.25.into(), &0.0.into()));
    scientific(&sigmoid["slope_5"], "6.65e-3");
    scientific(&sigmoid["slope_10"], "4.54e-5");
    assert_eq!((&sigmoid["zero_centred"], &sigmoid["can_die"]), (&false.into(), &false.into()));
    assert_eq!(sigmoid["saturates"], serde_json::json!(["left", "right"]));
    assert_eq!((&tanh["max_slope"], &tanh["max_slope_at"]), (&1.0.into(), &0.0.into()));
    scientific(&tanh["slope_5"], "1.82e-4");
    scientific(&tanh["slope_10"], "8.24e-9");
    assert_eq!(tanh["slope_10_f32"], 0.0, "in f32 1 - tanh²(10) is 0");
    assert_eq!((&tanh["zero_centred"], &tanh["can_die"]), (&true.into(), &false.into()));
    for activation in &all {
        assert!(number(&activation["cost"]["forward_ns"]) > 0.0, "the cost is measured");
    }
}

#[test]
fn vanishing_and_cures_are_shown() {
    let text = text(&["worked", "activations", "relu", "sigmoid", "tanh"]);
    // 0.25 at most per layer: what is left after ten layers at z = 1 is σ'(1)^10.
    let slope: f64 = 1.0 / (1.0 + (-1.0f64).exp()) * (1.0 - 1.0 / (1.0 + (-1.0f64).exp()));
    assert_eq!(format!("{:.2e}", slope.powi(10)), "8.63e-8");
    for shown in ["8.63·10⁻⁸", "LeakyReLU", "PReLU", "logistic regression", "The derivatives of"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
}

#[test]
fn other_activations_against_closed_forms() {
    for round in 0..3 {
        let stream = &mut stream(13, round);
        let (a, b) = (1.0 + stream.below(9) as f64 / 10.0, 1.0 + stream.below(9) as f64 / 10.0);
        let (scaled, shifted) = (format!("{a}*tanh({b}*z)"), format!("{a}/(1 + exp(-{b}*z))"));
        let all = answers(&[&scaled, &shifted, "silu"]);
        let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
        for (key, z) in [("slope_5", 5.0), ("slope_10", 10.0)] {
            close(number(&all[0][key]), a * b * (1.0 - (b * z).tanh().powi(2)), 1e-9);
            close(number(&all[1][key]), a * b * sigmoid(b * z) * (1.0 - sigmoid(b * z)), 1e-9);
            let silu = sigmoid(z) * (1.0 + z * (1.0 - sigmoid(z)));
            close(number(&all[2][key]), silu, 1e-9);
        }
        close(number(&all[0]["max_slope"]), a * b, 1e-6);
        close(number(&all[1]["max_slope"]), a * b / 4.0, 1e-6);
        assert_eq!(
            (&all[0]["zero_centred"], &all[1]["zero_centred"]),
            (&true.into(), &false.into())
        );
    }
}
