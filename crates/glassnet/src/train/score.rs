//! Measuring a network on a table: the training's loss and the metrics that apply.

use super::dataset::{Dataset, Target};
use super::metrics::{self, Confusion, Metrics};
use crate::engine::{self, Block, Draw, Memory, Plan};
use crate::error::{Error, Result};
use crate::graph::{Builder, DType, Shape};
use crate::nn::loss::{Criterion, LossOperands};
use crate::tensor::Tensor;

/// The loss of a whole table at once, compiled for its number of rows.
#[derive(Clone, Debug)]
pub struct Scorer {
    plan: Plan,
    memory: Memory,
    block: Block,
}

impl Scorer {
    /// Prepares `criterion` for outputs of shape `output` (without the batch) on the rows of `data`.
    ///
    /// # Errors
    /// When outputs and targets do not fit the loss.
    pub fn new(
        criterion: &Criterion,
        output: &[usize],
        data: &Dataset,
        config: &engine::Config,
    ) -> Result<Self> {
        let mut builder = Builder::new();
        let estimate =
            builder.input("estimate", DType::F32, Shape::batch(output.iter().copied()))?;
        let target = match data.target() {
            Target::Classes(_) => builder.input("y", DType::I64, Shape::batch([]))?,
            Target::Values(values) => {
                builder.input("y", DType::F32, Shape::batch(values.shape()[1..].iter().copied()))?
            }
        };
        let sample_weight = match data.weights() {
            Some(_) => Some(builder.input("weight", DType::F32, Shape::batch([]))?),
            None => None,
        };
        let operands = LossOperands { variance: None, sample_weight };
        let loss = criterion.lower(&mut builder, estimate, target, &operands)?;
        let graph = builder.finish_checked();
        let mut block = Block::for_graph(&graph);
        for (key, values) in criterion.buffers() {
            if let Some(place) = block.get_mut(key) {
                place
                    .iter_mut()
                    .zip(values.data())
                    .for_each(|(place, &value)| *place = value as f32);
            }
        }
        let plan = Plan::compile(&graph, &[loss], data.rows(), config)?;
        let mut memory = plan.memory();
        fill_targets(&plan, &mut memory, data, None);
        Ok(Scorer { plan, memory, block })
    }

    /// The loss of `outputs`, one row per row of the data.
    ///
    /// # Errors
    /// When their number differs, or a class does not exist.
    pub fn loss(&mut self, outputs: &Tensor<f32>) -> Result<f64> {
        if let Some(place) = self.plan.input("estimate") {
            let estimate = self.memory.floats_mut(place);
            if estimate.len() != outputs.len() {
                return Err(Error::data(format!(
                    "{} outputs where {} are expected",
                    outputs.len(),
                    estimate.len()
                )));
            }
            estimate.copy_from_slice(outputs.data());
        }
        self.plan.run(&self.block, &mut self.memory, Draw::default())?;
        Ok(f64::from(self.plan.results(&self.memory)[0]))
    }
}

/// Copies the targets and weights of `rows` (all without them) to the plan's inputs `y` and `weight`.
pub(crate) fn fill_targets(
    plan: &Plan,
    memory: &mut Memory,
    data: &Dataset,
    rows: Option<&[usize]>,
) {
    use super::dataset::gather;
    let all: Vec<usize>;
    let rows = match rows {
        Some(rows) => rows,
        None => {
            all = (0..data.rows()).collect();
            &all
        }
    };
    if let Some(place) = plan.input("y") {
        match data.target() {
            Target::Classes(classes) => gather(classes, 1, rows, memory.indices_mut(place)),
            Target::Values(values) => {
                let width = values.shape().iter().skip(1).product();
                gather(values.data(), width, rows, memory.floats_mut(place));
            }
        }
    }
    if let (Some(place), Some(weights)) = (plan.input("weight"), data.weights()) {
        gather(weights, 1, rows, memory.floats_mut(place));
    }
}

/// The metrics that need no units: for classes all of them, over the rows whose class is not `ignored`; for numbers R²
/// alone.
pub(super) fn unitless(
    outputs: &Tensor<f32>,
    target: &Target,
    ignored: Option<i64>,
) -> Result<(Metrics, Option<Confusion>)> {
    match target {
        Target::Classes(classes) if outputs.shape().len() == 2 => {
            let measured = match ignored.filter(|ignored| classes.contains(ignored)) {
                Some(ignored) => {
                    let (outputs, classes) = without(outputs, classes, ignored)?;
                    metrics::classification(&outputs, &classes)
                }
                None => metrics::classification(outputs, classes),
            };
            measured.map(|(metrics, confusion)| (metrics, Some(confusion)))
        }
        Target::Values(values) if outputs.shape() == values.shape() => {
            let r2 = metrics::regression(outputs, values)?.r2;
            Ok((Metrics { r2, ..Metrics::default() }, None))
        }
        Target::Classes(_) | Target::Values(_) => Ok((Metrics::default(), None)),
    }
}

/// The rows whose class is not `ignored`.
fn without(
    outputs: &Tensor<f32>,
    classes: &[i64],
    ignored: i64,
) -> Result<(Tensor<f32>, Vec<i64>)> {
    let kept: Vec<usize> = (0..classes.len()).filter(|&row| classes[row] != ignored).collect();
    let scores = kept.iter().flat_map(|&row| outputs.row(row)).copied().collect();
    let outputs = Tensor::new([kept.len(), outputs.shape()[1]], scores)?;
    Ok((outputs, kept.into_iter().map(|row| classes[row]).collect()))
}

/// Checks that two tables have targets of one sort.
pub(super) fn targets_fit(training: &Dataset, validation: &Dataset) -> Result<()> {
    let alike = match (training.target(), validation.target()) {
        (Target::Classes(_), Target::Classes(_)) => true,
        (Target::Values(a), Target::Values(b)) => a.shape()[1..] == b.shape()[1..],
        (Target::Classes(_), Target::Values(_)) | (Target::Values(_), Target::Classes(_)) => false,
    };
    if alike {
        Ok(())
    } else {
        Err(Error::data("training and validation have different sorts of targets"))
    }
}
