//! How far two networks of one structure lie apart: bounds of `B(x) − A(x)` that are small where the weights are alike.
//!
//! For every unit the difference δ of the two networks' values is bounded beside the values themselves. A linear layer
//! gives `δy = W'·δh + (W' − W)·h + (b' − b)` exactly; a kink gives `relu(z + δ) − relu(z)`, which has lines in δ and z of
//! its own. Substituted backwards through both networks at once, what they have in common cancels, where bounds of each
//! by itself would add up.
//!
//! # Numerics
//! Over the reals. Coefficients are rounded; a coefficient that is off by ε moves the value by at most `ε·max|δ|` or
//! `ε·max|h|`, and sums of these are known for each unit beforehand (as in the room's other bounds).
//!
//! # Source
//! Paulsen, Wang, Wang & Wang, NeuroDiff, ASE 2020, arXiv 2009.09943; Teuber, Kern, Janzen & Beckert, Revisiting
//! Differential Verification, arXiv 2410.20207 (VeryDiff).

mod lines;
mod narrow;
mod pair;
mod product;

pub use narrow::{Narrowed, narrow};
pub use product::product;

use self::lines::Joint;
use self::pair::Joined;
use super::propagate::{U64, gamma};
use super::relax::Lines;
use super::substitute::Form;
use super::{Interval, Network, Semantics, Step, bounds};
use crate::error::{Error, Result};

/// How far the outputs of two networks lie apart on a box.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// For each output what `B(x) − A(x)` lies in.
    pub outputs: Vec<Interval>,
    /// For the output whose difference may be greatest: by how much its bound changes with each input.
    pub slopes: Vec<f64>,
    /// The input at which that bound is reached.
    pub corner: Vec<f64>,
}

impl Difference {
    /// The greatest absolute difference that is not excluded.
    pub fn bound(&self) -> f64 {
        self.outputs.iter().map(|output| output.magnitude()).fold(0.0, f64::max)
    }
}

/// Whether two networks consist of layers of the same sorts and sizes that read the same layers.
pub fn have_one_structure(a: &Network, b: &Network) -> bool {
    let same = |(a, b): (&super::Layer, &super::Layer)| {
        a.size == b.size
            && match (&a.step, &b.step) {
                (Step::Input, Step::Input) => true,
                (Step::Affine(a), Step::Affine(b)) => {
                    let reads = |affine: &super::Affine| -> Vec<usize> {
                        affine.terms.iter().map(|term| term.layer).collect()
                    };
                    reads(a) == reads(b)
                }
                (
                    Step::Kink { of, below, above },
                    Step::Kink { of: other, below: other_below, above: other_above },
                ) => of == other && below == other_below && above == other_above,
                (
                    Step::Smooth { of, function },
                    Step::Smooth { of: other, function: other_function },
                ) => of == other && function == other_function,
                (Step::Input | Step::Affine(_) | Step::Kink { .. } | Step::Smooth { .. }, _) => {
                    false
                }
            }
    };
    a.output == b.output
        && a.layers.len() == b.layers.len()
        && a.layers.iter().zip(&b.layers).all(same)
}

/// Bounds of `b(x) − a(x)` for every x of `domain`, over the reals.
///
/// # Errors
/// When the networks are not of one structure ([`have_one_structure`]), or the domain has another number of intervals
/// than they have inputs.
///
/// ```
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::prove::{self, Interval, Semantics, Weight};
/// let net = Network::new(nn::parse("2-8-8-1")?, 0)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let a = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// let domain = [Interval::new(-1.0, 1.0)?; 2];
/// assert!(prove::difference(&a, &a, &domain)?.bound() < 1e-12);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn difference(a: &Network, b: &Network, domain: &[Interval]) -> Result<Difference> {
    if !have_one_structure(a, b) {
        return Err(Error::model("the networks are not of one structure"));
    }
    let joined = Joined::of(a, b);
    Pair::new(a, b, &joined, domain)?.difference()
}

/// Two networks on one box.
struct Pair<'a> {
    a: &'a Network,
    joined: &'a [Option<Joined>],
    /// What a's and b's units lie in.
    values: Vec<Vec<Interval>>,
    others: Vec<Vec<Interval>>,
    /// What their differences lie in.
    apart: Vec<Vec<Interval>>,
    /// For affine layers by how much a row of differences, and of values, may be off when it is replaced by its
    /// coefficients.
    errors: Vec<Vec<(f64, f64)>>,
    /// For functions the lines of a's value, and of the difference.
    lines: Vec<Vec<(Lines, Joint)>>,
}

