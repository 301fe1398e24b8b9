//! The registers of AVX2 and AVX-512.
//!
//! # Safety
//! As in [`vector`](super): the processor has the register's instructions, AVX2 with FMA or AVX-512; pointers are valid for
//! what is read or written.

use std::arch::asm;
use std::arch::x86_64::*;
use std::hint::black_box;

use super::{COLUMNS, Vector};
use crate::engine::kernels::dispatch::{self, Kernel};

/// [`Vector::opaque`].
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read through it")]
fn opaque(mut address: *const f32) -> *const f32 {
    // SAFETY: no instruction at all.
    unsafe {
        asm!("/* {0} */", inout(reg) address, options(pure, nomem, nostack, preserves_flags))
    };
    address
}

/// The same register, but the compiler can't tell how it was made: it would merge the shuffles that make it with those
/// that follow into one that is far slower.
#[inline]
#[target_feature(enable = "avx512f")]
fn finished(mut register: __m512) -> __m512 {
    // SAFETY: no instruction at all.
    unsafe {
        asm!("/* {0} */", inout(zmm_reg) register, options(pure, nomem, nostack, preserves_flags));
    }
    register
}

/// The mask of the first `count` of eight lanes.
#[inline(always)]
unsafe fn first_lanes(count: usize) -> __m256i {
    // SAFETY: the caller's promise: AVX2.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}

/// The mask of the first `count` of four lanes.
#[inline(always)]
unsafe fn first_of_four(count: usize) -> __m128i {
    // SAFETY: the caller's promise: AVX2.
    unsafe { _mm_cmpgt_epi32(_mm_set1_epi32(count as i32), _mm_setr_epi32(0, 1, 2, 3)) }
}

/// Four of the `count` elements at `from`, and zeros.
#[inline(always)]
unsafe fn four(from: *const f32, count: usize) -> __m128 {
    // SAFETY: the caller's promise; masked elements are not touched.
    unsafe {
        if count >= 4 { _mm_loadu_ps(from) } else { _mm_maskload_ps(from, first_of_four(count)) }
    }
}

/// Stores the first `count` of four elements.
#[inline(always)]
unsafe fn store_four(to: *mut f32, count: usize, value: __m128) {
    // SAFETY: the caller's promise.
    unsafe {
        // In pieces, because loads that follow must wait for masked stores.
        match count {
            0 => {}
            1 => _mm_store_ss(to, value),
            2 => _mm_store_sd(to.cast(), _mm_castps_pd(value)),
            3 => {
                _mm_store_sd(to.cast(), _mm_castps_pd(value));
                _mm_store_ss(to.add(2), _mm_movehl_ps(value, value));
            }
            // not operations: all four
            _ => _mm_storeu_ps(to, value),
        }
    }
}

// SAFETY of every block: the caller's promises are `Vector`'s: the processor has AVX2 and FMA, and the pointers are valid
// for what is touched; masked elements are not.
impl Vector for __m256 {
    const LANES: usize = 8;
    const MANY: bool = false;
    const HEIGHT: usize = 6;

    #[inline(always)]
    unsafe fn enter<K: Kernel>(kernel: K) -> K::Output {
        let copy: unsafe fn(K) -> K::Output = dispatch::avx2::<K>;
        // SAFETY: as above. (Hidden, so that it stays a call: `inline(never)` does not bind functions with features.)
        unsafe { black_box(copy)(kernel) }
    }

    #[inline(always)]
    unsafe fn enter_here<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: as above.
        unsafe { dispatch::avx2(kernel) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: as above.
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
        // SAFETY: as above.
        unsafe { _mm256_maskload_ps(from, first_lanes(count)) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        // SAFETY: as above.
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
    unsafe fn prefetch(address: *const f32) {
        // SAFETY: as above; a prefetch of a bad address does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }

    #[inline(always)]
    unsafe fn opaque(address: *const f32) -> *const f32 {
        opaque(address)
    }

    #[inline(always)]
    unsafe fn columns(
        from: *const f32,
        stride: usize,
        rows: usize,
        columns: usize,
    ) -> [Self; COLUMNS] {
        // SAFETY: as above.
        unsafe {
            let mut lines = [_mm256_setzero_ps(); 8];
            if rows >= 8 && columns >= 8 {
                for i in 0..8 {
                    lines[i] = _mm256_loadu_ps(from.add(i * stride));
                }
            } else {
                for i in 0..8 {
                    lines[i] = Self::load_part(from.add(i.min(rows - 1) * stride), columns.min(8));
                }
            }
            let fours = transpose_fours_256(lines);
            let mut out = fours;
            for i in 0..4 {
                out[i] = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
                out[i + 4] = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
            }
            out
        }
    }

    #[inline(always)]
    unsafe fn quad_splat(from: *const f32) -> Self {
        // SAFETY: as above.
        unsafe {
            let four = _mm_loadu_ps(from);
            _mm256_set_m128(four, four)
        }
    }

    #[inline(always)]
    unsafe fn quad_rows(from: *const f32, stride: usize, rows: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let second = *from.add((rows - 1).min(1) * stride);
            _mm256_set_m128(_mm_set1_ps(second), _mm_set1_ps(*from))
        }
    }

    #[inline(always)]
    unsafe fn quad_line(from: *const f32, rows: usize) -> Self {
        // SAFETY: as above.
        unsafe { Self::quad_rows(from, 1, rows) }
    }

    #[inline(always)]
    unsafe fn quad_rows_of_four(from: *const f32, stride: usize, rows: usize) -> [Self; 4] {
        // SAFETY: as above.
        unsafe {
            let second = _mm_loadu_ps(from.add((rows - 1).min(1) * stride));
            let all = _mm256_set_m128(second, _mm_loadu_ps(from));
            [
                _mm256_permute_ps::<0x00>(all),
                _mm256_permute_ps::<0x55>(all),
                _mm256_permute_ps::<0xaa>(all),
                _mm256_permute_ps::<0xff>(all),
            ]
        }
    }

    #[inline(always)]
    unsafe fn quad_load(from: *const f32, stride: usize, rows: usize, columns: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let second = if rows > 1 { four(from.add(stride), columns) } else { _mm_setzero_ps() };
            _mm256_set_m128(second, four(from, columns))
        }
    }

    #[inline(always)]
    unsafe fn quad_store(self, to: *mut f32, stride: usize, rows: usize, columns: usize) {
        // SAFETY: as above.
        unsafe {
            store_four(to, columns, _mm256_castps256_ps128(self));
            if rows > 1 {
                store_four(to.add(stride), columns, _mm256_extractf128_ps::<1>(self));
            }
        }
    }
}

/// Transposes the 4 × 4 squares of rows 0–3 and of rows 4–7 within each half: register `c` holds rows 0–3 of column `c` and
/// of column `c + 4`; register `c + 4` the same of rows 4–7.
#[inline(always)]
unsafe fn transpose_fours_256(rows: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: the caller's promise: AVX2.
    unsafe {
        let mut fours = rows;
        for i in [0, 4] {
            let low = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
            let high = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
            let next_low = _mm256_unpacklo_ps(rows[i + 2], rows[i + 3]);
            let next_high = _mm256_unpackhi_ps(rows[i + 2], rows[i + 3]);
            fours[i] = _mm256_shuffle_ps::<0x44>(low, next_low);
            fours[i + 1] = _mm256_shuffle_ps::<0xee>(low, next_low);
            fours[i + 2] = _mm256_shuffle_ps::<0x44>(high, next_high);
            fours[i + 3] = _mm256_shuffle_ps::<0xee>(high, next_high);
        }
        fours
    }
}

/// The same on registers that hold the eight columns of two rows: rows 0–3 and 4–7 in the first four, 8–11 and 12–15 in
/// the others.
#[inline(always)]
unsafe fn transpose_fours_512(rows: [__m512; 8]) -> [__m512; 8] {
    // SAFETY: the caller's promise: AVX-512.
    unsafe {
        let mut fours = rows;
        for i in [0, 4] {
            let low = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
            let high = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
            let next_low = _mm512_unpacklo_ps(rows[i + 2], rows[i + 3]);
            let next_high = _mm512_unpackhi_ps(rows[i + 2], rows[i + 3]);
            fours[i] = _mm512_shuffle_ps::<0x44>(low, next_low);
            fours[i + 1] = _mm512_shuffle_ps::<0xee>(low, next_low);
            fours[i + 2] = _mm512_shuffle_ps::<0x44>(high, next_high);
            fours[i + 3] = _mm512_shuffle_ps::<0xee>(high, next_high);
        }
        fours
    }
}

// SAFETY of every block: as for AVX2, with AVX-512 F, VL, DQ and BW.
impl Vector for __m512 {
    const LANES: usize = 16;
    const MANY: bool = true;
    const HEIGHT: usize = 12;

    #[inline(always)]
    unsafe fn enter<K: Kernel>(kernel: K) -> K::Output {
        let copy: unsafe fn(K) -> K::Output = dispatch::avx512::<K>;
        // SAFETY: as above. (Hidden, so that it stays a call: `inline(never)` does not bind functions with features.)
        unsafe { black_box(copy)(kernel) }
    }

    #[inline(always)]
    unsafe fn enter_here<K: Kernel>(kernel: K) -> K::Output {
        // SAFETY: as above.
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
        // SAFETY: as above.
        unsafe { _mm512_maskz_loadu_ps(((1_u32 << count) - 1) as __mmask16, from) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        // SAFETY: as above.
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
    unsafe fn prefetch(address: *const f32) {
        // SAFETY: as above; a prefetch of a bad address does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }

    #[inline(always)]
    unsafe fn opaque(address: *const f32) -> *const f32 {
        opaque(address)
    }

    #[inline(always)]
    unsafe fn columns(
        from: *const f32,
        stride: usize,
        rows: usize,
        columns: usize,
    ) -> [Self; COLUMNS] {
        // SAFETY: as above.
        unsafe {
            let mut lines = [_mm512_setzero_ps(); 8];
            // Registers 0–3 hold rows i and i + 4, registers 4–7 rows i + 8 and i + 12.
            if rows >= 16 && columns >= 8 {
                for i in 0..8 {
                    let row = i % 4 + i / 4 * 8;
                    let first = _mm256_loadu_ps(from.add(row * stride));
                    let second = _mm256_loadu_ps(from.add((row + 4) * stride));
                    lines[i] = _mm512_insertf32x8::<1>(_mm512_castps256_ps512(first), second);
                }
            } else {
                let mask = ((1_u32 << columns.min(8)) - 1) as __mmask8;
                for i in 0..8 {
                    let row = i % 4 + i / 4 * 8;
                    let (low, high) = (row.min(rows - 1), (row + 4).min(rows - 1));
                    let first = _mm256_maskz_loadu_ps(mask, from.add(low * stride));
                    let second = _mm256_maskz_loadu_ps(mask, from.add(high * stride));
                    lines[i] = _mm512_insertf32x8::<1>(_mm512_castps256_ps512(first), second);
                }
            }
            let fours = transpose_fours_512(lines);
            let mut out = fours;
            for i in 0..4 {
                out[i] = _mm512_shuffle_f32x4::<0x88>(fours[i], fours[i + 4]);
                out[i + 4] = _mm512_shuffle_f32x4::<0xdd>(fours[i], fours[i + 4]);
            }
            out
        }
    }

    #[inline(always)]
    unsafe fn quad_splat(from: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { _mm512_broadcast_f32x4(_mm_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn quad_rows(from: *const f32, stride: usize, rows: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let mut all = _mm512_set1_ps(*from);
            for (q, mask) in [(1, 0x00f0), (2, 0x0f00), (3, 0xf000)] {
                let row = _mm512_set1_ps(*from.add(q.min(rows - 1) * stride));
                all = _mm512_mask_mov_ps(all, mask, row);
            }
            all
        }
    }

    #[inline(always)]
    unsafe fn quad_line(from: *const f32, rows: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let control = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
            _mm512_permutevar_ps(_mm512_broadcast_f32x4(four(from, rows)), control)
        }
    }

    #[inline(always)]
    unsafe fn quad_rows_of_four(from: *const f32, stride: usize, rows: usize) -> [Self; 4] {
        // SAFETY: as above.
        unsafe {
            let mut all = _mm512_castps128_ps512(_mm_loadu_ps(from));
            for (q, mask) in [(1, 0x00f0), (2, 0x0f00), (3, 0xf000)] {
                let row = _mm_loadu_ps(from.add(q.min(rows - 1) * stride));
                all = finished(_mm512_mask_broadcast_f32x4(all, mask, row));
            }
            let all = finished(all);
            [
                _mm512_permute_ps::<0x00>(all),
                _mm512_permute_ps::<0x55>(all),
                _mm512_permute_ps::<0xaa>(all),
                _mm512_permute_ps::<0xff>(all),
            ]
        }
    }

    #[inline(always)]
    unsafe fn quad_load(from: *const f32, stride: usize, rows: usize, columns: usize) -> Self {
        // SAFETY: as above.
        unsafe {
            let mut parts = [_mm_setzero_ps(); 4];
            for q in 0..4 {
                if q < rows {
                    parts[q] = four(from.add(q * stride), columns);
                }
            }
            let all = _mm512_castps128_ps512(parts[0]);
            let all = _mm512_insertf32x4::<1>(all, parts[1]);
            _mm512_insertf32x4::<3>(_mm512_insertf32x4::<2>(all, parts[2]), parts[3])
        }
    }

    #[inline(always)]
    unsafe fn quad_store(self, to: *mut f32, stride: usize, rows: usize, columns: usize) {
        // SAFETY: as above.
        unsafe {
            if columns >= 4 && rows >= 4 && stride == 4 {
                return self.store(to);
            }
            store_four(to, columns, _mm512_castps512_ps128(self));
            if rows > 1 {
                store_four(to.add(stride), columns, _mm512_extractf32x4_ps::<1>(self));
            }
            if rows > 2 {
                store_four(to.add(2 * stride), columns, _mm512_extractf32x4_ps::<2>(self));
            }
            if rows > 3 {
                store_four(to.add(3 * stride), columns, _mm512_extractf32x4_ps::<3>(self));
            }
        }
    }
}
