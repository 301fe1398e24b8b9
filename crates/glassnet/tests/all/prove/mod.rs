//! The prover: no false proof where sums cancel, bounds that hold for samples, verdicts that are known.

mod functions;
mod networks;

use glassnet::Tensor;
use glassnet::graph::op::Layout;
use glassnet::graph::{Builder, DType, Shape};
use glassnet::nn;
use glassnet::prove::exact::evaluate;
use glassnet::prove::{
    Case, Config, Constraint, Direction, Interval, Monotone, Network, Property, Search, Semantics,
    Verdict, Weight, bounds, fall_between, interval_bounds, lower, monotone, prove,
};
use glassnet::train::{Features, Predictor};

use self::networks::{Draws, NOTATIONS, cancelling, network, small_box, state};

/// A few parts are enough to see whether a false proof comes.
fn verdict(network: &Network, property: &Property, parts: u64, semantics: Semantics) -> Verdict {
    let config = Config { semantics, ..Config::default() };
    prove(network, property, &config, &mut |at| at.parts <= parts).unwrap().verdict
}

/// The same without attacks, which would refute before any bound is asked.
fn verdict_of_bounds(
    network: &Network,
    property: &Property,
    parts: u64,
    semantics: Semantics,
) -> Verdict {
    let config = Config { semantics, attacks: 0, ..Config::default() };
    prove(network, property, &config, &mut |at| at.parts <= parts).unwrap().verdict
}

#[test]
fn networks_that_cancel_have_no_false_proof() {
    for seed in 0..300 {
        let (network, property) = cancelling(seed, 0);
        for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
            let found = verdict_of_bounds(&network, &property, 12, semantics);
            assert_ne!(found, Verdict::Holds, "seed {seed}, {semantics:?}");
        }
    }
}