impl<'a> Pair<'a> {
    fn new(
        a: &'a Network,
        b: &'a Network,
        joined: &'a [Option<Joined>],
        domain: &[Interval],
    ) -> Result<Self> {
        let values = bounds(a, domain, Semantics::Real)?;
        let others = bounds(b, domain, Semantics::Real)?;
        let mut pair =
            Pair { a, joined, values, others, apart: vec![], errors: vec![], lines: vec![] };
        for at in 0..a.layers.len() {
            pair.layer(at);
            let wanted = a.feeds_function[at] || at == a.output;
            if wanted && a.is_deep[at] && joined[at].is_some() {
                pair.refine(at);
            }
        }
        Ok(pair)
    }

    /// The differences of layer `at` by intervals, and what substituting through it needs.
    fn layer(&mut self, at: usize) {
        let size = self.a.layers[at].size;
        let (mut apart, mut errors, mut lines) = (vec![], vec![], vec![]);
        match &self.a.layers[at].step {
            Step::Input => apart = vec![Interval::point(0.0); size],
            Step::Affine(_) => {
                if let Some(joined) = &self.joined[at] {
                    for row in 0..size {
                        let (z, error) =
                            joined.row(row, &self.values, &self.others, &self.apart, size);
                        apart.push(z);
                        errors.push(error);
                    }
                }
            }
            Step::Kink { of, below, above } => {
                for unit in 0..size {
                    let z = self.values[*of][unit];
                    let (y, d) = (self.others[*of][unit], self.apart[*of][unit]);
                    let joint = lines::of_kink(*below, *above, z, y, d);
                    apart.push(joint.range);
                    let own = super::relax::kink_lines(*below, *above, z, Semantics::Real);
                    lines.push((own, joint));
                }
            }
            Step::Smooth { of, function } => {
                for unit in 0..size {
                    let z = self.values[*of][unit];
                    let (y, d) = (self.others[*of][unit], self.apart[*of][unit]);
                    let joint = lines::of_smooth(*function, z, y, d);
                    apart.push(joint.range);
                    let own = super::smooth::bound(*function, z, Semantics::Real).1;
                    lines.push((own, joint));
                }
            }
        }
        for (unit, apart) in apart.iter_mut().enumerate() {
            let direct = self.others[at][unit].minus(self.values[at][unit]);
            *apart = apart.meet(direct).unwrap_or(*apart);
        }
        self.apart.push(apart);
        self.errors.push(errors);
        self.lines.push(lines);
    }

    /// Tightens the differences of layer `at` by substituting backwards.
    fn refine(&mut self, at: usize) {
        let size = self.a.layers[at].size;
        let units: Vec<usize> =
            (0..size).filter(|&unit| !self.apart[at][unit].is_point()).collect();
        for block in units.chunks(64) {
            let mut rows = vec![0.0; 2 * block.len() * size];
            for (row, &unit) in block.iter().enumerate() {
                rows[2 * row * size + unit] = 1.0;
                rows[(2 * row + 1) * size + unit] = -1.0;
            }
            let forms = self.forms(at, rows, 2 * block.len());
            for (pair, &unit) in forms.chunks_exact(2).zip(block) {
                let (lo, hi) = (pair[0].least(&self.values[0]), -pair[1].least(&self.values[0]));
                let found = Interval::of(lo.min(hi), hi.max(lo));
                let old = self.apart[at][unit];
                self.apart[at][unit] = old.meet(found).unwrap_or(old);
            }
        }
    }

    /// What was found of the outputs.
    fn difference(&self) -> Result<Difference> {
        let outputs = self.apart[self.a.output].clone();
        let worst = (0..outputs.len())
            .max_by(|&x, &y| outputs[x].magnitude().total_cmp(&outputs[y].magnitude()))
            .ok_or_else(|| Error::model("the networks have no outputs"))?;
        let above = outputs[worst].hi() >= -outputs[worst].lo();
        let mut row = vec![0.0; outputs.len()];
        row[worst] = if above { -1.0 } else { 1.0 };
        let form = self.forms(self.a.output, row, 1).swap_remove(0);
        let corner = form
            .coefficients
            .iter()
            .zip(&self.values[0])
            .map(|(slope, x)| {
                if *slope > 0.0 {
                    x.lo()
                } else if *slope < 0.0 {
                    x.hi()
                } else {
                    x.middle()
                }
            })
            .collect();
        let slopes = form.coefficients.iter().map(|slope| slope.abs()).collect();
        Ok(Difference { outputs, slopes, corner })
    }

