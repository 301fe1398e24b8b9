//! Bounds of single units, each with slopes of its own that follow the gradient of that bound, on the inputs where a linear
//! function that counterexamples keep at most 0 is so.
//!
//! The gradient is a guess in plain f64; every bound is a [`Form`] of its own with its rounding, whatever the slopes.
//!
//! # Lemma
//! If `f ≤ z` and `g ≤ 0` for all counterexamples of a part, then `z ≥ min (f + γ·g)` over the box for them, γ ≥ 0.
//!
//! # Source
//! Xu et al., Fast and Complete, arXiv 2011.13824 (slopes for each bound); Kotha et al., Provably Bounding Neural Network
//! Preimages, arXiv 2302.01404 (what is asked for as a constraint on inner bounds).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::ascent::{Momentum, corner};
use super::crown::Bounds;
use super::forward::Forward;
use super::substitute::{Form, Rows, Slope};
use super::{Interval, Network, Semantics, Step, dual};

/// So many units are bounded together.
const UNITS: usize = 64;
/// A layer's slopes are kept for what follows if they take no more bytes; else the next bounds begin without them.
const MOST_KEPT: usize = 1 << 24;

/// The slopes that single units of a layer were bounded with: two rows for each unit, one for each end.
#[derive(Clone, Debug, Default)]
pub(super) struct UnitSlopes {
    /// Which unit of the layer has which pair of rows; `None` for those without.
    pub(super) pair: Vec<Option<u32>>,
    /// For each layer that is a kink, row by row the slope of each unit's line through 0; empty for others.
    pub(super) lines: Vec<Vec<f64>>,
}

/// What bounds are sharpened with.
pub(super) struct Sharpening<'a> {
    pub(super) network: &'a Network,
    pub(super) forward: &'a Forward,
    /// A form that is at most 0 for every counterexample.
    pub(super) given: Option<&'a Form>,
    pub(super) semantics: Semantics,
    pub(super) stopped: &'a AtomicBool,
}