#[test]
fn bounds_hold_for_samples_evaluated_exactly() {
    for (at, notation) in NOTATIONS.iter().enumerate() {
        let network = network(notation, &state(notation, at as u64));
        let mut draws = Draws::new(1000 + at as u64);
        for box_at in 0..4 {
            let domain = small_box(&mut draws, 3, box_at);
            let coarse = interval_bounds(&network, &domain, Semantics::Real).unwrap();
            let fine = bounds(&network, &domain, Semantics::Real).unwrap();
            for _ in 0..40 {
                let x: Vec<f64> = domain
                    .iter()
                    .map(|x| {
                        let share = f64::from((draws.signed() + 1.0) / 2.0);
                        (x.lo() + share * (x.hi() - x.lo())).clamp(x.lo(), x.hi())
                    })
                    .collect();
                for (y, (coarse, fine)) in evaluate(&network, &x)
                    .unwrap()
                    .iter()
                    .zip(coarse[network.output()].iter().zip(&fine[network.output()]))
                {
                    for bound in [coarse, fine] {
                        assert!(bound.lo() <= y.hi.ceil_f64(), "{notation} {y:?} {bound}");
                        assert!(bound.hi() >= y.lo.floor_f64(), "{notation} {y:?} {bound}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_engine_s_values_lie_within_its_bounds() {
    let mut draws = Draws::new(7);
    let at: Vec<f32> = (0..4000)
        .map(|index| draws.signed() * [0.01, 1.0, 5.0, 30.0, 110.0][index % 5])
        .chain((0..200).map(|step| 0.5 + (step as f32 - 100.0) * f32::EPSILON / 2.0))
        .collect();
    let x = Features::Floats(Tensor::new([at.len(), 1], at.clone()).unwrap());
    for notation in [
        "CELU(alpha=0.37)",
        "CELU(alpha=3.1)",
        "ELU(alpha=1.7)",
        "SELU()",
        "Softsign()",
        "Softplus(beta=2.3)",
        "Softplus(beta=2.0, threshold=1.0)",
        "Softplus(beta=2.3, threshold=1.15)",
        "Softplus()",
        "Sigmoid()",
        "Tanh()",
        "LogSigmoid()",
        "GELU()",
        "GELU(approximate='tanh')",
        "SiLU()",
        "Mish()",
    ] {
        let module = nn::parse(&format!("Sequential({notation})")).unwrap();
        let net = nn::Network::new(module, 0).unwrap();
        let values = Predictor::new(&net, &[1], &Default::default()).unwrap().predict(&x).unwrap();
        let graph = net.module().graph(Shape::batch([1]), nn::Mode::Eval).unwrap();
        let network =
            lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))
                .unwrap();
        for (&x, &y) in at.iter().zip(values.data()) {
            let point = [Interval::point(f64::from(x))];
            let bounds = interval_bounds(&network, &point, Semantics::F32AnyOrder).unwrap();
            let bound = bounds[network.output()][0];
            assert!(bound.contains(f64::from(y)), "{notation} at {x}: {y} is not in {bound}");
        }
    }
}

/// Functions of a whole row: softmax and standardisation, in the engine's f32 and over the reals.
#[test]
fn the_engine_s_rows_lie_within_their_bounds() {
    let mut draws = Draws::new(11);
    for notation in ["Softmax(dim=1)", "LogSoftmax(dim=1)", "LayerNorm(5)"] {
        let module = nn::parse(&format!("Sequential(Linear(5, 5), {notation})")).unwrap();
        let net = nn::Network::new(module, 3).unwrap();
        let graph = net.module().graph(Shape::batch([5]), nn::Mode::Eval).unwrap();
        let network =
            lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))
                .unwrap();
        for scale in [1e-6, 0.01, 1.0, 20.0, 150.0, 1e4] {
            let at: Vec<f32> = (0..60 * 5).map(|_| draws.signed() * scale).collect();
            let x = Features::Floats(Tensor::new([60, 5], at.clone()).unwrap());
            let values =
                Predictor::new(&net, &[5], &Default::default()).unwrap().predict(&x).unwrap();
            for (x, y) in at.chunks(5).zip(values.data().chunks(5)) {
                let point: Vec<Interval> =
                    x.iter().map(|&x| Interval::point(f64::from(x))).collect();
                let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                let found = interval_bounds(&network, &point, Semantics::F32AnyOrder).unwrap();
                let fine = bounds(&network, &point, Semantics::F32AnyOrder).unwrap();
                let truth = evaluate(&network, &exact);
                // Exponentials beyond f64 have bounds and no exact value.
                assert!(truth.is_ok() || scale == 1e4, "{notation} of {x:?}");
                for (at, &y) in y.iter().enumerate() {
                    for bound in [found[network.output()][at], fine[network.output()][at]] {
                        assert!(bound.contains(f64::from(y)), "{notation} of {x:?}: {y} {bound}");
                    }
                    // The exact evaluation is of the same function.
                    let Ok(truth) = truth.as_ref().map(|truth| &truth[at]) else { continue };
                    let (lo, hi) = (truth.lo.floor_f64(), truth.hi.ceil_f64());
                    let slack = 1e-4 * (1.0 + f64::from(scale));
                    let y = f64::from(y);
                    assert!(lo - slack < y && y < hi + slack, "{notation} [{lo}, {hi}] {y}");
                    assert!(hi - lo < slack || scale == 1e4, "{notation} [{lo}, {hi}] {y}");
                }
            }
        }
    }
}

#[test]
fn probabilities_stand_behind_the_scores() {
    let network = network(NOTATIONS[0], &state(NOTATIONS[0], 0)).with_probabilities().unwrap();
    let y = evaluate(&network, &[0.3, -0.2, 0.9]).unwrap();
    let near = |at: usize| y[at].lo.to_f64();
    let (a, b) = (near(0).exp(), near(1).exp());
    assert!((near(2) - a / (a + b)).abs() < 1e-12 && (near(3) - b / (a + b)).abs() < 1e-12);
}

/// `y = −c·x + Σ x + c·x` over three ways: while coefficients are gathered, c stands where ones are added to it.
#[test]
fn coefficients_that_meet_where_a_layer_is_read_by_several_are_not_lost() {
    const WAYS: usize = 1000;
    let great = 1e16_f32;
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([1])).unwrap();
    let affine = |builder: &mut Builder, x, name: &str, shape: [usize; 2]| {
        let weight = builder.parameter(name, shape.into()).unwrap();
        builder.affine(x, weight, None).unwrap()
    };
    let less = affine(&mut builder, x, "less", [1, 1]);
    let each = affine(&mut builder, x, "each", [WAYS, 1]);
    let sum = affine(&mut builder, each, "sum", [1, WAYS]);
    let more = affine(&mut builder, x, "more", [1, 1]);
    let y = builder.add(less, sum).unwrap();
    let y = builder.add(y, more).unwrap();
    builder.output("y", y);
    let graph = builder.finish_checked();
    let tensor = |shape: [usize; 2], w: f32| Tensor::full(shape, w);
    let state = [
        ("less", tensor([1, 1], -great)),
        ("each", tensor([WAYS, 1], 1.0)),
        ("sum", tensor([1, WAYS], 1.0)),
        ("more", tensor([1, 1], great)),
    ];
    let find = |key: &str| &state.iter().find(|(name, _)| *name == key).unwrap().1;
    let weights = |key: &str| Ok(Weight::Fixed(find(key)));
    let network = lower(&graph, "x", "y", &weights).unwrap();
    let truth = evaluate(&network, &[1.0]).unwrap()[0].lo.to_f64();
    assert_eq!(truth, WAYS as f64);
    let domain = [Interval::new(-1.0, 1.0).unwrap()];
    let found = bounds(&network, &domain, Semantics::Real).unwrap()[network.output()][0];
    assert!(found.contains(truth) && found.contains(-truth), "{truth} is not in {found}");
}

/// `y = c·x − c·x` of one layer that reads x twice: 0 over the reals, while a fused multiply-add leaves the rounding of the
/// other product.
#[test]
fn a_unit_that_a_row_reads_twice_is_rounded_twice() {
    let great = 16_777_215.0_f32;
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([1])).unwrap();
    let twice = builder.layout(Layout::Concat { axis: 1 }, &[x, x]).unwrap();
    let weight = builder.parameter("weight", [1, 2].into()).unwrap();
    let y = builder.affine(twice, weight, None).unwrap();
    builder.output("y", y);
    let graph = builder.finish_checked();
    let weight = Tensor::new([1, 2], vec![great, -great]).unwrap();
    let network = lower(&graph, "x", "y", &|_| Ok(Weight::Fixed(&weight))).unwrap();
    let x = 0.1_f32;
    let executed = f64::from(great.mul_add(x, -(great * x)));
    assert_ne!(executed, 0.0);
    let domain = [Interval::new(0.0, f64::from(x)).unwrap()];
    for bounds in [interval_bounds, bounds] {
        let found = bounds(&network, &domain, Semantics::F32AnyOrder).unwrap()[network.output()][0];
        assert!(found.contains(executed) && found.contains(0.0), "{executed} is not in {found}");
    }
    let value = evaluate(&network, &[f64::from(x)]).unwrap()[0].lo.to_f64();
    assert_eq!(value, 0.0);
}

