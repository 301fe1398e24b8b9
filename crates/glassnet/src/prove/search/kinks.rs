//! Parts of networks with many inputs: kinks are held to one side, and slopes and multipliers improved in every part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::part::{Examined, Part, Problem};
use super::record::Recorded;
use crate::prove::Step;
use crate::prove::ascent::{Peak, Question, Slopes};
use crate::prove::crown::{Bounds, Refine, Split};
use crate::prove::sharpen::{Sharpening, UnitSlopes};
use crate::prove::substitute::Form;

/// Steps of the ascent for a whole box, and for a part that begins where its parent ended.
const FIRST_ROUNDS: usize = 60;
const ROUNDS: usize = 12;
/// So many units that cost the bound most are bounded again in each part.
const WORTHWHILE: usize = 32;
/// The sides of so many of them are tried before one is split.
const TRIED: usize = 12;
/// Steps of the slopes with which single units of a whole box are bounded.
const SHARPENING: usize = 10;
/// So often the units of a whole box are bounded again on what is asked for.
const AGAIN: usize = 4;

/// An open kink.
struct Costly {
    /// What it costs the bound, about.
    cost: f64,
    /// Its layer, and the layer of what it reads.
    kink: usize,
    layer: usize,
    unit: usize,
}

impl Problem<'_> {
    /// The bounds of the whole box, which cases with the same box share; `None` when no input is in it.
    pub(super) fn whole_bounds(&self, stopped: &AtomicBool) -> Option<&Bounds> {
        let bounds = self.whole.get_or_init(|| {
            let domain = &self.case.domain;
            Bounds::new_until(self.network, domain, &[], None, self.semantics, Refine::All, stopped)
        });
        bounds.as_ref()
    }

    /// The bounds of the whole box with slopes of their own for all units; `None` when no input is in it.
    fn sharp_bounds(&self, stopped: &AtomicBool) -> Option<&(Bounds, Vec<UnitSlopes>)> {
        let found = self.sharp.get_or_init(|| {
            let mut bounds = self.whole_bounds(stopped)?.clone();
            let sharpening = self.sharpening(None, stopped);
            let known = sharpening.deepen(&mut bounds, 0, &|_, _| (), SHARPENING, &[])?;
            Some((bounds, known))
        });
        found.as_ref()
    }

    fn sharpening<'b>(
        &'b self,
        given: Option<&'b Form>,
        stopped: &'b AtomicBool,
    ) -> Sharpening<'b> {
        let (network, forward, semantics) = (self.network, &*self.forward, self.semantics);
        Sharpening { network, forward, given, semantics, stopped }
    }

    fn question<'b>(&'b self, part: &'b Part, bounds: &'b Bounds) -> Question<'b> {
        Question {
            network: self.network,
            forward: &self.forward,
            bounds,
            domain: &part.domain,
            constraints: &self.case.constraints,
            splits: &part.splits,
        }
    }

    /// What can be shown of a part whose kinks are split.
    pub(super) fn examine_kinks(&self, part: &Part, stopped: &AtomicBool) -> Examined {
        if part.is_whole {
            return self.examine_whole(part, stopped);
        }
        let Some(bounds) = self.part_bounds(part, stopped) else {
            return Examined::Free(Recorded::unnoted());
        };
        if stopped.load(Relaxed) {
            return Examined::Open(part.bound);
        }
        let question = self.question(part, &bounds);
        let (start, rounds) = match &part.slopes {
            Some(slopes) => {
                let mut slopes = Slopes::clone(slopes);
                slopes.sides.resize(part.splits.len(), 0.0);
                (slopes, ROUNDS)
            }
            None => (Slopes::first(&question), FIRST_ROUNDS),
        };
        let peak = question.ascend(start, rounds, stopped);
        if peak.least > 0.0 {
            return Examined::Free(Recorded::unnoted());
        }
        if let Some(witness) = self.try_point(&peak.corner) {
            return Examined::Witness(witness);
        }
        self.halves(part, &bounds, peak, part.known.clone())
    }

    /// The bounds of a part: what its parent knew, with the new side, and what follows from it.
    fn part_bounds(&self, part: &Part, stopped: &AtomicBool) -> Option<Bounds> {
        if *part.domain != self.case.domain[..] {
            let inherited = part.inherited.as_deref();
            let (network, semantics) = (self.network, self.semantics);
            let which = Refine::Only(&part.worthwhile);
            let (domain, splits) = (&part.domain, &part.splits);
            return Bounds::new_until(
                network, domain, splits, inherited, semantics, which, stopped,
            );
        }
        let (mut bounds, new) = match &part.inherited {
            Some(inherited) => {
                (Bounds::clone(inherited), &part.splits[part.splits.len().saturating_sub(1)..])
            }
            None => (self.sharp_bounds(stopped)?.0.clone(), &part.splits[..]),
        };
        for at in 0..self.network.layers().len() {
            bounds.hold(new, at)?;
        }
        let from = new.iter().map(|split| split.layer).min().unwrap_or(0);
        let which = |at: usize, units: &mut Vec<usize>| {
            units.retain(|&unit| part.worthwhile.contains(&(at, unit)));
        };
        let known = part.known.as_ref().map_or(&[][..], |known| &known[..]);
        let sharpening = self.sharpening(part.given.as_deref(), stopped);
        sharpening.deepen(&mut bounds, from, &which, 0, known)?;
        Some(bounds)
    }

    /// What can be shown of a whole box: first cheaply, then with sharper bounds of its units, and with what is asked for
    /// as a constraint on them.
    fn examine_whole(&self, part: &Part, stopped: &AtomicBool) -> Examined {
        let free = || Examined::Free(Recorded::unnoted());
        let Some(bounds) = self.whole_bounds(stopped) else { return free() };
        let question = self.question(part, bounds);
        let mut peak = question.ascend(Slopes::first(&question), FIRST_ROUNDS, stopped);
        if peak.least > 0.0 {
            return free();
        }
        if let Some(witness) = self.try_point(&peak.corner) {
            return Examined::Witness(witness);
        }
        let Some((bounds, known)) = self.sharp_bounds(stopped) else { return free() };
        let (mut bounds, mut known) = (bounds.clone(), known.clone());
        for again in 0..AGAIN {
            if stopped.load(Relaxed) {
                return Examined::Open(part.bound);
            }
            let next =
                self.question(part, &bounds).ascend(peak.slopes.clone(), ROUNDS * 2, stopped);
            if next.least > 0.0 {
                return free();
            }
            if let Some(witness) = self.try_point(&next.corner) {
                return Examined::Witness(witness);
            }
            let gained = next.least - peak.least;
            peak = next;
            if again + 1 == AGAIN || (again > 0 && gained < 0.03 * peak.least.abs()) {
                break;
            }
            let sharpening = self.sharpening(Some(&peak.form), stopped);
            match sharpening.deepen(&mut bounds, 0, &|_, _| (), SHARPENING, &known) {
                Some(found) => known = found,
                None => return free(),
            }
        }
        self.halves(part, &bounds, peak, Some(Arc::new(known)))
    }

    /// The halves of a part by the sign of the unit that costs its bound most.
    fn halves(
        &self,
        part: &Part,
        bounds: &Bounds,
        peak: Peak,
        known: Option<Arc<Vec<UnitSlopes>>>,
    ) -> Examined {
        let bound = peak.least.max(part.bound);
        let units = self.costly_units(bounds, &peak);
        let Some((layer, unit)) = self.most_promising(part, bounds, &peak, &units) else {
            return self.split_widest(part, bounds, &peak, bound);
        };
        let (inherited, slopes) = (Some(Arc::new(bounds.intervals())), Some(Arc::new(peak.slopes)));
        let given = Some(Arc::new(peak.form));
        let worthwhile: Arc<[(usize, usize)]> =
            units.iter().take(WORTHWHILE).map(|it| (it.layer, it.unit)).collect();
        let half = |positive| Part {
            case: part.case,
            number: 0,
            is_whole: false,
            domain: Arc::clone(&part.domain),
            splits: part.splits.iter().copied().chain([Split { layer, unit, positive }]).collect(),
            inherited: inherited.clone(),
            slopes: slopes.clone(),
            given: given.clone(),
            known: known.clone(),
            worthwhile: Arc::clone(&worthwhile),
            bound,
            share: part.share / 2.0,
        };
        Examined::Split(Box::new([half(true), half(false)]), Recorded::unnoted())
    }

    /// No kink is open: the box itself is cut.
    fn split_widest(&self, part: &Part, bounds: &Bounds, peak: &Peak, bound: f64) -> Examined {
        let domain = part.domain.to_vec();
        let weights = &peak.slopes.constraints;
        self.split_input(part, domain, bounds, weights, &peak.form, bound, vec![])
    }

    /// The kink whose sides raise the bound most, of those that cost it most.
    ///
    /// # Source
    /// De Palma et al., Improved Branch and Bound for Neural Network Verification via Lagrangian Decomposition, arXiv
    /// 2104.06718 (filtered smart branching).
    fn most_promising(
        &self,
        part: &Part,
        bounds: &Bounds,
        peak: &Peak,
        units: &[Costly],
    ) -> Option<(usize, usize)> {
        let units = &units[..units.len().min(TRIED)];
        if units.len() < 2 || !peak.least.is_finite() {
            return units.first().map(|it| (it.layer, it.unit));
        }
        let kinks: Vec<(usize, usize)> = units.iter().map(|it| (it.kink, it.unit)).collect();
        let sides = self.question(part, bounds).sides_of(&peak.slopes, &kinks);
        // More than what is missing is of no use.
        let missing = -peak.least;
        let gain = |least: f64| (least - peak.least).clamp(0.0, missing) + 1e-3 * missing;
        let promises = sides.iter().map(|&[below, above]| gain(below) * gain(above));
        let best = promises.zip(units).rev().max_by(|a, b| a.0.total_cmp(&b.0));
        best.map(|(_, it)| (it.layer, it.unit))
    }

    /// The open kinks with what they cost the bound, the costliest first.
    fn costly_units(&self, bounds: &Bounds, peak: &Peak) -> Vec<Costly> {
        let mut units = vec![];
        for (at, coefficients) in &peak.coefficients {
            let Step::Kink { of, below, above } = self.network.layers()[*at].step else { continue };
            for (unit, (z, a)) in bounds.units[of].iter().zip(coefficients).enumerate() {
                if z.lo() >= 0.0 || z.hi() <= 0.0 || below == above {
                    continue;
                }
                let height = if z.is_finite() {
                    -z.lo() * z.hi() / (z.hi() - z.lo()) * (above - below).abs()
                } else {
                    1e30
                };
                let at_corner = peak.values[of][unit];
                let true_value = if at_corner >= 0.0 { above } else { below } * at_corner;
                let gap = (peak.values[*at][unit] - true_value).abs().min(1e30);
                let cost = a.abs() * (gap + 0.2 * height) + 1e-12 * height;
                if cost > 0.0 {
                    units.push(Costly { cost, kink: *at, layer: of, unit });
                }
            }
        }
        units.sort_by(|a, b| b.cost.total_cmp(&a.cost));
        units
    }
}
