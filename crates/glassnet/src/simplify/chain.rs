//! A network as a chain of layers with exact weights, and back.

use num_traits::Zero;

use super::exact::{Ratio, exact, rounded, zero};
use crate::error::{Error, Result};
use crate::nn::{self, Module, Network, StateDict};
use crate::tensor::Tensor;

/// A layer with the name that the user's network gives it.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) name: String,
    pub(super) part: Part,
}

/// What a layer is.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Affine(Affine),
    Norm(Norm),
    /// An elementwise function; `slopes` where it is the identity above 0 and linear below.
    Activation {
        module: Module,
        slopes: Option<Vec<Ratio>>,
    },
    Softmax(Module),
}

/// A matrix and a bias; `units` are the numbers that the units have in the user's network.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) weight: Vec<Vec<Ratio>>,
    pub(super) bias: Vec<Ratio>,
    pub(super) units: Vec<usize>,
    pub(super) has_bias: bool,
}

impl Affine {
    pub(super) fn inputs(&self) -> usize {
        self.weight.first().map_or(0, Vec::len)
    }

    /// How many numbers the layer has when it is written.
    pub(super) fn parameters(&self) -> usize {
        self.weight.len() * self.inputs() + if self.writes_bias() { self.bias.len() } else { 0 }
    }

    fn writes_bias(&self) -> bool {
        self.has_bias || self.bias.iter().any(|bias| !bias.is_zero())
    }

    /// A unit's weights with its bias last.
    pub(super) fn row(&self, unit: usize) -> Vec<Ratio> {
        self.weight[unit].iter().chain([&self.bias[unit]]).cloned().collect()
    }
}

/// A batch normalisation: the arrays that predict with it.
#[derive(Clone, Debug)]
pub(super) struct Norm {
    pub(super) mean: Vec<Ratio>,
    pub(super) variance: Vec<Ratio>,
    pub(super) eps: Ratio,
    pub(super) weight: Vec<Ratio>,
    pub(super) bias: Vec<Ratio>,
    pub(super) module: Module,
    pub(super) state: Vec<(String, Vec<f32>)>,
}

/// The layers in order.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) inputs: usize,
    pub(super) flatten: Option<Module>,
    pub(super) layers: Vec<Layer>,
}

/// What simplification, unit states, comparison and growth have in common, in messages.
const READER: &str = "the reading of a chain of layers";

impl Chain {
    /// The chain of a network.
    ///
    /// # Errors
    /// `Unsupported` for a layer that is none of a chain, by name.
    pub(super) fn read(network: &Network) -> Result<Self> {
        let module = network.module();
        let mut chain = Chain { inputs: 0, flatten: None, layers: vec![] };
        let mut width = module.in_features();
        chain.collect(module, String::new(), network.state_dict(), &mut width)?;
        chain.inputs = match chain.layers.first().map(|layer| &layer.part) {
            Some(Part::Affine(affine)) => affine.inputs(),
            Some(Part::Norm(norm)) => norm.mean.len(),
            Some(Part::Activation { .. } | Part::Softmax(_)) | None => {
                return Err(Error::unsupported(
                    "a network without weights first",
                    READER,
                    "the chain begins with a Linear or BatchNorm1d layer",
                ));
            }
        };
        Ok(chain)
    }

