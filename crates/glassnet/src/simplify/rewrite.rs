//! `simplify`: which rewrites are tried, and in what order.

use num_traits::Zero;

use super::bounds::{Domain, Reach, reaches};
use super::chain::{Affine, Chain, Part};
use super::exact::{combination, independent, one, proportion, zero};
use super::near;
use super::rewriter::Rewriter;
use super::tight::{Sides, Tight, in_parts, places, proved};
use crate::checker::certificate::SCHEMA;
use crate::checker::{self, Certificate, Claim, Method, Step, Verdict};
use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Mode, Network};
use crate::tensor::{Tensor, Value};

/// The largest rank for which a matrix is written as a product: coefficients are solved for exactly.
const MOST_RANK: usize = 40;

/// How a network is simplified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The inputs on which the network must stay the same; all of them without.
    pub domain: Option<Domain>,
    /// How far outputs may move on the domain. Without it only the rounding of merged weights to f32 moves them; with
    /// it units that are nearly alike are merged too.
    pub tolerance: Option<f64>,
}

/// Something that was taken out.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// What it was: `dead`, `constant`, `unused`, `duplicate`, `proportional`, `dependent`, `linear`, `composed`,
    /// `batch_norm`, `factored`, `near`.
    pub kind: &'static str,
    /// The layer's name in the network.
    pub layer: String,
    /// The unit's number in the network, for what is about one unit.
    pub unit: Option<usize>,
    /// Why it may go.
    pub why: String,
}

/// A smaller network with what shows that it is the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Simplified {
    /// The smaller network.
    pub network: Network,
    /// What was taken out, in order.
    pub removals: Vec<Removal>,
    /// The certificate, which was checked.
    pub certificate: Certificate,
    /// What the checker computed.
    pub checked: checker::Checked,
    /// Layers that were left as they are although others like them are rewritten: names, with the reasons.
    pub left: Vec<(String, String)>,
    /// Numbers that the network had.
    pub parameters_before: usize,
    /// Numbers that it has.
    pub parameters_after: usize,
}

/// Makes a network smaller without changing what it computes on the domain.
///
/// # Errors
/// `Unsupported` where a layer is none of Linear, BatchNorm1d, LayerNorm, tables, elementwise functions by name and residual
/// blocks of them; when the tolerance is smaller than what rounding the merged weights to f32 costs.
///
/// ```
/// use glassnet::{nn::{self, Network, StateDict}, simplify, Tensor};
/// // The third unit is constant 0: it has no incoming weights.
/// let state = StateDict::from_iter([
///     ("0.weight", Tensor::from_rows(&[[3.21_f32, 3.21], [-2.34, -2.34], [0.0, 0.0]])?.into()),
///     ("0.bias", Tensor::new([3], vec![-3.21_f32, 2.34, 0.0])?.into()),
///     ("2.weight", Tensor::from_rows(&[[3.19_f32, 4.64, 0.0], [-2.68, -3.44, 0.0]])?.into()),
///     ("2.bias", Tensor::new([2], vec![-4.08_f32, 4.42])?.into()),
/// ]);
/// let network = Network::with_state(nn::parse("2-3-2")?, &state)?;
/// let smaller = simplify::simplify(&network, &Default::default())?;
/// assert_eq!(smaller.network.module().notation(), "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))");
/// assert!(smaller.checked.exact);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn simplify(network: &Network, config: &Config) -> Result<Simplified> {
    let chain = Chain::read(network)?;
    let before = chain.parameters();
    let domain = config.domain.clone().unwrap_or_else(|| Domain::all(chain.inputs));
    if domain.ends().len() != chain.inputs {
        return Err(Error::usage(format!(
            "the domain has {} intervals, the network {} inputs",
            domain.ends().len(),
            chain.inputs
        ))
        .at("the domain")
        .help("give one interval for all inputs, or one for each"));
    }
    let rewritten = |effort: Effort| -> Result<Simplified> {
        let mut rewriter = Rewriter::new(chain.clone());
        prepare(&mut rewriter, &domain, effort)?;
        while pass(&mut rewriter, &domain)? {}
        if let Some(tolerance) = config.tolerance {
            near::merge(network, &mut rewriter, &domain, tolerance)?;
        }
        finish(network, rewriter, &domain, before, config.tolerance)
    };
    // The checker bounds on its own, and may see less where a bound is on the edge.
    let refused = |found: &Result<Simplified>| match found {
        Err(error) => error.kind() == ErrorKind::Numeric && domain.is_bounded(),
        Ok(_) => false,
    };
    let efforts = [Effort::Splitting, Effort::Substituting, Effort::Intervals];
    let mut found = rewritten(if domain.is_bounded() { efforts[0] } else { efforts[2] });
    for effort in &efforts[1..] {
        if refused(&found) {
            found = rewritten(*effort);
        }
    }
    found
}

