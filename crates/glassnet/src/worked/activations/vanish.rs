//! How a gradient shrinks or grows on its way through many layers.

use super::{Activation, ActivationsConfig};
use crate::engine::Block;
use crate::error::{ErrorKind, Result};
use crate::math::random::Stream;
use crate::nn::loss::{Criterion, MSELoss};
use crate::nn::{self, Module, Network, StateDict};
use crate::tensor::Tensor;
use crate::train::optimizer::Optimizer;
use crate::train::{Config, Control, Dataset, Features, Observer, Session, StepEvent, Target};

/// The variances of initial weights, times the number of inputs, with their usual names.
pub(super) const SCALES: [(f64, &str); 3] =
    [(1.0 / 3.0, "1/(3n), PyTorch's default"), (1.0, "1/n, Xavier"), (2.0, "2/n, He")];

/// The stream of weights, inputs and targets.
const STREAM: u64 = 40;

/// The gradients of a random network's layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Depth {
    /// The variance of the weights times their number per unit.
    pub scale: f64,
    /// The norm of the loss's gradient towards each layer's biases, which is what arrives at its units, from the first
    /// to the last before the output; `None` where it left the finite numbers.
    pub norms: Option<Vec<f64>>,
}

impl Depth {
    /// The first layer's norm over the last one's.
    pub fn ratio(&self) -> Option<f64> {
        let norms = self.norms.as_ref()?;
        Some(norms.first()? / norms.last()?)
    }
}

/// Keeps the gradients of the first step.
struct Watch {
    norms: Vec<f64>,
    depth: usize,
}

impl Observer for Watch {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.norms = norms(event.block, event.gradients, self.depth);
        Control::Stop
    }
}

/// The gradients through `config.depth` layers for each of [`SCALES`], by the graph that trains. (Towards weights they
/// would also hold the size of what comes in, which hides the vanishing where both shrink alike.)
pub(super) fn depths(activation: &Activation, config: &ActivationsConfig) -> Result<Vec<Depth>> {
    SCALES
        .iter()
        .map(|&(scale, _)| {
            let norms = match gradients(activation, config, scale) {
                Ok(norms) => Some(norms).filter(|norms| norms.iter().all(|norm| norm.is_finite())),
                Err(error) if error.kind() == ErrorKind::Numeric => None,
                Err(error) => return Err(error),
            };
            Ok(Depth { scale, norms })
        })
        .collect()
}

fn gradients(activation: &Activation, config: &ActivationsConfig, scale: f64) -> Result<Vec<f64>> {
    let width = config.width;
    let mut layers: Vec<Module> = vec![];
    for _ in 0..config.depth {
        layers.push(nn::linear(width, width));
        layers.push(activation.module.clone());
    }
    layers.push(nn::linear(width, 1));
    let mut network = Network::new(nn::sequential(layers), config.seed)?;
    let weights = random_weights(&network, config, scale)?;
    network.load_state_dict(&weights, false)?;
    let mut draws = Stream::new(config.seed, STREAM + 1);
    let mut normal = |count: usize| (0..count).map(|_| draws.normal() as f32).collect::<Vec<f32>>();
    let data = Dataset::new(
        Features::Floats(Tensor::new([config.rows, width], normal(config.rows * width))?),
        Target::Values(Tensor::new([config.rows, 1], normal(config.rows))?),
    )?;
    let settings = Config {
        epochs: 1,
        batch_size: config.rows,
        ..Config::new(Criterion::MSELoss(MSELoss::default()), Optimizer::parse("SGD(lr=0.001)")?)
    };
    let mut watch = Watch { norms: vec![], depth: config.depth };
    Session::new(network, &data, None, &settings)?.epoch(&mut watch)?;
    Ok(watch.norms)
}

/// Normal weights of variance scale/n, biases 0; an activation's own weights stay.
fn random_weights(network: &Network, config: &ActivationsConfig, scale: f64) -> Result<StateDict> {
    let mut draws = Stream::new(config.seed, STREAM);
    let mut state = StateDict::new();
    for (name, layer) in network.module().layers() {
        let Module::Linear(linear) = layer else { continue };
        let std = (scale / linear.in_features as f64).sqrt();
        let count = linear.in_features * linear.out_features;
        let weights = (0..count).map(|_| (draws.normal() * std) as f32).collect();
        let weight = Tensor::new([linear.out_features, linear.in_features], weights)?;
        state.insert(format!("{name}.weight"), weight);
        state.insert(format!("{name}.bias"), Tensor::full([linear.out_features], 0.0_f32));
    }
    Ok(state)
}

/// The norm of each hidden layer's bias gradient.
fn norms(block: &Block, gradients: &[f32], depth: usize) -> Vec<f64> {
    (0..depth)
        .filter_map(|layer| block.range(&format!("{}.bias", 2 * layer)))
        .map(|range| gradients[range].iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt())
        .collect()
}
