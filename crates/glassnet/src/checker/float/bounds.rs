//! What is known of every unit of a network for one box and sides of kinks: intervals pushed forward, tightened by linear
//! forms that are substituted backwards.
//!
//! Lemma of one step back. Let `Σ aᵢyᵢ + c` be at most the value in question, with floats `a`.
//! - Through a matrix, `yᵢ = Σⱼ wᵢⱼhⱼ + bᵢ + δᵢ`, the coefficient of `hⱼ` becomes the rounded `Σᵢ aᵢwᵢⱼ`, which is off by at
//!   most `γ·Σᵢ|aᵢ||wᵢⱼ|`. Over all j that costs `Σᵢ |aᵢ|·γ·Rᵢ` with `Rᵢ = Σⱼ |wᵢⱼ|·max|hⱼ|`, and `δᵢ` costs `|aᵢ|·max|δᵢ|`.
//! - Through a sum with a value that was kept (`Join`) the coefficients go to both; where the value was kept (`Fork`) those
//!   of both ways are added, which costs `u·|a|·max|h|`.
//! - At a function of which only the ranges are known a row ends: its least value on them is added to the constant.
//! - Through a kink, `yᵢ` is replaced by a line below it where `aᵢ > 0`, above it where `aᵢ < 0`. The rounding of `aᵢ·slope`
//!   costs `u·|aᵢ·slope|·max|zᵢ|`.
//!
//! All that is lost is subtracted from the constant, so a form holds as it stands, its coefficients taken exactly.

use super::network::{Affine, Layer, Network};
use super::rounding::{self, LARGE, U64, UNDERFLOW, share};
use crate::checker::bound::Extent;
use crate::checker::number::Number;

/// The least and the greatest value that a unit may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::checker) struct Range {
    pub(in crate::checker) lo: f64,
    pub(in crate::checker) hi: f64,
}

impl Range {
    /// What contains an interval.
    pub(in crate::checker) fn around(extent: &Extent) -> Range {
        let below = |end: &Number| {
            let near = end.near().next_down();
            Number::from_f64(near).filter(|near| !near.minus(end).is_positive()).map(|_| near)
        };
        let lo = extent.lo.as_ref().and_then(below).unwrap_or(f64::NEG_INFINITY);
        let hi = extent.hi.as_ref().and_then(|hi| below(&hi.negated()));
        Range { lo, hi: hi.map_or(f64::INFINITY, |below| -below) }
    }

    const ALL: Range = Range { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    pub(in crate::checker) fn largest(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// What lies in both; `None` where nothing does.
    pub(in crate::checker) fn meet(self, other: Range) -> Option<Range> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Range { lo, hi })
    }

    /// From `lo − by` to `hi + by`; everything where that is too large to calculate with.
    fn widened(lo: f64, hi: f64, by: f64) -> Range {
        let range = Range { lo: (lo - by).next_down(), hi: (hi + by).next_up() };
        if range.lo >= -LARGE && range.hi <= LARGE { range } else { Range::ALL }
    }
}

/// A kink that is held to one side.
#[derive(Clone, Copy, Debug)]
pub(in crate::checker) struct Side {
    /// The kink's layer.
    pub(in crate::checker) layer: usize,
    pub(in crate::checker) unit: usize,
    /// Whether z ≥ 0 there; else z ≤ 0.
    pub(in crate::checker) positive: bool,
}

/// Which slope is taken at an open kink where any between its two is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checker) enum Choice {
    /// That of the branch that reaches farther.
    Longer,
    /// That between the ends.
    Chord,
    /// That of the other branch.
    Shorter,
}

/// `value ≥ Σ coefficients·x + constant` for every input of the box.
pub(in crate::checker) struct Form {
    pub(in crate::checker) coefficients: Vec<f64>,
    pub(in crate::checker) constant: f64,
}

/// The ranges of the input and of every layer, for one box.
pub(in crate::checker) struct Bounds<'n> {
    network: &'n Network,
    /// Of the input, then of each layer's units.
    pub(in crate::checker) ranges: Vec<Vec<Range>>,
    /// What each unit of a layer costs a form, for each |coefficient|.
    costs: Vec<Vec<f64>>,
}

