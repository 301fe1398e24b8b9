//! 1.2: derivatives with named steps.

use glassnet::formula;

use super::*;

/// The lines of a derivation: formula, rule.
#[track_caller]
fn lines(formula: &str) -> Vec<(String, String)> {
    let answer = json(&["derive", formula]);
    let steps = answer["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["checked"] == "exact"), "{steps:?}");
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    steps.iter().map(|step| (word(&step["to"]), word(&step["rule"]))).collect()
}

#[track_caller]
fn check(formula: &str, expected: &[(&str, &str)]) {
    let found = lines(formula);
    let found: Vec<(&str, &str)> =
        found.iter().map(|(line, rule)| (line.as_str(), rule.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn tanh_line_by_line() {
    check(
        "tanh(z)",
        &[
            (
                "(2*exp(2*z)*(exp(2*z) + 1) - (exp(2*z) - 1)*2*exp(2*z))/(exp(2*z) + 1)^2",
                "quotient rule",
            ),
            (
                "(2*exp(4*z) + 2*exp(2*z) - 2*exp(4*z) + 2*exp(2*z))/(exp(2*z) + 1)^2",
                "multiply out",
            ),
            (
                "(exp(4*z) + 2*exp(2*z) + 1 - exp(4*z) + 2*exp(2*z) - 1)/(exp(2*z) + 1)^2",
                "subtract e^4z and expand by +1 -1",
            ),
            (
                "((exp(4*z) + 2*exp(2*z) + 1) - (exp(4*z) - 2*exp(2*z) + 1))/(exp(2*z) + 1)^2",
                "separate",
            ),
            ("((exp(2*z) + 1)^2 - (exp(2*z) - 1)^2)/(exp(2*z) + 1)^2", "square rule"),
            ("1 - ((exp(2*z) - 1)/(exp(2*z) + 1))^2", "divide"),
            ("1 - tanh(z)^2", "definition"),
        ],
    );
}

#[test]
fn sigmoid_line_by_line() {
    check(
        "sigmoid(z)",
        &[
            ("(-1)*(1 + exp(-z))^(-2)*(-exp(-z))", "chain rule"),
            ("exp(-z)/(1 + exp(-z))^2", "power law"),
            ("(1 - sigmoid(z))/sigmoid(z)*sigmoid(z)^2", "1+e^-z = 1/σ, e^-z = (1-σ)/σ"),
            ("(1 - sigmoid(z))*sigmoid(z)", "cancel"),
        ],
    );
}

#[test]
fn relu_piece_by_piece() {
    let answer = json(&["derive", "relu(z)"]);
    let pieces = answer["pieces"].as_array().unwrap();
    let slopes: Vec<&Value> = pieces.iter().map(|piece| &piece["derivative"]).collect();
    assert_eq!(slopes, ["0", "1"]);
    assert_eq!((&pieces[0]["high"], &pieces[1]["low"]), (&0.0.into(), &0.0.into()));
    let joint = &answer["joints"][0];
    assert_eq!((&joint["left"], &joint["right"]), (&"0".into(), &"1".into()));
    assert_eq!((&joint["kind"], &joint["convention"]), (&"kink".into(), &"0".into()));
    let text = text(&["derive", "relu(z)"]);
    assert!(text.contains("undefined") && text.contains("PyTorch"), "{text}");
}

#[test]
fn people_read_the_lines_with_their_rules() {
    let text = text(&["derive", "tanh(z)"]);
    let rules = [
        "quotient rule",
        "multiply out",
        // A long label goes on in the next line.
        "subtract e⁴ᶻ and expand",
        "separate",
        "square rule",
        "divide",
        "definition",
    ];
    let places: Vec<usize> = rules
        .iter()
        .map(|rule| text.find(rule).unwrap_or_else(|| panic!("{rule}: {text}")))
        .collect();
    assert!(places.is_sorted(), "{text}");
    assert!(text.contains("= 1 − tanh²(z)") && text.contains("checked exactly"), "{text}");
}

#[test]
fn other_formulas_against_differences() {
    for round in 0..3 {
        let stream = &mut stream(12, round);
        let (a, k) = (1 + stream.below(4), 1 + stream.below(4));
        for formula in [
            format!("(exp({k}*z) - {a})/(exp({k}*z) + {a})"),
            format!("{a}*tanh({k}*z)"),
            format!("1/(1 + exp(-{k}*z))"),
            format!("z*sigmoid({k}*z)"),
        ] {
            derives(&formula, &json(&["derive", &formula]));
        }
    }
}

/// Checks that every line of a derivation has the function's slope, by differences in f64.
#[track_caller]
pub(super) fn derives(formula: &str, answer: &Value) {
    let value = |text: &str, z: f64| formula::parse(text).unwrap().evaluate(&[("z", z)]).unwrap();
    let step = 1e-5;
    let mut lines = vec![answer["derivative"].as_str().unwrap()];
    lines.extend(
        answer["steps"].as_array().unwrap().iter().map(|step| step["to"].as_str().unwrap()),
    );
    for z in [-2.3, -0.7, 0.4, 1.9, 6.3] {
        let slope = (value(formula, z + step) - value(formula, z - step)) / (2.0 * step);
        for line in &lines {
            close(value(line, z), slope, 1e-6);
        }
    }
}
