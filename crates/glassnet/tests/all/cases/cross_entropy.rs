//! Cross-entropy: scores, reductions, class weights, smoothing, both sorts of target, rows that do not count.

use glassnet::Result;
use glassnet::graph::NodeId;
use glassnet::graph::op::{CrossEntropy, Loss, LossReduction, Scores};

use super::shape;
use crate::bench::{Bench, Case};

const CLASSES: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Target {
    Index,
    IndexSomeIgnored,
    IndexAllIgnored,
    Probabilities,
    OneHot,
}

const TARGETS: [Target; 5] = [
    Target::Index,
    Target::IndexSomeIgnored,
    Target::IndexAllIgnored,
    Target::Probabilities,
    Target::OneHot,
];

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for scores in [Scores::Logits, Scores::LogProbabilities] {
        for reduction in [LossReduction::Mean, LossReduction::Sum, LossReduction::None] {
            for label_smoothing in [0.0, 0.1, 1.0] {
                for target in TARGETS {
                    for weights in [false, true] {
                        let loss =
                            CrossEntropy { scores, reduction, label_smoothing, ignore_index: -100 };
                        cases.push(case(loss, target, weights, &[0], 5)?);
                    }
                }
            }
        }
    }
    for reduction in [LossReduction::Mean, LossReduction::Sum, LossReduction::None] {
        let loss = CrossEntropy { reduction, ignore_index: 2, ..CrossEntropy::default() };
        for (rows, batch) in [(&[][..], 1), (&[0, 3], 2), (&[0], 1), (&[0], 300)] {
            for target in TARGETS {
                cases.push(case(loss, target, true, rows, batch)?);
            }
        }
    }
    cases.push(of_zero_weight()?);
    cases.push(of_large_scores()?);
    Ok(cases)
}

fn case(
    loss: CrossEntropy,
    target: Target,
    weights: bool,
    rows: &[usize],
    batch: usize,
) -> Result<Case> {
    let name = format!("{loss:?}, {target:?}, weights {weights}, rows {rows:?} at {batch}");
    let mut bench = Bench::new(name, batch);
    if matches!(target, Target::IndexAllIgnored) || rows.is_empty() {
        bench = bench.on_kinks();
    }
    let range = match loss.scores {
        Scores::Logits => (-3.0, 3.0),
        Scores::LogProbabilities => (-3.0, -0.25),
    };
    let count: usize = shape(rows).elements(batch).unwrap_or(0);
    let with_classes = shape(&[rows, &[CLASSES]].concat());
    let scores = bench.input(with_classes.clone(), range)?;
    let ignored = |row: usize| match target {
        Target::IndexSomeIgnored => row % 3 == 1,
        Target::IndexAllIgnored => true,
        Target::Index | Target::Probabilities | Target::OneHot => false,
    };
    let target: NodeId = match target {
        Target::Index | Target::IndexSomeIgnored | Target::IndexAllIgnored => {
            let classes = (0..count).map(|row| match ignored(row) {
                true => loss.ignore_index,
                false => bench.numbers.below(CLASSES) as i64,
            });
            let classes = classes.collect();
            bench.indices(shape(rows), classes)?
        }
        Target::Probabilities => bench.held(with_classes, (0.0, 0.5))?,
        Target::OneHot => {
            let one = |at: usize| if at % CLASSES == at / CLASSES % CLASSES { 1.0 } else { 0.0 };
            bench.fixed(with_classes, (0..count * CLASSES).map(one).collect())?
        }
    };
    let mut operands = vec![scores, target];
    if weights {
        operands.push(bench.held(shape(&[CLASSES]), (0.25, 2.0))?);
    }
    let value = bench.builder.loss(Loss::CrossEntropy(loss), &operands)?;
    bench.finish(value)
}

/// Only rows of a class that weighs nothing: the mean is 0/0, its gradient nothing.
fn of_zero_weight() -> Result<Case> {
    let mut bench = Bench::new("cross-entropy of rows that weigh nothing", 2).on_kinks();
    let scores = bench.input(shape(&[0, 2]), (-1.0, 1.0))?;
    let target = bench.indices(shape(&[0]), vec![1, 1])?;
    let weights = bench.fixed(shape(&[2]), vec![1.0, 0.0])?;
    let loss = Loss::CrossEntropy(CrossEntropy::default());
    let value = bench.builder.loss(loss, &[scores, target, weights])?;
    bench.finish(value)
}

/// Scores whose exponentials overflow, and classes that are impossible.
fn of_large_scores() -> Result<Case> {
    let mut bench = Bench::new("cross-entropy of large scores", 3).on_kinks();
    let scores = vec![1000.0, 0.0, -1000.0, f32::NEG_INFINITY, 1.0, 2.0, 88.0, 89.0, 90.0];
    let scores = bench.given(shape(&[0, 3]), scores)?;
    let target = bench.indices(shape(&[0]), vec![0, 1, 0])?;
    let value =
        bench.builder.loss(Loss::CrossEntropy(CrossEntropy::default()), &[scores, target])?;
    bench.finish(value)
}
