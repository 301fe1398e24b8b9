//! One part of a search: its bounds, what they show, and where it is split.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use super::record::{self, Recorded, Sum, Then};
use super::{Config, Witness};
use crate::prove::ascent::Slopes;
use crate::prove::crown::{Bounds, Split};
use crate::prove::forward::Forward;
use crate::prove::sharpen::UnitSlopes;
use crate::prove::substitute::{Form, Rows, Slope};
use crate::prove::{Case, Interval, Network, Semantics, Step, dual, float};

/// With more inputs than this that aren't single numbers, kinks are split before inputs are.
const FEW_INPUTS: usize = 20;

/// One case of a property.
pub(super) struct Problem<'a> {
    pub(super) network: &'a Network,
    pub(super) case: &'a Case,
    /// Its place among the property's cases.
    pub(super) at: usize,
    pub(super) semantics: Semantics,
    /// Whether what shows a part free is noted.
    records: bool,
    pub(super) forward: Arc<Forward>,
    /// The bounds of its whole box, once somebody needed them; shared by the cases that have the same.
    pub(super) whole: Arc<OnceLock<Option<Bounds>>>,
    /// The same with slopes of their own for all units, and these.
    pub(super) sharp: Arc<OnceLock<Option<Sharp>>>,
}

/// Bounds with the slopes of each layer's units that they were made with.
pub(super) type Sharp = (Bounds, Vec<UnitSlopes>);

/// A box with sides of kinks.
pub(super) struct Part {
    /// Which case of the property it is a part of.
    pub(super) case: usize,
    /// Its number among what is recorded.
    pub(super) number: usize,
    /// Whether it is the whole of that case.
    pub(super) is_whole: bool,
    pub(super) domain: Arc<[Interval]>,
    pub(super) splits: Vec<Split>,
    pub(super) inherited: Option<Arc<Bounds>>,
    /// What its parent's bound was made with.
    pub(super) slopes: Option<Arc<Slopes>>,
    /// A form that is at most 0 for each of its counterexamples.
    pub(super) given: Option<Arc<Form>>,
    /// What single units' bounds were made with.
    pub(super) known: Option<Arc<Vec<UnitSlopes>>>,
    /// The units, with their layers, that cost its parent's bound most.
    pub(super) worthwhile: Arc<[(usize, usize)]>,
    /// By how much every input is known to miss the constraints.
    pub(super) bound: f64,
    /// Its share of the whole.
    pub(super) share: f64,
}

/// What an examination came to.
pub(super) enum Examined {
    /// It has no counterexample, and how that is shown.
    Free(Recorded),
    /// It has this one.
    Witness(Witness),
    /// It is to be looked at in two halves.
    Split(Box<[Part; 2]>, Recorded),
    /// It can be split no further.
    Open(f64),
}

