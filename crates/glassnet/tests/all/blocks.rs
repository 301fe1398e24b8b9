//! Residual blocks, LayerNorm and tables are simplified, and what only splitting shows is removed: with certificates that
//! hold at random points, of which changed ones are refused, or true.

use glassnet::checker::proof::can_be_read;
use glassnet::checker::{Certificate, Step, Verdict};
use glassnet::graph::op::{Activation, Layout};
use glassnet::graph::{Builder, DType, Shape};
use glassnet::math::random::Stream;
use glassnet::nn::{self, Mode, Network, StateDict};
use glassnet::prove::{self, Interval, Semantics, Weight, interval_bounds};
use glassnet::simplify::{self, Answer, Config, Domain, Free, Simplified, State};
use glassnet::{Tensor, Value};

const RESIDUAL: &str = "Sequential(Linear(3, 4), ReLU(), Residual(Linear(4, 6), ReLU(), Linear(6, 4)), \
                        Residual(Linear(4, 5), PReLU(), Linear(5, 4), Residual(Linear(4, 4), ReLU(), Linear(4, 4))), \
                        Linear(4, 5), ReLU(), Linear(5, 2))";
const NORMALISED: &str = "Sequential(Linear(3, 4), LayerNorm(4), Linear(4, 6), ReLU(), Linear(6, 4), \
                          Residual(LayerNorm(4), Linear(4, 5), ReLU(), Linear(5, 4)), Linear(4, 2))";

fn network(notation: &str, seed: u64) -> Network {
    Network::new(nn::parse(notation).unwrap(), seed).unwrap()
}

/// The network with unit `unit` of the matrix `layer` made `scale` times the first one.
fn with_copy(network: &Network, layer: &str, unit: usize, scale: f32) -> Network {
    let mut state = network.state_dict().clone();
    for part in ["weight", "bias"] {
        let key = format!("{layer}.{part}");
        let Some(Value::F32(tensor)) = state.get_mut(&key) else { panic!("{key}") };
        let columns = tensor.shape().get(1).copied().unwrap_or(1);
        let shape = tensor.shape().to_vec();
        let mut data = tensor.data().to_vec();
        for column in 0..columns {
            data[unit * columns + column] = scale * data[column];
        }
        *tensor = Tensor::new(shape, data).unwrap();
    }
    Network::with_state(network.module().clone(), &state).unwrap()
}

fn outputs(network: &Network, x: &[f64]) -> Vec<Interval> {
    let shape = network.module().input_shape().unwrap();
    let graph = network.module().graph(shape, Mode::Eval).unwrap();
    let state = network.state_dict();
    let lowered = prove::lower(&graph, "x", "y", &|key| state.floats(key).map(Weight::Fixed));
    let lowered = lowered.unwrap();
    let point: Vec<Interval> = x.iter().map(|&x| Interval::new(x, x).unwrap()).collect();
    interval_bounds(&lowered, &point, Semantics::Real).unwrap()[lowered.output()].clone()
}

/// Whether nothing at random points of the domain speaks against the claim.
fn holds(a: &Network, b: &Network, certificate: &Certificate, stream: &mut Stream) -> bool {
    let inputs = a.module().in_features().unwrap();
    (0..40).all(|_| {
        let ends = |at: usize| match &certificate.domain {
            None => (-10.0, 10.0),
            Some(ends) => (ends[at].0.unwrap_or(-20.0), ends[at].1.unwrap_or(20.0)),
        };
        let x: Vec<f64> = (0..inputs)
            .map(|at| ends(at).0 + (ends(at).1 - ends(at).0) * (stream.below(1025) as f64 / 1024.0))
            .collect();
        let most = x.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let claim = certificate.claim.bound + certificate.claim.per_input * most;
        outputs(a, &x).iter().zip(&outputs(b, &x)).all(|(y, z)| {
            let least = (y.lo() - z.hi()).max(z.lo() - y.hi());
            least <= claim * (1.0 + 1e-12)
        })
    })
}

