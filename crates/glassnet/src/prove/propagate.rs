//! Intervals pushed forward through a network: the first and cheapest bounds, with ends that may be infinite.

use super::{Affine, Interval, Network, Step, smooth};
use crate::error::{Error, Result};

/// Which execution of a network a bound is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Semantics {
    /// Exact arithmetic on the stored weights.
    Real,
    /// Exact arithmetic, and every f32 execution of the same operations, whatever the order of its sums, with or without
    /// fused multiply-adds.
    #[default]
    F32AnyOrder,
}

impl Semantics {
    /// The name in JSON and messages.
    pub fn name(self) -> &'static str {
        match self {
            Semantics::Real => "real",
            Semantics::F32AnyOrder => "f32-any-order",
        }
    }
}

/// The unit roundoff of f64 and of f32.
pub(super) const U64: f64 = 1.110_223_024_625_156_5e-16;
pub(super) const U32: f64 = 5.960_464_477_539_063e-8;
/// Half the smallest f32: what a product that underflows may be off by.
pub(super) const TINY32: f64 = 7.006_492_321_624_085e-46;

/// `γₙ = n·u/(1 − n·u)`, rounded up: n roundings change a value by this share at most. Infinite where `n·u` reaches ½.
pub(super) fn gamma(n: usize, unit: f64) -> f64 {
    let share = n as f64 * unit;
    if share >= 0.5 { f64::INFINITY } else { share / (1.0 - share) * (1.0 + 4.0 * U64) }
}

/// By how much an f32 execution of a row of `n` products may miss its exact value, whose absolute terms with the bias sum
/// to at most `magnitude`; infinite where a partial sum may leave f32.
pub(super) fn f32_margin(n: usize, magnitude: f64) -> f64 {
    let error = gamma(n + 1, U32) * magnitude + (2 * n + 1) as f64 * TINY32;
    let error = error * (1.0 + 4.0 * U64);
    if magnitude + error > f64::from(f32::MAX) { f64::INFINITY } else { error }
}

/// For every layer the interval of each of its units, for all inputs in `domain`.
///
/// # Errors
/// When `domain` has another number of intervals than the network has inputs.
///
/// ```
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode};
/// use glassnet::prove::{self, Interval, Semantics, Weight};
/// use glassnet::Tensor;
/// // w1 is any number, w2 = -0.1: relu(w1·x)·w2 is never above 0, so the second ReLU gives 0 for every data set.
/// let module = nn::parse("Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())")?;
/// let graph = module.graph(Shape::batch([1]), Mode::Eval)?;
/// let w2 = Tensor::new([1, 1], vec![-0.1_f32])?;
/// let net = prove::lower(&graph, "x", "y", &|key| {
///     Ok(if key == "2.weight" { Weight::Fixed(&w2) } else { Weight::Within(Interval::ALL) })
/// })?;
/// let bounds = prove::interval_bounds(&net, &[Interval::ALL], Semantics::Real)?;
/// assert_eq!(bounds[net.output()], [Interval::point(0.0)]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn interval_bounds(
    network: &Network,
    domain: &[Interval],
    semantics: Semantics,
) -> Result<Vec<Vec<Interval>>> {
    if domain.len() != network.inputs() {
        return Err(Error::data(format!(
            "the domain has {} intervals, the network {} inputs",
            domain.len(),
            network.inputs()
        )));
    }
    let mut bounds: Vec<Vec<Interval>> = Vec::with_capacity(network.layers().len());
    for layer in network.layers() {
        let next = match &layer.step {
            Step::Input => domain.to_vec(),
            Step::Affine(affine) => {
                (0..layer.size).map(|row| affine_row(affine, row, &bounds, semantics)).collect()
            }
            Step::Kink { of, below, above } => {
                bounds[*of].iter().map(|&z| kink_range(*below, *above, z, semantics)).collect()
            }
            Step::Smooth { of, function } => {
                bounds[*of].iter().map(|&z| smooth::bound(*function, z, semantics).0).collect()
            }
            Step::Product { left, right } => {
                let pairs = bounds[*left].iter().zip(&bounds[*right]);
                pairs.map(|(&x, &y)| super::planes::range(x, y, semantics)).collect()
            }
        };
        bounds.push(next);
    }
    Ok(bounds)
}

