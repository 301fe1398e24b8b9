//! The kernels against f64 on this very processor: what `glassnet --version --verbose` shows.
//!
//! The tests of the project run on the machines of its authors; this one runs on the user's. It takes some
//! milliseconds, and it touches no file and no clock.

use super::elementwise;
use super::instruction::Extent;
use super::kernels::{Level, Operands, Product, Right, product};
use super::rows;
use crate::graph::op::{Activation, Softmax};

/// One kernel's largest error, over all instruction sets that this processor has.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfTest {
    /// The kernel: `exp`, `product 80×32×32`.
    pub name: String,
    /// The largest error found.
    pub error: f64,
    /// The largest error allowed.
    pub bound: f64,
    /// What both are measured in.
    pub unit: &'static str,
    /// Whether every instruction set gave the same bits.
    pub same_bits: bool,
}

impl SelfTest {
    /// Whether the error is within its bound and all instruction sets agree.
    pub fn passed(&self) -> bool {
        self.error <= self.bound && self.same_bits
    }
}

/// Compares products, elementary functions and softmax with f64, on every level that this processor has.
///
/// ```
/// let tests = glassnet::engine::self_test();
/// assert!(tests.iter().all(|test| test.passed()), "{tests:?}");
/// ```
pub fn self_test() -> Vec<SelfTest> {
    let products = SHAPES.map(|(m, k, n)| test_product(m, k, n));
    let functions = FUNCTIONS.iter().map(test_function);
    products.into_iter().chain(functions).chain([test_softmax()]).collect()
}

/// Rows, terms, columns: a single number, the exercise's layer, ragged ones, a training step's, a long sum.
const SHAPES: [(usize, usize, usize); 6] =
    [(1, 1, 1), (4, 2, 2), (3, 7, 5), (80, 32, 32), (33, 300, 17), (1, 600, 10)];

/// Numbers in ±1 that are the same everywhere: fractional parts of multiples of the golden ratio.
fn numbers(seed: usize, len: usize) -> Vec<f32> {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    (0..len).map(|i| (((seed * 7919 + i + 1) as f64 * RATIO).fract() * 2.0 - 1.0) as f32).collect()
}

/// What `compute` gives on the best level, and whether all levels give the same bits.
fn on_all_levels(compute: impl Fn(Level) -> Vec<f32>) -> (Vec<f32>, bool) {
    let best = compute(Level::detect());
    let bits =
        |values: &[f32]| -> Vec<u32> { values.iter().map(|value| value.to_bits()).collect() };
    let same = Level::supported().all(|level| bits(&compute(level)) == bits(&best));
    (best, same)
}

/// Both ways in which B may lie, with a bias. The error is relative to the sum of the terms' sizes, since a sum that
/// cancels has no relative accuracy of its own.
fn test_product(m: usize, k: usize, n: usize) -> SelfTest {
    let (a, b, bias) = (numbers(1, m * k), numbers(2, k * n), numbers(3, n));
    let mut test = SelfTest {
        name: format!("product {m}×{k}×{n}"),
        error: 0.0,
        // Every term and the bias is rounded at most once into a sum that is at most the sizes' sum.
        bound: (k + 1) as f64 * f64::from(f32::EPSILON) / 2.0,
        unit: "relative",
        same_bits: true,
    };
    for right in [Right::Plain, Right::Transposed] {
        let shape = Product::new(m, k, n, right);
        let (c, same) = on_all_levels(|level| {
            let mut c = vec![0.0; m * n];
            let mut scratch = vec![0.0; shape.scratch_len(level)];
            product(level, &shape, &Operands::new(&a, &b).with_bias(&bias), &mut c, &mut scratch);
            c
        });
        test.same_bits &= same;
        for (at, &got) in c.iter().enumerate() {
            let (i, j) = (at / n, at % n);
            let (mut truth, mut size) = (f64::from(bias[j]), f64::from(bias[j].abs()));
            for p in 0..k {
                let right = match right {
                    Right::Plain => b[p * n + j],
                    Right::Transposed => b[j * k + p],
                    Right::Panels => unreachable!("not among the layouts above"),
                };
                let term = f64::from(a[i * k + p]) * f64::from(right);
                truth += term;
                size += term.abs();
            }
            test.error = larger(test.error, (f64::from(got) - truth).abs() / size);
        }
    }
    test
}

/// The larger of two errors; an error that is no number counts as infinite.
fn larger(so_far: f64, error: f64) -> f64 {
    if error.is_nan() { f64::INFINITY } else { so_far.max(error) }
}