impl Part {
    pub(super) fn whole(problem: &Problem<'_>, share: f64) -> Self {
        Part {
            case: problem.at,
            number: problem.at,
            is_whole: true,
            domain: problem.case.domain.as_slice().into(),
            splits: vec![],
            inherited: None,
            slopes: None,
            given: None,
            known: None,
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
            + self.given.as_ref().map_or(0, |form| size_of_val(&form.coefficients[..]) / 2)
    }

    /// Forgets what it inherited, which costs tightness only.
    pub(super) fn forget(&mut self) {
        self.inherited = None;
        self.slopes = None;
        self.given = None;
        self.known = None;
    }
}

impl<'a> Problem<'a> {
    /// The problems of a property's cases.
    pub(super) fn all(network: &'a Network, cases: &'a [Case], config: &Config) -> Vec<Self> {
        let forward = Arc::new(Forward::new(network));
        let mut problems: Vec<Self> = Vec::with_capacity(cases.len());
        for (at, case) in cases.iter().enumerate() {
            // Cases with one box follow each other, as a rule.
            let (whole, sharp) = match problems.last() {
                Some(last) if last.case.domain == case.domain => {
                    (Arc::clone(&last.whole), Arc::clone(&last.sharp))
                }
                Some(_) | None => (Arc::default(), Arc::default()),
            };
            problems.push(Problem {
                network,
                case,
                at,
                semantics: config.semantics,
                records: config.records,
                forward: Arc::clone(&forward),
                whole,
                sharp,
            });
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
        Rows { layer: self.network.output(), weights, constants, sides: vec![], pinned: vec![] }
    }

    /// What can be shown of `part`; once `stopped` is set, something that is not to be relied on.
    pub(super) fn examine(&self, part: &Part, stopped: &AtomicBool) -> Examined {
        let network = self.network;
        // What a proof notes of kinks is shown without improved slopes.
        if !self.records && !self.has_few_inputs() && !self.case.constraints.is_empty() {
            return self.examine_kinks(part, stopped);
        }
        let mut domain = part.domain.to_vec();
        let mut inherited = part.inherited.clone();
        let mut rounds = 0;
        let mut noted: Vec<Sum> = vec![];
        let free = |rounds, last| Examined::Free(Recorded { rounds, then: Then::Free(last) });
        // What another is to see as well is shown with room for its rounding.
        let shows = |form: &Form, domain: &[Interval]| {
            if self.records { record::is_clear(form, domain) } else { form.least(domain) > 0.0 }
        };
        loop {
            let bounds =
                Bounds::new(network, &domain, &part.splits, inherited.as_deref(), self.semantics);
            let Some(bounds) = bounds else { return free(noted, vec![]) };
            if stopped.load(Relaxed) {
                return Examined::Open(part.bound);
            }
            // No choice of slopes is best for all kinks; sums of what the choices give are better than each.
            let mut watched = vec![];
            let mut forms = bounds.forms(network, self.rows(), Slope::Longer, Some(&mut watched));
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
            if let Some(at) = forms.iter().position(|form| shows(form, &domain)) {
                return free(noted, vec![(at, 1.0)]);
            }
            forms.extend(self.split_forms(&bounds, &part.splits));
            let (weights, sum) = dual::ascend(&forms, &domain, 6);
            let numbered =
                if self.records { record::sum(&weights, all, &part.splits) } else { vec![] };
            if shows(&sum, &domain) {
                return free(noted, numbered);
            }
            let before = domain.clone();
            let mut left_over = Some(());
            for form in forms.iter().chain([&sum]) {
                left_over = left_over.and_then(|()| dual::contract(form, &mut domain));
            }
            if self.records && (left_over.is_none() || domain != before) {
                noted.push(numbered);
            }
            if left_over.is_none() {
                return free(noted, vec![]);
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
            if !self.has_few_inputs()
                && let Some((layer, unit)) = self.widest_unit(&bounds, &weights, &watched)
            {
                let then = Then::Kink { kink: record::kink_of(self.network, layer), unit };
                let recorded = Recorded { rounds: noted, then };
                return self.split_kink(part, domain, &bounds, (layer, unit), bound, recorded);
            }
            return self.split_input(part, domain, &bounds, &weights, &sum, bound, noted);
        }
    }

    /// The constraints that the sides of kinks are: `−z ≤ 0` or `z ≤ 0`.
    fn split_forms(&self, bounds: &Bounds, splits: &[Split]) -> Vec<Form> {
        let mut layers: Vec<usize> = splits.iter().map(|split| split.layer).collect();
        layers.sort_unstable();
        layers.dedup();
        let mut forms = vec![];
        for layer in layers {
            let size = self.network.layers()[layer].size;
            let of_layer: Vec<&Split> =
                splits.iter().filter(|split| split.layer == layer).collect();
            let mut weights = vec![0.0; of_layer.len() * size];
            for (row, split) in of_layer.iter().enumerate() {
                weights[row * size + split.unit] = if split.positive { -1.0 } else { 1.0 };
            }
            let constants = vec![0.0; of_layer.len()];
            forms.extend(bounds.forms(
                self.network,
                Rows { layer, weights, constants, sides: vec![], pinned: vec![] },
                Slope::Longer,
                None,
            ));
        }
        forms
    }

    /// The halves of a part whose kink is held to one side and to the other.
    fn split_kink(
        &self,
        part: &Part,
        domain: Vec<Interval>,
        bounds: &Bounds,
        (layer, unit): (usize, usize),
        bound: f64,
        recorded: Recorded,
    ) -> Examined {
        let inherited = Some(Arc::new(bounds.intervals()));
        let half = |positive| Part {
            case: part.case,
            number: 0,
            is_whole: false,
            domain: domain.as_slice().into(),
            splits: part.splits.iter().copied().chain([Split { layer, unit, positive }]).collect(),
            inherited: inherited.clone(),
            slopes: None,
            given: None,
            known: None,
            worthwhile: Arc::new([]),
            bound,
            share: part.share / 2.0,
        };
        Examined::Split(Box::new([half(true), half(false)]), recorded)
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
        rounds: Vec<Sum>,
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
                number: 0,
                is_whole: false,
                domain: domain.into(),
                splits: part.splits.clone(),
                inherited: inherited.clone(),
                slopes: part.slopes.clone(),
                given: part.given.clone(),
                known: part.known.clone(),
                worthwhile: Arc::clone(&part.worthwhile),
                bound,
                share,
            }
        };
        let then = Then::Input { input, at: middle };
        let halves =
            Box::new([half(Interval::of(x.lo(), middle)), half(Interval::of(middle, x.hi()))]);
        Examined::Split(halves, Recorded { rounds, then })
    }

    /// The open kink that costs the constraints' bound most: its coefficient there times the height of its triangle.
    fn widest_unit(
        &self,
        bounds: &Bounds,
        weights: &[f64],
        watched: &[(usize, Vec<f64>)],
    ) -> Option<(usize, usize)> {
        let mut best: Option<(f64, (usize, usize))> = None;
        for (at, coefficients) in watched {
            let Step::Kink { of, .. } = &self.network.layers()[*at].step else { continue };
            let size = self.network.layers()[*at].size;
            for (unit, z) in bounds.units[*of].iter().enumerate() {
                if z.lo() >= 0.0 || z.hi() <= 0.0 {
                    continue;
                }
                let height = -z.lo() * z.hi() / (z.hi() - z.lo());
                let weight: f64 = weights
                    .iter()
                    .enumerate()
                    .map(|(row, weight)| weight * coefficients[row * size + unit].abs())
                    .sum();
                let score = height * (weight + 1e-12);
                if best.is_none_or(|(most, _)| score > most) {
                    best = Some((score, (*of, unit)));
                }
            }
        }
        best.map(|(_, unit)| unit)
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
