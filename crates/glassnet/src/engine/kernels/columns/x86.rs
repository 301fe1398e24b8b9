//! [`Columns`] by shuffles of AVX-512 and AVX2.

use std::arch::x86_64::*;

use super::{Columns, LANES, Lanes};

#[inline(always)]
#[allow(unsafe_code)]
unsafe fn wide<const N: usize>(lanes: &[Lanes; N]) -> [__m512; N] {
    // SAFETY: the caller's promise, here and below: inside AVX-512.
    std::array::from_fn(|i| unsafe { _mm512_loadu_ps(lanes[i].as_ptr()) })
}

#[inline(always)]
#[allow(unsafe_code)]
unsafe fn lanes<const N: usize>(registers: &[__m512; N]) -> [Lanes; N] {
    let mut out = [[0.0; LANES]; N];
    for i in 0..N {
        // SAFETY: as above; every array has 16 elements.
        unsafe { _mm512_storeu_ps(out[i].as_mut_ptr(), registers[i]) };
    }
    out
}

#[allow(unsafe_code)]
impl Columns for __m512 {
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Lanes {
        // SAFETY: as above; masked elements are not touched.
        unsafe { lanes(&[_mm512_maskz_loadu_ps(((1_u32 << count) - 1) as __mmask16, from)])[0] }
    }

    #[inline(always)]
    unsafe fn store_part(part: &Lanes, to: *mut f32, count: usize) {
        // SAFETY: as above; masked elements are not touched.
        unsafe {
            let [part] = wide(&[*part]);
            _mm512_mask_storeu_ps(to, ((1_u32 << count) - 1) as __mmask16, part);
        }
    }

    #[inline(always)]
    unsafe fn transpose(square: &[Lanes; LANES]) -> [Lanes; LANES] {
        // SAFETY: as above.
        unsafe {
            let rows = wide(square);
            // Within each quarter of a register: 4 × 4 squares of four neighbouring rows.
            let mut quarters = rows;
            for i in (0..LANES).step_by(4) {
                let low0 = _mm512_unpacklo_ps(rows[i], rows[i + 1]);
                let high0 = _mm512_unpackhi_ps(rows[i], rows[i + 1]);
                let low1 = _mm512_unpacklo_ps(rows[i + 2], rows[i + 3]);
                let high1 = _mm512_unpackhi_ps(rows[i + 2], rows[i + 3]);
                quarters[i] = _mm512_shuffle_ps::<0x44>(low0, low1);
                quarters[i + 1] = _mm512_shuffle_ps::<0xee>(low0, low1);
                quarters[i + 2] = _mm512_shuffle_ps::<0x44>(high0, high1);
                quarters[i + 3] = _mm512_shuffle_ps::<0xee>(high0, high1);
            }
            // Then the quarters change places.
            let mut columns = rows;
            for i in 0..4 {
                let [q0, q1, q2, q3] =
                    [quarters[i], quarters[4 + i], quarters[8 + i], quarters[12 + i]];
                let even0 = _mm512_shuffle_f32x4::<0x88>(q0, q1);
                let even1 = _mm512_shuffle_f32x4::<0x88>(q2, q3);
                let odd0 = _mm512_shuffle_f32x4::<0xdd>(q0, q1);
                let odd1 = _mm512_shuffle_f32x4::<0xdd>(q2, q3);
                columns[i] = _mm512_shuffle_f32x4::<0x88>(even0, even1);
                columns[4 + i] = _mm512_shuffle_f32x4::<0x88>(odd0, odd1);
                columns[8 + i] = _mm512_shuffle_f32x4::<0xdd>(even0, even1);
                columns[12 + i] = _mm512_shuffle_f32x4::<0xdd>(odd0, odd1);
            }
            lanes(&columns)
        }
    }

