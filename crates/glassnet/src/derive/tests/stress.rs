//! Formulas that could make the arithmetic grow without end.

use crate::derive::{Comparison, Config, compare, derive, validate};
use crate::formula::parse;

#[test]
fn nothing_runs_away() {
    let nested = |inner: &str, outer: &str, times: usize| {
        (0..times).fold(inner.to_string(), |inner, _| outer.replace('#', &inner))
    };
    for text in [
        "(1+z)^1000000".to_string(),
        "z^1000000000".into(),
        "z^0.123456789".into(),
        "1e300*z - 1e-300".into(),
        "(a+b+c+d+z+1)^40".into(),
        "(a+b+c+d+z+1)^12/(a-b+c-d+z-1)^12".into(),
        "(1+z+z^2)^30*(1-z)^30".into(),
        nested("z", "exp(#)", 12),
        nested("z", "exp(-exp(#))", 10),
        nested("z", "1/(1+#)", 24),
        nested("z", "sqrt(1+#^2)", 9),
        nested("z", "(1+#)^3", 5),
        nested("z", "tanh(#)", 12),
        nested("z", "sigmoid(#)*(1-sigmoid(#))", 5),
        nested("z", "abs(#-1)", 9),
        nested("z", "log(1+#^2)", 8),
        nested("z", "z^(#)", 8),
        nested("z", "sin(#)*cos(#)", 6),
        format!(
            "max({})",
            (0..60).map(|i| format!("z*{i}-{}", i * i)).collect::<Vec<_>>().join(", ")
        ),
        (0..80).map(|i| format!("sin({i}z)")).collect::<Vec<_>>().join("+"),
        (1..40).map(|i| format!("(z-{i})")).collect::<Vec<_>>().join("*"),
        (1..30).map(|i| format!("1/(z-{i})")).collect::<Vec<_>>().join("+"),
        (1..30).map(|i| format!("exp(z^{i})")).collect::<Vec<_>>().join("+"),
        (1..25).map(|i| format!("(1+exp(z/{i}))")).collect::<Vec<_>>().join("*"),
        "piecewise(z^7-z^3+z < 99991, z, z > 1e9, 2, z^8 > 3, 4, 5)".into(),
        "123456789123456789123456789^(1/2)*z".into(),
        "2^(3^(4^5))".into(),
        "log(log(log(z)))".into(),
        "asin(sin(acos(cos(z))))".into(),
    ] {
        let Ok(formula) = parse(&text) else { continue };
        let shown: String = text.chars().take(40).collect();
        // 0·z changes the writing only; what is too large to be decided is said, and never called different.
        let Ok(other) = parse(&format!("{formula} + 0*z")) else { continue };
        let compared = compare(&formula, &other);
        assert!(!matches!(compared, Comparison::Different { .. }), "{shown}");
        match derive(&formula, "z", &Config::default()) {
            Ok(found) => {
                for step in found.all_steps() {
                    assert!(
                        validate(step.rule, &step.from, step.under.as_deref(), &step.to).fits()
                    );
                }
                let slope = formula.differentiate("z").unwrap();
                let agrees = compare(&slope, &found.derivative);
                assert!(!matches!(agrees, Comparison::Different { .. }), "{shown}: {agrees:?}");
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("at most") || text.contains("too large"), "{error}");
            }
        }
    }
}