    fn collect(
        &mut self,
        module: &Module,
        name: String,
        state: &StateDict,
        width: &mut Option<usize>,
    ) -> Result<()> {
        let unsupported = |why: &str| {
            Err(Error::unsupported(module.kind(), READER, why).at(format!("layer {name:?}")))
        };
        let part = match module {
            Module::Sequential(sequential) => {
                for (child, module) in sequential.children() {
                    let name =
                        if name.is_empty() { child.clone() } else { format!("{name}.{child}") };
                    self.collect(module, name, state, width)?;
                }
                return Ok(());
            }
            Module::Identity | Module::Dropout(_) => return Ok(()),
            Module::Flatten(_) => {
                if self.layers.is_empty() && self.flatten.is_none() {
                    self.flatten = Some(module.clone());
                }
                return Ok(());
            }
            Module::Linear(linear) => {
                *width = Some(linear.out_features);
                Part::Affine(Affine {
                    weight: matrix(state.floats(&key(&name, "weight"))?)?,
                    bias: if linear.bias {
                        vector(state.floats(&key(&name, "bias"))?)?
                    } else {
                        vec![zero(); linear.out_features]
                    },
                    units: (0..linear.out_features).collect(),
                    has_bias: linear.bias,
                })
            }
            Module::Activation(activation) => {
                let slope = match activation {
                    nn::Activation::Relu { .. } => Some(zero()),
                    nn::Activation::LeakyRelu { negative_slope, .. } => {
                        Some(exact(f64::from(negative_slope.value() as f32))?)
                    }
                    nn::Activation::Elu { .. }
                    | nn::Activation::Celu { .. }
                    | nn::Activation::Selu { .. }
                    | nn::Activation::Gelu { .. }
                    | nn::Activation::Silu { .. }
                    | nn::Activation::Mish { .. }
                    | nn::Activation::Softplus { .. }
                    | nn::Activation::Softsign
                    | nn::Activation::Sigmoid
                    | nn::Activation::LogSigmoid
                    | nn::Activation::Tanh
                    | nn::Activation::Hardtanh { .. }
                    | nn::Activation::Relu6 { .. }
                    | nn::Activation::Hardsigmoid { .. }
                    | nn::Activation::Hardswish { .. } => None,
                };
                let slopes = slope.zip(*width).map(|(slope, width)| vec![slope; width]);
                Part::Activation { module: module.clone(), slopes }
            }
            Module::Prelu(_) => {
                let slopes = vector(state.floats(&key(&name, "weight"))?)?;
                let width = width.unwrap_or(slopes.len());
                let slopes =
                    if slopes.len() == 1 { vec![slopes[0].clone(); width] } else { slopes };
                Part::Activation { module: module.clone(), slopes: Some(slopes) }
            }
            Module::Softmax { .. } | Module::LogSoftmax { .. } => Part::Softmax(module.clone()),
            Module::BatchNorm1d(norm) => {
                if !norm.track_running_stats {
                    return unsupported("without running statistics it depends on the batch");
                }
                if matches!(self.layers.last(), Some(Layer { part: Part::Norm(_), .. })) {
                    return unsupported("two normalisations follow each other");
                }
                Part::Norm(read_norm(module, norm, &name, state)?)
            }
            Module::Formula(_) => return unsupported("activations by formula are not rewritten"),
            Module::LayerNorm(_) => return unsupported("its scale depends on the row"),
            Module::Embedding(_) => return unsupported("its input are indices"),
            Module::EmbedColumns(_) => return unsupported("some of its input are codes"),
            Module::Residual(_) => return unsupported("the layers are no chain"),
        };
        self.layers.push(Layer { name, part });
        Ok(())
    }

    /// The network that the chain is, with weights rounded to f32.
    ///
    /// # Errors
    /// When a weight is too large for f32.
    pub(super) fn write(&self) -> Result<Network> {
        let mut modules: Vec<Module> = self.flatten.iter().cloned().collect();
        let mut state = StateDict::new();
        for layer in &self.layers {
            let place = modules.len();
            match &layer.part {
                Part::Affine(affine) => {
                    let bias = affine.writes_bias();
                    modules.push(Module::Linear(nn::Linear {
                        in_features: affine.inputs(),
                        out_features: affine.weight.len(),
                        bias,
                    }));
                    let weight = floats(affine.weight.iter().flatten())?;
                    let shape = [affine.weight.len(), affine.inputs()];
                    state.insert(format!("{place}.weight"), Tensor::new(shape, weight)?);
                    if bias {
                        let bias = floats(affine.bias.iter())?;
                        state.insert(format!("{place}.bias"), Tensor::new([bias.len()], bias)?);
                    }
                }
                Part::Norm(norm) => {
                    modules.push(norm.module.clone());
                    for (name, values) in &norm.state {
                        let tensor = Tensor::new([values.len()], values.clone())?;
                        state.insert(format!("{place}.{name}"), tensor);
                    }
                    state.insert(format!("{place}.num_batches_tracked"), Tensor::scalar(0_i64));
                }
                Part::Activation { module, slopes } => {
                    modules.push(match (module, slopes) {
                        (Module::Prelu(prelu), Some(slopes)) => {
                            let single = slopes.windows(2).all(|pair| pair[0] == pair[1]);
                            let slopes = if single { &slopes[..1] } else { &slopes[..] };
                            let values = floats(slopes.iter())?;
                            let count = values.len();
                            state.insert(format!("{place}.weight"), Tensor::new([count], values)?);
                            Module::Prelu(nn::Prelu { num_parameters: count, ..*prelu })
                        }
                        _ => module.clone(), // not operations: a layer and its slopes
                    });
                }
                Part::Softmax(module) => modules.push(module.clone()),
            }
        }
        Network::with_state(nn::sequential(modules), &state)
    }