    #[inline(always)]
    unsafe fn split2(flat: &[Lanes; 2]) -> [Lanes; 2] {
        // SAFETY: as above.
        unsafe {
            let [a, b] = wide(flat);
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
            lanes(&[_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b)])
        }
    }

    #[inline(always)]
    unsafe fn join2(columns: &[Lanes; 2]) -> [Lanes; 2] {
        // SAFETY: as above.
        unsafe {
            let [a, b] = wide(columns);
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            lanes(&[_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)])
        }
    }

    #[inline(always)]
    unsafe fn split4(flat: &[Lanes; 4]) -> [Lanes; 4] {
        // SAFETY: as above.
        unsafe {
            let [a, b, c, d] = wide(flat);
            let first = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
            let last =
                _mm512_setr_epi32(2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
            let (upper01, upper23) =
                (_mm512_permutex2var_ps(a, first, b), _mm512_permutex2var_ps(a, last, b));
            let (lower01, lower23) =
                (_mm512_permutex2var_ps(c, first, d), _mm512_permutex2var_ps(c, last, d));
            lanes(&[
                _mm512_shuffle_f32x4::<0x44>(upper01, lower01),
                _mm512_shuffle_f32x4::<0xee>(upper01, lower01),
                _mm512_shuffle_f32x4::<0x44>(upper23, lower23),
                _mm512_shuffle_f32x4::<0xee>(upper23, lower23),
            ])
        }
    }

    #[inline(always)]
    unsafe fn join4(columns: &[Lanes; 4]) -> [Lanes; 4] {
        // SAFETY: as above.
        unsafe {
            let [c0, c1, c2, c3] = wide(columns);
            let (upper01, lower01) =
                (_mm512_shuffle_f32x4::<0x44>(c0, c1), _mm512_shuffle_f32x4::<0xee>(c0, c1));
            let (upper23, lower23) =
                (_mm512_shuffle_f32x4::<0x44>(c2, c3), _mm512_shuffle_f32x4::<0xee>(c2, c3));
            let first = _mm512_setr_epi32(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27);
            let last =
                _mm512_setr_epi32(4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7, 15, 23, 31);
            lanes(&[
                _mm512_permutex2var_ps(upper01, first, upper23),
                _mm512_permutex2var_ps(upper01, last, upper23),
                _mm512_permutex2var_ps(lower01, first, lower23),
                _mm512_permutex2var_ps(lower01, last, lower23),
            ])
        }
    }
}

/// Half of an array of lanes.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn half(lanes: &Lanes, half: usize) -> __m256 {
    // SAFETY: the caller's promise, here and below: inside AVX2. Both halves lie within the array.
    unsafe { _mm256_loadu_ps(lanes[half * 8..half * 8 + 8].as_ptr()) }
}

#[inline(always)]
#[allow(unsafe_code)]
unsafe fn set_half(lanes: &mut Lanes, half: usize, value: __m256) {
    // SAFETY: as above.
    unsafe { _mm256_storeu_ps(lanes[half * 8..half * 8 + 8].as_mut_ptr(), value) };
}

/// 4 × 4 squares within each half of a register.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn transpose4(rows: [__m256; 4]) -> [__m256; 4] {
    // SAFETY: as above.
    unsafe {
        let low0 = _mm256_unpacklo_ps(rows[0], rows[1]);
        let high0 = _mm256_unpackhi_ps(rows[0], rows[1]);
        let low1 = _mm256_unpacklo_ps(rows[2], rows[3]);
        let high1 = _mm256_unpackhi_ps(rows[2], rows[3]);
        [
            _mm256_shuffle_ps::<0x44>(low0, low1),
            _mm256_shuffle_ps::<0xee>(low0, low1),
            _mm256_shuffle_ps::<0x44>(high0, high1),
            _mm256_shuffle_ps::<0xee>(high0, high1),
        ]
    }
}

/// The mask of the first `count` of eight lanes.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn first_lanes(count: usize) -> __m256i {
    // SAFETY: as above.
    unsafe {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }
}

