//! The convex optimum by Newton's method, and the proof that there is none where a plane parts the classes.

use super::{Problem, dot};
use crate::error::{Error, Result};
use crate::graph::op::Activation;
use crate::reference::activation::value;
use crate::worked::least_squares::least_squares;

/// Newton's steps at most: from 0 the convex loss needs about ten.
const STEPS: usize = 60;
/// Weights this far out, in standard deviations of the inputs, mean that the loss falls for ever.
const FAR: f64 = 25.0;

/// Where the loss is least.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// The weights, the bias last.
    pub weights: Vec<f64>,
    /// The loss with the penalty.
    pub loss: f64,
    /// The largest element of the gradient there, in size.
    pub gradient: f64,
    /// Newton's steps.
    pub steps: usize,
    /// Whether other weights have the same loss, because inputs depend on each other.
    pub ambiguous: bool,
}

/// A direction along which the loss falls for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct Separation {
    /// The weights of a plane that parts the classes, the bias last.
    pub direction: Vec<f64>,
    /// The least distance of a row from it, in units of the score at weights of length 1: above 0 if every row lies on
    /// its side, 0 if some lie on the plane.
    pub margin: f64,
    /// The loss at that direction times 1, 10, 100, 1000.
    pub losses: Vec<(f64, f64)>,
}

pub(super) enum Outcome {
    Optimum(Optimum),
    Separated(Separation),
}

/// Newton's method with halved steps where a full one would raise the loss.
pub(super) fn solve(problem: &Problem) -> Result<Outcome> {
    let width = problem.rows[0].len();
    let mut weights = vec![0.0; width];
    let mut loss = problem.loss(&weights)?;
    for step in 1..=STEPS {
        let (direction, ambiguous) = newton_step(problem, &weights)?;
        let mut factor = 1.0;
        let (next, next_loss) = loop {
            let next: Vec<f64> =
                weights.iter().zip(&direction).map(|(w, d)| w + factor * d).collect();
            let next_loss = problem.loss(&next)?;
            if next_loss <= loss || factor < 1e-6 {
                break (next, next_loss);
            }
            factor *= 0.5;
        };
        let moved = direction.iter().fold(0.0f64, |most, d| most.max(d.abs()));
        let far = next.iter().fold(0.0f64, |most, w| most.max(w.abs()));
        if problem.l2 == 0.0
            && (far > FAR || moved > 0.1 && step > 8)
            && let Some(separation) = separation(problem, &next, &direction)?
        {
            return Ok(Outcome::Separated(separation));
        }
        (weights, loss) = (next, next_loss);
        if moved <= 1e-9 * far.max(1.0) {
            let gradient =
                gradient(problem, &weights).iter().fold(0.0f64, |most, g| most.max(g.abs()));
            return Ok(Outcome::Optimum(Optimum {
                weights,
                loss,
                gradient,
                steps: step,
                ambiguous,
            }));
        }
    }
    match separation(problem, &weights, &weights)? {
        Some(separation) if problem.l2 == 0.0 => Ok(Outcome::Separated(separation)),
        Some(_) | None => Err(Error::new(
            crate::ErrorKind::Numeric,
            format!("Newton's method does not settle in {STEPS} steps"),
        )
        .at("the convex optimum")
        .help("add a penalty (l2), or leave out inputs that hardly vary")),
    }
}

/// The mean gradient with the penalty: `Xᵀ(p − y)/N + l2·w`.
fn gradient(problem: &Problem, weights: &[f64]) -> Vec<f64> {
    let rows = problem.rows.len() as f64;
    let mut sums: Vec<f64> = weights.iter().map(|w| problem.l2 * w).collect();
    for (row, &positive) in problem.rows.iter().zip(&problem.positive) {
        let error = value(Activation::Sigmoid, dot(row, weights)) - f64::from(u8::from(positive));
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += error * x / rows;
        }
    }
    sums
}

/// The step to the minimum of the quadratic model, as a weighted least-squares problem (iteratively reweighted least
/// squares), and whether columns depend on each other.
fn newton_step(problem: &Problem, weights: &[f64]) -> Result<(Vec<f64>, bool)> {
    let width = weights.len();
    let rows = problem.rows.len();
    let scale = (rows as f64 * problem.l2).sqrt();
    let penalised = if problem.l2 > 0.0 { width } else { 0 };
    let mut columns = vec![Vec::with_capacity(rows + penalised); width];
    let mut target = Vec::with_capacity(rows + penalised);
    for (row, &positive) in problem.rows.iter().zip(&problem.positive) {
        let z = dot(row, weights);
        // p(1 − p) without cancellation.
        let (p, q) = (value(Activation::Sigmoid, z), value(Activation::Sigmoid, -z));
        let root = (p * q).sqrt().max(1e-150);
        for (column, x) in columns.iter_mut().zip(row) {
            column.push(root * x);
        }
        target.push(if positive { q / root } else { -p / root });
    }
    for at in 0..penalised {
        for (other, column) in columns.iter_mut().enumerate() {
            column.push(if other == at { scale } else { 0.0 });
        }
        target.push(-scale * weights[at]);
    }
    let fit = least_squares(&columns, &target)?;
    let ambiguous = fit.used.iter().any(|used| !used);
    Ok((fit.coefficients, ambiguous))
}

/// A plane among the candidates that puts every row on its side or on itself, at least one apart.
fn separation(problem: &Problem, weights: &[f64], direction: &[f64]) -> Result<Option<Separation>> {
    for candidate in [weights, direction] {
        let length = dot(candidate, candidate).sqrt();
        if length == 0.0 {
            continue;
        }
        let unit: Vec<f64> = candidate.iter().map(|w| w / length).collect();
        let margins: Vec<f64> = problem
            .rows
            .iter()
            .zip(&problem.positive)
            .map(|(row, &positive)| if positive { dot(row, &unit) } else { -dot(row, &unit) })
            .collect();
        let least = margins.iter().copied().fold(f64::INFINITY, f64::min);
        let most = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Rows within this of the plane lie on it, as far as f64 and the steps so far tell.
        let on_it = 1e-6 * most;
        if most > 0.0 && least >= -on_it {
            let losses = [1.0, 10.0, 100.0, 1000.0]
                .iter()
                .map(|&factor| {
                    let scaled: Vec<f64> = unit.iter().map(|w| factor * w).collect();
                    Ok((factor, problem.loss(&scaled)?))
                })
                .collect::<Result<_>>()?;
            let margin = if least <= on_it { 0.0 } else { least };
            return Ok(Some(Separation { direction: unit, margin, losses }));
        }
    }
    Ok(None)
}
