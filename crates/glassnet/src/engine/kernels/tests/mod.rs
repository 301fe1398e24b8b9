//! Kernels against plain loops: the same bits at every level.

mod products;
mod registers;

use super::*;
use crate::math::elementary;

/// A small congruential stream: values in ±1, some of them zero or tiny.
fn values(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 8_388_608.0 - 1.0
    };
    (0..len)
        .map(|i| match i % 13 {
            5 => 0.0,
            7 => 1e-30 * next(),
            _ => next(),
        })
        .collect()
}

/// Panics at the first element whose bits differ.
fn assert_same(got: &[f32], expected: &[f32], what: impl std::fmt::Display) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            got.to_bits() == expected.to_bits(),
            "{what}: element {i} is {got:e}, not {expected:e}"
        );
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[derive(Clone, Copy)]
struct Momentum;

impl Sweep<1, 2> for Momentum {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v]: [f32; 2]) -> [f32; 2] {
        let v = 0.9_f32.mul_add(v, g);
        [(-0.1_f32).mul_add(v, w), v]
    }
}

/// Enough slices for the way through blocks.
#[derive(Clone, Copy)]
struct Rotate;

impl Sweep<2, 4> for Rotate {
    #[inline(always)]
    fn at(&self, [x, y]: [f32; 2], [a, b, c, d]: [f32; 4]) -> [f32; 4] {
        [b + x, c * y, d - x, a.mul_add(y, x)]
    }
}

#[test]
fn sweeps_have_the_bits_of_the_plain_loop() {
    for len in [0, 1, 5, 15, 16, 17, 64, 1000] {
        let slices: Vec<_> = (0..6).map(|seed| values(seed, len)).collect();
        for level in Level::supported() {
            let (mut w, mut v) = (slices[1].clone(), slices[2].clone());
            sweep(level, &Momentum, [&slices[0]], [&mut w, &mut v]);
            let mut own: Vec<_> = slices[2..].to_vec();
            let [a, b, c, d] = &mut own[..] else { unreachable!() };
            sweep(level, &Rotate, [&slices[0], &slices[1]], [a, b, c, d]);
            for i in 0..len {
                let expected = Momentum.at([slices[0][i]], [slices[1][i], slices[2][i]]);
                assert_eq!(bits(&[w[i], v[i]]), bits(&expected), "{level} {len} {i}");
                let old = std::array::from_fn(|m| slices[m + 2][i]);
                let expected = Rotate.at([slices[0][i], slices[1][i]], old);
                let got: Vec<f32> = own.iter().map(|slice| slice[i]).collect();
                assert_eq!(bits(&got), bits(&expected), "{level} {len} {i}");
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Of<F>(F);

impl<F: Fn(f32) -> f32 + Copy> Map<1> for Of<F> {
    #[inline(always)]
    fn at(&self, [x]: [f32; 1]) -> f32 {
        self.0(x)
    }
}

#[test]
#[allow(clippy::redundant_closure, reason = "closures are inlined, function pointers are not")]
fn elementary_functions_have_the_same_bits_on_every_level() {
    let mut inputs: Vec<f32> = (0..=u32::MAX).step_by(49_999).map(f32::from_bits).collect();
    inputs.extend([0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
    fn same(function: fn(f32) -> f32, body: impl Map<1>, inputs: &[f32]) {
        for level in Level::supported() {
            let mut out = vec![0.0; inputs.len()];
            map(level, &body, [inputs], &mut out);
            for (&x, &y) in inputs.iter().zip(&out) {
                let expected = function(x);
                assert!(
                    y.to_bits() == expected.to_bits() || (y.is_nan() && expected.is_nan()),
                    "{level} {x:e}"
                );
            }
        }
    }
    same(elementary::exp, Of(|x| elementary::exp(x)), &inputs);
    same(elementary::expm1, Of(|x| elementary::expm1(x)), &inputs);
    same(elementary::log, Of(|x| elementary::log(x)), &inputs);
    same(elementary::log1p, Of(|x| elementary::log1p(x)), &inputs);
    same(elementary::tanh, Of(|x| elementary::tanh(x)), &inputs);
    same(elementary::sigmoid, Of(|x| elementary::sigmoid(x)), &inputs);
    same(elementary::softplus, Of(|x| elementary::softplus(x)), &inputs);
    same(elementary::logsigmoid, Of(|x| elementary::logsigmoid(x)), &inputs);
    same(elementary::sin, Of(|x| elementary::sin(x)), &inputs);
    same(elementary::cos, Of(|x| elementary::cos(x)), &inputs);
    same(elementary::erf, Of(|x| elementary::erf(x)), &inputs);
    same(elementary::gelu, Of(|x| elementary::gelu(x)), &inputs);
    same(elementary::gelu_tanh, Of(|x| elementary::gelu_tanh(x)), &inputs);
    same(elementary::silu, Of(|x| elementary::silu(x)), &inputs);
    same(elementary::mish, Of(|x| elementary::mish(x)), &inputs);
    same(elementary::gelu_derivative, Of(|x| elementary::gelu_derivative(x)), &inputs);
    same(elementary::gelu_tanh_derivative, Of(|x| elementary::gelu_tanh_derivative(x)), &inputs);
    same(elementary::silu_derivative, Of(|x| elementary::silu_derivative(x)), &inputs);
    same(elementary::mish_derivative, Of(|x| elementary::mish_derivative(x)), &inputs);
}
