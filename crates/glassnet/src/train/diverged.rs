//! Where a training left the finite numbers.

use super::dataset::Dataset;
use super::forward::fill;
use super::program::Program;
use super::score::fill_targets;
use crate::engine::{Block, Config, Draw};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Dim, NodeId};

/// What is known about the step that failed.
pub(super) struct Failure<'a> {
    pub(super) program: &'a Program,
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
    .help("try a smaller learning rate, --clip-norm 1, or look for extreme values in the data");
    if let Some((key, value)) = broken_weight(failure.block) {
        return Ok(error.at(format!("weight {key} is {value} since the step before")));
    }
    let graph = failure.program.graph();
    let loss = failure.program.loss();
    let forward: Vec<NodeId> = graph.graph().ids().take_while(|id| *id <= loss).collect();
    let observing = Config { observe: forward.clone(), fuse: false, ..config.clone() };
    let plan = failure.program.compile(failure.rows.len(), &observing)?;
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
        let origin = graph.graph().node(id).origin();
        let mut place = format!("{origin} gives {first}");
        if by_row {
            place += &format!(" in {}", name_rows(values, failure.rows));
        }
        return Ok(error.at(place));
    }
    Ok(error)
}

fn broken_weight(block: &Block) -> Option<(String, f32)> {
    block.keys().find_map(|(key, _)| {
        let value = block.get(key)?.iter().find(|value| !value.is_finite())?;
        Some((key.to_owned(), *value))
    })
}

/// The rows of the table whose part of `values` is not finite, at most five by number.
fn name_rows(values: &[f32], rows: &[usize]) -> String {
    let width = (values.len() / rows.len().max(1)).max(1);
    let broken: Vec<usize> = rows
        .iter()
        .zip(values.chunks(width))
        .filter(|(_, values)| values.iter().any(|value| !value.is_finite()))
        .map(|(row, _)| *row)
        .collect();
    let shown: Vec<String> = broken.iter().take(5).map(usize::to_string).collect();
    let more = broken.len().saturating_sub(5);
    let noun = if broken.len() == 1 { "row" } else { "rows" };
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("training {noun} {}{tail} (counted from 0)", shown.join(", "))
}
