//! CROWN: a linear function of the input below a linear function of a layer, found by substituting backwards.
//!
//! # Numerics
//! Coefficients are rounded; a coefficient that is off by ε changes the value by at most `ε·max|h|`. Summed over a row of a
//! product this is `γₙ·|A|·S` with `Sᵢ = Σⱼ|wᵢⱼ|·max|hⱼ|`, which is known for each unit beforehand. So a row's whole error,
//! that of an f32 execution included, is one more sum of `|A|` times a number for each unit.
//!
//! # Source
//! Zhang et al., Efficient Neural Network Robustness Certification with General Activation Functions, arXiv 1811.00866;
//! Singh et al., An Abstract Domain for Certifying Neural Networks, POPL 2019.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::multiply::multiply;
use super::propagate::{self, Semantics, U64, gamma};
use super::relax::{Lines, kink_lines};
use super::{Affine, Interval, Network, Step};

/// Values beyond this count as unbounded: sums of their products could leave f64.
const LARGE: f64 = 1e100;

/// What is known of every layer for one box.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// The interval of each unit of each layer.
    pub(super) units: Vec<Vec<Interval>>,
    /// For affine layers what each unit's row may be off by; for functions the rounding of a slope.
    errors: Vec<Vec<f64>>,
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

/// `value ≥ Σ coefficients·x + constant` for every input of the box.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Form {
    pub(super) coefficients: Vec<f64>,
    pub(super) constant: f64,
}

/// Which line is taken on the side of an open kink where any slope between its two is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Slope<'a> {
    /// That of the longer branch, which makes the area between the lines least.
    Longer,
    /// That of the chord.
    Chord,
    /// That of the shorter branch.
    Shorter,
    /// These, for each layer that is a kink and each of its units.
    Given(&'a [Vec<f64>]),
}

