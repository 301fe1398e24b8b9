//! Which layers a state dict's arrays belong to.

use std::collections::HashMap;

use glassnet::nn::{
    BatchNorm1d, Embedding, Flatten, LayerNorm, Linear, Module, Prelu, StateDict, linear,
};
use glassnet::{Error, Result};

use crate::message::quoted;
use crate::note::{Note, listed};

/// A layer with weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layer {
    /// Where it is in the network: `0`, `encoder.2`, empty for a lone layer.
    pub(super) path: String,
    pub(super) module: Module,
    /// Whether it has a bias; a matrix without one may be an embedding.
    bias: bool,
    /// Whether an activation follows it, before anything else does.
    pub(super) activated: bool,
    /// Whether its input is flattened.
    pub(super) flattened: bool,
}

/// The layers in the order in which the file names them.
pub(super) fn find(state: &StateDict) -> Result<(Vec<Layer>, Vec<Note>)> {
    let mut paths: Vec<&str> = vec![];
    let mut arrays: HashMap<&str, Vec<(&str, &[usize])>> = HashMap::new();
    for (key, value) in state.iter() {
        let (path, suffix) = key.rsplit_once('.').unwrap_or(("", key));
        arrays
            .entry(path)
            .or_insert_with(|| {
                paths.push(path);
                vec![]
            })
            .push((suffix, value.shape()));
    }
    let mut norms = vec![];
    let layers = paths.into_iter().map(|path| {
        let own = arrays.get(path).map_or(&[][..], Vec::as_slice);
        let module = layer(path, own, &mut norms)?;
        let bias = own.iter().any(|(suffix, _)| *suffix == "bias");
        Ok(Layer { path: path.to_owned(), module, bias, activated: false, flattened: false })
    });
    let layers = layers.collect::<Result<Vec<Layer>>>()?;
    let mut notes = vec![];
    if !norms.is_empty() {
        notes.push(Note::Assumed(format!(
            "a weight and a bias without running statistics are a LayerNorm: {}",
            listed(&norms)
        )));
    }
    Ok((layers, notes))
}

/// The layer that has these arrays.
fn layer(path: &str, arrays: &[(&str, &[usize])], norms: &mut Vec<String>) -> Result<Module> {
    let get = |suffix: &str| arrays.iter().find(|(own, _)| *own == suffix).map(|(_, shape)| *shape);
    let unknown = |why: String| {
        let own: Vec<String> =
            arrays.iter().map(|(suffix, shape)| format!("{} {shape:?}", quoted(suffix))).collect();
        Err(Error::model(format!(
            "{} is no layer that a chain can be read from: {why}",
            quoted(path)
        ))
        .detail(format!("it has {}", listed(&own))))
    };
    const KNOWN: [&str; 5] =
        ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
    if let Some((odd, _)) = arrays.iter().find(|(suffix, _)| !KNOWN.contains(suffix)) {
        return unknown(if odd.starts_with("weight_ih") || odd.starts_with("weight_hh") {
            "it is recurrent".to_owned()
        } else if ["weight_g", "weight_v", "weight_orig", "original0", "original1"].contains(odd) {
            "its weight is computed from others (weight_norm, spectral_norm); remove that before saving".to_owned()
        } else if *odd == "in_proj_weight" {
            "it is attention".to_owned()
        } else {
            format!("{} is an array of no layer here", quoted(odd))
        });
    }
    let (weight, bias) = (get("weight"), get("bias"));
    if let Some(mean) = get("running_mean") {
        let &[channels] = mean else { return unknown("its running mean is no vector".into()) };
        let same = |shape: Option<&[usize]>| shape.is_none_or(|shape| shape == [channels]);
        if !same(weight) || !same(bias) || get("running_var") != Some(&[channels]) {
            return unknown("its arrays differ in length".into());
        }
        let (affine, bias) = (weight.is_some(), weight.is_none() || bias.is_some());
        return Ok(Module::BatchNorm1d(BatchNorm1d { affine, bias, ..BatchNorm1d::new(channels) }));
    }
    match (weight, bias) {
        (Some(&[out_features, in_features]), None) => {
            Ok(Module::Linear(Linear { bias: false, ..Linear::new(in_features, out_features) }))
        }
        (Some(&[out_features, in_features]), Some(&[bias])) if bias == out_features => {
            Ok(linear(in_features, out_features))
        }
        (Some(&[1]), None) => Ok(Module::Prelu(Prelu::default())),
        (Some(&[channels]), Some(&[bias])) if bias == channels => {
            norms.push(quoted(path));
            Ok(Module::LayerNorm(LayerNorm::new([channels])))
        }
        (Some(&[channels]), None) if path.to_lowercase().contains("norm") => {
            Ok(Module::LayerNorm(LayerNorm { bias: false, ..LayerNorm::new([channels]) }))
        }
        (Some(&[channels]), None) if path.to_lowercase().contains("relu") => {
            Ok(Module::Prelu(Prelu { num_parameters: channels, ..Prelu::default() }))
        }
        (Some(shape @ [_, _, _, ..]), _) => {
            unknown(format!("its weight has {} axes, as a convolution's", shape.len()))
        }
        (Some(_) | None, _) => unknown("its arrays are none of a layer's here".to_owned()),
    }
}