/// A function with its true value, its bound in ulp, and whether it takes negative numbers.
struct Function {
    name: &'static str,
    activation: Activation,
    truth: fn(f64) -> f64,
    bound: f64,
    domain: Domain,
}

#[derive(Clone, Copy, PartialEq)]
enum Domain {
    All,
    Positive,
}

const fn function(
    name: &'static str,
    activation: Activation,
    truth: fn(f64) -> f64,
    bound: f64,
) -> Function {
    Function { name, activation, truth, bound, domain: Domain::All }
}

/// The bounds are those of [`crate::math::elementary`]'s documentation.
const FUNCTIONS: [Function; 15] = [
    function("exp", Activation::Exp, libm::exp, 0.80),
    function("expm1", Activation::Expm1, libm::expm1, 0.51),
    Function { domain: Domain::Positive, ..function("log", Activation::Log, libm::log, 0.93) },
    Function {
        domain: Domain::Positive,
        ..function("log1p", Activation::Log1p, libm::log1p, 1.53)
    },
    function("tanh", Activation::Tanh, libm::tanh, 1.51),
    function("sigmoid", Activation::Sigmoid, logistic, 1.5),
    function("softplus", Activation::Softplus { beta: 1.0, threshold: 20.0 }, softplus, 1.82),
    function("logsigmoid", Activation::LogSigmoid, |x| -softplus(-x), 1.82),
    function("sin", Activation::Sin, libm::sin, 0.51),
    function("cos", Activation::Cos, libm::cos, 0.51),
    function("erf", Activation::Erf, libm::erf, 0.51),
    function("gelu", Activation::Gelu, |x| x * normal(x), 0.51),
    function("gelu_tanh", Activation::GeluTanh, |x| x * logistic(twice_u(x)), 0.51),
    function("silu", Activation::Silu, |x| x * logistic(x), 0.51),
    function("mish", Activation::Mish, |x| x * libm::tanh(softplus(x)), 0.51),
];

fn logistic(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// Twice the argument of the hyperbolic tangent in GELU's approximation.
fn twice_u(x: f64) -> f64 {
    2.0 * std::f64::consts::FRAC_2_PI.sqrt() * (x + 0.044_715 * x * x * x)
}

fn test_function(function: &Function) -> SelfTest {
    let grid: Vec<f32> = (-2500..=2500)
        .map(|i| i as f32 * (1.0 / 128.0))
        .map(|x| if function.domain == Domain::Positive { x.exp2() } else { x })
        .collect();
    let (values, same_bits) = on_all_levels(|level| {
        let mut values = vec![0.0; grid.len()];
        elementwise::map(level, function.activation, &grid, &mut values);
        values
    });
    let truths = grid.iter().map(|&x| (function.truth)(f64::from(x)));
    SelfTest {
        name: function.name.to_owned(),
        error: values.iter().zip(truths).fold(0.0, |worst, (&got, truth)| {
            larger(worst, (f64::from(got) - truth).abs() / spacing(truth))
        }),
        bound: function.bound,
        unit: "ulp",
        same_bits,
    }
}

/// The spacing of f32 at `value`.
fn spacing(value: f64) -> f64 {
    let exponent = (value.abs().to_bits() >> 52) as i32 - 1023;
    f64::from_bits(((exponent.clamp(-126, 127) - 23 + 1023) as u64) << 52)
}

/// Rows of ten scores, multiples of 1/64, so that the largest is subtracted without rounding.
fn test_softmax() -> SelfTest {
    const CLASSES: usize = 10;
    let z: Vec<f32> =
        numbers(4, 50 * CLASSES).into_iter().map(|x| (x * 512.0).round() / 64.0).collect();
    let (values, same_bits) = on_all_levels(|level| {
        let mut values = vec![0.0; z.len()];
        let extent = Extent { outer: z.len() / CLASSES, length: CLASSES, inner: 1 };
        rows::softmax(level, Softmax::Probabilities { axis: 1 }, [&z, &z], &mut values, extent);
        values
    });
    let mut error = 0.0;
    for (z, values) in z.chunks(CLASSES).zip(values.chunks(CLASSES)) {
        let sum: f64 = z.iter().map(|&z| libm::exp(f64::from(z))).sum();
        for (&z, &got) in z.iter().zip(values) {
            let truth = libm::exp(f64::from(z)) / sum;
            error = larger(error, (f64::from(got) - truth).abs() / spacing(truth));
        }
    }
    // Half a unit for each addition, reciprocal and product, 0.8 for each exponential.
    SelfTest { name: "softmax".to_owned(), error, bound: 8.0, unit: "ulp", same_bits }
}
