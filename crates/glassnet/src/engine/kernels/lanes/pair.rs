//! [`Lanes`] in two registers of AVX2.
//!
//! # Safety
//! As in [`lanes`](super): the processor has AVX2 and FMA; pointers are valid for the numbers that are loaded or stored.

use std::arch::x86_64::*;

use super::pieces::{load_8, store_8};
use super::{LANES, Lanes};

/// Sixteen numbers in two registers of AVX2.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Pair(pub(super) __m256, pub(super) __m256);

/// The mask of the first `count` of eight lanes.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn first_of_8(count: usize) -> __m256i {
    // SAFETY: the caller's promise: AVX2.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}

/// 4 × 4 squares within each half of a register.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn transpose4([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    // SAFETY: as above.
    unsafe {
        let (low0, high0) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (low1, high1) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps::<0x44>(low0, low1),
            _mm256_shuffle_ps::<0xee>(low0, low1),
            _mm256_shuffle_ps::<0x44>(high0, high1),
            _mm256_shuffle_ps::<0xee>(high0, high1),
        ]
    }
}

/// An 8 × 8 square.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn transpose8(rows: [__m256; 8]) -> [__m256; 8] {
    // SAFETY: as above.
    unsafe {
        let upper = transpose4([rows[0], rows[1], rows[2], rows[3]]);
        let lower = transpose4([rows[4], rows[5], rows[6], rows[7]]);
        let mut columns = rows;
        for i in 0..4 {
            columns[i] = _mm256_permute2f128_ps::<0x20>(upper[i], lower[i]);
            columns[4 + i] = _mm256_permute2f128_ps::<0x31>(upper[i], lower[i]);
        }
        columns
    }
}

/// The low halves of eight 64-bit integers.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn low_halves(a: __m256i, b: __m256i) -> __m256i {
    // SAFETY: as above.
    unsafe {
        let pairs = _mm256_shuffle_ps::<0x88>(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
        _mm256_permute4x64_epi64::<0xd8>(_mm256_castps_si256(pairs))
    }
}

/// All bits of a lane where the lane's bit is set.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn set_bits(bits: u16) -> __m256 {
    // SAFETY: as above.
    unsafe {
        let each = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
        let bits = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), each);
        _mm256_castsi256_ps(_mm256_cmpeq_epi32(bits, each))
    }
}

/// The lanes of both registers that `places` name.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn eight_named(pair: Pair, places: __m256i) -> __m256 {
    // SAFETY: as above. The instruction takes a number modulo 8; the next bit, made the sign, says which half is meant.
    unsafe {
        let low = _mm256_permutevar8x32_ps(pair.0, places);
        let high = _mm256_permutevar8x32_ps(pair.1, places);
        let upper = _mm256_castsi256_ps(_mm256_slli_epi32::<28>(places));
        _mm256_blendv_ps(low, high, upper)
    }
}

/// Eight class numbers: see [`Lanes::load_classes`].
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn eight_classes(from: *const i64, ignored: i64) -> __m256 {
    // SAFETY: as above; eight numbers.
    unsafe {
        let (a, b) = (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(4).cast()));
        let ignored = _mm256_set1_epi64x(ignored);
        let (is_a, is_b) = (_mm256_cmpeq_epi64(a, ignored), _mm256_cmpeq_epi64(b, ignored));
        let classes = _mm256_cvtepi32_ps(low_halves(a, b));
        let mask = _mm256_castsi256_ps(low_halves(is_a, is_b));
        _mm256_blendv_ps(classes, _mm256_set1_ps(-1.0), mask)
    }
}

/// Eight rows of two numbers as two columns.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn split2_of_8(a: __m256, b: __m256) -> [__m256; 2] {
    // SAFETY: as above.
    unsafe {
        let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
        let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xdd>(a, b));
        [
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(even)),
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(odd)),
        ]
    }
}

