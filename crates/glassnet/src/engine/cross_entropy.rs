//! Cross-entropy and its derivative: see [`CrossEntropy`] for the mathematics.

use super::broadcast::maximum;
use super::kernels::Level;
use super::rows::BLOCK;
use crate::error::{Error, Result};
use crate::graph::op::{CrossEntropy, LossReduction, Scores};
use crate::math::elementary::{exp, log};

/// What both directions read. Either `indices` or `probabilities` is the target; the other one is empty.
pub(super) struct Operands<'a> {
    pub(super) scores: &'a [f32],
    pub(super) indices: &'a [i64],
    pub(super) probabilities: &'a [f32],
    pub(super) weights: Option<&'a [f32]>,
    pub(super) classes: usize,
}

impl Operands<'_> {
    fn rows(&self) -> usize {
        self.scores.len().checked_div(self.classes).unwrap_or(0)
    }

    fn weight(&self, class: usize) -> f32 {
        self.weights.map_or(1.0, |weights| weights[class])
    }

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
    let denominator = match loss.reduction {
        LossReduction::Mean => denominator(loss, operands)?,
        LossReduction::Sum | LossReduction::None => {
            self::denominator(loss, operands)?;
            1.0
        }
    };
    level.run(
        #[inline(always)]
        || match dy {
            None => value(loss, operands, denominator, out),
            Some(dy) => derivative(loss, dy, operands, denominator, out),
        },
    );
    Ok(())
}

/// What the mean divides by: the sum of the class weights of the rows that count, or the number of rows.
fn denominator(loss: CrossEntropy, operands: &Operands<'_>) -> Result<f32> {
    if !operands.by_index() {
        return Ok(operands.rows() as f32);
    }
    let mut total = 0.0_f32;
    for (row, &class) in operands.indices.iter().enumerate() {
        if class == loss.ignore_index {
            continue;
        }
        match usize::try_from(class).ok().filter(|&class| class < operands.classes) {
            Some(class) => total += operands.weight(class),
            None => {
                return Err(Error::data(format!(
                    "class index {class} is outside 0..{}",
                    operands.classes
                ))
                .at(format!("row {row} of the batch")));
            }
        }
    }
    Ok(total)
}

/// Largest score and sum of exponentials of one row; zeros for log-probabilities, which need neither.
#[inline(always)]
fn row_statistics(loss: CrossEntropy, scores: &[f32]) -> (f32, f32) {
    if loss.scores == Scores::LogProbabilities {
        return (0.0, 1.0);
    }
    let largest = scores.iter().fold(f32::NEG_INFINITY, |m, &z| maximum(z, m));
    let mut total = 0.0;
    for block in scores.chunks(BLOCK) {
        total += block.iter().fold(0.0, |sum, &z| sum + exp(z - largest));
    }
    (largest, total)
}

/// The weight of class `class` in the target of `row`: `t·w`, smoothed; `None` where the row does not count.
#[inline(always)]
fn target(loss: CrossEntropy, operands: &Operands<'_>, row: usize, class: usize) -> Option<f32> {
    let smoothing = loss.label_smoothing as f32;
    let spread = smoothing / operands.classes as f32;
    if !operands.by_index() {
        let probability = operands.probabilities[row * operands.classes + class];
        return Some(operands.weight(class) * probability.mul_add(1.0 - smoothing, spread));
    }
    let index = operands.indices[row];
    if index == loss.ignore_index {
        return None;
    }
    let own = if index == class as i64 { operands.weight(class) * (1.0 - smoothing) } else { 0.0 };
    Some(if smoothing == 0.0 { own } else { spread.mul_add(operands.weight(class), own) })
}

