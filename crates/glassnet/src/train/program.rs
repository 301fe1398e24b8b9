//! The graph of one training step.

use super::Config;
use super::dataset::{Dataset, Features, Target};
use crate::engine::{self, Block, Plan};
use crate::error::{Error, Result};
use crate::grad::grad;
use crate::graph::op::{Gather, Normalize, Source};
use crate::graph::{Builder, Checked, DType, Dim, NodeId, NodeMap, Op, Shape};
use crate::nn::loss::{Criterion, LossOperands};
use crate::nn::{BufferUpdate, LoweredLayer, Lowering, Mode, Module};

/// Network and loss as a graph, before the gradient is appended.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    pub(crate) graph: Checked,
    /// What the network returns: scores, predictions.
    pub(crate) output: NodeId,
    pub(crate) loss: NodeId,
    pub(crate) layers: Vec<LoweredLayer>,
    updates: Vec<BufferUpdate>,
}

/// Network, loss, gradient and running statistics as one graph.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    graph: Checked,
    /// Gradients in the order of the block's parameters, then the loss, then the buffers' next values.
    results: Vec<NodeId>,
    parameters: usize,
    /// What the network returns: scores, predictions.
    output: NodeId,
    /// The key of each buffer that a step changes.
    updates: Vec<String>,
}

impl Forward {
    /// Lowers `module` and `criterion` for rows like those of `data`.
    pub(crate) fn build(
        module: &Module,
        data: &Dataset,
        criterion: &Criterion,
        mode: Mode,
    ) -> Result<Self> {
        module.validate()?;
        let mut builder = Builder::new();
        let row = |shape: &[usize]| Shape::batch(shape.iter().skip(1).copied());
        let dtype = match data.features() {
            Features::Floats(_) => DType::F32,
            Features::Indices(_) => DType::I64,
        };
        let x = builder.input("x", dtype, row(data.features().shape()))?;
        let mut context = Lowering::new(mode);
        let output = module.lower(&mut builder, x, &mut context)?;
        let target = match data.target() {
            Target::Classes(_) => builder.input("y", DType::I64, Shape::batch([]))?,
            Target::Values(values) => builder.input("y", DType::F32, row(values.shape()))?,
        };
        let sample_weight = match data.weights() {
            Some(_) => Some(builder.input("weight", DType::F32, Shape::batch([]))?),
            None => None,
        };
        let operands = LossOperands { variance: None, sample_weight };
        let loss = criterion.lower(&mut builder, output, target, &operands)?;
        if builder.shape(loss).rank() != 0 {
            return Err(Error::usage(format!("{criterion} gives no single number"))
                .help("train with reduction='mean' or 'sum'"));
        }
        Ok(Forward {
            graph: builder.finish_checked(),
            output,
            loss,
            layers: context.layers,
            updates: context.buffer_updates,
        })
    }
}

impl Program {
    pub(super) fn build(module: &Module, data: &Dataset, config: &Config) -> Result<Self> {
        let program = Forward::build(module, data, &config.criterion, Mode::Train)?.program()?.0;
        if program.parameters == 0 {
            return Err(Error::network("the network has no parameter to train")
                .help("add a layer with weights"));
        }
        Ok(program)
    }

    pub(crate) fn graph(&self) -> &Checked {
        &self.graph
    }

    /// Gradients in the order of the block's parameters, then the loss, then the buffers' next values.
    pub(crate) fn results(&self) -> &[NodeId] {
        &self.results
    }

    /// Checks that batch normalisation can compute a variance from a batch of `rows`, as PyTorch does.
    pub(crate) fn check_batch(&self, rows: usize) -> Result<()> {
        for id in self.graph.graph().ids() {
            let node = self.graph.graph().node(id);
            let Op::Normalize(Normalize { axes, grad: false, .. }) = node.op() else { continue };
            let input = self.graph.shape(node.operands()[0]);
            let across_rows = axes.iter().any(|&axis| input.dims()[axis] == Dim::Batch);
            let values: usize = axes.iter().map(|&axis| input.dims()[axis].at(rows)).product();
            if across_rows && values == 1 {
                return Err(Error::data(format!(
                    "Expected more than 1 value per channel when training, got input size {:?}",
                    input.at(rows)
                ))
                .at(node.origin().to_string()));
            }
        }
        Ok(())
    }

    /// As [`check_indices`], of the step's graph.
    pub(super) fn check_indices(&self, features: &Features) -> Result<()> {
        check_indices(&self.graph, features)
    }

    /// Checks that every class of `target` has a score: `classes` of them.
    pub(crate) fn check_classes(&self, target: &Target, criterion: &Criterion) -> Result<()> {
        let Target::Classes(classes) = target else { return Ok(()) };
        let Some(ignored) = ignore_index(criterion) else { return Ok(()) };
        let Some(&Dim::Fixed(scores)) = self.graph.shape(self.output).dims().get(1) else {
            return Ok(());
        };
        let outside = |class: &i64| {
            *class != ignored && usize::try_from(*class).map_or(true, |class| class >= scores)
        };
        let Some(row) = classes.iter().position(outside) else { return Ok(()) };
        Err(Error::data(format!("Target {} is out of bounds", classes[row]))
            .at(format!("row {row} (counted from 0)"))
            .help(match scores {
                1 => "the network scores 1 class: 0".to_owned(),
                _ => format!(
                    "the network scores {scores} classes: 0 to {}",
                    scores.saturating_sub(1)
                ),
            }))
    }

