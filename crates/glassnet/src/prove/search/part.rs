//! One part of a search: its bounds, what they show, and where it is split.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::{Config, Witness};
use crate::prove::ascent::Slopes;
use crate::prove::crown::{Bounds, Form, Rows, Slope, Split};
use crate::prove::{Case, Interval, Network, Semantics, dual, float};

/// With more inputs than this that aren't single numbers, kinks are split before inputs are.
const FEW_INPUTS: usize = 20;

/// One case of a property.
pub(super) struct Problem<'a> {
    pub(super) network: &'a Network,
    pub(super) case: &'a Case,
    /// Its place among the property's cases.
    pub(super) at: usize,
    pub(super) semantics: Semantics,
    /// The bounds of its whole box, once somebody needed them; shared by the cases that have the same.
    pub(super) whole: Arc<OnceLock<Option<Bounds>>>,
}

/// A box with sides of kinks.
pub(super) struct Part {
    /// Which case of the property it is a part of.
    pub(super) case: usize,
    /// Whether it is the whole of that case.
    pub(super) is_whole: bool,
    pub(super) domain: Arc<[Interval]>,
    pub(super) splits: Vec<Split>,
    pub(super) inherited: Option<Arc<Bounds>>,
    /// What its parent's bound was made with.
    pub(super) slopes: Option<Arc<Slopes>>,
    /// The units, with their layers, that cost its parent's bound most.
    pub(super) worthwhile: Arc<[(usize, usize)]>,
    /// By how much every input is known to miss the constraints.
    pub(super) bound: f64,
    /// Its share of the whole.
    pub(super) share: f64,
}

/// What an examination came to.
pub(super) enum Examined {
    /// It has no counterexample.
    Free,
    /// It has this one.
    Witness(Witness),
    /// It is to be looked at in two halves.
    Split([Part; 2]),
    /// It can be split no further.
    Open(f64),
}

impl Part {
    pub(super) fn whole(problem: &Problem<'_>, share: f64) -> Self {
        Part {
            case: problem.at,
            is_whole: true,
            domain: problem.case.domain.as_slice().into(),
            splits: vec![],
            inherited: None,
            slopes: None,
            worthwhile: Arc::new([]),
            bound: f64::NEG_INFINITY,
            share,
        }
    }

    /// The bytes that it keeps; halves share what they inherit.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Part>()
            + size_of_val(&self.domain[..])
            + size_of_val(&self.splits[..])
            + self.inherited.as_ref().map_or(0, |bounds| bounds.bytes() / 2)
            + self.slopes.as_ref().map_or(0, |slopes| slopes.bytes() / 2)
    }

    /// Forgets what it inherited, which costs tightness only.
    pub(super) fn forget(&mut self) {
        self.inherited = None;
        self.slopes = None;
    }
}

impl<'a> Problem<'a> {
    /// The problems of a property's cases.
    pub(super) fn all(network: &'a Network, cases: &'a [Case], config: &Config) -> Vec<Self> {
        let mut problems: Vec<Self> = Vec::with_capacity(cases.len());
        for (at, case) in cases.iter().enumerate() {
            // Cases with one box follow each other, as a rule.
            let whole = match problems.last() {
                Some(last) if last.case.domain == case.domain => Arc::clone(&last.whole),
                Some(_) | None => Arc::default(),
            };
            problems.push(Problem { network, case, at, semantics: config.semantics, whole });
        }
        problems
    }

    fn has_few_inputs(&self) -> bool {
        self.case.domain.iter().filter(|x| !x.is_point()).count() <= FEW_INPUTS
    }

    /// The constraints as rows over the outputs.
    fn rows(&self) -> Rows {
        let outputs = self.network.outputs();
        let mut weights = vec![0.0; self.case.constraints.len() * outputs];
        for (row, constraint) in self.case.constraints.iter().enumerate() {
            for &(output, factor) in &constraint.outputs {
                weights[row * outputs + output] = factor;
            }
        }
        let constants =
            self.case.constraints.iter().map(|constraint| constraint.constant).collect();
        Rows { layer: self.network.output(), weights, constants, sides: vec![] }
    }

