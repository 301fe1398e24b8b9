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

use super::broadcast::maximum;
use super::kernels::{ColumnKernel, Columns, LANES, Lanes, Level, dispatch_columns};
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

/// The loss into `out`, or with `dy` its derivative towards the scores.
pub(super) fn run(
    level: Level,
    loss: CrossEntropy,
    dy: Option<&[f32]>,
    operands: &Operands<'_>,
    out: &mut [f32],
) -> Result<()> {
    let (value, gradient) = match dy {
        None => (Some(out), None),
        Some(dy) => (None, Some((dy, out))),
    };
    dispatch_columns(level, Run { loss, operands, value, gradient })
}

/// The loss into `out_loss` and its derivative towards the scores into `out_gradient`, in one pass: the bits of two.
///
/// # Errors
/// When a class does not exist; the outputs are then as they were.
pub(super) fn both(
    level: Level,
    loss: CrossEntropy,
    dy: &[f32],
    operands: &Operands<'_>,
    out_loss: &mut [f32],
    out_gradient: &mut [f32],
) -> Result<()> {
    let (value, gradient) = (Some(out_loss), Some((dy, out_gradient)));
    dispatch_columns(level, Run { loss, operands, value, gradient })
}

struct Run<'a> {
    loss: CrossEntropy,
    operands: &'a Operands<'a>,
    value: Option<&'a mut [f32]>,
    gradient: Option<(&'a [f32], &'a mut [f32])>,
}

impl ColumnKernel for Run<'_> {
    type Output = Result<()>;

    #[inline(always)]
    fn run<C: Columns>(self) -> Result<()> {
        compute::<C>(self.loss, self.operands, self.value, self.gradient)
    }
}

/// [`both`] without dispatch, to be inlined into code that is already compiled for the level of `C`.
///
/// # Errors
/// As [`both`].
#[inline(always)]
pub(super) fn both_inner<C: Columns>(
    loss: CrossEntropy,
    dy: &[f32],
    operands: &Operands<'_>,
    out_loss: &mut [f32],
    out_gradient: &mut [f32],
) -> Result<()> {
    compute::<C>(loss, operands, Some(out_loss), Some((dy, out_gradient)))
}

#[inline(always)]
fn compute<C: Columns>(
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
    match (loss.scores, operands.classes) {
        (Scores::LogProbabilities, _) => plain::run(&job, &mut outputs),
        (Scores::Logits, 2) => narrow::run::<C, 2>(&job, &mut outputs),
        (Scores::Logits, 3) => narrow::run::<C, 3>(&job, &mut outputs),
        (Scores::Logits, 4) => narrow::run::<C, 4>(&job, &mut outputs),
        (Scores::Logits, classes) if classes <= LANES => narrow::run::<C, 0>(&job, &mut outputs),
        (Scores::Logits, _) => wide::run::<C>(&job, &mut outputs),
    }
    if let (Some(total), Some(cascade)) = (total, outputs.cascade) {
        // Divided once, as PyTorch does; no row that counts gives 0/0, NaN as there.
        total[0] = cascade.total() / denominator;
    }
    Ok(())
}

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
    fn put_losses(&mut self, first: usize, count: usize, losses: &Lanes) {
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
    /// Each row's class; −1 where the row does not count or is none of the matrix.
    class: [i32; LANES],
    /// The weight of each row's class.
    weight: Lanes,
    /// What each row's derivative is multiplied by.
    scale: Lanes,
}

impl Job<'_> {
    #[inline(always)]
    fn group(&self, first: usize) -> Group {
        let count = (self.operands.rows() - first).min(LANES);
        let mut group =
            Group { first, count, class: [-1; LANES], weight: [1.0; LANES], scale: [0.0; LANES] };
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
                for (weight, class) in group.weight.iter_mut().zip(group.class) {
                    *weight = usize::try_from(class).map_or(0.0, |class| weights[class]);
                }
            }
        }
        if self.loss.reduction == LossReduction::None {
            let upper = self.upper.get(first..first + count).unwrap_or(&[]);
            for (scale, &upper) in group.scale.iter_mut().zip(upper) {
                *scale = upper * self.inverse;
            }
        } else {
            let upper = self.upper.first().copied().unwrap_or(0.0);
            group.scale = [upper * self.inverse; LANES];
        }
        group
    }

    #[inline(always)]
    fn class(&self, index: i64) -> i32 {
        if index == self.loss.ignore_index { -1 } else { index as i32 }
    }

    /// Whether each row's target is its own class and nothing else.
    #[inline(always)]
    fn is_sharp(&self) -> bool {
        self.operands.by_index() && self.loss.label_smoothing == 0.0
    }
}

/// `f` of every lane.
#[inline(always)]
fn each(f: impl Fn(usize) -> f32) -> Lanes {
    let mut lanes = [0.0; LANES];
    for lane in 0..LANES {
        lanes[lane] = f(lane);
    }
    lanes
}

/// The larger of two, in every lane.
#[inline(always)]
fn larger(values: &Lanes, largest: &Lanes) -> Lanes {
    each(
        #[inline(always)]
        |lane| maximum(values[lane], largest[lane]),
    )
}
