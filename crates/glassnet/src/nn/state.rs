//! State dicts: a network's arrays under PyTorch's keys.

use super::Module;
use super::layer::{BatchNorm1d, Embedding, LayerNorm, Linear, Prelu};
use super::module::join;
use crate::error::{Error, Result};
use crate::graph::DType;
use crate::tensor::{Tensor, Value};
use std::collections::HashMap;

/// Arrays by key, in a fixed order.
///
/// ```
/// use glassnet::{Tensor, nn::StateDict};
/// let state = StateDict::from_iter([("weight", Tensor::new([1, 2], vec![0.5_f32, -1.0])?.into())]);
/// assert_eq!(state.get("weight").unwrap().shape(), [1, 2]);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct StateDict {
    entries: Vec<(String, Value)>,
    places: HashMap<String, usize>,
}

impl PartialEq for StateDict {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl StateDict {
    /// No arrays.
    pub fn new() -> Self {
        StateDict::default()
    }

    /// Adds the array `value` under `key` behind the others; an earlier one of that key is replaced in its place
    /// and returned.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (key, value) = (key.into(), value.into());
        if let Some(&place) = self.places.get(&key) {
            return Some(std::mem::replace(&mut self.entries[place].1, value));
        }
        self.places.insert(key.clone(), self.entries.len());
        self.entries.push((key, value));
        None
    }

    /// The array under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.places.get(key).map(|&place| &self.entries[place].1)
    }

    /// The array under `key`, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.places.get(key).map(|&place| &mut self.entries[place].1)
    }

    /// The floats under `key`.
    ///
    /// # Errors
    /// When there is no such key, or it holds integers.
    pub fn floats(&self, key: &str) -> Result<&Tensor<f32>> {
        let value = self.get(key).ok_or_else(|| {
            Error::model(format!("the state dict has no key {key:?}"))
                .detail(format!("it has {}", listed(&self.keys().collect::<Vec<_>>())))
        })?;
        value.as_f32().ok_or_else(|| Error::model(format!("{key:?} holds integers, not floats")))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// The keys and arrays in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The number of arrays.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no array.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Checks that every float is finite.
    ///
    /// # Errors
    /// The first NaN or infinity with its key and index, and how many there are in all.
    ///
    /// ```
    /// use glassnet::{Tensor, nn::StateDict};
    /// let weight = Tensor::new([2, 2], vec![1.0, 2.0, f32::NAN, 4.0])?;
    /// let error = StateDict::from_iter([("0.weight", weight.into())]).check_finite().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "0.weight[1, 0] is NaN; key \"0.weight\"; replace it, or train again with a lower learning rate",
    /// );
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn check_finite(&self) -> Result<()> {
        let mut first = None;
        let mut count = 0_usize;
        for (key, value) in self.iter() {
            let Some(tensor) = value.as_f32() else { continue };
            for (place, number) in tensor.data().iter().enumerate().filter(|(_, n)| !n.is_finite())
            {
                count += 1;
                first.get_or_insert_with(|| {
                    let index = index_text(place, tensor.shape());
                    (key, format!("{key}{index} is {number}"))
                });
            }
        }
        let Some((key, what)) = first else { return Ok(()) };
        let error = Error::model(what)
            .at(format!("key {key:?}"))
            .help("replace it, or train again with a lower learning rate");
        Err(if count > 1 { error.detail(format!("{count} values are not finite")) } else { error })
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for StateDict {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let mut state = StateDict::new();
        for (key, value) in entries {
            state.insert(key, value);
        }
        state
    }
}

/// `[1, 0]` for element `place` of a row-major array of `shape`.
fn index_text(mut place: usize, shape: &[usize]) -> String {
    let mut index = vec![];
    for &length in shape.iter().rev() {
        index.push((place % length).to_string());
        place /= length;
    }
    index.reverse();
    if index.is_empty() { String::new() } else { format!("[{}]", index.join(", ")) }
}

/// What a module's state dict holds under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateShape {
    /// The key: `0.weight`.
    pub key: String,
    /// The array's shape.
    pub shape: Vec<usize>,
    /// f32, or i64 for a counter.
    pub dtype: DType,
    /// Whether it is a parameter; else it is a buffer.
    pub trainable: bool,
}