fn simplified(network: &Network, domain: Option<(f64, f64)>) -> Simplified {
    let inputs = network.module().in_features().unwrap();
    let domain = domain.map(|ends| Domain::of(vec![ends; inputs]).unwrap());
    let smaller = simplify::simplify(network, &Config { domain, tolerance: None }).unwrap();
    let verdict = simplify::verify(network, &smaller.network, &smaller.certificate).unwrap();
    assert!(matches!(verdict, Verdict::Valid(_)), "{verdict:?}");
    smaller
}

#[test]
fn copies_within_residual_blocks_are_merged() {
    for seed in 0..4 {
        let mut net = network(RESIDUAL, seed);
        for (layer, unit) in [("2.0", 3), ("3.0", 1), ("3.3.0", 2), ("4", 4)] {
            net = with_copy(&net, layer, unit, 2.0);
        }
        let smaller = simplified(&net, Some((-1.0, 1.0)));
        for (layer, unit) in [("2.0", 3), ("3.0", 1), ("3.3.0", 2), ("4", 4)] {
            let mut own = smaller.removals.iter().filter(|removal| removal.layer == layer);
            let gone = own.any(|removal| removal.unit.is_none_or(|gone| gone == unit));
            assert!(gone, "seed {seed}: {layer}: {:?}", smaller.removals);
        }
        let notation = smaller.network.module().notation();
        assert_eq!(notation.matches("Residual(").count(), 3, "{notation}");
        assert!(smaller.left.iter().any(|(layer, _)| layer == "1"), "{:?}", smaller.left);
        let stream = &mut Stream::new(seed, 91);
        assert!(holds(&net, &smaller.network, &smaller.certificate, stream), "seed {seed}");
        assert!(smaller.certificate.claim.bound < 1e-4, "{:?}", smaller.certificate.claim);
        let domain = Domain::of(vec![(-1.0, 1.0); 3]).unwrap();
        let found = simplify::equal(&net, &smaller.network, Some(&domain), 1e-3).unwrap();
        assert_eq!(found.answer, Answer::Equal, "seed {seed}: {found:?}");
    }
}

#[test]
fn layers_around_layer_norm_are_simplified() {
    let net = with_copy(&network(NORMALISED, 1), "2", 5, 0.5);
    let net = with_copy(&net, "5.1", 2, 1.0);
    let smaller = simplified(&net, Some((-1.0, 1.0)));
    let notation = smaller.network.module().notation();
    assert!(notation.contains("Linear(4, 5), ReLU(), Linear(5, 4), Residual"), "{notation}");
    assert!(notation.contains("Linear(4, 4), ReLU(), Linear(4, 4))"), "{notation}");
    assert!(smaller.left.iter().any(|(_, why)| why.contains("LayerNorm")));
    assert!(holds(&net, &smaller.network, &smaller.certificate, &mut Stream::new(0, 92)));
}

#[test]
fn what_stands_behind_tables_is_simplified() {
    let tokens =
        network("Sequential(Embedding(7, 2), Flatten(), Linear(6, 5), ReLU(), Linear(5, 2))", 0);
    let tokens = with_copy(&tokens, "2", 3, 4.0);
    let smaller = simplify::simplify(&tokens, &Config::default()).unwrap();
    let notation = "Sequential(Embedding(7, 2), Flatten(start_dim=1, end_dim=-1), Linear(6, 4), ReLU(), Linear(4, 2))";
    let written = smaller.network.module().notation();
    assert_eq!(written.replace("Flatten()", "Flatten(start_dim=1, end_dim=-1)"), notation);
    let columns =
        "Sequential(EmbedColumns({'1': Embedding(12, 4)}), Linear(6, 5), ReLU(), Linear(5, 2))";
    let columns = with_copy(&network(columns, 2), "1", 2, 1.0);
    let smaller = simplify::simplify(&columns, &Config::default()).unwrap();
    assert!(smaller.network.module().notation().contains("Linear(6, 4), ReLU(), Linear(4, 2)"));
    // Another table is another network.
    let mut other = smaller.network.state_dict().clone();
    let Some(Value::F32(table)) = other.get_mut("0.1.weight") else { panic!("there is a table") };
    let mut data = table.data().to_vec();
    data[5] += 1.0;
    *table = Tensor::new([12, 4], data).unwrap();
    let other = Network::with_state(smaller.network.module().clone(), &other).unwrap();
    let (own, that) =
        (&smaller.certificate, simplify::simplify(&other, &Config::default()).unwrap());
    let forged = Certificate { b: that.certificate.a.clone(), ..own.clone() };
    let verdict = simplify::verify(&columns, &other, &forged).unwrap();
    assert!(matches!(verdict, Verdict::Invalid(_)), "{verdict:?}");
}

