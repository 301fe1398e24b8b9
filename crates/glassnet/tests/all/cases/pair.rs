//! Every elementwise loss, towards every operand that has a gradient.

use glassnet::Result;
use glassnet::graph::op::{Loss, PairLoss};

use super::shape;
use crate::bench::{Bench, Case};

const SIGNED: (f32, f32) = (-2.0, 2.0);
const SHARE: (f32, f32) = (0.05, 0.95);
const POSITIVE: (f32, f32) = (0.25, 4.0);

/// How an operand is filled, and whether the loss is differentiated towards it.
#[derive(Clone, Copy)]
enum Operand {
    Moved((f32, f32)),
    Held((f32, f32)),
}

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for loss in losses() {
        for (index, operands) in operands(loss).into_iter().enumerate() {
            let mut bench = Bench::new(format!("{loss:?}, operands {index}"), 7);
            let mut ids = vec![];
            for operand in operands {
                ids.push(match operand {
                    Operand::Moved(range) => bench.input(shape(&[0, 5]), range)?,
                    Operand::Held(range) => bench.held(shape(&[0, 5]), range)?,
                });
            }
            let value = bench.builder.loss(Loss::Pair(loss), &ids)?;
            cases.push(bench.finish(value)?);
        }
        cases.push(at_edges(loss)?);
    }
    Ok(cases)
}

/// Every loss with every attribute that changes what it does.
fn losses() -> Vec<PairLoss> {
    let mut losses = vec![PairLoss::Mse, PairLoss::L1, PairLoss::Bce, PairLoss::BceWithLogits];
    losses.extend([0.0, 0.25, 1.0, 5.0].map(|beta| PairLoss::SmoothL1 { beta }));
    losses.extend([0.25, 1.0, 5.0].map(|delta| PairLoss::Huber { delta }));
    losses.extend([true, false].map(|log_target| PairLoss::KlDiv { log_target }));
    for full in [true, false] {
        for log_input in [true, false] {
            losses.extend([1e-8, 0.25].map(|eps| PairLoss::PoissonNll { log_input, full, eps }));
        }
        losses.extend([1e-6, 0.125].map(|eps| PairLoss::GaussianNll { full, eps }));
    }
    losses
}

/// The sorts of operands that a loss takes.
fn operands(loss: PairLoss) -> Vec<Vec<Operand>> {
    use Operand::{Held, Moved};
    match loss {
        PairLoss::Mse | PairLoss::L1 | PairLoss::SmoothL1 { .. } | PairLoss::Huber { .. } => {
            vec![vec![Moved(SIGNED), Moved(SIGNED)]]
        }
        PairLoss::Bce => vec![vec![Moved(SHARE), Held(SHARE)]],
        PairLoss::BceWithLogits => vec![
            vec![Moved(SIGNED), Held(SHARE)],
            vec![Moved((-20.0, 20.0)), Held(SHARE)],
            vec![Moved(SIGNED), Held(SHARE), Held(POSITIVE)],
        ],
        PairLoss::KlDiv { log_target: true } => vec![vec![Moved(SIGNED), Held((-3.0, 0.0))]],
        PairLoss::KlDiv { log_target: false } => vec![vec![Moved((-3.0, 0.0)), Held(SHARE)]],
        PairLoss::PoissonNll { log_input: true, .. } => vec![vec![Moved(SIGNED), Held(POSITIVE)]],
        PairLoss::PoissonNll { log_input: false, .. } => {
            vec![vec![Moved(POSITIVE), Held(POSITIVE)]]
        }
        PairLoss::GaussianNll { .. } => vec![vec![Moved(SIGNED), Moved(SIGNED), Moved(POSITIVE)]],
    }
}

/// Where formulas change: equal operands, the ends of squares, certain predictions, targets of 0 and 1.
fn at_edges(loss: PairLoss) -> Result<Case> {
    let (p, t): (Vec<f32>, Vec<f32>) = match loss {
        PairLoss::Mse | PairLoss::L1 | PairLoss::SmoothL1 { .. } | PairLoss::Huber { .. } => {
            let p = vec![0.0, 1.0, 0.25, -0.25, 1.0, -1.0, 5.0, -0.0, 100.0];
            (p, vec![0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        }
        PairLoss::Bce => (vec![0.0, 1.0, 0.0, 1.0, 0.5], vec![0.0, 1.0, 1.0, 0.0, 1.0]),
        PairLoss::BceWithLogits => {
            (vec![0.0, 100.0, -100.0, 100.0, -100.0], vec![0.5, 1.0, 0.0, 0.0, 1.0])
        }
        PairLoss::KlDiv { .. } => (vec![-1.0, -2.0, 0.0], vec![0.0, 1.0, 0.5]),
        PairLoss::PoissonNll { .. } => (vec![0.5, 2.0, 1.0, 3.0], vec![0.0, 1.0, 2.0, 50.0]),
        PairLoss::GaussianNll { .. } => (vec![0.0, 1.0, 2.0], vec![0.0, 0.0, 5.0]),
    };
    let mut bench = Bench::new(format!("{loss:?} at its edges"), 1).on_kinks();
    let len = p.len();
    let p = bench.given([len], p)?;
    let t = bench.fixed([len], t)?;
    let mut operands = vec![p, t];
    if matches!(loss, PairLoss::GaussianNll { .. }) {
        operands.push(bench.given([len], vec![0.125, 0.0625, 3.0])?);
    }
    let value = bench.builder.loss(Loss::Pair(loss), &operands)?;
    bench.finish(value)
}
