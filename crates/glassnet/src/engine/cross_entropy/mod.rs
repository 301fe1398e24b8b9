//! Cross-entropy and its derivative: see [`CrossEntropy`] for the mathematics.
//!
//! Value and derivative share almost all of their work (the largest score, the exponentials, their sum), so one pass
//! gives either or both. Rows are taken sixteen at a time as lanes: each lane is a row's own chain, so the bits do not
//! depend on the lanes. Few classes stay in registers as columns ([`narrow`]); of many, pieces of sixteen classes are
//! turned for the sums alone ([`wide`]). Log-probabilities need no exponentials ([`plain`]).

mod cascade;
mod narrow;
mod plain;
mod target;
mod wide;

#[cfg(test)]
mod tests;

use super::kernels::{LANES, Lanes, LanesKernel, Level, dispatch_lanes};
use crate::error::Result;
use crate::graph::op::{CrossEntropy, LossReduction, Scores};
use cascade::Cascade;

/// What both directions read. Either `indices` or `probabilities` is the target; the other one is empty.
pub(super) struct Operands<'a> {
    pub(super) scores: &'a [f32],
    pub(super) indices: &'a [i64],
    pub(super) probabilities: &'a [f32],
    pub(super) weights: Option<&'a [f32]>,
    pub(super) classes: usize,
}

impl Operands<'_> {
    #[inline(always)]
    fn rows(&self) -> usize {
        self.scores.len().checked_div(self.classes).unwrap_or(0)
    }

    #[inline(always)]
    fn weight(&self, class: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[class])
    }

    #[inline(always)]
    fn by_index(&self) -> bool {
        self.probabilities.is_empty()
    }
}

/// The loss into `value`, its derivative towards the scores (times what comes from above) into `gradient`, or both in
/// one pass with the bits of two.
///
/// # Errors
/// When a class does not exist; the outputs are then as they were.
pub(super) fn run(
    level: Level,
    loss: CrossEntropy,
    operands: &Operands<'_>,
    value: Option<&mut [f32]>,
    gradient: Option<(&[f32], &mut [f32])>,
) -> Result<()> {
    dispatch_lanes(level, Run { loss, operands, value, gradient })
}

struct Run<'a> {
    loss: CrossEntropy,
    operands: &'a Operands<'a>,
    value: Option<&'a mut [f32]>,
    gradient: Option<(&'a [f32], &'a mut [f32])>,
}

impl LanesKernel for Run<'_> {
    type Output = Result<()>;

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) -> Result<()> {
        // SAFETY: the caller's promise.
        unsafe { run_inner::<L>(self.loss, self.operands, self.value, self.gradient) }
    }
}

/// [`run`] without dispatch, to be inlined into code that is already compiled for the level of `L`.
///
/// # Errors
/// As [`run`].
///
/// # Safety
/// To be called inside that level.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn run_inner<L: Lanes>(
    loss: CrossEntropy,
    operands: &Operands<'_>,
    value: Option<&mut [f32]>,
    gradient: Option<(&[f32], &mut [f32])>,
) -> Result<()> {
    let counted = target::counted(loss, operands)?;
    let denominator = if loss.reduction == LossReduction::Mean { counted } else { 1.0 };
    let inverse = 1.0 / denominator;
    let (upper, gradient) = gradient.unzip();
    let job = Job { loss, operands, upper: upper.unwrap_or(&[]), inverse };
    let (total, rows) = match loss.reduction {
        LossReduction::None => (None, value),
        LossReduction::Mean | LossReduction::Sum => (value, None),
    };
    let mut outputs =
        Outputs { cascade: total.is_some().then(|| Cascade::new(operands.rows())), rows, gradient };
    // SAFETY: the caller's promise.
    unsafe {
        match (loss.scores, operands.classes) {
            (Scores::LogProbabilities, _) => plain::run(&job, &mut outputs),
            (Scores::Logits, 2) => narrow::run::<L, 2>(&job, &mut outputs),
            (Scores::Logits, 3) => narrow::run::<L, 3>(&job, &mut outputs),
            (Scores::Logits, 4) => narrow::run::<L, 4>(&job, &mut outputs),
            (Scores::Logits, classes) if classes <= LANES => {
                narrow::run::<L, 0>(&job, &mut outputs);
            }
            (Scores::Logits, _) => wide::run::<L>(&job, &mut outputs),
        }
    }
    if let (Some(total), Some(cascade)) = (total, outputs.cascade) {
        // Divided once, as PyTorch does; no row that counts gives 0/0, NaN as there.
        total[0] = cascade.total() / denominator;
    }
    Ok(())
}

