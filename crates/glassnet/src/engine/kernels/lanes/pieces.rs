//! Loads and stores of fewer numbers than a register has, in pieces of 8, 4, 2 and 1, without masks.
//!
//! # Safety
//! To be called inside AVX2 or AVX-512; pointers are valid for `count` numbers.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

/// At most three numbers, zeros after them.
#[inline(always)]
unsafe fn load_3(from: *const f32, count: usize) -> __m128 {
    // SAFETY: the caller's promise, here and below.
    unsafe {
        match count & 3 {
            0 => _mm_setzero_ps(),
            1 => _mm_load_ss(from),
            2 => _mm_castpd_ps(_mm_load_sd(from.cast())),
            _ => {
                // not operations: the number 3
                let two = _mm_castpd_ps(_mm_load_sd(from.cast()));
                _mm_movelh_ps(two, _mm_load_ss(from.add(2)))
            }
        }
    }
}

/// At most eight numbers, zeros after them.
///
/// # Safety
/// As the module says; `from` is valid for `count` numbers.
#[inline(always)]
pub(super) unsafe fn load_8(from: *const f32, count: usize) -> __m256 {
    // SAFETY: as above.
    unsafe {
        if count & 8 != 0 {
            _mm256_loadu_ps(from)
        } else if count & 4 != 0 {
            let four = _mm256_castps128_ps256(_mm_loadu_ps(from));
            _mm256_insertf128_ps::<1>(four, load_3(from.add(4), count))
        } else {
            _mm256_zextps128_ps256(load_3(from, count))
        }
    }
}

/// Stores at most eight numbers.
///
/// # Safety
/// As the module says; `to` is valid for `count` numbers.
#[inline(always)]
pub(super) unsafe fn store_8(numbers: __m256, to: *mut f32, count: usize) {
    // SAFETY: as above.
    unsafe {
        if count & 8 != 0 {
            return _mm256_storeu_ps(to, numbers);
        }
        let (mut to, mut rest) = (to, _mm256_castps256_ps128(numbers));
        if count & 4 != 0 {
            _mm_storeu_ps(to, rest);
            (to, rest) = (to.add(4), _mm256_extractf128_ps::<1>(numbers));
        }
        if count & 2 != 0 {
            _mm_store_sd(to.cast(), _mm_castps_pd(rest));
            (to, rest) = (to.add(2), _mm_movehl_ps(rest, rest));
        }
        if count & 1 != 0 {
            _mm_store_ss(to, rest);
        }
    }
}
