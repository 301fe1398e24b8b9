//! A network as a chain of layers with exact weights, and back. Where a residual block begins and where it ends are layers
//! of the chain too; what isn't rewritten stands in it as it is.

use num_traits::{Signed, Zero};

use super::exact::{Ratio, exact, rounded, zero};
use crate::error::{Error, Result};
use crate::graph::Dim;
use crate::nn::{self, Module, Network, StateDict};
use crate::tensor::{Tensor, Value};

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
    Kept(Kept),
    /// A residual block begins: the row is kept.
    Fork,
    /// It ends: the row that was kept is added.
    Join,
}

/// A layer that is left as it is.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) module: Module,
    pub(super) state: Vec<(String, Value)>,
    /// A flattening behind it.
    pub(super) flatten: Option<Module>,
    /// What its units give.
    pub(super) gives: Vec<Given>,
}

/// What a unit of a layer gives that is left as it is.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// An input.
    Input(usize),
    /// A number between these.
    Between(Ratio, Ratio),
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
        let size = |size: usize, dim: &Dim| match dim {
            Dim::Fixed(other) => size.checked_mul(*other),
            Dim::Batch => Some(size),
        };
        let shape = module.input_shape();
        let inputs = shape.and_then(|shape| shape.dims().iter().try_fold(1, size));
        let inputs = inputs.ok_or_else(|| {
            Error::unsupported("a network of unknown width", READER, "its input has no size")
        })?;
        let mut chain = Chain { inputs, flatten: None, layers: vec![] };
        chain.collect(module, String::new(), network.state_dict(), &mut Some(inputs))?;
        if chain.layers.is_empty() {
            return Err(Error::unsupported(
                "a network without layers",
                READER,
                "it computes nothing",
            ));
        }
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
                match self.layers.last_mut() {
                    None => self.flatten = self.flatten.take().or_else(|| Some(module.clone())),
                    Some(Layer { part: Part::Kept(kept), .. }) => {
                        kept.flatten = kept.flatten.take().or_else(|| Some(module.clone()));
                    }
                    // The row is flat.
                    Some(_) => {}
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
                let last = self.layers.last().map(|layer| &layer.part);
                let is_norm = |kept: &Kept| matches!(kept.module, Module::LayerNorm(_));
                if matches!(last, Some(Part::Norm(_)))
                    || matches!(last, Some(Part::Kept(kept)) if is_norm(kept))
                {
                    return unsupported("two normalisations follow each other");
                }
                Part::Norm(read_norm(module, norm, &name, state)?)
            }
            Module::Formula(_) => return unsupported("activations by formula are not rewritten"),
            Module::EmbedColumns(columns) if columns.tables.is_empty() => return Ok(()),
            Module::LayerNorm(_) | Module::Embedding(_) | Module::EmbedColumns(_) => {
                let Some(kept) = read_kept(module, &name, state, *width)? else {
                    return unsupported("its shape doesn't fit the row");
                };
                *width = Some(kept.gives.len());
                Part::Kept(kept)
            }
            Module::Residual(residual) => {
                self.layers.push(Layer { name: name.clone(), part: Part::Fork });
                for (child, module) in residual.inner.children() {
                    self.collect(module, key(&name, child), state, width)?;
                }
                Part::Join
            }
        };
        self.layers.push(Layer { name, part });
        Ok(())
    }

    /// The network that the chain is, with weights rounded to f32.
    ///
    /// # Errors
    /// When a weight is too large for f32.
    pub(super) fn write(&self) -> Result<Network> {
        // The layers of the network and of the residual blocks that are open, each with the names before theirs.
        let mut open: Vec<(String, Vec<Module>)> =
            vec![(String::new(), self.flatten.iter().cloned().collect())];
        let mut state = StateDict::new();
        for layer in &self.layers {
            let Some((path, modules)) = open.last_mut() else { break };
            let place = key(path, &modules.len().to_string());
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
                    state.insert(key(&place, "weight"), Tensor::new(shape, weight)?);
                    if bias {
                        let bias = floats(affine.bias.iter())?;
                        state.insert(key(&place, "bias"), Tensor::new([bias.len()], bias)?);
                    }
                }
                Part::Norm(norm) => {
                    modules.push(norm.module.clone());
                    for (name, values) in &norm.state {
                        let tensor = Tensor::new([values.len()], values.clone())?;
                        state.insert(key(&place, name), tensor);
                    }
                    state.insert(key(&place, "num_batches_tracked"), Tensor::scalar(0_i64));
                }
                Part::Activation { module, slopes } => {
                    modules.push(match (module, slopes) {
                        (Module::Prelu(prelu), Some(slopes)) => {
                            let single = slopes.windows(2).all(|pair| pair[0] == pair[1]);
                            let slopes = if single { &slopes[..1] } else { &slopes[..] };
                            let values = floats(slopes.iter())?;
                            let count = values.len();
                            state.insert(key(&place, "weight"), Tensor::new([count], values)?);
                            Module::Prelu(nn::Prelu { num_parameters: count, ..*prelu })
                        }
                        _ => module.clone(), // not operations: a layer and its slopes
                    });
                }
                Part::Softmax(module) => modules.push(module.clone()),
                Part::Kept(kept) => {
                    modules.push(kept.module.clone());
                    modules.extend(kept.flatten.clone());
                    for (name, value) in &kept.state {
                        state.insert(key(&place, name), value.clone());
                    }
                }
                Part::Fork => open.push((place, vec![])),
                Part::Join => {
                    let (_, block) = open.pop().unwrap_or_default();
                    if let Some((_, modules)) = open.last_mut() {
                        let inner = nn::Sequential::new(block);
                        modules.push(Module::Residual(nn::Residual { inner }));
                    }
                }
            }
        }
        let modules = open.into_iter().next().unwrap_or_default().1;
        Network::with_state(nn::sequential(modules), &state)
    }

    /// How many numbers the network has when it is written.
    pub(super) fn parameters(&self) -> usize {
        let of = |layer: &Layer| match &layer.part {
            Part::Affine(affine) => affine.parameters(),
            Part::Norm(norm) => norm.state.iter().map(|(_, values)| values.len()).sum(),
            Part::Kept(kept) => {
                kept.state.iter().map(|(_, value)| value.shape().iter().product::<usize>()).sum()
            }
            Part::Activation { .. } | Part::Softmax(_) | Part::Fork | Part::Join => 0,
        };
        self.layers.iter().map(of).sum()
    }

    pub(super) fn affine(&self, layer: usize) -> Option<&Affine> {
        match self.layers.get(layer).map(|layer| &layer.part) {
            Some(Part::Affine(affine)) => Some(affine),
            _ => None, // not operations: parts of a chain
        }
    }

    pub(super) fn affine_mut(&mut self, layer: usize) -> Option<&mut Affine> {
        match self.layers.get_mut(layer).map(|layer| &mut layer.part) {
            Some(Part::Affine(affine)) => Some(affine),
            _ => None, // not operations: parts of a chain
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

    /// Layers that are left as they are although others like them are rewritten, each with the reason.
    pub(super) fn left(&self) -> Vec<(String, String)> {
        let part = |at: usize| self.layers.get(at).map(|layer| &layer.part);
        let mut left = vec![];
        for (at, layer) in self.layers.iter().enumerate() {
            let why = match &layer.part {
                Part::Kept(kept) => match kept.module {
                    Module::LayerNorm(_) => "LayerNorm: its scale depends on the row",
                    _ => "its tables are looked up", // not operations: Embedding and EmbedColumns
                },
                Part::Activation { .. } => {
                    let neighbours = [at.checked_sub(1).and_then(part), part(at + 1)];
                    let joint = |part: &&Part| matches!(part, Part::Fork | Part::Join);
                    let kept = |part: &&Part| matches!(part, Part::Kept(_));
                    let mut beside = neighbours.iter().flatten();
                    if beside.clone().any(joint) {
                        "its units are those of a residual sum, which others read too"
                    } else if beside.any(kept) {
                        "its units are beside a layer that reads or gives all of them"
                    } else {
                        continue;
                    }
                }
                Part::Affine(_) | Part::Norm(_) | Part::Softmax(_) | Part::Fork | Part::Join => {
                    continue;
                }
            };
            left.push((layer.name.clone(), why.to_owned()));
        }
        left
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
            _ => None, // not operations: parts of a chain
        }
    }
}

