//! Units that are nearly alike: merged where the outputs provably stay within a tolerance.

use super::bounds::Domain;
use super::exact::{Ratio, exact};
use super::rewrite::{alike, certify, direction, pass};
use super::rewriter::Rewriter;
use crate::error::{Error, Result};
use crate::nn::Network;

/// How often the allowed difference of weights is halved or doubled to find the largest that keeps the tolerance.
const ROUNDS: i32 = 12;

/// Makes units that are nearly alike exactly alike, and merges them, as many as the tolerance allows.
pub(super) fn merge(
    network: &Network,
    rewriter: &mut Rewriter,
    domain: &Domain,
    tolerance: f64,
) -> Result<()> {
    if tolerance.is_nan() || tolerance < 0.0 || tolerance.is_infinite() {
        return Err(Error::usage("the tolerance is no number of at least 0")
            .at("the tolerance")
            .help("give a number such as 1e-3"));
    }
    if !domain.is_bounded() {
        return Ok(());
    }
    let (mut low, mut high) = (-40, 0);
    let mut best = None;
    for _ in 0..ROUNDS {
        if low > high {
            break;
        }
        let middle = (low + high) / 2;
        let mut attempt = rewriter.clone();
        let merged = attempt_at(&mut attempt, domain, 2.0_f64.powi(middle))?;
        let within = merged == 0 || {
            let smaller = attempt.chain.write()?;
            let (_, checked) = certify(network, &smaller, domain, attempt.steps.clone(), vec![])?;
            checked.bound <= tolerance
        };
        if within {
            if merged > 0 {
                best = Some(attempt);
            }
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    if let Some(best) = best {
        *rewriter = best;
    }
    Ok(())
}

/// Merges units whose directions are apart by at most `share`; how many.
fn attempt_at(rewriter: &mut Rewriter, domain: &Domain, share: f64) -> Result<usize> {
    let mut count = 0;
    for layer in rewriter.chain.hidden() {
        let Some(before) = rewriter.chain.affine(layer - 1) else { continue };
        let Some(slopes) = rewriter.chain.slopes(layer) else { continue };
        let near: Vec<Vec<f64>> =
            (0..before.bias.len()).map(|unit| direction(before, unit)).collect();
        let mut kept: Vec<usize> = vec![];
        let mut pairs: Vec<(usize, usize, Ratio)> = vec![];
        for unit in 0..near.len() {
            let like = kept.iter().find(|&&keep| {
                slopes[keep] == slopes[unit] && alike(&near[keep], &near[unit], share)
            });
            match like {
                Some(&keep) => {
                    pairs.push((keep, unit, scale(&before.row(keep), &before.row(unit))?))
                }
                None => kept.push(unit),
            }
        }
        for (keep, drop, scale) in pairs.into_iter().rev() {
            let Some(before) = rewriter.chain.affine(layer - 1) else { continue };
            let row: Vec<Ratio> = before.row(keep).iter().map(|weight| weight * &scale).collect();
            rewriter.replace_row(layer - 1, drop, row);
            rewriter.merge(layer, keep, drop, scale)?;
            if let Some(removal) = rewriter.removals.last_mut() {
                removal.kind = "near";
                removal.why = format!("nearly {}", removal.why);
            }
            count += 1;
        }
    }
    while count > 0 && pass(rewriter, domain)? {}
    Ok(count)
}

/// The ratio of the largest weights, as an f32.
fn scale(keep: &[Ratio], drop: &[Ratio]) -> Result<Ratio> {
    let size = |row: &[Ratio]| {
        let weights = row[..row.len() - 1].iter().map(super::exact::near);
        weights.fold(0.0_f64, |most, weight| most.max(weight.abs()))
    };
    let (a, b) = (size(keep), size(drop));
    exact(f64::from(if a > 0.0 && b > 0.0 { (b / a) as f32 } else { 1.0 }))
}
