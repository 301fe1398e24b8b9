//! Kernels against plain loops: the same bits at every level.

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

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

struct Silu;

impl Map<1> for Silu {
    #[inline(always)]
    fn at(&self, [x]: [f32; 1]) -> f32 {
        elementary::silu(x)
    }
}

/// The rule itself, in three loops.
fn naive(
    shape: &Product,
    a: &[f32],
    b: &[f32],
    bias: Option<&[f32]>,
    activate: bool,
    c: &mut [f32],
) {
    for i in 0..shape.m {
        for j in 0..shape.n {
            let mut total = if shape.accumulate { Some(c[i * shape.n + j]) } else { None };
            for block in (0..shape.k).step_by(KC) {
                let mut chain = 0.0_f32;
                for p in block..shape.k.min(block + KC) {
                    let right = match shape.b {
                        Right::Plain => b[p * shape.n + j],
                        Right::Transposed => b[j * shape.k + p],
                    };
                    chain =
                        a[i * shape.a_row_stride + p * shape.a_column_stride].mul_add(right, chain);
                }
                total = Some(total.map_or(chain, |total| total + chain));
            }
            let mut value = total.unwrap_or(0.0);
            if let Some(bias) = bias {
                value += bias[j];
            }
            c[i * shape.n + j] = if activate { elementary::silu(value) } else { value };
        }
    }
}

fn check(shape: Product, with_bias: bool, activate: bool) {
    let a = values(1, shape.m * shape.k);
    let b = values(2, shape.k * shape.n);
    let bias = values(3, shape.n);
    let bias = with_bias.then_some(&bias[..]);
    let before = values(4, shape.m * shape.n);
    let mut expected = before.clone();
    naive(&shape, &a, &b, bias, activate, &mut expected);
    for level in Level::supported() {
        let mut c = before.clone();
        let mut scratch = vec![f32::NAN; shape.scratch_len(level)];
        if activate {
            product(level, &shape, &a, &b, bias, &Silu, &mut c, &mut scratch);
        } else {
            product(level, &shape, &a, &b, bias, &Identity, &mut c, &mut scratch);
        }
        assert_eq!(bits(&c), bits(&expected), "{level} {shape:?} bias {with_bias}");
    }
}

fn check_all_layouts(m: usize, k: usize, n: usize) {
    for b in [Right::Plain, Right::Transposed] {
        for shape in [Product::new(m, k, n, b), Product::with_a_transposed(m, k, n, b)] {
            check(shape, false, false);
            check(shape, true, true);
            check(shape.accumulating(), (m + n).is_multiple_of(2), false);
        }
    }
}

#[test]
fn products_have_the_bits_of_the_rule() {
    let sides = [0, 1, 2, 3, 4, 5, 7, 13, 17, 31, 33];
    for m in sides {
        for n in sides {
            for k in [0, 1, 2, 7] {
                check_all_layouts(m, k, n);
            }
        }
    }
}

#[test]
fn products_of_networks_sizes_have_the_bits_of_the_rule() {
    for (m, k, n) in
        [(80, 6, 32), (80, 32, 32), (80, 32, 4), (32, 80, 32), (5, 256, 10), (3, 257, 129)]
    {
        check_all_layouts(m, k, n);
    }
    for (m, k, n) in [(13, 513, 65), (29, 784, 131), (1, 600, 300), (250, 3, 40), (26, 300, 1030)] {
        check(Product::new(m, k, n, Right::Plain), true, false);
        check(Product::new(m, k, n, Right::Transposed).accumulating(), false, false);
    }
}

#[test]
fn the_first_block_is_stored_as_it_is() {
    // A negative product that underflows gives −0; 0 + (−0) would be +0.
    let shape = Product::new(1, 1, 1, Right::Plain);
    for level in Level::supported() {
        let mut c = [1.0];
        let mut scratch = vec![0.0; shape.scratch_len(level)];
        product(level, &shape, &[-1e-30], &[1e-30], None, &Identity, &mut c, &mut scratch);
        assert_eq!(c[0].to_bits(), (-0.0_f32).to_bits());
    }
}

#[test]
fn rows_are_summed_as_a_product_with_ones() {
    for (m, n) in [(0, 3), (1, 1), (80, 32), (80, 4), (513, 37), (600, 70)] {
        let rows = values(5, m * n);
        let mut expected = vec![0.0; n];
        naive(
            &Product::new(1, m, n, Right::Plain),
            &vec![1.0; m],
            &rows,
            None,
            false,
            &mut expected,
        );
        for level in Level::supported() {
            let mut out = vec![f32::NAN; n];
            sum_rows(level, m, n, n, &rows, &mut out);
            assert_eq!(bits(&out), bits(&expected), "{level} {m} {n}");
        }
    }
}

struct Momentum;

impl Sweep<1, 2> for Momentum {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v]: [f32; 2]) -> [f32; 2] {
        let v = 0.9_f32.mul_add(v, g);
        [(-0.1_f32).mul_add(v, w), v]
    }
}

/// Enough slices for the way through blocks.
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

struct Of<F>(F);

impl<F: Fn(f32) -> f32> Map<1> for Of<F> {
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
