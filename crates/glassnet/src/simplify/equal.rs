//! Whether two networks compute the same: equal with a certificate, different with an input that shows it, or unknown
//! with the tightest bound that was reached.
//!
//! Both networks are simplified exactly, their units scaled and put in an order, and compared: that finds permutation,
//! positive scaling and injected redundancy at any depth. One hidden ReLU layer on all inputs has a canonical form,
//! which decides. Copies that were rounded, pruned or retrained are compared on a bounded domain by the differences of
//! their units, layer by layer, with splitting; inputs are tried and evaluated exactly.

use num_traits::{Signed, Zero};

use super::bounds::Domain;
use super::chain::Chain;
use super::exact::Ratio;
use super::rewrite::{Effort, certify, exactly, prepare, verify, written};
use super::rewriter::Rewriter;
use super::witness::{search, shown};
use crate::checker::certificate::SCHEMA;
use crate::checker::{Certificate, Claim, Method, Verdict};
use crate::error::{Error, Result};
use crate::nn::Network;

/// How many inputs are tried before the answer is 'unknown'.
pub(super) const TRIES: usize = 400;
/// What [`normal`] shows.
const NORMAL: &str = "simplified, with units scaled and put in order, the layers are the same";
/// How many parts of a domain are bounded where the caller doesn't say.
const MOST_PARTS: u64 = 1000;
/// Up to so many weights exact fractions are tried before differences.
const MOST_EXACT: usize = 20_000;
/// Up to so many weights units are scaled and put in order exactly.
const MOST_NORMAL: usize = 150_000;

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Proven equal, within the tolerance.
    Equal,
    /// An input shows a difference above the tolerance.
    Different,
    /// Neither was found.
    Unknown,
}

/// An input on which two networks differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The input, as f32 inside the domain.
    pub input: Vec<f32>,
    /// Which output differs most.
    pub output: usize,
    /// What the first network gives there, rounded to f64 from the exact value.
    pub a: f64,
    /// What the second gives.
    pub b: f64,
    /// Their difference, computed exactly and rounded towards 0.
    pub difference: f64,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Equality {
    /// The answer.
    pub answer: Answer,
    /// How it was found, in a sentence.
    pub why: String,
    /// What proves equality; it was checked.
    pub certificate: Option<Certificate>,
    /// What shows a difference.
    pub witness: Option<Witness>,
    /// The tightest bound of the difference that was proven: its constant part, and what grows with the input.
    pub bound: Option<(f64, f64)>,
    /// The greatest difference that an input shows, evaluated exactly and rounded towards 0; 0 where none was found.
    pub least: f64,
}

/// Decides whether two networks give the same outputs on the domain (all inputs without one), up to `tolerance`.
///
/// # Errors
/// `Unsupported` where a network has operations that aren't bounded, or is no chain and the domain no box; when the numbers of inputs or outputs differ; when the tolerance is no
/// number of at least 0.
///
/// ```
/// use glassnet::{nn::{self, Network}, simplify::{Answer, equal, widen}};
/// let network = Network::new(nn::parse("2-3-2")?, 0)?;
/// let wider = widen(&network, &[6])?.network;
/// assert_eq!(equal(&network, &wider, None, 0.0)?.answer, Answer::Equal);
/// let other = Network::new(nn::parse("2-3-2")?, 1)?;
/// assert_eq!(equal(&network, &other, None, 0.0)?.answer, Answer::Different);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn equal(
    a: &Network,
    b: &Network,
    domain: Option<&Domain>,
    tolerance: f64,
) -> Result<Equality> {
    equal_while(a, b, domain, tolerance, &mut |parts| parts < MOST_PARTS)
}

