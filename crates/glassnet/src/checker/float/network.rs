//! Networks in floats: matrices and kinks in turn, values that are kept and added, and what isn't linear in pieces as a
//! layer of which nothing is known here.

use crate::checker::chain::{self, Chain};
use crate::checker::number::Number;
use crate::error::{Error, Result};
use crate::graph::op::Activation;

/// The greatest number of weights of one layer.
const MOST_WEIGHTS: usize = 1 << 26;

/// Layers in order; each reads the one before it.
pub(in crate::checker) struct Network {
    pub(in crate::checker) inputs: usize,
    pub(in crate::checker) layers: Vec<Layer>,
    /// What in it is no matrix of floats or kink, so that no proof can be about it.
    pub(in crate::checker) unproven: Option<&'static str>,
}

/// One layer.
pub(in crate::checker) enum Layer {
    /// `y[i] = Σ weight[i][j]·h[j] + bias[i]`.
    Affine(Affine),
    /// `y[i] = above[i]·z[i]` where `z[i] ≥ 0`, else `below[i]·z[i]`.
    Kink { below: Vec<f64>, above: Vec<f64> },
    /// The same so many values, which are kept.
    Fork(usize),
    /// The values, and those that were kept last, added.
    Join(usize),
    /// Some function with so many values.
    Other(usize),
}

/// A matrix, row by row, and a bias.
pub(in crate::checker) struct Affine {
    pub(super) columns: usize,
    pub(super) weight: Vec<f64>,
    pub(super) bias: Vec<f64>,
    /// Whether an f32 execution rounds here; the limits of a clipping are compared, not computed.
    pub(super) rounds: bool,
    /// How many more roundings than its sum's each product has: 2 where floats stand for numbers that are none.
    pub(super) further: usize,
}

impl Layer {
    pub(in crate::checker) fn size(&self) -> usize {
        match self {
            Layer::Affine(affine) => affine.bias.len(),
            Layer::Kink { above, .. } => above.len(),
            Layer::Fork(size) | Layer::Join(size) | Layer::Other(size) => *size,
        }
    }
}

impl Affine {
    pub(super) fn row(&self, row: usize) -> &[f64] {
        &self.weight[row * self.columns..(row + 1) * self.columns]
    }
}

impl Network {
    /// The network of a chain, whose weights become the nearest floats.
    ///
    /// # Errors
    /// When a layer is too large.
    pub(in crate::checker) fn of(chain: &Chain) -> Result<Network> {
        let mut network = Network { inputs: chain.inputs, layers: vec![], unproven: None };
        let mut size = chain.inputs;
        for layer in &chain.layers {
            match layer {
                chain::Layer::Affine(affine) => {
                    let weights = affine.weight.iter().flatten();
                    network.matrix(size, weights, &affine.bias, true)?;
                    size = affine.bias.len();
                }
                chain::Layer::Scale(scale) => {
                    network.diagonal(&scale.factor, &scale.shift, true)?;
                    if scale.operations != 1 {
                        // Each operation rounds in f32.
                        network.unproven = Some("a normalisation");
                    }
                }
                chain::Layer::Kinked(slopes) => match floats(slopes) {
                    Some((below, 0)) => {
                        network.layers.push(Layer::Kink { below, above: vec![1.0; size] });
                    }
                    Some(_) | None => network.other("a kink", size),
                },
                chain::Layer::Function(Activation::Abs) => {
                    let (below, above) = (vec![-1.0; size], vec![1.0; size]);
                    network.layers.push(Layer::Kink { below, above });
                }
                chain::Layer::Function(Activation::Relu6) => network.clip(size, 0.0, 6.0)?,
                chain::Layer::Function(Activation::Hardtanh { min, max }) => {
                    network.clip(size, f64::from(*min as f32), f64::from(*max as f32))?;
                }
                chain::Layer::Function(function) => network.other(function.name(), size),
                chain::Layer::Softmax(_) => network.other("softmax", size),
                chain::Layer::Normalize(..) => network.other("layer_norm", size),
                chain::Layer::Front(row) => {
                    size = row.len();
                    network.other("a table", size);
                }
                chain::Layer::Fork => network.layers.push(Layer::Fork(size)),
                chain::Layer::Join => network.layers.push(Layer::Join(size)),
            }
        }
        Ok(network)
    }

    fn other(&mut self, what: &'static str, size: usize) {
        self.unproven = Some(what);
        self.layers.push(Layer::Other(size));
    }

