//! The prover's own form of a network: affine layers and elementwise functions, one after the other.

use std::sync::Arc;

use super::Interval;
use crate::error::{Error, Result};
use crate::graph::op::Activation;
use crate::graph::{NodeId, Origin};

/// A network as the prover reads it: layers in order of evaluation, each a vector of units. Layer 0 is the input.
///
/// Layers take their values from any layers before them, so residual additions need nothing of their own. Weights are f32
/// and therefore exact in f64; what isn't a single float (a folded normalisation, a free weight) is an interval.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) layers: Vec<Layer>,
    pub(super) output: usize,
    /// Which layers a kink or another function reads; which of these are read by one that isn't piecewise linear.
    pub(super) feeds_function: Vec<bool>,
    pub(super) feeds_smooth: Vec<bool>,
    /// Which layers are more than sums of inputs, so that substituting backwards can tell more than intervals.
    pub(super) is_deep: Vec<bool>,
}

/// A vector of units that are computed in one step.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The number of units.
    pub size: usize,
    /// How they are computed.
    pub step: Step,
    /// The layer or line of the user's network that it stands for.
    pub origin: Arc<Origin>,
    /// The node of the graph whose value it computes, or a part of it.
    pub node: NodeId,
}

/// How a layer is computed from earlier ones.
#[derive(Clone, Debug)]
pub enum Step {
    /// The network's input.
    Input,
    /// Sums of weighted units.
    Affine(Affine),
    /// `above·z` where `z ≥ 0`, else `below·z`: ReLU is (0, 1), LeakyReLU (slope, 1), the absolute value (−1, 1).
    Kink {
        /// The layer of z.
        of: usize,
        /// The slope below 0.
        below: f64,
        /// The slope above 0.
        above: f64,
    },
    /// A function that isn't piecewise linear, of every unit.
    Smooth {
        /// The layer of z.
        of: usize,
        /// The function.
        function: Activation,
    },
    /// The product of two layers, unit by unit.
    Product {
        /// The layer of the first factors.
        left: usize,
        /// The layer of the second.
        right: usize,
    },
}

/// `yᵢ = Σ over terms Σⱼ wᵢⱼ·hⱼ + bᵢ`.
#[derive(Clone, Debug)]
pub struct Affine {
    /// The products, one for each layer that is read.
    pub terms: Vec<Term>,
    /// The constants, one for each unit.
    pub bias: Vec<Interval>,
    /// Whether an f32 execution rounds here; a selection of units, or a part of a clipping, doesn't.
    pub rounds: bool,
    /// How many more constants than one an execution adds in some row; `bias` has their sum.
    pub further_constants: usize,
}

/// A matrix times the units of one layer.
#[derive(Clone, Debug)]
pub struct Term {
    /// The layer that is read.
    pub layer: usize,
    /// The weights; where `spread` says more, numbers within it.
    pub matrix: Matrix,
    /// The interval of each stored weight, in the matrix's order, where some are no single numbers.
    pub spread: Option<Vec<Interval>>,
}

/// A matrix with a row for each unit of a layer and a column for each unit of the layer that is read.
#[derive(Clone, Debug)]
pub enum Matrix {
    /// Every element, row by row.
    Dense {
        /// The number of columns.
        columns: usize,
        /// The elements.
        values: Vec<f64>,
    },
    /// The elements that aren't 0.
    Sparse {
        /// Where each row begins among the elements, and where the last one ends.
        starts: Vec<usize>,
        /// The column of each element, ascending within a row.
        columns: Vec<usize>,
        /// The elements.
        values: Vec<f64>,
    },
}

impl Network {
    pub(super) fn new(layers: Vec<Layer>, output: usize) -> Self {
        let mut feeds_function = vec![false; layers.len()];
        let mut feeds_smooth = vec![false; layers.len()];
        let mut is_deep = vec![false; layers.len()];
        for (at, layer) in layers.iter().enumerate() {
            is_deep[at] = match &layer.step {
                Step::Input => false,
                Step::Affine(affine) => affine.terms.iter().any(|term| term.layer > 0),
                Step::Kink { of, .. } => {
                    feeds_function[*of] = true;
                    true
                }
                Step::Smooth { of, .. } => {
                    feeds_function[*of] = true;
                    feeds_smooth[*of] = true;
                    true
                }
                Step::Product { left, right } => {
                    for of in [*left, *right] {
                        feeds_function[of] = true;
                        feeds_smooth[of] = true;
                    }
                    true
                }
            };
        }
        Network { layers, output, feeds_function, feeds_smooth, is_deep }
    }

