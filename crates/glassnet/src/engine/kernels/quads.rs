//! Products with few columns: a register holds four columns of as many rows as it has groups of four lanes.
//!
//! With ten columns a register of sixteen lanes per row would waste six of them; three registers for four rows waste two of
//! twelve. With four columns nothing is wasted instead of three quarters.
//!
//! # Safety
//! As in [`tile`](super::tile); the lines of B may be read to a multiple of four columns.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::dispatch::Kernel;
use super::tile::{Finish, Tile};
use super::vector::Vector;

/// Whether `rows` × `columns` are better done here, where a line of B holds `LANES` floats.
#[inline(always)]
pub(super) fn suits<V: Vector>(rows: usize, columns: usize) -> bool {
    columns.div_ceil(4) < V::QUADS && rows >= 2 * V::QUADS
}

/// All `rows` rows of `tile`, whose width [`suits`].
///
/// # Safety
/// As the module says.
#[inline(always)]
pub(super) unsafe fn quads<V: Vector>(tile: &Tile, rows: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match (tile.width.div_ceil(4), tile.a_transposed) {
            (1, false) => V::enter(Quads::<V, 8, 1, false>(tile, rows, PhantomData)),
            (1, true) => V::enter(Quads::<V, 8, 1, true>(tile, rows, PhantomData)),
            (2, false) => V::enter(Quads::<V, 4, 2, false>(tile, rows, PhantomData)),
            (2, true) => V::enter(Quads::<V, 4, 2, true>(tile, rows, PhantomData)),
            (_, false) => V::enter(Quads::<V, 4, 3, false>(tile, rows, PhantomData)),
            (_, true) => V::enter(Quads::<V, 4, 3, true>(tile, rows, PhantomData)),
        }
    }
}

/// `G` groups of rows at a time, `NQ` times four columns.
struct Quads<'a, V, const G: usize, const NQ: usize, const TRANSPOSED: bool>(
    &'a Tile,
    usize,
    PhantomData<V>,
);

impl<V: Vector, const G: usize, const NQ: usize, const TRANSPOSED: bool> Kernel
    for Quads<'_, V, G, NQ, TRANSPOSED>
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Quads(tile, rows, _) = self;
        let mut row = 0;
        // SAFETY: the promise of `quads`: these rows exist.
        unsafe {
            while rows - row >= G * V::QUADS {
                groups::<V, G, NQ, TRANSPOSED, true>(&tile.down(row), G * V::QUADS);
                row += G * V::QUADS;
            }
            while row < rows {
                // The last groups are partly empty.
                let count = (rows - row).min(2 * V::QUADS);
                if count == 2 * V::QUADS {
                    groups::<V, 2, NQ, TRANSPOSED, true>(&tile.down(row), count);
                } else if count > V::QUADS {
                    groups::<V, 2, NQ, TRANSPOSED, false>(&tile.down(row), count);
                } else {
                    groups::<V, 1, NQ, TRANSPOSED, false>(&tile.down(row), count);
                }
                row += count;
            }
        }
    }
}

/// One line of B, every four columns in a register of their own.
#[inline(always)]
unsafe fn line<V: Vector, const NQ: usize>(from: *const f32) -> [V; NQ] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut line = [V::splat(0.0); NQ];
        for q in 0..NQ {
            line[q] = V::quad_splat(from.add(4 * q));
        }
        line
    }
}

/// The rows of group `g`.
#[inline(always)]
fn filled<V: Vector>(rows: usize, g: usize) -> usize {
    (rows - g * V::QUADS).min(V::QUADS)
}

/// `rows` rows in `G` groups; only the last may be partly empty.
#[inline(always)]
unsafe fn groups<
    V: Vector,
    const G: usize,
    const NQ: usize,
    const TRANSPOSED: bool,
    const FULL: bool,
>(
    tile: &Tile,
    rows: usize,
) {
    // Where it is a constant, nothing is compared in the loops.
    let rows = if FULL { G * V::QUADS } else { rows };
    let Tile { a, a_stride, mut b, b_stride, terms, .. } = *tile;
    let down = if TRANSPOSED { 1 } else { a_stride };
    // SAFETY: the caller's promise. Past the last term the pointers may leave their arrays, and are not used.
    unsafe {
        let mut sums = [[V::splat(0.0); NQ]; G];
        let mut starts = [a; G];
        for g in 0..G {
            starts[g] = a.wrapping_add(g * V::QUADS * down);
        }
        let mut left = terms;
        while !TRANSPOSED && left >= 4 {
            let mut lines = [[V::splat(0.0); NQ]; 4];
            for u in 0..4 {
                lines[u] = line::<V, NQ>(b.add(u * b_stride));
            }
            b = b.wrapping_add(4 * b_stride);
            for g in 0..G {
                let factors = V::quad_rows_of_four(starts[g], down, filled::<V>(rows, g));
                for u in 0..4 {
                    for q in 0..NQ {
                        sums[g][q] = factors[u].mul_add(lines[u][q], sums[g][q]);
                    }
                }
                starts[g] = V::opaque(starts[g].wrapping_add(4));
            }
            left -= 4;
        }
        while left > 0 {
            let line = line::<V, NQ>(b);
            b = b.wrapping_add(b_stride);
            for g in 0..G {
                let factor = if TRANSPOSED {
                    V::quad_line(starts[g], filled::<V>(rows, g))
                } else {
                    V::quad_rows(starts[g], down, filled::<V>(rows, g))
                };
                for q in 0..NQ {
                    sums[g][q] = factor.mul_add(line[q], sums[g][q]);
                }
                starts[g] = starts[g].wrapping_add(if TRANSPOSED { a_stride } else { 1 });
            }
            left -= 1;
        }
        let mut biases = [V::splat(0.0); NQ];
        if !tile.finish.bias.is_null() {
            for q in 0..NQ {
                let from = tile.finish.bias.add(4 * q);
                biases[q] = V::quad_load(from, 0, V::QUADS, (tile.width - 4 * q).min(4));
            }
        }
        for g in 0..G {
            for q in 0..NQ {
                finish(sums[g][q], biases[q], tile, g * V::QUADS, filled::<V>(rows, g), 4 * q);
            }
        }
    }
}

/// Stores four columns from `column` on of the rows `row ..`.
#[inline(always)]
unsafe fn finish<V: Vector>(
    mut sum: V,
    biases: V,
    tile: &Tile,
    row: usize,
    rows: usize,
    column: usize,
) {
    let Tile { c, c_stride, width, add, finish: Finish { bias, relu, from }, .. } = *tile;
    let columns = (width - column).min(4);
    let place = row * c_stride + column;
    // SAFETY: the caller's promise.
    unsafe {
        if add {
            sum = V::quad_load(c.add(place), c_stride, rows, columns).add(sum);
        }
        if !bias.is_null() {
            sum = sum.add(biases);
        }
        if relu {
            sum = sum.gated(sum);
        }
        if !from.is_null() {
            sum = sum.gated(V::quad_load(from.add(place), c_stride, rows, columns));
        }
        sum.quad_store(c.add(place), c_stride, rows, columns);
    }
}