    /// What can be shown of `part`; once `stopped` is set, something that is not to be relied on.
    pub(super) fn examine(&self, part: &Part, stopped: &AtomicBool) -> Examined {
        let network = self.network;
        if !self.has_few_inputs() && !self.case.constraints.is_empty() {
            return self.examine_kinks(part, stopped);
        }
        let mut domain = part.domain.to_vec();
        let mut inherited = part.inherited.clone();
        let mut rounds = 0;
        loop {
            let bounds =
                Bounds::new(network, &domain, &part.splits, inherited.as_deref(), self.semantics);
            let Some(bounds) = bounds else { return Examined::Free };
            if stopped.load(Relaxed) {
                return Examined::Open(part.bound);
            }
            // No choice of slopes is best for all kinks; sums of what the choices give are better than each.
            let mut forms = bounds.forms(network, self.rows(), Slope::Longer, None);
            let own = forms.len();
            for choice in [Slope::Chord, Slope::Shorter] {
                forms.extend(bounds.forms(network, self.rows(), choice, None));
            }
            for (form, constraint) in forms.iter_mut().zip(self.case.constraints.iter().cycle()) {
                for &(input, factor) in &constraint.inputs {
                    form.add(input, factor, &domain);
                }
            }
            let all = forms.len();
            if own == 0 {
                // Every input of the box is a counterexample.
                let middle: Vec<f64> = domain.iter().map(|x| x.middle()).collect();
                return self.check(&middle).map_or(Examined::Open(part.bound), Examined::Witness);
            }
            let least =
                forms.iter().map(|form| form.least(&domain)).fold(f64::NEG_INFINITY, f64::max);
            if least > 0.0 {
                return Examined::Free;
            }
            let (weights, sum) = dual::ascend(&forms, &domain, 6);
            if sum.least(&domain) > 0.0 {
                return Examined::Free;
            }
            let before = domain.clone();
            for form in forms.iter().chain([&sum]) {
                if dual::contract(form, &mut domain).is_none() {
                    return Examined::Free;
                }
            }
            let corner: Vec<f64> = sum
                .coefficients
                .iter()
                .zip(&domain)
                .map(|(&a, x)| {
                    if a > 0.0 {
                        x.lo()
                    } else if a < 0.0 {
                        x.hi()
                    } else {
                        x.middle()
                    }
                })
                .collect();
            if let Some(witness) = self.try_point(&corner) {
                return Examined::Witness(witness);
            }
            let left: f64 = before
                .iter()
                .zip(&domain)
                .filter(|(before, _)| !before.is_point() && before.is_finite())
                .map(|(before, after)| (after.hi() - after.lo()) / (before.hi() - before.lo()))
                .product();
            rounds += 1;
            if left < 0.8 && rounds < 8 && self.has_few_inputs() {
                inherited = Some(Arc::new(bounds));
                continue;
            }
            let weights: Vec<f64> =
                (0..own).map(|row| (row..all).step_by(own).map(|at| weights[at]).sum()).collect();
            let bound = least.max(part.bound);
            return self.split_input(part, domain, &bounds, &weights, &sum, bound);
        }
    }

    /// The halves of a part that is cut along one input.
    pub(super) fn split_input(
        &self,
        part: &Part,
        domain: Vec<Interval>,
        bounds: &Bounds,
        weights: &[f64],
        sum: &Form,
        bound: f64,
    ) -> Examined {
        let share = part.share / 2.0;
        let Some(input) = self.widest_input(&domain, bounds, weights, sum) else {
            return Examined::Open(bound);
        };
        let x = domain[input];
        let middle = cut_place(x);
        let inherited = Some(Arc::new(bounds.intervals()));
        let half = |side: Interval| {
            let mut domain = domain.clone();
            domain[input] = side;
            Part {
                case: part.case,
                is_whole: false,
                domain: domain.into(),
                splits: part.splits.clone(),
                inherited: inherited.clone(),
                slopes: part.slopes.clone(),
                worthwhile: Arc::clone(&part.worthwhile),
                bound,
                share,
            }
        };
        Examined::Split([half(Interval::of(x.lo(), middle)), half(Interval::of(middle, x.hi()))])
    }

    /// The input whose splitting promises most: half by how steep the constraints may be along it, half by the linear
    /// bound's own coefficient. A share goes by width alone, so that no input starves.
    fn widest_input(
        &self,
        domain: &[Interval],
        bounds: &Bounds,
        weights: &[f64],
        sum: &Form,
    ) -> Option<usize> {
        let mut combined = vec![0.0; self.network.outputs()];
        let total: f64 = weights.iter().sum();
        for (constraint, &weight) in self.case.constraints.iter().zip(weights) {
            let weight = if total > 0.0 { weight } else { 1.0 };
            for &(output, factor) in &constraint.outputs {
                combined[output] += weight * factor;
            }
        }
        let steep = float::steepest(self.network, bounds, &combined);
        let width = |at: usize| {
            let x: Interval = domain[at];
            if x.is_finite() { x.hi() - x.lo() } else { 1e30 }
        };
        let normalised = |scores: Vec<f64>| {
            let sum: f64 = scores.iter().filter(|s| s.is_finite()).sum();
            scores.into_iter().map(move |s| if sum > 0.0 { s / sum } else { 0.0 })
        };
        let inputs = 0..domain.len();
        let smear = normalised(inputs.clone().map(|at| width(at) * steep[at]).collect());
        let linear =
            normalised(inputs.clone().map(|at| width(at) * sum.coefficients[at].abs()).collect());
        let whole = &self.case.domain;
        let relative = normalised(
            inputs
                .clone()
                .map(|at| width(at) / (whole[at].hi() - whole[at].lo()).max(f64::MIN_POSITIVE))
                .collect(),
        );
        let scores =
            smear.zip(linear).zip(relative).map(|((s, l), r)| 0.5 * s + 0.5 * l + 0.05 * r);
        inputs
            .zip(scores)
            .filter(|&(at, _)| {
                let middle = cut_place(domain[at]);
                middle > domain[at].lo() && middle < domain[at].hi()
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(at, _)| at)
    }
}

/// Where an interval is cut in two: the middle, and for unbounded ones a place that makes the halves grow apart.
fn cut_place(x: Interval) -> f64 {
    if x.is_finite() {
        return x.middle();
    }
    match (x.lo().is_finite(), x.hi().is_finite()) {
        (true, _) => {
            if x.lo() < 1.0 {
                1.0
            } else {
                x.lo() * 2.0
            }
        }
        (_, true) => {
            if x.hi() > -1.0 {
                -1.0
            } else {
                x.hi() * 2.0
            }
        }
        (false, false) => 0.0,
    }
}
