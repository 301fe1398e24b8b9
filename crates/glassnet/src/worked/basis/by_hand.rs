//! Bases that somebody chose: each function is a formula in the inputs.

use super::{BasisConfig, BasisKind, FittedBasis, fitted, variables};
use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Expression, Math};
use crate::worked::digits::shown;
use crate::worked::least_squares::least_squares;

/// The most values that the functions of one basis may have on the rows: 400 MB.
const MOST_VALUES: usize = 50_000_000;
/// The most rows that are tried as centres.
const CANDIDATES: usize = 200;

/// A basis's functions: how each is set, its text, its values on the rows.
type Functions = Vec<(Math, String, Vec<f64>)>;

/// Fits the bases that `config` asks for.
pub(super) fn fit(
    inputs: &[Vec<f64>],
    target: &[f64],
    config: &BasisConfig,
) -> Result<Vec<FittedBasis>> {
    let width = inputs[0].len();
    let mut bases = vec![];
    for &degree in &config.degrees {
        let functions = functions(&polynomial(width, degree), inputs)?;
        bases.push(fitted(BasisKind::Polynomial(degree), functions, target)?);
        if degree == 1 && config.product && width == 2 {
            let texts = ["1", "x1", "x2", "x1*x2"].map(String::from);
            bases.push(fitted(BasisKind::Product, self::functions(&texts, inputs)?, target)?);
        }
    }
    if !config.formulas.is_empty() {
        let texts: Vec<String> = config.formulas.iter().map(ToString::to_string).collect();
        bases.push(fitted(BasisKind::Own, functions(&texts, inputs)?, target)?);
    }
    if let Some(basis) = radial(inputs, target, config)? {
        bases.push(basis);
    }
    if config.fourier > 0 {
        let texts = fourier(inputs, config.fourier);
        let functions = functions(&texts, inputs)?;
        bases.push(fitted(BasisKind::Fourier(config.fourier), functions, target)?);
    }
    Ok(bases)
}

/// The values of a formula in the inputs, row by row.
pub(super) fn values(formula: &Expression, inputs: &[Vec<f64>]) -> Result<Vec<f64>> {
    let names = variables(inputs.first().map_or(1, Vec::len));
    inputs
        .iter()
        .map(|row| {
            let bound: Vec<(&str, f64)> = names.iter().copied().zip(row.iter().copied()).collect();
            formula.evaluate(&bound)
        })
        .collect()
}

fn functions(texts: &[String], inputs: &[Vec<f64>]) -> Result<Functions> {
    if texts.len().saturating_mul(inputs.len()) > MOST_VALUES {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("{} functions on {} rows are too many values", texts.len(), inputs.len()),
        )
        .at("the degrees")
        .help("give lower degrees and frequencies, or fewer rows"));
    }
    texts
        .iter()
        .map(|text| {
            let formula: Expression = text.parse()?;
            Ok((formula.math(), text.clone(), values(&formula, inputs)?))
        })
        .collect()
}

/// 1, x, x², … or all products x1^i·x2^j with i + j up to `degree`, lower degrees first.
fn polynomial(width: usize, degree: usize) -> Vec<String> {
    let power = |name: &str, exponent: usize| match exponent {
        0 => None,
        1 => Some(name.to_owned()),
        exponent => Some(format!("{name}^{exponent}")),
    };
    let mut texts = vec![];
    for total in 0..=degree {
        for first in (0..=total).rev() {
            let factors = match width {
                1 if first < total => continue,
                1 => vec![power("x", total)],
                _ => vec![power("x1", first), power("x2", total - first)],
            };
            let factors: Vec<String> = factors.into_iter().flatten().collect();
            texts.push(if factors.is_empty() { "1".into() } else { factors.join("*") });
        }
    }
    texts
}

/// cos(π·k·t) and sin(π·k·t), t the inputs scaled to [0, 1], for every frequency k up to `order` in each input.
fn fourier(inputs: &[Vec<f64>], order: usize) -> Vec<String> {
    let width = inputs[0].len();
    let scaled: Vec<String> = (0..width).map(|at| scaled(inputs, at)).collect();
    let order = order as i64;
    let mut texts = vec!["1".to_owned()];
    let mut frequencies: Vec<Vec<i64>> = match width {
        1 => (1..=order).map(|k| vec![k]).collect(),
        _ => (-order..=order)
            .flat_map(|first| (-order..=order).map(move |second| vec![first, second]))
            // Of k and −k, whose waves are the same, the one whose first number is positive.
            .filter(|k| k[0] > 0 || (k[0] == 0 && k[1] > 0))
            .collect(),
    };
    frequencies.sort_by_key(|k| {
        (k.iter().map(|part| part.abs()).sum::<i64>(), -k[0], -k.last().copied().unwrap_or(0))
    });
    for k in frequencies {
        let mut sum = String::new();
        for (&part, variable) in k.iter().zip(&scaled).filter(|(part, _)| **part != 0) {
            let sign = if part < 0 {
                "-"
            } else if sum.is_empty() {
                ""
            } else {
                "+"
            };
            let factor = if part.abs() == 1 { String::new() } else { format!("{}*", part.abs()) };
            sum += &format!("{sign}{factor}{variable}");
        }
        texts.push(format!("cos(pi*({sum}))"));
        texts.push(format!("sin(pi*({sum}))"));
    }
    texts
}

