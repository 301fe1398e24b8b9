//! Lowering, exact evaluation and intervals on networks of every supported operation.

use super::exact::{Dyadic, evaluate};
use super::{Interval, Network, Semantics, Step, Weight, interval_bounds, lower};
use crate::Tensor;
use crate::graph::{Checked, NodeId, parse};

/// A few arrays under the names that the graphs below use.
fn arrays() -> Vec<(&'static str, Tensor<f32>)> {
    let array = |shape: Vec<usize>, data: Vec<f32>| Tensor::new(shape, data).unwrap();
    vec![
        ("w", array(vec![3, 2], vec![1.0, -2.0, 0.5, 0.25, -1.5, 3.0])),
        ("b", array(vec![3], vec![0.5, -0.25, 1.0])),
        ("v", array(vec![1, 3], vec![1.0, -1.0, 2.0])),
        ("m", array(vec![2, 3], vec![1.0, 0.5, -1.0, 2.0, 0.0, 1.0])),
        ("var", array(vec![3], vec![1.0, 4.0, 2.0])),
    ]
}

fn network(text: &str) -> crate::Result<Network> {
    let graph: Checked = crate::graph::check(parse(text)?)?;
    let arrays = arrays();
    let weights = |name: &str| {
        let found = arrays.iter().find(|(key, _)| *key == name);
        Ok(Weight::Fixed(&found.expect("the graphs use these").1))
    };
    lower(&graph, "x", "y", &weights)
}

const X: &str = "%0 = input {name=\"x\", dtype=f32, shape=[B, 2]}\n";

fn values(text: &str, x: [f64; 2]) -> Vec<f64> {
    let network = network(&format!("{X}{text}")).unwrap();
    let exact = evaluate(&network, &x).unwrap();
    let bounds = interval_bounds(&network, &[Interval::point(x[0]), Interval::point(x[1])], Semantics::Real);
    for (value, bound) in exact.iter().zip(&bounds.unwrap()[network.output()]) {
        assert!(Dyadic::from_f64(bound.lo()).unwrap() <= value.lo, "{bound} {value:?}");
        assert!(Dyadic::from_f64(bound.hi()).unwrap() >= value.hi, "{bound} {value:?}");
    }
    exact.iter().map(|value| value.exact().expect("exact").to_f64()).collect()
}