/// Rows `Σ weights·units of a layer + constant`, to be bounded from below.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub(super) layer: usize,
    /// Row by row.
    pub(super) weights: Vec<f64>,
    pub(super) constants: Vec<f64>,
    /// Units of earlier layers, with factors, that are added to every row.
    pub(super) sides: Vec<(usize, usize, f64)>,
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
            let (mut units, mut errors, mut lines) = (vec![], vec![], vec![]);
            match &layer.step {
                Step::Input => units = domain.to_vec(),
                Step::Affine(affine) => {
                    let ranges = &bounds.units;
                    units = (0..layer.size)
                        .map(|row| propagate::affine_row(affine, row, ranges, semantics))
                        .collect();
                    errors = row_errors(affine, layer.size, ranges, semantics);
                }
                Step::Kink { of, below, above } => {
                    for &z in &bounds.units[*of] {
                        units.push(propagate::kink_range(*below, *above, z, semantics));
                        let line = kink_lines(*below, *above, z, semantics);
                        errors.push(slope_error(line, below.abs().max(above.abs()), z));
                        lines.push(line);
                    }
                }
                Step::Smooth { of, function } => {
                    for &z in &bounds.units[*of] {
                        let (range, line) = super::smooth::bound(*function, z, semantics);
                        units.push(range);
                        errors.push(slope_error(line, 0.0, z));
                        lines.push(line);
                    }
                }
            }
            if let Some(inherited) = inherited {
                for (unit, old) in units.iter_mut().zip(&inherited.units[at]) {
                    *unit = unit.meet(*old)?;
                }
            }
            bounds.units.push(units);
            bounds.errors.push(errors);
            bounds.lines.push(lines);
            bounds.hold(splits, at)?;
            if network.feeds_function[at] && network.is_deep[at] {
                bounds.refine(network, at, which, stopped)?;
                bounds.hold(splits, at)?;
            }
        }
        Some(bounds)
    }

    fn hold(&mut self, splits: &[Split], at: usize) -> Option<()> {
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
        let smooth = network.feeds_smooth[at];
        let open: Vec<usize> = self.units[at]
            .iter()
            .enumerate()
            .filter(|(_, z)| (smooth && !z.is_point()) || (z.lo() < 0.0 && z.hi() > 0.0))
            .map(|(unit, _)| unit)
            .filter(|unit| match which {
                Refine::All => true,
                Refine::Only(units) => units.contains(&(at, *unit)),
            })
            .collect();
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
            let rows =
                Rows { layer: at, weights, constants: vec![0.0; 2 * block.len()], sides: vec![] };
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

    /// For each row a linear function of the input that is nowhere above it. `watch` gets the coefficients of each
    /// function's layer: layer, and row by row the coefficient of each unit's value.
    pub(super) fn forms(
        &self,
        network: &Network,
        rows: Rows,
        choice: Slope<'_>,
        mut watch: Option<&mut Vec<(usize, Vec<f64>)>>,
    ) -> Vec<Form> {
        let count = rows.constants.len();
        let mut constants = rows.constants;
        let mut magnitudes: Vec<f64> = constants.iter().map(|c| c.abs()).collect();
        let mut errors = vec![1e-200; count];
        let mut terms = 1;
        let mut pending: Vec<Option<Vec<f64>>> = vec![None; rows.layer + 1];
        pending[rows.layer] = Some(rows.weights);
        for &(layer, unit, factor) in rows.sides.iter().filter(|(layer, ..)| *layer <= rows.layer) {
            let size = network.layers[layer].size;
            let target = pending[layer].get_or_insert_with(|| vec![0.0; count * size]);
            for (row, target) in target.chunks_exact_mut(size).enumerate() {
                target[unit] += factor;
                let rounding = 4.0 * U64 * target[unit].abs() * self.units[layer][unit].magnitude();
                errors[row] += if rounding.is_nan() { f64::INFINITY } else { rounding };
            }
        }
        for at in (1..=rows.layer).rev() {
            let Some(mut weights) = pending[at].take() else { continue };
            let size = network.layers[at].size;
            terms += size + 1;
            match &network.layers[at].step {
                Step::Input => {}
                Step::Affine(affine) => {
                    for (row, weights) in weights.chunks_exact(size).enumerate() {
                        let (mut c, mut m, mut e) = (0.0, 0.0, 0.0);
                        for ((&a, bias), &error) in
                            weights.iter().zip(&affine.bias).zip(&self.errors[at])
                        {
                            if a != 0.0 {
                                let product = a * bias.middle();
                                c += product;
                                m += product.abs();
                                e += a.abs() * error;
                            }
                        }
                        constants[row] += c;
                        magnitudes[row] += m;
                        errors[row] += e;
                    }
                    for term in &affine.terms {
                        let columns = network.layers[term.layer].size;
                        // Products are summed by themselves: what is there already may be much greater, and is then
                        // rounded once, not at every product.
                        let mut sums = vec![0.0; count * columns];
                        multiply(&weights, size, &term.matrix, &mut sums, columns);
                        if let Some(before) = pending[term.layer].take() {
                            sums.iter_mut().zip(&before).for_each(|(sum, before)| *sum += before);
                            self.add_rounding(&sums, term.layer, columns, &mut errors);
                        }
                        pending[term.layer] = Some(sums);
                    }
                }
                Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                    if let Some(watch) = watch.as_deref_mut() {
                        watch.push((at, weights.clone()));
                    }
                    let lines = &self.lines[at];
                    let kink = match &network.layers[at].step {
                        Step::Kink { below, above, .. } => Some((*below, *above)),
                        Step::Input | Step::Affine(_) | Step::Smooth { .. } => None,
                    };
                    for (row, weights) in weights.chunks_exact_mut(size).enumerate() {
                        let (mut c, mut m, mut e) = (0.0, 0.0, 0.0);
                        for (unit, ((a, line), &error)) in
                            weights.iter_mut().zip(lines).zip(&self.errors[at]).enumerate()
                        {
                            if *a == 0.0 {
                                continue;
                            }
                            let (near, far) = if *a > 0.0 {
                                (line.lower, line.upper)
                            } else {
                                (line.upper, line.lower)
                            };
                            let (slope, intercept) = chosen(near, far, kink, choice, (at, unit));
                            if intercept != 0.0 {
                                let product = *a * intercept;
                                c += product;
                                m += product.abs();
                            }
                            e += a.abs() * error;
                            *a *= slope;
                        }
                        constants[row] += c;
                        magnitudes[row] += m;
                        errors[row] += e;
                    }
                    match &mut pending[*of] {
                        Some(target) => {
                            for (sum, weight) in target.iter_mut().zip(&weights) {
                                *sum += weight;
                            }
                        }
                        empty @ None => *empty = Some(weights),
                    }
                    if let Some(target) = pending[*of].take() {
                        self.add_rounding(&target, *of, size, &mut errors);
                        pending[*of] = Some(target);
                    }
                }
            }
        }
        let inputs = network.inputs();
        let weights = pending[0].take().unwrap_or_else(|| vec![0.0; count * inputs]);
        (0..count)
            .map(|row| {
                let error = errors[row] + gamma(terms + 8, U64) * magnitudes[row];
                let constant = constants[row] - error * (1.0 + gamma(terms + 8, U64));
                let constant =
                    if constant.is_nan() { f64::NEG_INFINITY } else { constant.next_down() };
                let coefficients = weights[row * inputs..(row + 1) * inputs].to_vec();
                Form { coefficients, constant }
            })
            .collect()
    }

    /// One rounding of each coefficient of layer `at`.
    fn add_rounding(&self, weights: &[f64], at: usize, columns: usize, errors: &mut [f64]) {
        for (row, weights) in weights.chunks_exact(columns).enumerate() {
            let units = weights.iter().zip(&self.units[at]);
            let sum: f64 = units
                .map(|(a, unit)| if *a == 0.0 { 0.0 } else { a.abs() * unit.magnitude() })
                .sum();
            errors[row] += 4.0 * U64 * sum;
        }
    }
}

