//! The product's inner loop: a tile of C in registers.
//!
//! # Safety
//! The private functions are called by `one` alone, for a tile that `check` has passed: pointers are valid for the
//! elements of `width`, and everything is inlined into `dispatch` for the level of `V`.

use super::vector::Vector;

/// One panel of B against rows of A: `width` columns, at most as many as the tile has.
pub(super) struct Tile<'a> {
    pub(super) a: &'a [f32],
    pub(super) a_row_stride: usize,
    pub(super) a_column_stride: usize,
    pub(super) b: &'a [f32],
    pub(super) b_stride: usize,
    pub(super) terms: usize,
    pub(super) width: usize,
    pub(super) c_stride: usize,
    /// Add to C instead of replacing it.
    pub(super) add: bool,
    pub(super) bias: Option<&'a [f32]>,
}

/// `count` rows of C, in tiles as high as the registers allow.
///
/// AVX-512 has 32 registers: 12 × 2 for the tile, 2 for B. AVX2 has 16: 6 × 2 and 2. Flat tiles are one row.
#[inline(always)]
pub(super) fn rows<V: Vector, const NV: usize>(tile: &Tile<'_>, count: usize, c: &mut [f32]) {
    check(tile, NV * V::LANES, count, c.len());
    if tile.width == NV * V::LANES {
        heights::<V, NV, true>(tile, count, c);
    } else {
        heights::<V, NV, false>(tile, count, c);
    }
}

/// One arm per height, so that the tile's size is a constant in each.
#[inline(always)]
fn heights<V: Vector, const NV: usize, const FULL: bool>(
    tile: &Tile<'_>,
    count: usize,
    c: &mut [f32],
) {
    let mut row = 0;
    while row < count {
        let left = count - row;
        let c = &mut c[row * tile.c_stride..];
        row += if NV > 2 {
            one::<V, 1, NV, FULL>(tile, row, c)
        } else if V::LANES > 8 && left >= 12 {
            one::<V, 12, NV, FULL>(tile, row, c)
        } else if V::LANES > 8 && left >= 8 {
            one::<V, 8, NV, FULL>(tile, row, c)
        } else if V::LANES == 8 && left >= 6 {
            one::<V, 6, NV, FULL>(tile, row, c)
        } else if left >= 4 {
            one::<V, 4, NV, FULL>(tile, row, c)
        } else if left >= 2 {
            one::<V, 2, NV, FULL>(tile, row, c)
        } else {
            one::<V, 1, NV, FULL>(tile, row, c)
        };
    }
}

/// Panics unless every element that [`one`] touches lies inside its slice.
#[inline(always)]
fn check(tile: &Tile<'_>, columns: usize, count: usize, c_len: usize) {
    assert!(count > 0 && tile.terms > 0 && tile.width > 0 && tile.width <= columns);
    let (last_row, last_term) = (count - 1, tile.terms - 1);
    let end =
        |row: usize, stride: usize, more: usize| row.saturating_mul(stride).saturating_add(more);
    let a_last = end(last_row, tile.a_row_stride, last_term.saturating_mul(tile.a_column_stride));
    assert!(a_last < tile.a.len());
    assert!(end(last_term, tile.b_stride, tile.width) <= tile.b.len());
    assert!(end(last_row, tile.c_stride, tile.width) <= c_len);
    assert!(tile.bias.is_none_or(|bias| bias.len() == tile.width));
}

/// `MR` rows from `row` on, of A and of `tile`; `c` begins at that row. Gives `MR`.
#[inline(always)]
#[allow(unsafe_code)]
fn one<V: Vector, const MR: usize, const NV: usize, const FULL: bool>(
    tile: &Tile<'_>,
    row: usize,
    c: &mut [f32],
) -> usize {
    // SAFETY: `check` has compared the last element read or written through each pointer with its slice; where the tile
    // is wider than `width`, only the first `width` elements are touched. Instructions: this is inlined into `dispatch` for
    // the level of `V`.
    unsafe {
        let a = tile.a.as_ptr().add(row * tile.a_row_stride);
        let sums = multiply::<V, MR, NV, FULL>(tile, a);
        for i in 0..MR {
            finish::<V, NV, FULL>(&sums[i], tile, c.as_mut_ptr().add(i * tile.c_stride));
        }
    }
    MR
}

/// How many elements of register `v` are used.
#[inline(always)]
fn used<V: Vector>(width: usize, v: usize) -> usize {
    width.saturating_sub(v * V::LANES).min(V::LANES)
}

/// Register `v` of a line of `width` elements.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn load<V: Vector, const FULL: bool>(line: *const f32, width: usize, v: usize) -> V {
    let from = line.wrapping_add(v * V::LANES);
    // SAFETY: as in `one`.
    unsafe { if FULL { V::load(from) } else { V::load_part(from, used::<V>(width, v)) } }
}

/// The chains of one tile, each from +0.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn multiply<V: Vector, const MR: usize, const NV: usize, const FULL: bool>(
    tile: &Tile<'_>,
    a: *const f32,
) -> [[V; NV]; MR] {
    // SAFETY: as in `one`.
    unsafe {
        let mut sums = [[V::splat(0.0); NV]; MR];
        let (mut a, mut b) = (a, tile.b.as_ptr());
        for _ in 0..tile.terms {
            let mut line = [V::splat(0.0); NV];
            for v in 0..NV {
                line[v] = load::<V, FULL>(b, tile.width, v);
            }
            for i in 0..MR {
                let factor = V::splat(*a.add(i * tile.a_row_stride));
                for v in 0..NV {
                    sums[i][v] = factor.mul_add(line[v], sums[i][v]);
                }
            }
            // Past the last term these may point beyond the slices, and are not used.
            a = a.wrapping_add(tile.a_column_stride);
            b = b.wrapping_add(tile.b_stride);
        }
        sums
    }
}

/// Stores one row of sums: added to C or not, then the bias.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn finish<V: Vector, const NV: usize, const FULL: bool>(
    sums: &[V; NV],
    tile: &Tile<'_>,
    c: *mut f32,
) {
    // SAFETY: as in `one`.
    unsafe {
        for v in 0..NV {
            let mut sum = sums[v];
            if tile.add {
                sum = load::<V, FULL>(c, tile.width, v).add(sum);
            }
            if let Some(bias) = tile.bias {
                sum = sum.add(load::<V, FULL>(bias.as_ptr(), tile.width, v));
            }
            let to = c.wrapping_add(v * V::LANES);
            if FULL {
                sum.store(to);
            } else {
                sum.store_part(to, used::<V>(tile.width, v));
            }
        }
    }
}