/// The layers, if each takes what the one before it gives; with the places of activations.
pub(super) fn fit(mut layers: Vec<Layer>) -> Result<(Vec<Layer>, Vec<Note>)> {
    let mut notes = vec![];
    first_embedding(&mut layers, &mut notes);
    let mut width: Option<usize> = None;
    for at in 0..layers.len() {
        let before = at.checked_sub(1).map(|before| layers[before].path.clone());
        let layer = &mut layers[at];
        let (takes, gives) = match &layer.module {
            Module::Linear(linear) => (Some(linear.in_features), Some(linear.out_features)),
            Module::BatchNorm1d(norm) => (Some(norm.num_features), Some(norm.num_features)),
            Module::LayerNorm(norm) => {
                let length = norm.normalized_shape.last().copied();
                (length, length)
            }
            Module::Prelu(prelu) if prelu.num_parameters > 1 => {
                (Some(prelu.num_parameters), Some(prelu.num_parameters))
            }
            Module::Embedding(embedding) => (None, Some(embedding.embedding_dim)),
            Module::Prelu(_) => (None, width),
            _ => (None, width), // not operations: the layers of this file
        };
        if let (Some(width), Some(takes)) = (width, takes)
            && width != takes
        {
            let after_embedding = at == 1 && width > 0 && takes % width == 0;
            if !after_embedding {
                let before = before.unwrap_or_default();
                return Err(Error::model(format!(
                    "the layers are no chain: {} takes {takes} numbers, {} before it gives {width}",
                    quoted(&layer.path),
                    quoted(&before)
                )));
            }
            layer.flattened = true;
            let rows = takes / width;
            notes.push(Note::Assumed(format!(
                "{} takes the {rows} rows of the embedding {} side by side",
                quoted(&layer.path),
                quoted(&before.unwrap_or_default())
            )));
        }
        width = gives.or(width);
    }
    place_activations(&mut layers, &mut notes);
    Ok((layers, notes))
}

/// A first matrix without a bias whose columns (not rows) are what the next layer takes is an embedding.
fn first_embedding(layers: &mut [Layer], notes: &mut Vec<Note>) {
    let [first, rest @ ..] = layers else { return };
    let (Module::Linear(linear), false) = (&first.module, first.bias) else { return };
    let (rows, columns) = (linear.out_features, linear.in_features);
    let next = rest.iter().find_map(|layer| match &layer.module {
        Module::Linear(linear) => Some(linear.in_features),
        _ => None, // not operations: the layers of this file
    });
    let named = first.path.to_lowercase().contains("emb");
    let fits = next.is_some_and(|next| next != rows && columns > 0 && next % columns == 0);
    if named || fits {
        notes.push(Note::Assumed(format!("{} is taken to be an Embedding", quoted(&first.path))));
        first.module = Module::Embedding(Embedding::new(rows, columns));
    }
}

/// Marks the layers that an activation follows: each `Linear` but the last, or the normalisation right behind it, unless
/// a PReLU follows, which is one.
fn place_activations(layers: &mut [Layer], notes: &mut Vec<Note>) {
    let is_linear = |layer: &Layer| matches!(layer.module, Module::Linear(_));
    let linears: Vec<usize> = (0..layers.len()).filter(|&at| is_linear(&layers[at])).collect();
    let mut before_norms = vec![];
    for pair in linears.windows(2) {
        let between = pair[0] + 1..pair[1];
        if layers[between.clone()].iter().any(|layer| matches!(layer.module, Module::Prelu(_))) {
            continue;
        }
        let mut place = pair[0];
        for next in between {
            // A number left out between two layers is one without weights: the activation's place.
            if gap(&layers[place].path, &layers[next].path) {
                break;
            }
            place = next;
        }
        if place == pair[0] && pair[0] + 1 < pair[1] {
            before_norms.push(quoted(&layers[place].path));
        }
        layers[place].activated = true;
    }
    if !before_norms.is_empty() {
        notes.push(Note::Assumed(format!(
            "an activation is taken to follow these themselves, before the normalisation: {}",
            listed(&before_norms)
        )));
    }
}

/// Whether the paths are numbers in one container with another number between them.
fn gap(left: &str, right: &str) -> bool {
    let (left_parent, left) = left.rsplit_once('.').unwrap_or(("", left));
    let (right_parent, right) = right.rsplit_once('.').unwrap_or(("", right));
    match (left.parse::<u64>(), right.parse::<u64>()) {
        (Ok(left), Ok(right)) => left_parent == right_parent && right > left.saturating_add(1),
        (Ok(_) | Err(_), _) => false,
    }
}

/// What stands before a layer whose input is flattened.
pub(super) fn flatten() -> Module {
    Module::Flatten(Flatten::default())
}
