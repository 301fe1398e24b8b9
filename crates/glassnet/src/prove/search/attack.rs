//! Looking for counterexamples by following gradients, and checking what is found exactly.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Witness;
use super::part::Problem;
use crate::prove::{Interval, exact, float};

/// So many points are drawn for one to start from.
const DRAWN: usize = 32;
/// In every other one of them an input is at an end of its interval with this chance.
const AT_AN_END: f64 = 0.4;

impl Problem<'_> {
    /// A counterexample from the starting points of these numbers: the middle is number 0, each other is the best of
    /// some that are drawn from a fixed stream of its own.
    pub(super) fn attack(&self, tries: Range<usize>, stopped: &AtomicBool) -> Option<Witness> {
        let domain = &self.case.domain;
        if domain.iter().any(|x| !x.is_finite()) {
            let middle: Vec<f64> = domain.iter().map(|x| x.middle()).collect();
            return self.check(&middle);
        }
        for attempt in tries {
            let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(attempt as u64 + 1);
            let mut x: Vec<f64> = match attempt {
                0 => domain.iter().map(|x| x.middle()).collect(),
                _ => self.best_of_some(&mut state), // not operations: a number
            };
            let mut step = 0.25;
            for _ in 0..40 {
                if stopped.load(Relaxed) {
                    return None;
                }
                let values = float::values(self.network, &x);
                let (worst, row) = self.worst(&x, &values);
                if worst <= 0.0
                    && let Some(witness) = self.check(&x)
                {
                    return Some(witness);
                }
                let gradient = self.gradient(&values, row);
                let mut moved = false;
                for ((x, range), slope) in x.iter_mut().zip(domain).zip(&gradient) {
                    let move_by = step * (range.hi() - range.lo());
                    let target = if *slope > 0.0 {
                        *x - move_by
                    } else if *slope < 0.0 {
                        *x + move_by
                    } else {
                        *x
                    };
                    let next = target.clamp(range.lo(), range.hi());
                    moved |= next != *x;
                    *x = next;
                }
                if !moved {
                    break; // In a corner that every shorter step would leave it in, too.
                }
                step *= 0.88;
            }
        }
        None
    }

    /// Of some points drawn from the box the one that misses the constraints least.
    fn best_of_some(&self, state: &mut u64) -> Vec<f64> {
        let mut best = (f64::INFINITY, vec![]);
        for number in 0..DRAWN {
            // Counterexamples often lie where some inputs are at an end: every other point is drawn from a face.
            let ends = if number % 2 == 1 { AT_AN_END } else { 0.0 };
            let place = |x: &Interval| {
                let (is_end, share) = (draw(state) < ends, draw(state));
                between(*x, if is_end { share.round() } else { share })
            };
            let x: Vec<f64> = self.case.domain.iter().map(place).collect();
            let (missed, _) = self.worst(&x, &float::values(self.network, &x));
            if best.1.is_empty() || missed < best.0 {
                best = (missed, x);
            }
        }
        best.1
    }

    /// The constraint that is missed by most at `x`, and by how much.
    fn worst(&self, x: &[f64], values: &[Vec<f64>]) -> (f64, usize) {
        let y = &values[self.network.output()];
        let mut worst = (f64::NEG_INFINITY, 0);
        for (row, constraint) in self.case.constraints.iter().enumerate() {
            let inputs: f64 = constraint.inputs.iter().map(|&(at, factor)| factor * x[at]).sum();
            let outputs: f64 = constraint.outputs.iter().map(|&(at, factor)| factor * y[at]).sum();
            let value = constraint.constant + inputs + outputs;
            if value > worst.0 {
                worst = (value, row);
            }
        }
        worst
    }

    fn gradient(&self, values: &[Vec<f64>], row: usize) -> Vec<f64> {
        let mut weights = vec![0.0; self.network.outputs()];
        let Some(constraint) = self.case.constraints.get(row) else {
            return vec![0.0; self.network.inputs()];
        };
        for &(output, factor) in &constraint.outputs {
            weights[output] += factor;
        }
        let mut gradient = float::gradient(self.network, values, &weights);
        for &(input, factor) in &constraint.inputs {
            gradient[input] += factor;
        }
        gradient
    }

    /// Whether `x` looks like a counterexample; if so, whether it is one exactly.
    pub(super) fn try_point(&self, x: &[f64]) -> Option<Witness> {
        if x.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let values = float::values(self.network, x);
        let (worst, _) = self.worst(x, &values);
        if worst <= 0.0 { self.check(x) } else { None }
    }

    /// The witness at the f32 nearest to `x` inside the box, if exact evaluation shows that it is one.
    pub(super) fn check(&self, x: &[f64]) -> Option<Witness> {
        let mut is_f32 = true;
        let input: Vec<f64> = x
            .iter()
            .zip(&self.case.domain)
            .map(|(&x, range)| {
                f32_within(x, *range).unwrap_or_else(|| {
                    is_f32 = false;
                    x.clamp(range.lo(), range.hi())
                })
            })
            .collect();
        let outputs = exact::evaluate(self.network, &input).ok()?;
        let solved = self.case.constraints.iter().all(|constraint| {
            let value = constraint.evaluate(&input, &outputs);
            value.is_some_and(|value| value.hi.is_negative() || value.hi.is_zero())
        });
        solved.then_some(Witness { input, is_f32, outputs, case: self.at })
    }
}

/// The f32 nearest to `x` that lies in `range`.
fn f32_within(x: f64, range: Interval) -> Option<f64> {
    let near = x as f32;
    [near, near.next_up(), near.next_down()]
        .into_iter()
        .map(f64::from)
        .find(|&candidate| candidate.is_finite() && range.contains(candidate))
}

/// The place `share` of the way through an interval.
fn between(range: Interval, share: f64) -> f64 {
    (range.lo() + share * (range.hi() - range.lo())).clamp(range.lo(), range.hi())
}

/// The next number in [0, 1) of SplitMix64.
///
/// # Source
/// Steele, Lea & Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
fn draw(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
