//! The contract for random networks: arbitrary depth, widths, batches and layers.
//!
//! The ordinary run takes 60 networks. `GLASSNET_NETWORKS=2000 cargo test -p glassnet --test all networks` takes
//! the seeds 0 to 1999. A network of many thousands may lie on a kink within f32's rounding and then differs:
//! look at it before you believe it.

use glassnet::Result;
use glassnet::graph::NodeId;
use glassnet::graph::op::{
    Activation, Arithmetic, CrossEntropy, Gather, Layout, Loss, LossReduction, Normalize, PairLoss,
    Random, Reduce, Reduction, Scores, Softmax,
};
use glassnet::graph::{Dim, Shape};

use crate::bench::{Bench, Case};
use crate::check::check_all;

/// How many networks an ordinary run takes.
const NETWORKS: u64 = 60;

#[test]
fn random_networks_keep_the_contract() {
    #[allow(clippy::disallowed_methods)]
    // A test may be asked for more from outside; the library may not.
    let count = std::env::var("GLASSNET_NETWORKS").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(NETWORKS);
    check_all((0..count).map(|seed| network(seed).unwrap()));
}

/// The network of a seed.
pub(crate) fn network(seed: u64) -> Result<Case> {
    let mut batches = Bench::new(format!("batch {seed}"), 1).numbers;
    let batch = batches.choose(&[1, 2, 7, 7, 80]);
    let mut net = Net { bench: Bench::new(format!("network {seed}"), batch), batch, masks: 0 };
    net.bench = net.bench.of_many_layers();
    let mut x = net.features()?;
    for _ in 0..1 + net.bench.numbers.below(7) {
        x = net.layer(x)?;
    }
    let loss = net.head(x)?;
    net.bench.finish(loss)
}

struct Net {
    bench: Bench,
    batch: usize,
    masks: usize,
}

impl Net {
    /// The last axis of a value of shape `[B, width]`.
    fn width(&self, x: NodeId) -> usize {
        self.bench.builder.shape(x).last().map_or(1, |dim| dim.at(0))
    }

    fn random_width(&mut self) -> usize {
        1 + self.bench.numbers.below(33)
    }

    /// Numbers, or an embedding of indices.
    fn features(&mut self) -> Result<NodeId> {
        let width = self.random_width();
        if !self.bench.numbers.once_in(5) {
            return self.bench.input(Shape::batch([width]), (-1.5, 1.5));
        }
        let (rows, columns) = (2 + self.bench.numbers.below(9), 1 + self.bench.numbers.below(3));
        let table = self.bench.parameter([rows, width], (-1.0, 1.0))?;
        let index = match self.bench.numbers.once_in(2) {
            true => self.bench.random_indices(Shape::batch([columns]), rows)?,
            false => self.bench.random_codes(Shape::batch([columns]), rows)?,
        };
        let gather = Gather::Embedding { padding_idx: None };
        let embedded = self.bench.builder.gather(gather, &[table, index])?;
        self.bench.builder.reshape(embedded, Shape::batch([columns * width]))
    }

    fn linear(&mut self, x: NodeId, outputs: usize) -> Result<NodeId> {
        let inputs = self.width(x);
        let bound = (3.0 / inputs as f32).sqrt();
        let weight = self.bench.parameter([outputs, inputs], (-bound, bound))?;
        let bias = match self.bench.numbers.once_in(4) {
            true => None,
            false => Some(self.bench.parameter([outputs], (-0.5, 0.5))?),
        };
        self.bench.builder.affine(x, weight, bias)
    }

    fn layer(&mut self, x: NodeId) -> Result<NodeId> {
        let (width, outputs) = (self.width(x), self.random_width());
        match self.bench.numbers.below(14) {
            0..=3 => {
                let z = self.linear(x, outputs)?;
                self.activation(z)
            }
            4 => self.linear(x, outputs),
            5 => self.activation(x),
            6 => self.residual(x),
            7 => self.normalized(x),
            8 => self.dropout(x),
            9 => self.gated(x),
            10 => self.maxout(x, outputs),
            11 if width <= 16 => {
                let z = self.linear(x, outputs)?;
                self.bench.builder.layout(Layout::Concat { axis: 1 }, &[x, z])
            }
            12 => self.sliced(x),
            11 | 13 => self.folded(x),
            other => unreachable!("below 14, not {other}"),
        }
    }

