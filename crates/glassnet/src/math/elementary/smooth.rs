//! Smooth gates x · s(x) and their derivatives, through f64.
//!
//! Far out the gate is 0 or 1 to every digit that f32 has. Arguments are held within ±200, where this is so and nothing
//! overflows; that also gives the limits at ±∞ instead of ∞ · 0.

use super::wide::{clamp, exp};

/// `x` in f64, at least −200, where every gate is below the smallest f32; +∞ passes.
#[inline(always)]
pub(super) fn floored(x: f32) -> f64 {
    let x = f64::from(x);
    if x < -200.0 { -200.0 } else { x }
}

/// x · sigmoid(x), also called swish. Tends to −0 at −∞.
///
/// # Numerics
/// At most 0.51 ulp.
///
/// ```
/// use glassnet::math::elementary::silu;
/// assert_eq!(silu(40.0), 40.0);
/// ```
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    let z = floored(x);
    (z / (1.0 + exp(-clamp(z, -200.0, 200.0)))) as f32
}

/// The derivative of [`silu`]: s + x s (1 − s) with s = sigmoid(x). Zero near −1.2785.
///
/// # Numerics
/// Absolute error at most 2^-40 plus half an ulp of the result.
#[inline(always)]
pub fn silu_derivative(x: f32) -> f32 {
    let z = clamp(f64::from(x), -200.0, 200.0);
    let e = exp(-z);
    let s = 1.0 / (1.0 + e);
    (s * (e * s).mul_add(z, 1.0)) as f32
}

/// x · tanh(softplus(x)). Tends to −0 at −∞.
///
/// # Numerics
/// At most 0.51 ulp: with w = eˣ (eˣ + 2), the tanh is w / (w + 2).
///
/// ```
/// use glassnet::math::elementary::mish;
/// assert_eq!(mish(50.0), 50.0);
/// ```
#[inline(always)]
pub fn mish(x: f32) -> f32 {
    let z = floored(x);
    let e = exp(clamp(z, -200.0, 40.0));
    let w = e * (e + 2.0);
    (z * (w / (w + 2.0))) as f32
}

/// The derivative of [`mish`]: t + x (1 − t²) sigmoid(x) with t = tanh(softplus(x)). Zero near −1.1924.
///
/// # Numerics
/// Absolute error at most 2^-40 plus half an ulp of the result.
#[inline(always)]
pub fn mish_derivative(x: f32) -> f32 {
    let z = clamp(f64::from(x), -200.0, 40.0);
    let e = exp(z);
    let w = e * (e + 2.0);
    let inverse = 1.0 / (w + 2.0);
    // (1 − t²) sigmoid(x) = 4 (w + 1) / (w + 2)² · e / (1 + e), and w + 1 = (1 + e)².
    let slope = 4.0 * e * (1.0 + e) * inverse * inverse;
    slope.mul_add(z, w * inverse) as f32
}

/// √(2/π), the factor of GELU's tanh form, and twice it times the cube's 0.044715.
const TWICE_ROOT: f64 = 1.595_769_121_605_730_7;
const CUBE: f64 = 0.044715;

/// GELU's tanh form: ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))). Tends to −0 at −∞.
///
/// # Numerics
/// At most 0.51 ulp, since ½ (1 + tanh u) = sigmoid(2u).
///
/// # Source
/// `torch.nn.GELU(approximate='tanh')`; Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
///
/// ```
/// use glassnet::math::elementary::gelu_tanh;
/// assert_eq!(gelu_tanh(1.0), 0.841192);
/// ```
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    let z = floored(x);
    let near = clamp(z, -200.0, 200.0);
    let u = TWICE_ROOT * near * (CUBE * near).mul_add(near, 1.0);
    (z / (1.0 + exp(-clamp(u, -600.0, 600.0)))) as f32
}

/// The derivative of [`gelu_tanh`]. Zero near −0.7525.
///
/// # Numerics
/// Absolute error at most 2^-40 plus half an ulp of the result.
#[inline(always)]
pub fn gelu_tanh_derivative(x: f32) -> f32 {
    let z = clamp(f64::from(x), -200.0, 200.0);
    let u = TWICE_ROOT * z * (CUBE * z).mul_add(z, 1.0);
    let e = exp(-clamp(u, -600.0, 600.0));
    let s = 1.0 / (1.0 + e);
    let rise = TWICE_ROOT * (3.0 * CUBE * z).mul_add(z, 1.0);
    (s * (e * s * rise).mul_add(z, 1.0)) as f32
}
