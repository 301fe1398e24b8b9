//! One register of f32 per instruction set, for the product's inner loop, where the compiler is not left to choose.
//!
//! # Safety
//! Every function here executes instructions of one level: the processor must have it, and the call must stand inside
//! [`dispatch`](super::dispatch) of that level, else it is slow. Pointers must be valid for `LANES` elements, or for `count` where it is given; they need no alignment.

use super::dispatch::{self, Kernel};

/// A register of f32.
#[allow(unsafe_code)]
pub(in crate::engine) trait Vector: Copy {
    const LANES: usize;
    /// Runs the copy of `kernel` that was compiled for this register's instruction set, out of line. For code that is
    /// itself compiled for that set: nothing is chosen at run time.
    unsafe fn enter<K: Kernel>(kernel: K) -> K::Output;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
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
    /// Transposes an 8 × 8 square: `to[column · to_stride + row] = from[row · from_stride + column]`. The pointers must be
    /// valid for all of these.
    #[inline(always)]
    unsafe fn transpose_square(
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        for row in 0..8 {
            for column in 0..8 {
                // SAFETY: the caller's promise.
                unsafe {
                    *to.add(column * to_stride + row) = *from.add(row * from_stride + column)
                };
            }
        }
    }
}

/// The portable register: as wide as an AVX2 one.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Lanes8([f32; 8]);

impl Lanes8 {
    pub(super) fn to_array(self) -> [f32; 8] {
        self.0
    }

    pub(super) fn from_array(lanes: [f32; 8]) -> Self {
        Lanes8(lanes)
    }
}

#[allow(unsafe_code)]
impl Vector for Lanes8 {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn enter<K: Kernel>(kernel: K) -> K::Output {
        dispatch::portable(kernel)
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Lanes8([value; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Lanes8(unsafe { from.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(self.0) };
    }

    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; 8];
        for lane in 0..count.min(8) {
            // SAFETY: the caller's promise.
            lanes[lane] = unsafe { *from.add(lane) };
        }
        Lanes8(lanes)
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        for lane in 0..count.min(8) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(lane) = self.0[lane] };
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Lanes8(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
        Lanes8(std::array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], term.0[lane])))
    }

    #[inline(always)]
    unsafe fn gated(self, gate: Self) -> Self {
        Lanes8(std::array::from_fn(|lane| if gate.0[lane] <= 0.0 { 0.0 } else { self.0[lane] }))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;
    use crate::engine::kernels::dispatch::{self, Kernel};

    /// [`Vector::transpose_square`] in three rounds: single floats, pairs, halves change places.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn transpose_square(
        from: *const f32,
        from_stride: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        // SAFETY: the caller's promise: AVX, and valid pointers.
        unsafe {
            let mut rows = [_mm256_setzero_ps(); 8];
            for i in 0..8 {
                rows[i] = _mm256_loadu_ps(from.add(i * from_stride));
            }
            let mut pairs = [_mm256_setzero_ps(); 8];
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = [_mm256_setzero_ps(); 8];
            for i in [0, 4] {
                fours[i] = _mm256_shuffle_ps::<0x44>(pairs[i], pairs[i + 2]);
                fours[i + 1] = _mm256_shuffle_ps::<0xee>(pairs[i], pairs[i + 2]);
                fours[i + 2] = _mm256_shuffle_ps::<0x44>(pairs[i + 1], pairs[i + 3]);
                fours[i + 3] = _mm256_shuffle_ps::<0xee>(pairs[i + 1], pairs[i + 3]);
            }
            for i in 0..4 {
                let low = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
                let high = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
                _mm256_storeu_ps(to.add(i * to_stride), low);
                _mm256_storeu_ps(to.add((i + 4) * to_stride), high);
            }
        }
    }

    /// The mask of the first `count` of eight lanes.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn first_lanes(count: usize) -> __m256i {
        // SAFETY: the caller's promise: AVX2.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
        }
    }

    #[allow(unsafe_code)]
    impl Vector for __m256 {
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn enter<K: Kernel>(kernel: K) -> K::Output {
            // SAFETY: the caller's promise: the processor has AVX2 and FMA.
            unsafe { dispatch::avx2(kernel) }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the caller's promise, here and below.
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(to, self) };
        }

        #[inline(always)]
        unsafe fn load_part(from: *const f32, count: usize) -> Self {
            // SAFETY: as above; masked elements are not touched.
            unsafe { _mm256_maskload_ps(from, first_lanes(count)) }
        }

        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, count: usize) {
            // SAFETY: as above; masked elements are not touched.
            unsafe { _mm256_maskstore_ps(to, first_lanes(count), self) };
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_fmadd_ps(self, factor, term) }
        }

        #[inline(always)]
        unsafe fn gated(self, gate: Self) -> Self {
            // SAFETY: as above.
            unsafe {
                let open = _mm256_cmp_ps::<_CMP_NLE_UQ>(gate, _mm256_setzero_ps());
                _mm256_and_ps(open, self)
            }
        }

        #[inline(always)]
        unsafe fn transpose_square(
            from: *const f32,
            from_stride: usize,
            to: *mut f32,
            to_stride: usize,
        ) {
            // SAFETY: as above.
            unsafe { transpose_square(from, from_stride, to, to_stride) };
        }
    }

    #[allow(unsafe_code)]
    impl Vector for __m512 {
        const LANES: usize = 16;

        #[inline(always)]
        unsafe fn enter<K: Kernel>(kernel: K) -> K::Output {
            // SAFETY: the caller's promise: the processor has AVX-512.
            unsafe { dispatch::avx512(kernel) }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(to, self) };
        }

        #[inline(always)]
        unsafe fn load_part(from: *const f32, count: usize) -> Self {
            // SAFETY: as above; masked elements are not touched.
            unsafe { _mm512_maskz_loadu_ps(((1_u32 << count) - 1) as __mmask16, from) }
        }

        #[inline(always)]
        unsafe fn store_part(self, to: *mut f32, count: usize) {
            // SAFETY: as above; masked elements are not touched.
            unsafe { _mm512_mask_storeu_ps(to, ((1_u32 << count) - 1) as __mmask16, self) };
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Self, term: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_fmadd_ps(self, factor, term) }
        }

        #[inline(always)]
        unsafe fn gated(self, gate: Self) -> Self {
            // SAFETY: as above.
            unsafe {
                let open = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(gate, _mm512_setzero_ps());
                _mm512_maskz_mov_ps(open, self)
            }
        }

        #[inline(always)]
        unsafe fn transpose_square(
            from: *const f32,
            from_stride: usize,
            to: *mut f32,
            to_stride: usize,
        ) {
            // SAFETY: as above.
            unsafe { transpose_square(from, from_stride, to, to_stride) };
        }
    }
}
