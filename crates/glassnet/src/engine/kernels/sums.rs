//! Sums down the rows of a matrix, as a product with a row of ones gives them.

use super::dispatch::{Kernel, Level, dispatch};
use super::shape::KC;

/// `out[column] = Σ rows[..][column]` of n columns of a row-major matrix of m rows, `stride` apart: the gradient of a bias.
///
/// # Numerics
/// The bits of the product of a row of ones with the matrix: chains over blocks of [`KC`] rows.
///
/// # Panics
/// When `rows` is shorter than (m − 1)·stride + n or `out` than n.
#[inline]
pub fn sum_rows(level: Level, m: usize, n: usize, stride: usize, rows: &[f32], out: &mut [f32]) {
    let end = m.checked_sub(1).map_or(0, |last| last.saturating_mul(stride).saturating_add(n));
    assert!(rows.len() >= end, "sum_rows: the matrix is too short");
    assert!(out.len() >= n, "sum_rows: the output is too short");
    dispatch(level, SumRows { m, n, stride, rows, out });
}

struct SumRows<'a> {
    m: usize,
    n: usize,
    stride: usize,
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for SumRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const WIDTH: usize = 32;
        let (m, n, stride) = (self.m, self.n, self.stride);
        let whole = n - n % WIDTH;
        for j in (0..whole).step_by(WIDTH) {
            let sums = column_sums::<WIDTH>(m, stride, self.rows, j);
            self.out[j..j + WIDTH].copy_from_slice(&sums);
        }
        let mut j = whole;
        while j + 4 <= n {
            self.out[j..j + 4].copy_from_slice(&column_sums::<4>(m, stride, self.rows, j));
            j += 4;
        }
        for j in j..n {
            self.out[j] = column_sums::<1>(m, stride, self.rows, j)[0];
        }
    }
}

#[inline(always)]
fn column_sums<const W: usize>(m: usize, stride: usize, rows: &[f32], j: usize) -> [f32; W] {
    let mut total = [0.0; W];
    for block in (0..m).step_by(KC) {
        let mut sums = [0.0; W];
        for i in block..m.min(block + KC) {
            let row = &rows[i * stride + j..i * stride + j + W];
            for lane in 0..W {
                sums[lane] += row[lane];
            }
        }
        for lane in 0..W {
            total[lane] = if block == 0 { sums[lane] } else { total[lane] + sums[lane] };
        }
    }
    total
}
