//! The error function and GELU, through f64.

use super::smooth::floored;
use super::wide::{clamp, exp, horner};

/// erf(x) / x as a polynomial in x² on |x| ≤ 1; largest relative error 2^-45.6.
const ERF: [f64; 10] = [
    1.1283791670954912,
    -0.37612638902768025,
    0.11283791657470144,
    -0.026866168939855734,
    0.005223966622498445,
    -0.0008547917165134182,
    0.00012045978394686452,
    -1.479221421433794e-05,
    1.5291231119122225e-06,
    -1.0435178118213573e-07,
];

/// e^(y²) erfc(y) on 0 ≤ y ≤ 10.7 as a polynomial in (y − 3) / (y + 3); largest relative error 2^-39.7.
const ERFCX: [f64; 15] = [
    0.1790011511813532,
    -0.32623356004702037,
    0.2456038017264409,
    -0.15011593623386152,
    0.07166583661918344,
    -0.02439250460827813,
    0.004269143591347087,
    0.0007077943063476992,
    -0.0005970965006072828,
    4.502705664254209e-05,
    6.409741122622059e-05,
    -1.2279942020841943e-05,
    -7.833529471114216e-06,
    1.4117242237050453e-06,
    8.51757684903574e-07,
];

/// The right end of [`ERFCX`]: beyond it e^(−y²) is below every f32.
const FAR: f64 = 10.7;

/// e^(y²) erfc(y) for y ≥ 0 (its value at 10.7 beyond that).
#[inline(always)]
fn erfcx(y: f64) -> f64 {
    let y = clamp(y, 0.0, FAR);
    horner(&ERFCX, (y - 3.0) / (y + 3.0))
}

/// The error function 2/√π ∫₀ˣ e^(−t²) dt.
///
/// # Numerics
/// At most 0.51 ulp.
///
/// ```
/// use glassnet::math::elementary::erf;
/// assert_eq!(erf(1.0), 0.8427008);
/// assert_eq!(erf(f32::NEG_INFINITY), -1.0);
/// ```
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let size = clamp(f64::from(x.abs()), 0.0, FAR);
    let square = size * size;
    let near = size * horner(&ERF, square);
    let far = (-exp(-square)).mul_add(erfcx(size), 1.0);
    ((if size < 1.0 { near } else { far }) as f32).copysign(x)
}

/// e^(−x²/2) and the normal distribution function Φ(x).
#[inline(always)]
fn normal(x: f64) -> (f64, f64) {
    let e = exp(clamp(-0.5 * x * x, -690.0, 0.0));
    let tail = 0.5 * e * erfcx(x.abs() * std::f64::consts::FRAC_1_SQRT_2);
    (e, if x < 0.0 { tail } else { 1.0 - tail })
}

/// GELU: x Φ(x), Φ the normal distribution function ½ (1 + erf(x/√2)). Tends to −0 at −∞.
///
/// # Numerics
/// At most 0.51 ulp, also in the left tail, where 1 + erf would cancel.
///
/// # Source
/// `torch.nn.GELU`; Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.
///
/// ```
/// use glassnet::math::elementary::gelu;
/// assert_eq!(gelu(1.0), 0.8413448);
/// ```
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let z = floored(x);
    (z * normal(z).1) as f32
}

/// The derivative of [`gelu`]: Φ(x) + x e^(−x²/2) / √(2π). Zero near −0.7518.
///
/// # Numerics
/// Absolute error at most 2^-40 plus half an ulp of the result.
#[inline(always)]
pub fn gelu_derivative(x: f32) -> f32 {
    const DENSITY: f64 = 0.398_942_280_401_432_7;
    let z = clamp(f64::from(x), -200.0, 200.0);
    let (e, phi) = normal(z);
    (DENSITY * e).mul_add(z, phi) as f32
}
