//! The exponential and its relatives.

use super::{clamp, horner, wide};

/// ln 2 rounded to f32, and what is missing to ln 2.
pub(super) const LN2_HIGH: f32 = std::f32::consts::LN_2;
pub(super) const LN2_LOW: f32 = -1.904_654_3e-9;
/// Adding this rounds a small f32 to an integer that stands in the low bits of the sum.
const SHIFT: f32 = 12_582_912.0;

/// (eʳ − 1 − r) / r² on |r| ≤ ½ ln 2; largest relative error of eʳ 2^-27.8.
const EXP: [f32; 5] =
    [4.999999404e-1, 1.666651964e-1, 4.166839272e-2, 8.368780836e-3, 1.38144684e-3];

/// 2ᵏ for −126 ≤ k ≤ 127.
#[inline(always)]
pub(super) fn power_of_two(k: i32) -> f32 {
    f32::from_bits((k.wrapping_add(127) << 23) as u32)
}

/// `p` and `k` with eˣ = p · 2ᵏ and ½√2 ≤ p ≤ √2, for |x| ≤ 2²⁰.
///
/// `1 + r` is rounded first and its rounding error goes into the small part of the sum, so that `p` is off by
/// little more than half an ulp.
#[inline(always)]
pub(super) fn exp_parts(x: f32) -> (f32, i32) {
    let shifted = x.mul_add(std::f32::consts::LOG2_E, SHIFT);
    let k = (shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
    let n = shifted - SHIFT;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let high = 1.0 + r;
    let low = (r * r).mul_add(horner(&EXP, r), r - (high - 1.0));
    (high + low, k)
}

/// eˣ for −87 ≤ x ≤ 88: as [`exp`], without care for results that overflow or are subnormal.
#[inline(always)]
pub(super) fn exp_normal(x: f32) -> f32 {
    let (p, k) = exp_parts(x);
    p * power_of_two(k)
}

/// eˣ.
///
/// # Numerics
/// At most 0.80 ulp. Overflows to infinity above 88.72284; below −87.3 the result is subnormal
/// and rounds to 0 below −103.97. Cody–Waite reduction by ln 2 in two parts, polynomial of degree 6.
///
/// ```
/// use glassnet::math::elementary::exp;
/// assert_eq!(exp(0.0), 1.0);
/// assert_eq!(exp(1.0), std::f32::consts::E);
/// assert_eq!(exp(f32::NEG_INFINITY), 0.0);
/// ```
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (p, k) = exp_parts(clamp(x, -104.0, 89.0));
    // Two factors, because 2ᵏ itself may overflow or be subnormal; only the last product rounds.
    let half = k >> 1;
    p * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

/// eˣ − 1, accurate near 0.
///
/// # Numerics
/// At most 0.51 ulp; through f64.
///
/// ```
/// use glassnet::math::elementary::expm1;
/// assert_eq!(expm1(1e-10), 1e-10);
/// assert_eq!(expm1(f32::NEG_INFINITY), -1.0);
/// ```
#[inline(always)]
pub fn expm1(x: f32) -> f32 {
    (wide::expm1(f64::from(clamp(x, -104.0, 89.0))) as f32).copysign(x)
}