    /// The plan of a step; with `fused` it also takes the optimiser's.
    pub(super) fn compile(
        &self,
        rows: usize,
        config: &engine::Config,
        fused: bool,
    ) -> Result<Plan> {
        if fused {
            Plan::compile_step(&self.graph, &self.results, self.parameters, rows, config)
        } else {
            Plan::compile(&self.graph, &self.results, rows, config)
        }
    }

    /// Sets the loss's weights, which the block holds as buffers.
    pub(crate) fn load_constants(&self, block: &mut Block, criterion: &Criterion) -> Result<()> {
        for (key, values) in criterion.buffers() {
            let place = block.get_mut(key).filter(|place| place.len() == values.len()).ok_or_else(
                || {
                    Error::usage(format!(
                        "{key} has {} elements, which does not fit the network",
                        values.len()
                    ))
                },
            )?;
            for (place, &value) in place.iter_mut().zip(values.data()) {
                *place = value as f32;
            }
        }
        Ok(())
    }

    /// Where the gradients lie within the results: as the parameters in the block.
    pub(super) fn loss_index(&self) -> usize {
        self.parameters
    }

    /// The tensors' ranges within parameters and gradients.
    pub(super) fn tensors(&self, plan: &Plan) -> Vec<std::ops::Range<usize>> {
        (0..self.parameters).map(|index| plan.result_range(index)).collect()
    }

    /// Copies the running statistics that the step computed into the block.
    pub(super) fn write_back(&self, plan: &Plan, results: &[f32], block: &mut Block) {
        for (index, key) in self.updates.iter().enumerate() {
            let range = plan.result_range(self.parameters + 1 + index);
            if let Some(place) = block.get_mut(key) {
                place.copy_from_slice(&results[range]);
            }
        }
    }

    /// Whether a step draws random numbers.
    pub(super) fn draws(&self) -> bool {
        let graph = self.graph.graph();
        graph.ids().any(|id| matches!(graph.node(id).op(), Op::Random(_)))
    }

    /// Whether a step changes buffers.
    pub(super) fn has_updates(&self) -> bool {
        !self.updates.is_empty()
    }

    /// The node of the loss.
    pub(super) fn loss(&self) -> NodeId {
        self.results[self.parameters]
    }
}

impl Forward {
    /// The step's graph, and for each node of this graph that has one the node of its derivative.
    pub(crate) fn program(self) -> Result<(Program, NodeMap<NodeId>)> {
        let parameters: Vec<NodeId> = parameters(&self.graph);
        let gradient = grad(&self.graph, self.loss, &parameters)?;
        let mut results = gradient.gradients;
        results.push(self.loss);
        results.extend(self.updates.iter().map(|update| update.value));
        let program = Program {
            graph: gradient.graph,
            results,
            parameters: parameters.len(),
            output: self.output,
            updates: self.updates.into_iter().map(|update| update.key).collect(),
        };
        Ok((program, gradient.derivatives))
    }
}

/// Checks that every index of `features` that a table looks up directly lies within the table.
pub(crate) fn check_indices(graph: &Checked, features: &Features) -> Result<()> {
    let Features::Indices(indices) = features else { return Ok(()) };
    for id in graph.graph().ids() {
        let node = graph.graph().node(id);
        let Op::Gather(Gather::Embedding { .. }) = node.op() else { continue };
        let [table, index] = *node.operands() else { continue };
        let source = graph.graph().node(index).op();
        if !matches!(source, Op::Source(Source::Input { .. })) {
            continue;
        }
        let rows = graph.shape(table).at(1)[0];
        let outside = |index: &i64| usize::try_from(*index).map_or(true, |index| index >= rows);
        if let Some(at) = indices.data().iter().position(outside) {
            let width = (indices.len() / indices.shape()[0]).max(1);
            return Err(Error::data(format!(
                "index {} is outside the embedding's {rows} rows",
                indices.data()[at]
            ))
            .at(format!("row {}, place {} (counted from 0)", at / width, at % width))
            .help(format!("set num_embeddings above the largest index: {}", node.origin())));
        }
    }
    Ok(())
}

/// The class whose rows do not count, for the losses that take class indices.
pub(super) fn ignore_index(criterion: &Criterion) -> Option<i64> {
    match criterion {
        Criterion::CrossEntropyLoss(loss) => Some(loss.ignore_index),
        Criterion::NLLLoss(loss) => Some(loss.ignore_index),
        Criterion::MSELoss(_)
        | Criterion::L1Loss(_)
        | Criterion::SmoothL1Loss(_)
        | Criterion::HuberLoss(_)
        | Criterion::BCELoss(_)
        | Criterion::BCEWithLogitsLoss(_)
        | Criterion::KLDivLoss(_)
        | Criterion::PoissonNLLLoss(_)
        | Criterion::GaussianNLLLoss(_) => None,
    }
}

fn parameters(graph: &Checked) -> Vec<NodeId> {
    let sources = graph.graph().sources();
    sources
        .filter(|(_, source)| matches!(source, Source::Parameter { .. }))
        .map(|(id, _)| id)
        .collect()
}
