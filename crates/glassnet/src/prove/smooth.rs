//! Functions that aren't piecewise linear: their range and lines over an interval.

use super::Interval;
use super::propagate::{Semantics, smooth_range};
use super::relax::Lines;
use crate::graph::op::Activation;

/// The range of `function` over `z`, and lines below and above it there.
pub(super) fn bound(function: Activation, z: Interval, _semantics: Semantics) -> (Interval, Lines) {
    let range = smooth_range(function, z);
    (range, Lines::constant(range))
}

/// The function's value, roughly: for guesses only.
pub(super) fn roughly(function: Activation, z: f64) -> f64 {
    smooth_range(function, Interval::point(z)).middle()
}
