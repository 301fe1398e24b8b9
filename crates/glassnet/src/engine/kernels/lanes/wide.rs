//! [`Lanes`] in a register of AVX-512.
//!
//! # Safety
//! As in [`lanes`](super): the processor has AVX-512; pointers are valid for the numbers that are loaded or stored.

use std::arch::x86_64::*;

use super::pieces::{load_8, store_8};
use super::{LANES, Lanes};

/// Sixteen numbers in a register of AVX-512.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Wide(pub(super) __m512);

/// The mask of the first `count` of sixteen lanes.
#[inline(always)]
fn first_of_16(count: usize) -> __mmask16 {
    ((1_u32 << count) - 1) as __mmask16
}

#[allow(unsafe_code)]
impl Lanes for Wide {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise, or the proof that a value of the type is; here and below.
        Wide(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        // SAFETY: as above; masked elements are not touched. Where it can be, a load is as wide as what was stored.
        Wide(unsafe {
            match count {
                8 => _mm512_zextps256_ps512(_mm256_loadu_ps(from)),
                4 => _mm512_zextps128_ps512(_mm_loadu_ps(from)),
                count => _mm512_maskz_loadu_ps(first_of_16(count), from),
            }
        })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to, self.0) };
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        // SAFETY: as above; masked elements are not touched. What is stored without a mask can be loaded again at once.
        unsafe {
            match count {
                8 => _mm256_storeu_ps(to, _mm512_castps512_ps256(self.0)),
                4 => _mm_storeu_ps(to, _mm512_castps512_ps128(self.0)),
                count => _mm512_mask_storeu_ps(to, first_of_16(count), self.0),
            }
        }
    }

    #[inline(always)]
    unsafe fn load_pieces(from: *const f32, count: usize) -> Self {
        // SAFETY: as above; the second half is only read where it exists.
        Wide(unsafe {
            if count >= 8 {
                let eight = _mm512_castps256_ps512(_mm256_loadu_ps(from));
                _mm512_insertf32x8::<1>(eight, load_8(from.add(8), count - 8))
            } else {
                _mm512_zextps256_ps512(load_8(from, count))
            }
        })
    }

    #[inline(always)]
    unsafe fn store_pieces(self, to: *mut f32, count: usize) {
        // SAFETY: as above.
        unsafe {
            if count >= 8 {
                _mm256_storeu_ps(to, _mm512_castps512_ps256(self.0));
                store_8(_mm512_extractf32x8_ps::<1>(self.0), to.add(8), count - 8);
            } else {
                store_8(_mm512_castps512_ps256(self.0), to, count);
            }
        }
    }

    #[inline(always)]
    unsafe fn load_classes(from: *const i64, ignored: i64) -> Self {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (_mm512_loadu_si512(from.cast()), _mm512_loadu_si512(from.add(8).cast()));
            let ignored = _mm512_set1_epi64(ignored);
            let low = _mm512_cmpeq_epi64_mask(a, ignored);
            let high = _mm512_cmpeq_epi64_mask(b, ignored);
            let classes = _mm512_inserti64x4::<1>(
                _mm512_castsi256_si512(_mm512_cvtepi64_epi32(a)),
                _mm512_cvtepi64_epi32(b),
            );
            let mask = u16::from(low) | u16::from(high) << 8;
            Wide(_mm512_mask_mov_ps(_mm512_cvtepi32_ps(classes), mask, _mm512_set1_ps(-1.0)))
        }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_fmadd_ps(self.0, factor.0, term.0) })
    }

    #[inline(always)]
    fn negative(self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_xor_ps(self.0, _mm512_set1_ps(-0.0)) })
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // SAFETY: as above. The instruction gives its second operand unless the first is larger.
        unsafe {
            let larger = _mm512_max_ps(self.0, other.0);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
            Wide(_mm512_mask_mov_ps(larger, nan, self.0))
        }
    }

    #[inline(always)]
    fn flushed(self) -> Self {
        // SAFETY: as above.
        unsafe {
            let least = _mm512_set1_ps(f32::MIN_POSITIVE);
            let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_abs_ps(self.0), least);
            Wide(_mm512_mask_mov_ps(self.0, below, _mm512_setzero_ps()))
        }
    }

    #[inline(always)]
    fn root(self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_sqrt_ps(self.0) })
    }

    #[inline(always)]
    fn select_equal(self, other: Self, equal: Self, unequal: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0);
            Wide(_mm512_mask_mov_ps(unequal.0, mask, equal.0))
        }
    }

    #[inline(always)]
    fn gated(self, gate: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let open = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(gate.0, _mm512_setzero_ps());
            Wide(_mm512_maskz_mov_ps(open, self.0))
        }
    }

    #[inline(always)]
    fn choose(self, bits: u16, other: Self) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_mask_mov_ps(other.0, bits, self.0) })
    }

    type Places = __m512i;

    #[inline(always)]
    unsafe fn places(numbers: &[u32; LANES]) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn further(places: __m512i, step: u32) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_add_epi32(places, _mm512_set1_epi32(step as i32)) }
    }

    #[inline(always)]
    fn permute(self, places: __m512i) -> Self {
        // SAFETY: as above.
        Wide(unsafe { _mm512_permutexvar_ps(places, self.0) })
    }

    #[inline(always)]
    fn transpose(rows: &[Self; LANES]) -> [Self; LANES] {
        // SAFETY: as above.
        unsafe {
            // Within each quarter of a register: 4 × 4 squares of four neighbouring rows.
            let mut quarters = *rows;
            for i in [0, 4, 8, 12] {
                let low0 = _mm512_unpacklo_ps(rows[i].0, rows[i + 1].0);
                let high0 = _mm512_unpackhi_ps(rows[i].0, rows[i + 1].0);
                let low1 = _mm512_unpacklo_ps(rows[i + 2].0, rows[i + 3].0);
                let high1 = _mm512_unpackhi_ps(rows[i + 2].0, rows[i + 3].0);
                quarters[i] = Wide(_mm512_shuffle_ps::<0x44>(low0, low1));
                quarters[i + 1] = Wide(_mm512_shuffle_ps::<0xee>(low0, low1));
                quarters[i + 2] = Wide(_mm512_shuffle_ps::<0x44>(high0, high1));
                quarters[i + 3] = Wide(_mm512_shuffle_ps::<0xee>(high0, high1));
            }
            // Then the quarters change places.
            let mut columns = *rows;
            for i in 0..4 {
                let (q0, q1) = (quarters[i].0, quarters[4 + i].0);
                let (q2, q3) = (quarters[8 + i].0, quarters[12 + i].0);
                let even0 = _mm512_shuffle_f32x4::<0x88>(q0, q1);
                let even1 = _mm512_shuffle_f32x4::<0x88>(q2, q3);
                let odd0 = _mm512_shuffle_f32x4::<0xdd>(q0, q1);
                let odd1 = _mm512_shuffle_f32x4::<0xdd>(q2, q3);
                columns[i] = Wide(_mm512_shuffle_f32x4::<0x88>(even0, even1));
                columns[4 + i] = Wide(_mm512_shuffle_f32x4::<0x88>(odd0, odd1));
                columns[8 + i] = Wide(_mm512_shuffle_f32x4::<0xdd>(even0, even1));
                columns[12 + i] = Wide(_mm512_shuffle_f32x4::<0xdd>(odd0, odd1));
            }
            columns
        }
    }

    #[inline(always)]
    fn split2([a, b]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as above.
        unsafe {
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            [
                Wide(_mm512_permutex2var_ps(a.0, even, b.0)),
                Wide(_mm512_permutex2var_ps(a.0, odd, b.0)),
            ]
        }
    }

    #[inline(always)]
    fn join2([a, b]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as above.
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            [
                Wide(_mm512_permutex2var_ps(a.0, low, b.0)),
                Wide(_mm512_permutex2var_ps(a.0, high, b.0)),
            ]
        }
    }

    #[inline(always)]
    fn split4([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: as above.
        unsafe {
            let first = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
            let last =
                _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
            let upper01 = _mm512_permutex2var_ps(a.0, first, b.0);
            let upper23 = _mm512_permutex2var_ps(a.0, last, b.0);
            let lower01 = _mm512_permutex2var_ps(c.0, first, d.0);
            let lower23 = _mm512_permutex2var_ps(c.0, last, d.0);
            [
                Wide(_mm512_shuffle_f32x4::<0x44>(upper01, lower01)),
                Wide(_mm512_shuffle_f32x4::<0xee>(upper01, lower01)),
                Wide(_mm512_shuffle_f32x4::<0x44>(upper23, lower23)),
                Wide(_mm512_shuffle_f32x4::<0xee>(upper23, lower23)),
            ]
        }
    }

    #[inline(always)]
    fn join4([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: as above.
        unsafe {
            let upper01 = _mm512_shuffle_f32x4::<0x44>(a.0, b.0);
            let lower01 = _mm512_shuffle_f32x4::<0xee>(a.0, b.0);
            let upper23 = _mm512_shuffle_f32x4::<0x44>(c.0, d.0);
            let lower23 = _mm512_shuffle_f32x4::<0xee>(c.0, d.0);
            let first = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
            let last =
                _mm512_setr_epi32(4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
            [
                Wide(_mm512_permutex2var_ps(upper01, first, upper23)),
                Wide(_mm512_permutex2var_ps(upper01, last, upper23)),
                Wide(_mm512_permutex2var_ps(lower01, first, lower23)),
                Wide(_mm512_permutex2var_ps(lower01, last, lower23)),
            ]
        }
    }
}
