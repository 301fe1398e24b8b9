//! Parts of networks with many inputs: kinks are held to one side, and slopes and multipliers improved in every part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::part::{Examined, Part, Problem};
use super::record::Recorded;
use crate::prove::Step;
use crate::prove::ascent::{Peak, Question, Slopes};
use crate::prove::crown::{Bounds, Refine, Split};

/// Steps of the ascent for a whole box, and for a part that begins where its parent ended.
const FIRST_ROUNDS: usize = 60;
const ROUNDS: usize = 12;
/// So many units that cost the bound most are bounded again in each part.
const WORTHWHILE: usize = 32;

impl Problem<'_> {
    /// The bounds of the whole box, which cases with the same box share; `None` when no input is in it.
    pub(super) fn whole_bounds(&self, stopped: &AtomicBool) -> Option<&Bounds> {
        let bounds = self.whole.get_or_init(|| {
            let domain = &self.case.domain;
            Bounds::new_until(self.network, domain, &[], None, self.semantics, Refine::All, stopped)
        });
        bounds.as_ref()
    }

    /// What can be shown of a part whose kinks are split.
    pub(super) fn examine_kinks(&self, part: &Part, stopped: &AtomicBool) -> Examined {
        let own;
        let bounds = if part.is_whole {
            self.whole_bounds(stopped)
        } else {
            let inherited = match &part.inherited {
                Some(inherited) => Some(&**inherited),
                None => self.whole_bounds(stopped),
            };
            let worthwhile = Refine::Only(&part.worthwhile);
            let (network, semantics) = (self.network, self.semantics);
            own = Bounds::new_until(
                network,
                &part.domain,
                &part.splits,
                inherited,
                semantics,
                worthwhile,
                stopped,
            );
            own.as_ref()
        };
        let Some(bounds) = bounds else { return Examined::Free(Recorded::unnoted()) };
        if stopped.load(Relaxed) {
            return Examined::Open(part.bound);
        }
        let question = Question {
            network: self.network,
            bounds,
            domain: &part.domain,
            constraints: &self.case.constraints,
            splits: &part.splits,
        };
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
        let bound = peak.least.max(part.bound);
        let units = self.costly_units(bounds, &peak);
        let Some(&(_, layer, unit)) = units.first() else {
            return self.split_widest(part, bounds, &peak, bound);
        };
        let (inherited, slopes) = (Some(Arc::new(bounds.intervals())), Some(Arc::new(peak.slopes)));
        let worthwhile: Arc<[(usize, usize)]> =
            units.iter().skip(1).take(WORTHWHILE).map(|&(_, layer, unit)| (layer, unit)).collect();
        let half = |positive| Part {
            case: part.case,
            number: 0,
            is_whole: false,
            domain: Arc::clone(&part.domain),
            splits: part.splits.iter().copied().chain([Split { layer, unit, positive }]).collect(),
            inherited: inherited.clone(),
            slopes: slopes.clone(),
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

    /// The open kinks with what they cost the bound, the costliest first.
    fn costly_units(&self, bounds: &Bounds, peak: &Peak) -> Vec<(f64, usize, usize)> {
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
                    units.push((cost, of, unit));
                }
            }
        }
        units.sort_by(|a, b| b.0.total_cmp(&a.0));
        units
    }
}
