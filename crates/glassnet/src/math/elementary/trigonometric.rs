//! Sine and cosine, exact reduction for every f32, through f64.
//!
//! With |x| = M · 2ᴱ (M an integer below 2²⁴), x · 2/π mod 4 = M · (2ᴱ · 2/π mod 4) mod 4, so a table over the exponent
//! of 81 bits each replaces the long multiplication of Payne and Hanek (Radian reduction for trigonometric functions,
//! SIGNUM 1983).

use super::wide::horner;

/// (sin r − r) / r³ and (cos r − 1 + r²/2) / r⁴ as polynomials in r² on |r| ≤ π/4; largest relative errors 2^-47.5, 2^-42.9.
const SIN: [f64; 5] = [
    -0.16666666666629984,
    0.008333333325011256,
    -0.00019841263691782184,
    2.755533172015382e-06,
    -2.47598718615927e-08,
];
const COS: [f64; 4] =
    [0.04166666661910675, -0.0013888883467251035, 2.4799451548931717e-05, -2.72050462111545e-07];

/// The binary digits of 2/π after the point.
const TWO_OVER_PI: [u32; 8] = [
    0xa2f9_836e,
    0x4e44_1529,
    0xfc27_57d1,
    0xf534_ddc0,
    0xdb62_9599,
    0x3c43_9041,
    0xfe51_63ab,
    0xdebb_c561,
];

/// By biased exponent: the 28 leading bits (units 2 … 2^-26) of 2ᴱ · 2/π mod 4, and the 53 bits after them.
const REDUCTION: ([f64; 256], [f64; 256]) = reduction();
static LEADING: [f64; 256] = REDUCTION.0;
static TRAILING: [f64; 256] = REDUCTION.1;

const fn digits(first: i32, count: i32) -> u64 {
    let mut value = 0;
    let mut i = first;
    while i < first + count {
        value = value << 1
            | if i >= 1 && i <= 256 {
                let index = (i - 1) as usize;
                (TWO_OVER_PI[index / 32] >> (31 - index % 32) & 1) as u64
            } else {
                0
            };
        i += 1;
    }
    value
}

const fn reduction() -> ([f64; 256], [f64; 256]) {
    const UNIT: f64 = 1.0 / (1_u64 << 26) as f64;
    const SMALL: f64 = UNIT / (1_u64 << 53) as f64;
    let (mut leading, mut trailing) = ([0.0; 256], [0.0; 256]);
    let mut biased = 0;
    while biased < 255 {
        let exponent = biased as i32 - 150;
        leading[biased] = digits(exponent - 1, 28) as f64 * UNIT;
        trailing[biased] = digits(exponent + 27, 53) as f64 * SMALL;
        biased += 1;
    }
    (leading, trailing)
}

/// r and the quadrant q with |x| = r + q π/2 (mod 2π) and |r| ≤ π/4.
#[inline(always)]
fn reduce(x: f32) -> (f64, u64) {
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let bits = x.to_bits();
    let biased = (bits >> 23 & 255) as usize;
    let integer = f64::from((bits & 0x007f_ffff | 0x0080_0000) as i32);
    let leading = integer * LEADING[biased];
    let shifted = integer.mul_add(TRAILING[biased], leading) + SHIFT;
    let turn = integer.mul_add(TRAILING[biased], leading - (shifted - SHIFT));
    let size = f64::from(x.abs());
    let small = size < std::f64::consts::FRAC_PI_4;
    let r = if small { size } else { turn * std::f64::consts::FRAC_PI_2 };
    (r, if small { 0 } else { shifted.to_bits() })
}

/// sin(r + q π/2) in f64.
#[inline(always)]
fn quadrant(r: f64, q: u64) -> f64 {
    let square = r * r;
    let sine = (square * r).mul_add(horner(&SIN, square), r);
    let cosine = (square * square).mul_add(horner(&COS, square), (-0.5_f64).mul_add(square, 1.0));
    let value = if q & 1 == 0 { sine } else { cosine };
    f64::from_bits(value.to_bits() ^ (q & 2) << 62)
}

/// The sine of `x` radians; NaN at ±∞.
///
/// # Numerics
/// At most 0.51 ulp for every f32, however large.
///
/// ```
/// use glassnet::math::elementary::sin;
/// assert_eq!(sin(1e10), -0.48750603);
/// ```
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    let (r, q) = reduce(x);
    let y = quadrant(r, q) as f32;
    let y = f32::from_bits(y.to_bits() ^ x.to_bits() & 0x8000_0000);
    if x.abs() < f32::INFINITY { y } else { f32::NAN }
}

/// The cosine of `x` radians; NaN at ±∞.
///
/// # Numerics
/// At most 0.51 ulp for every f32, however large.
///
/// ```
/// use glassnet::math::elementary::cos;
/// assert_eq!(cos(0.0), 1.0);
/// ```
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    let (r, q) = reduce(x);
    let y = quadrant(r, q.wrapping_add(1)) as f32;
    if x.abs() < f32::INFINITY { y } else { f32::NAN }
}