/// A layer that is left as it is; `None` where it doesn't fit a row of `width`.
fn read_kept(
    module: &Module,
    name: &str,
    state: &StateDict,
    width: Option<usize>,
) -> Result<Option<Kept>> {
    let Some(width) = width else { return Ok(None) };
    let own: Vec<(String, Value)> = state
        .iter()
        .filter_map(|(entry, value)| Some((entry.strip_prefix(&key(name, ""))?, value)))
        .map(|(entry, value)| (entry.to_owned(), value.clone()))
        .collect();
    let table = |at: &str| -> Result<Vec<Given>> {
        let rows = matrix(state.floats(&key(name, at))?)?;
        let column = |at: usize| {
            let numbers = || rows.iter().map(|row| row[at].clone());
            Given::Between(
                numbers().min().unwrap_or_else(zero),
                numbers().max().unwrap_or_else(zero),
            )
        };
        Ok((0..rows.first().map_or(0, Vec::len)).map(column).collect())
    };
    let gives = match module {
        Module::LayerNorm(norm) => {
            if norm.normalized_shape.iter().product::<usize>() != width {
                return Ok(None);
            }
            let array = |at: &str, there: bool| {
                there.then(|| vector(state.floats(&key(name, at))?)).transpose()
            };
            let weight = array("weight", norm.elementwise_affine)?;
            let bias = array("bias", norm.elementwise_affine && norm.bias)?;
            // The squares of a normalised row sum to n at most.
            let most = exact(width.isqrt() as f64 + 1.0)?;
            let unit = |at: usize| {
                let size = weight.as_ref().map_or(most.clone(), |weight| weight[at].abs() * &most);
                let shift = bias.as_ref().map_or_else(zero, |bias| bias[at].clone());
                Given::Between(&shift - &size, shift + size)
            };
            (0..width).map(unit).collect()
        }
        Module::Embedding(_) => {
            let row = table("weight")?;
            (0..width).flat_map(|_| row.clone()).collect()
        }
        Module::EmbedColumns(columns) => {
            let Some(pieces) = columns.pieces(width) else { return Ok(None) };
            let mut gives = vec![];
            for piece in pieces {
                match piece {
                    nn::ColumnPiece::Numbers(from, to) => {
                        gives.extend((from..to).map(Given::Input));
                    }
                    nn::ColumnPiece::Codes(column, _) => {
                        gives.extend(table(&format!("{column}.weight"))?);
                    }
                }
            }
            gives
        }
        _ => return Ok(None), // not operations: the other layers are rewritten
    };
    Ok(Some(Kept { module: module.clone(), state: own, flatten: None, gives }))
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
