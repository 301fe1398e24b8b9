//! Losses and their derivatives.

use super::activation::{sigmoid, sign, softplus};
use super::gather::batch_row;
use super::{Array, floats, softmax};
use crate::error::{Error, Result};
use crate::graph::op::{CrossEntropy, Loss, LossReduction, PairLoss, Scores};
use crate::tensor::Tensor;

/// The least denominator of BCE's derivative: `torch.nn.functional.binary_cross_entropy`'s EPSILON.
const BCE_EPSILON: f64 = 1e-12;
/// The least logarithm that BCE takes.
const BCE_LOG_FLOOR: f64 = -100.0;

pub(super) fn evaluate(op: Loss, operands: &[&Array], shape: Vec<usize>) -> Result<Tensor<f64>> {
    match op {
        Loss::CrossEntropy(loss) => cross_entropy(loss, operands, shape),
        Loss::CrossEntropyGrad(loss) => {
            cross_entropy_gradient(loss, operands[0].floats()?, &operands[1..], shape)
        }
        Loss::Pair(loss) => {
            let operands = floats(operands)?;
            let values = (0..operands[0].len()).map(|at| pair(loss, Point::read(&operands, at)));
            Tensor::new(shape, values.collect())
        }
        Loss::PairGrad { loss, operand } => {
            let (dy, operands) = (operands[0].floats()?, floats(&operands[1..])?);
            let values =
                dy.data().iter().enumerate().map(|(at, dy)| {
                    dy * pair_derivative(loss, Point::read(&operands, at), operand)
                });
            Tensor::new(shape, values.collect())
        }
    }
}

/// One row of a cross-entropy.
struct Row {
    /// Logarithms of the classes' probabilities.
    logarithms: Vec<f64>,
    /// `t[c]·w[c]`, zero throughout for a row that does not count.
    targets: Vec<f64>,
    /// What the row adds to the mean's denominator.
    share: f64,
    /// Whether the row counts: its index is not the one to ignore.
    counts: bool,
}

fn rows(loss: CrossEntropy, operands: &[&Array]) -> Result<Vec<Row>> {
    let scores = operands[0].floats()?;
    let weights = operands.get(2).map(|weights| weights.floats()).transpose()?;
    let (classes, leading) = scores
        .shape()
        .split_last()
        .ok_or_else(|| Error::network("the scores of a cross-entropy have no class axis"))?;
    let count: usize = leading.iter().product();
    let weight = |class: usize| weights.map_or(1.0, |weights| weights.data()[class]);
    (0..count)
        .map(|row| {
            let scores = &scores.data()[row * classes..(row + 1) * classes];
            let logarithms = match loss.scores {
                Scores::Logits => softmax::logarithms(scores),
                Scores::LogProbabilities => scores.to_vec(),
            };
            let (shares, share) = match operands[1] {
                Array::Index(index) => match class(loss, index, row, *classes)? {
                    Some(class) => (one_hot(class, *classes), weight(class)),
                    None => {
                        let targets = vec![0.0; *classes];
                        return Ok(Row { logarithms, targets, share: 0.0, counts: false });
                    }
                },
                Array::Float(shares) => {
                    (shares.data()[row * classes..(row + 1) * classes].to_vec(), 1.0)
                }
            };
            let spread = loss.label_smoothing;
            let targets = shares.iter().enumerate().map(|(class, share)| {
                ((1.0 - spread) * share + spread / *classes as f64) * weight(class)
            });
            Ok(Row { logarithms, targets: targets.collect(), share, counts: true })
        })
        .collect()
}

fn one_hot(class: usize, classes: usize) -> Vec<f64> {
    (0..classes).map(|c| if c == class { 1.0 } else { 0.0 }).collect()
}

/// The class that a row's index names, or none when the row does not count.
fn class(
    loss: CrossEntropy,
    index: &Tensor<i64>,
    row: usize,
    classes: usize,
) -> Result<Option<usize>> {
    let value = index.data()[row];
    if value == loss.ignore_index {
        return Ok(None);
    }
    match usize::try_from(value) {
        Ok(class) if class < classes => Ok(Some(class)),
        Ok(_) | Err(_) => Err(Error::data(format!(
            "row {}: target {value} is out of bounds, there are {classes} classes",
            batch_row(index.shape(), row)
        ))
        .help(format!(
            "give class indices from 0 to {}, or {} for rows that do not count",
            classes.max(1) - 1,
            loss.ignore_index
        ))),
    }
}

fn cross_entropy(
    loss: CrossEntropy,
    operands: &[&Array],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let rows = rows(loss, operands)?;
    let losses: Vec<f64> = rows.iter().map(row_loss).collect();
    let data = match loss.reduction {
        LossReduction::None => losses,
        LossReduction::Sum => vec![sum(losses)],
        LossReduction::Mean => vec![sum(losses) / sum(rows.iter().map(|row| row.share))],
    };
    Tensor::new(shape, data)
}

/// `−Σ t·w·log p`; a class without a part in the target adds nothing, even where its logarithm is −∞.
fn row_loss(row: &Row) -> f64 {
    let terms = row.targets.iter().zip(&row.logarithms);
    sum(terms.map(|(&target, &log)| if target == 0.0 { 0.0 } else { -target * log }))
}

