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
    let own = [10.0, 40.0, 200.0].map(|reach| {
        let step = reach / 303.0;
        (-300..=300).map(|i| f64::from(i) * step + step * 0.057).collect::<Vec<f64>>()
    });
    let mut near: Vec<f64> = p.kinks.what.iter().map(|kink| kink.at.value).collect();
    let ends = p.domain.what.iter().flat_map(|part| [part.low.to_f64(), part.high.to_f64()]);
    near.extend(ends.filter(|end| end.is_finite()));
    let close: Vec<f64> = near
        .iter()
        .flat_map(|place| (-20..=20).map(move |i| place + f64::from(i) * 0.0007 + 0.000_013))
        .collect();
    own.iter().chain([&close]).try_for_each(|places| hold_at(p, places))?;
    hold_beyond(p)
}

fn hold_at(p: &Properties, places: &[f64]) -> Result<(), String> {
    let at = |tree: &Expression, z: f64| tree.evaluate(&[("z", z)]).unwrap_or(f64::NAN);
    let (f, slope) = (|z| at(&p.formula, z), |z| at(&p.derivative, z));
    let near = |size: f64| 1e-8 * (1.0 + size.abs());
    let said = |how: How, z: f64| match how {
        How::Exact | How::Numeric => true,
        How::Looked => z.abs() <= 40.0,
        How::Undetermined => false,
    };
    for &z in places {
        let (value, steep) = (f(z), slope(z));
        let inside =
            p.domain.what.iter().any(|part| part.low.to_f64() < z && z < part.high.to_f64());
        if said(p.domain.how, z) && !inside && value.is_finite() {
            let edge = p.domain.what.iter().any(|part| {
                (part.low.to_f64() - z).abs() < 1e-9 || (part.high.to_f64() - z).abs() < 1e-9
            });
            if !edge {
                return Err(format!("{z} is not in the domain, but f is {value}"));
            }
        }
        if !value.is_finite() {
            continue;
        }
        let (low, high) = (p.range.what.low.to_f64(), p.range.what.high.to_f64());
        if said(p.range.how, z) && !(value >= low - near(low) && value <= high + near(high)) {
            return Err(format!("f({z}) = {value} is outside [{low}, {high}], {:?}", p.range.how));
        }
        let most = p.steepest.what.value.to_f64();
        let kink = p.kinks.what.iter().any(|kink| kink.at.value == z)
            || p.domain.what.iter().any(|part| {
                // Beside a hole f' loses digits to rounding.
                (part.low.to_f64() - z).abs() < 1e-2 || (part.high.to_f64() - z).abs() < 1e-2
            });
        if said(p.steepest.how, z)
            && steep.is_finite()
            && !kink
            && (most.is_nan() || steep.abs() > most + near(most))
        {
            return Err(format!("|f'({z})| = {steep} is more than {most}, {:?}", p.steepest.how));
        }
        let mirrored = f(-z);
        let (sum, difference) = ((value + mirrored).abs(), (value - mirrored).abs());
        let right = match p.symmetry.what {
            Symmetry::Odd => sum <= near(value),
            Symmetry::Even => difference <= near(value),
            Symmetry::None => true,
        };
        if !right && mirrored.is_finite() && p.symmetry.how < How::Undetermined {
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
            if !left.is_finite() || !right.is_finite() || pair[1] < pair[0] {
                continue;
            }
            let holds = match run.trend {
                Trend::Rising => right >= left - near(left),
                Trend::Falling => right <= left + near(left),
                Trend::Constant => (right - left).abs() <= near(left),
            };
            if !holds {
                return Err(format!(
                    "{:?} from {} to {}: {left}, {right}, {:?}",
                    run.trend, pair[0], pair[1], p.runs.how
                ));
            }
        }
    }
    // No kink is denied: slopes on the two sides of any place meet, unless they are steep.
    if p.kinks.how < How::Undetermined {
        for pair in places.windows(2) {
            let (low, high) = (pair[0], pair[1]);
            let known = p
                .kinks
                .what
                .iter()
                .any(|kink| low - 1e-9 <= kink.at.value && kink.at.value <= high + 1e-9);
            let edge = p.domain.what.iter().any(|part| {
                // Near a pole or hole a slope may change at any pace, and lose its digits.
                let on = |end: f64| low - 1e-2 <= end && end <= high + 1e-2;
                on(part.low.to_f64()) || on(part.high.to_f64())
            });
            if known || edge || high < low || !said(p.kinks.how, low) || !said(p.kinks.how, high) {
                continue;
            }
            let (mut low, mut high) = (low, high);
            for _ in 0..40 {
                let middle = low + (high - low) / 2.0;
                let (left, right) =
                    ((slope(middle) - slope(low)).abs(), (slope(high) - slope(middle)).abs());
                if left > right { high = middle } else { low = middle }
            }
            let step = (slope(high) - slope(low)).abs();
            if step > 1e-3 * (1.0 + slope(low).abs()) && step.is_finite() && high - low < 1e-9 {
                return Err(format!("a kink at {low} is not told, {:?}", p.kinks.how));
            }
        }
    }
    Ok(())
}

