//! Derivatives of losses: one operation each, as the kernels compute them.

use super::{Contributions, Step, second};
use crate::error::{Error, Result};
use crate::graph::Builder;
use crate::graph::op::{Loss, PairLoss};

pub(super) fn differentiate(b: &mut Builder, op: Loss, step: &Step<'_>) -> Result<Contributions> {
    let with_dy = || [&[step.dy], step.operands].concat();
    let mut contributions = vec![None; step.operands.len()];
    match op {
        Loss::CrossEntropy(loss) => {
            if step.wanted[1..].contains(&true) {
                return Err(no_gradient_towards("cross_entropy", "its target or class weights"));
            }
            contributions[0] = Some(b.loss(Loss::CrossEntropyGrad(loss), &with_dy())?);
        }
        Loss::Pair(loss) => {
            for operand in 0..step.operands.len() {
                if step.wanted[operand] {
                    has_gradient(loss, operand)?;
                    contributions[operand] =
                        Some(b.loss(Loss::PairGrad { loss, operand }, &with_dy())?);
                }
            }
        }
        Loss::CrossEntropyGrad(loss) => return second::cross_entropy(b, loss, step),
        Loss::PairGrad { loss, operand } => return second::pair(b, loss, operand, step),
    }
    Ok(contributions)
}

/// Which operands of an elementwise loss it can be differentiated towards.
fn has_gradient(loss: PairLoss, operand: usize) -> Result<()> {
    let known = match loss {
        PairLoss::Mse
        | PairLoss::L1
        | PairLoss::SmoothL1 { .. }
        | PairLoss::Huber { .. }
        | PairLoss::GaussianNll { .. } => true,
        PairLoss::Bce
        | PairLoss::BceWithLogits
        | PairLoss::KlDiv { .. }
        | PairLoss::PoissonNll { .. } => operand == 0,
    };
    if known { Ok(()) } else { Err(no_gradient_towards("this loss", "its target")) }
}

pub(super) fn no_gradient_towards(loss: &str, what: &str) -> Error {
    Error::unsupported(loss, "grad", &format!("it has no gradient towards {what}"))
}
