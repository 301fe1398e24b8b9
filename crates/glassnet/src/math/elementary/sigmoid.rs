//! The logistic family and tanh, in f32.

use super::exponential::{exp, exp_normal};
use super::logarithm::log1p;
use super::{clamp, horner};

/// (tanh x − x) / x³ as a polynomial in x² on |x| ≤ 0.56; largest relative error of tanh 2^-27.6.
const TANH: [f32; 5] =
    [-3.333331347e-1, 1.333248019e-1, -5.3840518e-2, 2.102055773e-2, -6.198728923e-3];

/// The hyperbolic tangent. From the output y, the derivative is 1 − y².
///
/// # Numerics
/// At most 1.51 ulp: an odd polynomial below 0.55, 1 − 2/(e²ˣ + 1) above.
///
/// ```
/// use glassnet::math::elementary::tanh;
/// assert_eq!(tanh(-0.0).to_bits(), (-0.0_f32).to_bits());
/// assert_eq!(tanh(20.0), 1.0);
/// ```
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = clamp(x.abs(), 0.0, 10.0);
    let square = size * size;
    let near = (square * size).mul_add(horner(&TANH, square), size);
    let far = 1.0 - 2.0 / (exp_normal(2.0 * size) + 1.0);
    (if size < 0.55 { near } else { far }).copysign(x)
}

/// The logistic function 1 / (1 + e⁻ˣ). From the output y, the derivative is y (1 − y); this is also the derivative of
/// [`softplus`].
///
/// # Numerics
/// At most 1.5 ulp, also where the result is subnormal. Computed from e^−|x|, which cannot overflow; what 1 + e and the
/// division lose is put back.
///
/// ```
/// use glassnet::math::elementary::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert_eq!(sigmoid(f32::NEG_INFINITY), 0.0);
/// ```
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let above = if x < 0.0 { e } else { 1.0 };
    let below = 1.0 + e;
    let lost = e - (below - 1.0);
    let quotient = above / below;
    let rest = (-quotient).mul_add(below, above) - quotient * lost;
    // 1 / (1 + e) to 6 %, enough for a correction.
    rest.mul_add((-0.4857_f32).mul_add(e, 0.9714), quotient)
}

/// log(1 + eˣ), which tends to eˣ on the left and to x on the right. PyTorch's `beta` and `threshold` are the caller's.
///
/// # Numerics
/// At most 1.82 ulp: max(x, 0) + log1p(e^−|x|).
///
/// ```
/// use glassnet::math::elementary::softplus;
/// assert_eq!(softplus(0.0), std::f32::consts::LN_2);
/// assert_eq!(softplus(100.0), 100.0);
/// ```
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let rest = log1p(exp(-x.abs()));
    if x > 0.0 { x + rest } else { rest }
}

/// log(1 / (1 + e⁻ˣ)) = −softplus(−x). Its derivative is sigmoid(−x).
///
/// # Numerics
/// At most 1.82 ulp, as [`softplus`].
///
/// ```
/// use glassnet::math::elementary::logsigmoid;
/// assert_eq!(logsigmoid(-100.0), -100.0);
/// ```
#[inline(always)]
pub fn logsigmoid(x: f32) -> f32 {
    -softplus(-x)
}
