//! Sums down the rows of a matrix, as a product with a row of ones gives them.
//!
//! # Safety
//! Every method here relies on the promise of [`sum_rows_in`].
#![allow(unsafe_code)]

use super::dispatch::{Level, VectorKernel, dispatch_vector};
use super::shape::KC;
use super::tile::used;
use super::vector::Vector;

/// `out[column] = Σ rows[..][column]` of a row-major (m, n) matrix: the gradient of a bias.
///
/// # Numerics
/// The bits of the product of a row of ones with the matrix: chains over blocks of [`KC`] rows.
///
/// # Panics
/// When `rows` is shorter than m·n or `out` than n.
#[inline]
pub fn sum_rows(level: Level, m: usize, n: usize, rows: &[f32], out: &mut [f32]) {
    assert!(rows.len() >= m.saturating_mul(n), "sum_rows: the matrix is too short");
    assert!(out.len() >= n, "sum_rows: the output is too short");
    let sums = SumRows { m, n, columns: n, rows: rows.as_ptr(), out: out.as_mut_ptr() };
    dispatch_vector(level, sums);
}

/// [`sum_rows`] of some columns of a matrix, for code that is compiled for the level of `V` already.
///
/// # Safety
/// `rows` is valid for m lines of `columns` elements, each n elements after the one before, `out` for `columns`; the
/// processor has the instructions of `V`. Parts of disjoint columns may run at the same time.
#[inline(always)]
pub(in crate::engine) unsafe fn sum_rows_in<V: Vector>(
    m: usize,
    n: usize,
    columns: usize,
    rows: *const f32,
    out: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe { SumRows { m, n, columns, rows, out }.run::<V>() }
}

struct SumRows {
    m: usize,
    n: usize,
    columns: usize,
    rows: *const f32,
    out: *mut f32,
}

impl VectorKernel for SumRows {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let mut column = 0;
        while column < self.columns {
            let left = self.columns - column;
            // SAFETY: the promise of `sum_rows_in`.
            unsafe {
                if left > 4 * V::LANES {
                    self.registers::<V, 8>(column, left);
                    column += 8 * V::LANES;
                } else if left > 2 * V::LANES {
                    self.registers::<V, 4>(column, left);
                    column += 4 * V::LANES;
                } else if left > V::LANES {
                    self.registers::<V, 2>(column, left);
                    column += 2 * V::LANES;
                } else {
                    self.registers::<V, 1>(column, left);
                    column += V::LANES;
                }
            }
        }
    }
}

impl SumRows {
    /// The columns of `NV` registers from `column` on, or as many as are left.
    #[inline(always)]
    unsafe fn registers<V: Vector, const NV: usize>(&self, column: usize, left: usize) {
        // SAFETY: the promise of `sum_rows_in`.
        unsafe {
            let mut line = self.rows.add(column);
            let mut totals = [V::splat(0.0); NV];
            let mut row = 0;
            while row < self.m {
                let end = self.m.min(row + KC);
                let first = row == 0;
                let mut sums = [V::splat(0.0); NV];
                while row < end {
                    for v in 0..NV {
                        let from = line.wrapping_add(v * V::LANES);
                        sums[v] = sums[v].add(V::load_part(from, used::<V>(left, v)));
                    }
                    line = line.wrapping_add(self.n);
                    row += 1;
                }
                for v in 0..NV {
                    totals[v] = if first { sums[v] } else { totals[v].add(sums[v]) };
                }
            }
            for v in 0..NV {
                let to = self.out.wrapping_add(column + v * V::LANES);
                totals[v].store_part(to, used::<V>(left, v));
            }
        }
    }
}