impl<'n> Bounds<'n> {
    /// The ranges where x lies in `domain`, every kink of `sides` on its side, and no unit outside `known`; `None` when
    /// there is no such x.
    pub(in crate::checker) fn new(
        network: &'n Network,
        domain: &[Range],
        sides: &[Side],
        known: Option<&[Vec<Range>]>,
        in_f32: bool,
    ) -> Option<Self> {
        let mut bounds = Bounds { network, ranges: vec![domain.to_vec()], costs: vec![] };
        let mut kept: Vec<usize> = vec![];
        for (at, layer) in network.layers.iter().enumerate() {
            let input = &bounds.ranges[at];
            let (mut ranges, costs) = match layer {
                Layer::Affine(affine) => through_matrix(affine, input, in_f32),
                Layer::Kink { below, above } => through_kinks(below, above, input, in_f32),
                Layer::Fork(size) => {
                    kept.push(at);
                    (input.clone(), vec![0.0; *size])
                }
                Layer::Join(size) => match kept.pop() {
                    Some(other) => through_sum(input, &bounds.ranges[other], in_f32),
                    None => (vec![Range::ALL; *size], vec![f64::INFINITY; *size]),
                },
                Layer::Other(size) => (vec![Range::ALL; *size], vec![0.0; *size]),
            };
            if let Some(known) = known {
                for (range, known) in ranges.iter_mut().zip(&known[at + 1]) {
                    *range = range.meet(*known)?;
                }
            }
            bounds.ranges.push(ranges);
            bounds.costs.push(costs);
            if matches!(network.layers.get(at + 1), Some(Layer::Kink { .. })) {
                bounds.hold(sides, at + 1)?;
                if at > 0 {
                    bounds.tighten(at + 1)?;
                    bounds.hold(sides, at + 1)?;
                }
            }
        }
        Some(bounds)
    }

    /// Holds the kinks of layer `kink` to their sides.
    fn hold(&mut self, sides: &[Side], kink: usize) -> Option<()> {
        for side in sides.iter().filter(|side| side.layer == kink) {
            let half = if side.positive {
                Range { lo: 0.0, hi: f64::INFINITY }
            } else {
                Range { lo: f64::NEG_INFINITY, hi: 0.0 }
            };
            let range = &mut self.ranges[kink][side.unit];
            *range = range.meet(half)?;
        }
        Some(())
    }

    /// Tightens what the open kinks of layer `kink` are given.
    fn tighten(&mut self, kink: usize) -> Option<()> {
        let size = self.ranges[kink].len();
        let open = |range: &Range| range.lo < 0.0 && range.hi > 0.0;
        let units: Vec<usize> = (0..size).filter(|&at| open(&self.ranges[kink][at])).collect();
        for block in units.chunks(64) {
            let mut rows = vec![0.0; 2 * block.len() * size];
            for (pair, &unit) in rows.chunks_exact_mut(2 * size).zip(block) {
                pair[unit] = 1.0;
                pair[size + unit] = -1.0;
            }
            let forms = self.forms(kink, rows, vec![0.0; 2 * block.len()], Choice::Longer);
            for (pair, &unit) in forms.chunks_exact(2).zip(block) {
                let domain = &self.ranges[0];
                let found = Range { lo: pair[0].least(domain), hi: -pair[1].least(domain) };
                self.ranges[kink][unit] = self.ranges[kink][unit].meet(found)?;
            }
        }
        Some(())
    }

