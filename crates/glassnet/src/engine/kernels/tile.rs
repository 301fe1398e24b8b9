//! The product's inner loop: a tile of C in registers, up to two registers wide.
//!
//! # Safety
//! Every function here demands of its caller that the tile's pointers are valid for `terms` terms, the rows asked for and
//! `width` columns, and that the processor has the instructions of `V`.
#![allow(unsafe_code)]

use std::marker::PhantomData;

use super::dispatch::Kernel;
use super::vector::Vector;

/// Some columns of B against rows of A: `width` columns, at most as many as the kernel has.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) a: *const f32,
    /// From a row to the next, or from a term to the next if A is transposed.
    pub(super) a_stride: usize,
    pub(super) a_transposed: bool,
    pub(super) b: *const f32,
    /// From a term to the next.
    pub(super) b_stride: usize,
    /// From two registers of a line to the next two, which are in another panel.
    pub(super) b_panel: usize,
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

impl Tile {
    /// The same tile from row `row` on.
    ///
    /// # Safety
    /// The tile's matrices have a row `row`, or end before it.
    #[inline(always)]
    pub(super) unsafe fn down(&self, row: usize) -> Tile {
        // SAFETY: the caller's promise: the row exists.
        unsafe {
            let a = self.a.add(row * if self.a_transposed { 1 } else { self.a_stride });
            let mut tile = Tile { a, c: self.c.add(row * self.c_stride), ..*self };
            if !self.finish.from.is_null() {
                tile.finish.from = self.finish.from.add(row * self.c_stride);
            }
            tile
        }
    }
}

/// The heights of tiles for `rows` rows: as few and as equal as possible. A low tile has too few chains to keep the
/// processor busy.
#[inline(always)]
pub(super) fn next_height<V: Vector>(rows: usize) -> usize {
    if rows <= V::HEIGHT { rows } else { rows.div_ceil(rows.div_ceil(V::HEIGHT)) }
}

/// A tile of `height` rows, 1 to [`Vector::HEIGHT`], as wide as one register, if that is enough, or two.
///
/// # Safety
/// As the module says, for `height` rows.
#[inline(always)]
pub(super) unsafe fn tile<V: Vector>(tile: &Tile, height: usize) {
    let (low, high) = (usize::from(tile.a_transposed), usize::from(tile.width > V::LANES));
    // SAFETY: the caller's promise.
    unsafe { Heights::<V>::KERNELS[2 * high + low][height - 1](tile) }
}

/// Every size of tile that the registers allow.
struct Heights<V>(PhantomData<V>);

impl<V: Vector> Heights<V> {
    /// By width and way of A, then by height.
    const KERNELS: [[unsafe fn(&Tile); 12]; 4] = [
        Self::at_heights::<1, false>(),
        Self::at_heights::<1, true>(),
        Self::at_heights::<2, false>(),
        Self::at_heights::<2, true>(),
    ];

    /// The kernels of all heights; from the highest on the same one again.
    const fn at_heights<const NV: usize, const TRANSPOSED: bool>() -> [unsafe fn(&Tile); 12] {
        let two = [one_tile::<V, 1, NV, TRANSPOSED>, one_tile::<V, 2, NV, TRANSPOSED>];
        let mut kernels: [unsafe fn(&Tile); 12] = [two[1]; 12];
        kernels[0] = two[0];
        if V::HEIGHT >= 6 {
            kernels = [one_tile::<V, 6, NV, TRANSPOSED>; 12];
            kernels[0] = two[0];
            kernels[1] = two[1];
            kernels[2] = one_tile::<V, 3, NV, TRANSPOSED>;
            kernels[3] = one_tile::<V, 4, NV, TRANSPOSED>;
            kernels[4] = one_tile::<V, 5, NV, TRANSPOSED>;
        }
        if V::HEIGHT >= 12 {
            kernels[6] = one_tile::<V, 7, NV, TRANSPOSED>;
            kernels[7] = one_tile::<V, 8, NV, TRANSPOSED>;
            kernels[8] = one_tile::<V, 9, NV, TRANSPOSED>;
            kernels[9] = one_tile::<V, 10, NV, TRANSPOSED>;
            kernels[10] = one_tile::<V, 11, NV, TRANSPOSED>;
            kernels[11] = one_tile::<V, 12, NV, TRANSPOSED>;
        }
        kernels
    }
}

