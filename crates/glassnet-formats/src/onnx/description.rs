//! What glassnet keeps of a model beside the graph of an ONNX file: the description that safetensors files have, among
//! the file's texts.
//!
//! The graph computes the network, and the description says more: the notation, the classes, how columns become features.
//! It belongs to one graph, of which it holds a fingerprint: where another program has changed the graph, the graph
//! decides, and the description is not used.

use flate2::Crc;
use glassnet::nn::{self, StateDict};
use glassnet::{Error, Result, Tensor};
use prost::Message;

use super::{proto, tensor};
use crate::message::short;
use crate::model::{Card, KEY, read_card};
use crate::{Note, json, members};

/// The key of the fingerprint among the file's texts.
const GRAPH_KEY: &str = "glassnet.graph";

/// The texts that describe the model of `graph`, behind which stand the texts `others`.
pub(super) fn written(
    graph: &proto::Graph,
    card: Option<&Card>,
    others: &[(String, String)],
) -> Result<Vec<proto::Entry>> {
    let mut texts = vec![];
    if let Some(card) = card {
        card.check()?;
        texts.push((KEY.to_owned(), json::write(card, json::MaxValues::USUAL, "model")?));
        texts.push((GRAPH_KEY.to_owned(), fingerprint(graph)));
    }
    let own = |key: &str| [KEY, GRAPH_KEY].contains(&key);
    texts.extend(others.iter().filter(|(key, _)| !own(key)).cloned());
    let entry = |(key, value)| proto::Entry { key: Some(key), value: Some(value) };
    Ok(texts.into_iter().map(entry).collect())
}

/// What the description of a file says.
pub(super) enum Described {
    /// The file has none.
    Nothing,
    /// The model, whole.
    Model(Box<(Card, StateDict)>),
    /// It is not that of the graph.
    Foreign(Note),
}

/// The description of a file that has one; `name` stands in messages.
///
/// # Errors
/// When it is that of the graph and cannot be read.
pub(super) fn read(model: &proto::Model, name: &str) -> Result<Described> {
    let (Some(card), Some(graph)) = (text(model, KEY), &model.graph) else {
        return Ok(Described::Nothing);
    };
    if text(model, GRAPH_KEY) != Some(&fingerprint(graph)) {
        let why = "the graph was changed after glassnet wrote it, and the graph decides".to_owned();
        let what = "glassnet's description of the model".to_owned();
        return Ok(Described::Foreign(Note::LeftOut { what, why }));
    }
    let card = read_card(card, name)?;
    let state = state(graph, &card).map_err(|error| super::in_file(error, name))?;
    Ok(Described::Model(Box::new((card, state))))
}

/// The file's texts but glassnet's own.
pub(super) fn others(model: &proto::Model) -> Vec<(String, String)> {
    let entries = model.metadata.iter().filter_map(|entry| {
        let key = entry.key.clone().filter(|key| ![KEY, GRAPH_KEY].contains(&key.as_str()))?;
        Some((key, entry.value.clone().unwrap_or_default()))
    });
    entries.collect()
}

fn text<'a>(model: &'a proto::Model, key: &str) -> Option<&'a str> {
    model.metadata.iter().find(|entry| entry.key.as_deref() == Some(key))?.value.as_deref()
}

/// A checksum and the length of the graph's bytes, as this program writes them: what another one orders or leaves out
/// in other ways has the same. It finds changes; it is no proof of where a file comes from.
fn fingerprint(graph: &proto::Graph) -> String {
    let bytes = graph.encode_to_vec();
    let mut sum = Crc::new();
    sum.update(&bytes);
    format!("{:08x}-{:x}", sum.sum(), bytes.len())
}

/// The state dict of the network that `card` describes, of the arrays of `graph`.
fn state(graph: &proto::Graph, card: &Card) -> Result<StateDict> {
    let module = nn::parse(&card.network)
        .map_err(|error| Error::model(error.what().to_owned()).at("the network's notation"))?;
    let arrays = module.state_shapes();
    let count = card.members.unwrap_or(1);
    // A file may claim any number: as many members as it has arrays are all that it can hold.
    let wanted = count.saturating_mul(arrays.len());
    if count > graph.initializer.len().max(1) || wanted > 2 * graph.initializer.len() {
        return Err(Error::model(format!(
            "the description says that the file holds {count} networks of {} arrays each, it has {} arrays",
            arrays.len(),
            graph.initializer.len()
        ))
        .help("convert the model again"));
    }
    let by_name: std::collections::HashMap<&str, &proto::Tensor> = graph
        .initializer
        .iter()
        .filter_map(|array| Some((array.name.as_deref()?, array)))
        .collect();
    let mut state = StateDict::new();
    for member in 0..count {
        for array in &arrays {
            let key = match card.members {
                Some(_) => members::key(member, &array.key),
                None => array.key.clone(),
            };
            // Counters are not in the graph, which needs none.
            let Some(found) = by_name.get(key.as_str()) else { continue };
            let constant = tensor::read(found)?;
            let floats = constant.to_floats()?.into_iter().map(|number| number as f32).collect();
            let value = Tensor::new(constant.shape.clone(), floats)
                .map_err(|error| error.at(format!("tensor {}", short(&key))))?;
            state.insert(key, value);
        }
    }
    Ok(state)
}
