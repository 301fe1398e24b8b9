//! Where a training left the finite numbers.

use super::dataset::{Dataset, Target};
use super::forward::fill;
use super::program::{Program, ignore_index};
use super::score::fill_targets;
use crate::engine::{Block, Config, Draw};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::Source;
use crate::graph::{Dim, Node, NodeId, Op};
use crate::nn::loss::Criterion;
use crate::tensor::Tensor;

const HELP: &str =
    "try a smaller learning rate, clip gradients, or look for extreme values in the data";

/// What is known about the step that failed.
pub(super) struct Failure<'a> {
    pub(super) program: &'a Program,
    pub(super) criterion: &'a Criterion,
    pub(super) block: &'a Block,
    pub(super) data: &'a Dataset,
    pub(super) rows: &'a [usize],
    pub(super) draw: Draw,
    pub(super) epoch: usize,
    pub(super) loss: f32,
}

/// Runs the step again with every value observed and names the first that is not finite: a weight, or a layer's output
/// with the rows concerned.
pub(super) fn explain(failure: &Failure<'_>, config: &Config) -> Result<Error> {
    let step = failure.draw.step + 1;
    let error = Error::new(
        ErrorKind::Numeric,
        format!(
            "the training diverged: the loss is {} at step {step} (epoch {})",
            failure.loss, failure.epoch
        ),
    )
    .help(HELP);
    if let Some((key, value)) = broken_weight(failure.block) {
        let since = if failure.draw.step == 0 { "from the start" } else { "since the step before" };
        return Ok(error.at(format!("weight {key} is {value} {since}")));
    }
    if let Some(why) = nothing_counts(failure) {
        return Ok(Error::data(why)
            .at(format!(
                "step {step} (epoch {}), {}",
                failure.epoch,
                failure.data.name_rows("training", failure.rows)
            ))
            .help("leave such rows out, or make batches larger"));
    }
    let graph = failure.program.graph();
    let loss = failure.program.loss();
    let forward: Vec<NodeId> = graph.graph().ids().take_while(|id| *id <= loss).collect();
    let observing = Config { observe: forward.clone(), fuse: false, ..config.clone() };
    let plan = failure.program.compile(failure.rows.len(), &observing, false)?;
    let mut memory = plan.memory();
    fill(&plan, &mut memory, failure.data.features(), failure.rows);
    fill_targets(&plan, &mut memory, failure.data, Some(failure.rows));
    plan.run(failure.block, &mut memory, failure.draw)?;
    for id in forward {
        let Some(place) = plan.place(id) else { continue };
        let values = memory.floats(place);
        let broken = |value: &&f32| !value.is_finite();
        let Some(&first) = values.iter().find(broken) else { continue };
        let by_row = graph.shape(id).dims().first() == Some(&Dim::Batch);
        let node = graph.graph().node(id);
        let mut place = format!("{} {first}", giver(node));
        if by_row {
            place += &format!(
                " in {}",
                failure.data.name_rows("training", &rows_not_finite(values, failure.rows))
            );
        }
        return Ok(error.at(place));
    }
    Ok(error)
}

/// What the value of `node` is called, with its verb.
fn giver(node: &Node) -> String {
    if let Op::Source(Source::Input { name, .. }) = node.op() {
        match name.as_str() {
            "x" => return "the features hold".to_owned(),
            "y" => return "the targets hold".to_owned(),
            _ => {}
        }
    }
    format!("{} gives", node.origin())
}

/// The error of a validation loss that is not finite, with the rows whose outputs are not.
pub(super) fn validation(data: &Dataset, outputs: &Tensor<f32>, loss: f64) -> Error {
    let rows = outputs.shape().first().copied().unwrap_or(0);
    let broken = rows_not_finite(outputs.data(), &(0..rows).collect::<Vec<usize>>());
    let error = Error::new(ErrorKind::Numeric, format!("the validation loss is {loss}")).help(HELP);
    if broken.is_empty() {
        return error.at("all outputs are finite, so the targets or their loss are not");
    }
    error.at(format!(
        "the network's output is not finite in {}",
        data.name_rows("validation", &broken)
    ))
}

/// Why the batch's mean is 0/0, if it is.
fn nothing_counts(failure: &Failure<'_>) -> Option<&'static str> {
    let weightless = |weights: &[f32]| failure.rows.iter().all(|&row| weights[row] == 0.0);
    if failure.data.weights().is_some_and(weightless) {
        return Some("all rows of a batch have weight 0, so that their mean loss is 0/0");
    }
    let ignored = ignore_index(failure.criterion)?;
    let Target::Classes(classes) = failure.data.target() else { return None };
    let nothing = failure.rows.iter().all(|&row| classes[row] == ignored);
    nothing.then_some(
        "all rows of a batch have the class ignore_index, so that their mean loss is 0/0",
    )
}

/// The error of weights that are no longer finite after `step` steps; `None` while all are.
pub(super) fn weights(block: &Block, step: u64, epoch: usize) -> Option<Error> {
    let (key, value) = broken_weight(block)?;
    let what =
        format!("the training diverged: weight {key} is {value} after step {step} (epoch {epoch})");
    Some(Error::new(ErrorKind::Numeric, what).help(HELP))
}

fn broken_weight(block: &Block) -> Option<(String, f32)> {
    block.keys().find_map(|(key, _)| {
        let value = block.get(key)?.iter().find(|value| !value.is_finite())?;
        Some((key.to_owned(), *value))
    })
}

/// The rows whose part of `values` is not finite.
fn rows_not_finite(values: &[f32], rows: &[usize]) -> Vec<usize> {
    let width = (values.len() / rows.len().max(1)).max(1);
    rows.iter()
        .zip(values.chunks(width))
        .filter(|(_, values)| values.iter().any(|value| !value.is_finite()))
        .map(|(row, _)| *row)
        .collect()
}