fn hold_beyond(p: &Properties) -> Result<(), String> {
    let at = |tree: &Expression, z: f64| tree.evaluate(&[("z", z)]).unwrap_or(f64::NAN);
    let (f, slope) = (|z| at(&p.formula, z), |z| at(&p.derivative, z));
    for place in &p.steepest.what.at {
        let (own, most) = (slope(place.value).abs(), p.steepest.what.value.to_f64());
        if p.kinks.what.is_empty() && (own - most).abs() > 1e-6 * (1.0 + most) {
            return Err(format!("|f'| at {} is {own}, not {most}", place.value));
        }
    }
    for (limit, side) in p.limits.iter().zip([-1.0, 1.0]) {
        let Limit::Finite(own) = &limit.what else { continue };
        if limit.how != How::Exact {
            continue;
        }
        // Logarithms come near their limits very far out only: then each value must be nearer than the one before.
        let values = [300.0, 1e6, 1e300].map(|far| f(side * far));
        let near = |value: &f64| {
            !value.is_finite() || (value - own.value).abs() <= 0.02 * (1.0 + own.value.abs())
        };
        let away = values.map(|value| (value - own.value).abs());
        let arrives = away[0] > away[1] && away[1] > away[2] && near(&values[2]);
        if !near(&values[0]) && !arrives {
            return Err(format!("the limit is {}, values far out are {values:?}", own.value));
        }
    }
    for kink in &p.kinks.what {
        let step = 1e-6;
        let place = kink.at.value;
        for (own, side) in [(&kink.left, -1.0), (&kink.right, 1.0)] {
            let measured = (f(place + side * 2.0 * step) - f(place + side * step)) / (side * step);
            if own.to_f64().is_finite()
                && measured.is_finite()
                && (own.to_f64() - measured).abs() > 1e-3 * (1.0 + measured.abs())
            {
                return Err(format!("{own:?} at {place}, measured {measured}"));
            }
        }
    }
    Ok(())
}

/// Formulas that once were told wrongly: kinks under functions, overflow, poles, waves, what lies far out.
const HARD: &str = "|z^2-1|; |sin(z)|; relu(sin(z)); max(0,min(1,z)); min(1,max(0,z)); |exp(z)-1|; sqrt(z^2); \
    max(z, exp(z)-2); |tanh(z)-1/2|; relu(exp(z)); exp(z)+sin(z); cosh(z)+cos(z); exp(z^2)/(1+z^2); \
    exp(z+sin(z)); tanh(z^2)+exp(z/2); 2^(2^(2^(2^(2^(2^z))))); tanh(z-100); exp(-(z-50)^2); z^1000000; \
    (1+z)^500; exp(1000)*z; 9^9^9^9*z; z^z; sin(z); sin(z)/z; sin(1/z); tan(z); z/(z^2-2); 1/z; e^z/(1-e^z); \
    log(z); log(abs(z)); asin(z); (z^2-1)/(z-1); sqrt(z^4); sqrt(1-z^2); |z|^3; |z|^(1/2); z*|z|; sin(1000z); \
    z+sin(z); z+2*sin(z); exp(-z)*sin(z); asin(sin(z)); 1/sin(z); log(z)/sqrt(z); piecewise(z>0,log(z),z); \
    1/(z-100); |z-100|; relu(z+70)-relu(z-70); exp(exp(z)); 1/(1+exp(1/z)); atan(1/z); z/(1+|z|); \
    exp(-1000000*(z-0.005)^2); sign(z^2-2); log(1+exp(z)); sqrt(z)-z; z^3*exp(-z^2); tanh(1000*z)";

#[test]
fn what_is_said_of_hard_formulas_holds() {
    let mut failures = vec![];
    for text in HARD.split(';').map(str::trim) {
        let formula = crate::formula::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let known = match properties(&formula, "z") {
            Ok(known) => known,
            Err(error) => {
                failures.push(format!("{text}: {error}"));
                continue;
            }
        };
        if let Err(why) = hold(&known) {
            failures.push(format!("{text}: {why}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
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
            return ["z", "z", "2", "1/2", "z - 1", "3", "2z", "z + 60"][below(8)].to_string();
        }
        let mut part = || grown(depth - 1, below);
        let (a, b) = (part(), part());
        match below(24) {
            0 => format!("tanh({a})"),
            1 => format!("sigmoid({a})"),
            2 => format!("relu({a})"),
            3 => format!("exp(-abs({a}))"),
            4 => format!("({a})^2"),
            5 | 6 => format!("({a})*({b})"),
            7 | 8 => format!("({a}) + ({b})"),
            9 => format!("({a}) - ({b})"),
            10 => format!("({a})/(1 + ({b})^2)"),
            11 => format!("sin({a})"),
            12 => format!("abs({a})"),
            13 => format!("max({a}, {b})"),
            14 => format!("min({a}, {b})"),
            15 => format!("exp({a})"),
            16 => format!("log({a})"),
            17 => format!("sqrt({a})"),
            18 => format!("({a})/({b})"),
            19 => format!("tan({a})"),
            20 => format!("piecewise({a} > 0, {b}, {a})"),
            21 => format!("gelu({a})"),
            22 => format!("atan({a})"),
            _ => format!("softplus({a})"),
        }
    }
    let (mut exact, mut told, mut all) = (0, 0, 0);
    let mut failures = vec![];
    for round in 0..COUNT {
        let text = grown(1 + round % 3, &mut below);
        let formula = crate::formula::parse(&text).unwrap_or_else(|error| panic!("{error}"));
        let Ok(known) = properties(&formula, "z") else { continue };
        all += 1;
        exact += usize::from(known.range.how == How::Exact);
        told += usize::from(known.range.how <= How::Looked);
        if let Err(why) = hold(&known) {
            failures.push(format!("{text}: {why}"));
        }
    }
    assert!(failures.is_empty(), "{} of {all}\n{}", failures.len(), failures.join("\n"));
    assert!(all > COUNT / 2 && exact > COUNT / 5 && told > all / 2, "{exact} {told} of {all}");
}

const COUNT: usize = 300;

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
