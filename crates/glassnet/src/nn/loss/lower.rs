//! Losses as nodes of a graph.

use super::{
    BCELoss, BCEWithLogitsLoss, Criterion, KLDivReduction, LossReduction, POS_WEIGHT, WEIGHT,
};
use crate::error::{Error, Result};
use crate::graph::op::{CrossEntropy, Layout, Loss, PairLoss, Reduction, Scores};
use crate::graph::{Builder, DType, Dim, NodeId, Shape};
use crate::tensor::Tensor;

/// What a loss may take besides estimate and target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossOperands {
    /// The variance, for `GaussianNLLLoss` only: of the estimate's shape, or with its last axis of length 1 or missing.
    pub variance: Option<NodeId>,
    /// A weight for each row, as long as the estimate's first axis.
    pub sample_weight: Option<NodeId>,
}

/// How per-element losses become the result.
#[derive(Clone, Copy)]
enum Ending {
    None,
    Sum,
    Mean,
    /// The sum divided by the number of rows.
    BatchMean,
}

impl From<LossReduction> for Ending {
    fn from(reduction: LossReduction) -> Self {
        match reduction {
            LossReduction::None => Ending::None,
            LossReduction::Sum => Ending::Sum,
            LossReduction::Mean => Ending::Mean,
        }
    }
}

impl From<KLDivReduction> for Ending {
    fn from(reduction: KLDivReduction) -> Self {
        match reduction {
            KLDivReduction::None => Ending::None,
            KLDivReduction::Sum => Ending::Sum,
            KLDivReduction::Mean => Ending::Mean,
            KLDivReduction::BatchMean => Ending::BatchMean,
        }
    }
}

pub(super) fn lower(
    criterion: &Criterion,
    builder: &mut Builder,
    estimate: NodeId,
    target: NodeId,
    operands: &LossOperands,
) -> Result<NodeId> {
    let gaussian = matches!(criterion, Criterion::GaussianNLLLoss(_));
    if operands.variance.is_some() && !gaussian {
        return Err(Error::network(format!("{} takes no variance", criterion.name())));
    }
    let rows = sample_weight(builder, estimate, operands.sample_weight)?;
    let mut pair = Pair { name: criterion.name(), builder, estimate, target, third: None, rows };
    match criterion {
        Criterion::CrossEntropyLoss(loss) => {
            let op = CrossEntropy {
                scores: Scores::Logits,
                reduction: loss.reduction,
                label_smoothing: loss.label_smoothing,
                ignore_index: loss.ignore_index,
            };
            cross_entropy(builder, op, loss.weight.as_ref(), estimate, target, rows)
        }
        Criterion::NLLLoss(loss) => {
            let op = CrossEntropy {
                scores: Scores::LogProbabilities,
                reduction: loss.reduction,
                label_smoothing: 0.0,
                ignore_index: loss.ignore_index,
            };
            cross_entropy(builder, op, loss.weight.as_ref(), estimate, target, rows)
        }
        Criterion::MSELoss(loss) => pair.lower(PairLoss::Mse, None, loss.reduction),
        Criterion::L1Loss(loss) => pair.lower(PairLoss::L1, None, loss.reduction),
        Criterion::SmoothL1Loss(loss) => {
            pair.lower(PairLoss::SmoothL1 { beta: loss.beta }, None, loss.reduction)
        }
        Criterion::HuberLoss(loss) => {
            pair.lower(PairLoss::Huber { delta: loss.delta }, None, loss.reduction)
        }
        Criterion::BCELoss(BCELoss { weight, reduction }) => {
            pair.lower(PairLoss::Bce, weight.as_ref(), *reduction)
        }
        Criterion::BCEWithLogitsLoss(BCEWithLogitsLoss { weight, reduction, pos_weight }) => {
            pair.third = pos_weight.as_ref().map(|w| pair.pos_weight(w)).transpose()?;
            pair.lower(PairLoss::BceWithLogits, weight.as_ref(), *reduction)
        }
        Criterion::KLDivLoss(loss) => {
            let op = PairLoss::KlDiv { log_target: loss.log_target };
            pair.lower(op, None, loss.reduction)
        }
        Criterion::PoissonNLLLoss(loss) => {
            let (log_input, full, eps) = (loss.log_input, loss.full, loss.eps);
            pair.lower(PairLoss::PoissonNll { log_input, full, eps }, None, loss.reduction)
        }
        Criterion::GaussianNLLLoss(loss) => {
            let variance = operands.variance.ok_or_else(|| {
                Error::network("GaussianNLLLoss wants the variance as a third operand")
            })?;
            pair.third = Some(pair.variance(variance)?);
            let op = PairLoss::GaussianNll { full: loss.full, eps: loss.eps };
            pair.lower(op, None, loss.reduction)
        }
    }
}

