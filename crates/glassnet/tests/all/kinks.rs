//! What holds exactly on a kink, by name: PyTorch's choices, in the reference and in the engine.

use glassnet::Result;
use glassnet::engine::Config;
use glassnet::grad::grad;
use glassnet::graph::NodeId;
use glassnet::graph::op::{Activation, Arithmetic, Loss, PairLoss, Reduce, Reduction};

use crate::bench::{Bench, Case};
use crate::check::{feeds, run};

#[test]
fn activations() {
    const ELU: f64 = 0.75;
    let selu = 1.050_700_987_355_480_5 * 1.673_263_242_354_377_2;
    let (leaky, odd) = (0.125, -0.5);
    // Name, activation, point, derivative there.
    let table = [
        ("relu'(0) = 0", Activation::Relu, 0.0, 0.0),
        ("relu'(−0) = 0", Activation::Relu, -0.0, 0.0),
        ("leaky", Activation::LeakyRelu { negative_slope: leaky }, 0.0, leaky),
        ("leaky, negative", Activation::LeakyRelu { negative_slope: odd }, 0.0, odd),
        ("elu'(0) = alpha", Activation::Elu { alpha: ELU }, 0.0, ELU),
        ("celu'(0) = 1", Activation::Celu { alpha: 2.0 }, 0.0, 1.0),
        ("selu'(0), left", Activation::Selu, 0.0, selu),
        ("softplus at its threshold", softplus(2.0, 1.0), 0.5, 0.731_058_578_630_004_9),
        ("hardtanh, lower end", Activation::Hardtanh { min: -0.5, max: 2.0 }, -0.5, 0.0),
        ("hardtanh, upper end", Activation::Hardtanh { min: -0.5, max: 2.0 }, 2.0, 0.0),
        ("relu6, lower end", Activation::Relu6, 0.0, 0.0),
        ("relu6, upper end", Activation::Relu6, 6.0, 0.0),
        ("hardsigmoid, lower end", Activation::Hardsigmoid, -3.0, 0.0),
        ("hardsigmoid, upper end", Activation::Hardsigmoid, 3.0, 0.0),
        ("hardswish, lower end", Activation::Hardswish, -3.0, 0.0),
        ("hardswish, upper end", Activation::Hardswish, 3.0, 1.0),
        ("prelu's negative part", Activation::NegativePart, 0.0, 1.0),
        ("|0|' = 0", Activation::Abs, 0.0, 0.0),
        ("sign' = 0", Activation::Sign, 0.0, 0.0),
    ];
    for (name, activation, z, expected) in table {
        let found = derivatives(name, |bench| {
            let z = bench.given([1], vec![z])?;
            bench.builder.activation(activation, z)
        });
        assert_eq!(found, [vec![expected as f32]], "{name}");
    }
    let kinked = |activation: &Activation| {
        table.iter().any(|(_, other, ..)| activation.name() == other.name())
    };
    for activation in Activation::ALL {
        assert!(
            activation.kinks().is_empty() || kinked(&activation),
            "{} is missing",
            activation.name()
        );
    }
}

fn softplus(beta: f64, threshold: f64) -> Activation {
    Activation::Softplus { beta, threshold }
}

#[test]
fn ties_share_what_comes_from_above() {
    for op in [Arithmetic::Maximum, Arithmetic::Minimum] {
        let found = derivatives("ties of two", |bench| {
            let a = bench.given([3], vec![1.0, -0.0, f32::INFINITY])?;
            let b = bench.given([3], vec![1.0, 0.0, f32::INFINITY])?;
            bench.builder.arithmetic(op, &[a, b])
        });
        assert_eq!(found, [[0.5; 3], [0.5; 3]], "{op:?}");
    }
    let infinity = f32::INFINITY;
    let rows = [
        (Reduction::Max, vec![2.0, -1.0, 2.0, 0.0], vec![0.5, 0.0, 0.5, 0.0]),
        (Reduction::Min, vec![-1.0, -1.0, 2.0, -1.0, -1.0], vec![0.25, 0.25, 0.0, 0.25, 0.25]),
        (Reduction::Max, vec![infinity, 1.0, infinity], vec![0.5, 0.0, 0.5]),
        (Reduction::Min, vec![-infinity, 1.0, infinity], vec![1.0, 0.0, 0.0]),
    ];
    for (kind, x, expected) in rows {
        let found = derivatives("ties of many", |bench| {
            let x = bench.given([x.len()], x.clone())?;
            bench.builder.reduce(Reduce { kind, axes: vec![0], keep: false }, x)
        });
        assert_eq!(found, [expected], "{kind:?} of {x:?}");
    }
}

