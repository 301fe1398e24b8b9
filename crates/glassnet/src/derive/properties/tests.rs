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

/// What is claimed of a function holds at places where nothing was computed before.
fn hold(p: &Properties) -> Result<(), String> {
    let at = |tree: &Expression, z: f64| tree.evaluate(&[("z", z)]).unwrap_or(f64::NAN);
    let (f, slope) = (|z| at(&p.formula, z), |z| at(&p.derivative, z));
    let places: Vec<f64> = (-2500..=2500).map(|i| f64::from(i) * 0.0123 + 0.000_7).collect();
    let near = |size: f64| 1e-8 * (1.0 + size.abs());
    let range = &p.range.what;
    let bounded =
        p.range.how == How::Exact || range.low != Limit::None && range.high != Limit::None;
    for &z in &places {
        let (value, steep) = (f(z), slope(z));
        if !value.is_finite() || !steep.is_finite() {
            continue;
        }
        let (low, high) = (range.low.to_f64(), range.high.to_f64());
        if bounded && !(value >= low - near(low) && value <= high + near(high)) {
            return Err(format!("f({z}) = {value} is outside [{low}, {high}]"));
        }
        let most = p.steepest.what.value.to_f64();
        if most.is_finite() && steep.abs() > most + near(most) {
            return Err(format!("|f'({z})| = {steep} is more than {most}"));
        }
        let mirrored = f(-z);
        let (sum, difference) = ((value + mirrored).abs(), (value - mirrored).abs());
        let right = match p.symmetry.what {
            Symmetry::Odd => sum <= near(value),
            Symmetry::Even => difference <= near(value),
            Symmetry::None => true,
        };
        if !right && mirrored.is_finite() {
            return Err(format!("{:?} at {z}: {value}, {mirrored}", p.symmetry.what));
        }
    }
    for run in &p.runs.what {
        let inside = |z: f64| {
            run.low.as_ref().is_none_or(|low| z > low.value)
                && run.high.as_ref().is_none_or(|high| z < high.value)
        };
        let within: Vec<f64> = places.iter().copied().filter(|z| inside(*z)).collect();
        for pair in within.windows(2) {
            let (left, right) = (f(pair[0]), f(pair[1]));
            if !left.is_finite() || !right.is_finite() {
                continue;
            }
            let holds = match run.trend {
                Trend::Rising => right >= left - near(left),
                Trend::Falling => right <= left + near(left),
                Trend::Constant => (right - left).abs() <= near(left),
            };
            if !holds {
                return Err(format!(
                    "{:?} from {} to {}: {left}, {right}",
                    run.trend, pair[0], pair[1]
                ));
            }
        }
    }
    for place in &p.steepest.what.at {
        let (own, most) = (slope(place.value).abs(), p.steepest.what.value.to_f64());
        if p.kinks.is_empty() && (own - most).abs() > 1e-6 * (1.0 + most) {
            return Err(format!("|f'| at {} is {own}, not {most}", place.value));
        }
    }
    for (limit, far) in p.limits.iter().zip([-300.0, 300.0]) {
        let value = f(far);
        if let Limit::Finite(own) = &limit.what
            && limit.how == How::Exact
            && value.is_finite()
            && (value - own.value).abs() > 0.02 * (1.0 + own.value.abs())
        {
            return Err(format!("the limit is {}, the value at {far} is {value}", own.value));
        }
    }
    for kink in &p.kinks {
        let step = 1e-6;
        let place = kink.at.to_f64();
        for (own, side) in [(&kink.left, -1.0), (&kink.right, 1.0)] {
            let measured = (f(place + side * 2.0 * step) - f(place + side * step)) / (side * step);
            if (own.to_f64() - measured).abs() > 1e-3 * (1.0 + measured.abs()) {
                return Err(format!("{own:?} at {place}, measured {measured}"));
            }
        }
    }
    Ok(())
}

#[test]
fn what_is_said_of_every_layer_holds() {
    let layers = "ReLU() LeakyReLU() LeakyReLU(0.2) LeakyReLU(-1.5) ELU() ELU(0.5) CELU() CELU(2) SELU() GELU() \
        GELU(approximate='tanh') SiLU() Mish() Softplus() Softplus(2) Softplus(beta=3,threshold=1) Softsign() \
        Sigmoid() LogSigmoid() Tanh() Hardtanh() Hardtanh(-2,0.5) ReLU6() Hardsigmoid() Hardswish()";
    for layer in layers.split_whitespace() {
        let asked = crate::derive::read_function(layer, None).unwrap_or_else(|e| panic!("{e}"));
        let known = properties(&asked.formula, "z").unwrap_or_else(|error| panic!("{error}"));
        hold(&known).unwrap_or_else(|error| panic!("{layer}: {error}"));
    }
}

#[test]
fn what_is_said_of_random_formulas_holds() {
    use rand_core::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(31);
    let mut below = move |count: usize| (random.next_u64() % count as u64) as usize;
    fn grown(depth: usize, below: &mut impl FnMut(usize) -> usize) -> String {
        if depth == 0 {
            return ["z", "z", "2", "1/2", "z - 1", "3"][below(6)].to_string();
        }
        let mut part = || grown(depth - 1, below);
        let (a, b) = (part(), part());
        match below(12) {
            0 => format!("tanh({a})"),
            1 => format!("sigmoid({a})"),
            2 => format!("relu({a})"),
            3 => format!("exp(-abs({a}))"),
            4 => format!("({a})^2"),
            5 | 6 => format!("({a})*({b})"),
            7 | 8 => format!("({a}) + ({b})"),
            9 => format!("({a}) - ({b})"),
            10 => format!("({a})/(1 + ({b})^2)"),
            _ => format!("softplus({a})"),
        }
    }
    let (mut exact, mut all) = (0, 0);
    for round in 0..90 {
        let text = grown(1 + round % 3, &mut below);
        let formula = crate::formula::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let Ok(known) = properties(&formula, "z") else { continue };
        all += 1;
        exact += usize::from(known.range.how == How::Exact);
        hold(&known).unwrap_or_else(|error| panic!("{text}: {error}\n{:?}", known.range));
    }
    println!("{all} formulas, the range of {exact} is exact");
    assert!(all > 60 && exact > 30, "{exact} of {all}");
}

#[test]
fn odd_domains_are_found() {
    for (text, domain) in [
        ("log(z)", "(0, inf)"),
        ("sqrt(z - 1)", "[1, inf)"),
        ("1/z", "(-inf, 0) (0, inf)"),
        ("log(1 + z^2)", "(-inf, inf)"),
        ("asin(z)", "[-1, 1]"),
        ("1/(z^2 - 4)", "(-inf, -2) (-2, 2) (2, inf)"),
    ] {
        let p = of(text);
        let found: Vec<String> = p
            .domain
            .what
            .iter()
            .map(|own| {
                let (open, close) = (
                    if own.low_closed { '[' } else { '(' },
                    if own.high_closed { ']' } else { ')' },
                );
                format!("{open}{}, {}{close}", shown(&own.low), shown(&own.high))
            })
            .collect();
        assert_eq!(found.join(" "), domain, "{text}");
    }
}

#[test]
fn what_has_no_properties_says_why() {
    for (text, what) in [("b*z", "depend on what that is"), ("log(-1 - z^2)", "no value anywhere")]
    {
        let formula = crate::formula::parse(text).expect("a formula");
        let error = properties(&formula, "z").expect_err(text);
        assert!(error.to_string().contains(what), "{error}");
    }
}