/// With more than 20 inputs kinks are split, with slopes and multipliers that are improved.
#[test]
fn networks_of_many_inputs_that_cancel_have_no_false_proof() {
    for seed in 0..100 {
        let (network, property) = cancelling(seed, 20);
        for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
            let found = verdict_of_bounds(&network, &property, 40, semantics);
            assert_ne!(found, Verdict::Holds, "seed {seed}, {semantics:?}");
        }
    }
}

const MANY_INPUTS: &str =
    "Sequential(Linear(24, 10), ReLU(), Linear(10, 10), LeakyReLU(0.2), Linear(10, 2))";

/// A property that is decided by splits of kinks: what is greatest is enclosed from both sides.
#[test]
fn splits_of_kinks_decide_thresholds_from_both_sides() {
    for seed in 0..4 {
        let network = network(MANY_INPUTS, &state(MANY_INPUTS, seed));
        let domain = small_box(&mut Draws::new(seed), 24, 1);
        let outer = bounds(&network, &domain, Semantics::Real).unwrap()[network.output()][0];
        let (mut low, mut high) = (outer.lo(), outer.hi());
        for _ in 0..12 {
            let middle = (low + high) / 2.0;
            let constraint =
                Constraint { outputs: vec![(0, -1.0)], constant: middle, ..Default::default() };
            let case = Case { domain: domain.clone(), constraints: vec![constraint] };
            match verdict(&network, &Property { cases: vec![case] }, 400, Semantics::Real) {
                Verdict::Holds => high = middle,
                Verdict::Violated(witness) => {
                    assert!(witness.outputs[0].lo.ceil_f64() >= middle, "seed {seed}");
                    low = middle;
                }
                Verdict::Unknown => break,
            }
        }
        let share = (high - low) / (outer.hi() - outer.lo());
        assert!(share < 0.01, "seed {seed}: {low} to {high}, {share} of the first bounds");
    }
}

