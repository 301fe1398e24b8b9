//! The product's inner loop: a tile of C in registers.

use super::vector::Vector;

/// One panel of B against rows of A. `b` has `width` used columns; if that is less than the tile's, it is packed and padded.
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

/// The widest tile, in floats.
const WIDEST: usize = 128;

/// `count` rows of C, in tiles as high as the registers allow.
///
/// AVX-512 has 32 registers: 12 × 2 for the tile, 2 for B. AVX2 has 16: 6 × 2 and 2. Flat tiles are one row.
#[inline(always)]
pub(super) fn rows<V: Vector, const NV: usize>(tile: &Tile<'_>, count: usize, c: &mut [f32]) {
    check(tile, NV * V::LANES, count, c.len());
    let mut row = 0;
    // One arm per height, so that the tile's size is a constant in each.
    while row < count {
        let left = count - row;
        let c = &mut c[row * tile.c_stride..];
        row += if NV > 2 {
            one::<V, 1, NV>(tile, row, c)
        } else if V::LANES > 8 && left >= 12 {
            one::<V, 12, NV>(tile, row, c)
        } else if V::LANES > 8 && left >= 8 {
            one::<V, 8, NV>(tile, row, c)
        } else if V::LANES == 8 && left >= 6 {
            one::<V, 6, NV>(tile, row, c)
        } else if left >= 4 {
            one::<V, 4, NV>(tile, row, c)
        } else if left >= 2 {
            one::<V, 2, NV>(tile, row, c)
        } else {
            one::<V, 1, NV>(tile, row, c)
        };
    }
}

/// Panics unless every element that [`one`] touches lies inside its slice.
#[inline(always)]
fn check(tile: &Tile<'_>, columns: usize, count: usize, c_len: usize) {
    let last_row = count.wrapping_sub(1);
    let last_term = tile.terms.wrapping_sub(1);
    assert!(
        count > 0 && tile.terms > 0 && tile.width > 0 && tile.width <= columns && columns <= WIDEST
    );
    assert!(last_row * tile.a_row_stride + last_term * tile.a_column_stride < tile.a.len());
    assert!(last_term * tile.b_stride + columns <= tile.b.len());
    assert!(last_row * tile.c_stride + tile.width <= c_len);
    assert!(tile.bias.is_none_or(|bias| bias.len() == tile.width));
}

/// `MR` rows from `row` on, of A and of `tile`; `c` begins at that row. Gives `MR`.
#[inline(always)]
#[allow(unsafe_code)]
fn one<V: Vector, const MR: usize, const NV: usize>(
    tile: &Tile<'_>,
    row: usize,
    c: &mut [f32],
) -> usize {
    let full = tile.width == NV * V::LANES;
    // SAFETY: `check` has compared the last element read or written through each pointer with its slice; ragged tiles go
    // through local arrays. Instructions: this is inlined into `dispatch` for the level of `V`.
    unsafe {
        let sums = multiply::<V, MR, NV>(tile, tile.a.as_ptr().add(row * tile.a_row_stride));
        for i in 0..MR {
            let c_row = c.as_mut_ptr().add(i * tile.c_stride);
            if full {
                let bias = tile.bias.map(<[f32]>::as_ptr);
                finish::<V, NV>(&sums[i], tile.add, bias, c_row);
            } else {
                let (mut local, mut bias) = ([0.0_f32; WIDEST], [0.0_f32; WIDEST]);
                if let Some(part) = tile.bias {
                    bias[..tile.width].copy_from_slice(part);
                }
                std::ptr::copy_nonoverlapping(c_row, local.as_mut_ptr(), tile.width);
                let bias = tile.bias.map(|_| bias.as_ptr());
                finish::<V, NV>(&sums[i], tile.add, bias, local.as_mut_ptr());
                std::ptr::copy_nonoverlapping(local.as_ptr(), c_row, tile.width);
            }
        }
    }
    MR
}

/// The chains of one tile, each from +0.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn multiply<V: Vector, const MR: usize, const NV: usize>(
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
                line[v] = V::load(b.add(v * V::LANES));
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
unsafe fn finish<V: Vector, const NV: usize>(
    sums: &[V; NV],
    add: bool,
    bias: Option<*const f32>,
    c: *mut f32,
) {
    // SAFETY: as in `one`.
    unsafe {
        for v in 0..NV {
            let c = c.add(v * V::LANES);
            let mut sum = sums[v];
            if add {
                sum = V::load(c).add(sum);
            }
            if let Some(bias) = bias {
                sum = sum.add(V::load(bias.add(v * V::LANES)));
            }
            sum.store(c);
        }
    }
}