impl Sharpening<'_> {
    /// Works through the layers behind layer `from`: functions are worked out again, and the units of `which` that are open
    /// are bounded with up to `rounds` steps, beginning with the slopes of `known`. Gives the slopes of these units; `None`
    /// when no counterexample is left.
    pub(super) fn deepen(
        &self,
        bounds: &mut Bounds,
        from: usize,
        which: &dyn Fn(usize, &mut Vec<usize>),
        rounds: usize,
        known: &[UnitSlopes],
    ) -> Option<Vec<UnitSlopes>> {
        let mut found = vec![UnitSlopes::default(); self.network.layers().len()];
        for (at, layer) in self.network.layers().iter().enumerate().skip(1) {
            if matches!(layer.step, Step::Kink { .. } | Step::Smooth { .. }) {
                bounds.renew(self.network, at, self.semantics)?;
            }
            if at > from && self.network.feeds_function[at] && self.network.is_deep[at] {
                let mut units = bounds.open_units(self.network, at);
                which(at, &mut units);
                found[at] = self.sharpen(bounds, at, &units, rounds, known.get(at))?;
            }
        }
        Some(found)
    }

    /// Bounds of `units` of layer `at` with up to `rounds` steps of their slopes, noted in `bounds`; the best slopes, none
    /// where there were no steps.
    fn sharpen(
        &self,
        bounds: &mut Bounds,
        at: usize,
        units: &[usize],
        rounds: usize,
        known: Option<&UnitSlopes>,
    ) -> Option<UnitSlopes> {
        let mut kept = UnitSlopes {
            pair: vec![None; self.network.layers()[at].size],
            lines: vec![vec![]; at + 1],
        };
        let kinks = self.network.layers()[..at].iter();
        let kinks = kinks.filter(|layer| matches!(layer.step, Step::Kink { .. }));
        let per_unit = 2 * size_of::<f64>() * kinks.map(|layer| layer.size).sum::<usize>();
        let keeps = rounds > 0 && units.len().saturating_mul(per_unit) <= MOST_KEPT;
        let mut pairs = 0;
        for block in units.chunks(UNITS) {
            if self.stopped.load(Relaxed) {
                break;
            }
            let mut slopes = self.start(bounds, at, block, known);
            self.climb(bounds, at, block, rounds, &mut slopes)?;
            if keeps {
                for &unit in block {
                    kept.pair[unit] = Some(pairs);
                    pairs += 1;
                }
                kept.lines.iter_mut().zip(&slopes).for_each(|(kept, own)| kept.extend(own));
            }
        }
        Some(kept)
    }

    /// The slopes to begin with: those known, else those that make the areas between the lines least.
    fn start(
        &self,
        bounds: &Bounds,
        at: usize,
        block: &[usize],
        known: Option<&UnitSlopes>,
    ) -> Vec<Vec<f64>> {
        // The layer itself may be one of kinks, where another function reads it.
        let layers = self.network.layers().iter().take(at + 1).enumerate();
        let lines = layers.map(|(layer, it)| {
            let Step::Kink { .. } = it.step else { return vec![] };
            let usual: Vec<f64> = bounds.lines[layer]
                .iter()
                .map(|line| if line.lower.1 == 0.0 { line.lower.0 } else { line.upper.0 })
                .collect();
            let mut slopes = Vec::with_capacity(2 * block.len() * it.size);
            for &unit in block {
                let pair = known.and_then(|known| *known.pair.get(unit)?);
                match (known, pair) {
                    (Some(known), Some(pair)) => {
                        let rows = 2 * pair as usize * it.size..(2 * pair as usize + 2) * it.size;
                        slopes.extend_from_slice(&known.lines[layer][rows]);
                    }
                    (Some(_) | None, _) => {
                        slopes.extend_from_slice(&usual);
                        slopes.extend_from_slice(&usual);
                    }
                }
            }
            slopes
        });
        lines.collect()
    }

    fn climb(
        &self,
        bounds: &mut Bounds,
        at: usize,
        block: &[usize],
        rounds: usize,
        slopes: &mut Vec<Vec<f64>>,
    ) -> Option<()> {
        let size = self.network.layers()[at].size;
        let count = 2 * block.len();
        let mut best = slopes.clone();
        let mut most = vec![f64::NEG_INFINITY; count];
        let mut momenta: Vec<Vec<Momentum>> =
            slopes.iter().map(|slopes| vec![Momentum::default(); slopes.len()]).collect();
        let mut decay = 1.0;
        for round in 0..=rounds {
            let mut weights = vec![0.0; count * size];
            for (row, &unit) in block.iter().enumerate() {
                weights[2 * row * size + unit] = 1.0;
                weights[(2 * row + 1) * size + unit] = -1.0;
            }
            let rows = Rows {
                layer: at,
                weights,
                constants: vec![0.0; count],
                sides: vec![],
                pinned: vec![],
            };
            let mut watched = vec![];
            let forms = bounds.forms(self.network, rows, Slope::Each(slopes), Some(&mut watched));
            let domain = &bounds.units[0];
            let mut corners = Vec::with_capacity(count * domain.len());
            for (row, form) in forms.iter().enumerate() {
                let (least, corner) = self.least(form, domain);
                corners.extend(corner);
                if least > most[row] {
                    most[row] = least;
                    for (best, slopes) in best.iter_mut().zip(&*slopes) {
                        let size = slopes.len() / count;
                        let own = row * size..(row + 1) * size;
                        best[own.clone()].copy_from_slice(&slopes[own]);
                    }
                }
            }
            if round == rounds || self.stopped.load(Relaxed) {
                break;
            }
            let values = self.values(bounds, slopes, &watched, corners, count);
            self.step(bounds, &watched, &values, slopes, &mut momenta, round, decay);
            decay *= 0.9;
        }
        for (ends, &unit) in most.chunks_exact(2).zip(block) {
            let found = Interval::of(ends[0], -ends[1]);
            if found.lo() > found.hi() {
                return None;
            }
            bounds.units[at][unit] = bounds.units[at][unit].meet(found)?;
        }
        *slopes = best;
        Some(())
    }

    /// The least value of `form` where the given form is at most 0, or less, and where it is.
    fn least(&self, form: &Form, domain: &[Interval]) -> (f64, Vec<f64>) {
        let alone = form.least(domain);
        let Some(given) = self.given else { return (alone, corner(form, domain)) };
        let by = dual::multiplier(form, given, domain);
        if by <= 0.0 {
            return (alone, corner(form, domain));
        }
        let sum = dual::combine_two(form, given, by, domain);
        (alone.max(sum.least(domain)), corner(&sum, domain))
    }

    /// The values of all layers at the corners if each function is the line that each row takes.
    fn values(
        &self,
        bounds: &Bounds,
        slopes: &[Vec<f64>],
        watched: &[(usize, Vec<f64>)],
        corners: Vec<f64>,
        count: usize,
    ) -> Vec<Vec<f64>> {
        let last = watched.iter().map(|(at, _)| *at).max().unwrap_or(0);
        let mut values: Vec<Vec<f64>> = vec![corners];
        for (at, layer) in self.network.layers().iter().enumerate().take(last).skip(1) {
            let next = match &layer.step {
                Step::Input => vec![],
                Step::Affine(affine) => self.forward.affine(at, affine, layer.size, count, &values),
                Step::Product { left, right } => {
                    values[*left].iter().zip(&values[*right]).map(|(x, y)| x * y).collect()
                }
                Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                    let lines = &bounds.lines[at];
                    let own = watched.iter().find(|(watched, _)| *watched == at);
                    let mut next = values[*of].clone();
                    for (place, value) in next.iter_mut().enumerate() {
                        let line = &lines[place % layer.size];
                        let a = own.map_or(1.0, |(_, a)| a[place]);
                        let (near, far) = if a >= 0.0 {
                            (line.lower, line.upper)
                        } else {
                            (line.upper, line.lower)
                        };
                        let is_free = near.1 == 0.0 && far.1 != 0.0;
                        let slope = slopes[at].get(place).filter(|_| is_free);
                        *value = slope.map_or(near.0 * *value + near.1, |slope| slope * *value);
                    }
                    next
                }
            };
            values.push(next);
        }
        values
    }

    /// One step of all slopes.
    fn step(
        &self,
        bounds: &Bounds,
        watched: &[(usize, Vec<f64>)],
        values: &[Vec<f64>],
        slopes: &mut [Vec<f64>],
        momenta: &mut [Vec<Momentum>],
        round: usize,
        decay: f64,
    ) {
        for (at, coefficients) in watched {
            let layer = &self.network.layers()[*at];
            let Step::Kink { of, below, above } = layer.step else { continue };
            let (least, most) = (below.min(above), below.max(above));
            for (place, &a) in coefficients.iter().enumerate() {
                let line = &bounds.lines[*at][place % layer.size];
                let (near, far) =
                    if a > 0.0 { (line.lower, line.upper) } else { (line.upper, line.lower) };
                if a == 0.0 || near.1 != 0.0 || far.1 == 0.0 {
                    continue;
                }
                let step = momenta[*at][place].step(a * values[of][place], round);
                let slope = &mut slopes[*at][place];
                *slope = (*slope + 0.25 * decay * (most - least) * step).clamp(least, most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Shape;
    use crate::nn::{self, Mode};
    use crate::prove::{Weight, float, lower};

    const NOTATION: &str = "Sequential(Linear(6, 10), ReLU(), Linear(10, 10), LeakyReLU(0.2), Linear(10, 10), \
                            ReLU(), Linear(10, 2))";

    fn network(seed: u64) -> Network {
        let net = nn::Network::new(nn::parse(NOTATION).unwrap(), seed).unwrap();
        let graph = net.module().graph(Shape::batch([6]), Mode::Eval).unwrap();
        lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed)).unwrap()
    }

    /// The values of all layers at points of the box, its corners among them.
    fn samples(network: &Network, domain: &[Interval]) -> Vec<Vec<Vec<f64>>> {
        let mut state = 7_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..400)
            .map(|at| {
                let share = |draw: f64| if at % 4 == 0 { draw.round() } else { draw };
                let x: Vec<f64> =
                    domain.iter().map(|x| x.lo() + share(draw()) * (x.hi() - x.lo())).collect();
                float::values(network, &x)
            })
            .collect()
    }

    fn holds(bounds: &Bounds, values: &[Vec<f64>]) -> bool {
        let layers = bounds.units.iter().zip(values);
        layers.flat_map(|(units, values)| units.iter().zip(values)).all(|(unit, &value)| {
            let slack = 1e-12 * (1.0 + value.abs());
            unit.lo() - slack <= value && value <= unit.hi() + slack
        })
    }

    fn width(bounds: &Bounds) -> f64 {
        bounds.units.iter().flatten().map(|unit| unit.hi() - unit.lo()).sum()
    }

    #[test]
    fn sharpened_bounds_are_narrower_and_hold_every_sample() {
        let stopped = AtomicBool::new(false);
        for seed in 0..6 {
            let network = network(seed);
            let forward = Forward::new(&network);
            let domain = [Interval::new(-1.0, 1.0).unwrap(); 6];
            for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
                let plain = Bounds::new(&network, &domain, &[], None, semantics).unwrap();
                let sharpening = Sharpening {
                    network: &network,
                    forward: &forward,
                    given: None,
                    semantics,
                    stopped: &stopped,
                };
                let mut sharp = plain.clone();
                sharpening.deepen(&mut sharp, 0, &|_, _| (), 10, &[]).unwrap();
                assert!(width(&sharp) < width(&plain), "seed {seed}");
                for values in samples(&network, &domain) {
                    assert!(holds(&sharp, &values), "seed {seed}, {semantics:?}");
                }
            }
        }
    }

    /// What is asked for is `y₀ ≤ t`: bounds on its inputs may leave out others, but none of those.
    #[test]
    fn bounds_on_what_is_asked_for_hold_the_samples_that_meet_it() {
        let stopped = AtomicBool::new(false);
        let mut gained = 0.0;
        for seed in 0..6 {
            let network = network(seed);
            let forward = Forward::new(&network);
            let domain = [Interval::new(-0.5, 0.5).unwrap(); 6];
            let plain = Bounds::new(&network, &domain, &[], None, Semantics::Real).unwrap();
            let samples = samples(&network, &domain);
            let output = |values: &Vec<Vec<f64>>| values[network.output()][0];
            let mut outputs: Vec<f64> = samples.iter().map(output).collect();
            outputs.sort_by(f64::total_cmp);
            let threshold = outputs[0];
            let rows = Rows {
                layer: network.output(),
                weights: vec![1.0, 0.0],
                constants: vec![-threshold],
                sides: vec![],
                pinned: vec![],
            };
            let given = plain.forms(&network, rows, Slope::Longer, None).swap_remove(0);
            let sharpened = |given| {
                let sharpening = Sharpening {
                    network: &network,
                    forward: &forward,
                    given,
                    semantics: Semantics::Real,
                    stopped: &stopped,
                };
                let mut sharp = plain.clone();
                sharpening.deepen(&mut sharp, 0, &|_, _| (), 10, &[]).unwrap();
                sharp
            };
            let sharp = sharpened(Some(&given));
            gained += width(&sharpened(None)) - width(&sharp);
            for values in samples.iter().filter(|values| output(values) <= threshold) {
                assert!(holds(&sharp, values), "seed {seed}");
            }
        }
        assert!(gained > 0.01, "what is asked for changes nothing: {gained}");
    }
}