/// As [`equal`], splitting the domain for as long as `go_on` says so, which is asked with the number of parts that were
/// bounded.
///
/// # Errors
/// As [`equal`].
pub fn equal_while(
    a: &Network,
    b: &Network,
    domain: Option<&Domain>,
    tolerance: f64,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Equality> {
    let (inputs, other) = (a.module().in_features(), b.module().in_features());
    if inputs != other {
        let count =
            |inputs: Option<usize>| inputs.map_or("an unknown number of".into(), |n| n.to_string());
        return Err(Error::usage(format!(
            "the first network has {} inputs, the second {}",
            count(inputs),
            count(other)
        ))
        .at("the networks")
        .help("compare networks of the same inputs and outputs"));
    }
    if a.module().out_features() != b.module().out_features() {
        return Err(Error::usage("the networks have different numbers of outputs")
            .at("the networks")
            .help("compare networks of the same inputs and outputs"));
    }
    if tolerance.is_nan() || tolerance < 0.0 || tolerance.is_infinite() {
        return Err(Error::usage("the tolerance is no number of at least 0")
            .at("the tolerance")
            .help("give a number such as 1e-3"));
    }
    let chains = (Chain::read(a), Chain::read(b));
    let inputs = match (inputs, &chains.0) {
        (Some(inputs), _) => inputs,
        (None, Ok(chain)) => chain.inputs,
        (None, Err(error)) => return Err(error.clone()),
    };
    let domain = domain.cloned().unwrap_or_else(|| Domain::all(inputs));
    if domain.ends().len() != inputs {
        return Err(Error::usage(format!(
            "the domain has {} intervals, the networks {inputs} inputs",
            domain.ends().len(),
        ))
        .at("the domain")
        .help("give one interval for all inputs, or one for each"));
    }
    let (left, right) = match chains {
        (Ok(left), Ok(right)) => (left, right),
        (Err(error), _) | (_, Err(error)) => {
            return no_chains(a, b, &domain, tolerance, go_on, error);
        }
    };
    let mut bound: Option<(f64, f64)> = None;
    let direct = (Rewriter::new(left), Rewriter::new(right));
    let plain = attempt(a, b, &domain, &direct, &mut bound, tolerance)?;
    if let Some(certificate) = plain {
        return Ok(proven(
            "the same layers with the same weights, or with weights so near",
            certificate,
            bound,
        ));
    }
    let size = direct.0.chain.parameters().max(direct.1.chain.parameters());
    // Exact fractions are quick for small networks, and differences for large ones.
    let small = size <= MOST_EXACT;
    if small
        && let Some(certificate) = normal(a, b, &domain, direct.clone(), &mut bound, tolerance)?
    {
        return Ok(proven(NORMAL, certificate, bound));
    }
    // What a certificate of these two could claim.
    let checked_alone = bound;
    let copies = if domain.is_bounded() {
        super::copies::compare(a, b, &domain, (tolerance > 0.0).then_some(tolerance), go_on)?
    } else {
        None
    };
    if let Some(copies) = &copies {
        if bound.is_none_or(|best| best.1 > 0.0 || copies.bound < best.0) {
            bound = Some((copies.bound, 0.0));
        }
        if tolerance > 0.0 && copies.bound <= tolerance {
            return Ok(Equality {
                answer: Answer::Equal,
                why: by_differences(checked_alone),
                certificate: None,
                witness: None,
                bound,
                least: shown(a, b, &domain, &copies.seen)?,
            });
        }
    }
    if !small && let Some(certificate) = normal(a, b, &domain, direct, &mut bound, tolerance)? {
        return Ok(proven(NORMAL, certificate, bound));
    }
    if domain.is_all()
        && let Some(certificate) = canonical(a, b, &domain)?
    {
        return Ok(proven("the canonical forms are the same", certificate, Some((0.0, 0.0))));
    }
    if domain.is_bounded()
        && tolerance > 0.0
        && let Some(certificate) = merged(a, b, &domain, &mut bound, tolerance)?
    {
        let why = "with units that are nearly alike merged, the layers are the same";
        return Ok(proven(why, certificate, bound));
    }
    let seen = copies.map(|copies| copies.seen).unwrap_or_default();
    if let Some(witness) = search(a, b, &domain, tolerance, &seen)? {
        let why = format!("output {} differs", witness.output);
        let least = witness.difference;
        return Ok(Equality {
            answer: Answer::Different,
            why,
            certificate: None,
            witness: Some(witness),
            bound,
            least,
        });
    }
    let least = shown(a, b, &domain, &seen)?;
    let why = if least > 0.0 {
        format!("no input that was tried differs by more than {least:e}, and no proof was found")
    } else {
        format!("no proof was found, nor a difference on {TRIES} inputs")
    };
    Ok(Equality { answer: Answer::Unknown, why, certificate: None, witness: None, bound, least })
}

/// As [`equal_while`] for networks that are no chains, of which `error` says why: their differences are bounded and inputs
/// are tried, without certificates.
fn no_chains(
    a: &Network,
    b: &Network,
    domain: &Domain,
    tolerance: f64,
    go_on: &mut dyn FnMut(u64) -> bool,
    error: Error,
) -> Result<Equality> {
    let found = Equality {
        answer: Answer::Unknown,
        why: "no proof was found, nor a difference on the inputs that were tried".to_owned(),
        certificate: None,
        witness: None,
        bound: None,
        least: 0.0,
    };
    if a.module() == b.module() && a.state_dict() == b.state_dict() {
        let why = "the same operations on the same weights".to_owned();
        return Ok(Equality { answer: Answer::Equal, why, bound: Some((0.0, 0.0)), ..found });
    }
    if !domain.is_bounded() {
        return Err(error.help("give --domain: on a box the networks' differences are bounded"));
    }
    let tolerated = (tolerance > 0.0).then_some(tolerance);
    let copies = super::copies::compare(a, b, domain, tolerated, go_on)?.ok_or(error)?;
    let bound = Some((copies.bound, 0.0));
    let least = shown(a, b, domain, &copies.seen)?;
    if copies.bound <= tolerance {
        let why = by_differences(None);
        return Ok(Equality { answer: Answer::Equal, why, bound, least, ..found });
    }
    Ok(match search(a, b, domain, tolerance, &copies.seen)? {
        Some(witness) => Equality {
            answer: Answer::Different,
            why: format!("output {} differs", witness.output),
            least: witness.difference,
            witness: Some(witness),
            bound,
            ..found
        },
        None => Equality { bound, least, ..found },
    })
}

/// Why networks are equal that no certificate is about: the checker bounds differences by intervals, not by lines that are
/// substituted backwards, and could claim `certified` at best.
fn by_differences(certified: Option<(f64, f64)>) -> String {
    let claim = match certified {
        Some((bound, 0.0)) => {
            format!("the intervals that the checker knows would show |Δ| ≤ {bound:.1e} only")
        }
        Some(_) | None => "the checker knows no bound of these networks' differences".to_owned(),
    };
    format!(
        "bounded layer by layer, the differences stay within the tolerance; there is no certificate of it: {claim}"
    )
}

/// A certificate by exact simplification of both, their units scaled and put in order.
fn normal(
    a: &Network,
    b: &Network,
    domain: &Domain,
    (mut left, mut right): (Rewriter, Rewriter),
    bound: &mut Option<(f64, f64)>,
    tolerance: f64,
) -> Result<Option<Certificate>> {
    if left.chain.parameters().max(right.chain.parameters()) > MOST_NORMAL {
        return Ok(None);
    }
    for rewriter in [&mut left, &mut right] {
        if rewriter.chain.parameters() <= MOST_EXACT && domain.is_bounded() {
            prepare(rewriter, domain, Effort::Splitting)?;
        }
        while exactly(rewriter, domain)? {}
        normalise(rewriter)?;
    }
    attempt(a, b, domain, &(left, right), bound, tolerance)
}

/// A certificate by merging in the first network what is nearly alike, as `simplify` does with this tolerance.
fn merged(
    a: &Network,
    b: &Network,
    domain: &Domain,
    bound: &mut Option<(f64, f64)>,
    tolerance: f64,
) -> Result<Option<Certificate>> {
    for (from, to, swapped) in [(a, b, false), (b, a, true)] {
        let mut rewriter = Rewriter::new(Chain::read(from)?);
        let other = Rewriter::new(Chain::read(to)?);
        if rewriter.chain.parameters() <= other.chain.parameters() {
            continue;
        }
        prepare(&mut rewriter, domain, Effort::Splitting)?;
        while super::rewrite::pass(&mut rewriter, domain)? {}
        super::near::merge(from, &mut rewriter, domain, tolerance)?;
        let pair = if swapped { (other, rewriter) } else { (rewriter, other) };
        if let Some(found) = attempt(a, b, domain, &pair, bound, tolerance)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn proven(why: &str, certificate: Certificate, bound: Option<(f64, f64)>) -> Equality {
    let why = why.to_owned();
    let certificate = Some(certificate);
    Equality { answer: Answer::Equal, why, certificate, witness: None, bound, least: 0.0 }
}

/// A certificate of the steps so far, where what it shows is within the tolerance.
fn attempt(
    a: &Network,
    b: &Network,
    domain: &Domain,
    (left, right): &(Rewriter, Rewriter),
    bound: &mut Option<(f64, f64)>,
    tolerance: f64,
) -> Result<Option<Certificate>> {
    // Networks of different structure have no distance layer by layer.
    let Ok((certificate, checked)) = certify(a, b, domain, left.steps.clone(), right.steps.clone())
    else {
        return Ok(None);
    };
    let found = (certificate.claim.bound, certificate.claim.per_input);
    let better = |best: &(f64, f64)| (found.1, found.0) < (best.1, best.0);
    if bound.as_ref().is_none_or(better) {
        *bound = Some(found);
    }
    let within = checked.exact || checked.per_input == 0.0 && certificate.claim.bound <= tolerance;
    Ok(within.then_some(certificate))
}

/// Scales every unit so that its first weight is ±1, and puts units in order of their rows.
fn normalise(rewriter: &mut Rewriter) -> Result<()> {
    for layer in rewriter.chain.hidden() {
        let Some(before) = rewriter.chain.affine(layer - 1).cloned() else { continue };
        if rewriter.chain.slopes(layer).is_some() {
            for unit in 0..before.bias.len() {
                let lead = before.weight[unit].iter().find(|weight| !weight.is_zero());
                if let Some(factor) = lead.map(|weight| weight.abs().recip())
                    && factor != super::exact::one()
                {
                    rewriter.scale(layer, unit, &factor)?;
                }
            }
        }
        let Some(before) = rewriter.chain.affine(layer - 1) else { continue };
        let slopes = rewriter.chain.slopes(layer);
        let mut order: Vec<usize> = (0..before.bias.len()).collect();
        let key = |unit: usize| -> Vec<Ratio> {
            let slope = slopes.map(|slopes| slopes[unit].clone());
            slope.into_iter().chain(before.row(unit)).collect()
        };
        let keys: Vec<Vec<Ratio>> = order.iter().map(|&unit| key(unit)).collect();
        order.sort_by(|&x, &y| keys[x].cmp(&keys[y]));
        if order.iter().enumerate().any(|(new, old)| new != *old) {
            rewriter.permute(layer, order)?;
        }
    }
    Ok(())
}

/// A certificate by the canonical form, where it shows equality.
fn canonical(a: &Network, b: &Network, domain: &Domain) -> Result<Option<Certificate>> {
    let (mut certificate, _) = match certify(a, a, domain, vec![], vec![]) {
        Ok(found) => found,
        Err(_) => return Ok(None),
    };
    let (other, _) = certify(b, b, domain, vec![], vec![])?;
    certificate = Certificate {
        schema: SCHEMA.to_owned(),
        b: other.b,
        domain: written(domain),
        method: Method::Canonical,
        claim: Claim { bound: 0.0, per_input: 0.0 },
        ..certificate
    };
    Ok(match verify(a, b, &certificate)? {
        Verdict::Valid(_) => Some(certificate),
        Verdict::Invalid(_) => None,
    })
}