/// `relu(x)` and `relu(x − 1/2)`; a unit that is dead on [−1, 1] (its most is −1/10, in the middle), and one that isn't.
fn split_needed() -> Network {
    let state = StateDict::from_iter([
        ("0.weight", Tensor::from_rows(&[[1.0_f32], [1.0]]).unwrap().into()),
        ("0.bias", Tensor::new([2], vec![0.0_f32, -0.5]).unwrap().into()),
        ("2.weight", Tensor::from_rows(&[[1.0_f32, -2.0], [1.0, 1.0]]).unwrap().into()),
        ("2.bias", Tensor::new([2], vec![-0.6_f32, -0.1]).unwrap().into()),
        ("4.weight", Tensor::from_rows(&[[3.0_f32, 1.0]]).unwrap().into()),
        ("4.bias", Tensor::new([1], vec![0.25_f32]).unwrap().into()),
    ]);
    Network::with_state(nn::parse("1-2-2-1").unwrap(), &state).unwrap()
}

#[test]
fn a_unit_that_splitting_shows_to_be_dead_is_removed() {
    let net = split_needed();
    let domain = Domain::of([(-1.0, 1.0)]).unwrap();
    let units = simplify::units(&net, &domain, &Free::default(), None).unwrap();
    assert_eq!(units[1].units[0].state, State::Dead, "{:?}", units[1].units[0]);
    assert!(units[1].units[0].proof.contains("part"), "{:?}", units[1].units[0]);
    let smaller = simplified(&net, Some((-1.0, 1.0)));
    let dead = smaller.removals.iter().find(|removal| removal.kind == "dead").unwrap();
    assert_eq!((dead.layer.as_str(), dead.unit), ("2", Some(0)), "{:?}", smaller.removals);
    assert!(smaller.checked.exact);
    let show = |step: &Step| matches!(step, Step::ShowSign { .. });
    let at = smaller.certificate.steps_a.iter().position(show).unwrap();
    let refused = |change: &dyn Fn(&mut Certificate)| {
        let mut changed = smaller.certificate.clone();
        change(&mut changed);
        let verdict = simplify::verify(&net, &smaller.network, &changed).unwrap();
        assert!(matches!(verdict, Verdict::Invalid(_)), "{verdict:?}");
    };
    refused(&|changed| drop(changed.steps_a.remove(at)));
    refused(&|changed| changed.domain = Some(vec![(Some(-1.0), None)]));
    refused(&|changed| {
        if let Step::ShowSign { positive, .. } = &mut changed.steps_a[at] {
            *positive = true;
        }
    });
    refused(&|changed| {
        if let Step::ShowSign { unit, .. } = &mut changed.steps_a[at] {
            *unit = 1;
        }
    });
    refused(&|changed| {
        if let Step::ShowSign { tree, .. } = &mut changed.steps_a[at] {
            tree.pop();
        }
    });
    // What was shown before another step isn't known after it.
    refused(&|changed| {
        let show = changed.steps_a.remove(at);
        changed.steps_a.insert(at, Step::Scale { layer: 1, unit: 0, factor: "1".into() });
        changed.steps_a.insert(at, show);
    });
}

