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

/// Rows that are computed side by side: each lane is a row's own chain, so the bits do not depend on the lanes.
const LANES: usize = 16;

/// What rows of scores have in common with their neighbours: a number for each of [`LANES`] of them.
type Lanes = [f32; LANES];

/// Neighbouring rows of scores, at most [`LANES`]; missing ones are the last one again.
struct Rows<'a> {
    scores: &'a [f32],
    starts: [usize; LANES],
    classes: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn new(scores: &'a [f32], classes: usize) -> Self {
        let last = (scores.len() / classes).saturating_sub(1);
        Rows { scores, starts: std::array::from_fn(|lane| lane.min(last) * classes), classes }
    }

    #[inline(always)]
    fn column(&self, class: usize) -> Lanes {
        let mut column = [0.0; LANES];
        for lane in 0..LANES {
            column[lane] = self.scores[self.starts[lane] + class];
        }
        column
    }

    #[inline(always)]
    fn largest(&self) -> Lanes {
        let mut largest = [f32::NEG_INFINITY; LANES];
        for class in 0..self.classes {
            let column = self.column(class);
            for lane in 0..LANES {
                largest[lane] = maximum(column[lane], largest[lane]);
            }
        }
        largest
    }

    /// `Σ f(z, row)` over the classes, in blocks as everywhere.
    #[inline(always)]
    fn sum(&self, f: impl Fn(f32, usize) -> f32) -> Lanes {
        let mut total = [0.0; LANES];
        for start in (0..self.classes).step_by(BLOCK) {
            let mut block = [0.0; LANES];
            for class in start..self.classes.min(start + BLOCK) {
                let column = self.column(class);
                for lane in 0..LANES {
                    block[lane] += f(column[lane], lane);
                }
            }
            for lane in 0..LANES {
                total[lane] += block[lane];
            }
        }
        total
    }
}

/// The logarithm of the softmax's denominator, in two parts; zeros for log-probabilities, which need neither.
#[derive(Clone, Copy)]
struct Normaliser {
    largest: f32,
    logarithm: f32,
}

/// The normalisers of [`LANES`] rows, from `first` on.
#[inline(always)]
fn normalisers(loss: CrossEntropy, operands: &Operands<'_>, first: usize) -> [Normaliser; LANES] {
    if loss.scores == Scores::LogProbabilities {
        return [Normaliser { largest: 0.0, logarithm: 0.0 }; LANES];
    }
    let classes = operands.classes;
    let last = operands.rows().min(first + LANES);
    let rows = Rows::new(&operands.scores[first * classes..last * classes], classes);
    let largest = rows.largest();
    let mut logarithms = rows.sum(
        #[inline(always)]
        |z, lane| exp(z - largest[lane]),
    );
    for logarithm in &mut logarithms {
        *logarithm = log(*logarithm);
    }
    std::array::from_fn(|lane| Normaliser { largest: largest[lane], logarithm: logarithms[lane] })
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
fn row_loss(
    loss: CrossEntropy,
    operands: &Operands<'_>,
    row: usize,
    Normaliser { largest, logarithm }: Normaliser,
) -> f32 {
    let scores = &operands.scores[row * operands.classes..(row + 1) * operands.classes];
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

/// The loss of `row`, where rows come in order: `known` holds the normalisers of the group that the row lies in.
#[inline(always)]
fn next_loss(
    loss: CrossEntropy,
    operands: &Operands<'_>,
    row: usize,
    known: &mut [Normaliser; LANES],
) -> f32 {
    if row.is_multiple_of(LANES) {
        *known = normalisers(loss, operands, row);
    }
    row_loss(loss, operands, row, known[row % LANES])
}

/// How many partial sums a [`cascade`] has.
const LEVELS: usize = 8;

/// A sum over rows in the order of PyTorch's `nll_loss`, whose last digits are printed in lessons: sixteen rows (or
/// more, of very many) make a partial sum, sixteen of these one of the next level, and so on; the levels are added
/// from the lowest up. Row 0 alone goes straight to the highest level.
#[inline(always)]
fn cascade(rows: usize, mut step: impl FnMut(usize, f32) -> f32) -> f32 {
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
    let mut known = [Normaliser { largest: 0.0, logarithm: 0.0 }; LANES];
    if loss.reduction == LossReduction::None {
        for (row, out) in out.iter_mut().enumerate() {
            *out = next_loss(loss, operands, row, &mut known);
        }
        return;
    }
    // Divided once, as PyTorch does; no row that counts gives 0/0, NaN as there.
    let total = cascade(
        rows,
        #[inline(always)]
        |row, sum| sum + next_loss(loss, operands, row, &mut known),
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
    if loss.scores == Scores::Logits {
        for (group, out) in out.chunks_mut((LANES * classes).max(1)).enumerate() {
            probabilities(operands, group * LANES, out);
        }
    }
    for (row, out) in out.chunks_exact_mut(classes.max(1)).enumerate() {
        if operands.by_index() && operands.indices[row] == loss.ignore_index {
            out.fill(0.0);
            continue;
        }
        let upper = if loss.reduction == LossReduction::None { dy[row] } else { dy[0] };
        let scale = upper * (1.0 / denominator);
        match loss.scores {
            Scores::Logits => row_derivative(loss, operands, row, scale, out),
            Scores::LogProbabilities => {
                for (class, out) in out.iter_mut().enumerate() {
                    *out = -scale * target(loss, operands, row, class).unwrap_or(0.0);
                }
            }
        }
    }
}

/// The softmax of at most [`LANES`] rows from `first` on.
#[inline(always)]
fn probabilities(operands: &Operands<'_>, first: usize, out: &mut [f32]) {
    let classes = operands.classes;
    let start = first * classes;
    let scores = &operands.scores[start..start + out.len()];
    let largest = Rows::new(scores, classes).largest();
    let rows = out.chunks_exact_mut(classes).zip(scores.chunks_exact(classes)).zip(largest);
    for ((out, scores), largest) in rows {
        for (out, z) in out.iter_mut().zip(scores) {
            *out = z - largest;
        }
    }
    out.iter_mut().for_each(|z| *z = exp(*z));
    let mut shares = Rows::new(out, classes).sum(
        #[inline(always)]
        |z, _| z,
    );
    for share in &mut shares {
        *share = 1.0 / *share;
    }
    for (out, share) in out.chunks_exact_mut(classes).zip(shares) {
        out.iter_mut().for_each(|z| *z *= share);
    }
}

/// From the row's softmax in `out`.
#[inline(always)]
fn row_derivative(
    loss: CrossEntropy,
    operands: &Operands<'_>,
    row: usize,
    scale: f32,
    out: &mut [f32],
) {
    if operands.by_index() && operands.weights.is_none() && loss.label_smoothing == 0.0 {
        let class = operands.indices[row] as usize;
        out[class] -= 1.0;
        out.iter_mut().for_each(|out| *out *= scale);
        return;
    }
    let weight = |class: usize| target(loss, operands, row, class).unwrap_or(0.0);
    let total = (0..operands.classes).fold(0.0, |total, class| total + weight(class));
    for (class, out) in out.iter_mut().enumerate() {
        *out = out.mul_add(total, -weight(class)) * scale;
    }
}