/// A number for each row of a group.
type Row = [f32; LANES];

/// What is computed.
struct Job<'a> {
    loss: CrossEntropy,
    operands: &'a Operands<'a>,
    /// The derivative towards the loss: a number, or without reduction one for each row.
    upper: &'a [f32],
    /// What the mean multiplies the derivative by; else 1.
    inverse: f32,
}

/// Where it goes: a sum or a loss per row, if wanted, and the derivative, if wanted.
struct Outputs<'a> {
    cascade: Option<Cascade>,
    rows: Option<&'a mut [f32]>,
    gradient: Option<&'a mut [f32]>,
}

impl Outputs<'_> {
    #[inline(always)]
    fn wants_losses(&self) -> bool {
        self.cascade.is_some() || self.rows.is_some()
    }

    /// Takes the losses of the `count` rows from `first` on. Groups come in order.
    #[inline(always)]
    fn put_losses(&mut self, first: usize, count: usize, losses: &Row) {
        if let Some(cascade) = &mut self.cascade {
            cascade.add(losses, count);
        }
        if let Some(rows) = &mut self.rows {
            rows[first..first + count].copy_from_slice(&losses[..count]);
        }
    }
}

/// At most [`LANES`] neighbouring rows.
struct Group {
    first: usize,
    count: usize,
    /// Each row's class, if it is below [`LANES`]; negative where the row does not count or does not exist.
    class: Row,
    /// The weight of each row's class.
    weight: Row,
    /// What each row's derivative is multiplied by.
    scale: Row,
}

impl Job<'_> {
    #[inline(always)]
    fn group(&self, first: usize) -> Group {
        let count = (self.operands.rows() - first).min(LANES);
        let mut group = Group {
            first,
            count,
            class: [if self.operands.by_index() { -1.0 } else { 0.0 }; LANES],
            weight: [1.0; LANES],
            scale: [self.upper.first().map_or(0.0, |upper| upper * self.inverse); LANES],
        };
        if self.operands.by_index() {
            let indices = &self.operands.indices[first..first + count];
            match <&[i64; LANES]>::try_from(indices) {
                Ok(indices) => {
                    for lane in 0..LANES {
                        group.class[lane] = self.class(indices[lane]);
                    }
                }
                Err(_) => {
                    for (class, &index) in group.class.iter_mut().zip(indices) {
                        *class = self.class(index);
                    }
                }
            }
            if let Some(weights) = self.operands.weights {
                for (weight, &index) in group.weight.iter_mut().zip(indices) {
                    let counts = index != self.loss.ignore_index;
                    *weight = if counts { weights[index as usize] } else { 0.0 };
                }
            }
        }
        if self.loss.reduction == LossReduction::None && !self.upper.is_empty() {
            for (scale, upper) in group.scale.iter_mut().zip(&self.upper[first..first + count]) {
                *scale = upper * self.inverse;
            }
        }
        group
    }

    #[inline(always)]
    fn class(&self, index: i64) -> f32 {
        if index == self.loss.ignore_index { -1.0 } else { index as i32 as f32 }
    }

    /// Whether each row's target is its own class and nothing else.
    #[inline(always)]
    fn is_sharp(&self) -> bool {
        self.operands.by_index() && self.loss.label_smoothing == 0.0
    }
}
