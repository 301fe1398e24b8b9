//! Products of few rows: one sample to four. Each element of B is used so rarely that reading it is the work.
//!
//! # Safety
//! As in [`tile`](super::tile).
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::dispatch::Kernel;
use super::tile::{Finish, Tile, finish, used};
use super::vector::{COLUMNS, Vector};

/// Rows up to which B is read in wide tiles: the registers hold all rows' sums, and each line of B is read once.
#[inline(always)]
pub(super) const fn wide_rows<V: Vector>() -> usize {
    if V::MANY { 4 } else { 3 }
}

/// Does as many columns of `tile` as a wide tile of `rows` rows has, and gives how many; 0 if there are too few left.
/// B is row-major or in panels, all two registers wide.
///
/// # Safety
/// As in [`tile`](super::tile).
#[inline(always)]
pub(super) unsafe fn wide<V: Vector>(tile: &Tile, rows: usize) -> usize {
    let registers = tile.width.div_ceil(V::LANES);
    // SAFETY: the caller's promise.
    unsafe {
        match (V::MANY, rows) {
            (_, 1) if registers >= 8 => one_wide::<V, 1, 8>(tile),
            (_, 1) if registers >= 4 => one_wide::<V, 1, 4>(tile),
            (true, 2) if registers >= 8 => one_wide::<V, 2, 8>(tile),
            (_, 2) if registers >= 4 => one_wide::<V, 2, 4>(tile),
            (true, 3) if registers >= 8 => one_wide::<V, 3, 8>(tile),
            (_, 3) if registers >= 4 => one_wide::<V, 3, 4>(tile),
            (true, 4) if registers >= 6 => one_wide::<V, 4, 6>(tile),
            (true, 4) if registers >= 4 => one_wide::<V, 4, 4>(tile),
            // not operations: other sizes
            _ => 0,
        }
    }
}

#[inline(always)]
unsafe fn one_wide<V: Vector, const MR: usize, const NV: usize>(tile: &Tile) -> usize {
    let tile = Tile { width: tile.width.min(NV * V::LANES), ..*tile };
    // SAFETY: the caller's promise.
    unsafe { V::enter(Wide::<V, MR, NV>(&tile, PhantomData)) };
    tile.width
}

struct Wide<'a, V, const MR: usize, const NV: usize>(&'a Tile, PhantomData<V>);

impl<V: Vector, const MR: usize, const NV: usize> Kernel for Wide<'_, V, MR, NV> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let tile = *self.0;
        let (down, right) = if tile.a_transposed { (1, tile.a_stride) } else { (tile.a_stride, 1) };
        // SAFETY: the promise of `wide`.
        unsafe {
            let mut sums = [[V::splat(0.0); NV]; MR];
            let (mut a, mut b) = (tile.a, tile.b);
            for _ in 0..tile.terms {
                let mut factors = [V::splat(0.0); MR];
                for i in 0..MR {
                    factors[i] = V::splat(*a.add(i * down));
                }
                for v in 0..NV {
                    let line = b.wrapping_add(v / 2 * tile.b_panel + v % 2 * V::LANES);
                    let line = if v + 1 < NV {
                        V::load(line)
                    } else {
                        V::load_part(line, used::<V>(tile.width, v))
                    };
                    for i in 0..MR {
                        sums[i][v] = factors[i].mul_add(line, sums[i][v]);
                    }
                }
                a = a.wrapping_add(right);
                b = b.wrapping_add(tile.b_stride);
            }
            finish::<V, MR, NV, false>(&sums, &tile);
        }
    }
}

/// Rows up to which a transposed B is turned round in registers, rather than packed.
#[inline(always)]
pub(super) const fn dot_rows<V: Vector>() -> usize {
    if V::MANY { 12 } else { 6 }
}

/// A product of at most [`dot_rows`] rows with a transposed B: `tile.b_stride` goes from a column to the next. All columns
/// of the tile, however many.
///
/// # Safety
/// As in [`tile`](super::tile), for the lines of a transposed B.
#[inline(always)]
pub(super) unsafe fn dots<V: Vector>(tile: &Tile, rows: usize) {
    // SAFETY: the caller's promise.
    unsafe { Rows::<V>::KERNELS[usize::from(tile.a_transposed)][rows - 1](tile) }
}

/// The kernels for every number of rows.
struct Rows<V>(PhantomData<V>);

impl<V: Vector> Rows<V> {
    const KERNELS: [[unsafe fn(&Tile); 12]; 2] = [Self::of::<false>(), Self::of::<true>()];

