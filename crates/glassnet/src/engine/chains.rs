//! Long sums along contiguous rows, sixteen chains side by side.
//!
//! A sum is a chain in order of the elements, in blocks of [`BLOCK`] which are added in order: the rule of products. One
//! chain alone waits four cycles for every element. Different rows, and different blocks of one row, have nothing to do
//! with each other until a block is added, so their chains run in lanes; squares of sixteen are turned for that.
//!
//! # Safety
//! Everything here is inlined into the level of `L`.
#![allow(unsafe_code)]

use super::kernels::{LANES, Lanes};
use super::rows::BLOCK;

/// `out[row] = Σ step(row, x[row, ·])` over rows of `length`: `step` goes on with the chains of some rows, from the
/// totals and elements. Its first argument tells which rows: the first of them, and whether all lanes are that row's.
///
/// # Safety
/// As the module says. `x` has `out.len()` rows of `length` numbers.
#[inline(always)]
pub(super) unsafe fn sums<L: Lanes>(
    x: &[f32],
    length: usize,
    out: &mut [f32],
    step: impl Fn(Lane, L, L) -> L,
) {
    let rows = out.len();
    // Whichever fills more lanes: the rows, or the blocks of one of them.
    let by_blocks = length / BLOCK >= rows.clamp(2, LANES);
    assert!(rows.checked_mul(length).is_some_and(|len| len <= x.len()), "rows beyond the array");
    let mut first = 0;
    while first < rows {
        if by_blocks {
            // SAFETY: the caller's promise; the row lies within `x`.
            out[first] = unsafe { long::<L>(&x[first * length..][..length], first, &step) };
            first += 1;
        } else {
            let count = (rows - first).min(LANES);
            // SAFETY: as above, for `count` rows.
            unsafe {
                let from = x.as_ptr().add(first * length);
                let lane = Lane { row: first, same: false };
                let sums = side_by_side::<L>(from, length, count, length, lane, &step).array();
                out[first..first + count].copy_from_slice(&sums[..count]);
            }
            first += count;
        }
    }
}

/// Which rows the lanes belong to.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    /// The first lane's row.
    pub(super) row: usize,
    /// Whether the other lanes belong to the same row, instead of those after it.
    pub(super) same: bool,
}

/// The sum of one row: its blocks in lanes, then added in order.
#[inline(always)]
unsafe fn long<L: Lanes>(x: &[f32], row: usize, step: &impl Fn(Lane, L, L) -> L) -> f32 {
    let (blocks, rest) = x.as_chunks::<BLOCK>();
    let lane = Lane { row, same: true };
    let mut total = 0.0;
    for group in blocks.chunks(LANES) {
        let from = group.as_ptr().cast();
        // SAFETY: the caller's promise; the group's blocks follow each other.
        let sums = unsafe { side_by_side::<L>(from, BLOCK, group.len(), BLOCK, lane, step) };
        for sum in &sums.array()[..group.len()] {
            total += sum;
        }
    }
    if !rest.is_empty() {
        // SAFETY: as above.
        let sum = unsafe { side_by_side::<L>(rest.as_ptr(), 0, 1, rest.len(), lane, step) };
        total += sum.array()[0];
    }
    total
}