/// The line that is taken of the two over an open kink, of which `near` passes through 0.
fn chosen(
    near: (f64, f64),
    far: (f64, f64),
    kink: Option<(f64, f64)>,
    choice: Slope<'_>,
    (at, unit): (usize, usize),
) -> (f64, f64) {
    let Some((below, above)) = kink.filter(|_| near.1 == 0.0 && far.1 != 0.0) else { return near };
    match choice {
        Slope::Longer => near,
        Slope::Chord => (far.0, 0.0),
        Slope::Shorter => (if near.0 == above { below } else { above }, 0.0),
        Slope::Given(slopes) => (slopes[at][unit].clamp(below.min(above), below.max(above)), 0.0),
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
    /// The intervals alone.
    pub(super) fn intervals(&self) -> Self {
        Bounds { units: self.units.clone(), ..Bounds::default() }
    }

    /// The bytes of the intervals.
    pub(super) fn bytes(&self) -> usize {
        self.units.iter().map(|units| size_of_val(&units[..])).sum()
    }
}

impl Form {
    /// What is known without looking.
    pub(super) fn nothing(inputs: usize) -> Self {
        Form { coefficients: vec![0.0; inputs], constant: f64::NEG_INFINITY }
    }

    /// The form with `factor·x` of one input more.
    pub(super) fn add(&mut self, input: usize, factor: f64, domain: &[Interval]) {
        let sum = self.coefficients[input] + factor;
        self.coefficients[input] = sum;
        self.constant -= 2.0 * U64 * sum.abs() * domain[input].magnitude();
        self.constant = self.constant.next_down();
    }

    /// A number that is certainly not above the form anywhere in the box.
    pub(super) fn least(&self, domain: &[Interval]) -> f64 {
        let (mut sum, mut magnitude) = (self.constant, self.constant.abs());
        for (&a, x) in self.coefficients.iter().zip(domain) {
            if a != 0.0 {
                let product = (a * x.lo()).min(a * x.hi());
                sum += product;
                magnitude += product.abs();
            }
        }
        let least = sum - 2.0 * gamma(domain.len() + 4, U64) * magnitude - 1e-250;
        if least.is_nan() { f64::NEG_INFINITY } else { least }
    }
}
