//! The networks that proofs are about: matrices and kinks in turn, in floats that are exact.

use crate::checker::chain::{self, Chain};
use crate::checker::number::Number;
use crate::error::{Error, Result};
use crate::graph::op::Activation;

/// The greatest number of weights of one layer.
const MOST_WEIGHTS: usize = 1 << 26;

/// Layers in order; each reads the one before it.
pub(super) struct Network {
    pub(super) inputs: usize,
    pub(super) layers: Vec<Layer>,
}

/// One layer.
pub(super) enum Layer {
    /// `y[i] = Σ weight[i][j]·h[j] + bias[i]`.
    Affine(Affine),
    /// `y[i] = above[i]·z[i]` where `z[i] ≥ 0`, else `below[i]·z[i]`.
    Kink { below: Vec<f64>, above: Vec<f64> },
}

/// A matrix, row by row, and a bias.
pub(super) struct Affine {
    pub(super) columns: usize,
    pub(super) weight: Vec<f64>,
    pub(super) bias: Vec<f64>,
    /// Whether an f32 execution rounds here; the limits of a clipping are compared, not computed.
    pub(super) rounds: bool,
}

impl Layer {
    pub(super) fn size(&self) -> usize {
        match self {
            Layer::Affine(affine) => affine.bias.len(),
            Layer::Kink { above, .. } => above.len(),
        }
    }
}

impl Affine {
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.weight[row * self.columns..(row + 1) * self.columns]
    }
}

/// The network of a chain of layers.
pub(super) fn read(chain: &Chain) -> Result<Network> {
    let mut layers = vec![];
    let mut size = chain.inputs;
    let refused = |what: &str, why: &str| Err(Error::unsupported(what, "the checker", why));
    for layer in &chain.layers {
        match layer {
            chain::Layer::Affine(affine) => {
                let rows = affine.bias.len();
                let weights = size.checked_mul(rows);
                if !affine.is_sure() || weights.is_none_or(|n| n == 0 || n > MOST_WEIGHTS) {
                    return refused("a matrix", "its weights are no floats, or none, or too many");
                }
                layers.push(Layer::Affine(Affine {
                    columns: size,
                    weight: floats(affine.weight.iter().flatten())?,
                    bias: floats(&affine.bias)?,
                    rounds: true,
                }));
                size = rows;
            }
            chain::Layer::Kinked(slopes) => {
                layers.push(Layer::Kink { below: floats(slopes)?, above: vec![1.0; size] });
            }
            chain::Layer::Function(Activation::Abs) => {
                layers.push(Layer::Kink { below: vec![-1.0; size], above: vec![1.0; size] });
            }
            chain::Layer::Function(Activation::Relu6) => clip(&mut layers, size, 0.0, 6.0)?,
            chain::Layer::Function(Activation::Hardtanh { min, max }) => {
                clip(&mut layers, size, f64::from(*min as f32), f64::from(*max as f32))?;
            }
            chain::Layer::Function(function) => {
                return refused(function.name(), "proofs are about piecewise-linear networks");
            }
            chain::Layer::Softmax(_) => {
                return refused("softmax", "proofs are about piecewise-linear networks");
            }
            chain::Layer::Scale(scale) => {
                let sure = scale.doubt.is_zero() && scale.shift_doubt.iter().all(Number::is_zero);
                if scale.operations != 1 || !sure {
                    return refused("a normalisation", "fold it into a matrix: simplify");
                }
                layers.push(diagonal(&floats(&scale.factor)?, floats(&scale.shift)?, true)?);
            }
        }
    }
    Ok(Network { inputs: chain.inputs, layers })
}

/// z cut to `[min, max]`: `max − relu((max − min) − relu(z − min))`.
fn clip(layers: &mut Vec<Layer>, size: usize, min: f64, max: f64) -> Result<()> {
    let width = max - min;
    let is_exact = Number::from_f64(width)
        .zip(Number::from_f64(max).zip(Number::from_f64(min)))
        .is_some_and(|(width, (max, min))| max.minus(&min).is(&width));
    if !(min <= max && is_exact) {
        let why = "its limits have no difference that is a float";
        return Err(Error::unsupported("a clipping", "the checker", why));
    }
    for (factor, shift) in [(1.0, -min), (-1.0, width)] {
        layers.push(diagonal(&vec![factor; size], vec![shift; size], false)?);
        layers.push(Layer::Kink { below: vec![0.0; size], above: vec![1.0; size] });
    }
    layers.push(diagonal(&vec![-1.0; size], vec![max; size], false)?);
    Ok(())
}

/// `factor[i]·h[i] + shift[i]`.
fn diagonal(factors: &[f64], bias: Vec<f64>, rounds: bool) -> Result<Layer> {
    let size = factors.len();
    if size.checked_mul(size).is_none_or(|n| n > MOST_WEIGHTS) {
        return Err(Error::unsupported(
            "a scaling of so many units",
            "the checker",
            "it is too wide",
        ));
    }
    let mut weight = vec![0.0; size * size];
    weight.iter_mut().step_by(size + 1).zip(factors).for_each(|(to, factor)| *to = *factor);
    Ok(Layer::Affine(Affine { columns: size, weight, bias, rounds }))
}

fn floats<'a>(numbers: impl IntoIterator<Item = &'a Number>) -> Result<Vec<f64>> {
    let float = |number: &Number| {
        let near = number.near();
        let exact = Number::from_f64(near).is_some_and(|near| near.is(number));
        if exact { Ok(near) } else { Err(Error::model("a weight is no float")) }
    };
    numbers.into_iter().map(float).collect()
}

impl Network {
    /// The layers that are kinks, in order: kink k of a proof is the k-th of them.
    pub(super) fn kinks(&self) -> Vec<usize> {
        let is_kink = |at: &usize| matches!(self.layers[*at], Layer::Kink { .. });
        (0..self.layers.len()).filter(is_kink).collect()
    }

    /// The number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.layers.last().map_or(self.inputs, Layer::size)
    }

    /// The outputs at `x`, exactly; `None` when a number is not finite.
    pub(super) fn evaluate(&self, x: &[f64]) -> Option<Vec<Number>> {
        let mut values: Vec<Number> =
            x.iter().map(|&x| Number::from_f64(x)).collect::<Option<_>>()?;
        for layer in &self.layers {
            values = match layer {
                Layer::Affine(affine) => (0..affine.bias.len())
                    .map(|row| {
                        let mut sum = Number::from_f64(affine.bias[row])?;
                        for (&weight, value) in affine.row(row).iter().zip(&values) {
                            sum = sum.plus(&Number::from_f64(weight)?.times(value));
                        }
                        Some(sum)
                    })
                    .collect::<Option<_>>()?,
                Layer::Kink { below, above } => values
                    .iter()
                    .zip(below.iter().zip(above))
                    .map(|(z, (&below, &above))| {
                        let slope = if z.is_negative() { below } else { above };
                        Some(z.times(&Number::from_f64(slope)?))
                    })
                    .collect::<Option<_>>()?,
            };
        }
        Some(values)
    }
}
