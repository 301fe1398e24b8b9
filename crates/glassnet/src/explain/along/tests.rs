//! The exercise's answers, and random networks against evaluation at single points.

use super::*;
use crate::explain::exact::{Values, between, ratio};
use crate::explain::samples::{manual, random, sample, two_units, values};
use crate::reference;

fn along(setting: &Setting, weight: &str) -> Along {
    loss_along(setting, &Weight::parse(weight).unwrap(), &AlongConfig::default()).unwrap()
}

fn least(along: &Along) -> (Level, Vec<Stretch>) {
    match &along.minimum {
        Minimum::At { loss, stretches } => (loss.clone(), stretches.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_exercise_s_dead_unit_should_go_up() {
    let found = along(&manual(-0.1, 0.1).setting(), "0.weight[0,0]");
    assert_eq!(found.knowledge, Knowledge::Exact);
    assert_eq!(
        found.lines("w1"),
        ["w1 ≤ 0: J = 109/300", "w1 > 0: J = 7/20*w1^2 - 53/75*w1 + 109/300"]
    );
    let (loss, stretches) = least(&found);
    assert_eq!(loss.exact.unwrap(), ratio(209, 31500));
    assert_eq!(stretches[0].from.as_ref().unwrap().to_string(), "106/105");
    assert_eq!(found.now.loss.exact, Some(ratio(109, 300)));
    assert_eq!(found.advice.direction, Direction::Increase);
    assert!(!found.advice.gradient_leads_there, "the unit is dead");
    assert_eq!(
        found.answer(),
        "Increase 0.weight[0, 0] from −0.1 to 106/105: the loss goes from 109/300 ≈ 0.363333 to \
         209/31500 ≈ 0.00663492."
    );
    let words = found.document("w1").plain();
    assert!(words.contains("gradient descent does not move this weight"), "{words}");
    // The second weight makes no difference while the first unit is dead.
    let second = along(&manual(-0.1, 0.1).setting(), "2.weight[0,0]");
    assert_eq!(second.advice.reason, Reason::Indifferent);
    assert_eq!(second.pieces.len(), 1);
    // From w1 = 1 the slope leads down to the minimum above.
    let alive = along(&manual(1.0, 0.1).setting(), "0.weight[0,0]");
    assert_eq!(alive.now.loss.exact, Some(ratio(2, 300)));
    assert!(alive.advice.gradient_leads_there);
    assert_eq!(alive.advice.direction, Direction::Increase);
}

#[test]
fn stored_numbers_differ_from_printed_ones() {
    let stored = manual(-0.1, 0.1)
        .with(crate::explain::SettingConfig { numbers: Numbers::Stored, ..Default::default() });
    let found = along(&stored, "0.weight[0,0]");
    let (loss, _) = least(&found);
    assert_ne!(loss.exact, Some(ratio(209, 31500)));
    assert!((loss.value - 209.0 / 31500.0).abs() < 1e-9);
}

#[test]
fn a_kink_says_both_slopes() {
    let found = along(&manual(0.0, 0.1).setting(), "0.weight[0,0]");
    assert_eq!(found.now.slope_left, 0.0);
    assert!((found.now.slope_right + 53.0 / 75.0).abs() < 1e-15);
    assert_eq!(found.advice.direction, Direction::Increase);
    assert!(found.document("w").plain().contains("stands on a kink"));
}

#[test]
fn a_range_cuts_the_pieces() {
    let config = AlongConfig { range: Some((-1.0, 0.5)) };
    let setting = manual(-0.1, 0.1).setting();
    let weight = Weight::parse("0.weight[0,0]").unwrap();
    let found = loss_along(&setting, &weight, &config).unwrap();
    assert_eq!(found.lines("w")[0], "-1 < w ≤ 0: J = 109/300");
    assert_eq!(found.advice.to.unwrap().to_string(), "1/2");
    for range in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        let config = AlongConfig { range: Some(range) };
        assert!(loss_along(&setting, &weight, &config).is_err(), "{range:?}");
    }
}

#[test]
fn unknown_weights_are_named() {
    let setting = manual(-0.1, 0.1).setting();
    let ask = |weight: &str| {
        loss_along(&setting, &Weight::parse(weight).unwrap(), &AlongConfig::default())
            .unwrap_err()
            .to_string()
    };
    assert!(ask("1.weight[0]").contains("give one of 0.weight, 2.weight"));
    assert!(ask("0.weight[0]").contains("whose shape is [1, 1]"));
    assert!(ask("0.weight[0,1]").contains("is no element"));
    for wrong in ["0.weight[", "0.weight[a]", "0.weight[-1]", "0.weight[0]x"] {
        assert!(Weight::parse(wrong).is_err(), "{wrong}");
    }
}

/// The loss at a fraction, by the exact reader without a moving weight.
fn exactly_at(setting: &Setting, weight: &str, at: &Rational) -> Rational {
    let weight = Weight::parse(weight).unwrap();
    let (parameter, element) = setting.find(&weight).unwrap();
    // The moving weight is fed as a constant of its own, so that any fraction can stand there.
    let given = Given {
        graph: setting.forward(),
        feeds: setting.feeds(),
        batch: setting.rows(),
        numbers: setting.config().numbers,
        moving: Some((parameter.node, element)),
    };
    let values: Values = exact::evaluate(&given).unwrap();
    match &values.values[setting.loss()] {
        Value::Exact(elements) => elements[0].at(at),
        other => panic!("{other:?}"),
    }
}

/// The loss at an f64, by the reference.
fn numerically_at(setting: &Setting, weight: &str, at: f64) -> f64 {
    let weight = Weight::parse(weight).unwrap();
    let (parameter, element) = setting.find(&weight).unwrap();
    let mut feeds = setting.feeds().clone();
    let mut values = feeds.get_state(&parameter.key).unwrap().floats().unwrap().clone();
    values.data_mut()[element] = at;
    feeds.set_state(&parameter.key, values);
    let found = reference::evaluate(setting.forward(), &feeds, setting.rows()).unwrap();
    found[setting.loss()].floats().unwrap().data()[0]
}

/// Compares every piece with the reference at three points within, and the minimum with a dense sample.
fn holds_everywhere(setting: &Setting, weight: &str) {
    let found = along(setting, weight);
    assert_eq!(found.knowledge, Knowledge::Exact, "{weight}");
    for piece in &found.pieces {
        let middle = Place::Fraction(between(piece.from.as_deref(), piece.to.as_deref()));
        let left = between(piece.from.as_deref(), Some(&middle));
        let right = between(Some(&middle), piece.to.as_deref());
        for at in [left, middle.fraction().unwrap().clone(), right] {
            let exact = piece.polynomial.as_ref().unwrap().at(&at);
            assert_eq!(exact, exactly_at(setting, weight, &at));
            let value = nearest(&exact);
            let expected = numerically_at(setting, weight, nearest(&at));
            let close = (value - expected).abs() <= 1e-9 * expected.abs().max(1e-6);
            assert!(close, "{weight} = {at}: {value} against {expected}");
        }
    }
    let Minimum::At { loss, .. } = &found.minimum else { return };
    for (at, value) in &found.curve {
        assert!(*value >= loss.value - 1e-9 * loss.value.abs().max(1e-9), "{weight} at {at}");
        let expected = numerically_at(setting, weight, *at);
        assert!((value - expected).abs() <= 1e-8 * expected.abs().max(1e-6), "{weight} at {at}");
    }
}

#[test]
fn random_networks_are_what_the_reference_computes() {
    let networks = [
        ("Sequential(Linear(2, 5), ReLU(), Linear(5, 4), ReLU(), Linear(4, 2))", "0.weight[1,0]"),
        ("Sequential(Linear(2, 5), ReLU(), Linear(5, 4), ReLU(), Linear(4, 2))", "2.weight[3,1]"),
        (
            "Sequential(Linear(2, 4), LeakyReLU(0.1), Linear(4, 3), ReLU6(), Linear(3, 1))",
            "0.bias[2]",
        ),
        (
            "Sequential(Linear(3, 4), Hardtanh(), Linear(4, 3), Hardsigmoid(), Linear(3, 1))",
            "0.weight[0,2]",
        ),
        ("Sequential(Linear(2, 4), PReLU(), Linear(4, 2))", "1.weight[0]"),
        ("Sequential(Linear(2, 4), Formula('abs(z) - max(z, 1)'), Linear(4, 1))", "0.weight[0,1]"),
        (
            "Sequential(Linear(2, 3), Residual(Linear(3, 3), ReLU()), Flatten(), Linear(3, 2))",
            "1.0.weight[1,1]",
        ),
        ("Sequential(Linear(2, 3), BatchNorm1d(3), ReLU(), Linear(3, 2))", "0.weight[1,1]"),
        ("Sequential(Linear(2, 3), BatchNorm1d(3), ReLU(), Linear(3, 2))", "1.weight[1]"),
        ("Sequential(Linear(2, 3), Tanh(), Linear(3, 2), ReLU(), Linear(2, 1))", "2.weight[0,0]"),
    ];
    for (seed, (notation, weight)) in networks.into_iter().enumerate() {
        for loss in ["mse", "l1", "huber", "SmoothL1Loss(beta=0.5)"] {
            let sample = random(notation, 5, loss, 11 + seed as u64);
            holds_everywhere(&sample.setting(), weight);
        }
    }
}

#[test]
fn curved_pieces_have_algebraic_kinks() {
    // hardswish(w·x) is a parabola in w, so the next layer's kinks are roots.
    let sample = sample(
        "Sequential(Linear(1, 1, bias=False), Hardswish(), Linear(1, 1), ReLU())",
        &[("0.weight", &[1, 1], &[0.5]), ("2.weight", &[1, 1], &[1.0]), ("2.bias", &[1], &[0.1])],
        &[&[1.0], &[-2.0]],
        values(&[0.5, 0.25]),
        "mse",
    );
    let setting = sample.setting();
    let found = along(&setting, "0.weight[0,0]");
    assert_eq!(found.knowledge, Knowledge::Exact);
    let roots = found.pieces.iter().filter_map(|piece| piece.to.as_deref());
    let roots: Vec<&Place> = roots.filter(|place| place.fraction().is_none()).collect();
    assert_eq!(roots.len(), 4, "{:?}", found.lines("w"));
    // z(z + 3)/6 = −1/10 at z = (−3 ± √6.6)/2
    let expected = (-3.0 + 6.6_f64.sqrt()) / 2.0;
    assert!(roots.iter().any(|root| (root.to_f64() - expected).abs() < 1e-15));
    holds_everywhere(&setting, "0.weight[0,0]");
}

#[test]
fn cross_entropy_has_exact_kinks_and_a_smooth_curve() {
    let setting = two_units().setting();
    let found = along(&setting, "0.weight[0,0]");
    assert_eq!(found.knowledge, Knowledge::ExactKinks);
    // Unit 0 gives ReLU(w·x1 + 3.21·x2 − 3.21): kinks at w = 3.21 from (1, 0) and at 0 from (1, 1).
    let kinks: Vec<String> =
        found.pieces.iter().filter_map(|piece| piece.to.as_deref()).map(Place::to_string).collect();
    assert_eq!(kinks, ["0", "321/100"]);
    assert!((found.now.loss.value - 0.000117333929).abs() < 1e-12);
    for (at, value) in found.curve.iter().step_by(10) {
        assert_eq!(*value, numerically_at(&setting, "0.weight[0,0]", *at));
    }
}

#[test]
fn curved_networks_are_sampled_or_smooth() {
    let smooth = random("Sequential(Linear(2, 3), Tanh(), Linear(3, 1))", 6, "mse", 5).setting();
    let found = along(&smooth, "0.weight[0,0]");
    assert_eq!(found.knowledge, Knowledge::ExactKinks);
    assert_eq!(found.pieces.len(), 1);
    let network = "Sequential(Linear(2, 3), Tanh(), Linear(3, 3), ReLU(), Linear(3, 1))";
    let sampled = random(network, 6, "mse", 5).setting();
    let found = along(&sampled, "0.weight[0,0]");
    assert!(matches!(found.knowledge, Knowledge::Sampled { .. }), "{:?}", found.knowledge);
    assert!(found.document("w").plain().contains("was not looked at"));
    let dense = (0..4000).map(|i| -10.0 + 0.005 * f64::from(i));
    let best =
        dense.map(|at| numerically_at(&sampled, "0.weight[0,0]", at)).fold(f64::INFINITY, f64::min);
    let reached = match &found.minimum {
        Minimum::At { loss, .. } | Minimum::AtEnd { loss, .. } => loss.value,
        Minimum::Endless { .. } => f64::NEG_INFINITY,
    };
    assert!(reached <= best * 1.02, "{reached} against {best}");
}

#[test]
fn large_networks_are_sampled() {
    let sample = random("Sequential(Linear(300, 330), ReLU(), Linear(330, 2))", 31, "mse", 1);
    let found = along(&sample.setting(), "0.weight[0,0]");
    let Knowledge::Sampled { why, .. } = &found.knowledge else { panic!("{:?}", found.knowledge) };
    assert!(why.contains("exact arithmetic stops at"), "{why}");
}

#[test]
fn embeddings_move_too() {
    use crate::nn::{self, Network, loss::Criterion};
    use crate::tensor::Tensor;
    use crate::train::{Dataset, Features, Target};
    let module =
        nn::parse("Sequential(Embedding(4, 2), Flatten(), Linear(6, 2), ReLU(), Linear(2, 1))");
    let network = Network::new(module.unwrap(), 2).unwrap();
    let x = Tensor::new([3, 3], vec![0_i64, 1, 2, 3, 3, 1, 0, 0, 2]).unwrap();
    let y = Tensor::new([3, 1], vec![0.5_f32, -0.25, 1.0]).unwrap();
    let data = Dataset::new(Features::Indices(x), Target::Values(y)).unwrap();
    let setting = Setting::new(&network, &data, &Criterion::parse("mse").unwrap()).unwrap();
    holds_everywhere(&setting, "0.weight[3,1]");
    holds_everywhere(&setting, "2.weight[1,4]");

    let module = nn::parse(
        "Sequential(EmbedColumns({'1': Embedding(4, 2)}), Linear(4, 3), ReLU(), Linear(3, 1))",
    );
    let network = Network::new(module.unwrap(), 2).unwrap();
    let rows = vec![0.5, 3.0, -1.25, 0.75, 1.0, 2.0, -0.5, 3.0, 0.25];
    let x = Tensor::new([3, 3], rows).unwrap();
    let y = Tensor::new([3, 1], vec![0.5_f32, -0.25, 1.0]).unwrap();
    let data = Dataset::new(Features::Floats(x), Target::Values(y)).unwrap();
    let setting = Setting::new(&network, &data, &Criterion::parse("mse").unwrap()).unwrap();
    holds_everywhere(&setting, "0.1.weight[3,1]");
    holds_everywhere(&setting, "1.weight[2,0]");
}

#[test]
fn constants_that_are_no_fractions_are_told() {
    let network = "Sequential(Linear(2, 3), BatchNorm1d(3), ReLU(), Linear(3, 1))";
    let found = along(&random(network, 4, "mse", 21).setting(), "0.weight[0,0]");
    assert_eq!(found.knowledge, Knowledge::Exact);
    assert_eq!(found.rounded, ["layer \"1\" (BatchNorm1d): sqrt"]);
    assert!(found.document("w").plain().contains("nearest f64"));
    let network = "Sequential(Linear(2, 3), Tanh(), Linear(3, 2), ReLU(), Linear(2, 1))";
    let found = along(&random(network, 4, "mse", 21).setting(), "2.weight[0,0]");
    assert_eq!(found.knowledge, Knowledge::Exact);
    assert_eq!(found.rounded, ["layer \"1\" (Tanh): tanh"]);
}

#[test]
fn a_plateau_in_f64_is_no_descent() {
    // Below −2.34 the unit is off at every row that the weight acts on: the loss stays as it is.
    let found = along(&two_units().setting(), "0.weight[1,0]");
    assert_eq!(found.advice.direction, Direction::Stay, "{}", found.answer());
    assert_eq!(found.now.slope_left, 0.0);
    let kinks = found.document("w").plain();
    assert!(kinks.contains("2 kinks: −2.34, 0."), "{kinks}");
}

#[test]
fn a_saturated_unit_is_woken_up() {
    // At 100·10 and 100·20 the sigmoid is flat in f64; at 0 it is not.
    for network in ["1-1s-1", "1-1t-1"] {
        let module = crate::nn::parse(network).unwrap();
        let tensor = |shape: &[usize], value: f32| crate::Tensor::new(shape, vec![value]).unwrap();
        let state = crate::nn::StateDict::from_iter([
            ("0.weight", tensor(&[1, 1], 100.0).into()),
            ("0.bias", tensor(&[1], 0.0).into()),
            ("2.weight", tensor(&[1, 1], 1.0).into()),
            ("2.bias", tensor(&[1], 0.0).into()),
        ]);
        let network = crate::nn::Network::with_state(module, &state).unwrap();
        let column = |values: [f32; 2]| crate::Tensor::new([2, 1], values.to_vec()).unwrap();
        let data = crate::train::Dataset::new(
            crate::train::Features::Floats(column([10.0, 20.0])),
            crate::train::Target::Values(column([0.0, 1.0])),
        )
        .unwrap();
        let criterion = crate::nn::loss::Criterion::parse("mse").unwrap();
        let found = along(&Setting::new(&network, &data, &criterion).unwrap(), "0.weight[0,0]");
        assert_eq!(found.advice.direction, Direction::Decrease, "{}", found.answer());
        assert!(least(&found).0.value < 0.25 && !found.advice.gradient_leads_there);
    }
    // Where nothing was found, no more is claimed than was looked at.
    let mut flat = along(&manual(-0.1, 0.1).setting(), "2.weight[0,0]");
    assert!(flat.answer().contains("for every value"), "{}", flat.answer());
    flat.knowledge = Knowledge::Sampled { why: "a test".into(), points: 3 };
    let words = flat.answer();
    assert!(words.contains("flat") && words.contains("as far as was looked (from"), "{words}");
    assert!(!words.contains("does not depend"), "{words}");
}

#[test]
fn long_fractions_are_shown_as_decimals() {
    let found = along(&manual(-0.007_486_82, 1e-30).setting(), "0.weight[0,0]");
    let words = found.document("w").plain();
    assert!(words.contains("−0.00748682"), "{words}");
    for long in ["374341/50000000", "1/1000000000000000000000000000000"] {
        assert!(!words.contains(long), "{words}");
    }
}

#[test]
fn a_valley_beyond_a_hill_is_found() {
    // The loss falls on and on as w grows, but the valley lies on the other side of the hill.
    for (network, weight, target) in
        [("Formula('z*exp(-z)')", 3.0_f32, -3.0_f32), ("GELU()", -2.0, 3.0)]
    {
        let module =
            crate::nn::parse(&format!("Sequential(Linear(1, 1, bias=False), {network})")).unwrap();
        let tensor = |value: f32| crate::Tensor::new([1, 1], vec![value]).unwrap();
        let state = crate::nn::StateDict::from_iter([("0.weight", tensor(weight).into())]);
        let network = crate::nn::Network::with_state(module, &state).unwrap();
        let data = crate::train::Dataset::new(
            crate::train::Features::Floats(tensor(1.0)),
            crate::train::Target::Values(tensor(target)),
        )
        .unwrap();
        let criterion = crate::nn::loss::Criterion::parse("mse").unwrap();
        let found = along(&Setting::new(&network, &data, &criterion).unwrap(), "0.weight[0,0]");
        assert!(least(&found).0.value < 1e-6, "{}", found.answer());
        assert!(found.answer().contains("of the values looked at"), "{}", found.answer());
    }
}