#[inline(always)]
#[allow(unsafe_code)]
unsafe fn join2_of_8(a: __m256, b: __m256) -> Pair {
    // SAFETY: as above.
    unsafe {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        Pair(_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
    }
}

/// Eight rows of four numbers as four columns.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn split4_of_8(upper: Pair, lower: Pair) -> [__m256; 4] {
    // SAFETY: as above.
    unsafe {
        transpose4([
            _mm256_permute2f128_ps::<0x20>(upper.0, lower.0),
            _mm256_permute2f128_ps::<0x31>(upper.0, lower.0),
            _mm256_permute2f128_ps::<0x20>(upper.1, lower.1),
            _mm256_permute2f128_ps::<0x31>(upper.1, lower.1),
        ])
    }
}

#[inline(always)]
#[allow(unsafe_code)]
unsafe fn join4_of_8(columns: [__m256; 4]) -> [Pair; 2] {
    // SAFETY: as above.
    unsafe {
        let [r0, r1, r2, r3] = transpose4(columns);
        [
            Pair(_mm256_permute2f128_ps::<0x20>(r0, r1), _mm256_permute2f128_ps::<0x20>(r2, r3)),
            Pair(_mm256_permute2f128_ps::<0x31>(r0, r1), _mm256_permute2f128_ps::<0x31>(r2, r3)),
        ]
    }
}

