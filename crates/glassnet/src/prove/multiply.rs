//! Rows of coefficients times a matrix, in blocks that stay in registers and caches.
//!
//! # Numerics
//! Every sum takes its products in the order of the matrix's rows, and each product and each sum is rounded by itself: the
//! bits depend neither on the instruction set nor on how many rows are multiplied together.

use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::Matrix;

/// So many rows are multiplied together.
const ROWS: usize = 4;

/// Matrices of fewer elements are multiplied row by row, without ado: blocks would cost more than they save.
const WORTHWHILE: usize = 5000;

/// A unit that some row of a block has a coefficient for, with the block's coefficients.
type Packed = (u32, [f64; ROWS]);

/// `target = weights · matrix`, for rows of `size` coefficients and of `columns` sums.
pub(super) fn multiply(
    weights: &[f64],
    size: usize,
    matrix: &Matrix,
    target: &mut [f64],
    columns: usize,
) {
    target.fill(0.0);
    match matrix {
        Matrix::Dense { values, .. } => multiply_dense(weights, size, values, target, columns),
        Matrix::Sparse { .. } => {
            let rows = weights.chunks_exact(size).zip(target.chunks_exact_mut(columns));
            for (weights, target) in rows {
                for (unit, &a) in weights.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                    for (column, w) in matrix.row(unit) {
                        target[column] += a * w;
                    }
                }
            }
        }
    }
}

/// The same with the matrix's elements, row by row; `target` is 0.
pub(super) fn multiply_dense(
    weights: &[f64],
    size: usize,
    values: &[f64],
    target: &mut [f64],
    columns: usize,
) {
    if size == 0 || columns == 0 {
        return;
    }
    let level = Level::new();
    if weights.len() < 2 * ROWS * size || values.len() < WORTHWHILE {
        let rows = weights.chunks_exact(size).zip(target.chunks_exact_mut(columns));
        for (weights, target) in rows {
            if values.len() < WORTHWHILE {
                for (&a, row) in weights.iter().zip(values.chunks_exact(columns)) {
                    if a != 0.0 {
                        target.iter_mut().zip(row).for_each(|(sum, w)| *sum += a * w);
                    }
                }
            } else {
                dispatch!(level, simd => one_row(simd, weights, values, target));
            }
        }
        return;
    }
    let blocks: Vec<Vec<Packed>> = weights.chunks(ROWS * size).map(|w| pack(w, size)).collect();
    dispatch!(level, simd => many_rows(simd, &blocks, values, target, columns));
}

/// The units for which a block of rows has coefficients.
fn pack(weights: &[f64], size: usize) -> Vec<Packed> {
    let at = |row: usize, unit: usize| weights.get(row * size + unit).copied().unwrap_or(0.0);
    (0..size)
        .map(|unit| (unit as u32, std::array::from_fn(|row| at(row, unit))))
        .filter(|(_, a): &Packed| a.iter().any(|a| *a != 0.0))
        .collect()
}

/// One row: several of the matrix's rows are added at a time.
#[inline(always)]
fn one_row<S: Simd>(simd: S, weights: &[f64], values: &[f64], target: &mut [f64]) {
    const AT_ONCE: usize = 8;
    let columns = target.len();
    let width = S::f64s::LEN;
    let used: Vec<usize> = (0..weights.len()).filter(|&unit| weights[unit] != 0.0).collect();
    for units in used.chunks(AT_ONCE) {
        if let &[a, b, c, d, e, f, g, h] = units {
            let units = [a, b, c, d, e, f, g, h];
            let rows = units.map(|unit| &values[unit * columns..(unit + 1) * columns]);
            let factors = units.map(|unit| S::f64s::splat(simd, weights[unit]));
            let whole = columns - columns % width;
            for at in (0..whole).step_by(width) {
                let mut sum = S::f64s::from_slice(simd, &target[at..at + width]);
                for (row, factor) in rows.iter().zip(factors) {
                    sum += factor * S::f64s::from_slice(simd, &row[at..at + width]);
                }
                sum.store_slice(&mut target[at..at + width]);
            }
            for at in whole..columns {
                for (row, unit) in rows.iter().zip(units) {
                    target[at] += weights[unit] * row[at];
                }
            }
        } else {
            for &unit in units {
                let row = &values[unit * columns..(unit + 1) * columns];
                target.iter_mut().zip(row).for_each(|(sum, w)| *sum += weights[unit] * w);
            }
        }
    }
}

