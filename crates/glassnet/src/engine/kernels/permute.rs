//! Registers whose lanes change places: what products of a few numbers need.
//!
//! # Safety
//! As in [`vector`](super::vector); pointers are valid for as many elements as the [`Reach`] says, registers included.
#![allow(unsafe_code)]

use super::lanes::Sixteen;
use super::vector::{Lanes8, Vector};

/// The lanes of the widest register.
const MOST: usize = 16;

/// How much is loaded or stored at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Reach {
    /// A register, though the value may be shorter.
    Whole,
    One,
    Two,
    Four,
    Eight,
    /// So many elements through a mask.
    Masked(u8),
}

impl Reach {
    /// The reach for `len` elements, neither fewer nor more, in a register of `lanes`.
    pub(in crate::engine) fn exactly(len: usize, lanes: usize) -> Reach {
        match len {
            len if len == lanes => Reach::Whole, // not operations: lengths
            1 => Reach::One,
            2 => Reach::Two,
            4 => Reach::Four,
            8 => Reach::Eight,
            len => Reach::Masked(len as u8),
        }
    }

    fn len(self, lanes: usize) -> usize {
        match self {
            Reach::Whole => lanes,
            Reach::One => 1,
            Reach::Two => 2,
            Reach::Four => 4,
            Reach::Eight => 8,
            Reach::Masked(len) => usize::from(len),
        }
    }
}

/// What a register needs for products that fit registers.
///
/// # Safety
/// As [`Vector`]; pointers are valid for what `reach` says.
pub(in crate::engine) trait Few: Vector + Sixteen {
    /// An element's number for each lane.
    type Places: Copy;
    unsafe fn lanes(numbers: &[u32; MOST]) -> Self::Places;
    /// Every number increased by `step`.
    unsafe fn further(lanes: Self::Places, step: u32) -> Self::Places;
    /// The element that each lane names.
    unsafe fn permute(self, lanes: Self::Places) -> Self;
    /// The lanes that `reach` leaves out are unspecified.
    unsafe fn load_reach(from: *const f32, reach: Reach) -> Self;
    unsafe fn store_reach(self, to: *mut f32, reach: Reach);
}

impl Few for Lanes8 {
    type Places = [u32; 8];

    #[inline(always)]
    unsafe fn lanes(numbers: &[u32; MOST]) -> [u32; 8] {
        std::array::from_fn(|lane| numbers[lane])
    }

    #[inline(always)]
    unsafe fn further(lanes: [u32; 8], step: u32) -> [u32; 8] {
        lanes.map(|number| number.wrapping_add(step))
    }

    #[inline(always)]
    unsafe fn permute(self, lanes: [u32; 8]) -> Self {
        let own = self.to_array();
        Lanes8::from_array(lanes.map(|number| own[number as usize % 8]))
    }

    #[inline(always)]
    unsafe fn load_reach(from: *const f32, reach: Reach) -> Self {
        // SAFETY: the caller's promise.
        unsafe { Lanes8::load_part(from, reach.len(8)) }
    }

    #[inline(always)]
    unsafe fn store_reach(self, to: *mut f32, reach: Reach) {
        // SAFETY: the caller's promise.
        unsafe { self.store_part(to, reach.len(8)) };
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Few, MOST, Reach, Vector};

    /// At most eight elements.
    #[inline(always)]
    unsafe fn load_half(from: *const f32, reach: Reach) -> __m256 {
        // SAFETY: the caller's promise: AVX2, and a pointer valid for the reach.
        unsafe {
            match reach {
                Reach::Whole | Reach::Eight => _mm256_loadu_ps(from),
                Reach::Four => _mm256_castps128_ps256(_mm_loadu_ps(from)),
                Reach::Two => _mm256_castpd_ps(_mm256_castpd128_pd256(_mm_load_sd(from.cast()))),
                Reach::One => _mm256_castps128_ps256(_mm_load_ss(from)),
                Reach::Masked(len) => __m256::load_part(from, usize::from(len)),
            }
        }
    }

    #[inline(always)]
    unsafe fn store_half(value: __m256, to: *mut f32, reach: Reach) {
        // SAFETY: as above.
        unsafe {
            match reach {
                Reach::Whole | Reach::Eight => _mm256_storeu_ps(to, value),
                Reach::Four => _mm_storeu_ps(to, _mm256_castps256_ps128(value)),
                Reach::Two => _mm_store_sd(to.cast(), _mm_castps_pd(_mm256_castps256_ps128(value))),
                Reach::One => _mm_store_ss(to, _mm256_castps256_ps128(value)),
                Reach::Masked(len) => value.store_part(to, usize::from(len)),
            }
        }
    }

    impl Few for __m256 {
        type Places = __m256i;

        #[inline(always)]
        unsafe fn lanes(numbers: &[u32; MOST]) -> __m256i {
            // SAFETY: as above.
            unsafe { _mm256_loadu_si256(numbers.as_ptr().cast()) }
        }

        #[inline(always)]
        unsafe fn further(lanes: __m256i, step: u32) -> __m256i {
            // SAFETY: as above.
            unsafe { _mm256_add_epi32(lanes, _mm256_set1_epi32(step as i32)) }
        }

        #[inline(always)]
        unsafe fn permute(self, lanes: __m256i) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_permutevar8x32_ps(self, lanes) }
        }

        #[inline(always)]
        unsafe fn load_reach(from: *const f32, reach: Reach) -> Self {
            // SAFETY: as above.
            unsafe { load_half(from, reach) }
        }

        #[inline(always)]
        unsafe fn store_reach(self, to: *mut f32, reach: Reach) {
            // SAFETY: as above.
            unsafe { store_half(self, to, reach) };
        }
    }

    impl Few for __m512 {
        type Places = __m512i;

        #[inline(always)]
        unsafe fn lanes(numbers: &[u32; MOST]) -> __m512i {
            // SAFETY: as above.
            unsafe { _mm512_loadu_si512(numbers.as_ptr().cast()) }
        }

        #[inline(always)]
        unsafe fn further(lanes: __m512i, step: u32) -> __m512i {
            // SAFETY: as above.
            unsafe { _mm512_add_epi32(lanes, _mm512_set1_epi32(step as i32)) }
        }

        #[inline(always)]
        unsafe fn permute(self, lanes: __m512i) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_permutexvar_ps(lanes, self) }
        }

        #[inline(always)]
        unsafe fn load_reach(from: *const f32, reach: Reach) -> Self {
            // SAFETY: as above.
            unsafe {
                match reach {
                    Reach::Whole => _mm512_loadu_ps(from),
                    Reach::Masked(len) => __m512::load_part(from, usize::from(len)),
                    Reach::One | Reach::Two | Reach::Four | Reach::Eight => {
                        _mm512_castps256_ps512(load_half(from, reach))
                    }
                }
            }
        }

        #[inline(always)]
        unsafe fn store_reach(self, to: *mut f32, reach: Reach) {
            // SAFETY: as above.
            unsafe {
                match reach {
                    Reach::Whole => _mm512_storeu_ps(to, self),
                    Reach::Masked(len) => self.store_part(to, usize::from(len)),
                    Reach::One | Reach::Two | Reach::Four | Reach::Eight => {
                        store_half(_mm512_castps512_ps256(self), to, reach);
                    }
                }
            }
        }
    }
}
