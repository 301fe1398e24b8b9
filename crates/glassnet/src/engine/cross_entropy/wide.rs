//! Many classes: exponentials are computed along the rows, and turned in squares of sixteen for the sums.

use super::{Columns, Group, Job, LANES, Lanes, Outputs, each, larger, plain};
use crate::engine::rows::BLOCK;
use crate::math::elementary::{exp, log};

/// More than [`LANES`] classes.
#[inline(always)]
pub(super) fn run<C: Columns>(job: &Job<'_>, outputs: &mut Outputs<'_>) {
    let classes = job.operands.classes;
    for first in (0..job.operands.rows()).step_by(LANES) {
        let group = job.group(first);
        let places = first * classes..(first + group.count) * classes;
        let scores = &job.operands.scores[places.clone()];
        let mut gradient = outputs.gradient.as_deref_mut().map(|gradient| &mut gradient[places]);
        let largest = maxima::<C>(scores, classes);
        let sums = exponentials::<C>(scores, classes, &largest, gradient.as_deref_mut());
        if let Some(gradient) = gradient {
            let shares = each(
                #[inline(always)]
                |lane| 1.0 / sums[lane],
            );
            derivatives(job, &group, &shares, gradient);
        }
        if outputs.wants_losses() {
            let logarithms = each(
                #[inline(always)]
                |lane| log(sums[lane]),
            );
            let losses = plain::losses(job, &group, &largest, &logarithms);
            outputs.put_losses(first, group.count, &losses);
        }
    }
}

/// The largest of each row, of at most [`LANES`].
#[inline(always)]
#[allow(unsafe_code)]
fn maxima<C: Columns>(scores: &[f32], classes: usize) -> Lanes {
    let mut square = [[f32::NEG_INFINITY; LANES]; LANES];
    for (row, scores) in square.iter_mut().zip(scores.chunks_exact(classes)) {
        let (pieces, rest) = scores.as_chunks::<LANES>();
        let mut largest = pieces[0];
        for piece in &pieces[1..] {
            largest = larger(piece, &largest);
        }
        if !rest.is_empty() {
            // The last piece again includes what has been seen.
            let last: &[f32] = &scores[classes - LANES..];
            largest = larger(
                &each(
                    #[inline(always)]
                    |lane| last[lane],
                ),
                &largest,
            );
        }
        *row = largest;
    }
    // SAFETY: this is inlined into the level of `C`.
    let columns = unsafe { C::transpose(&square) };
    columns.iter().fold(
        [f32::NEG_INFINITY; LANES],
        #[inline(always)]
        |largest, column| larger(column, &largest),
    )
}

/// `e^(z − largest)` into `out`, if wanted, and its sum over each row, of at most [`LANES`]: in blocks as everywhere.
#[inline(always)]
#[allow(unsafe_code)]
fn exponentials<C: Columns>(
    scores: &[f32],
    classes: usize,
    largest: &Lanes,
    mut out: Option<&mut [f32]>,
) -> Lanes {
    let rows = scores.len() / classes;
    let mut total = [0.0; LANES];
    let mut block = [0.0; LANES];
    for start in (0..classes).step_by(LANES) {
        let count = (classes - start).min(LANES);
        let mut square = [[0.0; LANES]; LANES];
        for row in 0..rows {
            let at = row * classes + start;
            let z = &scores[at..at + count];
            // SAFETY: this is inlined into the level of `C`; `z` has `count` elements, and so has the part of `out`.
            let z = unsafe { C::load_part(z.as_ptr(), count) };
            square[row] = each(
                #[inline(always)]
                |lane| exp(z[lane] - largest[row]),
            );
            if let Some(out) = &mut out {
                let part = &mut out[at..at + count];
                // SAFETY: as above.
                unsafe { C::store_part(&square[row], part.as_mut_ptr(), count) };
            }
        }
        // SAFETY: as above.
        let columns = unsafe { C::transpose(&square) };
        for column in &columns[..count] {
            for lane in 0..LANES {
                block[lane] += column[lane];
            }
        }
        if (start + LANES).is_multiple_of(BLOCK) || start + LANES >= classes {
            for lane in 0..LANES {
                total[lane] += block[lane];
            }
            block = [0.0; LANES];
        }
    }
    total
}

/// From the exponentials in `out`.
#[inline(always)]
fn derivatives(job: &Job<'_>, group: &Group, shares: &Lanes, out: &mut [f32]) {
    for (lane, out) in out.chunks_exact_mut(job.operands.classes).enumerate() {
        if job.operands.by_index() && group.class[lane] < 0 {
            out.fill(0.0);
            continue;
        }
        let (share, scale) = (shares[lane], group.scale[lane]);
        if job.is_sharp() {
            let (class, weight) = (group.class[lane] as usize, group.weight[lane]);
            let own = (out[class] * share).mul_add(weight, -weight) * scale;
            out.iter_mut().for_each(|out| *out = (*out * share).mul_add(weight, -0.0) * scale);
            out[class] = own;
        } else {
            out.iter_mut().for_each(|out| *out *= share);
            plain::row_derivative(job, group.first + lane, scale, out);
        }
    }
}
