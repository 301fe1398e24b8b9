//! Activations far out: infinities, overflow, underflow, tiny arguments, one point at a time.

use glassnet::Result;
use glassnet::engine::Config;
use glassnet::grad::grad;
use glassnet::graph::op::Activation;
use glassnet::reference::evaluate;

use crate::bench::{Bench, Case};
use crate::check::{feeds, run};

const POINTS: [f32; 24] = [
    f32::INFINITY,
    f32::MAX,
    1e30,
    1e10,
    1000.0,
    104.0,
    100.0,
    89.0,
    88.0,
    50.0,
    30.0,
    17.0,
    10.0,
    5.0,
    1.0,
    0.1,
    1e-3,
    1e-5,
    1e-10,
    1e-20,
    1e-30,
    1e-38,
    1e-40,
    0.0,
];

/// Relative to each single value. Derivatives have zeros: near them the error is absolute.
const RELATIVE: f64 = 4e-6;
const SLOPE_FLOOR: f64 = 3e-7;

#[test]
fn activations_far_out() {
    let points: Vec<f32> = POINTS.iter().flat_map(|&z| [z, -z]).chain([f32::NAN]).collect();
    let mut problems = vec![];
    for activation in Activation::ALL {
        for (what, floor, found, expected) in value_and_slope(activation, &points).unwrap() {
            for ((z, &found), expected) in points.iter().zip(&found).zip(expected) {
                if differs(found, expected, floor) {
                    let name = activation.name();
                    problems.push(format!("{name}, {what} at {z:e}: {found:e}, not {expected:e}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// NaN is NaN, what is beyond f32 is infinite, and the rest is near.
fn differs(found: f32, expected: f64, floor: f64) -> bool {
    let nearest = expected as f32;
    if nearest.is_nan() || found.is_nan() {
        return nearest.is_nan() != found.is_nan();
    }
    // Just below the largest number, f64's digits decide what overflows.
    if nearest.is_infinite() || found.is_infinite() {
        return found != nearest && nearest.abs() < 3.4e38;
    }
    let off = (f64::from(found) - expected).abs();
    off > RELATIVE * expected.abs() + floor
}

/// `z·g(z)` with g from 0 to 1. At −∞ the formula, and PyTorch, have ∞·0, which is NaN; the engine has the limit.
fn is_gate(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Gelu | Activation::GeluTanh | Activation::Silu | Activation::Mish
    )
}

type Comparison = (&'static str, f64, Vec<f32>, Vec<f64>);

fn value_and_slope(activation: Activation, points: &[f32]) -> Result<[Comparison; 2]> {
    let build = || -> Result<Case> {
        let mut bench = Bench::new(activation.name(), 1);
        let z = bench.given([points.len()], points.to_vec())?;
        let y = bench.builder.activation(activation, z)?;
        bench.finish_sum(y)
    };
    let case = build()?;
    let gradient = grad(&case.graph, case.loss, &case.towards)?;
    let results = [case.value, gradient.gradients[0]];
    let engine = run(&case, &gradient.graph, &results, &Config::default())?;
    let reference = evaluate(&gradient.graph, &feeds(&case, &gradient.graph, &engine)?, 1)?;
    let expected = |at: usize| -> Result<Vec<f64>> {
        let mut expected = reference[results[at]].floats()?.data().to_vec();
        for (&z, expected) in points.iter().zip(&mut expected) {
            if expected.is_nan() && z.is_infinite() && is_gate(activation) {
                *expected = if z < 0.0 { 0.0 } else { [f64::INFINITY, 1.0][at] };
            }
        }
        Ok(expected)
    };
    let [value, slope] = [0, 1].map(|at: usize| engine.results[at].clone());
    let tiny = f64::from(f32::MIN_POSITIVE);
    Ok([("the value", tiny, value, expected(0)?), ("the slope", SLOPE_FLOOR, slope, expected(1)?)])
}
