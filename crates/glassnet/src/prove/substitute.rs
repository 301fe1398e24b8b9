//! Rows over a layer, replaced by linear functions of the input below them, by substituting backwards.
//!
//! # Numerics
//! Coefficients are rounded; a coefficient that is off by ε changes the value by at most `ε·max|h|`. Summed over a row of a
//! product this is `γₙ·|A|·S` with `Sᵢ = Σⱼ|wᵢⱼ|·max|hⱼ|`, which is known for each unit beforehand. So a row's whole error,
//! that of an f32 execution included, is one more sum of `|A|` times a number for each unit.

use super::crown::Bounds;
use super::multiply::multiply;
use super::planes::{Planes, planes};
use super::propagate::{Semantics, U64, gamma};
use super::{Interval, Network, Step};

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
    /// The same with slopes of its own for each row, row by row.
    Each(&'a [Vec<f64>]),
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
    /// For each row a kink's unit, with its layer, that is taken to be on one side: this slope. Empty where none is.
    pub(super) pinned: Vec<(usize, usize, f64)>,
}

impl Bounds {
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
        let pinned = rows.pinned;
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
                            weights.iter().zip(&affine.bias).zip(&self.errors[at][..])
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
                Step::Product { left, right } => {
                    let factors = self.units[*left].iter().zip(&self.units[*right]);
                    // What f32 adds is among the errors.
                    let planes: Vec<Planes> =
                        factors.map(|(&x, &y)| planes(x, y, Semantics::Real)).collect();
                    let mut to_right = weights.clone();
                    let pairs = weights.chunks_exact_mut(size).zip(to_right.chunks_exact_mut(size));
                    for (row, (to_left, to_right)) in pairs.enumerate() {
                        for (unit, planes) in planes.iter().enumerate() {
                            let a = to_left[unit];
                            if a == 0.0 {
                                continue;
                            }
                            let plane = if a > 0.0 { planes.lower } else { planes.upper };
                            to_left[unit] = a * plane.0;
                            to_right[unit] = a * plane.1;
                            constants[row] += a * plane.2;
                            magnitudes[row] += (a * plane.2).abs();
                            errors[row] += a.abs() * self.errors[at][unit];
                        }
                    }
                    for (of, mut sums) in [(*left, weights), (*right, to_right)] {
                        if let Some(before) = pending[of].take() {
                            sums.iter_mut().zip(&before).for_each(|(sum, before)| *sum += before);
                            self.add_rounding(&sums, of, size, &mut errors);
                        }
                        pending[of] = Some(sums);
                    }
                }
                Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                    if let Some(watch) = watch.as_deref_mut() {
                        watch.push((at, weights.clone()));
                    }
                    let lines = &self.lines[at];
                    let kink = match &network.layers[at].step {
                        Step::Kink { below, above, .. } => Some((*below, *above)),
                        Step::Input
                        | Step::Affine(_)
                        | Step::Smooth { .. }
                        | Step::Product { .. } => None,
                    };
                    for (row, weights) in weights.chunks_exact_mut(size).enumerate() {
                        let (mut c, mut m, mut e) = (0.0, 0.0, 0.0);
                        for (unit, ((a, line), &error)) in
                            weights.iter_mut().zip(lines).zip(&self.errors[at][..]).enumerate()
                        {
                            if *a == 0.0 {
                                continue;
                            }
                            let (near, far) = if *a > 0.0 {
                                (line.lower, line.upper)
                            } else {
                                (line.upper, line.lower)
                            };
                            let (slope, intercept) = match pinned.get(row) {
                                Some(&(layer, pinned, slope)) if (layer, pinned) == (at, unit) => {
                                    (slope, 0.0)
                                }
                                Some(_) | None => {
                                    let place = (at, unit, row * size + unit);
                                    chosen(near, far, kink, choice, place)
                                }
                            };
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
    (at, unit, place): (usize, usize, usize),
) -> (f64, f64) {
    let Some((below, above)) = kink.filter(|_| near.1 == 0.0 && far.1 != 0.0) else { return near };
    let (least, most) = (below.min(above), below.max(above));
    match choice {
        Slope::Longer => near,
        Slope::Chord => (far.0, 0.0),
        Slope::Shorter => (if near.0 == above { below } else { above }, 0.0),
        Slope::Given(slopes) => (slopes[at][unit].clamp(least, most), 0.0),
        Slope::Each(slopes) => (slopes[at][place].clamp(least, most), 0.0),
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
