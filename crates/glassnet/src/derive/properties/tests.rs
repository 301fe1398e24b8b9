//! Properties of known functions, against what is known of them.

use super::*;

fn of(text: &str) -> Properties {
    let formula = crate::formula::parse(text).unwrap_or_else(|error| panic!("{error}"));
    properties(&formula, "z").unwrap_or_else(|error| panic!("{error}"))
}

fn shown(limit: &Limit) -> String {
    match limit {
        Limit::Finite(q) => q.exact.as_ref().map_or(format!("{:.5}", q.value), ToString::to_string),
        Limit::Infinity => "inf".into(),
        Limit::MinusInfinity => "-inf".into(),
        Limit::None => "?".into(),
    }
}

/// `range; max |f'| at places; limits of f; limits of f'; symmetry; how range, steepest are known`
fn told(text: &str) -> String {
    let p = of(text);
    let range = &p.range.what;
    let places: Vec<String> =
        p.steepest.what.at.iter().map(|at| shown(&Limit::Finite(at.clone()))).collect();
    format!(
        "{}{}, {}{}; {} at {}; {} {}; {} {}; {:?}; {:?} {:?}",
        if range.low_closed { '[' } else { '(' },
        shown(&range.low),
        shown(&range.high),
        if range.high_closed { ']' } else { ')' },
        shown(&p.steepest.what.value),
        if places.is_empty() {
            format!("{} runs", p.steepest.what.along.len())
        } else {
            places.join(" ")
        },
        shown(&p.limits[0].what),
        shown(&p.limits[1].what),
        shown(&p.slope_limits[0].what),
        shown(&p.slope_limits[1].what),
        p.symmetry.what,
        p.range.how,
        p.steepest.how,
    )
}

#[test]
fn known_functions_have_their_properties() {
    let mut failures = vec![];
    for (text, expected) in [
        ("tanh(z)", "(-1, 1); 1 at 0; -1 1; 0 0; Odd; Exact Exact"),
        ("sigmoid(z)", "(0, 1); 1/4 at 0; 0 1; 0 0; None; Exact Exact"),
        ("relu(z)", "[0, inf); 1 at 1 runs; 0 inf; 0 1; None; Exact Exact"),
        ("softplus(z)", "(0, inf); 1 at 0 runs; 0 inf; 0 1; None; Exact Exact"),
        ("silu(z)", "[-0.27846, inf); 1.09984 at 2.39936; 0 inf; 0 1; None; Numeric Numeric"),
        ("gelu(z)", "[-0.16997, inf); 1.12890 at 1.41421; 0 inf; 0 1; None; Numeric Numeric"),
        (
            "mish(z)",
            "[-0.30884, inf); 1.08850 at 1.49057; 0 inf; 0.00000 1.00000; None; Numeric Numeric",
        ),
        ("piecewise(z > 0, z, exp(z) - 1)", "(-1, inf); 1 at 0; -1 inf; 0 1; None; Exact Exact"),
        (
            "piecewise(z > 0, z, 0.1*z)",
            "(-inf, inf); 1 at 1 runs; -inf inf; 1/10 1; None; Exact Exact",
        ),
        ("softsign(z)", "(-1, 1); 1 at 0; -1 1; 0 0; Odd; Exact Exact"),
        ("z^2", "[0, inf); inf at 0 runs; inf inf; -inf inf; Even; Exact Exact"),
        ("log(cosh(z))", "[0, inf); 1 at 0 runs; inf inf; -1 1; Even; Exact Exact"),
        ("sin(z)", "[-1.00000, 1.00000]; 1.00000 at many; ? ?; ? ?; Odd; Numeric Numeric"),
        ("1/(1 + z^2)", "(0, 1]; 0.64952 at -0.57735 0.57735; 0 0; 0 0; Even; Exact Exact"),
        ("exp(-z^2)", "(0, 1.00000]; 0.85776 at -0.70711 0.70711; 0 0; 0 0; Even; Numeric Numeric"),
        ("3", "[3, 3]; 0 at 1 runs; 3 3; 0 0; Even; Exact Exact"),
        ("(exp(3z) - 1)/(exp(3z) + 1)", "(-1, 1); 3/2 at 0; -1 1; 0 0; Odd; Exact Exact"),
        ("erf(z)", "(-1, 1); 1.12838 at 0.00000; -1 1; 0 0; Odd; Numeric Numeric"),
    ] {
        let mut found = told(text);
        if text == "sin(z)" {
            let (head, tail) = found.split_once(" at ").expect("places");
            let (_, tail) = tail.split_once("; ").expect("limits");
            found = format!("{head} at many; {tail}");
        }
        if found != expected {
            failures.push(format!("{text}\n  {found}\n  {expected}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
