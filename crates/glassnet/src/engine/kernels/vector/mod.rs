//! One register of f32 per instruction set, for the product's inner loop, where the compiler is not left to choose.
//!
//! # Safety
//! Every function here executes instructions of one level: the processor must have it, and the call must stand inside
//! [`dispatch`](super::dispatch) of that level, else it is slow. Pointers must be valid for what is said to be read or
//! written; they need no alignment.
#![allow(unsafe_code)]

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::dispatch::Kernel;

pub(in crate::engine) use portable::Lanes8;

/// The columns that [`Vector::columns`] gives at a time.
pub(super) const COLUMNS: usize = 8;

/// A register of f32.
///
/// It is also seen as `QUADS` groups of four lanes, for matrices that are too narrow for it: each quad is then a row.
pub(in crate::engine) trait Vector: Copy {
    /// The floats that it holds.
    const LANES: usize;
    /// The groups of four lanes that it holds.
    const QUADS: usize = Self::LANES / 4;
    /// Whether there are 32 such registers rather than 16.
    const MANY: bool;
    /// The highest tile that is two registers wide: 12 × 2 for C, 2 for B and one for A, where there are 32; else 6 × 2.
    const HEIGHT: usize;

    /// Runs the copy of `kernel` that was compiled for this register's instruction set, out of line. For code that is
    /// itself compiled for that set: nothing is chosen at run time.
    unsafe fn enter<K: Kernel>(kernel: K) -> K::Output;
    /// The same from code that is compiled for no instruction set in particular: a plain call, which may be inlined into
    /// code for the same set.
    unsafe fn enter_here<K: Kernel>(kernel: K) -> K::Output;
    /// `value` in every lane.
    unsafe fn splat(value: f32) -> Self;
    /// `LANES` elements.
    unsafe fn load(from: *const f32) -> Self;
    /// Stores `LANES` elements.
    unsafe fn store(self, to: *mut f32);
    /// The first `count` elements (at most `LANES`), zeros after them; touches no others.
    unsafe fn load_part(from: *const f32, count: usize) -> Self;
    /// Stores the first `count` elements (at most `LANES`); touches no others.
    unsafe fn store_part(self, to: *mut f32, count: usize);
    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;
    /// `self · factor + term`, rounded once.
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self;
    /// +0 in the lanes where `gate <= 0`, else `self`: also where the gate is NaN.
    unsafe fn gated(self, gate: Self) -> Self;
    /// Asks for the cache line of an address, which need not be valid.
    unsafe fn prefetch(address: *const f32);

    /// Columns of a row-major matrix: lane `i` of register `c` is `from[i · stride + c]`. Reads `columns` columns (at most
    /// eight; the others are zero) of `rows` rows (at most `LANES`, at least one; further lanes repeat the last row).
    unsafe fn columns(
        from: *const f32,
        stride: usize,
        rows: usize,
        columns: usize,
    ) -> [Self; COLUMNS];

    /// The four elements at `from` in every quad.
    unsafe fn quad_splat(from: *const f32) -> Self;
    /// Quad `q` is all `from[q · stride]`, for `rows` quads; further ones repeat the last row.
    unsafe fn quad_rows(from: *const f32, stride: usize, rows: usize) -> Self;
    /// Quad `q` is all `from[q]`, for `rows` quads; further ones are of no use.
    unsafe fn quad_line(from: *const f32, rows: usize) -> Self;
    /// As [`Vector::quad_rows`], four columns at once: quad `q` of register `c` is all `from[q · stride + c]`.
    unsafe fn quad_rows_of_four(from: *const f32, stride: usize, rows: usize) -> [Self; 4];
    /// Quad `q` holds the `columns` elements (at most four) at `from + q · stride`, and zeros; only `rows` quads are read.
    unsafe fn quad_load(from: *const f32, stride: usize, rows: usize, columns: usize) -> Self;
    /// Stores what [`Vector::quad_load`] loads.
    unsafe fn quad_store(self, to: *mut f32, stride: usize, rows: usize, columns: usize);
}