#[inline(always)]
fn row_loss(loss: CrossEntropy, operands: &Operands<'_>, row: usize) -> f32 {
    let scores = &operands.scores[row * operands.classes..(row + 1) * operands.classes];
    let (largest, sum) = row_statistics(loss, scores);
    let logarithm = if loss.scores == Scores::Logits { log(sum) } else { 0.0 };
    if operands.by_index() && loss.label_smoothing == 0.0 {
        let index = operands.indices[row];
        if index == loss.ignore_index {
            return 0.0;
        }
        let class = index as usize;
        return -operands.weight(class) * ((scores[class] - largest) - logarithm);
    }
    let mut total = 0.0_f32;
    for (class, &z) in scores.iter().enumerate() {
        let Some(weight) = target(loss, operands, row, class) else { return 0.0 };
        // A target of 0 counts for nothing, also where the score is −∞.
        if weight != 0.0 {
            total = (-weight).mul_add((z - largest) - logarithm, total);
        }
    }
    total
}

/// How many partial sums a [`cascade`] has.
const LEVELS: usize = 8;

/// A sum over rows in the order of PyTorch's `nll_loss`, whose last digits are printed in lessons: sixteen rows (or
/// more, of very many) make a partial sum, sixteen of these one of the next level, and so on; the levels are added
/// from the lowest up. Row 0 alone goes straight to the highest level.
#[inline(always)]
fn cascade(rows: usize, step: impl Fn(usize, f32) -> f32) -> f32 {
    let bits = (rows.next_power_of_two().ilog2() as usize / LEVELS).max(4);
    let mut levels = [0.0_f32; LEVELS];
    for row in 0..rows {
        levels[0] = step(row, levels[0]);
        for level in 0..LEVELS - 1 {
            let mask = ((1 << bits) - 1) << (level * bits);
            if row & mask != 0 {
                break;
            }
            levels[level + 1] += std::mem::take(&mut levels[level]);
        }
    }
    levels.iter().fold(0.0, |total, level| total + level)
}

#[inline(always)]
fn value(loss: CrossEntropy, operands: &Operands<'_>, denominator: f32, out: &mut [f32]) {
    let rows = operands.rows();
    if loss.reduction == LossReduction::None {
        for (row, out) in out.iter_mut().enumerate() {
            *out = row_loss(loss, operands, row);
        }
        return;
    }
    // Divided once, as PyTorch does; no row that counts gives 0/0, NaN as there.
    let total = cascade(
        rows,
        #[inline(always)]
        |row, sum| sum + row_loss(loss, operands, row),
    );
    out[0] = total / denominator;
}

#[inline(always)]
fn derivative(
    loss: CrossEntropy,
    dy: &[f32],
    operands: &Operands<'_>,
    denominator: f32,
    out: &mut [f32],
) {
    let classes = operands.classes;
    let plain = operands.by_index() && operands.weights.is_none() && loss.label_smoothing == 0.0;
    for (row, out) in out.chunks_exact_mut(classes.max(1)).enumerate() {
        let scores = &operands.scores[row * classes..(row + 1) * classes];
        if operands.by_index() && operands.indices[row] == loss.ignore_index {
            out.fill(0.0);
            continue;
        }
        let upper = if loss.reduction == LossReduction::None { dy[row] } else { dy[0] };
        let scale = upper * (1.0 / denominator);
        if loss.scores == Scores::LogProbabilities {
            for (class, out) in out.iter_mut().enumerate() {
                *out = -scale * target(loss, operands, row, class).unwrap_or(0.0);
            }
            continue;
        }
        let (largest, sum) = row_statistics(loss, scores);
        let share = 1.0 / sum;
        if plain {
            for (out, &z) in out.iter_mut().zip(scores) {
                *out = exp(z - largest) * share * scale;
            }
            let class = operands.indices[row] as usize;
            out[class] = (exp(scores[class] - largest) * share - 1.0) * scale;
            continue;
        }
        let weight = |class: usize| target(loss, operands, row, class).unwrap_or(0.0);
        let total = (0..classes).fold(0.0, |total, class| total + weight(class));
        for (class, out) in out.iter_mut().enumerate() {
            let probability = exp(scores[class] - largest) * share;
            *out = probability.mul_add(total, -weight(class)) * scale;
        }
    }
}