/// Several constraints at once are weighed against each other: a counterexample has both outputs above their thresholds.
#[test]
fn conjunctions_over_many_inputs_are_decided() {
    let network = network(MANY_INPUTS, &state(MANY_INPUTS, 9));
    let domain = small_box(&mut Draws::new(9), 24, 1);
    let outer = &bounds(&network, &domain, Semantics::Real).unwrap()[network.output()];
    let mut counts = [0, 0, 0];
    for step in 0..=20 {
        let share = f64::from(step) / 20.0;
        let constraints = (0..2)
            .map(|at| Constraint {
                outputs: vec![(at, -1.0)],
                inputs: vec![(at, 0.25)],
                constant: outer[at].lo() + share * (outer[at].hi() - outer[at].lo()),
            })
            .collect();
        let property = Property { cases: vec![Case { domain: domain.clone(), constraints }] };
        match verdict(&network, &property, 400, Semantics::F32AnyOrder) {
            Verdict::Holds => counts[0] += 1,
            Verdict::Violated(_) => {
                assert_eq!(
                    counts[0], 0,
                    "a higher threshold was reached after a lower one was not"
                );
                counts[1] += 1;
            }
            Verdict::Unknown => counts[2] += 1,
        }
    }
    assert!(counts[0] > 3 && counts[1] > 3 && counts[2] <= 1, "{counts:?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the threads are the caller's")]
fn the_number_of_threads_changes_nothing() {
    let mut decided = 0;
    for seed in 0..6 {
        let notation = if seed % 2 == 0 { MANY_INPUTS } else { NOTATIONS[0] };
        let network = network(notation, &state(notation, seed));
        let domain = small_box(&mut Draws::new(seed), network.inputs(), 0);
        let outer = bounds(&network, &domain, Semantics::Real).unwrap()[network.output()][0];
        for share in [0.3, 0.6, 0.9] {
            let constant = outer.lo() + share * (outer.hi() - outer.lo());
            let constraint =
                Constraint { outputs: vec![(0, -1.0)], constant, ..Constraint::default() };
            let case = Case { domain: domain.clone(), constraints: vec![constraint] };
            let property = Property { cases: vec![case] };
            let config = Config { most_parts: 300, attacks: 2, ..Config::default() };
            let alone = prove(&network, &property, &config, &mut |_| true).unwrap();
            for threads in [2, 5] {
                let search = Search::new(&network, &property, &config).unwrap();
                std::thread::scope(|scope| {
                    for _ in 0..threads {
                        scope.spawn(|| search.work(&mut |_| true));
                    }
                });
                assert_eq!(search.outcome(), alone, "seed {seed}, {threads} threads");
            }
            decided += usize::from(alone.verdict != Verdict::Unknown);
        }
    }
    assert!(decided > 9);
}

#[test]
fn a_search_that_is_stopped_or_out_of_memory_is_unknown() {
    let network = network(MANY_INPUTS, &state(MANY_INPUTS, 3));
    let domain = vec![Interval::new(-1.0, 1.0).unwrap(); 24];
    let outer = bounds(&network, &domain, Semantics::Real).unwrap()[network.output()][0];
    let constraint = Constraint {
        outputs: vec![(0, -1.0)],
        constant: outer.lo() + 0.7 * (outer.hi() - outer.lo()),
        ..Constraint::default()
    };
    let property = Property { cases: vec![Case { domain, constraints: vec![constraint] }] };
    let config = Config { attacks: 0, ..Config::default() };
    let stopped = prove(&network, &property, &config, &mut |_| false).unwrap();
    assert_eq!((stopped.verdict, stopped.parts), (Verdict::Unknown, 0));
    assert_eq!(stopped.bound, f64::NEG_INFINITY);
    let small = Config { most_bytes: 1000, ..config };
    let outcome = prove(&network, &property, &small, &mut |at| at.parts < 5000).unwrap();
    assert_eq!(outcome.verdict, Verdict::Unknown);
    assert!(outcome.parts < 10, "{} parts", outcome.parts);
}

