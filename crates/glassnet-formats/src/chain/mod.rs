//! The network in a state dict without one: a chain of layers, as far as keys and shapes tell.
//!
//! A state dict names its layers' arrays and nothing else. Keys and shapes tell which layers have weights, in which
//! order, and that each takes what the one before it gives. They don't tell what has no weights: the activation, which
//! somebody must say; dropout, which does nothing in prediction; a softmax behind the last layer. Nor do they tell of
//! paths beside the chain. What is taken for granted stands in [`Chain::notes`].

mod layers;
mod tree;

use glassnet::nn::{Module, StateDict};
use glassnet::{Error, Result};

use crate::message::quoted;
use crate::note::{Note, listed};
use layers::Layer;

/// A network whose activations are still to be said.
///
/// ```
/// use glassnet::{Tensor, nn::{self, StateDict}};
/// use glassnet_formats::chain;
/// let array = |shape: &[usize]| Tensor::full(shape, 0.5_f32).into();
/// let state = StateDict::from_iter([
///     ("0.weight", array(&[3, 2])),
///     ("0.bias", array(&[3])),
///     ("2.weight", array(&[1, 3])),
///     ("2.bias", array(&[1])),
/// ]);
/// let found = chain::infer(&state)?;
/// assert_eq!(found.activations(), 1);
/// assert_eq!(found.notation(), "Sequential(Linear(2, 3), ?, Linear(3, 1))");
/// assert_eq!(found.module(&nn::tanh()).notation(), "Sequential(Linear(2, 3), Tanh(), Linear(3, 1))");
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    layers: Vec<Layer>,
    /// What was taken for granted.
    pub notes: Vec<Note>,
}

/// The most layers of a chain, and the most names in a path: more are no network that somebody wrote down.
const MOST_LAYERS: usize = 10_000;
const MOST_NAMES: usize = 32;

/// The chain of layers whose arrays are `state`.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when an array belongs to no layer that a chain has (a convolution, a
/// recurrent layer, a weight under a parametrisation), or a layer doesn't take what the one before it gives.
pub fn infer(state: &StateDict) -> Result<Chain> {
    let (found, mut notes) = layers::find(state)?;
    if !found.iter().any(|layer| matches!(layer.module, Module::Linear(_))) {
        return Err(Error::model("the state dict has no Linear layer: there is no network to see"));
    }
    if found.len() > MOST_LAYERS {
        return Err(Error::model(format!(
            "the state dict has {} layers, a chain has up to {MOST_LAYERS}",
            found.len()
        )));
    }
    if let Some(deep) = found.iter().find(|layer| layer.path.split('.').count() > MOST_NAMES) {
        return Err(Error::model(format!(
            "{} lies deeper than {MOST_NAMES} names",
            quoted(&deep.path)
        )));
    }
    let layers = in_order(found, &mut notes)?;
    if layers
        .iter()
        .any(|layer| matches!(layer.module, Module::BatchNorm1d(_) | Module::LayerNorm(_)))
    {
        notes.push(Note::Assumed(
            "the normalisations' eps is taken to be PyTorch's 1e-05, which no state dict holds"
                .to_owned(),
        ));
    }
    let chain = Chain { layers, notes };
    // Keys that lie in each other's way are found by building it.
    tree::build(&chain.layers, &Module::Identity)?;
    Ok(chain)
}

/// The layers in the order in which they fit: that of the file, unless the file is sorted by name (as safetensors'
/// own writer leaves it) or the layers are numbered.
fn in_order(layers: Vec<Layer>, notes: &mut Vec<Note>) -> Result<Vec<Layer>> {
    let mut numbered = layers.clone();
    numbered.sort_by_key(|layer| natural(&layer.path));
    let all_numbers = |layer: &Layer| {
        let last = layer.path.rsplit('.').next().unwrap_or_default();
        !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
    };
    let sorted = layers.windows(2).all(|pair| pair[0].path <= pair[1].path);
    let numbers_first = layers.iter().all(all_numbers) || sorted;
    let candidates = if numbers_first { [numbered, layers] } else { [layers, numbered] };
    let mut first_fault = None;
    for candidate in candidates {
        match layers::fit(candidate) {
            Ok((fitting, more)) => {
                notes.extend(more);
                return Ok(fitting);
            }
            Err(error) => {
                first_fault.get_or_insert(error);
            }
        }
    }
    Err(first_fault.unwrap_or_else(|| Error::model("there is no layer")))
}