/// What comes before all passes: normalisations are folded, and what only splitting shows is removed while weights are f32.
pub(super) fn prepare(rewriter: &mut Rewriter, domain: &Domain, effort: Effort) -> Result<()> {
    rewriter.tight = effort != Effort::Intervals;
    if effort == Effort::Splitting && domain.is_bounded() {
        while norms(rewriter)? {}
        by_splitting(rewriter, domain)?;
    }
    Ok(())
}

/// How far signs of units are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    Intervals,
    Substituting,
    Splitting,
}

/// The network of a finished rewriting with its checked certificate.
pub(super) fn finish(
    network: &Network,
    rewriter: Rewriter,
    domain: &Domain,
    before: usize,
    tolerance: Option<f64>,
) -> Result<Simplified> {
    let smaller = rewriter.chain.write()?;
    let (certificate, checked) = certify(network, &smaller, domain, rewriter.steps, vec![])?;
    if let Some(tolerance) = tolerance
        && (checked.bound > tolerance || checked.per_input > 0.0)
    {
        let what = if checked.per_input > 0.0 {
            "without a bounded domain no tolerance can be promised".to_owned()
        } else {
            format!(
                "rounding the merged weights to 32 bits moves outputs by up to {:e}",
                checked.bound
            )
        };
        return Err(Error::usage(what)
            .at("the tolerance")
            .help("give a bounded domain, or a larger tolerance"));
    }
    Ok(Simplified {
        parameters_after: rewriter.chain.parameters(),
        left: rewriter.chain.left(),
        network: smaller,
        removals: rewriter.removals,
        certificate,
        checked,
        parameters_before: before,
    })
}

/// Has the checker decide whether a certificate shows its claim about two networks.
///
/// # Errors
/// When a network is none that certificates are about.
pub fn verify(a: &Network, b: &Network, certificate: &Certificate) -> Result<Verdict> {
    let graph = |network: &Network| {
        let shape = network.module().input_shape().ok_or_else(|| {
            Error::unsupported("a network of unknown width", "the checker", "its input has no size")
        })?;
        network.module().graph(shape, Mode::Eval)
    };
    let (left, right) = (graph(a)?, graph(b)?);
    let of_a = |key: &str| weights(a, key);
    let of_b = |key: &str| weights(b, key);
    checker::verify((&left, &of_a), (&right, &of_b), certificate)
}

fn weights<'a>(network: &'a Network, key: &str) -> Option<&'a Tensor<f32>> {
    network.state_dict().get(key).and_then(Value::as_f32)
}

fn digest(network: &Network) -> Result<String> {
    let shape = network.module().input_shape().ok_or_else(|| {
        Error::unsupported("a network of unknown width", "the checker", "its input has no size")
    })?;
    checker::digest(&network.module().graph(shape, Mode::Eval)?, &|key: &str| weights(network, key))
}

