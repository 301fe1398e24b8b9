//! Softmax, reductions and standardisation along the middle axis of `[outer, length, inner]`.
//!
//! Sums are chains in order of the elements, in blocks of [`BLOCK`]: the rule of products. Where `inner` is more than 1,
//! neighbouring sums run side by side in lanes, each its own chain, so the bits do not depend on the lanes.
//!
//! # Safety
//! Its kernel is made from slices and run by [`dispatch_lanes`], inside the level of its lanes.

use super::broadcast::{maximum, minimum};
use super::chains::sums;
use super::instruction::Extent;
use super::kernels::{LANES, Lanes, LanesKernel, Level, dispatch_lanes};
use super::normalize::normalize_rows;
use crate::graph::op::{Reduction, Softmax};
use crate::math::elementary::{exp, log};

/// The length of one chain.
pub(super) const BLOCK: usize = 256;

/// `Σ f(i)` for `i` in `0..length` in each lane: one chain per block, blocks added in order.
#[inline(always)]
fn chain<const W: usize>(
    length: usize,
    mut step: impl FnMut(usize, [f32; W]) -> [f32; W],
) -> [f32; W] {
    let mut total = [0.0; W];
    let mut start = 0;
    while start < length {
        let end = (start + BLOCK).min(length);
        let mut block = [0.0; W];
        for i in start..end {
            block = step(i, block);
        }
        for lane in 0..W {
            total[lane] += block[lane];
        }
        start = end;
    }
    total
}

/// The elements of `W` neighbouring lines at position `i` of the middle axis.
#[inline(always)]
fn load<const W: usize>(x: &[f32], start: usize, i: usize, inner: usize) -> [f32; W] {
    let at = start + i * inner;
    let mut values = [0.0; W];
    values.copy_from_slice(&x[at..at + W]);
    values
}

#[inline(always)]
fn zip<const W: usize>(a: [f32; W], b: [f32; W], f: impl Fn(f32, f32) -> f32) -> [f32; W] {
    let mut out = [0.0; W];
    for lane in 0..W {
        out[lane] = f(a[lane], b[lane]);
    }
    out
}

/// Calls one of the two bodies for every line, the first for [`LANES`] neighbouring lines at once. Arguments: the
/// outer index and the inner index of the (first) line.
#[inline(always)]
fn for_lines(
    extent: Extent,
    mut wide: impl FnMut(usize, usize),
    mut single: impl FnMut(usize, usize),
) {
    for outer in 0..extent.outer {
        let mut inner = 0;
        while inner + LANES <= extent.inner {
            wide(outer, inner);
            inner += LANES;
        }
        while inner < extent.inner {
            single(outer, inner);
            inner += 1;
        }
    }
}

/// A reduction: see [`Reduction`].
pub(super) fn reduce(level: Level, kind: Reduction, x: &[f32], out: &mut [f32], extent: Extent) {
    let adds = match kind {
        Reduction::Sum | Reduction::Mean | Reduction::Variance { .. } => true,
        Reduction::Max | Reduction::Min => false,
    };
    if adds && extent.inner == 1 && extent.length > 0 {
        return dispatch_lanes(level, ReduceRows { kind, x, out, length: extent.length });
    }
    let out = std::cell::Cell::from_mut(out).as_slice_of_cells();
    level.run(
        #[inline(always)]
        || {
            for_lines(
                extent,
                #[inline(always)]
                |outer, inner| reduce_lines::<LANES>(kind, x, out, extent, outer, inner),
                #[inline(always)]
                |outer, inner| reduce_lines::<1>(kind, x, out, extent, outer, inner),
            );
        },
    );
}

/// Sums, means or variances of contiguous rows.
struct ReduceRows<'a> {
    kind: Reduction,
    x: &'a [f32],
    out: &'a mut [f32],
    length: usize,
}

impl LanesKernel for ReduceRows<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) {
        let ReduceRows { kind, x, out, length } = self;
        // SAFETY: the caller's promise: inside the level of `L`.
        unsafe {
            match kind {
                Reduction::Sum => sums::<L>(
                    x,
                    length,
                    out,
                    #[inline(always)]
                    |_, total, x| total.plus(x),
                ),
                Reduction::Mean => means::<L>(x, length, out),
                Reduction::Variance { correction } => {
                    let degrees = (length as f32 - f32::from(correction)).max(0.0);
                    variances::<L>(x, length, out);
                    out.iter_mut().for_each(|total| *total /= degrees);
                }
                Reduction::Max | Reduction::Min => unreachable!("these are no sums"),
            }
        }
    }
}

