//! Two networks of any structure as one, whose outputs are their differences.

use crate::error::{Error, Result};
use crate::prove::{Affine, Interval, Layer, Matrix, Network, Step, Term};

/// The network that computes `b(x) − a(x)`, side by side on the same inputs.
///
/// # Errors
/// When the networks have different numbers of inputs or outputs.
pub fn product(a: &Network, b: &Network) -> Result<Network> {
    if a.inputs() != b.inputs() || a.outputs() != b.outputs() {
        return Err(Error::model("the networks have different numbers of inputs or outputs"));
    }
    let mut layers: Vec<Layer> = a.layers[..=a.output].to_vec();
    let from = layers.len() - 1;
    // b's layer 0 is a's; the others stand behind a's.
    let place = |layer: usize| if layer == 0 { 0 } else { layer + from };
    for layer in &b.layers[1..=b.output] {
        let step = match &layer.step {
            Step::Input => Step::Input,
            Step::Affine(affine) => {
                let moved = |term: &Term| Term { layer: place(term.layer), ..term.clone() };
                Step::Affine(Affine {
                    terms: affine.terms.iter().map(moved).collect(),
                    ..affine.clone()
                })
            }
            Step::Kink { of, below, above } => {
                Step::Kink { of: place(*of), below: *below, above: *above }
            }
            Step::Smooth { of, function } => Step::Smooth { of: place(*of), function: *function },
            Step::Product { left, right } => {
                Step::Product { left: place(*left), right: place(*right) }
            }
        };
        layers.push(Layer { step, ..layer.clone() });
    }
    let outputs = a.outputs();
    let times = |layer: usize, factor: f64| Term {
        layer,
        matrix: Matrix::Sparse {
            starts: (0..=outputs).collect(),
            columns: (0..outputs).collect(),
            values: vec![factor; outputs],
        },
        spread: None,
    };
    let last = &b.layers[b.output];
    let step = Step::Affine(Affine {
        terms: vec![times(place(b.output), 1.0), times(a.output, -1.0)],
        bias: vec![Interval::point(0.0); outputs],
        rounds: false,
        further_constants: 0,
    });
    let layer = Layer { size: outputs, step, ..last.clone() };
    layers.push(layer);
    let output = layers.len() - 1;
    Ok(Network::new(layers, output))
}