    fn matrix<'a>(
        &mut self,
        columns: usize,
        weight: impl IntoIterator<Item = &'a Number>,
        bias: &[Number],
        rounds: bool,
    ) -> Result<()> {
        let weights = columns.checked_mul(bias.len());
        if weights.is_none_or(|weights| weights == 0 || weights > MOST_WEIGHTS) {
            return Err(Error::unsupported("a matrix", "the checker", "it is too large"));
        }
        match floats(weight).zip(floats(bias)) {
            Some(((weight, x), (bias, y))) => {
                if x + y > 0 {
                    self.unproven = Some("a matrix of numbers that are no floats");
                }
                let further = x.max(y);
                self.layers.push(Layer::Affine(Affine { columns, weight, bias, rounds, further }));
            }
            None => self.other("a matrix of numbers that are no floats", bias.len()),
        }
        Ok(())
    }

    /// `factor[i]·h[i] + shift[i]`.
    fn diagonal(&mut self, factor: &[Number], shift: &[Number], rounds: bool) -> Result<()> {
        let (size, zero) = (factor.len(), Number::zero());
        let weight = (0..size * size)
            .map(|at| if at % (size + 1) == 0 { &factor[at / (size + 1)] } else { &zero });
        self.matrix(size, weight, shift, rounds)
    }

    /// z cut to `[min, max]`: `max − relu((max − min) − relu(z − min))`.
    fn clip(&mut self, size: usize, min: f64, max: f64) -> Result<()> {
        let number = |value: f64| Number::from_f64(value).unwrap_or_else(Number::zero);
        let (width, minus, plus) = (number(max).minus(&number(min)), number(-1.0), number(1.0));
        for (factor, shift) in [(&plus, number(-min)), (&minus, width)] {
            self.diagonal(&vec![factor.clone(); size], &vec![shift; size], false)?;
            self.layers.push(Layer::Kink { below: vec![0.0; size], above: vec![1.0; size] });
        }
        self.diagonal(&vec![minus; size], &vec![number(max); size], false)?;
        if !(min <= max && max.is_finite() && min.is_finite()) {
            self.other("a clipping without limits", size);
        }
        Ok(())
    }

    /// The layers that are kinks, in order: kink k of a proof is the k-th of them.
    pub(in crate::checker) fn kinks(&self) -> Vec<usize> {
        let is_kink = |at: &usize| matches!(self.layers[*at], Layer::Kink { .. });
        (0..self.layers.len()).filter(is_kink).collect()
    }

    /// The number of outputs.
    pub(in crate::checker) fn outputs(&self) -> usize {
        self.layers.last().map_or(self.inputs, Layer::size)
    }

    /// The outputs at `x`, exactly; `None` when a number is not finite, or a function is none of matrices and kinks.
    pub(in crate::checker) fn evaluate(&self, x: &[f64]) -> Option<Vec<Number>> {
        let numbers =
            |x: &[f64]| x.iter().map(|&x| Number::from_f64(x)).collect::<Option<Vec<_>>>();
        let mut values = numbers(x)?;
        let mut kept = vec![];
        for layer in &self.layers {
            match layer {
                Layer::Affine(affine) => {
                    let mut sums = numbers(&affine.bias)?;
                    for (row, sum) in sums.iter_mut().enumerate() {
                        for (&weight, value) in affine.row(row).iter().zip(&values) {
                            *sum = sum.plus(&Number::from_f64(weight)?.times(value));
                        }
                    }
                    values = sums;
                }
                Layer::Kink { below, above } => {
                    for (z, (&below, &above)) in values.iter_mut().zip(below.iter().zip(above)) {
                        let slope = if z.is_negative() { below } else { above };
                        *z = z.times(&Number::from_f64(slope)?);
                    }
                }
                Layer::Fork(_) => kept.push(values.clone()),
                Layer::Join(_) => {
                    let others = kept.pop()?;
                    values = values.iter().zip(&others).map(|(a, b)| a.plus(b)).collect();
                }
                Layer::Other(_) => return None,
            }
        }
        Some(values)
    }
}

/// The nearest floats, and by how many roundings they may differ from the numbers; `None` where one differs by more.
fn floats<'a>(numbers: impl IntoIterator<Item = &'a Number>) -> Option<(Vec<f64>, usize)> {
    let mut further = 0;
    let mut float = |number: &Number| {
        let near = number.near();
        let off = Number::from_f64(near)?.minus(number).abs();
        if !off.is_zero() {
            further = 2;
        }
        let allowed = number.abs().times(&Number::power_of_two(-52));
        (!off.minus(&allowed).is_positive()).then_some(near)
    };
    let floats: Option<Vec<f64>> = numbers.into_iter().map(&mut float).collect();
    floats.map(|floats| (floats, further))
}