    /// For each row of coefficients over the values that layer `above` reads, a form below it.
    pub(in crate::checker) fn forms(
        &self,
        above: usize,
        mut rows: Vec<f64>,
        mut constants: Vec<f64>,
        choice: Choice,
    ) -> Vec<Form> {
        let mut lost = vec![UNDERFLOW; constants.len()];
        let mut sizes: Vec<f64> = constants.iter().map(|constant| constant.abs()).collect();
        let mut terms = 8;
        let mut kept: Vec<Vec<f64>> = vec![];
        for at in (0..above).rev() {
            let layer = &self.network.layers[at];
            let size = layer.size();
            terms += size + 1;
            let totals = constants.iter_mut().zip(&mut sizes).zip(&mut lost);
            match layer {
                Layer::Affine(affine) => {
                    let mut next = vec![0.0; totals.len() * affine.columns];
                    let targets = next.chunks_exact_mut(affine.columns.max(1));
                    let totals = totals.zip(rows.chunks_exact(size)).zip(targets);
                    for ((((constant, magnitude), lost), row), target) in totals {
                        for (unit, &a) in row.iter().enumerate().filter(|(_, a)| **a != 0.0) {
                            let product = a * affine.bias[unit];
                            *constant += product;
                            *magnitude += product.abs();
                            *lost += a.abs() * self.costs[at][unit];
                            for (sum, weight) in target.iter_mut().zip(affine.row(unit)) {
                                *sum += a * weight;
                            }
                        }
                    }
                    rows = next;
                }
                Layer::Kink { below, above } => {
                    let lines: Vec<Line> = self.ranges[at]
                        .iter()
                        .zip(below.iter().zip(above))
                        .map(|(&z, (&below, &above))| Line::of(below, above, z, choice))
                        .collect();
                    for (((constant, magnitude), lost), row) in
                        totals.zip(rows.chunks_exact_mut(size))
                    {
                        let units = lines.iter().zip(&self.costs[at]);
                        for (a, (line, cost)) in row.iter_mut().zip(units) {
                            if *a == 0.0 {
                                continue;
                            }
                            let (slope, intercept) = if *a > 0.0 { line.under } else { line.over };
                            let product = *a * intercept;
                            *constant += product;
                            *magnitude += product.abs();
                            *lost += a.abs() * cost;
                            *a *= slope;
                        }
                    }
                }
                Layer::Fork(_) => {
                    // A value that is kept for later than `above` is not read.
                    let Some(others) = kept.pop() else { continue };
                    let ways = rows.chunks_exact_mut(size).zip(others.chunks_exact(size));
                    for ((_, lost), (row, others)) in totals.zip(ways) {
                        for ((a, other), h) in row.iter_mut().zip(others).zip(&self.ranges[at]) {
                            let sum = *a + other;
                            if *a != 0.0 && *other != 0.0 {
                                *lost += U64 * sum.abs() * h.largest();
                            }
                            *a = sum;
                        }
                    }
                }
                Layer::Join(_) => {
                    for ((_, lost), row) in totals.zip(rows.chunks_exact(size)) {
                        let units = row.iter().zip(&self.costs[at]).filter(|(a, _)| **a != 0.0);
                        units.for_each(|(a, cost)| *lost += a.abs() * cost);
                    }
                    kept.push(rows.clone());
                }
                Layer::Other(_) => {
                    let ranges = &self.ranges[at + 1];
                    for (((constant, magnitude), _), row) in totals.zip(rows.chunks_exact(size)) {
                        for (&a, h) in row.iter().zip(ranges).filter(|(a, _)| **a != 0.0) {
                            let least = (a * h.lo).min(a * h.hi);
                            *constant += least;
                            *magnitude += least.abs();
                        }
                    }
                    let size = self.ranges[at].len();
                    rows = vec![0.0; constants.len() * size];
                }
            }
        }
        let more = share(terms);
        let inputs = self.network.inputs;
        let totals = constants.iter().zip(&sizes).zip(&lost);
        let form = |(((constant, size), lost), row): (((&f64, &f64), &f64), &[f64])| {
            let constant = (constant - (lost + more * size) * (1.0 + more)).next_down();
            let is_finite = constant.is_finite() && row.iter().all(|a| a.is_finite());
            let coefficients = if is_finite { row.to_vec() } else { vec![0.0; inputs] };
            Form { coefficients, constant: if is_finite { constant } else { f64::NEG_INFINITY } }
        };
        totals.zip(rows.chunks_exact(inputs)).map(form).collect()
    }
}

/// Ranges behind a matrix, and what each row costs a form: γ·R, and in f32 what the row itself may be off by.
fn through_matrix(affine: &Affine, input: &[Range], in_f32: bool) -> (Vec<Range>, Vec<f64>) {
    let rows = affine.bias.len();
    // In f32 a unit that may be infinite makes NaN of every row, also of those that weigh it by 0.
    let most = if in_f32 { f64::from(f32::MAX) } else { f64::INFINITY };
    let is_sound = input.iter().all(|range| range.largest() <= most);
    let row = |row: usize| {
        let bias = affine.bias[row];
        let (mut lo, mut hi, mut size, mut count) = (bias, bias, bias.abs(), 0);
        for (&weight, range) in affine.row(row).iter().zip(input) {
            if weight != 0.0 {
                let (p, q) = (weight * range.lo, weight * range.hi);
                lo += p.min(q);
                hi += p.max(q);
                size += p.abs().max(q.abs());
                count += 1;
            }
        }
        let size = size * (1.0 + share(count + 2));
        if !is_sound || size.is_nan() || size > LARGE {
            return (Range::ALL, f64::INFINITY);
        }
        let in_f32 = if in_f32 && affine.rounds { rounding::of_f32_row(count, size) } else { 0.0 };
        let count = count + 2 + affine.further;
        let range = Range::widened(lo, hi, share(count) * size + UNDERFLOW + in_f32);
        (range, (share(rows + count) * size + in_f32) * (1.0 + share(4)))
    };
    (0..rows).map(row).unzip()
}

