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

/// Rows of scores in the lanes of a register, row by row, and what their cross-entropy needs to know.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Rows {
    rows: usize,
    classes: usize,
    ignore_index: i64,
    /// What the sum of the losses is divided by.
    denominator: f32,
    /// The lane of each lane's row's first score, each lane's row and class.
    first: [u32; MOST],
    row: [u32; MOST],
    class: [f32; MOST],
}

impl Rows {
    /// The rows of a cross-entropy of class indices, value and derivative, if they fit `lanes`.
    pub(in crate::engine) fn new(entropy: &Entropy, lanes: usize) -> Option<Self> {
        let loss = entropy.loss;
        let (len, classes) = (entropy.scores.len, entropy.classes);
        let plain = loss.scores == Scores::Logits
            && loss.reduction != LossReduction::None
            && loss.label_smoothing == 0.0
            && entropy.weights.is_none()
            && entropy.target.space == Space::Index
            && entropy.value.is_some()
            && entropy.derivative.is_some();
        if !plain || len == 0 || len > lanes.min(MOST) {
            return None;
        }
        let per_lane = |f: &dyn Fn(usize) -> usize| {
            std::array::from_fn(|lane| if lane < len { f(lane) as u32 } else { 0 })
        };
        let rows = len / classes;
        Some(Rows {
            rows,
            classes,
            ignore_index: loss.ignore_index,
            denominator: match loss.reduction {
                LossReduction::Mean => rows as f32,
                LossReduction::Sum | LossReduction::None => 1.0,
            },
            first: per_lane(&|lane| lane / classes * classes),
            row: per_lane(&|lane| lane / classes),
            class: std::array::from_fn(|lane| (lane % classes) as f32),
        })
    }

    /// The loss and its derivative towards the scores times `above`, or nothing where a row's class is ignored or does not
    /// exist; `class_of` gives a row's.
    ///
    /// # Safety
    /// Inside the level of `L`.
    #[inline(always)]
    pub(in crate::engine) unsafe fn compute<L: Lanes>(
        &self,
        scores: L,
        class_of: impl Fn(usize) -> i64,
        above: f32,
    ) -> Option<(f32, L)> {
        let (rows, classes) = (self.rows, self.classes);
        let mut wanted = [0.0_f32; MOST];
        let mut places = [0_usize; MOST];
        let mut all = true;
        for row in 0..rows {
            let class = class_of(row);
            all &= (class as u64) < classes as u64 && class != self.ignore_index;
            wanted[row % MOST] = class as i32 as f32;
            places[row % MOST] = (row * classes).wrapping_add(class as usize);
        }
        if !all {
            return None;
        }
        // SAFETY: the caller's promise; arrays of 16 numbers.
        unsafe {
            let first = L::places(&self.first);
            let mut largest = scores.permute(first);
            let mut place = first;
            for _ in 1..classes {
                place = L::further(place, 1);
                largest = scores.permute(place).larger(largest);
            }
            let z = scores.minus(largest);
            let powers = z.map(exp);
            let mut sum = L::splat(0.0);
            let mut place = first;
            for _ in 0..classes {
                sum = sum.plus(powers.permute(place));
                place = L::further(place, 1);
            }
            let own = L::load(wanted.as_ptr()).permute(L::places(&self.row));
            let class = L::load(self.class.as_ptr());
            let target = own.select_equal(class, L::splat(-1.0), L::splat(-0.0));
            let scale = L::splat(above * (1.0 / self.denominator));
            let p = powers.times(L::splat(1.0).over(sum));
            let gradient = p.mul_add(L::splat(1.0), target).times(scale);
            let losses = L::splat(-1.0).times(z.minus(sum.map(log))).array();
            // The order of the general kernel's cascade: row 0 apart, the others in order, then both.
            let mut total = 0.0;
            for row in 1..rows {
                total += losses[places[row % MOST] % MOST];
            }
            total += 0.0 + losses[places[0] % MOST];
            Some((total / self.denominator, gradient))
        }
    }
}

/// A cross-entropy that fits a register.
#[derive(Clone, Debug)]
pub(in crate::engine) struct TinyEntropy {
    /// What is computed: for rows that this can't do, by the general kernel.
    pub(in crate::engine) whole: Entropy,
    rows: Rows,
    value: Slot,
    above: Slot,
    scores: Operand,
    out: Operand,
}

impl TinyEntropy {
    /// The cross-entropy as a tiny one, if it is one on registers of `level`. Work before `tight` has no padding.
    pub(in crate::engine) fn new(entropy: &Entropy, level: Level, tight: usize) -> Option<Self> {
        let rows = Rows::new(entropy, level.lanes())?;
        let (value, (above, out)) = (entropy.value?, entropy.derivative?);
        let operand = |slot| Operand::new(slot, level.lanes(), tight, [0; MOST], 0);
        Some(TinyEntropy {
            whole: *entropy,
            rows,
            value,
            above,
            scores: operand(entropy.scores),
            out: operand(out),
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
        // SAFETY: the caller's promise, here and below.
        unsafe {
            let indices = arena.indices(self.whole.target);
            let scores = self.scores.load::<V>(arena).widen();
            let found = self.rows.compute(
                scores,
                #[inline(always)]
                |row| indices[row],
                *arena.read(self.above),
            );
            let Some((loss, gradient)) = found else { return false };
            V::narrow(gradient).store_reach(arena.write(self.out.slot), self.out.reach);
            *arena.write(self.value) = loss;
        }
        true
    }
}
