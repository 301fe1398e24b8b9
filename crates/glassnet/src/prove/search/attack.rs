//! Looking for counterexamples by following gradients, and checking what is found exactly.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Witness;
use super::part::Problem;
use crate::prove::{Interval, exact, forward};

/// So many points are drawn at least and at most for one to start from, as many as this number of products pays for.
const DRAWN: (usize, usize) = (32, 256);
const DRAWN_COST: usize = 1 << 22;
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
        let mut starts: Vec<Vec<f64>> = tries.clone().map(|attempt| self.start(attempt)).collect();
        let mut step = 0.25;
        for _ in 0..40 {
            if starts.is_empty() || stopped.load(Relaxed) {
                return None;
            }
            let count = starts.len();
            let values = self.forward.values(self.network, starts.concat(), count);
            let outputs = values[self.network.output()].chunks_exact(self.network.outputs());
            let mut weights = vec![0.0; count * self.network.outputs()];
            let mut rows = vec![];
            for ((x, y), weights) in
                starts.iter().zip(outputs).zip(weights.chunks_exact_mut(self.network.outputs()))
            {
                let (worst, row) = self.worst(x, y);
                if worst <= 0.0
                    && let Some(witness) = self.check(x)
                {
                    return Some(witness);
                }
                rows.push(row);
                for &(output, factor) in
                    self.case.constraints.get(row).map_or(&[][..], |c| &c.outputs)
                {
                    weights[output] += factor;
                }
            }
            let gradients = forward::gradients(self.network, &values, weights, count);
            let mut gradients = gradients.chunks_exact(self.network.inputs()).zip(&rows);
            // Those that stay in a corner are left there: every shorter step would, too.
            starts.retain_mut(|x| {
                gradients
                    .next()
                    .is_some_and(|(gradient, &row)| self.move_by(x, gradient, row, step))
            });
            step *= 0.88;
        }
        None
    }

    /// Moves `x` against the gradient of constraint `row` by a share of each interval; whether anything changed.
    fn move_by(&self, x: &mut [f64], gradient: &[f64], row: usize, step: f64) -> bool {
        let mut gradient = gradient.to_vec();
        for &(input, factor) in self.case.constraints.get(row).map_or(&[][..], |c| &c.inputs) {
            gradient[input] += factor;
        }
        let mut moved = false;
        for ((x, range), slope) in x.iter_mut().zip(&self.case.domain).zip(&gradient) {
            let by = step * (range.hi() - range.lo());
            let target = if *slope > 0.0 {
                *x - by
            } else if *slope < 0.0 {
                *x + by
            } else {
                *x
            };
            let next = target.clamp(range.lo(), range.hi());
            moved |= next != *x;
            *x = next;
        }
        moved
    }

    /// Where attempt number `attempt` begins: in the middle, or at the point that misses the constraints least of some that
    /// are drawn from the box.
    fn start(&self, attempt: usize) -> Vec<f64> {
        let domain = &self.case.domain;
        if attempt == 0 {
            return domain.iter().map(|x| x.middle()).collect();
        }
        // No multiple of the stream's own step, with which attempts would draw each other's points.
        let mut state = 0xd134_2543_de82_ef95_u64.wrapping_mul(attempt as u64 + 1);
        let count = (DRAWN_COST / self.forward.cost().max(1)).clamp(DRAWN.0, DRAWN.1);
        let mut points = Vec::with_capacity(count * domain.len());
        for number in 0..count {
            // Counterexamples often lie where some inputs are at an end: every other point is drawn from a face.
            let ends = if number % 2 == 1 { AT_AN_END } else { 0.0 };
            points.extend(domain.iter().map(|x| {
                let (is_end, share) = (draw(&mut state) < ends, draw(&mut state));
                between(*x, if is_end { share.round() } else { share })
            }));
        }
        let values = self.forward.values(self.network, points, count);
        let outputs = values[self.network.output()].chunks_exact(self.network.outputs());
        let missed =
            values[0].chunks_exact(domain.len()).zip(outputs).map(|(x, y)| (self.worst(x, y).0, x));
        let best = missed.min_by(|a, b| a.0.total_cmp(&b.0));
        best.map_or_else(|| domain.iter().map(|x| x.middle()).collect(), |(_, x)| x.to_vec())
    }

    /// The constraint that is missed by most at `x`, where the outputs are `y`, and by how much.
    fn worst(&self, x: &[f64], y: &[f64]) -> (f64, usize) {
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

    /// Whether `x` looks like a counterexample; if so, whether it is one exactly.
    pub(super) fn try_point(&self, x: &[f64]) -> Option<Witness> {
        if x.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let values = self.forward.values(self.network, x.to_vec(), 1);
        let (worst, _) = self.worst(x, &values[self.network.output()]);
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