/// The sums of `count` rows (at most [`LANES`]), `stride` apart.
#[inline(always)]
unsafe fn side_by_side<L: Lanes>(
    from: *const f32,
    stride: usize,
    count: usize,
    length: usize,
    lane: Lane,
    step: &impl Fn(Lane, L, L) -> L,
) -> L {
    // SAFETY: the caller's promise, here and below.
    let zero = unsafe { L::splat(0.0) };
    let (mut total, mut block) = (zero, zero);
    if count == 1 {
        for start in (0..length).step_by(BLOCK) {
            for at in start..length.min(start + BLOCK) {
                // SAFETY: as above; nothing to turn for one row.
                block = step(lane, block, unsafe { L::splat(*from.add(at)) });
            }
            total = total.plus(block);
            block = zero;
        }
        return total;
    }
    let mut start = 0;
    while start < length {
        let width = (length - start).min(LANES);
        let mut square = [zero; LANES];
        // SAFETY: as above; `width` numbers of `count` rows.
        unsafe {
            if width == LANES && count == LANES {
                for row in 0..LANES {
                    square[row] = L::load(from.add(row * stride + start));
                }
            } else {
                for row in 0..LANES {
                    if row < count {
                        square[row] = L::load_part(from.add(row * stride + start), width);
                    }
                }
            }
        }
        let columns = L::transpose(&square);
        if width == LANES {
            for column in columns {
                block = step(lane, block, column);
            }
        } else {
            for column in &columns[..width] {
                block = step(lane, block, *column);
            }
        }
        start += LANES;
        if start.is_multiple_of(BLOCK) || start >= length {
            total = total.plus(block);
            block = zero;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::super::instruction::Extent;
    use super::super::kernels::Level;
    use super::super::rows::reduce;
    use super::BLOCK;
    use crate::graph::op::Reduction;

    /// The rule, number by number.
    fn chain(x: &[f32], step: impl Fn(f32, f32) -> f32) -> f32 {
        x.chunks(BLOCK).fold(0.0, |total, block| total + block.iter().copied().fold(0.0, &step))
    }

    fn by_the_rule(kind: Reduction, x: &[f32]) -> f32 {
        let share = 1.0 / x.len() as f32;
        let mean = || chain(x, |total, x| x.mul_add(share, total));
        match kind {
            Reduction::Sum => chain(x, |total, x| total + x),
            Reduction::Mean => mean(),
            Reduction::Variance { correction } => {
                let mean = mean();
                let squares = chain(x, |total, x| (x - mean).mul_add(x - mean, total));
                squares / (x.len() as f32 - f32::from(correction)).max(0.0)
            }
            Reduction::Max => x.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            Reduction::Min => x.iter().copied().fold(f32::INFINITY, f32::min),
        }
    }

    #[test]
    fn rows_side_by_side_and_blocks_side_by_side_have_the_bits_of_one_chain() {
        let kinds = [
            Reduction::Sum,
            Reduction::Mean,
            Reduction::Variance { correction: 1 },
            Reduction::Variance { correction: 0 },
            Reduction::Max,
            Reduction::Min,
        ];
        let shapes = [
            (1, 1),
            (1, 255),
            (1, 256),
            (1, 257),
            (1, 511),
            (1, 512),
            (1, 5000),
            (1, 8192),
            (2, 3),
            (3, 700),
            (15, 16),
            (16, 16),
            (17, 15),
            (40, 33),
            (33, 300),
            (5, 4500),
            (20, 512),
            (0, 3),
        ];
        for (outer, length) in shapes {
            let mut x: Vec<f32> = (0..outer * length)
                .map(|i| ((i * 7919 + 13) % 10007) as f32 / 997.0 - 4.0)
                .collect();
            for special in [0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                let place = x.len() / 2;
                x.iter_mut().skip(place).take(1).for_each(|x| *x = special);
                for kind in kinds {
                    let expected: Vec<f32> =
                        x.chunks_exact(length).map(|row| by_the_rule(kind, row)).collect();
                    if matches!(kind, Reduction::Max | Reduction::Min) && special.is_nan() {
                        continue;
                    }
                    for level in Level::supported() {
                        let mut out = vec![7.0; outer];
                        reduce(level, kind, &x, &mut out, Extent { outer, length, inner: 1 });
                        for (out, expected) in out.iter().zip(&expected) {
                            let same = out.to_bits() == expected.to_bits()
                                || (out.is_nan() && expected.is_nan());
                            assert!(same, "{out} {expected} {kind:?} {outer} × {length} {level}");
                        }
                    }
                }
            }
        }
    }
}
