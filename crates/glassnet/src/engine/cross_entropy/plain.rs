//! Row by row: log-probabilities, and spread targets over many classes.

use super::{Group, Job, LANES, Outputs, Row, target};

/// Log-probabilities: the normaliser is 0.
#[inline(always)]
pub(super) fn run(job: &Job<'_>, outputs: &mut Outputs<'_>) {
    let classes = job.operands.classes;
    for first in (0..job.operands.rows()).step_by(LANES) {
        let group = job.group(first);
        if outputs.wants_losses() {
            outputs.put_losses(
                first,
                group.count,
                &losses(job, &group, &[0.0; LANES], &[0.0; LANES]),
            );
        }
        let Some(gradient) = &mut outputs.gradient else { continue };
        let rows =
            gradient[first * classes..(first + group.count) * classes].chunks_exact_mut(classes);
        for (lane, out) in rows.enumerate() {
            if job.operands.by_index() && group.class[lane] < 0.0 {
                out.fill(0.0);
                continue;
            }
            for (class, out) in out.iter_mut().enumerate() {
                let weight = target::at(job.loss, job.operands, first + lane, class).unwrap_or(0.0);
                *out = -group.scale[lane] * weight;
            }
        }
    }
}

/// The losses of a group from the largest scores and the logarithms of the sums.
#[inline(always)]
pub(super) fn losses(job: &Job<'_>, group: &Group, largest: &Row, logarithms: &Row) -> Row {
    let mut losses = [0.0; LANES];
    for lane in 0..group.count {
        losses[lane] = row_loss(job, group.first + lane, largest[lane], logarithms[lane]);
    }
    losses
}

#[inline(always)]
fn row_loss(job: &Job<'_>, row: usize, largest: f32, logarithm: f32) -> f32 {
    let operands = job.operands;
    let scores = &operands.scores[row * operands.classes..(row + 1) * operands.classes];
    if job.is_sharp() {
        let index = operands.indices[row];
        if index == job.loss.ignore_index {
            return 0.0;
        }
        let class = index as usize;
        return -operands.weight(class) * ((scores[class] - largest) - logarithm);
    }
    let mut total = 0.0_f32;
    for (class, &z) in scores.iter().enumerate() {
        let Some(weight) = target::at(job.loss, operands, row, class) else { return 0.0 };
        // A target of 0 counts for nothing, also where the score is −∞.
        if weight != 0.0 {
            total = (-weight).mul_add((z - largest) - logarithm, total);
        }
    }
    total
}

/// The derivative of a row whose target is spread over classes, from its softmax in `out`.
#[inline(always)]
pub(super) fn row_derivative(job: &Job<'_>, row: usize, scale: f32, out: &mut [f32]) {
    let weight = |class: usize| target::at(job.loss, job.operands, row, class).unwrap_or(0.0);
    let total = (0..job.operands.classes).fold(0.0, |total, class| total + weight(class));
    for (class, out) in out.iter_mut().enumerate() {
        *out = out.mul_add(total, -weight(class)) * scale;
    }
}