    /// How many numbers the network has when it is written.
    pub(super) fn parameters(&self) -> usize {
        let of = |layer: &Layer| match &layer.part {
            Part::Affine(affine) => affine.parameters(),
            Part::Norm(norm) => norm.state.iter().map(|(_, values)| values.len()).sum(),
            Part::Activation { .. } | Part::Softmax(_) => 0,
        };
        self.layers.iter().map(of).sum()
    }

    pub(super) fn affine(&self, layer: usize) -> Option<&Affine> {
        match self.layers.get(layer).map(|layer| &layer.part) {
            Some(Part::Affine(affine)) => Some(affine),
            Some(Part::Norm(_) | Part::Activation { .. } | Part::Softmax(_)) | None => None,
        }
    }

    pub(super) fn affine_mut(&mut self, layer: usize) -> Option<&mut Affine> {
        match self.layers.get_mut(layer).map(|layer| &mut layer.part) {
            Some(Part::Affine(affine)) => Some(affine),
            Some(Part::Norm(_) | Part::Activation { .. } | Part::Softmax(_)) | None => None,
        }
    }

    /// Where an activation stands between two matrices.
    pub(super) fn hidden(&self) -> Vec<usize> {
        let between = |at: &usize| {
            matches!(self.layers[*at].part, Part::Activation { .. })
                && *at > 0
                && self.affine(at - 1).is_some()
                && self.affine(at + 1).is_some()
        };
        (0..self.layers.len()).filter(between).collect()
    }

    pub(super) fn set_slopes(&mut self, layer: usize, new: Vec<Ratio>) {
        if let Some(Part::Activation { slopes, .. }) =
            self.layers.get_mut(layer).map(|layer| &mut layer.part)
        {
            *slopes = Some(new);
        }
    }

    pub(super) fn slopes(&self, layer: usize) -> Option<&Vec<Ratio>> {
        match self.layers.get(layer).map(|layer| &layer.part) {
            Some(Part::Activation { slopes, .. }) => slopes.as_ref(),
            Some(Part::Affine(_) | Part::Norm(_) | Part::Softmax(_)) | None => None,
        }
    }
}

fn read_norm(
    module: &Module,
    norm: &nn::BatchNorm1d,
    name: &str,
    state: &StateDict,
) -> Result<Norm> {
    let width = norm.num_features;
    let mut arrays = vec![];
    let mut array = |part: &str, there: bool, otherwise: f64| -> Result<Vec<Ratio>> {
        if !there {
            return Ok(vec![exact(otherwise)?; width]);
        }
        let tensor = state.floats(&key(name, part))?;
        arrays.push((part.to_owned(), tensor.data().to_vec()));
        vector(tensor)
    };
    let weight = array("weight", norm.affine, 1.0)?;
    let bias = array("bias", norm.affine && norm.bias, 0.0)?;
    let mean = array("running_mean", true, 0.0)?;
    let variance = array("running_var", true, 1.0)?;
    let eps = exact(f64::from(norm.eps.value() as f32))?;
    if variance.iter().any(|variance| *variance < zero()) {
        return Err(Error::model("a running variance is negative").at(key(name, "running_var")));
    }
    Ok(Norm { mean, variance, eps, weight, bias, module: module.clone(), state: arrays })
}

fn key(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}

fn matrix(tensor: &Tensor<f32>) -> Result<Vec<Vec<Ratio>>> {
    let columns = tensor.shape().get(1).copied().unwrap_or(1).max(1);
    let row = |row: &[f32]| row.iter().map(|value| exact(f64::from(*value))).collect();
    tensor.data().chunks(columns).map(row).collect()
}

fn vector(tensor: &Tensor<f32>) -> Result<Vec<Ratio>> {
    tensor.data().iter().map(|value| exact(f64::from(*value))).collect()
}

fn floats<'a>(values: impl Iterator<Item = &'a Ratio>) -> Result<Vec<f32>> {
    values
        .map(|value| {
            let float = rounded(value);
            if float.is_finite() {
                Ok(float)
            } else {
                Err(Error::model("a weight of the simplified network is too large for 32 bits"))
            }
        })
        .collect()
}
