//! The f64 bodies beneath the functions that round once to f32. Relative errors near 2^-43: invisible in f32.

/// ln 2 in two parts; multiples of the first up to 2¹¹ are exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding this rounds a small f64 to an integer n and leaves n + 1023, the exponent of 2ⁿ, in the low bits.
const SHIFT: f64 = 6_755_399_441_055_744.0 + 1023.0;

/// (eʳ − 1 − r) / r² on |r| ≤ ½ ln 2; largest relative error of eʳ − 1 2^-43.5.
const EXP: [f64; 8] = [
    0.4999999999979921,
    0.16666666666598798,
    0.04166666689091405,
    0.00833333337762571,
    0.0013888821602346588,
    0.0001984117527501617,
    2.487623094394198e-05,
    2.763938228552051e-06,
];

/// As [`super::clamp`].
#[inline(always)]
pub(super) fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// As [`super::horner`].
#[inline(always)]
pub(super) fn horner<const N: usize>(c: &[f64; N], x: f64) -> f64 {
    let mut sum = c[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        sum = sum.mul_add(x, c[i]);
    }
    sum
}

/// eʳ − 1 and 2ⁿ with x = r + n ln 2.
#[inline(always)]
fn parts(x: f64) -> (f64, f64) {
    let shifted = x.mul_add(std::f64::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    ((r * r).mul_add(horner(&EXP, r), r), f64::from_bits(shifted.to_bits() << 52))
}

/// eˣ for |x| ≤ 700.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let (p, scale) = parts(x);
    scale.mul_add(p, scale)
}

/// eˣ − 1 for |x| ≤ 700.
#[inline(always)]
pub(super) fn expm1(x: f64) -> f64 {
    let (p, scale) = parts(x);
    scale.mul_add(p, scale - 1.0)
}
