//! Targets: which rows count, and how much of a row's target lies on a class.

use super::Operands;
use crate::error::{Error, Result};
use crate::graph::op::CrossEntropy;

/// From here on a chain of `+ 1.0` stands still.
const ONES: usize = 1 << f32::MANTISSA_DIGITS;

/// What the mean divides by: the sum of the class weights of the rows that count, or the number of rows.
///
/// # Errors
/// When a class does not exist.
#[inline(always)]
pub(super) fn counted(loss: CrossEntropy, operands: &Operands<'_>) -> Result<f32> {
    if !operands.by_index() {
        return Ok(operands.rows() as f32);
    }
    let classes = operands.classes as u64;
    let (mut wrong, mut count) = (false, 0);
    for &class in operands.indices {
        let counts = class != loss.ignore_index;
        wrong |= counts & (class as u64 >= classes);
        count += usize::from(counts);
    }
    if wrong {
        return Err(missing_class(loss, operands));
    }
    let Some(weights) = operands.weights else { return Ok(count.min(ONES) as f32) };
    let mut total = 0.0_f32;
    for &class in operands.indices {
        if class != loss.ignore_index {
            total += weights[class as usize];
        }
    }
    Ok(total)
}

#[cold]
#[inline(never)]
fn missing_class(loss: CrossEntropy, operands: &Operands<'_>) -> Error {
    let classes = operands.classes;
    let wrong = operands.indices.iter().enumerate().find(|&(_, &class)| {
        class != loss.ignore_index && usize::try_from(class).map_or(true, |class| class >= classes)
    });
    let (row, class) = wrong.map_or((0, 0), |(row, &class)| (row, class));
    Error::data(format!("class index {class} is outside 0..{classes}"))
        .at(format!("row {row} of the batch"))
}

/// The weight of class `class` in the target of `row`: `t·w`, smoothed; `None` where the row does not count.
#[inline(always)]
pub(super) fn at(
    loss: CrossEntropy,
    operands: &Operands<'_>,
    row: usize,
    class: usize,
) -> Option<f32> {
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