/// The row weights, once their shape is checked.
fn sample_weight(
    builder: &Builder,
    estimate: NodeId,
    weight: Option<NodeId>,
) -> Result<Option<NodeId>> {
    let Some(weight) = weight else { return Ok(None) };
    let (rows, found) = (builder.shape(estimate).dims().first(), builder.type_of(weight));
    match rows {
        Some(&rows) if found.shape == Shape::from([rows]) && found.dtype.is_float() => {
            Ok(Some(weight))
        }
        Some(rows) => Err(Error::network(format!(
            "the sample weights are {found}, expected floats of shape [{rows}], one for each row"
        ))),
        None => Err(Error::network("a loss of one scalar has no rows to weigh")),
    }
}

/// An elementwise loss on its way into the graph.
struct Pair<'a> {
    name: &'static str,
    builder: &'a mut Builder,
    estimate: NodeId,
    target: NodeId,
    third: Option<NodeId>,
    rows: Option<NodeId>,
}

impl Pair<'_> {
    fn lower(
        &mut self,
        op: PairLoss,
        weight: Option<&Tensor<f64>>,
        ending: impl Into<Ending>,
    ) -> Result<NodeId> {
        self.same_shape()?;
        let operands: Vec<NodeId> =
            [Some(self.estimate), Some(self.target), self.third].into_iter().flatten().collect();
        let mut loss = self.builder.loss(Loss::Pair(op), &operands)?;
        if let Some(weight) = weight {
            let shape = self.builder.shape(loss).clone();
            let weight = buffer_for(self.builder, WEIGHT, weight, &shape)?;
            loss = self.builder.mul(loss, weight)?;
        }
        end(self.builder, loss, ending.into(), self.rows)
    }

    /// PyTorch broadcasts some of these losses with a warning; `[B]` against `[B, 1]` would then be a silent `[B, B]`.
    fn same_shape(&self) -> Result<()> {
        let (estimate, target) =
            (self.builder.type_of(self.estimate), self.builder.type_of(self.target));
        if !target.dtype.is_float() {
            return Err(Error::network(format!(
                "{} wants floats as its target, found {target}",
                self.name
            )));
        }
        if estimate.shape != target.shape {
            return Err(Error::network(format!(
                "target size ({}) must be the same as input size ({})",
                target.shape, estimate.shape
            ))
            .help("give both the same shape"));
        }
        Ok(())
    }

    fn pos_weight(&mut self, values: &Tensor<f64>) -> Result<NodeId> {
        let shape = self.builder.shape(self.target).clone();
        let weight = buffer_for(self.builder, POS_WEIGHT, values, &shape)?;
        self.builder.broadcast(weight, shape)
    }

    /// The variance in the estimate's shape, from the three that PyTorch accepts.
    fn variance(&mut self, variance: NodeId) -> Result<NodeId> {
        let full = self.builder.shape(self.estimate).clone();
        let found = self.builder.shape(variance).clone();
        if found == full {
            return Ok(variance);
        }
        let Some((_, leading)) = full.dims().split_last() else {
            return Err(Error::network(format!("var is of incorrect size: {found} for a scalar")));
        };
        let column = Shape::from([leading, &[Dim::Fixed(1)]].concat());
        if found != column && found.dims() != leading {
            return Err(Error::network(format!(
                "var is of incorrect size: {found} for an input of {full}"
            ))
            .help(format!(
                "give it the shape {full}, {column} or {}",
                Shape::from(leading.to_vec())
            )));
        }
        let column = self.builder.reshape(variance, column)?;
        self.builder.broadcast(column, full)
    }
}

/// Declares a buffer with the shape of `values`, which must broadcast to `shape`.
fn buffer_for(
    builder: &mut Builder,
    key: &str,
    values: &Tensor<f64>,
    shape: &Shape,
) -> Result<NodeId> {
    let own = Shape::from(values.shape());
    if own.broadcast(shape).as_ref() != Some(shape) {
        return Err(Error::network(format!(
            "{key} has shape {own}, which does not broadcast to {shape}"
        )));
    }
    builder.buffer(key, own)
}

/// Reduces per-element losses, weighing rows where weights are given.
fn end(
    builder: &mut Builder,
    losses: NodeId,
    ending: Ending,
    rows: Option<NodeId>,
) -> Result<NodeId> {
    let shape = builder.shape(losses).clone();
    let weights = rows.map(|rows| along_rows(builder, rows, &shape)).transpose()?;
    let weighed = match weights {
        Some(weights) => builder.mul(losses, weights)?,
        None => losses,
    };
    let denominator = match (ending, weights, rows) {
        (Ending::None, _, _) => return Ok(weighed),
        (Ending::Sum, _, _) => return builder.reduce_all(Reduction::Sum, weighed),
        (Ending::Mean, None, _) => return builder.reduce_all(Reduction::Mean, weighed),
        (Ending::Mean, Some(weights), _) => {
            let repeated = builder.broadcast(weights, shape)?;
            builder.reduce_all(Reduction::Sum, repeated)?
        }
        (Ending::BatchMean, _, Some(rows)) => builder.reduce_all(Reduction::Sum, rows)?,
        (Ending::BatchMean, _, None) => {
            let &first = shape.dims().first().ok_or_else(|| {
                Error::network("reduction='batchmean' wants a batch, found a scalar")
            })?;
            builder.count(Shape::from([first]))?
        }
    };
    let sum = builder.reduce_all(Reduction::Sum, weighed)?;
    builder.div(sum, denominator)
}