#[test]
fn losses() {
    // Name, loss, estimate, target, derivative towards the estimate.
    let table = [
        ("l1 of equal operands", PairLoss::L1, 1.5, 1.5, 0.0),
        ("l1 above", PairLoss::L1, 1.75, 1.5, 1.0),
        ("smooth l1 without a square", PairLoss::SmoothL1 { beta: 0.0 }, 1.5, 1.5, 0.0),
        ("smooth l1 at beta", PairLoss::SmoothL1 { beta: 0.5 }, 2.0, 1.5, 1.0),
        ("huber at delta", PairLoss::Huber { delta: 0.5 }, 1.0, 1.5, -0.5),
        ("bce, certain and right", PairLoss::Bce, 1.0, 1.0, 0.0),
        ("bce, certain and wrong", PairLoss::Bce, 1.0, 0.0, 1e12),
        ("kl_div of an impossible class", PairLoss::KlDiv { log_target: false }, -3.0, 0.0, 0.0),
    ];
    for (name, loss, estimate, target, expected) in table {
        let found = derivatives(name, |bench| {
            let p = bench.given([1], vec![estimate])?;
            let t = bench.fixed([1], vec![target])?;
            bench.builder.loss(Loss::Pair(loss), &[p, t])
        });
        assert_eq!(found, [vec![expected]], "{name}");
    }
}

#[test]
fn selects_and_powers_at_0() {
    let found = derivatives("select takes the third operand at 0", |bench| {
        let condition = bench.given([2], vec![0.0, 0.5])?;
        let (yes, no) = (bench.given([2], vec![1.0; 2])?, bench.given([2], vec![2.0; 2])?);
        bench.builder.arithmetic(Arithmetic::Select, &[condition, yes, no])
    });
    assert_eq!(found, [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]);
    let found = derivatives("0^0, 0^2, 2^0", |bench| {
        let base = bench.given([3], vec![0.0, 0.0, 2.0])?;
        let exponent = bench.given([3], vec![0.0, 2.0, 0.0])?;
        bench.builder.arithmetic(Arithmetic::Power, &[base, exponent])
    });
    assert_eq!(found, [[0.0, 0.0, 0.0], [0.0, 0.0, std::f32::consts::LN_2]]);
}

/// The derivatives of the sum of a value's elements towards all inputs, the same in engine and reference.
fn derivatives(name: &str, value: impl Fn(&mut Bench) -> Result<NodeId>) -> Vec<Vec<f32>> {
    let build = || -> Result<Case> {
        let mut bench = Bench::new(name, 1);
        let id = value(&mut bench)?;
        bench.finish_sum(id)
    };
    let case = build().unwrap();
    let gradient = grad(&case.graph, case.loss, &case.towards).unwrap();
    let engine = run(&case, &gradient.graph, &gradient.gradients, &Config::default()).unwrap();
    let feeds = feeds(&case, &gradient.graph, &engine).unwrap();
    let reference = glassnet::reference::evaluate(&gradient.graph, &feeds, 1).unwrap();
    for (&id, found) in gradient.gradients.iter().zip(&engine.results) {
        let expected = reference[id].floats().unwrap();
        for (&found, &expected) in found.iter().zip(expected.data()) {
            // BCE's least denominator is an f32 in the engine, as in PyTorch.
            let near = (f64::from(found) - expected).abs() <= 1e-6 * expected.abs();
            assert!(near, "{name}: the engine has {found:e}, the reference {expected:e}");
        }
    }
    engine.results
}
