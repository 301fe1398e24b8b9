//! CROWN: a linear function of the input below a linear function of a layer, found by substituting backwards.
//!
//! # Source
//! Zhang et al., Efficient Neural Network Robustness Certification with General Activation Functions, arXiv 1811.00866;
//! Singh et al., An Abstract Domain for Certifying Neural Networks, POPL 2019.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::planes;
use super::propagate::{self, Semantics, U64, gamma};
use super::relax::{Lines, kink_lines};
use super::substitute::{Rows, Slope};
use super::{Affine, Interval, Network, Step};

/// Values beyond this count as unbounded: sums of their products could leave f64.
const LARGE: f64 = 1e100;

/// What is known of every layer for one box.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// The interval of each unit of each layer.
    pub(super) units: Vec<Vec<Interval>>,
    /// For affine layers what each unit's row may be off by; for functions the rounding of a slope.
    pub(super) errors: Vec<Arc<[f64]>>,
    /// For functions the lines of each unit.
    pub(super) lines: Vec<Vec<Lines>>,
}

/// A unit of a kink that is held to one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// The layer of z.
    pub(super) layer: usize,
    /// The unit.
    pub(super) unit: usize,
    /// Whether z ≥ 0 there; else z ≤ 0.
    pub(super) positive: bool,
}

/// Which units are tightened by substituting backwards, where a function reads them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refine<'a> {
    /// All that are open.
    All,
    /// Of the open ones these: layer and unit.
    Only(&'a [(usize, usize)]),
}

impl Bounds {
    /// The bounds for `domain` with `splits`, no wider than `inherited`; `None` when no input is left.
    pub(super) fn new(
        network: &Network,
        domain: &[Interval],
        splits: &[Split],
        inherited: Option<&Bounds>,
        semantics: Semantics,
    ) -> Option<Self> {
        let never = AtomicBool::new(false);
        Bounds::new_until(network, domain, splits, inherited, semantics, Refine::All, &never)
    }

    /// The same, with some units refined only, and none once `stopped` is set: wider bounds, but bounds.
    pub(super) fn new_until(
        network: &Network,
        domain: &[Interval],
        splits: &[Split],
        inherited: Option<&Bounds>,
        semantics: Semantics,
        which: Refine<'_>,
        stopped: &AtomicBool,
    ) -> Option<Self> {
        let mut bounds = Bounds::default();
        for (at, layer) in network.layers.iter().enumerate() {
            let (mut units, errors, lines) = match &layer.step {
                Step::Input => (domain.to_vec(), vec![], vec![]),
                Step::Affine(affine) => {
                    let ranges = &bounds.units;
                    let rows = (0..layer.size)
                        .map(|row| propagate::affine_row(affine, row, ranges, semantics));
                    let errors = row_errors(affine, layer.size, ranges, semantics);
                    (rows.collect(), errors, vec![])
                }
                Step::Kink { .. } | Step::Smooth { .. } | Step::Product { .. } => {
                    bounds.function(network, at, semantics)
                }
            };
            if let Some(inherited) = inherited {
                for (unit, old) in units.iter_mut().zip(&inherited.units[at]) {
                    *unit = unit.meet(*old)?;
                }
            }
            bounds.units.push(units);
            bounds.errors.push(errors.into());
            bounds.lines.push(lines);
            bounds.hold(splits, at)?;
            if network.feeds_function[at] && network.is_deep[at] {
                bounds.refine(network, at, which, stopped)?;
                bounds.hold(splits, at)?;
            }
        }
        Some(bounds)
    }

    /// What a layer that is a function makes of the units it reads: ranges, errors, lines.
    fn function(
        &self,
        network: &Network,
        at: usize,
        semantics: Semantics,
    ) -> (Vec<Interval>, Vec<f64>, Vec<Lines>) {
        let (mut units, mut errors, mut lines) = (vec![], vec![], vec![]);
        match &network.layers[at].step {
            Step::Input | Step::Affine(_) => {}
            Step::Kink { of, below, above } => {
                for &z in &self.units[*of] {
                    units.push(propagate::kink_range(*below, *above, z, semantics));
                    let line = kink_lines(*below, *above, z, semantics);
                    errors.push(slope_error(line, below.abs().max(above.abs()), z));
                    lines.push(line);
                }
            }
            Step::Smooth { of, function } => {
                for &z in &self.units[*of] {
                    let (range, line) = super::smooth::bound(*function, z, semantics);
                    units.push(range);
                    errors.push(slope_error(line, 0.0, z));
                    lines.push(line);
                }
            }
            Step::Product { left, right } => {
                for (&x, &y) in self.units[*left].iter().zip(&self.units[*right]) {
                    units.push(planes::range(x, y, semantics));
                    errors.push(planes::planes(x, y, semantics).error);
                }
            }
        }
        (units, errors, lines)
    }

    /// Works out a layer that is a function again, once the units that it reads are known better.
    pub(super) fn renew(
        &mut self,
        network: &Network,
        at: usize,
        semantics: Semantics,
    ) -> Option<()> {
        let (units, errors, lines) = self.function(network, at, semantics);
        for (known, unit) in self.units[at].iter_mut().zip(units) {
            *known = known.meet(unit)?;
        }
        self.errors[at] = errors.into();
        self.lines[at] = lines;
        Some(())
    }