/// # Safety
/// As [`sums`].
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn means<L: Lanes>(x: &[f32], length: usize, out: &mut [f32]) {
    // SAFETY: the caller's promise.
    unsafe {
        let share = L::splat(1.0 / length as f32);
        sums::<L>(
            x,
            length,
            out,
            #[inline(always)]
            |_, total, x| x.mul_add(share, total),
        );
    }
}

/// Sums of squares of the distances from the mean.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn variances<L: Lanes>(x: &[f32], length: usize, out: &mut [f32]) {
    for (x, out) in x.chunks(LANES * length).zip(out.chunks_mut(LANES)) {
        let mut of = [0.0; LANES];
        // SAFETY: the caller's promise.
        unsafe {
            means::<L>(x, length, &mut of[..out.len()]);
            let all = L::load(of.as_ptr());
            sums::<L>(
                x,
                length,
                out,
                #[inline(always)]
                |lane, total, x| {
                    let mean = if lane.same { L::splat(of[lane.row]) } else { all };
                    let centred = x.minus(mean);
                    centred.mul_add(centred, total)
                },
            );
        }
    }
}

#[inline(always)]
fn reduce_lines<const W: usize>(
    kind: Reduction,
    x: &[f32],
    out: &[std::cell::Cell<f32>],
    extent: Extent,
    outer: usize,
    inner: usize,
) {
    let start = outer * extent.length * extent.inner + inner;
    let at = |i: usize| load::<W>(x, start, i, extent.inner);
    let length = extent.length;
    let values = match kind {
        Reduction::Sum => chain(length, |i, total| zip(total, at(i), |total, x| total + x)),
        Reduction::Mean => mean::<W>(length, at),
        Reduction::Max => (0..length).fold([f32::NEG_INFINITY; W], |m, i| zip(m, at(i), maximum)),
        Reduction::Min => (0..length).fold([f32::INFINITY; W], |m, i| zip(m, at(i), minimum)),
        Reduction::Variance { correction } => {
            let mean = mean::<W>(length, at);
            let squares = chain(length, |i, total| {
                let centred = zip(at(i), mean, |x, mean| x - mean);
                std::array::from_fn(|lane| centred[lane].mul_add(centred[lane], total[lane]))
            });
            let degrees = length as f32 - f32::from(correction);
            squares.map(|total: f32| total / degrees.max(0.0))
        }
    };
    let place = outer * extent.inner + inner;
    for (lane, value) in values.into_iter().enumerate() {
        out[place + lane].set(value);
    }
}

#[inline(always)]
fn mean<const W: usize>(length: usize, at: impl Fn(usize) -> [f32; W]) -> [f32; W] {
    if length == 0 {
        return [f32::NAN; W];
    }
    let share = 1.0 / length as f32;
    chain(length, |i, total| zip(total, at(i), |total, x| x.mul_add(share, total)))
}

/// Standardisation, or its derivative where `dy` is given: see [`crate::graph::op::Normalize`].
pub(super) fn normalize(
    level: Level,
    eps: f64,
    dy: Option<&[f32]>,
    x: &[f32],
    out: &mut [f32],
    extent: Extent,
) {
    let eps = eps as f32;
    if extent.inner == 1 && extent.length > 0 {
        return normalize_rows(level, eps, dy, x, out, extent.length);
    }
    let out = std::cell::Cell::from_mut(out).as_slice_of_cells();
    level.run(
        #[inline(always)]
        || {
            for_lines(
                extent,
                #[inline(always)]
                |outer, inner| normalize_lines::<LANES>(eps, dy, x, out, extent, outer, inner),
                #[inline(always)]
                |outer, inner| normalize_lines::<1>(eps, dy, x, out, extent, outer, inner),
            );
        },
    );
}

