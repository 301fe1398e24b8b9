//! Slopes of lines over kinks, multipliers of sides that kinks are held to, and weights of constraints, improved by
//! following the gradient of the bound that they give.
//!
//! The gradient is a guess in plain f64; every bound is a [`Form`] of its own with its rounding, whatever the slopes.
//!
//! # Lemma
//! On a part where `z ≥ 0`, every counterexample meets `−z ≤ 0`; so a sum of the constraints, each with a weight of at least
//! 0, stays at most 0 for it when `−β·z` is added, β ≥ 0. If such a sum is positive on the whole box, the part has none.
//!
//! # Source
//! Xu et al., Fast and Complete, arXiv 2011.13824 (slopes); Wang et al., Beta-CROWN, arXiv 2103.06624 (sides).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::crown::{Bounds, Split};
use super::forward::Forward;
use super::propagate::{U64, gamma};
use super::substitute::{Form, Rows, Slope};
use super::{Constraint, Interval, Network, Step};

/// What a bound is made with.
#[derive(Clone, Debug, Default)]
pub(super) struct Slopes {
    /// For each layer that is a kink the slope of each unit's line through 0; empty for others.
    pub(super) lines: Vec<Vec<f64>>,
    /// A multiplier ≥ 0 for each split.
    pub(super) sides: Vec<f64>,
    /// A weight ≥ 0 for each constraint.
    pub(super) constraints: Vec<f64>,
}

/// The best bound that an ascent came to.
pub(super) struct Peak {
    pub(super) form: Form,
    /// The form's least value over the box.
    pub(super) least: f64,
    pub(super) slopes: Slopes,
    /// Where in the box the form is least.
    pub(super) corner: Vec<f64>,
    /// For each layer that is a function the coefficient of each unit.
    pub(super) coefficients: Vec<(usize, Vec<f64>)>,
    /// The values of all layers at the corner if each function is the line that the bound takes.
    pub(super) values: Vec<Vec<f64>>,
}

/// What is bounded.
pub(super) struct Question<'a> {
    pub(super) network: &'a Network,
    pub(super) forward: &'a Forward,
    pub(super) bounds: &'a Bounds,
    pub(super) domain: &'a [Interval],
    pub(super) constraints: &'a [Constraint],
    pub(super) splits: &'a [Split],
}

impl Slopes {
    /// The slopes that make the areas between the lines least, no multiplier, constraints alike.
    pub(super) fn first(question: &Question<'_>) -> Self {
        let layers = question.network.layers().iter().enumerate();
        let lines = layers.map(|(at, layer)| match layer.step {
            Step::Kink { above, .. } => {
                let through_0 = |line: &super::relax::Lines| {
                    if line.lower.1 == 0.0 { line.lower.0 } else { line.upper.0 }
                };
                let lines = &question.bounds.lines[at];
                if lines.is_empty() {
                    vec![above; layer.size]
                } else {
                    lines.iter().map(through_0).collect()
                }
            }
            Step::Input | Step::Affine(_) | Step::Smooth { .. } | Step::Product { .. } => vec![],
        });
        let count = question.constraints.len();
        Slopes {
            lines: lines.collect(),
            sides: vec![0.0; question.splits.len()],
            constraints: vec![1.0 / count.max(1) as f64; count],
        }
    }

    /// The bytes that it keeps.
    pub(super) fn bytes(&self) -> usize {
        let lines: usize = self.lines.iter().map(|lines| size_of_val(&lines[..])).sum();
        lines + size_of_val(&self.sides[..]) + size_of_val(&self.constraints[..])
    }
}