/// A path's parts, numbers as numbers: `fc10` stands behind `fc2`.
fn natural(path: &str) -> Vec<(String, u64)> {
    let mut parts = vec![];
    let mut rest = path;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (before, numbered) = rest.split_at(text);
        let digits = numbered.find(|c: char| !c.is_ascii_digit()).unwrap_or(numbered.len());
        let (number, after) = numbered.split_at(digits);
        parts.push((before.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = after;
    }
    parts
}

impl Chain {
    /// How many places there are for an activation: behind each `Linear` but the last.
    pub fn activations(&self) -> usize {
        self.layers.iter().filter(|layer| layer.activated).count()
    }

    /// The network with `activation` in each of these places. Its keys are those of the state dict.
    pub fn module(&self, activation: &Module) -> Module {
        tree::build(&self.layers, activation).unwrap_or(Module::Identity)
    }

    /// The network's notation with `?` for its activations.
    pub fn notation(&self) -> String {
        let unknown = self.unknown();
        self.module(&unknown).notation().replace(&unknown.notation(), "?")
    }

    /// The network as PyTorch's `repr`, with `?` for its activations.
    pub fn drawing(&self) -> String {
        let unknown = self.unknown();
        self.module(&unknown).to_string().replace(&unknown.to_string(), "?")
    }

    /// A layer that stands for an activation that nobody said: one that no chain has otherwise.
    pub fn unknown(&self) -> Module {
        glassnet::nn::log_sigmoid()
    }

    /// The error where the activations are needed and nobody said them; `name` is the file's.
    pub fn ask(&self, name: &str) -> Error {
        let what = if self.activations() == 1 { "the activation" } else { "the activations" };
        Error::model(format!("the file holds weights and not {what} between its layers"))
            .at(name.to_owned())
            .help("say it: --activation relu (or tanh, gelu, …; identity for none)")
            .detail(format!("its keys and shapes tell {}", cut(&self.notation())))
    }

    /// `state` under the keys of `module`, if both have the same layers in the same order; and which of the paths
    /// were renamed.
    pub fn renamed(&self, state: &StateDict, module: &Module) -> Option<(StateDict, Note)> {
        let with_weights = |(path, layer): (String, &Module)| {
            let arrays = layer_arrays(&path, module);
            (!arrays.is_empty()).then(|| (path, layer.clone(), arrays))
        };
        let wanted: Vec<_> = module.layers().into_iter().filter_map(with_weights).collect();
        if wanted.len() != self.layers.len() {
            return None;
        }
        let (mut renamed, mut changes) = (StateDict::new(), vec![]);
        for (own, (path, _, arrays)) in self.layers.iter().zip(&wanted) {
            for (suffix, shape) in arrays {
                let value = match state.get(&join(&own.path, suffix)) {
                    Some(value) if value.shape() == shape => value,
                    None if suffix == "num_batches_tracked" => continue,
                    Some(_) | None => return None,
                };
                renamed.insert(join(path, suffix), value.clone());
            }
            changes.push(format!("{} → {}", quoted(&own.path), quoted(path)));
        }
        if renamed.len() != state.len() {
            return None;
        }
        let text = format!("the layers were taken in their order: {}", listed(&changes));
        Some((renamed, Note::Assumed(text)))
    }
}

/// A notation, unless it is longer than anyone reads.
fn cut(notation: &str) -> String {
    const MOST: usize = 2000;
    match notation.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &notation[..end]),
        None => notation.to_owned(),
    }
}

/// The arrays of the layer at `path`: what their keys end with, and their shapes.
fn layer_arrays(path: &str, module: &Module) -> Vec<(String, Vec<usize>)> {
    let own = |key: &str| match path {
        "" => Some(key.to_owned()),
        path => key.strip_prefix(path)?.strip_prefix('.').map(str::to_owned),
    };
    let arrays = module.state_shapes().into_iter();
    arrays.filter_map(|array| Some((own(&array.key)?, array.shape))).collect()
}

fn join(path: &str, suffix: &str) -> String {
    if path.is_empty() { suffix.to_owned() } else { format!("{path}.{suffix}") }
}
