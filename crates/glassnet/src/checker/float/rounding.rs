//! What rounding may cost, in f64 (the checker's own sums) and in f32 (the execution that a proof is about).
//!
//! A sum of products that is rounded n times is off by at most `γₙ` times the sum of its terms' absolute values,
//! `γₙ = n·u/(1 − n·u)`, in any order and with or without fused multiply-adds; a product below the normal numbers is off
//! by half the smallest number besides.
//!
//! # Source
//! Higham, Accuracy and Stability of Numerical Algorithms, chapter 3.

/// 2⁻⁵³.
pub(in crate::checker) const U64: f64 = f64::EPSILON / 2.0;
/// 2⁻²⁴.
const U32: f64 = (f32::EPSILON / 2.0) as f64;
/// Half the smallest f32, 2⁻¹⁵⁰.
const TINY32: f64 = 7.006_492_321_624_085e-46;
/// Greater values than this count as unbounded, so that no sum of products leaves f64 unseen.
pub(in crate::checker) const LARGE: f64 = 1e100;
/// More than all products together that underflow can cost while values are at most [`LARGE`]: 10¹⁰ of them.
pub(in crate::checker) const UNDERFLOW: f64 = 1e-200;

/// At least `γₙ` of f64, for n up to 2⁴⁰.
pub(in crate::checker) fn share(n: usize) -> f64 {
    n as f64 * U64 * 1.01
}

/// By how much an f32 execution of `n` products and a bias, whose absolute values sum to at most `magnitude`, may miss
/// their exact sum; infinite where a sum on the way may leave f32.
pub(in crate::checker) fn of_f32_row(n: usize, magnitude: f64) -> f64 {
    let roundings = (n + 1) as f64 * U32;
    if roundings >= 0.5 {
        return f64::INFINITY;
    }
    let error = roundings / (1.0 - roundings) * magnitude + (2 * n + 1) as f64 * TINY32;
    let error = error * (1.0 + share(8));
    if magnitude + error <= f64::from(f32::MAX) { error } else { f64::INFINITY }
}

/// By how much an f32 product of a slope and a number is off, if its exact value is at most `magnitude`.
pub(in crate::checker) fn of_f32_slope(slope: f64, magnitude: f64) -> f64 {
    if is_exact(slope) { 0.0 } else { (U32 * magnitude + TINY32) * (1.0 + share(8)) }
}

/// Whether every product with `slope` is a float.
pub(in crate::checker) fn is_exact(slope: f64) -> bool {
    slope == 0.0 || slope.abs() == 1.0
}