#[allow(unsafe_code)]
impl Columns for __m256 {
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: as above; masked elements are not touched, and the second half is only read where it exists.
        unsafe {
            set_half(&mut lanes, 0, _mm256_maskload_ps(from, first_lanes(count)));
            if count > 8 {
                let rest = _mm256_maskload_ps(from.add(8), first_lanes(count - 8));
                set_half(&mut lanes, 1, rest);
            }
        }
        lanes
    }

    #[inline(always)]
    unsafe fn store_part(lanes: &Lanes, to: *mut f32, count: usize) {
        // SAFETY: as above.
        unsafe {
            _mm256_maskstore_ps(to, first_lanes(count), half(lanes, 0));
            if count > 8 {
                _mm256_maskstore_ps(to.add(8), first_lanes(count - 8), half(lanes, 1));
            }
        }
    }

    #[inline(always)]
    unsafe fn transpose(square: &[Lanes; LANES]) -> [Lanes; LANES] {
        let mut columns = [[0.0; LANES]; LANES];
        for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            // SAFETY: as above.
            unsafe {
                let row = |i: usize| half(&square[down * 8 + i], right);
                let upper = transpose4([row(0), row(1), row(2), row(3)]);
                let lower = transpose4([row(4), row(5), row(6), row(7)]);
                for i in 0..4 {
                    let left = _mm256_permute2f128_ps::<0x20>(upper[i], lower[i]);
                    let far = _mm256_permute2f128_ps::<0x31>(upper[i], lower[i]);
                    set_half(&mut columns[right * 8 + i], down, left);
                    set_half(&mut columns[right * 8 + 4 + i], down, far);
                }
            }
        }
        columns
    }

    #[inline(always)]
    unsafe fn split2(flat: &[Lanes; 2]) -> [Lanes; 2] {
        let mut columns = [[0.0; LANES]; 2];
        for eight in 0..2 {
            // SAFETY: as above.
            unsafe {
                let (a, b) = (half(&flat[eight], 0), half(&flat[eight], 1));
                let order =
                    |x| _mm256_castpd_ps(_mm256_permute4x64_pd::<0xd8>(_mm256_castps_pd(x)));
                set_half(&mut columns[0], eight, order(_mm256_shuffle_ps::<0x88>(a, b)));
                set_half(&mut columns[1], eight, order(_mm256_shuffle_ps::<0xdd>(a, b)));
            }
        }
        columns
    }

    #[inline(always)]
    unsafe fn join2(columns: &[Lanes; 2]) -> [Lanes; 2] {
        let mut flat = [[0.0; LANES]; 2];
        for eight in 0..2 {
            // SAFETY: as above.
            unsafe {
                let (a, b) = (half(&columns[0], eight), half(&columns[1], eight));
                let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                set_half(&mut flat[eight], 0, _mm256_permute2f128_ps::<0x20>(low, high));
                set_half(&mut flat[eight], 1, _mm256_permute2f128_ps::<0x31>(low, high));
            }
        }
        flat
    }

    #[inline(always)]
    unsafe fn split4(flat: &[Lanes; 4]) -> [Lanes; 4] {
        let mut columns = [[0.0; LANES]; 4];
        for eight in 0..2 {
            // SAFETY: as above.
            unsafe {
                let pair = |i: usize| half(&flat[eight * 2 + i / 2], i % 2);
                let rows = transpose4([
                    _mm256_permute2f128_ps::<0x20>(pair(0), pair(2)),
                    _mm256_permute2f128_ps::<0x31>(pair(0), pair(2)),
                    _mm256_permute2f128_ps::<0x20>(pair(1), pair(3)),
                    _mm256_permute2f128_ps::<0x31>(pair(1), pair(3)),
                ]);
                for column in 0..4 {
                    set_half(&mut columns[column], eight, rows[column]);
                }
            }
        }
        columns
    }

    #[inline(always)]
    unsafe fn join4(columns: &[Lanes; 4]) -> [Lanes; 4] {
        let mut flat = [[0.0; LANES]; 4];
        for eight in 0..2 {
            // SAFETY: as above.
            unsafe {
                let [r0, r1, r2, r3] = transpose4([
                    half(&columns[0], eight),
                    half(&columns[1], eight),
                    half(&columns[2], eight),
                    half(&columns[3], eight),
                ]);
                let pairs = [
                    _mm256_permute2f128_ps::<0x20>(r0, r1),
                    _mm256_permute2f128_ps::<0x20>(r2, r3),
                    _mm256_permute2f128_ps::<0x31>(r0, r1),
                    _mm256_permute2f128_ps::<0x31>(r2, r3),
                ];
                for i in 0..4 {
                    set_half(&mut flat[eight * 2 + i / 2], i % 2, pairs[i]);
                }
            }
        }
        flat
    }
}