impl Question<'_> {
    /// The bound with `slopes`, and the coefficients of functions.
    fn bound(&self, slopes: &Slopes) -> (Form, Vec<(usize, Vec<f64>)>) {
        let outputs = self.network.outputs();
        let ranges = &self.bounds.units[self.network.output()];
        let mut weights = vec![0.0; outputs];
        let mut magnitudes = vec![0.0; outputs];
        let (mut constant, mut size) = (0.0, 0.0);
        for (constraint, &by) in self.constraints.iter().zip(&slopes.constraints) {
            for &(output, factor) in &constraint.outputs {
                weights[output] += by * factor;
                magnitudes[output] += (by * factor).abs();
            }
            constant += by * constraint.constant;
            size += (by * constraint.constant).abs();
        }
        let sides = self.splits.iter().zip(&slopes.sides).filter(|(_, by)| **by > 0.0);
        let sides = sides
            .map(|(split, &by)| (split.layer, split.unit, if split.positive { -by } else { by }));
        let rows = Rows {
            layer: self.network.output(),
            weights,
            constants: vec![constant],
            sides: sides.collect(),
            pinned: vec![],
        };
        let mut watched = vec![];
        let forms =
            self.bounds.forms(self.network, rows, Slope::Given(&slopes.lines), Some(&mut watched));
        let mut form = forms.into_iter().next().unwrap_or_else(|| Form::nothing(self.domain.len()));
        for (constraint, &by) in self.constraints.iter().zip(&slopes.constraints) {
            for &(input, factor) in &constraint.inputs {
                form.add(input, by * factor, self.domain);
                size += (by * factor).abs() * self.domain[input].magnitude();
            }
        }
        if slopes.constraints.len() > 1 {
            let outputs: f64 = magnitudes
                .iter()
                .zip(ranges)
                .map(|(m, y)| if *m == 0.0 { 0.0 } else { m * y.magnitude() })
                .sum();
            let terms = self.constraints.iter().map(|c| c.inputs.len() + c.outputs.len() + 1);
            form.constant -= 2.0 * gamma(terms.sum::<usize>() + 8, U64) * (outputs + size) + 1e-250;
        }
        (form, watched)
    }

    /// For each of these kinks (their layers and units) the bounds, roughly, where it is on its lower and on its upper side.
    pub(super) fn sides_of(&self, slopes: &Slopes, kinks: &[(usize, usize)]) -> Vec<[f64; 2]> {
        let outputs = self.network.outputs();
        let mut weights = vec![0.0; outputs];
        let mut constant = 0.0;
        for (constraint, &by) in self.constraints.iter().zip(&slopes.constraints) {
            for &(output, factor) in &constraint.outputs {
                weights[output] += by * factor;
            }
            constant += by * constraint.constant;
        }
        let sides = self.splits.iter().zip(&slopes.sides).filter(|(_, by)| **by > 0.0);
        let sides = sides
            .map(|(split, &by)| (split.layer, split.unit, if split.positive { -by } else { by }));
        let mut pinned = Vec::with_capacity(2 * kinks.len());
        for &(at, unit) in kinks {
            if let Step::Kink { below, above, .. } = self.network.layers()[at].step {
                pinned.extend([(at, unit, below), (at, unit, above)]);
            }
        }
        let count = pinned.len();
        let rows = Rows {
            layer: self.network.output(),
            weights: weights.repeat(count),
            constants: vec![constant; count],
            sides: sides.collect(),
            pinned,
        };
        let forms = self.bounds.forms(self.network, rows, Slope::Given(&slopes.lines), None);
        let least: Vec<f64> = forms.iter().map(|form| form.least(self.domain)).collect();
        least.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
    }

    /// The bound that up to `rounds` steps from `start` lead to; the first one above 0 ends them.
    pub(super) fn ascend(&self, start: Slopes, rounds: usize, stopped: &AtomicBool) -> Peak {
        let mut slopes = start;
        let mut best: Option<Peak> = None;
        let mut of_lines: Vec<Vec<Momentum>> =
            slopes.lines.iter().map(|lines| vec![Momentum::default(); lines.len()]).collect();
        let mut of_sides = vec![Momentum::default(); slopes.sides.len()];
        let mut decay = 1.0;
        let mut flat = 0;
        for round in 0.. {
            let (form, coefficients) = self.bound(&slopes);
            let least = form.least(self.domain);
            let corner = corner(&form, self.domain);
            let values = self.values(&slopes, &coefficients, &corner);
            flat = match &best {
                Some(peak) if least < peak.least + 1e-3 * peak.least.abs() => flat + 1,
                _ => 0,
            };
            if best.as_ref().is_none_or(|peak| least > peak.least) {
                best = Some(Peak {
                    form,
                    least,
                    slopes: slopes.clone(),
                    corner: corner.clone(),
                    coefficients: coefficients.clone(),
                    values: values.clone(),
                });
            }
            let over = least > 0.0 || !least.is_finite() || flat >= 8;
            if round >= rounds || over || stopped.load(Relaxed) {
                break;
            }
            for (at, coefficients) in &coefficients {
                let Step::Kink { of, below, above } = self.network.layers()[*at].step else {
                    continue;
                };
                let (least, most) = (below.min(above), below.max(above));
                for (unit, &a) in coefficients.iter().enumerate() {
                    let line = &self.bounds.lines[*at][unit];
                    let (near, far) =
                        if a > 0.0 { (line.lower, line.upper) } else { (line.upper, line.lower) };
                    if a == 0.0 || near.1 != 0.0 || far.1 == 0.0 {
                        continue;
                    }
                    let step = of_lines[*at][unit].step(a * values[of][unit], round);
                    let slope = &mut slopes.lines[*at][unit];
                    *slope = (*slope + 0.25 * decay * (most - least) * step).clamp(least, most);
                }
            }
            let typical = |layer: usize| {
                let kink = coefficients.iter().find(|(at, _)| {
                    matches!(self.network.layers()[*at].step, Step::Kink { of, .. } if of == layer)
                });
                kink.map_or(0.0, |(_, a)| a.iter().map(|a| a.abs()).fold(0.0, f64::max).max(1e-12))
            };
            for (at, split) in self.splits.iter().enumerate() {
                let z = values[split.layer][split.unit];
                let step = of_sides[at].step(if split.positive { -z } else { z }, round);
                let side = &mut slopes.sides[at];
                *side = (*side + 0.2 * decay * typical(split.layer) * step).max(0.0);
            }
            self.weigh(&mut slopes.constraints, &corner, &values, decay);
            decay *= 0.95;
        }
        best.unwrap_or_else(|| Peak {
            form: Form::nothing(self.domain.len()),
            least: f64::NEG_INFINITY,
            slopes,
            corner: vec![],
            coefficients: vec![],
            values: vec![],
        })
    }

    /// More weight for constraints that are missed at the place where the bound is least.
    fn weigh(&self, weights: &mut [f64], x: &[f64], values: &[Vec<f64>], decay: f64) {
        if weights.len() < 2 {
            return;
        }
        let y = &values[self.network.output()];
        let missed: Vec<f64> = self
            .constraints
            .iter()
            .map(|constraint| {
                let inputs: f64 = constraint.inputs.iter().map(|&(at, by)| by * x[at]).sum();
                let outputs: f64 = constraint.outputs.iter().map(|&(at, by)| by * y[at]).sum();
                constraint.constant + inputs + outputs
            })
            .collect();
        let scale = missed.iter().map(|m| m.abs()).fold(0.0, f64::max);
        if !(scale > 0.0 && scale.is_finite()) {
            return;
        }
        for (weight, missed) in weights.iter_mut().zip(&missed) {
            *weight *= (decay * missed / scale).exp2();
        }
        let sum: f64 = weights.iter().sum();
        if sum > 0.0 && sum.is_finite() {
            weights.iter_mut().for_each(|weight| *weight /= sum);
        }
    }

    /// The values of all layers at `x` if each function is the line that its coefficient asks for.
    fn values(
        &self,
        slopes: &Slopes,
        coefficients: &[(usize, Vec<f64>)],
        x: &[f64],
    ) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.network.layers().len());
        for (at, layer) in self.network.layers().iter().enumerate() {
            let next = match &layer.step {
                Step::Input => x.to_vec(),
                Step::Affine(affine) => self.forward.affine(at, affine, layer.size, 1, &values),
                Step::Product { left, right } => {
                    values[*left].iter().zip(&values[*right]).map(|(x, y)| x * y).collect()
                }
                Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                    let own = coefficients.iter().find(|(layer, _)| *layer == at);
                    let lines = &self.bounds.lines[at];
                    let line = |unit: usize, z: f64| {
                        let a = own.map_or(1.0, |(_, a)| a[unit]);
                        let (near, far) = if a >= 0.0 {
                            (lines[unit].lower, lines[unit].upper)
                        } else {
                            (lines[unit].upper, lines[unit].lower)
                        };
                        let given = slopes.lines[at].get(unit);
                        match given {
                            Some(slope) if near.1 == 0.0 && far.1 != 0.0 => slope * z,
                            Some(_) | None => near.0 * z + near.1,
                        }
                    };
                    values[*of].iter().enumerate().map(|(unit, &z)| line(unit, z)).collect()
                }
            };
            values.push(next);
        }
        values
    }
}

/// Where in the box a form is least.
pub(super) fn corner(form: &Form, domain: &[Interval]) -> Vec<f64> {
    let ends = form.coefficients.iter().zip(domain);
    ends.map(|(&a, x)| {
        if a > 0.0 {
            x.lo()
        } else if a < 0.0 {
            x.hi()
        } else {
            x.middle()
        }
    })
    .collect()
}

/// Adam's two averages.
///
/// # Source
/// Kingma & Ba, Adam: A Method for Stochastic Optimization, arXiv 1412.6980.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Momentum {
    first: f64,
    second: f64,
}

impl Momentum {
    /// The direction, at most about 1, in which a number is to move.
    pub(super) fn step(&mut self, gradient: f64, round: usize) -> f64 {
        if !gradient.is_finite() {
            return 0.0;
        }
        self.first = 0.9 * self.first + 0.1 * gradient;
        self.second = 0.999 * self.second + 0.001 * gradient * gradient;
        let age = round as i32 + 1;
        let first = self.first / (1.0 - 0.9_f64.powi(age));
        let second = self.second / (1.0 - 0.999_f64.powi(age));
        if second > 0.0 { first / second.sqrt() } else { 0.0 }
    }
}
