//! An affine layer of both networks: the second's weights and what they differ by, element by element.

use crate::prove::propagate::{U64, gamma};
use crate::prove::{Affine, Interval, Network, Step};

/// The weights of an affine layer in both networks.
pub(super) struct Joined {
    /// Which layers are read.
    pub(super) sources: Vec<usize>,
    pub(super) terms: Vec<Rows>,
    /// The first network's constants, the middle of what they lie in.
    pub(super) bias: Vec<f64>,
    /// By how much the second's are greater.
    pub(super) shift: Vec<f64>,
    /// By how much constants may be off: of the difference, and of the first.
    doubt: Vec<(f64, f64)>,
}

/// The elements of both matrices that aren't 0 in both, row by row.
pub(super) struct Rows {
    starts: Vec<usize>,
    columns: Vec<usize>,
    a: Vec<f64>,
    b: Vec<f64>,
    /// `b − a`, rounded.
    change: Vec<f64>,
    /// How wide what the elements lie in is.
    doubt: Option<Vec<(f64, f64)>>,
}

impl Joined {
    /// For each affine layer of two networks of one structure both networks' weights.
    pub(super) fn of(a: &Network, b: &Network) -> Vec<Option<Self>> {
        let layers = a.layers.iter().zip(&b.layers);
        layers
            .map(|(left, right)| match (&left.step, &right.step) {
                (Step::Affine(a), Step::Affine(b)) => Some(Joined::layer(a, b, left.size)),
                (
                    Step::Input
                    | Step::Affine(_)
                    | Step::Kink { .. }
                    | Step::Smooth { .. }
                    | Step::Product { .. },
                    _,
                ) => None,
            })
            .collect()
    }

    fn layer(a: &Affine, b: &Affine, size: usize) -> Self {
        let sources = a.terms.iter().map(|term| term.layer).collect();
        let width = |x: Interval| x.hi() - x.lo();
        let pairs = || a.bias.iter().zip(&b.bias);
        Joined {
            sources,
            terms: a.terms.iter().zip(&b.terms).map(|(a, b)| Rows::of(a, b, size)).collect(),
            bias: a.bias.iter().map(|bias| bias.middle()).collect(),
            shift: pairs().map(|(a, b)| b.middle() - a.middle()).collect(),
            doubt: pairs()
                .map(|(a, b)| {
                    let rounding = 4.0 * U64 * (a.magnitude() + b.magnitude());
                    (width(*a) + width(*b) + rounding, width(*a) + rounding)
                })
                .collect(),
        }
    }

    /// What row `row` of the difference lies in, and by how much the row of differences and that of values may be off
    /// when they are replaced by their coefficients.
    pub(super) fn row(
        &self,
        row: usize,
        values: &[Vec<Interval>],
        others: &[Vec<Interval>],
        apart: &[Vec<Interval>],
        size: usize,
    ) -> (Interval, (f64, f64)) {
        let (mut lo, mut hi) = (self.shift[row], self.shift[row]);
        let mut count = 2;
        let (mut of_change, mut of_values) = (self.shift[row].abs(), self.bias[row].abs());
        let (mut doubt, mut own_doubt) = self.doubt[row];
        for (term, source) in self.terms.iter().zip(&self.sources) {
            for at in term.starts[row]..term.starts[row + 1] {
                let column = term.columns[at];
                let (h, d) = (values[*source][column], apart[*source][column]);
                let (b, change) = (term.b[at], term.change[at]);
                if b != 0.0 && *source > 0 {
                    let (x, y) = (b * d.lo(), b * d.hi());
                    lo += x.min(y);
                    hi += x.max(y);
                    of_change += x.abs().max(y.abs());
                }
                if change != 0.0 {
                    let (x, y) = (change * h.lo(), change * h.hi());
                    lo += x.min(y);
                    hi += x.max(y);
                    of_change += x.abs().max(y.abs());
                }
                of_values += term.a[at].abs() * h.magnitude();
                if let Some(wide) = &term.doubt {
                    let own = wide[at].0 * h.magnitude();
                    doubt += own + wide[at].1 * others[*source][column].magnitude();
                    own_doubt += own;
                }
                count += 2;
            }
        }
        // As many terms as the layer has units are added into each coefficient.
        let share = 2.0 * gamma(2 * size + count + 8, U64);
        let error = (share * of_change + 2.0 * doubt + 1e-250, share * of_values + 2.0 * own_doubt);
        let whole = Interval::of(lo, hi).widened(error.0);
        (whole, (error.0, error.1 + 1e-250))
    }
}