fn cross_entropy_gradient(
    loss: CrossEntropy,
    dy: &Tensor<f64>,
    operands: &[&Array],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let rows = rows(loss, operands)?;
    let denominator = sum(rows.iter().map(|row| row.share));
    let mut data = Vec::with_capacity(operands[0].shape().iter().product());
    for (index, row) in rows.iter().enumerate() {
        let scale = match loss.reduction {
            LossReduction::None => dy.data()[index],
            LossReduction::Sum => dy.data()[0],
            LossReduction::Mean => dy.data()[0] / denominator,
        };
        let total = sum(row.targets.iter().copied());
        data.extend(row.targets.iter().zip(&row.logarithms).map(|(&target, &log)| {
            let slope = match loss.scores {
                // p·T − T for a single class, without cancellation as p nears 1.
                Scores::Logits if target == total => total * libm::expm1(log),
                Scores::Logits => libm::exp(log) * total - target,
                Scores::LogProbabilities => -target,
            };
            // Where no row counts, the mean's scale is infinite; the rows' derivative is 0 all the same.
            if row.counts { scale * slope } else { 0.0 }
        }));
    }
    Tensor::new(shape, data)
}

/// From +0, so that the sum over nothing is not −0.
fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |sum, value| sum + value)
}

/// The operands of an elementwise loss at one element.
#[derive(Clone, Copy)]
struct Point {
    estimate: f64,
    target: f64,
    /// The positive weight or the variance; 1 where it is not given.
    third: f64,
}

impl Point {
    fn read(operands: &[&Tensor<f64>], at: usize) -> Self {
        Point {
            estimate: operands[0].data()[at],
            target: operands[1].data()[at],
            third: operands.get(2).map_or(1.0, |third| third.data()[at]),
        }
    }
}

fn pair(loss: PairLoss, Point { estimate: p, target: t, third }: Point) -> f64 {
    let d = p - t;
    match loss {
        PairLoss::Mse => d * d,
        PairLoss::L1 => d.abs(),
        PairLoss::SmoothL1 { beta } => {
            if d.abs() < beta {
                0.5 * d * d / beta
            } else {
                d.abs() - 0.5 * beta
            }
        }
        PairLoss::Huber { delta } => {
            if d.abs() <= delta {
                0.5 * d * d
            } else {
                delta * (d.abs() - 0.5 * delta)
            }
        }
        PairLoss::Bce => -t * floored(libm::log(p)) - (1.0 - t) * floored(libm::log1p(-p)),
        // The same as the documented form, without its cancellation where p is far below 0.
        PairLoss::BceWithLogits => (1.0 - t) * softplus(p) + third * t * softplus(-p),
        PairLoss::KlDiv { log_target: true } => libm::exp(t) * (t - p),
        PairLoss::KlDiv { log_target: false } => x_log_x(t) - t * p,
        PairLoss::PoissonNll { log_input, full, eps } => {
            let loss = if log_input { libm::exp(p) - t * p } else { p - t * libm::log(p + eps) };
            if full && t > 1.0 { loss + stirling(t) } else { loss }
        }
        PairLoss::GaussianNll { full, eps } => {
            let v = least(third, eps);
            let loss = 0.5 * (libm::log(v) + d * d / v);
            if full { loss + 0.5 * libm::log(std::f64::consts::TAU) } else { loss }
        }
    }
}

/// `∂loss/∂operand` at one element.
fn pair_derivative(
    loss: PairLoss,
    Point { estimate: p, target: t, third }: Point,
    operand: usize,
) -> f64 {
    let d = p - t;
    // Losses of the difference alone pull the target as they push the estimate.
    let difference = |slope: f64| if operand == 0 { slope } else { -slope };
    match loss {
        PairLoss::Mse => difference(2.0 * d),
        PairLoss::L1 => difference(sign(d)),
        PairLoss::SmoothL1 { beta } => difference(if d.abs() < beta { d / beta } else { sign(d) }),
        PairLoss::Huber { delta } => difference(if d.abs() <= delta { d } else { delta * sign(d) }),
        PairLoss::Bce => match operand {
            0 => d / least(p * (1.0 - p), BCE_EPSILON),
            _ => floored(libm::log1p(-p)) - floored(libm::log(p)),
        },
        PairLoss::BceWithLogits => match operand {
            0 => (1.0 - t) * sigmoid(p) - third * t * sigmoid(-p),
            1 => third * softplus(-p) - softplus(p),
            _ => t * softplus(-p),
        },
        PairLoss::KlDiv { log_target: true } => match operand {
            0 => -libm::exp(t),
            _ => libm::exp(t) * (t - p + 1.0),
        },
        PairLoss::KlDiv { log_target: false } => match operand {
            0 => -t,
            _ => libm::log(t) + 1.0 - p,
        },
        PairLoss::PoissonNll { log_input, full, eps } => match (operand, log_input) {
            (0, true) => libm::exp(p) - t,
            (0, false) => 1.0 - t / (p + eps),
            (_, log_input) => {
                let log_rate = if log_input { p } else { libm::log(p + eps) };
                let stirling = if full && t > 1.0 { libm::log(t) + 0.5 / t } else { 0.0 };
                stirling - log_rate
            }
        },
        PairLoss::GaussianNll { eps, .. } => {
            let v = least(third, eps);
            match operand {
                0 | 1 => difference(d / v),
                _ => 0.5 * (1.0 / v - d * d / (v * v)),
            }
        }
    }
}

fn floored(logarithm: f64) -> f64 {
    least(logarithm, BCE_LOG_FLOOR)
}

/// `value`, at least `bound`; NaN stays NaN.
fn least(value: f64, bound: f64) -> f64 {
    if value < bound { bound } else { value }
}

/// `x·ln x`, 0 at 0.
fn x_log_x(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x * libm::log(x) }
}

/// `t·ln t − t + ½·ln(2πt)`, about ln t!.
fn stirling(t: f64) -> f64 {
    t * libm::log(t) - t + 0.5 * libm::log(std::f64::consts::TAU * t)
}
