//! The portable register: as wide as an AVX2 one, arrays and loops.
//!
//! # Safety
//! As in [`vector`](super): pointers are valid for what is read or written. Its instructions are everywhere.

use std::array::from_fn;

use super::{COLUMNS, Vector};
use crate::engine::kernels::dispatch::{self, Kernel};

/// Eight floats.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Lanes8([f32; 8]);

impl Lanes8 {
    pub(in crate::engine::kernels) fn to_array(self) -> [f32; 8] {
        self.0
    }

    pub(in crate::engine::kernels) fn from_array(lanes: [f32; 8]) -> Self {
        Lanes8(lanes)
    }
}

// SAFETY of every block: the caller's promises are `Vector`'s, and no more than those elements is touched.
impl Vector for Lanes8 {
    const LANES: usize = 8;
    const MANY: bool = false;
    // Without FMA instructions each one is a call, and a large tile only large code.
    const HEIGHT: usize = if cfg!(target_arch = "x86_64") { 2 } else { 6 };

    #[inline(always)]
    unsafe fn enter<K: Kernel>(kernel: K) -> K::Output {
        dispatch::portable(kernel)
    }

    #[inline(always)]
    unsafe fn enter_here<K: Kernel>(kernel: K) -> K::Output {
        dispatch::portable(kernel)
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Lanes8([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        Lanes8(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) };
    }

    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        if count == 8 {
            // SAFETY: as above.
            return unsafe { Self::load(from) };
        }
        let mut lanes = [0.0; 8];
        for lane in 0..count.min(8) {
            // SAFETY: as above.
            lanes[lane] = unsafe { *from.add(lane) };
        }
        Lanes8(lanes)
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        for lane in 0..count.min(8) {
            // SAFETY: as above.
            unsafe { *to.add(lane) = self.0[lane] };
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Lanes8(from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        Lanes8(from_fn(|lane| self.0[lane].mul_add(factor.0[lane], term.0[lane])))
    }

    #[inline(always)]
    unsafe fn gated(self, gate: Self) -> Self {
        Lanes8(from_fn(|lane| if gate.0[lane] <= 0.0 { 0.0 } else { self.0[lane] }))
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}

    #[inline(always)]
    unsafe fn opaque(address: *const f32) -> *const f32 {
        address
    }

    #[inline(always)]
    unsafe fn columns(
        from: *const f32,
        stride: usize,
        rows: usize,
        columns: usize,
    ) -> [Self; COLUMNS] {
        let mut lines = [[0.0; 8]; COLUMNS];
        for row in 0..8 {
            for column in 0..columns.min(COLUMNS) {
                // SAFETY: as above.
                lines[column][row] = unsafe { *from.add(row.min(rows - 1) * stride + column) };
            }
        }
        lines.map(Lanes8)
    }

    #[inline(always)]
    unsafe fn quad_splat(from: *const f32) -> Self {
        // SAFETY: as above.
        Lanes8(from_fn(|lane| unsafe { *from.add(lane % 4) }))
    }

    #[inline(always)]
    unsafe fn quad_rows(from: *const f32, stride: usize, rows: usize) -> Self {
        // SAFETY: as above.
        Lanes8(from_fn(|lane| unsafe { *from.add((lane / 4).min(rows - 1) * stride) }))
    }

    #[inline(always)]
    unsafe fn quad_line(from: *const f32, rows: usize) -> Self {
        // SAFETY: as above.
        unsafe { Self::quad_rows(from, 1, rows) }
    }

    #[inline(always)]
    unsafe fn quad_rows_of_four(from: *const f32, stride: usize, rows: usize) -> [Self; 4] {
        // SAFETY: as above.
        from_fn(|column| unsafe { Self::quad_rows(from.add(column), stride, rows) })
    }

    #[inline(always)]
    unsafe fn quad_load(from: *const f32, stride: usize, rows: usize, columns: usize) -> Self {
        let mut lanes = [0.0; 8];
        for row in 0..rows.min(2) {
            for column in 0..columns.min(4) {
                // SAFETY: as above.
                lanes[row * 4 + column] = unsafe { *from.add(row * stride + column) };
            }
        }
        Lanes8(lanes)
    }

    #[inline(always)]
    unsafe fn quad_store(self, to: *mut f32, stride: usize, rows: usize, columns: usize) {
        for row in 0..rows.min(2) {
            for column in 0..columns.min(4) {
                // SAFETY: as above.
                unsafe { *to.add(row * stride + column) = self.0[row * 4 + column] };
            }
        }
    }
}