/// The input as it runs from 0 to 1 over the rows.
fn scaled(inputs: &[Vec<f64>], at: usize) -> String {
    let name = variables(inputs[0].len())[at];
    let values = inputs.iter().map(|row| row[at]);
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let length = values.fold(f64::NEG_INFINITY, f64::max) - low;
    let shifted = match low {
        0.0 => name.to_owned(),
        low if low < 0.0 => format!("({name} + {})", -low),
        low => format!("({name} - {low})"),
    };
    if length == 1.0 || length == 0.0 { shifted } else { format!("{shifted}/{length}") }
}

fn radial(
    inputs: &[Vec<f64>],
    target: &[f64],
    config: &BasisConfig,
) -> Result<Option<FittedBasis>> {
    let selected = config.centres.is_empty();
    let count = if selected { config.centre_count } else { config.centres.len() };
    if count == 0 {
        return Ok(None);
    }
    let spread = if selected || count == 1 { furthest(inputs) } else { furthest(&config.centres) };
    let width = config.width.unwrap_or(if spread > 0.0 {
        spread / (2.0 * count as f64).sqrt()
    } else {
        1.0
    });
    let centres = match selected {
        true => select(inputs, target, count, width)?,
        false => config.centres.clone(),
    };
    let mut all: Functions = functions(&["1".to_owned()], inputs)?;
    for centre in &centres {
        let text = bump(centre, width);
        let formula: Expression = text.parse()?;
        all.push((named_bump(centre), text, values(&formula, inputs)?));
    }
    fitted(BasisKind::Radial { centres, width, selected }, all, target).map(Some)
}

/// `exp(-((x1 - 0)^2 + (x2 - 1)^2)/(2*s^2))`
fn bump(centre: &[f64], width: f64) -> String {
    let names = variables(centre.len());
    let squares: Vec<String> = names
        .iter()
        .zip(centre)
        .map(|(name, &c)| match c {
            0.0 => format!("{name}^2"),
            c if c < 0.0 => format!("({name} + {})^2", -c),
            c => format!("({name} - {c})^2"),
        })
        .collect();
    format!("exp(-({})/{})", squares.join(" + "), 2.0 * width * width)
}

/// φ with its centre as index.
fn named_bump(centre: &[f64]) -> Math {
    let numbers: Vec<String> = centre.iter().map(|&value| shown(value, 4)).collect();
    Math::name("φ").lowered(Math::text(format!("({})", numbers.join(", "))))
}

fn furthest(points: &[Vec<f64>]) -> f64 {
    // Of very many rows every n-th tells as much.
    let step = points.len().div_ceil(1000);
    let some: Vec<&Vec<f64>> = points.iter().step_by(step).collect();
    let mut most = 0.0f64;
    for (at, a) in some.iter().enumerate() {
        for b in &some[..at] {
            most = most.max(a.iter().zip(*b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt());
        }
    }
    most
}

/// Rows as centres, one after the other, each the one that leaves the least error with those before it.
fn select(inputs: &[Vec<f64>], target: &[f64], count: usize, width: f64) -> Result<Vec<Vec<f64>>> {
    let mut candidates: Vec<Vec<f64>> = vec![];
    for row in inputs.iter().step_by(inputs.len().div_ceil(CANDIDATES)) {
        if !candidates.contains(row) {
            candidates.push(row.clone());
        }
    }
    let bumps: Vec<Vec<f64>> = candidates
        .iter()
        .map(|centre| values(&bump(centre, width).parse()?, inputs))
        .collect::<Result<_>>()?;
    let mut columns = vec![vec![1.0; inputs.len()]];
    let mut chosen: Vec<usize> = vec![];
    while chosen.len() < count.min(candidates.len()) {
        let mut best: Option<(f64, usize)> = None;
        for at in (0..candidates.len()).filter(|at| !chosen.contains(at)) {
            columns.push(bumps[at].clone());
            let mse = least_squares(&columns, target)?.mse;
            columns.pop();
            if best.is_none_or(|(least, _)| mse < least * (1.0 - 1e-9)) {
                best = Some((mse, at));
            }
        }
        let Some((_, at)) = best else { break };
        columns.push(bumps[at].clone());
        chosen.push(at);
    }
    Ok(chosen.into_iter().map(|at| candidates[at].clone()).collect())
}