/// `sign·y ≥ threshold` as what a counterexample meets, over [-1, 1]³.
fn reaches(sign: f64, threshold: f64) -> Property {
    let constraint =
        Constraint { outputs: vec![(0, -sign)], constant: threshold, ..Constraint::default() };
    let domain = vec![Interval::new(-1.0, 1.0).unwrap(); 3];
    Property { cases: vec![Case { domain, constraints: vec![constraint] }] }
}

/// The greatest output that gradient attacks and splitting find is enclosed: just above it is proven, just below refuted.
#[test]
fn thresholds_are_decided_from_both_sides() {
    for (at, notation) in NOTATIONS.iter().enumerate() {
        let network = network(notation, &state(notation, at as u64));
        let outer = bounds(&network, &reaches(1.0, 0.0).cases[0].domain, Semantics::Real).unwrap();
        let (mut low, mut high) =
            (outer[network.output()][0].lo(), outer[network.output()][0].hi());
        for _ in 0..8 {
            let middle = (low + high) / 2.0;
            match verdict(&network, &reaches(1.0, middle), 4000, Semantics::Real) {
                Verdict::Holds => high = middle,
                Verdict::Violated(witness) => {
                    assert!(witness.outputs[0].lo.ceil_f64() >= middle, "{notation}");
                    low = middle;
                }
                Verdict::Unknown => break,
            }
        }
        let width = outer[network.output()][0].hi() - outer[network.output()][0].lo();
        assert!((high - low) / width < 0.1, "{notation}: {low} to {high} of {width}");
    }
}

/// What is said of an output's direction, against exact evaluation along the input.
#[test]
fn outputs_that_never_fall_are_told_from_others() {
    let mut decided = [0, 0];
    for seed in 0..24 {
        let notation = NOTATIONS[[0, 2, 4, 5, 10, 8][seed % 6]];
        let network = network(notation, &state(notation, 40 + seed as u64));
        let domain = vec![Interval::new(-0.25, 0.25).unwrap(); 3];
        let outputs = vec![(0, 1.0)];
        let statement = Monotone { domain, input: seed % 3, outputs: outputs.clone() };
        let rise = monotone(&network, &statement, &mut |at| at.parts < 400).unwrap();
        match rise.direction {
            Direction::Holds => {
                decided[0] += 1;
                let mut draws = Draws::new(90 + seed as u64);
                for _ in 0..300 {
                    let from: Vec<f64> = (0..3).map(|_| f64::from(draws.signed() * 0.25)).collect();
                    let mut to = from.clone();
                    to[statement.input] =
                        (to[statement.input] + f64::from(draws.signed()).abs() * 0.1).min(0.25);
                    let fall = fall_between(&network, &outputs, from, to);
                    assert_eq!(fall, None, "{notation}, seed {seed}");
                }
            }
            Direction::Falls(fall) => {
                decided[1] += 1;
                let differ = fall.from.iter().zip(&fall.to).filter(|(a, b)| a != b).count();
                assert!(differ == 1 && fall.from[statement.input] < fall.to[statement.input]);
                assert!(fall.after.hi < fall.before.lo);
            }
            Direction::Unknown => {}
        }
    }
    assert!(decided[0] >= 4 && decided[1] >= 4, "{decided:?}");
}

/// A function may read another one's values directly, with more than 20 inputs too, where slopes are improved.
#[test]
fn functions_of_functions_are_sharpened() {
    for notation in [
        "Sequential(Linear(24, 8), ReLU(), Sigmoid(), Linear(8, 8), ReLU(), Linear(8, 1))",
        "Sequential(Linear(24, 8), ReLU(), LeakyReLU(0.1), Tanh(), ReLU(), Linear(8, 1))",
    ] {
        let network = network(notation, &state(notation, 3));
        let domain = vec![Interval::new(-0.4, 0.4).unwrap(); 24];
        let reach = bounds(&network, &domain, Semantics::Real).unwrap()[network.output()][0];
        let limit = reach.lo() + 0.7 * (reach.hi() - reach.lo());
        let constraint =
            Constraint { outputs: vec![(0, -1.0)], constant: limit, ..Constraint::default() };
        let property = Property { cases: vec![Case { domain, constraints: vec![constraint] }] };
        for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
            verdict_of_bounds(&network, &property, 6, semantics);
        }
    }
}