/// Row weights `[N]` as `[N, 1, …]`, so that they broadcast along the rows of `shape`.
fn along_rows(builder: &mut Builder, rows: NodeId, shape: &Shape) -> Result<NodeId> {
    let dims = shape.dims().iter().enumerate();
    let column: Vec<Dim> =
        dims.map(|(axis, &dim)| if axis == 0 { dim } else { Dim::Fixed(1) }).collect();
    builder.reshape(rows, column.into())
}

fn cross_entropy(
    builder: &mut Builder,
    op: CrossEntropy,
    weight: Option<&Tensor<f64>>,
    scores: NodeId,
    target: NodeId,
    rows: Option<NodeId>,
) -> Result<NodeId> {
    let classes = check_target(builder, op, scores, target)?;
    if let Some(weight) = weight
        && weight.shape() != [classes]
    {
        return Err(Error::network(format!(
            "weight tensor should be defined either for all {classes} classes or no classes but \
             got weight tensor of shape: {:?}",
            weight.shape()
        )));
    }
    let scores = classes_last(builder, scores)?;
    let indices = builder.type_of(target).dtype == DType::I64;
    let target = if indices { target } else { classes_last(builder, target)? };
    let weight = weight.map(|_| builder.buffer(WEIGHT, Shape::from([classes]))).transpose()?;
    let operands = |scores: NodeId| -> Vec<NodeId> {
        [Some(scores), Some(target), weight].into_iter().flatten().collect()
    };
    let Some(rows) = rows else {
        return builder.loss(Loss::CrossEntropy(op), &operands(scores));
    };
    if builder.shape(scores).rank() == 1 {
        return Err(Error::network("a loss of one row has no rows to weigh"));
    }
    let unreduced = CrossEntropy { reduction: LossReduction::None, ..op };
    let losses = builder.loss(Loss::CrossEntropy(unreduced), &operands(scores))?;
    if !indices || op.reduction != LossReduction::Mean {
        return end(builder, losses, op.reduction.into(), Some(rows));
    }
    // c[y] of each row that counts and 0 of the others is the loss of log-probabilities that are all −1.
    let shape = builder.shape(scores).clone();
    let minus_one = builder.constant(-1.0)?;
    let minus_ones = builder.broadcast(minus_one, shape)?;
    let share =
        CrossEntropy { scores: Scores::LogProbabilities, label_smoothing: 0.0, ..unreduced };
    let shares = builder.loss(Loss::CrossEntropy(share), &operands(minus_ones))?;
    let numerator = end(builder, losses, Ending::Sum, Some(rows))?;
    let denominator = end(builder, shares, Ending::Sum, Some(rows))?;
    builder.div(numerator, denominator)
}

/// Checks a target against its scores in PyTorch's words and returns the number of classes.
fn check_target(
    builder: &Builder,
    op: CrossEntropy,
    scores: NodeId,
    target: NodeId,
) -> Result<usize> {
    let (scores, target) = (builder.type_of(scores), builder.type_of(target));
    let mut rows = scores.shape.dims().to_vec();
    let axis = usize::from(rows.len() > 1);
    let Some(&Dim::Fixed(classes)) = rows.get(axis) else {
        return Err(Error::network(format!(
            "the scores have shape {}, expected [rows, classes, …] or [classes]",
            scores.shape
        )));
    };
    rows.remove(axis);
    let rows = Shape::from(rows);
    match target.dtype {
        DType::I64 if target.shape == rows => Ok(classes),
        DType::I64 if target.shape == scores.shape => Err(Error::network(
            "expected floating point type for target with class probabilities, got i64",
        )),
        DType::I64 => {
            Err(Error::network(format!("expected target size {rows}, got {}", target.shape)))
        }
        DType::F32 | DType::F64 => match op.scores {
            Scores::LogProbabilities => Err(Error::network(format!(
                "NLLLoss wants class indices i64{rows}, found {target}"
            ))),
            Scores::Logits if target.shape != scores.shape => Err(Error::network(format!(
                "scores of shape {} want class indices i64{rows} or probabilities of the scores' \
                 shape, found {target}",
                scores.shape
            ))),
            Scores::Logits if op.ignore_index >= 0 => {
                Err(Error::network("ignore_index is not supported for floating point target"))
            }
            Scores::Logits => Ok(classes),
        },
        DType::Bool => Err(Error::network(format!(
            "a target is class indices i64{rows} or probabilities, found {target}"
        ))),
    }
}

/// PyTorch's classes stand along axis 1; the operation's along the last.
fn classes_last(builder: &mut Builder, x: NodeId) -> Result<NodeId> {
    let rank = builder.shape(x).rank();
    if rank <= 2 {
        return Ok(x);
    }
    let axes = [0].into_iter().chain(2..rank).chain([1]).collect();
    builder.layout(Layout::Permute { axes }, &[x])
}
