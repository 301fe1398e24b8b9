//! Many classes: exponentials are computed along the rows, and turned in squares of sixteen for the sums.
//!
//! # Safety
//! Everything here is inlined into the level of `L`.
#![allow(unsafe_code)]

use super::{Group, Job, LANES, Lanes, Outputs, Row, plain};
use crate::engine::rows::BLOCK;
use crate::math::elementary::{exp, log};

/// More than [`LANES`] classes.
///
/// # Safety
/// As the module says.
#[inline(always)]
pub(super) unsafe fn run<L: Lanes>(job: &Job<'_>, outputs: &mut Outputs<'_>) {
    let classes = job.operands.classes;
    let rows = job.operands.rows();
    let mut first = 0;
    while first < rows {
        let group = job.group(first);
        let places = first * classes..(first + group.count) * classes;
        let scores = &job.operands.scores[places.clone()];
        let mut gradient = outputs.gradient.as_deref_mut().map(|gradient| &mut gradient[places]);
        // SAFETY: the caller's promise.
        let (largest, sums) = unsafe {
            let largest = maxima::<L>(scores, classes).array();
            (largest, exponentials::<L>(scores, classes, &largest, gradient.as_deref_mut()))
        };
        if let Some(gradient) = gradient {
            // SAFETY: as above.
            let shares = unsafe { L::splat(1.0) }.over(sums).array();
            // SAFETY: as above.
            unsafe { derivatives::<L>(job, &group, &shares, gradient) };
        }
        if outputs.wants_losses() {
            let losses = plain::losses(job, &group, &largest, &sums.map(log).array());
            outputs.put_losses(first, group.count, &losses);
        }
        first += LANES;
    }
}

/// The largest of each row, of at most [`LANES`].
#[inline(always)]
unsafe fn maxima<L: Lanes>(scores: &[f32], classes: usize) -> L {
    // SAFETY: the caller's promise, here and below.
    let mut square = unsafe { [L::splat(f32::NEG_INFINITY); LANES] };
    for (row, scores) in square.iter_mut().zip(scores.chunks_exact(classes)) {
        // The last piece again includes what has been seen.
        let (pieces, last) = (scores.as_chunks::<LANES>().0, &scores[classes - LANES..]);
        // SAFETY: as above; every piece has 16 elements.
        unsafe {
            *row = L::load(last.as_ptr());
            for piece in pieces {
                *row = L::load(piece.as_ptr()).larger(*row);
            }
        }
    }
    let columns = L::transpose(&square);
    let mut largest = columns[0];
    for column in 1..LANES {
        largest = columns[column].larger(largest);
    }
    largest
}

/// `e^(z − largest)` into `out`, if wanted, and its sum over each row, of at most [`LANES`]: in blocks as everywhere.
#[inline(always)]
unsafe fn exponentials<L: Lanes>(
    scores: &[f32],
    classes: usize,
    largest: &Row,
    mut out: Option<&mut [f32]>,
) -> L {
    let rows = scores.len() / classes;
    // SAFETY: the caller's promise, here and below.
    let zero = unsafe { L::splat(0.0) };
    let (mut total, mut block) = (zero, zero);
    let mut start = 0;
    while start < classes {
        let count = (classes - start).min(LANES);
        let mut square = [zero; LANES];
        for row in 0..rows.min(LANES) {
            let at = row * classes + start;
            let z = &scores[at..at + count];
            // SAFETY: as above; `z` has `count` elements, and so has the part of `out`.
            unsafe {
                let z = if count == LANES {
                    L::load(z.as_ptr())
                } else {
                    L::load_part(z.as_ptr(), count)
                };
                let e = z.minus(L::splat(largest[row])).map(exp);
                if let Some(out) = &mut out {
                    let part = &mut out[at..at + count];
                    if count == LANES {
                        e.store(part.as_mut_ptr());
                    } else {
                        e.store_part(part.as_mut_ptr(), count);
                    }
                }
                square[row] = e;
            }
        }
        let columns = L::transpose(&square);
        for column in 0..LANES {
            if column < count {
                block = block.plus(columns[column]);
            }
        }
        start += LANES;
        if start.is_multiple_of(BLOCK) || start >= classes {
            total = total.plus(block);
            block = zero;
        }
    }
    total
}

/// From the exponentials in `out`.
#[inline(always)]
unsafe fn derivatives<L: Lanes>(job: &Job<'_>, group: &Group, shares: &Row, out: &mut [f32]) {
    for (lane, out) in out.chunks_exact_mut(job.operands.classes).enumerate() {
        if job.operands.by_index() && group.class[lane] < 0.0 {
            out.fill(0.0);
            continue;
        }
        let (share, scale) = (shares[lane], group.scale[lane]);
        if job.is_sharp() {
            let (row, weight) = (group.first + lane, group.weight[lane]);
            let class = job.operands.indices[row] as usize;
            let own = (out[class] * share).mul_add(weight, -weight) * scale;
            out.iter_mut().for_each(|out| *out = *out * share * weight * scale);
            out[class] = own;
        } else {
            out.iter_mut().for_each(|out| *out *= share);
            plain::row_derivative(job, group.first + lane, scale, out);
        }
    }
}
