//! The true values, in f64 and far more accurate than f32, and how far a result is from them.
//! Shared by the unit tests and `examples/ulp.rs`.

use core_math as cr;

fn logistic(x: f64) -> f64 {
    let e = cr::exp(-x.abs());
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + cr::log1p(cr::exp(-x.abs()))
}

fn normal(x: f64) -> f64 {
    0.5 * cr::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

fn twice_u(x: f64) -> (f64, f64) {
    let root = 2.0 * std::f64::consts::FRAC_2_PI.sqrt();
    (root * (x + 0.044715 * x * x * x), root * (1.0 + 3.0 * 0.044715 * x * x))
}

fn silu_derivative(x: f64) -> f64 {
    logistic(x) * (1.0 + x * logistic(-x))
}

fn mish_derivative(x: f64) -> f64 {
    let t = cr::tanh(softplus(x));
    t + x * (1.0 - t * t) * logistic(x)
}

fn gelu_derivative(x: f64) -> f64 {
    normal(x) + x * cr::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt()
}

fn gelu_tanh_derivative(x: f64) -> f64 {
    let (u, rise) = twice_u(x);
    let slope = logistic(u) * logistic(-u);
    logistic(u) + if slope > 0.0 { x * slope * rise } else { 0.0 }
}

/// A function, its true value, and its bounds.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) truth: fn(f64) -> f64,
    /// Largest error in ulp; `None` for derivatives, which have zeros.
    pub(crate) ulps: Option<f64>,
}

/// Largest absolute error of the derivatives, beyond half an ulp of rounding.
pub(crate) const DERIVATIVE_BOUND: f64 = 1.0 / (1_u64 << 40) as f64;

const fn entry(name: &'static str, truth: fn(f64) -> f64, ulps: f64) -> Entry {
    Entry { name, truth, ulps: Some(ulps) }
}

const fn derivative(name: &'static str, truth: fn(f64) -> f64) -> Entry {
    Entry { name, truth, ulps: None }
}

/// Every function; the bounds are those of the functions' docs.
pub(crate) const ENTRIES: [Entry; 19] = [
    entry("exp", cr::exp, 0.80),
    entry("expm1", cr::expm1, 0.51),
    entry("log", cr::log, 0.93),
    entry("log1p", cr::log1p, 1.53),
    entry("tanh", cr::tanh, 1.51),
    entry("sigmoid", logistic, 1.5),
    entry("softplus", softplus, 1.82),
    entry("logsigmoid", |x| -softplus(-x), 1.82),
    entry("sin", cr::sin, 0.51),
    entry("cos", cr::cos, 0.51),
    entry("erf", cr::erf, 0.51),
    entry("gelu", |x| x * normal(x), 0.51),
    entry("gelu_tanh", |x| x * logistic(twice_u(x).0), 0.51),
    entry("silu", |x| x * logistic(x), 0.51),
    entry("mish", |x| x * cr::tanh(softplus(x)), 0.51),
    derivative("gelu_derivative", gelu_derivative),
    derivative("gelu_tanh_derivative", gelu_tanh_derivative),
    derivative("silu_derivative", silu_derivative),
    derivative("mish_derivative", mish_derivative),
];

/// The spacing of f32 at `value`.
fn spacing(value: f64) -> f64 {
    let exponent = (value.abs().to_bits() >> 52) as i32 - 1023;
    f64::from_bits(((exponent.clamp(-126, 127) - 23 + 1023) as u64) << 52)
}

/// The error of `got` in ulp and absolutely beyond half an ulp. Infinite where one is NaN or infinite and the other isn't
/// (a true value that rounds to infinity counts as infinite).
pub(crate) fn error(got: f32, truth: f64) -> (f64, f64) {
    let rounded = truth as f32;
    if rounded.is_nan() || rounded.is_infinite() {
        let same = if rounded.is_nan() { got.is_nan() } else { got == rounded };
        return if same { (0.0, 0.0) } else { (f64::INFINITY, f64::INFINITY) };
    }
    let distance = (f64::from(got) - truth).abs();
    if !distance.is_finite() {
        return (f64::INFINITY, f64::INFINITY);
    }
    let ulp = spacing(truth);
    (distance / ulp, (distance - 0.5 * ulp).max(0.0))
}
