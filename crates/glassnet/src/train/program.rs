//! The graph of one training step.

use super::Config;
use super::dataset::{Dataset, Features, Target};
use crate::engine::{self, Block, Plan};
use crate::error::{Error, Result};
use crate::grad::grad;
use crate::graph::{Builder, Checked, DType, NodeId, Shape};
use crate::nn::loss::LossOperands;
use crate::nn::{Lowering, Mode, Module};

/// Network, loss, gradient and running statistics as one graph.
#[derive(Clone, Debug)]
pub(super) struct Program {
    graph: Checked,
    /// Gradients in the order of the block's parameters, then the loss, then the buffers' next values.
    results: Vec<NodeId>,
    parameters: usize,
    /// The key of each buffer that a step changes.
    updates: Vec<String>,
}

impl Program {
    pub(super) fn build(module: &Module, data: &Dataset, config: &Config) -> Result<Self> {
        module.validate()?;
        let mut builder = Builder::new();
        let row = |shape: &[usize]| Shape::batch(shape.iter().skip(1).copied());
        let dtype = match data.features() {
            Features::Floats(_) => DType::F32,
            Features::Indices(_) => DType::I64,
        };
        let x = builder.input("x", dtype, row(data.features().shape()))?;
        let mut context = Lowering::new(Mode::Train);
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
        let loss = config.criterion.lower(&mut builder, output, target, &operands)?;
        if builder.shape(loss).rank() != 0 {
            return Err(Error::usage(format!("{} gives no single number", config.criterion))
                .help("train with reduction='mean' or 'sum'"));
        }
        let forward = builder.finish_checked();
        let parameters: Vec<NodeId> = parameters(&forward);
        if parameters.is_empty() {
            return Err(Error::network("the network has no parameter to train")
                .help("add a layer with weights"));
        }
        let gradient = grad(&forward, loss, &parameters)?;
        let mut results = gradient.gradients;
        results.push(loss);
        results.extend(context.buffer_updates.iter().map(|update| update.value));
        Ok(Program {
            graph: gradient.graph,
            results,
            parameters: parameters.len(),
            updates: context.buffer_updates.into_iter().map(|update| update.key).collect(),
        })
    }

    pub(super) fn graph(&self) -> &Checked {
        &self.graph
    }

    pub(super) fn compile(&self, rows: usize, config: &engine::Config) -> Result<Plan> {
        Plan::compile(&self.graph, &self.results, rows, config)
    }

    /// Sets the loss's weights, which the block holds as buffers.
    pub(super) fn load_constants(&self, block: &mut Block, config: &Config) -> Result<()> {
        for (key, values) in config.criterion.buffers() {
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

    /// Whether a step changes buffers.
    pub(super) fn has_updates(&self) -> bool {
        !self.updates.is_empty()
    }

    /// The node of the loss.
    pub(super) fn loss(&self) -> NodeId {
        self.results[self.parameters]
    }
}

fn parameters(graph: &Checked) -> Vec<NodeId> {
    use crate::graph::op::Source;
    let sources = graph.graph().sources();
    sources
        .filter(|(_, source)| matches!(source, Source::Parameter { .. }))
        .map(|(id, _)| id)
        .collect()
}