#[allow(unsafe_code)]
impl Lanes for Pair {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller's promise, or the proof that a value of the type is; here and below.
        unsafe { Pair(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { Pair(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        // SAFETY: as above; masked elements are not touched, and the second half only where it exists.
        unsafe {
            let rest = count.saturating_sub(8);
            let first = match count {
                4 => _mm256_zextps128_ps256(_mm_loadu_ps(from)),
                count if count >= 8 => _mm256_loadu_ps(from),
                count => _mm256_maskload_ps(from, first_of_8(count)),
            };
            let after = if rest > 0 { 8 } else { 0 };
            Pair(first, _mm256_maskload_ps(from.add(after), first_of_8(rest)))
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, count: usize) {
        // Masked stores take a hundred cycles on some processors.
        // SAFETY: as above.
        unsafe { self.store_pieces(to, count) };
    }

    #[inline(always)]
    unsafe fn load_pieces(from: *const f32, count: usize) -> Self {
        // SAFETY: as above; the second half is only read where it exists.
        unsafe {
            if count >= 8 {
                Pair(_mm256_loadu_ps(from), load_8(from.add(8), count - 8))
            } else {
                Pair(load_8(from, count), _mm256_setzero_ps())
            }
        }
    }

    #[inline(always)]
    unsafe fn store_pieces(self, to: *mut f32, count: usize) {
        // SAFETY: as above.
        unsafe {
            if count >= 8 {
                _mm256_storeu_ps(to, self.0);
                store_8(self.1, to.add(8), count - 8);
            } else {
                store_8(self.0, to, count);
            }
        }
    }

    #[inline(always)]
    unsafe fn load_classes(from: *const i64, ignored: i64) -> Self {
        // SAFETY: as above.
        unsafe { Pair(eight_classes(from, ignored), eight_classes(from.add(8), ignored)) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Pair(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Pair(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Pair(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn over(self, other: Self) -> Self {
        // SAFETY: as above.
        unsafe { Pair(_mm256_div_ps(self.0, other.0), _mm256_div_ps(self.1, other.1)) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, term: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            Pair(
                _mm256_fmadd_ps(self.0, factor.0, term.0),
                _mm256_fmadd_ps(self.1, factor.1, term.1),
            )
        }
    }

    #[inline(always)]
    fn negative(self) -> Self {
        // SAFETY: as above.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            Pair(_mm256_xor_ps(self.0, sign), _mm256_xor_ps(self.1, sign))
        }
    }

    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // SAFETY: as above. The instruction gives its second operand unless the first is larger.
        unsafe {
            let nan0 = _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0);
            let nan1 = _mm256_cmp_ps::<_CMP_UNORD_Q>(self.1, self.1);
            Pair(
                _mm256_blendv_ps(_mm256_max_ps(self.0, other.0), self.0, nan0),
                _mm256_blendv_ps(_mm256_max_ps(self.1, other.1), self.1, nan1),
            )
        }
    }

    #[inline(always)]
    fn select_equal(self, other: Self, equal: Self, unequal: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let first = _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0);
            let second = _mm256_cmp_ps::<_CMP_EQ_OQ>(self.1, other.1);
            Pair(
                _mm256_blendv_ps(unequal.0, equal.0, first),
                _mm256_blendv_ps(unequal.1, equal.1, second),
            )
        }
    }

    #[inline(always)]
    fn gated(self, gate: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            let zero = _mm256_setzero_ps();
            Pair(
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(gate.0, zero), self.0),
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(gate.1, zero), self.1),
            )
        }
    }

    #[inline(always)]
    fn choose(self, bits: u16, other: Self) -> Self {
        // SAFETY: as above.
        unsafe {
            Pair(
                _mm256_blendv_ps(other.0, self.0, set_bits(bits)),
                _mm256_blendv_ps(other.1, self.1, set_bits(bits >> 8)),
            )
        }
    }

    type Places = [__m256i; 2];

    #[inline(always)]
    unsafe fn places(numbers: &[u32; LANES]) -> [__m256i; 2] {
        let from = numbers.as_ptr().cast::<__m256i>();
        // SAFETY: as above.
        unsafe { [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))] }
    }

    #[inline(always)]
    unsafe fn further([a, b]: [__m256i; 2], step: u32) -> [__m256i; 2] {
        // SAFETY: as above.
        unsafe {
            let step = _mm256_set1_epi32(step as i32);
            [_mm256_add_epi32(a, step), _mm256_add_epi32(b, step)]
        }
    }

    #[inline(always)]
    fn permute(self, [a, b]: [__m256i; 2]) -> Self {
        // SAFETY: as above.
        unsafe { Pair(eight_named(self, a), eight_named(self, b)) }
    }

    #[inline(always)]
    fn transpose(rows: &[Self; LANES]) -> [Self; LANES] {
        let mut columns = *rows;
        // SAFETY: as above.
        unsafe {
            let mut square = [rows[0].0; 8];
            let mut below = square;
            for i in 0..8 {
                square[i] = rows[i].0;
                below[i] = rows[8 + i].0;
            }
            let (left, right) = (transpose8(square), transpose8(below));
            for i in 0..8 {
                columns[i] = Pair(left[i], right[i]);
                square[i] = rows[i].1;
                below[i] = rows[8 + i].1;
            }
            let (left, right) = (transpose8(square), transpose8(below));
            for i in 0..8 {
                columns[8 + i] = Pair(left[i], right[i]);
            }
        }
        columns
    }

    #[inline(always)]
    fn split2([a, b]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as above.
        unsafe {
            let ([x0, y0], [x1, y1]) = (split2_of_8(a.0, a.1), split2_of_8(b.0, b.1));
            [Pair(x0, x1), Pair(y0, y1)]
        }
    }

    #[inline(always)]
    fn join2([a, b]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as above.
        unsafe { [join2_of_8(a.0, b.0), join2_of_8(a.1, b.1)] }
    }

    #[inline(always)]
    fn split4([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: as above.
        unsafe {
            let (first, second) = (split4_of_8(a, b), split4_of_8(c, d));
            [
                Pair(first[0], second[0]),
                Pair(first[1], second[1]),
                Pair(first[2], second[2]),
                Pair(first[3], second[3]),
            ]
        }
    }

    #[inline(always)]
    fn join4([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: as above.
        unsafe {
            let [w, x] = join4_of_8([a.0, b.0, c.0, d.0]);
            let [y, z] = join4_of_8([a.1, b.1, c.1, d.1]);
            [w, x, y, z]
        }
    }
}