    /// For each row `Σ weights·differences of layer top` a linear function of the input that is nowhere above it.
    fn forms(&self, top: usize, rows: Vec<f64>, count: usize) -> Vec<Form> {
        let layers = &self.a.layers;
        let mut sums = vec![Sum::default(); count];
        let mut terms = 1;
        // Coefficients of the differences, and of a's values.
        let mut pending: Vec<Option<(Vec<f64>, Vec<f64>)>> = vec![None; top + 1];
        let zeros = vec![0.0; rows.len()];
        pending[top] = Some((rows, zeros));
        for at in (1..=top).rev() {
            let Some((p, q)) = pending[at].take() else { continue };
            let size = layers[at].size;
            terms += 2 * size + 2;
            match (&layers[at].step, &self.joined[at]) {
                (Step::Input, _) => {}
                (Step::Affine(_), joined) => {
                    let Some(joined) = joined else { continue };
                    for (row, sum) in sums.iter_mut().enumerate() {
                        for unit in 0..size {
                            let (p, q) = (p[row * size + unit], q[row * size + unit]);
                            if p != 0.0 || q != 0.0 {
                                let error = self.errors[at][unit];
                                sum.add(p * joined.shift[unit]);
                                sum.add(q * joined.bias[unit]);
                                sum.error += p.abs() * error.0 + q.abs() * error.1;
                            }
                        }
                    }
                    for (term, source) in joined.terms.iter().zip(&joined.sources) {
                        let columns = layers[*source].size;
                        let fresh = term.backward(&p, &q, count, size, columns, *source > 0);
                        self.collect(&mut pending, *source, fresh, &mut sums);
                    }
                }
                (Step::Kink { of, .. } | Step::Smooth { of, .. }, _) => {
                    let (mut to_p, mut to_q) = (vec![0.0; p.len()], vec![0.0; q.len()]);
                    for (row, sum) in sums.iter_mut().enumerate() {
                        for unit in 0..size {
                            let place = row * size + unit;
                            let (p, q) = (p[place], q[place]);
                            if p == 0.0 && q == 0.0 {
                                continue;
                            }
                            let (own, joint) = &self.lines[at][unit];
                            let line = if p > 0.0 { joint.lower } else { joint.upper };
                            let (slope, intercept) = if q > 0.0 { own.lower } else { own.upper };
                            let (d, z) = (
                                self.apart[*of][unit].magnitude(),
                                self.values[*of][unit].magnitude(),
                            );
                            if p != 0.0 {
                                sum.add(p * line.2);
                                to_p[place] = p * line.0;
                                let size = line.0.abs() * d + line.1.abs() * z;
                                sum.error += p.abs() * (joint.error + 8.0 * U64 * size);
                            }
                            if q != 0.0 {
                                sum.add(q * intercept);
                                sum.error += q.abs() * (own.margin + 8.0 * U64 * slope.abs() * z);
                            }
                            let along = if q == 0.0 { 0.0 } else { q * slope };
                            to_q[place] = if p == 0.0 { along } else { p * line.1 + along };
                        }
                    }
                    self.collect(&mut pending, *of, (to_p, to_q), &mut sums);
                }
            }
        }
        let inputs = self.a.inputs();
        let (_, q) = pending[0].take().unwrap_or_else(|| (vec![], vec![0.0; count * inputs]));
        sums.iter()
            .enumerate()
            .map(|(row, sum)| {
                let error = sum.error + gamma(terms + 8, U64) * sum.magnitude;
                let constant = sum.value - error * (1.0 + gamma(terms + 8, U64)) - 1e-200;
                let constant =
                    if constant.is_nan() { f64::NEG_INFINITY } else { constant.next_down() };
                Form { coefficients: q[row * inputs..(row + 1) * inputs].to_vec(), constant }
            })
            .collect()
    }

    /// Adds coefficients to those that a layer has already, each sum being rounded once.
    fn collect(
        &self,
        pending: &mut [Option<(Vec<f64>, Vec<f64>)>],
        at: usize,
        (p, q): (Vec<f64>, Vec<f64>),
        sums: &mut [Sum],
    ) {
        let size = self.a.layers[at].size;
        let Some((to_p, to_q)) = &mut pending[at] else {
            pending[at] = Some((p, q));
            return;
        };
        for (sum, more) in to_p.iter_mut().zip(&p) {
            *sum += more;
        }
        for (sum, more) in to_q.iter_mut().zip(&q) {
            *sum += more;
        }
        for (row, sum) in sums.iter_mut().enumerate() {
            let place = row * size..(row + 1) * size;
            let of = |coefficients: &[f64], units: &[Interval]| -> f64 {
                let units = coefficients.iter().zip(units);
                units.map(|(c, u)| if *c == 0.0 { 0.0 } else { c.abs() * u.magnitude() }).sum()
            };
            if at > 0 {
                sum.error += 4.0 * U64 * of(&to_p[place.clone()], &self.apart[at]);
            }
            sum.error += 4.0 * U64 * of(&to_q[place], &self.values[at]);
        }
    }
}

/// A sum with what its rounding depends on.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    value: f64,
    magnitude: f64,
    error: f64,
}

impl Sum {
    fn add(&mut self, term: f64) {
        if term != 0.0 {
            self.value += term;
            self.magnitude += term.abs();
        }
    }
}
