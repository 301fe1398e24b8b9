//! Natural logarithms.

use super::exponential::{LN2_HIGH, LN2_LOW};
use super::horner;

/// The bits of √½, where the mantissa's range begins.
const ROOT_HALF: i32 = 0x3f35_04f3;
const MANTISSA: i32 = 0x007f_ffff;
const EXPONENT: u32 = 0x3f80_0000;

/// (log(1 + f) − f + f²/2) / f³ on √½ − 1 ≤ f ≤ √2 − 1; largest relative error of log(1 + f) 2^-27.2.
const LOG: [f32; 8] = [
    3.333333135e-1,
    -2.500081956e-1,
    2.000122666e-1,
    -1.662335694e-1,
    1.42017588e-1,
    -1.316018254e-1,
    1.276157498e-1,
    -7.634495944e-2,
];

/// k and m with x = m · 2ᵏ and √½ ≤ m < √2, for normal positive x.
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    let above = (x.to_bits() as i32).wrapping_sub(ROOT_HALF);
    let m = f32::from_bits((above & MANTISSA).wrapping_add(ROOT_HALF) as u32);
    (above >> 23, m)
}

/// log(1 + f) + k ln 2.
#[inline(always)]
fn combine(f: f32, k: f32) -> f32 {
    let low = (f * f) * horner(&LOG, f).mul_add(f, -0.5);
    k.mul_add(LN2_HIGH, f + k.mul_add(LN2_LOW, low))
}

/// The natural logarithm: −∞ at ±0, NaN below 0.
///
/// # Numerics
/// At most 0.93 ulp.
///
/// ```
/// use glassnet::math::elementary::log;
/// assert_eq!(log(1.0), 0.0);
/// assert_eq!(log(0.0), f32::NEG_INFINITY);
/// assert!(log(-1.0).is_nan());
/// ```
#[inline(always)]
pub fn log(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let (k, m) = split(if tiny { x * 8_388_608.0 } else { x });
    let y = combine(m - 1.0, k as f32 - if tiny { 23.0 } else { 0.0 });
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}

/// log(1 + x), accurate near 0: −∞ at −1, NaN below.
///
/// # Numerics
/// At most 1.53 ulp. The reduced argument (1 + x)·2⁻ᵏ − 1 is formed from `x` with one rounding.
///
/// ```
/// use glassnet::math::elementary::log1p;
/// assert_eq!(log1p(1e-10), 1e-10);
/// assert_eq!(log1p(-1.0), f32::NEG_INFINITY);
/// ```
#[inline(always)]
pub fn log1p(x: f32) -> f32 {
    let (k, m) = split(1.0 + x);
    let scale = f32::from_bits(EXPONENT.wrapping_sub((k as u32) << 23));
    // Far out, 2⁻ᵏ would be subnormal, and 1 + x is x for this purpose.
    let f = if x > 67_108_864.0 { m - 1.0 } else { scale.mul_add(x, scale - 1.0) };
    let y = combine(f, k as f32).copysign(x);
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == -1.0 { f32::NEG_INFINITY } else { y };
    if x >= -1.0 { y } else { f32::NAN }
}