    /// The network whose result is the layer at `place` (the last one, where there are fewer): what comes after it is
    /// left out.
    #[must_use]
    pub fn up_to(&self, place: usize) -> Self {
        let place = place.min(self.layers.len() - 1);
        Network::new(self.layers[..=place].to_vec(), place)
    }

    /// The layers in order of evaluation.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The place of the layer whose units are the network's result.
    pub fn output(&self) -> usize {
        self.output
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].size
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers[self.output].size
    }

    /// The network whose outputs are `scale·y + shift`, exactly: in f32 what was executed is still the network before it.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when there isn't one pair of finite numbers for each output.
    pub fn rescaled(mut self, scales: &[(f64, f64)]) -> Result<Network> {
        let finite = scales.iter().all(|(scale, shift)| scale.is_finite() && shift.is_finite());
        if scales.len() != self.outputs() || !finite {
            return Err(Error::usage(format!(
                "{} outputs have {} scales",
                self.outputs(),
                scales.len()
            )));
        }
        let size = scales.len();
        let matrix = Matrix::Sparse {
            starts: (0..=size).collect(),
            columns: (0..size).collect(),
            values: scales.iter().map(|(scale, _)| *scale).collect(),
        };
        let affine = Affine {
            terms: vec![Term { layer: self.output, matrix, spread: None }],
            bias: scales.iter().map(|(_, shift)| Interval::point(*shift)).collect(),
            rounds: false,
            further_constants: 0,
        };
        self.append(size, Step::Affine(affine));
        Ok(self.renewed())
    }

    /// Adds a layer of `size` units behind all others, which becomes the output.
    pub(super) fn append(&mut self, size: usize, step: Step) {
        let last = &self.layers[self.output];
        let (origin, node) = (Arc::clone(&last.origin), last.node);
        self.layers.push(Layer { size, step, origin, node });
        self.output = self.layers.len() - 1;
    }

    /// The network with what is known of its layers worked out again, once layers were added.
    pub(super) fn renewed(self) -> Network {
        Network::new(self.layers, self.output)
    }

    /// Whether it consists of affine layers and kinks.
    pub fn is_piecewise_linear(&self) -> bool {
        self.layers
            .iter()
            .all(|layer| !matches!(layer.step, Step::Smooth { .. } | Step::Product { .. }))
    }

    /// Whether every weight and constant is a single number.
    pub fn has_fixed_weights(&self) -> bool {
        self.layers.iter().all(|layer| match &layer.step {
            Step::Affine(affine) => {
                affine.bias.iter().all(|bias| bias.is_point())
                    && affine.terms.iter().all(|term| term.spread.is_none())
            }
            Step::Input | Step::Kink { .. } | Step::Smooth { .. } | Step::Product { .. } => true,
        })
    }
}

impl Matrix {
    /// The stored elements of row `row` with their columns.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let place = self.place(row);
        let (columns, values) = match self {
            Matrix::Dense { values, .. } => (None, values),
            Matrix::Sparse { columns, values, .. } => (Some(&columns[place.clone()]), values),
        };
        values[place]
            .iter()
            .enumerate()
            .map(move |(at, &value)| (columns.map_or(at, |c| c[at]), value))
    }

    /// Where the elements of row `row` stand among the stored ones.
    pub fn place(&self, row: usize) -> std::ops::Range<usize> {
        match self {
            Matrix::Dense { columns, .. } => row * columns..(row + 1) * columns,
            Matrix::Sparse { starts, .. } => starts[row]..starts[row + 1],
        }
    }
}

impl Term {
    /// The stored weights of row `row`: column and interval.
    pub fn weights(&self, row: usize) -> impl Iterator<Item = (usize, Interval)> + '_ {
        let spread = self.spread.as_deref().map(|spread| &spread[self.matrix.place(row)]);
        self.matrix.row(row).enumerate().map(move |(at, (column, value))| {
            (column, spread.map_or(Interval::point(value), |spread| spread[at]))
        })
    }
}