/// A certificate of the steps with the bound that the checker computes.
pub(super) fn certify(
    a: &Network,
    b: &Network,
    domain: &Domain,
    steps_a: Vec<Step>,
    steps_b: Vec<Step>,
) -> Result<(Certificate, checker::Checked)> {
    let mut certificate = Certificate {
        schema: SCHEMA.to_owned(),
        a: digest(a)?,
        b: digest(b)?,
        domain: written(domain),
        semantics: "real".to_owned(),
        method: Method::Steps,
        steps_a,
        steps_b,
        claim: Claim { bound: f64::MAX, per_input: f64::MAX },
    };
    let checked = checked(verify(a, b, &certificate)?)?;
    // The checker compares exactly: what is claimed is rounded up.
    let up = |value: f64| if value == 0.0 { 0.0 } else { value.next_up().next_up() };
    certificate.claim = if checked.exact {
        Claim { bound: 0.0, per_input: 0.0 }
    } else {
        Claim { bound: up(checked.bound), per_input: up(checked.per_input) }
    };
    Ok((certificate, checked))
}

/// What a valid verdict says; an invalid one is a mistake of this program.
pub(super) fn checked(verdict: Verdict) -> Result<checker::Checked> {
    match verdict {
        Verdict::Valid(checked) => Ok(checked),
        Verdict::Invalid(why) => Err(Error::new(
            ErrorKind::Numeric,
            "the checker refuses the certificate, so nothing is written",
        )
        .help("report this as a mistake of the program")
        .detail(why)),
    }
}

/// A domain as a certificate writes it.
pub(super) fn written(domain: &Domain) -> Option<Vec<(Option<f64>, Option<f64>)>> {
    let end = |value: f64| value.is_finite().then_some(value);
    (!domain.is_all()).then(|| domain.ends().iter().map(|(lo, hi)| (end(*lo), end(*hi))).collect())
}

/// One round of rewrites; whether any applied.
pub(super) fn pass(rewriter: &mut Rewriter, domain: &Domain) -> Result<bool> {
    Ok(exactly(rewriter, domain)? || factored(rewriter))
}

/// As [`pass`], without those whose result depends on the order of units.
pub(super) fn exactly(rewriter: &mut Rewriter, domain: &Domain) -> Result<bool> {
    if norms(rewriter)?
        || without_inputs(rewriter)?
        || by_signs(rewriter, domain)?
        || proportional(rewriter)?
    {
        return Ok(true);
    }
    Ok(dependent(rewriter, domain)? || composed(rewriter))
}

