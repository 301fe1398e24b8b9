//! The schedule's entries: one kernel call each, operands and sizes resolved.

use std::sync::Arc;

use super::kernels::{self, Right};
use super::place::Slot;
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
    /// Cross-entropy, or its derivative where `dy` is given.
    CrossEntropy {
        loss: CrossEntropy,
        dy: Option<Slot>,
        scores: Slot,
        target: Slot,
        weights: Option<Slot>,
        out: Slot,
        classes: usize,
    },
    /// An elementwise loss.
    Pair { loss: PairLoss, operands: Vec<Slot>, out: Slot },
    /// The derivative of an elementwise loss towards one operand.
    PairGrad { loss: PairLoss, operand: usize, dy: Slot, operands: Vec<Slot>, out: Slot },
}

/// A matrix product, both operands in row-major order, each possibly transposed.
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
    pub(super) epilogue: Option<Activation>,
}

impl Product {
    /// The kernel's view of the operands.
    pub(super) fn shape(&self) -> kernels::Product {
        let right = if self.transpose_b { Right::Transposed } else { Right::Plain };
        if self.transpose_a {
            kernels::Product::with_a_transposed(self.m, self.k, self.n, right)
        } else {
            kernels::Product::new(self.m, self.k, self.n, right)
        }
    }
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

impl Instruction {
    /// Every slot that is read.
    pub(super) fn reads(&self) -> Vec<Slot> {
        match self {
            Instruction::Product(product) => {
                [Some(product.a), Some(product.b), product.bias].into_iter().flatten().collect()
            }
            Instruction::Copy { x, .. }
            | Instruction::Map { x, .. }
            | Instruction::Reduce { x, .. }
            | Instruction::Move { x, .. } => vec![*x],
            Instruction::MapGrad { dy, from, .. } => vec![*dy, *from],
            Instruction::Arithmetic { operands, .. } | Instruction::Pair { operands, .. } => {
                operands.clone()
            }
            Instruction::Softmax { operands, .. } => operands.to_vec(),
            Instruction::Normalize { dy, x, .. } => [*dy, Some(*x)].into_iter().flatten().collect(),
            Instruction::Mask { .. } => vec![],
            Instruction::Embedding { weight, index, .. } => vec![*weight, *index],
            Instruction::EmbeddingGrad { dy, index, .. } => vec![*dy, *index],
            Instruction::CrossEntropy { dy, scores, target, weights, .. } => {
                [*dy, Some(*scores), Some(*target), *weights].into_iter().flatten().collect()
            }
            Instruction::PairGrad { dy, operands, .. } => [&[*dy], operands.as_slice()].concat(),
        }
    }

    /// The slot that is written.
    pub(super) fn out(&self) -> Slot {
        match self {
            Instruction::Product(product) => product.out,
            Instruction::Copy { out, .. }
            | Instruction::Map { out, .. }
            | Instruction::MapGrad { out, .. }
            | Instruction::Arithmetic { out, .. }
            | Instruction::Softmax { out, .. }
            | Instruction::Reduce { out, .. }
            | Instruction::Normalize { out, .. }
            | Instruction::Mask { out, .. }
            | Instruction::Embedding { out, .. }
            | Instruction::EmbeddingGrad { out, .. }
            | Instruction::Move { out, .. }
            | Instruction::CrossEntropy { out, .. }
            | Instruction::Pair { out, .. }
            | Instruction::PairGrad { out, .. } => *out,
        }
    }
}