    /// Any activation; those that are not defined everywhere, or grow fast, of a value cut by tanh.
    fn activation(&mut self, z: NodeId) -> Result<NodeId> {
        let activation = self.bench.numbers.choose(&Activation::ALL);
        let (factor, offset) = match activation {
            Activation::Exp
            | Activation::Expm1
            | Activation::Sinh
            | Activation::Cosh
            | Activation::Square => (1.5, 0.0),
            Activation::Tan | Activation::Asin | Activation::Acos => (0.875, 0.0),
            Activation::Sqrt | Activation::Reciprocal | Activation::Log => (0.75, 1.25),
            Activation::Log1p => (0.75, 0.0),
            Activation::Relu
            | Activation::LeakyRelu { .. }
            | Activation::Elu { .. }
            | Activation::Celu { .. }
            | Activation::Selu
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Mish
            | Activation::Softplus { .. }
            | Activation::Softsign
            | Activation::Sigmoid
            | Activation::LogSigmoid
            | Activation::Tanh
            | Activation::Hardtanh { .. }
            | Activation::Relu6
            | Activation::Hardsigmoid
            | Activation::Hardswish
            | Activation::NegativePart
            | Activation::Negate
            | Activation::Abs
            | Activation::Sign
            | Activation::Sin
            | Activation::Cos
            | Activation::Atan
            | Activation::Erf => return self.bench.builder.activation(activation, z),
        };
        let z = self.bench.builder.activation(Activation::Tanh, z)?;
        let z = self.bench.builder.scale(z, factor)?;
        let offset = self.bench.builder.constant(offset)?;
        let z = self.bench.builder.add(z, offset)?;
        self.bench.builder.activation(activation, z)
    }

    /// `x + f(x)`.
    fn residual(&mut self, x: NodeId) -> Result<NodeId> {
        let z = self.activation(x)?;
        let z = self.linear(z, self.width(x))?;
        self.bench.builder.add(x, z)
    }

    /// Layer normalisation, or batch normalisation, with scale and shift. Over few elements the derivative is
    /// nothing but rounding.
    fn normalized(&mut self, x: NodeId) -> Result<NodeId> {
        let width = self.width(x);
        let axis = if self.bench.numbers.once_in(2) { 0 } else { 1 };
        if [self.batch, width][axis] < 5 {
            return self.linear(x, width);
        }
        let normalize = Normalize { axes: vec![axis], eps: 1e-2, grad: false };
        let z = self.bench.builder.normalize(normalize, &[x])?;
        let scale = self.bench.parameter([width], (0.5, 1.5))?;
        let shift = self.bench.parameter([width], (-0.5, 0.5))?;
        let z = self.bench.builder.mul(z, scale)?;
        self.bench.builder.add(z, shift)
    }

    fn dropout(&mut self, x: NodeId) -> Result<NodeId> {
        let p = self.bench.numbers.choose(&[0.1, 0.5]);
        let shape = self.bench.builder.shape(x).clone();
        let mask = Random::DropoutMask { p, stream: self.masks, shape };
        self.masks += 1;
        let mask = self.bench.builder.random(mask)?;
        self.bench.builder.mul(x, mask)
    }

    /// `x · σ(Wx)`, or weighted by a softmax.
    fn gated(&mut self, x: NodeId) -> Result<NodeId> {
        let z = self.linear(x, self.width(x))?;
        let gate = match self.bench.numbers.below(3) {
            0 => self.bench.builder.softmax(Softmax::Probabilities { axis: 1 }, z)?,
            1 => self.bench.builder.softmax(Softmax::Logarithms { axis: 1 }, z)?,
            _ => self.bench.builder.activation(Activation::Sigmoid, z)?,
        };
        self.bench.builder.mul(x, gate)
    }

    /// The larger, or smaller, of two linear layers.
    fn maxout(&mut self, x: NodeId, outputs: usize) -> Result<NodeId> {
        let (a, b) = (self.linear(x, outputs)?, self.linear(x, outputs)?);
        let op = self.bench.numbers.choose(&[Arithmetic::Maximum, Arithmetic::Minimum]);
        self.bench.builder.arithmetic(op, &[a, b])
    }