impl Rows {
    fn of(a: &crate::prove::Term, b: &crate::prove::Term, size: usize) -> Self {
        let mut rows = Rows {
            starts: vec![0],
            columns: vec![],
            a: vec![],
            b: vec![],
            change: vec![],
            doubt: None,
        };
        let doubtful = a.spread.is_some() || b.spread.is_some();
        let mut doubt = vec![];
        for row in 0..size {
            let spread = |term: &crate::prove::Term| -> Vec<f64> {
                if !doubtful {
                    return vec![];
                }
                term.weights(row).map(|(_, weight)| weight.hi() - weight.lo()).collect()
            };
            let (wide_a, wide_b) = (spread(a), spread(b));
            let mut left = a.matrix.row(row).enumerate().peekable();
            let mut right = b.matrix.row(row).enumerate().peekable();
            loop {
                let (x, y) = (left.peek().copied(), right.peek().copied());
                let column = match (x, y) {
                    (None, None) => break,
                    (Some((_, (x, _))), None) => x,
                    (None, Some((_, (y, _)))) => y,
                    (Some((_, (x, _))), Some((_, (y, _)))) => x.min(y),
                };
                let x = x.filter(|(_, (at, _))| *at == column);
                let y = y.filter(|(_, (at, _))| *at == column);
                if x.is_some() {
                    left.next();
                }
                if y.is_some() {
                    right.next();
                }
                let value = |side: Option<(usize, (usize, f64))>| side.map_or(0.0, |(_, (_, w))| w);
                let (x_value, y_value) = (value(x), value(y));
                let width = |side: Option<(usize, (usize, f64))>, wide: &[f64]| {
                    side.and_then(|(at, _)| wide.get(at).copied()).unwrap_or(0.0)
                };
                let wide = (width(x, &wide_a), width(y, &wide_b));
                if x_value == 0.0 && y_value == 0.0 && wide == (0.0, 0.0) {
                    continue;
                }
                rows.columns.push(column);
                rows.a.push(x_value);
                rows.b.push(y_value);
                rows.change.push(y_value - x_value);
                doubt.push(wide);
            }
            rows.starts.push(rows.columns.len());
        }
        rows.doubt = doubtful.then_some(doubt);
        rows
    }

    /// The coefficients of the layer that is read: of its differences (where they aren't all 0) and of a's values.
    pub(super) fn backward(
        &self,
        p: &[f64],
        q: &[f64],
        count: usize,
        size: usize,
        columns: usize,
        differs: bool,
    ) -> (Vec<f64>, Vec<f64>) {
        let mut to_p = vec![0.0; if differs { count * columns } else { 0 }];
        let mut to_q = vec![0.0; count * columns];
        for row in 0..count {
            let to_q = &mut to_q[row * columns..(row + 1) * columns];
            for unit in 0..size {
                let (p, q) = (p[row * size + unit], q[row * size + unit]);
                let place = self.starts[unit]..self.starts[unit + 1];
                let full = place.len() == columns;
                if p != 0.0 && differs {
                    let to_p = &mut to_p[row * columns..(row + 1) * columns];
                    add(
                        to_p,
                        p,
                        &self.b[place.clone()],
                        (!full).then(|| &self.columns[place.clone()]),
                    );
                }
                if p != 0.0 {
                    let change = &self.change[place.clone()];
                    add(to_q, p, change, (!full).then(|| &self.columns[place.clone()]));
                }
                if q != 0.0 {
                    let a = &self.a[place.clone()];
                    add(to_q, q, a, (!full).then(|| &self.columns[place.clone()]));
                }
            }
        }
        (to_p, to_q)
    }
}

/// `sums += factor·weights`, at `columns` where there are fewer weights than sums.
fn add(sums: &mut [f64], factor: f64, weights: &[f64], columns: Option<&[usize]>) {
    match columns {
        None => {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += factor * weight;
            }
        }
        Some(columns) => {
            for (column, weight) in columns.iter().zip(weights) {
                sums[*column] += factor * weight;
            }
        }
    }
}
