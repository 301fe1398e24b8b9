//! Copies of a network (rounded, pruned, retrained a little, their units in another order): how far their outputs lie
//! apart on a box, by differences layer by layer.

use super::bounds::Domain;
use super::chain::{Affine, Chain};
use super::exact::{exact, near, zero};
use super::rewrite::{alike, certify, direction};
use super::rewriter::Rewriter;
use super::tight::proved;
use crate::error::Result;
use crate::nn::Network;
use crate::prove::{
    self, Case, Config, Constraint, Interval, Narrowed, Property, Semantics, Verdict,
};

/// Up to so many weights in both networks together an undecided comparison goes on with both side by side.
const MOST_PRODUCT: usize = 60_000;

/// Bounds the difference of `a` and `b` on a bounded domain; `None` where the prover doesn't know their operations.
pub(super) fn compare(
    a: &Network,
    b: &Network,
    domain: &Domain,
    tolerance: Option<f64>,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Narrowed>> {
    if let Some((scaled, off)) = rescaled(a, b, domain)? {
        let left_over = tolerance.map(|tolerance| tolerance - off);
        if left_over.is_none_or(|tolerance| tolerance > 0.0) {
            let found = compare_as_scaled(a, &scaled, domain, left_over, go_on)?;
            let add = |found: Narrowed| Narrowed {
                bound: (found.bound + off).next_up(),
                least: (found.least - off).max(-1.0),
                ..found
            };
            return Ok(found.map(add));
        }
    }
    compare_as_scaled(a, b, domain, tolerance, go_on)
}

/// As [`compare`], of units as they are scaled.
fn compare_as_scaled(
    a: &Network,
    b: &Network,
    domain: &Domain,
    tolerance: Option<f64>,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<Narrowed>> {
    let (Ok(left), Ok(right)) = (proved(a), proved(b)) else { return Ok(None) };
    let ends = domain.ends().iter().map(|(lo, hi)| Interval::new(*lo, *hi));
    let ends: Vec<Interval> = ends.collect::<Result<_>>()?;
    let better = |a: &Narrowed, b: &Narrowed| a.bound < b.bound;
    let mut best: Option<Narrowed> = None;
    if prove::have_one_structure(&left, &right) {
        best = Some(prove::narrow(&left, &right, &ends, tolerance, go_on)?);
    }
    let within = |found: &Option<Narrowed>| {
        found.as_ref().is_some_and(|found| {
            tolerance.is_some_and(|tolerance| found.bound <= tolerance || found.least > tolerance)
        })
    };
    if !within(&best)
        && let Some((a, b)) = aligned(a, b)?
    {
        let (left, right) = (proved(&a)?, proved(&b)?);
        if prove::have_one_structure(&left, &right) {
            let found = prove::narrow(&left, &right, &ends, tolerance, go_on)?;
            if best.as_ref().is_none_or(|best| better(&found, best)) {
                best = Some(found);
            }
        }
    }
    let weights = |network: &Network| -> usize {
        network.state_dict().iter().map(|(_, value)| value.shape().iter().product::<usize>()).sum()
    };
    if !within(&best) && weights(a) + weights(b) <= MOST_PRODUCT {
        let found = side_by_side(&left, &right, &ends, tolerance, best.as_ref(), go_on)?;
        if best.as_ref().is_none_or(|best| better(&found, best) || found.least > best.least) {
            best = Some(found);
        }
    }
    Ok(best)
}

/// The difference of networks of any structure: bounds of both side by side, and with a tolerance a search.
fn side_by_side(
    left: &prove::Network,
    right: &prove::Network,
    domain: &[Interval],
    tolerance: Option<f64>,
    before: Option<&Narrowed>,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Narrowed> {
    let product = prove::product(left, right)?;
    let bounds = prove::bounds(&product, domain, Semantics::Real)?;
    let bound =
        bounds[product.output()].iter().map(|output| output.magnitude()).fold(0.0, f64::max);
    let mut found = Narrowed { bound, seen: vec![], least: -1.0, parts: 1 };
    if let Some(before) = before.filter(|before| before.bound <= bound) {
        found = before.clone();
    }
    let Some(tolerance) = tolerance.filter(|t| *t > 0.0 && found.bound > *t) else {
        return Ok(found);
    };
    let case = |(output, sign): (usize, f64)| Case {
        domain: domain.to_vec(),
        // What contradicts has ±difference ≥ tolerance.
        constraints: vec![Constraint {
            outputs: vec![(output, -sign)],
            constant: tolerance,
            ..Constraint::default()
        }],
    };
    let sides = (0..product.outputs()).flat_map(|output| [(output, 1.0), (output, -1.0)]);
    let property = Property { cases: sides.map(case).collect() };
    let config = Config { semantics: Semantics::Real, attacks: 6, ..Config::default() };
    let outcome =
        prove::prove(&product, &property, &config, &mut |progress| go_on(progress.parts))?;
    found.parts = outcome.parts;
    match outcome.verdict {
        Verdict::Holds => found.bound = tolerance,
        Verdict::Violated(witness) => {
            let sizes =
                witness.outputs.iter().map(|y| y.lo.to_f64().abs().max(y.hi.to_f64().abs()));
            found.least = sizes.fold(0.0, f64::max);
            found.seen = witness.input;
        }
        Verdict::Unknown => {}
    }
    Ok(found)
}

/// The second network with its units scaled as those of the first that they are like, where some aren't, its weights rounded
/// to f32 again, and how far its outputs move by that at most.
fn rescaled(a: &Network, b: &Network, domain: &Domain) -> Result<Option<(Network, f64)>> {
    let (Ok(left), Ok(right)) = (Chain::read(a), Chain::read(b)) else { return Ok(None) };
    let mut rewriter = Rewriter::new(right);
    if left.layers.len() != rewriter.chain.layers.len() {
        return Ok(None);
    }
    let mut moved = false;
    for layer in left.hidden() {
        let (Some(x), Some(y)) = (left.affine(layer - 1), rewriter.chain.affine(layer - 1)) else {
            return Ok(None);
        };
        if rewriter.chain.slopes(layer).is_none() || x.inputs() != y.inputs() {
            continue;
        }
        let largest = |affine: &Affine, unit: usize| {
            affine.weight[unit].iter().map(|weight| near(weight).abs()).fold(0.0, f64::max)
        };
        let mut factors = vec![];
        for (this, that) in matched(x, y) {
            let (Some(this), Some(that)) = (this, that) else { continue };
            let factor = largest(x, this) / largest(y, that);
            // What a rounding or some training moves is no scale.
            if (1e-30..1e30).contains(&factor) && !(0.8..=1.25).contains(&factor) {
                factors.push((that, exact(f64::from(factor as f32))?));
            }
        }
        for (unit, factor) in factors {
            rewriter.scale(layer, unit, &factor)?;
            moved = true;
        }
    }
    if !moved {
        return Ok(None);
    }
    let scaled = rewriter.chain.write()?;
    let (certificate, _) = certify(b, &scaled, domain, rewriter.steps, vec![])?;
    Ok(Some((scaled, certificate.claim.bound)))
}

/// Both networks with as many units in each layer, the second's in the order of those of the first that they are most
/// like; a unit that has no like gets one beside it that is 0. `None` where that isn't needed or can't be done.
fn aligned(a: &Network, b: &Network) -> Result<Option<(Network, Network)>> {
    let (Ok(mut left), Ok(mut right)) = (Chain::read(a), Chain::read(b)) else { return Ok(None) };
    if left.layers.len() != right.layers.len() {
        return Ok(None);
    }
    let mut moved = false;
    for layer in left.hidden() {
        let (Some(x), Some(y)) = (left.affine(layer - 1), right.affine(layer - 1)) else {
            return Ok(None);
        };
        if x.inputs() != y.inputs() {
            return Ok(None);
        }
        if (left.slopes(layer).is_none() || right.slopes(layer).is_none())
            && x.bias.len() != y.bias.len()
        {
            return Ok(None);
        }
        let pairs = matched(x, y);
        let width = pairs.len();
        moved |= pairs.iter().enumerate().any(|(at, pair)| *pair != (Some(at), Some(at)));
        let of_left: Vec<Option<usize>> = pairs.iter().map(|pair| pair.0).collect();
        let of_right: Vec<Option<usize>> = pairs.iter().map(|pair| pair.1).collect();
        if width > 2 * x.bias.len().max(y.bias.len()) {
            return Ok(None);
        }
        if !arrange(&mut left, layer, &of_left) || !arrange(&mut right, layer, &of_right) {
            return Ok(None);
        }
    }
    if !moved {
        return Ok(None);
    }
    Ok(Some((left.write()?, right.write()?)))
}

/// Pairs of units that are most alike, in the first's order; those left over are alone.
fn matched(a: &Affine, b: &Affine) -> Vec<(Option<usize>, Option<usize>)> {
    let of = |affine: &Affine| -> Vec<Vec<f64>> {
        (0..affine.bias.len()).map(|unit| direction(affine, unit)).collect()
    };
    let (left, right) = (of(a), of(b));
    let distance =
        |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum() };
    let mut taken = vec![false; right.len()];
    let mut pairs: Vec<(Option<usize>, Option<usize>)> = vec![];
    for (unit, row) in left.iter().enumerate() {
        // Most copies keep their order: what stands in the same place is looked at first.
        let same = right.get(unit).filter(|other| !taken[unit] && alike(row, other, 1e-2));
        let best = if same.is_some() {
            Some(unit)
        } else {
            (0..right.len())
                .filter(|other| !taken[*other])
                .map(|other| (other, distance(row, &right[other])))
                .min_by(|x, y| x.1.total_cmp(&y.1))
                .filter(|(_, apart)| {
                    left.len() <= right.len()
                        || *apart <= 0.25 * distance(row, &vec![0.0; row.len()])
                })
                .map(|(other, _)| other)
        };
        if let Some(best) = best {
            taken[best] = true;
        }
        pairs.push((Some(unit), best));
    }
    pairs.extend((0..right.len()).filter(|other| !taken[*other]).map(|other| (None, Some(other))));
    pairs
}

/// Puts a hidden layer's units into an order, `None` being a unit of zeros; whether that can be done.
fn arrange(chain: &mut Chain, layer: usize, order: &[Option<usize>]) -> bool {
    let Some(before) = chain.affine_mut(layer - 1) else { return false };
    let inputs = before.inputs();
    before.weight = order
        .iter()
        .map(|unit| unit.map_or_else(|| vec![zero(); inputs], |unit| before.weight[unit].clone()))
        .collect();
    before.bias =
        order.iter().map(|unit| unit.map_or_else(zero, |unit| before.bias[unit].clone())).collect();
    before.units = (0..order.len()).collect();
    if let Some(after) = chain.affine_mut(layer + 1) {
        for row in &mut after.weight {
            *row =
                order.iter().map(|unit| unit.map_or_else(zero, |unit| row[unit].clone())).collect();
        }
    }
    match chain.slopes(layer) {
        Some(slopes) => {
            let first = slopes.first().cloned().unwrap_or_else(zero);
            if slopes.iter().any(|slope| *slope != first) {
                return false;
            }
            chain.set_slopes(layer, vec![first; order.len()]);
            true
        }
        None => true,
    }
}