/// Normalisations beside matrices.
fn norms(rewriter: &mut Rewriter) -> Result<bool> {
    for layer in 0..rewriter.chain.layers.len() {
        if matches!(rewriter.chain.layers[layer].part, Part::Norm(_))
            && rewriter.fold_norm(layer)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What substituting backwards knows of the chain, and for each layer the place of what its kink is given.
fn tight(rewriter: &Rewriter, domain: &Domain) -> Result<Option<(Tight, Vec<Option<usize>>)>> {
    let network = rewriter.chain.write()?;
    let Ok(whole) = proved(&network) else { return Ok(None) };
    let places = places(&Chain::read(&network)?, &whole);
    let known: Vec<usize> = places.iter().copied().flatten().collect();
    Ok(Tight::new(&whole, &known, domain).map(|tight| (tight, places)))
}

/// Units whose sign only splitting shows: the dead are dropped, and layers that are linear with them. Weights are still f32,
/// so that what is shown of the network that is written is shown of the chain.
fn by_splitting(rewriter: &mut Rewriter, domain: &Domain) -> Result<()> {
    let Some((tight, places)) = tight(rewriter, domain)? else { return Ok(()) };
    let all = reaches(&rewriter.chain, domain, &|_, _, _| false)?;
    let mut open = vec![];
    for layer in 0..all.len() - 1 {
        let (Some(place), Some(slopes)) = (places[layer], rewriter.chain.slopes(layer)) else {
            continue;
        };
        // A sign is of use where a unit can be dropped or a layer with it.
        let between = rewriter.chain.hidden().contains(&layer);
        for unit in (0..slopes.len()).filter(|_| between) {
            let reach = all[layer][unit];
            let z = tight.given(place, unit);
            let is_open = z.is_some_and(|z| z.lo() < 0.0 && z.hi() > 0.0);
            if is_open && !reach.nonpositive && !reach.nonnegative {
                open.push((layer, place, unit));
            }
        }
    }
    let asked: Vec<(usize, usize)> = open.iter().map(|&(_, place, unit)| (place, unit)).collect();
    let mut found: Vec<_> = open.into_iter().zip(tight.split(&asked, true)).collect();
    // From behind, so that the numbers of layers before stay.
    found.sort_by_key(|((layer, _, unit), _)| (std::cmp::Reverse(*layer), *unit));
    for own in found.chunk_by(|a, b| a.0.0 == b.0.0) {
        let layer = own[0].0.0;
        let Some((slopes, place)) = rewriter.chain.slopes(layer).cloned().zip(places[layer]) else {
            continue;
        };
        let above = |unit: usize| {
            let shown = |((_, _, other), sides): &((usize, usize, usize), Sides)| {
                *other == unit && matches!(sides, Sides::Positive(..))
            };
            let z = tight.given(place, unit);
            slopes[unit] == one()
                || all[layer][unit].nonnegative
                || z.is_some_and(|z| z.lo() >= 0.0)
                || own.iter().any(shown)
        };
        if (0..slopes.len()).all(above) {
            for ((_, _, unit), sides) in own {
                if let Sides::Positive(_, tree) = sides {
                    rewriter.show_sign(layer, *unit, true, tree.clone());
                }
            }
            rewriter.drop_activation(layer, "all its units are always active");
            continue;
        }
        let mut dead = vec![];
        for ((_, _, unit), sides) in own.iter().filter(|((_, _, unit), _)| slopes[*unit].is_zero())
        {
            if let Sides::Negative(parts, tree) = sides {
                rewriter.show_sign(layer, *unit, false, tree.clone());
                dead.push((*unit, *parts));
            }
        }
        if !dead.is_empty() {
            let why = |unit: usize| {
                let parts =
                    dead.iter().find(|(other, _)| *other == unit).map_or(0, |found| found.1);
                format!("it is given less than 0 {}", in_parts(parts))
            };
            rewriter.drop_dead(layer, dead.iter().map(|(unit, _)| *unit).collect(), why)?;
        }
    }
    Ok(())
}

/// Units that nothing enters or nothing leaves.
fn without_inputs(rewriter: &mut Rewriter) -> Result<bool> {
    for layer in rewriter.chain.hidden() {
        let (Some(before), Some(after)) =
            (rewriter.chain.affine(layer - 1), rewriter.chain.affine(layer + 1))
        else {
            continue;
        };
        let constant: Vec<usize> = (0..before.bias.len())
            .filter(|&unit| before.weight[unit].iter().all(Zero::is_zero))
            .collect();
        let unused: Vec<usize> = (0..before.bias.len())
            .filter(|&unit| after.weight.iter().all(|row| row[unit].is_zero()))
            .collect();
        if !constant.is_empty() && rewriter.chain.slopes(layer).is_some() {
            rewriter.fold_constant(layer, constant)?;
            return Ok(true);
        }
        if !unused.is_empty() {
            rewriter.drop_unused(layer, unused)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// What units may be given, as tightly as is asked for.
fn signs(rewriter: &Rewriter, domain: &Domain) -> Result<Vec<Vec<Reach>>> {
    let mut all = reaches(&rewriter.chain, domain, &|_, _, _| false)?;
    let kinks = |layer: &usize| rewriter.chain.slopes(*layer).is_some();
    let open = |reach: &Reach| !reach.nonpositive && !reach.nonnegative;
    let layers: Vec<usize> = (0..rewriter.chain.layers.len()).filter(kinks).collect();
    if !rewriter.tight || !layers.iter().any(|&layer| all[layer].iter().any(open)) {
        return Ok(all);
    }
    // The weights in between are no f32 where units were merged: a margin is left for that.
    let Some((tight, places)) = tight(rewriter, domain)? else { return Ok(all) };
    for layer in layers {
        let Some(place) = places[layer] else { continue };
        for (unit, reach) in all[layer].iter_mut().enumerate().filter(|(_, reach)| open(reach)) {
            let Some(z) = tight.given(place, unit) else { continue };
            let margin = 1e-6 * z.magnitude();
            if z.hi() <= -margin {
                (reach.hi, reach.nonpositive) = (z.hi(), true);
            } else if z.lo() >= margin {
                (reach.lo, reach.nonnegative) = (z.lo(), true);
            }
        }
    }
    Ok(all)
}

/// Units that are dead on the domain, and activations that are linear on it.
fn by_signs(rewriter: &mut Rewriter, domain: &Domain) -> Result<bool> {
    let mut changed = false;
    let all = signs(rewriter, domain)?;
    // From behind, so that the numbers of layers before stay.
    for layer in (0..rewriter.chain.layers.len()).rev() {
        let Some(slopes) = rewriter.chain.slopes(layer).cloned() else { continue };
        let given = &all[layer];
        if given.len() != slopes.len() {
            continue;
        }
        let linear = |(reach, slope): (&Reach, &_)| reach.nonnegative || *slope == one();
        if given.iter().zip(&slopes).all(linear) {
            rewriter.drop_activation(layer, "all its units are always active");
            changed = true;
            continue;
        }
        if !rewriter.chain.hidden().contains(&layer) {
            continue;
        }
        let dead: Vec<usize> = (0..slopes.len())
            .filter(|&unit| given[unit].nonpositive && slopes[unit].is_zero())
            .collect();
        if !dead.is_empty() {
            let why =
                |unit: usize| format!("it is given at most {} {}", given[unit].hi, on(domain));
            rewriter.drop_dead(layer, dead, why)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// A domain in words.
pub(super) fn on(domain: &Domain) -> &'static str {
    if domain.is_all() {
        "for every input"
    } else if domain.is_nonnegative() {
        "for every x ≥ 0"
    } else {
        "on the domain"
    }
}

fn proportional(rewriter: &mut Rewriter) -> Result<bool> {
    for layer in rewriter.chain.hidden() {
        let Some(before) = rewriter.chain.affine(layer - 1) else { continue };
        let slopes = rewriter.chain.slopes(layer);
        let near: Vec<Vec<f64>> =
            (0..before.bias.len()).map(|unit| direction(before, unit)).collect();
        let first = |drop: usize| {
            (0..drop).filter(|&keep| alike(&near[keep], &near[drop], 1e-12)).find_map(|keep| {
                let homogeneous = slopes.is_some_and(|slopes| slopes[keep] == slopes[drop]);
                let scale = proportion(&before.row(keep), &before.row(drop))?;
                (homogeneous || scale == one()).then_some((keep, drop, scale))
            })
        };
        // From behind, so that the numbers of units before stay.
        let pairs: Vec<_> = (1..near.len()).rev().filter_map(first).collect();
        let any = !pairs.is_empty();
        for (keep, drop, scale) in pairs {
            rewriter.merge(layer, keep, drop, scale)?;
        }
        if any {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A unit's row with its largest weight scaled to 1, in f64.
pub(super) fn direction(affine: &Affine, unit: usize) -> Vec<f64> {
    let row: Vec<f64> = affine.row(unit).iter().map(super::exact::near).collect();
    let most = row[..row.len() - 1].iter().fold(0.0_f64, |most, weight| most.max(weight.abs()));
    let most = if most > 0.0 { most } else { 1.0 };
    row.iter().map(|weight| weight / most).collect()
}

/// Whether two directions are apart by at most `share`.
pub(super) fn alike(a: &[f64], b: &[f64], share: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= share * (1.0 + a.abs()))
}

/// Always active units that are combinations of others.
fn dependent(rewriter: &mut Rewriter, domain: &Domain) -> Result<bool> {
    let all = signs(rewriter, domain)?;
    for layer in rewriter.chain.hidden() {
        let Some(before) = rewriter.chain.affine(layer - 1) else { continue };
        if rewriter.chain.slopes(layer).is_none() {
            continue;
        }
        let active: Vec<usize> =
            (0..before.bias.len()).filter(|&unit| all[layer][unit].nonnegative).collect();
        if active.len() < 2 {
            continue;
        }
        let rows: Vec<&[_]> = active.iter().map(|&unit| &before.weight[unit][..]).collect();
        let Some((chosen, pivots)) = independent(&rows) else { continue };
        let mut found = vec![];
        for left in (0..active.len()).rev().filter(|at| !chosen.contains(at)) {
            // What stands before the one that is left over is enough for it.
            let size = chosen.iter().filter(|at| **at < left).count();
            if size > MOST_RANK {
                continue;
            }
            let basis: Vec<&[_]> = chosen[..size].iter().map(|&at| rows[at]).collect();
            let Some(factors) = combination(&basis, &pivots[..size], rows[left]) else { continue };
            let terms = chosen[..size]
                .iter()
                .zip(factors)
                .filter(|(_, factor)| !factor.is_zero())
                .map(|(&at, factor)| (active[at], factor));
            found.push((active[left], terms.collect()));
        }
        let any = !found.is_empty();
        for (unit, terms) in found {
            rewriter.remove_dependent(layer, unit, terms)?;
        }
        if any {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Matrices that follow each other, where one is no larger.
fn composed(rewriter: &mut Rewriter) -> bool {
    for layer in 0..rewriter.chain.layers.len().saturating_sub(1) {
        let (Some(first), Some(second)) =
            (rewriter.chain.affine(layer), rewriter.chain.affine(layer + 1))
        else {
            continue;
        };
        let biased = first.has_bias || second.has_bias;
        let size = second.bias.len() * first.inputs() + if biased { second.bias.len() } else { 0 };
        if size > first.parameters() + second.parameters() {
            continue;
        }
        if let Some(one) = rewriter.composed(layer) {
            rewriter.compose(layer, one);
            return true;
        }
    }
    false
}

/// Matrices of low rank.
fn factored(rewriter: &mut Rewriter) -> bool {
    for layer in 0..rewriter.chain.layers.len() {
        let Some(affine) = rewriter.chain.affine(layer) else { continue };
        let (rows, columns) = (affine.weight.len(), affine.inputs());
        let worth = |rank: usize| rank * (rows + columns) < rows * columns;
        // A rank of 1 must pay before any is looked for; what is too large for an exact solution is left.
        if !worth(1) || rows * columns * rows.min(columns) > 400_000_000 {
            continue;
        }
        let all: Vec<&[_]> = affine.weight.iter().map(|row| &row[..]).collect();
        let Some((basis, pivots)) = independent(&all) else { continue };
        if basis.is_empty() || basis.len() > MOST_RANK || !worth(basis.len()) {
            continue;
        }
        let chosen: Vec<&[_]> = basis.iter().map(|&row| all[row]).collect();
        let coefficients: Option<Vec<_>> = all
            .iter()
            .enumerate()
            .map(|(number, row)| match basis.iter().position(|at| *at == number) {
                Some(at) => {
                    let mut factors = vec![zero(); basis.len()];
                    factors[at] = one();
                    Some(factors)
                }
                None => combination(&chosen, &pivots, row),
            })
            .collect();
        if let Some(coefficients) = coefficients {
            rewriter.factor(layer, basis, coefficients);
            return true;
        }
    }
    false
}