    /// Some columns, less the row's mean.
    fn sliced(&mut self, x: NodeId) -> Result<NodeId> {
        let width = self.width(x);
        let start = self.bench.numbers.below(width);
        let end = start + 1 + self.bench.numbers.below(width - start);
        let part = self.bench.builder.layout(Layout::Slice { axis: 1, start, end }, &[x])?;
        let mean = Reduce { kind: Reduction::Mean, axes: vec![1], keep: true };
        let mean = self.bench.builder.reduce(mean, x)?;
        self.bench.builder.sub(part, mean)
    }

    /// Columns as pairs, exchanged, reduced over one of the axes.
    fn folded(&mut self, x: NodeId) -> Result<NodeId> {
        let width = self.width(x);
        let x = self.linear(x, 2 * width)?;
        let pairs = Shape::from([Dim::Batch, Dim::Fixed(width), Dim::Fixed(2)]);
        let pairs = self.bench.builder.reshape(x, pairs)?;
        let swapped =
            self.bench.builder.layout(Layout::Permute { axes: vec![0, 2, 1] }, &[pairs])?;
        let kinds = [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min];
        let kind = self.bench.numbers.choose(&kinds);
        let axes = vec![1 + self.bench.numbers.below(2)];
        self.bench.builder.reduce(Reduce { kind, axes, keep: false }, swapped)
    }

    /// A loss of the network's outputs, as a scalar or one number per row or element.
    fn head(&mut self, x: NodeId) -> Result<NodeId> {
        let outputs = 1 + self.bench.numbers.below(6);
        let x = self.linear(x, outputs)?;
        let reductions = [LossReduction::Mean, LossReduction::Sum, LossReduction::None];
        let reduction = self.bench.numbers.choose(&reductions);
        match self.bench.numbers.below(5) {
            0 => Ok(x),
            1 | 2 => self.cross_entropy(x, outputs, reduction),
            _ => self.elementwise(x, outputs, reduction),
        }
    }

    fn cross_entropy(
        &mut self,
        x: NodeId,
        classes: usize,
        reduction: LossReduction,
    ) -> Result<NodeId> {
        let scores = self.bench.numbers.choose(&[Scores::Logits, Scores::LogProbabilities]);
        let x = match scores {
            Scores::Logits => x,
            Scores::LogProbabilities => {
                self.bench.builder.softmax(Softmax::Logarithms { axis: 1 }, x)?
            }
        };
        let label_smoothing = self.bench.numbers.choose(&[0.0, 0.0, 0.1]);
        let target = match self.bench.numbers.once_in(3) {
            true => self.bench.held(Shape::batch([classes]), (0.0, 1.0))?,
            false => self.bench.random_indices(Shape::batch([]), classes)?,
        };
        let mut operands = vec![x, target];
        if self.bench.numbers.once_in(2) {
            operands.push(self.bench.held([classes], (0.5, 2.0))?);
        }
        let loss = CrossEntropy { scores, reduction, label_smoothing, ignore_index: -100 };
        self.bench.builder.loss(Loss::CrossEntropy(loss), &operands)
    }

    fn elementwise(
        &mut self,
        x: NodeId,
        outputs: usize,
        reduction: LossReduction,
    ) -> Result<NodeId> {
        let loss = self.bench.numbers.choose(&[
            PairLoss::Mse,
            PairLoss::L1,
            PairLoss::SmoothL1 { beta: 0.5 },
            PairLoss::Huber { delta: 0.5 },
            PairLoss::BceWithLogits,
            PairLoss::PoissonNll { log_input: true, full: true, eps: 1e-8 },
        ]);
        let x = match loss {
            // The exponential of a deep network's output may be anything.
            PairLoss::PoissonNll { .. } => self.bench.builder.activation(Activation::Tanh, x)?,
            PairLoss::Mse
            | PairLoss::L1
            | PairLoss::SmoothL1 { .. }
            | PairLoss::Huber { .. }
            | PairLoss::Bce
            | PairLoss::BceWithLogits
            | PairLoss::KlDiv { .. }
            | PairLoss::GaussianNll { .. } => x,
        };
        let target = self.bench.held(Shape::batch([outputs]), (0.0, 1.0))?;
        let losses = self.bench.builder.loss(Loss::Pair(loss), &[x, target])?;
        match reduction {
            LossReduction::Mean => self.bench.builder.reduce_all(Reduction::Mean, losses),
            LossReduction::Sum => self.bench.builder.reduce_all(Reduction::Sum, losses),
            LossReduction::None => Ok(losses),
        }
    }
}