/// The interval of one row of an affine layer.
///
/// # Numerics
/// The sum of n terms in f64 is off by at most `γₙ₊₂·Σ|terms|`, and so is that sum of absolute values itself.
pub(super) fn affine_row(
    affine: &Affine,
    row: usize,
    bounds: &[Vec<Interval>],
    semantics: Semantics,
) -> Interval {
    let bias = affine.bias[row];
    let (mut lo, mut hi, mut magnitude) = (bias.lo(), bias.hi(), bias.magnitude());
    let mut count = 0;
    for term in &affine.terms {
        let units = &bounds[term.layer];
        for (column, weight) in term.weights(row) {
            if weight.lo() == 0.0 && weight.hi() == 0.0 {
                continue;
            }
            let unit = units[column];
            if weight.is_point() && unit.is_finite() {
                let (a, b) = (weight.lo() * unit.lo(), weight.lo() * unit.hi());
                lo += a.min(b);
                hi += a.max(b);
                magnitude += a.abs().max(b.abs());
            } else {
                let product = weight.times(unit);
                lo += product.lo();
                hi += product.hi();
                magnitude += product.magnitude();
            }
            count += 1;
        }
    }
    if count == 0 {
        return if affine.rounds && semantics == Semantics::F32AnyOrder && !bias.is_point() {
            bias.widened(f32_margin(0, magnitude))
        } else {
            bias
        };
    }
    if is_selection(affine, row) {
        return Interval::of(lo, hi);
    }
    if magnitude.is_infinite() {
        return unbounded_row(affine, row, bounds, semantics);
    }
    let magnitude = magnitude * (1.0 + gamma(count + 2, U64));
    // Below the normal numbers a product may also lose up to half the smallest float.
    let mut margin = gamma(count + 2, U64) * magnitude + count as f64 * 5e-324;
    if affine.rounds && semantics == Semantics::F32AnyOrder {
        margin += f32_margin(count + affine.further_constants, magnitude);
    }
    let wide = Interval::of(lo, hi).widened(margin);
    // A rounded sum of terms that aren't negative is no less than any of them.
    let least = if lo >= 0.0 && bias.lo() >= 0.0 && is_nonnegative(affine, row, bounds) {
        wide.lo().max(bias.lo())
    } else {
        wide.lo()
    };
    Interval::of(least, wide.hi())
}

/// Whether no term of a row can be negative.
fn is_nonnegative(affine: &Affine, row: usize, bounds: &[Vec<Interval>]) -> bool {
    affine.terms.iter().all(|term| {
        let units = &bounds[term.layer];
        term.weights(row).all(|(column, w)| {
            (w.lo() >= 0.0 && units[column].lo() >= 0.0) || (w.lo() == 0.0 && w.hi() == 0.0)
        })
    })
}

/// Whether a row is one unit, passed on as it is, or negated.
fn is_selection(affine: &Affine, row: usize) -> bool {
    if affine.bias[row] != Interval::point(0.0) {
        return false;
    }
    let mut weights = affine.terms.iter().flat_map(|term| term.weights(row));
    let single = |w: Interval| w.is_point() && w.lo().abs() == 1.0;
    weights.next().is_some_and(|(_, weight)| single(weight)) && weights.next().is_none()
}

/// A row with a term that isn't bounded: each side is, or isn't, by itself.
fn unbounded_row(
    affine: &Affine,
    row: usize,
    bounds: &[Vec<Interval>],
    semantics: Semantics,
) -> Interval {
    let mut sum = affine.bias[row];
    for term in &affine.terms {
        for (column, weight) in term.weights(row) {
            sum = sum.plus(weight.times(bounds[term.layer][column]));
        }
    }
    // Over the reals a side may be bounded. An f32 execution of unbounded terms may overflow, except where the sign alone
    // decides: a rounded sum of terms that are all of one sign keeps it.
    if affine.rounds && semantics == Semantics::F32AnyOrder {
        let one_signed = |negative: bool| {
            let fits = |i: Interval| if negative { i.hi() <= 0.0 } else { i.lo() >= 0.0 };
            fits(affine.bias[row])
                && affine.terms.iter().all(|term| {
                    term.weights(row).all(|(column, w)| fits(w.times(bounds[term.layer][column])))
                })
        };
        let lo = if one_signed(false) { 0.0 } else { f64::NEG_INFINITY };
        let hi = if one_signed(true) { 0.0 } else { f64::INFINITY };
        return Interval::of(lo, hi);
    }
    sum
}

/// The values of a kink over `z`.
pub(super) fn kink_range(below: f64, above: f64, z: Interval, semantics: Semantics) -> Interval {
    let side = |slope: f64, part: Option<Interval>| {
        part.map(|part| {
            let product = Interval::point(slope).times(part);
            let rounds = !matches!(slope.abs(), 0.0 | 1.0) && semantics == Semantics::F32AnyOrder;
            if rounds && product.is_finite() {
                let margin = U32 * product.magnitude() * (1.0 + 4.0 * U64) + TINY32;
                // Rounding keeps the sign.
                let wide = product.widened(margin);
                let lo = if product.lo() >= 0.0 { wide.lo().max(0.0) } else { wide.lo() };
                let hi = if product.hi() <= 0.0 { wide.hi().min(0.0) } else { wide.hi() };
                Interval::of(lo, hi)
            } else {
                product
            }
        })
    };
    let negative = z.meet(Interval::of(f64::NEG_INFINITY, 0.0));
    let positive = z.meet(Interval::of(0.0, f64::INFINITY));
    match (side(below, negative), side(above, positive)) {
        (Some(a), Some(b)) => a.hull(b),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => z,
    }
}
