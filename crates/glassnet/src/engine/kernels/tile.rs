//! The product's inner loop: a tile of C in registers.
//!
//! # Safety
//! Every function here demands of its caller that the tile's pointers are valid for `terms` terms, the rows asked for and
//! `width` columns, and that it is inlined into `dispatch` for the level of `V`.

use super::vector::Vector;

/// One panel of B against rows of A: `width` columns, at most as many as the tile has.
pub(super) struct Tile {
    pub(super) a: *const f32,
    pub(super) a_row_stride: usize,
    pub(super) a_column_stride: usize,
    pub(super) b: *const f32,
    pub(super) b_stride: usize,
    pub(super) terms: usize,
    pub(super) width: usize,
    pub(super) c: *mut f32,
    pub(super) c_stride: usize,
    /// Add to C instead of replacing it.
    pub(super) add: bool,
    pub(super) finish: Finish,
}

/// What is done to the elements of the tile once their sums are whole.
#[derive(Clone, Copy)]
pub(super) struct Finish {
    /// The bias of the tile's columns, or null.
    pub(super) bias: *const f32,
    pub(super) relu: bool,
    /// The gates of the tile's elements, with C's stride, or null.
    pub(super) from: *const f32,
}

impl Finish {
    pub(super) const NOTHING: Finish =
        Finish { bias: std::ptr::null(), relu: false, from: std::ptr::null() };
}

/// `count` rows of C, in tiles as high as the registers allow.
///
/// AVX-512 has 32 registers: 12 × 2 for the tile, 2 for B. AVX2 has 16: 6 × 2 and 2. Flat tiles are one row.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn rows<V: Vector, const NV: usize>(tile: &Tile, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if tile.width == NV * V::LANES {
            heights::<V, NV, true>(tile, count);
        } else {
            heights::<V, NV, false>(tile, count);
        }
    }
}

/// One arm per height, so that the tile's size is a constant in each.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn heights<V: Vector, const NV: usize, const FULL: bool>(tile: &Tile, count: usize) {
    let mut row = 0;
    while row < count {
        let left = count - row;
        // SAFETY: the caller's promise.
        row += unsafe {
            if NV > 2 {
                one::<V, 1, NV, FULL>(tile, row)
            } else if V::LANES > 8 && left >= 12 {
                one::<V, 12, NV, FULL>(tile, row)
            } else if V::LANES > 8 && left >= 8 {
                one::<V, 8, NV, FULL>(tile, row)
            } else if V::LANES == 8 && left >= 6 {
                one::<V, 6, NV, FULL>(tile, row)
            } else if left >= 4 {
                one::<V, 4, NV, FULL>(tile, row)
            } else if left >= 2 {
                one::<V, 2, NV, FULL>(tile, row)
            } else {
                one::<V, 1, NV, FULL>(tile, row)
            }
        };
    }
}

/// `MR` rows of A and C from `row` on. Gives `MR`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn one<V: Vector, const MR: usize, const NV: usize, const FULL: bool>(
    tile: &Tile,
    row: usize,
) -> usize {
    // SAFETY: the caller's promise: the rows exist; of each, `width` elements are touched.
    unsafe {
        let sums = multiply::<V, MR, NV, FULL>(tile, tile.a.add(row * tile.a_row_stride));
        for i in 0..MR {
            finish::<V, NV, FULL>(&sums[i], tile, (row + i) * tile.c_stride);
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
    tile: &Tile,
    a: *const f32,
) -> [[V; NV]; MR] {
    // SAFETY: as in `one`.
    unsafe {
        let mut sums = [[V::splat(0.0); NV]; MR];
        let (mut a, mut b) = (a, tile.b);
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

/// Stores one row of sums, `place` elements from the tile's first: added to C or not, then bias and epilogue.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn finish<V: Vector, const NV: usize, const FULL: bool>(
    sums: &[V; NV],
    tile: &Tile,
    place: usize,
) {
    // SAFETY: as in `one`.
    unsafe {
        let c = tile.c.add(place);
        let Finish { bias, relu, from } = tile.finish;
        for v in 0..NV {
            let mut sum = sums[v];
            if tile.add {
                sum = load::<V, FULL>(c, tile.width, v).add(sum);
            }
            if !bias.is_null() {
                sum = sum.add(load::<V, FULL>(bias, tile.width, v));
            }
            if relu {
                sum = sum.gated(sum);
            }
            if !from.is_null() {
                sum = sum.gated(load::<V, FULL>(from.add(place), tile.width, v));
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
