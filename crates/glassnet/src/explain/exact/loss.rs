//! Losses: squares and absolute values exactly, the others smoothly.

use num_traits::{One, Zero};

use super::evaluate::{Found, Step, Value};
use super::function::Function;
use super::number::{Rational, ratio, rational};
use super::polynomial::Polynomial;
use crate::error::Result;
use crate::graph::op::{Loss, PairLoss};

pub(super) fn evaluate(step: &Step<'_>, op: Loss) -> Found {
    match op {
        Loss::CrossEntropy(_) | Loss::CrossEntropyGrad(_) => step.analytic(),
        Loss::Pair(loss) => pair(step, loss),
        Loss::PairGrad { loss, operand } => pair_gradient(step, loss, operand),
    }
}

fn pair(step: &Step<'_>, loss: PairLoss) -> Found {
    match loss {
        PairLoss::Mse => step.polynomial(|operands| {
            differences(operands).iter().map(|difference| difference.times(difference)).collect()
        }),
        PairLoss::L1 | PairLoss::SmoothL1 { .. } | PairLoss::Huber { .. } => match step.exact() {
            Some(operands) => {
                let elements = differences(&operands)
                    .iter()
                    .map(|difference| robust(step, loss, difference))
                    .collect::<Result<_>>()?;
                Ok((Value::Exact(elements), false))
            }
            None => Ok((step.unknown("its kinks lie where a curve passes the target"), false)),
        },
        PairLoss::BceWithLogits => step.analytic(),
        PairLoss::KlDiv { .. } | PairLoss::PoissonNll { log_input: true, .. } if fixed(step, 1) => {
            step.analytic()
        }
        PairLoss::GaussianNll { .. } if fixed(step, 2) => step.analytic(),
        PairLoss::Bce
        | PairLoss::KlDiv { .. }
        | PairLoss::PoissonNll { .. }
        | PairLoss::GaussianNll { .. } => {
            step.constant_only("the loss takes logarithms of a value that moves")
        }
    }
}

fn fixed(step: &Step<'_>, operand: usize) -> bool {
    match step.operands.get(operand) {
        Some(Value::Exact(elements)) => elements.iter().all(Function::is_constant),
        Some(Value::Smooth(_) | Value::Unknown(_) | Value::Index(_)) | None => false,
    }
}

fn differences(operands: &[&[Function]]) -> Vec<Function> {
    operands[0].iter().zip(operands[1]).map(|(estimate, target)| estimate.minus(target)).collect()
}

/// A loss that is a parabola in the middle and straight outside.
fn robust(step: &Step<'_>, loss: PairLoss, difference: &Function) -> Result<Function> {
    let numbers = step.given.numbers;
    // (end of the parabola, its factor, the straight parts' slope)
    let (end, factor, slope) = match loss {
        PairLoss::SmoothL1 { beta } if beta > 0.0 => {
            let beta = rational(beta, numbers)?;
            (beta.clone(), ratio(1, 2) / beta, Rational::one())
        }
        PairLoss::Huber { delta } => {
            let delta = rational(delta, numbers)?;
            (delta.clone(), ratio(1, 2), delta)
        }
        PairLoss::L1
        | PairLoss::SmoothL1 { .. }
        | PairLoss::Mse
        | PairLoss::Bce
        | PairLoss::BceWithLogits
        | PairLoss::KlDiv { .. }
        | PairLoss::PoissonNll { .. }
        | PairLoss::GaussianNll { .. } => {
            return Ok(difference.split(&[Rational::zero()], |region, p| match region {
                0 => p.times_constant(&ratio(-1, 1)),
                _ => p.clone(),
            }));
        }
    };
    // Both parts meet at the end: factor·end² = slope·end − offset.
    let offset = &slope * &end - &factor * &end * &end;
    let straight = |p: &Polynomial, side: i64| {
        p.times_constant(&(&slope * ratio(side, 1))).minus(&Polynomial::constant(offset.clone()))
    };
    Ok(difference.split(&[-end.clone(), end.clone()], |region, p| match region {
        0 => straight(p, -1),
        1 => p.times(p).times_constant(&factor),
        _ => straight(p, 1),
    }))
}

/// `dy · ∂loss/∂operand`, where nothing moves.
fn pair_gradient(step: &Step<'_>, loss: PairLoss, operand: usize) -> Found {
    if !step.stands_still() {
        return Ok((step.unknown("a derivative may leap"), false));
    }
    match (loss, step.exact()) {
        (PairLoss::Mse, Some(operands)) => {
            let factor = ratio(if operand == 0 { 2 } else { -2 }, 1);
            let elements = operands[0].iter().zip(differences(&operands[1..]));
            let elements = elements.map(|(dy, d)| dy.times(&d.times_constant(&factor))).collect();
            Ok((Value::Exact(elements), false))
        }
        (
            PairLoss::Mse
            | PairLoss::L1
            | PairLoss::SmoothL1 { .. }
            | PairLoss::Huber { .. }
            | PairLoss::Bce
            | PairLoss::BceWithLogits
            | PairLoss::KlDiv { .. }
            | PairLoss::PoissonNll { .. }
            | PairLoss::GaussianNll { .. },
            _,
        ) => step.analytic(),
    }
}