    const fn of<const TRANSPOSED: bool>() -> [unsafe fn(&Tile); 12] {
        let mut kernels: [unsafe fn(&Tile); 12] = [all_dots::<V, 6, 1, TRANSPOSED>; 12];
        kernels[0] = all_dots::<V, 1, 2, TRANSPOSED>;
        kernels[1] = all_dots::<V, 2, 2, TRANSPOSED>;
        kernels[2] = all_dots::<V, 3, 2, TRANSPOSED>;
        kernels[3] = all_dots::<V, 4, 1, TRANSPOSED>;
        kernels[4] = all_dots::<V, 5, 1, TRANSPOSED>;
        if V::MANY {
            kernels[6] = all_dots::<V, 7, 1, TRANSPOSED>;
            kernels[7] = all_dots::<V, 8, 1, TRANSPOSED>;
            kernels[8] = all_dots::<V, 9, 1, TRANSPOSED>;
            kernels[9] = all_dots::<V, 10, 1, TRANSPOSED>;
            kernels[10] = all_dots::<V, 11, 1, TRANSPOSED>;
            kernels[11] = all_dots::<V, 12, 1, TRANSPOSED>;
        }
        kernels
    }
}

unsafe fn all_dots<V: Vector, const MR: usize, const NV: usize, const TRANSPOSED: bool>(
    tile: &Tile,
) {
    // SAFETY: the caller's promise.
    unsafe { V::enter_here(Dots::<V, MR, NV, TRANSPOSED>(tile, PhantomData)) }
}

struct Dots<'a, V, const MR: usize, const NV: usize, const TRANSPOSED: bool>(
    &'a Tile,
    PhantomData<V>,
);

impl<V: Vector, const MR: usize, const NV: usize, const TRANSPOSED: bool> Kernel
    for Dots<'_, V, MR, NV, TRANSPOSED>
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut tile = *self.0;
        let mut left = tile.width;
        while left > 0 {
            // SAFETY: the promise of `dots`: there are as many columns.
            unsafe {
                let columns = if NV == 2 && left > V::LANES {
                    some_dots::<V, MR, NV, TRANSPOSED>(&mut tile, left)
                } else {
                    some_dots::<V, MR, 1, TRANSPOSED>(&mut tile, left)
                };
                tile.b = tile.b.add(columns * tile.b_stride);
                tile.c = tile.c.add(columns);
                let Finish { bias, from, .. } = &mut tile.finish;
                if !bias.is_null() {
                    *bias = bias.add(columns);
                }
                if !from.is_null() {
                    *from = from.add(columns);
                }
                left -= columns;
            }
        }
    }
}

/// The columns of `NV` registers, or what is left of them. Gives how many.
#[inline(always)]
unsafe fn some_dots<V: Vector, const MR: usize, const NV: usize, const TRANSPOSED: bool>(
    tile: &mut Tile,
    left: usize,
) -> usize {
    tile.width = left.min(NV * V::LANES);
    // SAFETY: the caller's promise.
    unsafe {
        let mut sums = [[V::splat(0.0); NV]; MR];
        let mut thirds = [tile.a; MR];
        for i in 0..MR {
            thirds[i] = tile.a.wrapping_add(i / 3 * 3 * tile.a_stride);
        }
        let (mut a, mut b, mut left) = (tile.a, tile.b, tile.terms);
        while left > 0 {
            let count = left.min(COLUMNS);
            if count == COLUMNS {
                square::<V, MR, NV, TRANSPOSED>(&mut sums, tile, &thirds, a, b, COLUMNS);
            } else {
                square::<V, MR, NV, TRANSPOSED>(&mut sums, tile, &thirds, a, b, count);
            }
            // Past the last term these may leave their arrays, and are not used.
            for i in (0..MR).step_by(3) {
                thirds[i] = V::opaque(thirds[i].wrapping_add(COLUMNS));
            }
            a = a.wrapping_add(COLUMNS * tile.a_stride);
            b = V::opaque(b.wrapping_add(COLUMNS));
            left -= count;
        }
        finish::<V, MR, NV, false>(&sums, tile);
    }
    tile.width
}

/// The next `count` terms, at most [`COLUMNS`]: of B from `b` on, of a transposed A from `a` on, of a plain one from
/// `thirds`, each of which reaches three rows.
#[inline(always)]
unsafe fn square<V: Vector, const MR: usize, const NV: usize, const TRANSPOSED: bool>(
    sums: &mut [[V; NV]; MR],
    tile: &Tile,
    thirds: &[*const f32; MR],
    a: *const f32,
    b: *const f32,
    count: usize,
) {
    let Tile { a_stride, b_stride, .. } = *tile;
    // SAFETY: the caller's promise.
    unsafe {
        for v in 0..NV {
            let rows = (tile.width - v * V::LANES).min(V::LANES);
            let lines = V::columns(b.add(v * V::LANES * b_stride), b_stride, rows, count);
            for u in 0..COLUMNS {
                if u < count {
                    for i in 0..MR {
                        let factor = V::splat(if TRANSPOSED {
                            *a.add(u * a_stride + i)
                        } else {
                            *thirds[i / 3 * 3].wrapping_add(i % 3 * a_stride).add(u)
                        });
                        sums[i][v] = factor.mul_add(lines[u], sums[i][v]);
                    }
                }
            }
        }
    }
}