impl StateShape {
    fn new(key: &str, shape: impl Into<Vec<usize>>, trainable: bool) -> Self {
        StateShape { key: key.into(), shape: shape.into(), dtype: DType::F32, trainable }
    }

    /// The number of elements.
    pub fn elements(&self) -> u128 {
        self.shape.iter().fold(1, |product: u128, &length| product.saturating_mul(length as u128))
    }

    pub(super) fn bytes(&self) -> u128 {
        let size = if self.dtype == DType::I64 { 8 } else { 4 };
        self.elements().saturating_mul(size)
    }
}

impl Module {
    /// What the module's state dict holds, in PyTorch's order.
    ///
    /// ```
    /// use glassnet::nn;
    /// let keys: Vec<String> = nn::parse("Sequential(Linear(2, 3), BatchNorm1d(3))")?
    ///     .state_shapes()
    ///     .into_iter()
    ///     .map(|array| format!("{} {:?}", array.key, array.shape))
    ///     .collect();
    /// assert_eq!(
    ///     keys,
    ///     [
    ///         "0.weight [3, 2]",
    ///         "0.bias [3]",
    ///         "1.weight [3]",
    ///         "1.bias [3]",
    ///         "1.running_mean [3]",
    ///         "1.running_var [3]",
    ///         "1.num_batches_tracked []",
    ///     ],
    /// );
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn state_shapes(&self) -> Vec<StateShape> {
        let mut shapes = vec![];
        for (path, layer) in self.layers() {
            shapes.extend(
                layer
                    .own_arrays()
                    .into_iter()
                    .map(|array| StateShape { key: join(&path, &array.key), ..array }),
            );
        }
        shapes
    }

    /// The number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        let trainable = self.state_shapes().into_iter().filter(|array| array.trainable);
        let count = trainable.fold(0_u128, |sum, array| sum.saturating_add(array.elements()));
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// The arrays of this layer itself, with keys relative to it; none for containers.
    pub(super) fn own_arrays(&self) -> Vec<StateShape> {
        let weighted = |shape: &[usize], weight: bool, bias: bool| {
            let mut arrays = vec![];
            if weight {
                arrays.push(StateShape::new("weight", shape, true));
            }
            if weight && bias {
                arrays.push(StateShape::new("bias", shape, true));
            }
            arrays
        };
        match self {
            Module::Linear(Linear { in_features, out_features, bias }) => {
                let mut arrays =
                    vec![StateShape::new("weight", [*out_features, *in_features], true)];
                if *bias {
                    arrays.push(StateShape::new("bias", [*out_features], true));
                }
                arrays
            }
            Module::Prelu(Prelu { num_parameters, .. }) => {
                vec![StateShape::new("weight", [*num_parameters], true)]
            }
            Module::BatchNorm1d(BatchNorm1d {
                num_features,
                affine,
                bias,
                track_running_stats,
                ..
            }) => {
                let mut arrays = weighted(&[*num_features], *affine, *bias);
                if *track_running_stats {
                    arrays.push(StateShape::new("running_mean", [*num_features], false));
                    arrays.push(StateShape::new("running_var", [*num_features], false));
                    arrays.push(StateShape {
                        dtype: DType::I64,
                        ..StateShape::new("num_batches_tracked", [], false)
                    });
                }
                arrays
            }
            Module::LayerNorm(LayerNorm { normalized_shape, elementwise_affine, bias, .. }) => {
                weighted(normalized_shape, *elementwise_affine, *bias)
            }
            Module::Embedding(Embedding { num_embeddings, embedding_dim, .. }) => {
                vec![StateShape::new("weight", [*num_embeddings, *embedding_dim], true)]
            }
            Module::EmbedColumns(columns) => {
                let weight = |(column, table): &(usize, Embedding)| {
                    let shape = [table.num_embeddings, table.embedding_dim];
                    StateShape::new(&format!("{column}.weight"), shape, true)
                };
                columns.tables.iter().map(weight).collect()
            }
            Module::Activation(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::Residual(_)
            | Module::Sequential(_) => vec![],
        }
    }
}

/// Keys that did not match where `strict` was off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incompatible {
    /// Keys of the module that the state dict lacks.
    pub missing: Vec<String>,
    /// Keys of the state dict that the module lacks.
    pub unexpected: Vec<String>,
}

