//! The schedule's entries: one kernel call each, operands and sizes resolved.

use std::ops::Range;
use std::sync::Arc;

use super::kernels::{self, Epilogue, Right};
use super::place::Slot;
use super::tiny::{Tiny, TinyEntropy};
use crate::graph::op::{Activation, Arithmetic, CrossEntropy, PairLoss, Reduction, Softmax};

/// One kernel call. Outputs never overlap operands: `lower` sees to it and checks it.
#[derive(Clone, Debug)]
pub(super) enum Instruction {
    /// `out[m, n] = a·b (+ bias)`, then an activation.
    Product(Product),
    /// `out = x`.
    Copy { x: Slot, out: Slot },
    /// `out = f(x)`.
    Map { activation: Activation, x: Slot, out: Slot },
    /// `out = dy · f'(from)`.
    MapGrad { activation: Activation, dy: Slot, from: Slot, out: Slot },
    /// Elementwise arithmetic; operands are read by `reads`.
    Arithmetic { op: Arithmetic, operands: Vec<Slot>, out: Slot, reads: Arc<Broadcast> },
    /// Softmax and relatives along the middle axis of `[outer, length, inner]`.
    Softmax { softmax: Softmax, operands: [Slot; 2], out: Slot, extent: Extent },
    /// `out[j] = Σ x[·, j]` over the rows of a row-major matrix: the gradient of a bias.
    ColumnSums(ColumnSums),
    /// A reduction of the middle axis of `[outer, length, inner]`.
    Reduce { kind: Reduction, x: Slot, out: Slot, extent: Extent },
    /// Standardisation along the middle axis of `[outer, length, inner]`.
    Normalize { eps: f64, dy: Option<Slot>, x: Slot, out: Slot, extent: Extent },
    /// A dropout mask.
    Mask { p: f64, stream: usize, out: Slot },
    /// Rows of a table.
    Embedding { weight: Slot, index: Slot, out: Slot, width: usize },
    /// The derivative towards the table.
    EmbeddingGrad { dy: Slot, index: Slot, out: Slot, width: usize, padding_idx: Option<usize> },
    /// A strided copy.
    Move { x: Slot, out: Slot, path: Arc<Path> },
    /// Cross-entropy, its derivative, or both.
    CrossEntropy(Entropy),
    /// An elementwise loss.
    Pair { loss: PairLoss, operands: Vec<Slot>, out: Slot },
    /// The derivative of an elementwise loss towards one operand.
    PairGrad { loss: PairLoss, operand: usize, dy: Slot, operands: Vec<Slot>, out: Slot },
    /// A product of a few numbers: see [`Tiny`].
    Tiny(Box<Tiny>),
    /// Cross-entropy of a few scores: see [`TinyEntropy`].
    TinyEntropy(Box<TinyEntropy>),
    /// Copies the batch's rows to an input's place, where they don't lie in order already.
    Feed(Feed),
    /// One step of the optimiser.
    Update(Update),
    /// The derivative towards a table and the optimiser's step on it: see [`TableStep`].
    TableStep(TableStep),
    /// Leaves everything that follows undone if the loss is not finite, or something failed.
    StopUnlessFinite { loss: Slot },
    /// Waits until all threads have come here.
    Wait,
}

/// A rectangle of a matrix product, both operands in row-major order, each possibly transposed.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) a: Slot,
    pub(super) b: Slot,
    pub(super) bias: Option<Slot>,
    pub(super) out: Slot,
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    pub(super) transpose_a: bool,
    pub(super) transpose_b: bool,
    pub(super) after: After,
    /// The kernel's view of it all.
    pub(super) shape: kernels::Product,
    /// The rectangle: all of it until the work is divided.
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

/// What is done with a product's elements before they are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum After {
    Nothing,
    /// `f(z)`.
    Activate(Activation),
    /// `dy · f'(from)`: the product is what comes from above.
    Derive(Activation, Slot),
}

impl Product {
    /// The kernel's view of a product.
    pub(super) fn shape(
        [m, k, n]: [usize; 3],
        transpose_a: bool,
        transpose_b: bool,
        after: After,
    ) -> kernels::Product {
        let right = if transpose_b { Right::Transposed } else { Right::Plain };
        let shape = if transpose_a {
            kernels::Product::with_a_transposed(m, k, n, right)
        } else {
            kernels::Product::new(m, k, n, right)
        };
        shape.with_epilogue(match after {
            After::Activate(Activation::Relu) => Epilogue::Relu,
            After::Derive(Activation::Relu, _) => Epilogue::Stop,
            After::Nothing | After::Activate(_) | After::Derive(..) => Epilogue::None,
        })
    }

    /// The rectangle's part of the output, if it is of whole rows.
    pub(super) fn whole_rows(&self) -> Option<Range<usize>> {
        (self.columns == (0..self.n)).then(|| self.rows.start * self.n..self.rows.end * self.n)
    }
}

/// Cross-entropy of rows of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entropy {
    pub(super) loss: CrossEntropy,
    pub(super) scores: Slot,
    pub(super) target: Slot,
    pub(super) weights: Option<Slot>,
    pub(super) classes: usize,
    /// Where the loss goes.
    pub(super) value: Option<Slot>,
    /// What comes from above, and where the derivative towards the scores goes.
    pub(super) derivative: Option<(Slot, Slot)>,
}

/// Sums over the rows of some columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ColumnSums {
    pub(super) x: Slot,
    pub(super) out: Slot,
    pub(super) rows: usize,
    /// The width of `x`.
    pub(super) stride: usize,
    pub(super) columns: Range<usize>,
}

/// Some rows of an input.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Feed {
    /// Which input.
    pub(super) input: u8,
    pub(super) out: Slot,
    /// The numbers of one row.
    pub(super) width: usize,
    pub(super) rows: Range<usize>,
}

/// The optimiser's step on some neighbouring parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Update {
    /// The parameters; what the optimiser remembers of them has the same offset.
    pub(super) parameters: Slot,
    pub(super) gradient: Slot,
    /// Whether they belong to an array of two or more axes: a layer's weight, not its bias.
    pub(super) matrix: bool,
}

/// The derivative towards a table and the optimiser's step on it, which visit only the rows that were looked up where
/// the step leaves the others as they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TableStep {
    pub(super) dy: Slot,
    pub(super) index: Slot,
    pub(super) width: usize,
    pub(super) padding_idx: Option<usize>,
    /// The table and its gradient.
    pub(super) update: Update,
    /// The codes of the step before: the gradient is 0 in all other rows.
    pub(super) last: Slot,
    /// A number per row: 1 for those that were visited in this step or the one before.
    pub(super) visited: Slot,
}

/// The three lengths `[outer, length, inner]` of an array seen from one axis (or several adjacent ones).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) outer: usize,
    pub(super) length: usize,
    pub(super) inner: usize,
}

/// How the operands of elementwise arithmetic are read: the result's axes (adjacent ones merged where possible) and,
/// for each operand, its stride along each of them, 0 where it is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broadcast {
    pub(super) dims: Vec<usize>,
    pub(super) strides: Vec<Vec<usize>>,
}

/// A copy of `dims` elements between two strided places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) dims: Vec<usize>,
    pub(super) from: Vec<usize>,
    pub(super) from_start: usize,
    pub(super) to: Vec<usize>,
    pub(super) to_start: usize,
    /// Whether the whole target is set to 0 first.
    pub(super) clear: bool,
}
