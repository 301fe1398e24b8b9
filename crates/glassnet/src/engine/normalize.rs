//! Standardisation of contiguous rows, and its derivative: see [`crate::graph::op::Normalize`].
//!
//! # Safety
//! Its kernel is made from slices and run by [`dispatch_lanes`], inside the level of its lanes.

use super::chains::sums;
use super::kernels::{LANES, Lanes, LanesKernel, Level, dispatch_lanes};
use super::rows::means;

/// Every row of `length` numbers less its mean, divided by its standard deviation; its derivative where `dy` is given.
pub(super) fn normalize_rows(
    level: Level,
    eps: f32,
    dy: Option<&[f32]>,
    x: &[f32],
    out: &mut [f32],
    length: usize,
) {
    dispatch_lanes(level, Rows { eps, dy, x, out, length });
}

struct Rows<'a> {
    eps: f32,
    dy: Option<&'a [f32]>,
    x: &'a [f32],
    out: &'a mut [f32],
    length: usize,
}

impl LanesKernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) {
        let Rows { eps, dy, x, out, length } = self;
        let group = LANES * length;
        for (number, (x, out)) in x.chunks(group).zip(out.chunks_mut(group)).enumerate() {
            let count = x.len() / length;
            let (mut mean, mut scale) = ([0.0; LANES], [0.0; LANES]);
            // SAFETY: the caller's promise: inside the level of `L`.
            unsafe {
                means::<L>(x, length, &mut mean[..count]);
                variances::<L>(x, length, &mean, &mut scale[..count]);
            }
            scale.iter_mut().for_each(|scale| *scale = 1.0 / (*scale + eps).sqrt());
            let Some(dy) = dy else {
                for (row, (x, out)) in x.chunks(length).zip(out.chunks_mut(length)).enumerate() {
                    let (mean, scale) = (mean[row], scale[row]);
                    for (out, x) in out.iter_mut().zip(x) {
                        *out = (x - mean) * scale;
                    }
                }
                continue;
            };
            let dy = &dy[number * group..][..x.len()];
            let (mut mean_dy, mut mean_dy_y) = ([0.0; LANES], [0.0; LANES]);
            for (row, (out, (x, dy))) in rows(length, x, dy, out) {
                let (mean, scale) = (mean[row], scale[row]);
                for (out, (x, dy)) in out.iter_mut().zip(x.iter().zip(dy)) {
                    *out = dy * ((x - mean) * scale);
                }
            }
            // SAFETY: as above.
            unsafe {
                means::<L>(dy, length, &mut mean_dy[..count]);
                means::<L>(out, length, &mut mean_dy_y[..count]);
            }
            for (row, (out, (x, dy))) in rows(length, x, dy, out) {
                let (mean, scale) = (mean[row], scale[row]);
                let (mean_dy, mean_dy_y) = (mean_dy[row], mean_dy_y[row]);
                for (out, (x, dy)) in out.iter_mut().zip(x.iter().zip(dy)) {
                    let y = (x - mean) * scale;
                    *out = scale * (dy - mean_dy - y * mean_dy_y);
                }
            }
        }
    }
}

/// A row of `out`, and those of `x` and `dy`.
type Row<'a> = (&'a mut [f32], (&'a [f32], &'a [f32]));

/// The rows of three arrays, numbered.
#[inline(always)]
fn rows<'a>(
    length: usize,
    x: &'a [f32],
    dy: &'a [f32],
    out: &'a mut [f32],
) -> impl Iterator<Item = (usize, Row<'a>)> {
    out.chunks_mut(length).zip(x.chunks(length).zip(dy.chunks(length))).enumerate()
}

/// Means of the squared distances from the means, of at most [`LANES`] rows.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn variances<L: Lanes>(x: &[f32], length: usize, means: &[f32; LANES], out: &mut [f32]) {
    // SAFETY: the caller's promise; the array has 16 numbers.
    unsafe {
        let (share, all) = (L::splat(1.0 / length as f32), L::load(means.as_ptr()));
        sums::<L>(
            x,
            length,
            out,
            #[inline(always)]
            |lane, total, x| {
                let mean = if lane.same { L::splat(means[lane.row]) } else { all };
                let centred = x.minus(mean);
                centred.times(centred).mul_add(share, total)
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::instruction::Extent;
    use super::super::rows::normalize;
    use super::*;

    /// The middle axis of a transposed array goes through the other code: each column its own chain.
    #[test]
    fn rows_have_the_bits_of_columns() {
        for (rows, length) in [(1, 1), (1, 700), (3, 5), (16, 64), (17, 300), (20, 513), (2, 5000)]
        {
            let number = |i: usize| ((i * 7919 + 13) % 10007) as f32 / 997.0 - 4.0;
            let x: Vec<f32> = (0..rows * length).map(number).collect();
            let dy: Vec<f32> = (0..rows * length).map(|i| number(i * 31 + 5)).collect();
            let turned = |a: &[f32]| -> Vec<f32> {
                (0..a.len()).map(|i| a[i % rows * length + i / rows]).collect()
            };
            let (columns, columns_dy) = (turned(&x), turned(&dy));
            for level in Level::supported() {
                for backward in [false, true] {
                    let (mut out, mut expected) = (vec![7.0; x.len()], vec![7.0; x.len()]);
                    let extent = Extent { outer: rows, length, inner: 1 };
                    normalize(level, 1e-5, backward.then_some(&dy), &x, &mut out, extent);
                    let extent = Extent { outer: 1, length, inner: rows };
                    let columns_dy = backward.then_some(&columns_dy[..]);
                    if rows > 1 {
                        normalize(level, 1e-5, columns_dy, &columns, &mut expected, extent);
                        assert_eq!(turned(&out), expected, "{rows} × {length} {level} {backward}");
                    }
                    assert!(out.iter().all(|value| value.is_finite() && *value != 7.0));
                }
            }
        }
    }
}