impl Module {
    /// Compares a state dict with the module, as PyTorch's `load_state_dict` does. As there, a state dict from
    /// before `num_batches_tracked` existed is accepted.
    ///
    /// # Errors
    /// One error with every missing and unexpected key (with `strict`) and every array of another shape or
    /// element type, in PyTorch's words.
    pub fn check_state_dict(&self, state: &StateDict, strict: bool) -> Result<Incompatible> {
        let wanted = self.state_shapes();
        let counter = |key: &str| key.rsplit('.').next() == Some("num_batches_tracked");
        let missing: Vec<String> = wanted
            .iter()
            .filter(|array| state.get(&array.key).is_none() && !counter(&array.key))
            .map(|array| array.key.clone())
            .collect();
        let mut unexpected = vec![];
        collect_unexpected(self, "", &state.keys().collect::<Vec<_>>(), &mut unexpected);
        let mut lines = vec![];
        if strict && !missing.is_empty() {
            lines.push(format!("Missing key(s) in state_dict: {}.", listed(&missing)));
        }
        if strict && !unexpected.is_empty() {
            lines.push(format!("Unexpected key(s) in state_dict: {}.", listed(&unexpected)));
        }
        let mismatches = wanted.iter().filter_map(|array| mismatch(array, state.get(&array.key)?));
        lines.extend(capped(mismatches.collect()));
        if lines.is_empty() {
            return Ok(Incompatible { missing, unexpected });
        }
        let what = format!("Error(s) in loading state_dict for {}:", self.kind());
        Err(lines.into_iter().fold(Error::model(what), Error::detail))
    }
}

/// PyTorch finds unexpected keys container by container from the root, so that is their order.
fn collect_unexpected(module: &Module, path: &str, keys: &[&str], found: &mut Vec<String>) {
    let own = module.own_arrays();
    let children = module.children().unwrap_or(&[]);
    let relative = |key: &str| match path {
        "" => Some(key.to_owned()),
        path => key.strip_prefix(path)?.strip_prefix('.').map(str::to_owned),
    };
    let mut below: HashMap<&str, Vec<&str>> = HashMap::new();
    let names: std::collections::HashSet<&str> =
        children.iter().map(|(name, _)| name.as_str()).collect();
    for &key in keys {
        let Some(rest) = relative(key) else { continue };
        let child = rest.split_once('.').and_then(|(name, _)| names.get(name));
        match child {
            Some(&name) => below.entry(name).or_default().push(key),
            None if own.iter().any(|array| array.key == rest) => {}
            None => found.push(key.to_owned()),
        }
    }
    for (name, child) in children {
        if let Some(keys) = below.get(name.as_str()) {
            collect_unexpected(child, &join(path, name), keys, found);
        }
    }
}

fn mismatch(wanted: &StateShape, found: &Value) -> Option<String> {
    let StateShape { key, shape, dtype, .. } = wanted;
    if found.shape() != shape.as_slice() {
        return Some(format!(
            "size mismatch for {key}: copying a param with shape {} from checkpoint, the shape in \
             current model is {}.",
            torch_size(found.shape()),
            torch_size(shape)
        ));
    }
    let (given, name) = match found {
        Value::F32(_) => (DType::F32, "torch.float32"),
        Value::I64(_) => (DType::I64, "torch.int64"),
    };
    let own = if *dtype == DType::I64 { "torch.int64" } else { "torch.float32" };
    (given != *dtype).then(|| {
        format!(
            "dtype mismatch for {key}: copying a param with dtype {name} from checkpoint, the dtype \
             in current model is {own}."
        )
    })
}

fn torch_size(shape: &[usize]) -> String {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    format!("torch.Size([{}])", lengths.join(", "))
}

/// Messages stay readable: at most so many keys or lines of one sort.
const MOST_LISTED: usize = 50;

fn listed<S: AsRef<str>>(keys: &[S]) -> String {
    let mut quoted: Vec<String> =
        keys.iter().take(MOST_LISTED).map(|key| format!("\"{}\"", key.as_ref())).collect();
    if keys.len() > MOST_LISTED {
        quoted.push(format!("and {} more", keys.len() - MOST_LISTED));
    }
    quoted.join(", ")
}

fn capped(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST_LISTED);
    lines.truncate(MOST_LISTED);
    if more > 0 {
        lines.push(format!("and {more} more."));
    }
    lines
}