#[inline(always)]
fn normalize_lines<const W: usize>(
    eps: f32,
    dy: Option<&[f32]>,
    x: &[f32],
    out: &[std::cell::Cell<f32>],
    extent: Extent,
    outer: usize,
    inner: usize,
) {
    let start = outer * extent.length * extent.inner + inner;
    let at = |i: usize| load::<W>(x, start, i, extent.inner);
    let length = extent.length;
    let mean_x = mean::<W>(length, at);
    let variance = mean::<W>(length, |i| zip(at(i), mean_x, |x, mean| (x - mean) * (x - mean)));
    let scale = variance.map(|variance| 1.0 / (variance + eps).sqrt());
    let normal = |i: usize| {
        let centred = zip(at(i), mean_x, |x, mean| x - mean);
        zip(centred, scale, |centred, scale| centred * scale)
    };
    let set = |i: usize, values: [f32; W]| {
        for (lane, value) in values.into_iter().enumerate() {
            out[start + i * extent.inner + lane].set(value);
        }
    };
    let Some(dy) = dy else {
        (0..length).for_each(|i| set(i, normal(i)));
        return;
    };
    let upper = |i: usize| load::<W>(dy, start, i, extent.inner);
    let mean_dy = mean::<W>(length, upper);
    let mean_dy_y = mean::<W>(length, |i| zip(upper(i), normal(i), |dy, y| dy * y));
    for i in 0..length {
        let (dy, y) = (upper(i), normal(i));
        set(
            i,
            std::array::from_fn(|lane| {
                scale[lane] * (dy[lane] - mean_dy[lane] - y[lane] * mean_dy_y[lane])
            }),
        );
    }
}

/// Softmax and relatives: see [`Softmax`].
pub(super) fn softmax(
    level: Level,
    softmax: Softmax,
    operands: [&[f32]; 2],
    out: &mut [f32],
    extent: Extent,
) {
    level.run(
        #[inline(always)]
        || match softmax {
            Softmax::Probabilities { .. } => {
                subtract_max(operands[0], out, extent);
                out.iter_mut().for_each(|y| *y = exp(*y));
                for_each_line(extent, |start| {
                    let sum = line_sum(extent, |i| out[start + i * extent.inner]);
                    let share = 1.0 / sum;
                    (0..extent.length).for_each(|i| out[start + i * extent.inner] *= share);
                });
            }
            Softmax::Logarithms { .. } => {
                subtract_max(operands[0], out, extent);
                for_each_line(extent, |start| {
                    let sum = line_sum(extent, |i| exp(out[start + i * extent.inner]));
                    let logarithm = log(sum);
                    (0..extent.length).for_each(|i| out[start + i * extent.inner] -= logarithm);
                });
            }
            Softmax::ProbabilitiesGrad { .. } => {
                let [dy, y] = operands;
                for_each_line(extent, |start| {
                    let at = |i: usize| start + i * extent.inner;
                    let dot = line_sum(extent, |i| dy[at(i)] * y[at(i)]);
                    (0..extent.length).for_each(|i| out[at(i)] = y[at(i)] * (dy[at(i)] - dot));
                });
            }
            Softmax::LogarithmsGrad { .. } => {
                let [dy, y] = operands;
                for_each_line(extent, |start| {
                    let at = |i: usize| start + i * extent.inner;
                    let sum = line_sum(extent, |i| dy[at(i)]);
                    (0..extent.length).for_each(|i| out[at(i)] = dy[at(i)] - exp(y[at(i)]) * sum);
                });
            }
        },
    );
}

#[inline(always)]
fn for_each_line(extent: Extent, mut body: impl FnMut(usize)) {
    for outer in 0..extent.outer {
        for inner in 0..extent.inner {
            body(outer * extent.length * extent.inner + inner);
        }
    }
}

#[inline(always)]
fn line_sum(extent: Extent, at: impl Fn(usize) -> f32) -> f32 {
    chain::<1>(extent.length, |i, [total]| [total + at(i)])[0]
}

#[inline(always)]
fn subtract_max(z: &[f32], out: &mut [f32], extent: Extent) {
    for_each_line(extent, |start| {
        let at = |i: usize| start + i * extent.inner;
        let largest = (0..extent.length).fold(f32::NEG_INFINITY, |m, i| maximum(z[at(i)], m));
        (0..extent.length).for_each(|i| out[at(i)] = z[at(i)] - largest);
    });
}
