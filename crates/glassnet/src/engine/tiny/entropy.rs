//! Cross-entropy of a few rows of a few classes, value and derivative, in one register.
//!
//! An element of the scores per lane, row by row; the rows' largest scores and sums are brought to all lanes of their rows
//! by permutations. The operations of every element are those of [`cross_entropy`](super::super::cross_entropy), in its
//! order.
//!
//! # Safety
//! As [`Tiny::run`](super::Tiny::run): inside the level of the registers, on the arrays that the plan was compiled for.

use super::super::accesses::Accesses;
use super::super::arena::Arena;
use super::super::instruction::Entropy;
use super::super::kernels::{Few, Lanes, Level};
use super::super::place::{Slot, Space};
use super::{MOST, Operand};
use crate::graph::op::{LossReduction, Scores};
use crate::math::elementary::{exp, log};

/// A cross-entropy that fits a register.
#[derive(Clone, Debug)]
pub(in crate::engine) struct TinyEntropy {
    /// What is computed: for rows that this can't do, by the general kernel.
    pub(in crate::engine) whole: Entropy,
    value: Slot,
    above: Slot,
    /// Each lane takes its row's first score.
    scores: Operand,
    out: Operand,
    rows: usize,
    /// Each lane's row and class.
    row: [u32; MOST],
    class: [f32; MOST],
}

impl TinyEntropy {
    /// The cross-entropy as a tiny one, if it is one on registers of `level`. Work before `tight` has no padding.
    pub(in crate::engine) fn new(entropy: &Entropy, level: Level, tight: usize) -> Option<Self> {
        let loss = entropy.loss;
        let (Some(value), Some((above, out))) = (entropy.value, entropy.derivative) else {
            return None;
        };
        let len = entropy.scores.len;
        let plain = loss.scores == Scores::Logits
            && loss.reduction != LossReduction::None
            && loss.label_smoothing == 0.0
            && entropy.weights.is_none()
            && entropy.target.space == Space::Index;
        if !plain || len == 0 || len > level.lanes() {
            return None;
        }
        let classes = entropy.classes;
        let per_lane = |f: &dyn Fn(usize) -> usize| {
            std::array::from_fn(|lane| if lane < len { f(lane) as u32 } else { 0 })
        };
        let first = per_lane(&|lane| lane / classes * classes);
        Some(TinyEntropy {
            whole: *entropy,
            value,
            above,
            scores: Operand::new(entropy.scores, level.lanes(), tight, first, 1),
            out: Operand::new(out, level.lanes(), tight, first, 1),
            rows: len / classes,
            row: per_lane(&|lane| lane / classes),
            class: std::array::from_fn(|lane| (lane % classes) as f32),
        })
    }

    /// What it reads and writes, padding included.
    pub(in crate::engine) fn accesses(&self) -> Accesses {
        Accesses {
            reads: vec![self.scores.region(), self.whole.target.into(), self.above.into()],
            writes: vec![self.value.into(), self.out.region()],
        }
    }

    /// Computes it, unless a row's class is ignored or does not exist: then gives false, having done nothing.
    ///
    /// # Safety
    /// As [`Tiny::run`](super::Tiny::run).
    #[inline(always)]
    pub(in crate::engine) unsafe fn run<V: Few>(&self, arena: &Arena) -> bool {
        let (rows, classes) = (self.rows, self.whole.classes);
        // SAFETY: the caller's promise, here and below.
        let indices = unsafe { arena.indices(self.whole.target) };
        let mut wanted = [0.0_f32; MOST];
        let mut all = true;
        for row in 0..rows {
            let class = indices[row];
            all &= (class as u64) < classes as u64 && class != self.whole.loss.ignore_index;
            wanted[row] = class as i32 as f32;
        }
        if !all {
            return false;
        }
        let denominator = match self.whole.loss.reduction {
            LossReduction::Mean => rows as f32,
            LossReduction::Sum | LossReduction::None => 1.0,
        };
        // SAFETY: as above.
        unsafe {
            let scores = self.scores.load::<V>(arena);
            let first = V::lanes(&self.scores.first);
            let mut largest = scores.permute(first).widen();
            let mut places = first;
            for _ in 1..classes {
                places = V::further(places, 1);
                largest = scores.permute(places).widen().larger(largest);
            }
            let z = scores.widen().minus(largest);
            let e = z.map(exp);
            let powers = V::narrow(e);
            let mut sum = splat::<V>(0.0);
            let mut places = first;
            for _ in 0..classes {
                sum = sum.plus(powers.permute(places).widen());
                places = V::further(places, 1);
            }
            let own = V::load(wanted.as_ptr()).permute(V::lanes(&self.row)).widen();
            let class = V::load(self.class.as_ptr()).widen();
            let target = own.select_equal(class, splat::<V>(-1.0), splat::<V>(-0.0));
            let scale = splat::<V>(*arena.read(self.above) * (1.0 / denominator));
            let p = e.times(splat::<V>(1.0).over(sum));
            let gradient = V::narrow(p.mul_add(splat::<V>(1.0), target).times(scale));
            gradient.store_reach(arena.write(self.out.slot), self.out.reach);
            let losses = splat::<V>(-1.0).times(z.minus(sum.map(log))).array();
            // The order of the general kernel's cascade: row 0 apart, the others in order, then both.
            let mut total = 0.0;
            for row in 1..rows {
                total += losses[(row * classes + indices[row] as usize) % MOST];
            }
            total += 0.0 + losses[indices[0] as usize % MOST];
            *arena.write(self.value) = total / denominator;
        }
        true
    }
}

/// # Safety
/// Inside the level of `V`.
#[inline(always)]
unsafe fn splat<V: Few>(value: f32) -> V::Lanes {
    // SAFETY: the caller's promise.
    unsafe { <V::Lanes as Lanes>::splat(value) }
}