    /// The units of layer `at` that a function needs tighter.
    pub(super) fn open_units(&self, network: &Network, at: usize) -> Vec<usize> {
        let smooth = network.feeds_smooth[at];
        let units = self.units[at].iter().enumerate();
        units
            .filter(|(_, z)| (smooth && !z.is_point()) || (z.lo() < 0.0 && z.hi() > 0.0))
            .map(|(unit, _)| unit)
            .collect()
    }

    /// Notes that kinks are held to sides; `None` when no input is left.
    pub(super) fn hold(&mut self, splits: &[Split], at: usize) -> Option<()> {
        for split in splits.iter().filter(|split| split.layer == at) {
            let side = if split.positive {
                Interval::of(0.0, f64::INFINITY)
            } else {
                Interval::of(f64::NEG_INFINITY, 0.0)
            };
            let unit = &mut self.units[at][split.unit];
            *unit = unit.meet(side)?;
        }
        Some(())
    }

    /// Tightens the units of layer `at` that a function needs tighter, by substituting backwards.
    fn refine(
        &mut self,
        network: &Network,
        at: usize,
        which: Refine<'_>,
        stopped: &AtomicBool,
    ) -> Option<()> {
        let mut open = self.open_units(network, at);
        open.retain(|unit| match which {
            Refine::All => true,
            Refine::Only(units) => units.contains(&(at, *unit)),
        });
        self.refine_units(network, at, &open, stopped)
    }

    /// Tightens every unit of layer `at`.
    pub(super) fn refine_all(&mut self, network: &Network, at: usize) -> Option<()> {
        let open: Vec<usize> = (0..network.layers[at].size).collect();
        self.refine_units(network, at, &open, &AtomicBool::new(false))
    }

    fn refine_units(
        &mut self,
        network: &Network,
        at: usize,
        open: &[usize],
        stopped: &AtomicBool,
    ) -> Option<()> {
        let size = network.layers[at].size;
        // Blocks keep the coefficients of wide layers in the caches.
        for block in open.chunks(64) {
            if stopped.load(Relaxed) {
                return Some(());
            }
            let mut weights = vec![0.0; 2 * block.len() * size];
            for (row, &unit) in block.iter().enumerate() {
                weights[2 * row * size + unit] = 1.0;
                weights[(2 * row + 1) * size + unit] = -1.0;
            }
            let rows = Rows {
                layer: at,
                weights,
                constants: vec![0.0; 2 * block.len()],
                sides: vec![],
                pinned: vec![],
            };
            let forms = self.forms(network, rows, Slope::Longer, None);
            for (pair, &unit) in forms.chunks_exact(2).zip(block) {
                let lo = pair[0].least(&self.units[0]);
                let hi = -pair[1].least(&self.units[0]);
                let found = Interval::of(lo, hi);
                if found.lo() > found.hi() {
                    return None;
                }
                self.units[at][unit] = self.units[at][unit].meet(found)?;
            }
        }
        Some(())
    }
}

/// What each unit's row of an affine layer may be off by, when it is replaced by its coefficients.
fn row_errors(
    affine: &Affine,
    size: usize,
    ranges: &[Vec<Interval>],
    semantics: Semantics,
) -> Vec<f64> {
    (0..size)
        .map(|row| {
            let bias = affine.bias[row];
            let (mut sum, mut doubt, mut count) = (bias.magnitude(), 0.0, 0);
            doubt += bias.hi() - bias.lo();
            for term in &affine.terms {
                let units = &ranges[term.layer];
                for (column, weight) in term.weights(row) {
                    let (w, h) = (weight.magnitude(), units[column].magnitude());
                    if w == 0.0 {
                        continue;
                    }
                    if w > LARGE || h > LARGE {
                        return f64::INFINITY;
                    }
                    sum += w * h;
                    doubt += (weight.hi() - weight.lo()) * h;
                    count += 1;
                }
            }
            // The rows' sums of products have as many terms as the layer has units.
            let mut error = gamma(size + count + 8, U64) * sum + 2.0 * doubt;
            if affine.rounds && semantics == Semantics::F32AnyOrder {
                error += propagate::f32_margin(
                    count + affine.further_constants,
                    sum * (1.0 + gamma(count + 2, U64)),
                );
            }
            error * (1.0 + gamma(8, U64))
        })
        .collect()
}

/// What a line through a unit costs beyond its slope and intercept: the rounding of the product, and the function's own.
fn slope_error(line: Lines, steepest: f64, z: Interval) -> f64 {
    if line.lower == line.upper && matches!(line.lower.0, 0.0 | 1.0) {
        return line.margin;
    }
    let slope = line.lower.0.abs().max(line.upper.0.abs()).max(steepest);
    if z.magnitude() > LARGE {
        return f64::INFINITY;
    }
    line.margin + 4.0 * U64 * slope * z.magnitude()
}

impl Bounds {
    /// The intervals, without lines.
    pub(super) fn intervals(&self) -> Self {
        Bounds {
            units: self.units.clone(),
            errors: self.errors.clone(),
            lines: vec![vec![]; self.lines.len()],
        }
    }

    /// About the bytes of the intervals, and of the errors that parts don't share.
    pub(super) fn bytes(&self) -> usize {
        self.units.iter().map(|units| size_of_val(&units[..])).sum::<usize>() * 5 / 4
    }
}
