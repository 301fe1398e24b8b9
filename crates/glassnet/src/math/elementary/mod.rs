//! Elementary functions in f32, with stated bounds.
//!
//! Every function is one branch-free scalar body of exact operations, explicit fused multiply-adds and selects.
//! It gives the same bits wherever it runs; inlined into a loop of [`engine::kernels`](crate::engine::kernels)
//! it becomes AVX2 or AVX-512 code. NaN in gives NaN out; the sign of zero, subnormal results and infinite
//! limits are those of the true function.
//!
//! Two manners: the hot functions (`exp`, `log`, `tanh`, `sigmoid`, `softplus` …) stay in f32 and carry rounding
//! errors along where they would show; the others pass through f64 and round once. The coefficients are minimax
//! fits made by `fit.py` beside this file. `ULP.md` in the folder above holds the errors over **all** 2³² inputs,
//! printed by `cargo run --release --example ulp`.
//!
//! An error in *ulp* is |result − true value| divided by the spacing of f32 at the true value; a correctly
//! rounded function has 0.5.

mod exponential;
mod gaussian;
mod logarithm;
mod sigmoid;
mod smooth;
mod trigonometric;
mod wide;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;

pub use exponential::{exp, expm1};
pub use gaussian::{erf, gelu, gelu_derivative};
pub use logarithm::{log, log1p};
pub use sigmoid::{logsigmoid, sigmoid, softplus, tanh};
pub use smooth::{gelu_tanh, gelu_tanh_derivative, mish, mish_derivative, silu, silu_derivative};
pub use trigonometric::{cos, sin};

/// `x` held within `low ..= high`; NaN stays NaN.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// The polynomial with coefficients `c`, lowest power first, by Horner's rule.
#[inline(always)]
fn horner<const N: usize>(c: &[f32; N], x: f32) -> f32 {
    let mut sum = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum.mul_add(x, c[i]);
    }
    sum
}