#[test]
fn units_of_any_network_that_is_bounded_are_told() {
    let net = network(RESIDUAL, 3);
    let domain = Domain::of(vec![(-1.0, 1.0); 3]).unwrap();
    let layers = simplify::units(&net, &domain, &Free::default(), None).unwrap();
    let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["1", "2.1", "3.1", "3.3.1", "5"]);
    let formula =
        network("Sequential(Linear(2, 3), ReLU(), Formula('z*z'), Linear(3, 2), ReLU())", 0);
    let domain = Domain::of(vec![(-1.0, 1.0); 2]).unwrap();
    let layers = simplify::units(&formula, &domain, &Free::default(), None).unwrap();
    assert_eq!(layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>(), ["1", "4"]);
    assert_eq!(layers[0].units.len(), 3);
    // A kink of units that are taken in another order is one; those of which a clipping is made are none.
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([4])).unwrap();
    let half = builder.layout(Layout::Slice { axis: 1, start: 1, end: 3 }, &[x]).unwrap();
    let half = builder.activation(Activation::Relu, half).unwrap();
    let cut = builder.activation(Activation::Hardtanh { min: -1.0, max: 1.0 }, half).unwrap();
    builder.output("y", cut);
    let weights = |key: &str| -> glassnet::Result<Weight<'_>> { panic!("there is no {key}") };
    let lowered = prove::lower(&builder.finish_checked(), "x", "y", &weights).unwrap();
    let domain = Domain::of(vec![(-2.0, -1.0); 4]).unwrap();
    let layers = simplify::graph_units(&lowered, &domain).unwrap();
    assert_eq!(layers.len(), 1);
    assert!(layers[0].units.len() == 2 && layers[0].units[0].state == State::Dead);
}

#[test]
fn a_number_that_becomes_a_row_is_no_layer_of_a_chain() {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([1])).unwrap();
    let b = builder.parameter("b", Shape::from([4])).unwrap();
    let row = builder.add(x, b).unwrap();
    let w = builder.parameter("w", Shape::from([2, 4])).unwrap();
    let y = builder.affine(row, w, None).unwrap();
    builder.output("y", y);
    let graph = builder.finish_checked();
    let state = StateDict::from_iter([
        ("b", Tensor::new([4], vec![1.0_f32; 4]).unwrap().into()),
        ("w", Tensor::new([2, 4], vec![1.0_f32; 8]).unwrap().into()),
    ]);
    let weights = |key: &str| state.floats(key).ok();
    assert!(can_be_read((&graph, &weights)).is_err());
}

/// Certificates of residual networks, each changed in one place: those that are accepted are true.
#[test]
fn a_changed_certificate_of_a_residual_network_that_is_accepted_is_true() {
    let mut accepted = 0;
    for seed in 0..12 {
        let stream = &mut Stream::new(seed, 93);
        let notation = if seed % 2 == 0 { RESIDUAL } else { NORMALISED };
        let layer = if seed % 2 == 0 { "2.0" } else { "5.1" };
        let net = with_copy(&network(notation, seed), layer, 3, 2.0);
        let smaller = simplified(&net, Some((-1.0, 1.0)));
        for _ in 0..5 {
            let mut changed = smaller.certificate.clone();
            let at = stream.below(changed.steps_a.len() as u64) as usize;
            let other = stream.below(16) as usize;
            match (&mut changed.steps_a[at], stream.below(3)) {
                (Step::Merge { layer, .. }, 0) => *layer = other,
                (Step::Merge { keep, .. }, 1) => *keep = other % 6,
                (Step::Merge { scale, .. }, _) => *scale = format!("{other}/3"),
                (_, 0) => changed.claim.bound /= 3.0,
                (_, 1) => changed.domain = None,
                (_, _) => drop(changed.steps_a.remove(at)), // not operations: what is changed
            }
            if changed == smaller.certificate {
                continue;
            }
            if let Verdict::Valid(_) = simplify::verify(&net, &smaller.network, &changed).unwrap() {
                accepted += 1;
                assert!(holds(&net, &smaller.network, &changed, stream), "{}", changed.to_json());
            }
        }
    }
    assert!(accepted < 30, "{accepted}");
}