#[inline(always)]
fn many_rows<S: Simd>(
    simd: S,
    blocks: &[Vec<Packed>],
    values: &[f64],
    target: &mut [f64],
    columns: usize,
) {
    // As many sums as there are registers for.
    if S::f64s::LEN >= 8 {
        panels::<S, 4>(simd, blocks, values, target, columns);
    } else {
        panels::<S, 2>(simd, blocks, values, target, columns);
    }
}

/// Columns in panels of `V` vectors, each copied to one place, and blocks of rows for each.
#[inline(always)]
fn panels<S: Simd, const V: usize>(
    simd: S,
    blocks: &[Vec<Packed>],
    values: &[f64],
    target: &mut [f64],
    columns: usize,
) {
    let vector = S::f64s::LEN;
    let width = V * vector;
    let mut panel = vec![0.0; values.len() / columns * width];
    let mut sums = vec![0.0; width];
    for start in (0..columns).step_by(width) {
        let used = width.min(columns - start);
        for (panel, row) in panel.chunks_exact_mut(width).zip(values.chunks_exact(columns)) {
            panel[..used].copy_from_slice(&row[start..start + used]);
        }
        for (block, target) in blocks.iter().zip(target.chunks_mut(ROWS * columns)) {
            let mut sum = [[S::f64s::splat(simd, 0.0); V]; ROWS];
            for (unit, factors) in block {
                let row = &panel[*unit as usize * width..][..width];
                let row: [S::f64s; V] = std::array::from_fn(|v| {
                    S::f64s::from_slice(simd, &row[v * vector..(v + 1) * vector])
                });
                for (sum, factor) in sum.iter_mut().zip(factors) {
                    let factor = S::f64s::splat(simd, *factor);
                    for (sum, row) in sum.iter_mut().zip(row) {
                        *sum += factor * row;
                    }
                }
            }
            for (sum, target) in sum.iter().zip(target.chunks_exact_mut(columns)) {
                for (v, sum) in sum.iter().enumerate() {
                    sum.store_slice(&mut sums[v * vector..(v + 1) * vector]);
                }
                target[start..start + used].copy_from_slice(&sums[..used]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all sizes, a third of them 0.
    fn numbers(count: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                let number = (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                if state.is_multiple_of(3) { 0.0 } else { number * 10_f64.powi((state % 7) as i32) }
            })
            .collect()
    }

    #[test]
    fn every_number_of_rows_gives_the_bits_of_plain_sums() {
        for (size, columns) in [(1, 1), (3, 5), (17, 33), (40, 64), (9, 100)] {
            for count in [1, 2, 7, 8, 9, 13, 32] {
                let weights = numbers(count * size, 7 + count as u64);
                let values = numbers(size * columns, 11 + columns as u64);
                let mut plain = vec![0.0; count * columns];
                for row in 0..count {
                    for unit in 0..size {
                        let a = weights[row * size + unit];
                        for column in 0..columns {
                            plain[row * columns + column] += a * values[unit * columns + column];
                        }
                    }
                }
                let matrix = Matrix::Dense { columns, values };
                let mut found = vec![f64::NAN; count * columns];
                multiply(&weights, size, &matrix, &mut found, columns);
                assert_eq!(found, plain, "{count} rows of {size}, {columns} columns");
            }
        }
    }
}