/// Ranges of sums of two values, and what each costs a form: in f32 what the sum is off by.
fn through_sum(a: &[Range], b: &[Range], in_f32: bool) -> (Vec<Range>, Vec<f64>) {
    let unit = |(a, b): (&Range, &Range)| {
        let size = (a.largest() + b.largest()) * (1.0 + share(2));
        if size.is_nan() || size > LARGE {
            return (Range::ALL, f64::INFINITY);
        }
        let in_f32 = if in_f32 { rounding::of_f32_row(1, size) } else { 0.0 };
        (Range::widened(a.lo + b.lo, a.hi + b.hi, share(2) * size + in_f32), in_f32)
    };
    a.iter().zip(b).map(unit).unzip()
}

/// Ranges behind kinks, and what each costs a form: the rounding of a coefficient, and in f32 that of the product.
fn through_kinks(
    below: &[f64],
    above: &[f64],
    input: &[Range],
    in_f32: bool,
) -> (Vec<Range>, Vec<f64>) {
    let unit = |(&z, (&below, &above)): (&Range, (&f64, &f64))| {
        if z.largest() > LARGE {
            return (Range::ALL, f64::INFINITY);
        }
        let at = |z: f64| if z >= 0.0 { above * z } else { below * z };
        let (l, u) = (at(z.lo), at(z.hi));
        let lowest = if z.lo < 0.0 && z.hi > 0.0 { l.min(u).min(0.0) } else { l.min(u) };
        let highest = if z.lo < 0.0 && z.hi > 0.0 { l.max(u).max(0.0) } else { l.max(u) };
        let size = l.abs().max(u.abs());
        let steepest = below.abs().max(above.abs());
        let slope = if rounding::is_exact(below) { above } else { below };
        if in_f32 && size * 1.01 > f64::from(f32::MAX) {
            return (Range::ALL, f64::INFINITY);
        }
        let in_f32 =
            if in_f32 { rounding::of_f32_slope(slope, size * (1.0 + share(2))) } else { 0.0 };
        let range = if rounding::is_exact(slope) {
            Range { lo: lowest, hi: highest }
        } else {
            Range::widened(lowest, highest, share(2) * size + UNDERFLOW + in_f32)
        };
        (range, 2.0 * U64 * steepest * z.largest() + in_f32)
    };
    input.iter().zip(below.iter().zip(above)).map(unit).unzip()
}

/// Lines `slope·z + intercept` under and over a kink on a range.
struct Line {
    under: (f64, f64),
    over: (f64, f64),
}

impl Line {
    /// On the side where a kink sticks out, every slope between its two is right with no intercept. On the other the
    /// chord is: its intercept is what either end of the range asks for, rounded up, so it holds whatever its slope's
    /// rounding was.
    fn of(below: f64, above: f64, z: Range, choice: Choice) -> Line {
        let (l, u) = (z.lo, z.hi);
        if l >= 0.0 {
            return Line { under: (above, 0.0), over: (above, 0.0) };
        }
        if u <= 0.0 {
            return Line { under: (below, 0.0), over: (below, 0.0) };
        }
        if z.largest() > LARGE {
            return Line { under: (0.0, f64::NEG_INFINITY), over: (0.0, f64::INFINITY) };
        }
        let (at_l, at_u) = (below * l, above * u);
        let (least, most) = (below.min(above), below.max(above));
        let slope = ((at_u - at_l) / (u - l)).clamp(least, most);
        let farther = if u > -l { (above, below) } else { (below, above) };
        let near = match choice {
            Choice::Longer => farther.0,
            Choice::Chord => slope,
            Choice::Shorter => farther.1,
        };
        // By how much the kink is beyond the line at an end, on the side of `sign`.
        let beyond = |value: f64, z: f64, sign: f64| {
            sign * (value - slope * z) + 4.0 * U64 * (value.abs() + (slope * z).abs()) + 1e-300
        };
        let intercept =
            |sign: f64| beyond(at_l, l, sign).max(beyond(at_u, u, sign)).max(0.0).next_up();
        if above >= below {
            Line { under: (near, 0.0), over: (slope, intercept(1.0)) }
        } else {
            Line { under: (slope, -intercept(-1.0)), over: (near, 0.0) }
        }
    }
}

impl Form {
    /// A number that is not above the form anywhere in the box.
    pub(in crate::checker) fn least(&self, domain: &[Range]) -> f64 {
        let (mut sum, mut size) = (self.constant, self.constant.abs());
        for (&a, x) in self.coefficients.iter().zip(domain) {
            let product = (a * x.lo).min(a * x.hi);
            sum += product;
            size += product.abs();
        }
        sum - share(2 * domain.len() + 8) * size - UNDERFLOW
    }
}