unsafe fn one_tile<V: Vector, const MR: usize, const NV: usize, const TRANSPOSED: bool>(
    tile: &Tile,
) {
    // SAFETY: the caller's promise.
    unsafe { V::enter_here(OneTile::<V, MR, NV, TRANSPOSED>(tile, PhantomData)) }
}

struct OneTile<'a, V, const MR: usize, const NV: usize, const TRANSPOSED: bool>(
    &'a Tile,
    PhantomData<V>,
);

impl<V: Vector, const MR: usize, const NV: usize, const TRANSPOSED: bool> Kernel
    for OneTile<'_, V, MR, NV, TRANSPOSED>
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: the promise of `tile`.
        unsafe {
            let tile = *self.0;
            prefetch::<V, MR, NV>(&tile);
            if !V::MANY && tile.width == NV * V::LANES {
                // A mask would take one of few registers, and be slow on some processors.
                let sums = multiply::<V, MR, NV, TRANSPOSED, true>(&tile);
                finish::<V, MR, NV, true>(&sums, &tile);
            } else {
                let sums = multiply::<V, MR, NV, TRANSPOSED, false>(&tile);
                finish::<V, MR, NV, false>(&sums, &tile);
            }
        }
    }
}

/// Asks for the tile of C where the sum is long enough to wait for it.
///
/// # Safety
/// As the module says, for `MR` rows.
#[inline(always)]
pub(super) unsafe fn prefetch<V: Vector, const MR: usize, const NV: usize>(tile: &Tile) {
    if tile.terms >= 64 {
        for i in 0..MR {
            let row = tile.c.wrapping_add(i * tile.c_stride);
            // SAFETY: a prefetch may be given any address.
            unsafe {
                V::prefetch(row);
                V::prefetch(row.wrapping_add(tile.width - 1));
            }
        }
    }
}

/// The elements of register `v` that are used.
#[inline(always)]
pub(super) fn used<V: Vector>(width: usize, v: usize) -> usize {
    width.saturating_sub(v * V::LANES).min(V::LANES)
}

/// Register `v` of `NV`, of a line that ends within the last register, or with it if that is known to be `FULL`.
#[inline(always)]
unsafe fn load<V: Vector, const NV: usize, const FULL: bool>(
    line: *const f32,
    width: usize,
    v: usize,
) -> V {
    // SAFETY: the caller's promise: the line has `width` elements, and more than NV − 1 registers hold.
    unsafe {
        let from = line.add(v * V::LANES);
        if FULL || v + 1 < NV { V::load(from) } else { V::load_part(from, used::<V>(width, v)) }
    }
}

/// The chains of one tile, each from +0.
#[inline(always)]
unsafe fn multiply<
    V: Vector,
    const MR: usize,
    const NV: usize,
    const TRANSPOSED: bool,
    const FULL: bool,
