//! Activations: the exercise's table, others against closed forms, and what is refused.

use super::*;

fn quick() -> ActivationsConfig {
    ActivationsConfig {
        width: 8,
        rows: 8,
        depth: 10,
        cost_size: (4, 16),
        cost_seconds: 0.0,
        ..ActivationsConfig::default()
    }
}

fn compared(names: &[&str]) -> Activations {
    let list: Vec<Activation> = names.iter().map(|name| name.parse().unwrap()).collect();
    activations(&list, &quick(), None).unwrap()
}

#[test]
fn the_sheets_table() {
    let found = compared(&["relu", "sigmoid", "tanh"]);
    let [relu, sigmoid, tanh] = found.compared.as_slice() else { panic!() };
    let printed = |value: f64| format!("{value:.2e}");
    assert_eq!((relu.shape.steepest.1, relu.tail[0].slope, relu.tail[1].slope), (1.0, 1.0, 1.0));
    assert_eq!(sigmoid.shape.steepest, (0.0, 0.25));
    assert_eq!(printed(sigmoid.tail[0].slope), "6.65e-3");
    assert_eq!(printed(sigmoid.tail[1].slope), "4.54e-5");
    assert_eq!(tanh.shape.steepest, (0.0, 1.0));
    assert_eq!(printed(tanh.tail[0].slope), "1.82e-4");
    assert_eq!(printed(tanh.tail[1].slope), "8.24e-9");
    assert_eq!(tanh.tail[1].slope_f32, 0.0);
    let centred: Vec<bool> = found.compared.iter().map(|one| one.shape.zero_centred).collect();
    assert_eq!(centred, [false, false, true]);
    let dies: Vec<bool> = found.compared.iter().map(|one| one.shape.can_die()).collect();
    assert_eq!(dies, [true, false, false]);
    let saturates: Vec<usize> =
        found.compared.iter().map(|one| one.shape.saturates.len()).collect();
    assert_eq!(saturates, [1, 2, 2]);
    assert_eq!(relu.shape.range, (0.0, f64::INFINITY));
    assert_eq!(sigmoid.shape.range, (0.0, 1.0));
    assert_eq!(tanh.shape.range, (-1.0, 1.0));
    assert!((relu.shape.mean.unwrap() - 0.398_942).abs() < 1e-5);
    let shown = found.document().plain();
    for piece in [
        "0.00665",
        "4.54·10⁻⁵",
        "1.82·10⁻⁴",
        "8.24·10⁻⁹",
        "for z < 0",
        "at both ends",
        "LeakyReLU",
        "PReLU",
        "LSTM",
        "well-suited for binary classification",
        "logistic regression",
        "is zero-centred",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

/// Others answer the same questions; the truth is known in closed form or from the literature.
#[test]
fn other_activations_answer_the_same_questions() {
    let found = compared(&[
        "gelu",
        "silu",
        "softplus",
        "LeakyReLU(0.1)",
        "hardtanh",
        "softsign",
        "elu",
        "relu6",
        "z^3 - z",
    ]);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 2e-6 * b.abs().max(1.0), "{a} {b}");
    let [gelu, silu, softplus, leaky, hardtanh, softsign, elu, relu6, cubic] =
        found.compared.as_slice()
    else {
        panic!()
    };
    near(gelu.shape.steepest.1, 1.128_904_145);
    near(gelu.shape.steepest.0.abs(), 2f64.sqrt());
    near(gelu.shape.range.0, -0.169_971_2);
    near(silu.shape.range.0, -0.278_464_5);
    near(silu.shape.steepest.1, 1.099_839_3);
    assert!(gelu.shape.attained.0 && !gelu.shape.can_die());
    near(softplus.shape.steepest.1, 1.0);
    assert_eq!(softplus.shape.range, (0.0, f64::INFINITY));
    assert!(!softplus.shape.attained.0);
    assert_eq!(leaky.shape.range, (f64::NEG_INFINITY, f64::INFINITY));
    assert!(!leaky.shape.can_die() && leaky.shape.saturates.is_empty());
    near(leaky.below[0].slope, f64::from(0.1f32));
    assert_eq!(hardtanh.shape.range, (-1.0, 1.0));
    assert_eq!(hardtanh.shape.attained, (true, true));
    assert_eq!(hardtanh.shape.dead.len(), 2);
    near(softsign.shape.range.1, 1.0);
    assert_eq!(softsign.shape.saturates.len(), 2);
    near(elu.shape.range.0, -1.0);
    assert_eq!(relu6.shape.range, (0.0, 6.0));
    assert_eq!(relu6.shape.dead.len(), 2);
    assert!(cubic.shape.zero_centred);
    assert_eq!(cubic.shape.range, (f64::NEG_INFINITY, f64::INFINITY));
    assert!(found.document().plain().contains("z^3 - z"));
}

#[test]
fn a_formula_is_judged_as_the_layer_it_equals() {
    let found = compared(&["tanh", "(exp(2z)-1)/(exp(2z)+1)", "relu", "max(z, 0)", "max(z-1, 0)"]);
    let [tanh, own, relu, max, shifted] = found.compared.as_slice() else { panic!() };
    assert_eq!(own.shape.saturates, tanh.shape.saturates);
    assert!((own.tail[0].slope - tanh.tail[0].slope).abs() < 1e-12);
    assert!(own.shape.zero_centred);
    assert_eq!(max.shape.kinks, [0.0]);
    assert_eq!(max.shape.dead.len(), relu.shape.dead.len());
    assert_eq!(shifted.shape.kinks, [1.0]);
    assert!((shifted.shape.dead[0].1 - 1.0).abs() < 0.011);
}

/// With He's weights ReLU's gradients keep their size over any depth; the sigmoid's fade at most by 1/4 per layer.
#[test]
fn gradients_vanish_as_theory_says() {
    let list: Vec<Activation> = ["relu", "sigmoid"].map(|name| name.parse().unwrap()).to_vec();
    let config = ActivationsConfig { cost_seconds: 0.0, ..ActivationsConfig::default() };
    let found = activations(&list, &config, None).unwrap();
    let ratio = |one: usize, scale: usize| found.compared[one].depths[scale].ratio().unwrap();
    assert!((0.1..10.0).contains(&ratio(0, 2)), "{}", ratio(0, 2));
    // Without He's factor each of 19 layers halves the square.
    assert!((1e-4..1e-2).contains(&ratio(0, 1)), "{}", ratio(0, 1));
    assert!(ratio(1, 1) < 1e-9, "{}", ratio(1, 1));
    let norms = found.compared[1].depths[1].norms.as_ref().unwrap();
    assert_eq!(norms.len(), 20);
    assert!(norms.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn the_cost_is_measured_by_the_clock_that_is_given() {
    let list: Vec<Activation> = ["relu", "tanh"].map(|name| name.parse().unwrap()).to_vec();
    let mut now = 0.0;
    let mut clock = || {
        now += 1e-6;
        now
    };
    let found = activations(&list, &quick(), Some(&mut clock)).unwrap();
    // Every run takes one tick of this clock.
    for one in &found.compared {
        let cost = one.cost.unwrap();
        assert!((cost.forward - 1e3 / 64.0).abs() < 1e-6, "{cost:?}");
        assert!((cost.both_relative - 1.0).abs() < 1e-6);
    }
    assert!(found.document().plain().contains("times ReLU"));
}

#[test]
fn what_is_no_activation_is_refused() {
    for (text, piece) in [
        ("reluu", "did you mean relu?"),
        ("Softmax(1)", "formula"),
        ("PReLU(4)", "no function of one number"),
        ("z*sigmoidd(z)", "sigmoid"),
        ("x*y", "variable"),
    ] {
        let error = text.parse::<Activation>().unwrap_err().to_string();
        assert!(error.contains(piece), "{text}: {error}");
    }
    let log: Activation = "log(z)".parse().unwrap();
    let error = activations(&[log], &quick(), None).unwrap_err().to_string();
    assert!(error.contains("no value for some z"), "{error}");
    assert!(activations(&[], &quick(), None).is_err());
    let twice = ["relu", "ReLU"].map(|name| name.parse::<Activation>().unwrap());
    assert!(activations(&twice, &quick(), None).unwrap_err().to_string().contains("twice"));
}