>(
    tile: &Tile,
) -> [[V; NV]; MR] {
    /// Terms per turn of the loop.
    const TURN: usize = 4;
    let Tile { a, a_stride, mut b, b_stride, terms, width, .. } = *tile;
    // SAFETY: the caller's promise. Past the last term the pointers may leave their arrays, and are not used.
    unsafe {
        let mut sums = [[V::splat(0.0); NV]; MR];
        // Three rows are reached from one pointer, so that the pointers of twelve rows find room in registers.
        let mut thirds = [a; MR];
        for i in 0..MR {
            thirds[i] = a.wrapping_add(i / 3 * 3 * a_stride);
        }
        let mut term = a;
        let mut left = terms;
        while left >= TURN {
            for u in 0..TURN {
                step::<V, MR, NV, TRANSPOSED, FULL>(
                    &mut sums, &thirds, term, a_stride, b, width, u,
                );
                term = term.wrapping_add(a_stride);
                b = b.wrapping_add(b_stride);
            }
            for i in (0..MR).step_by(3) {
                thirds[i] = V::opaque(thirds[i].wrapping_add(TURN));
            }
            left -= TURN;
        }
        while left > 0 {
            step::<V, MR, NV, TRANSPOSED, FULL>(&mut sums, &thirds, term, a_stride, b, width, 0);
            term = term.wrapping_add(a_stride);
            b = b.wrapping_add(b_stride);
            for i in (0..MR).step_by(3) {
                thirds[i] = V::opaque(thirds[i].wrapping_add(1));
            }
            left -= 1;
        }
        sums
    }
}

/// One term of every chain. A transposed A is read from `term` on, a plain one from its `thirds`, `u` terms on.
#[inline(always)]
unsafe fn step<
    V: Vector,
    const MR: usize,
    const NV: usize,
    const TRANSPOSED: bool,
    const FULL: bool,
>(
    sums: &mut [[V; NV]; MR],
    thirds: &[*const f32; MR],
    term: *const f32,
    a_stride: usize,
    b: *const f32,
    width: usize,
    u: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut line = [V::splat(0.0); NV];
        for v in 0..NV {
            line[v] = load::<V, NV, FULL>(b, width, v);
        }
        for i in 0..MR {
            let factor = V::splat(if TRANSPOSED {
                *term.add(i)
            } else {
                *thirds[i / 3 * 3].wrapping_add(i % 3 * a_stride).add(u)
            });
            for v in 0..NV {
                sums[i][v] = factor.mul_add(line[v], sums[i][v]);
            }
        }
    }
}

/// Stores the sums: added to C or not, then bias and epilogue.
///
/// # Safety
/// As the module says, for `MR` rows.
#[inline(always)]
pub(super) unsafe fn finish<V: Vector, const MR: usize, const NV: usize, const FULL: bool>(
    sums: &[[V; NV]; MR],
    tile: &Tile,
) {
    let Tile { c, c_stride, width, add, finish: Finish { bias, relu, from }, .. } = *tile;
    let mut sums = *sums;
    // Small loops, one after the other: the compiler unrolls each and keeps the sums in registers.
    // SAFETY: the caller's promise.
    unsafe {
        if add {
            for i in 0..MR {
                for v in 0..NV {
                    sums[i][v] = load::<V, NV, FULL>(c.add(i * c_stride), width, v).add(sums[i][v]);
                }
            }
        }
        if !bias.is_null() {
            for v in 0..NV {
                let biases = load::<V, NV, FULL>(bias, width, v);
                for i in 0..MR {
                    sums[i][v] = sums[i][v].add(biases);
                }
            }
        }
        if relu {
            for i in 0..MR {
                for v in 0..NV {
                    sums[i][v] = sums[i][v].gated(sums[i][v]);
                }
            }
        }
        if !from.is_null() {
            for i in 0..MR {
                for v in 0..NV {
                    let gates = load::<V, NV, FULL>(from.add(i * c_stride), width, v);
                    sums[i][v] = sums[i][v].gated(gates);
                }
            }
        }
        // What a masked store has just written, the next operation would have to wait for.
        let whole = FULL || width == NV * V::LANES;
        if whole {
            for i in 0..MR {
                for v in 0..NV {
                    sums[i][v].store(c.add(i * c_stride + v * V::LANES));
                }
            }
        } else {
            for i in 0..MR {
                for v in 0..NV {
                    let to = c.add(i * c_stride + v * V::LANES);
                    if v + 1 < NV {
                        sums[i][v].store(to);
                    } else {
                        sums[i][v].store_part(to, used::<V>(width, v));
                    }
                }
            }
        }
    }
}
