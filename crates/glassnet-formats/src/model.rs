//! What glassnet keeps of a model: its state dict as tensors, the rest as one JSON text beside them.
//!
//! PyTorch loads the file with `safetensors.torch.load_file` and sees the state dict alone. The JSON lies in the
//! container's metadata under the key `glassnet` and says which network the weights belong to, what it predicts, how
//! columns become features, and how it was trained.

use std::collections::HashSet;

use glassnet::nn::StateDict;
use glassnet::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::json::MaxValues;
use crate::message::{quoted, short};
use crate::{checkpoint, json, safetensors};

/// The newest version of the JSON that this build reads.
pub const FORMAT_VERSION: u32 = ENSEMBLE_VERSION;

/// The version of a model of one network, which every glassnet reads.
const SINGLE_VERSION: u32 = 1;

/// The version of an ensemble: what knew version 1 alone would take its keys for a mistake.
pub(crate) const ENSEMBLE_VERSION: u32 = 2;

/// The key of the JSON among the container's texts.
pub(crate) const KEY: &str = "glassnet";

/// The program that writes.
pub(crate) const PRODUCER: &str = concat!("glassnet ", env!("CARGO_PKG_VERSION"));

/// A model: weights and what they are for.
///
/// # Example
/// ```
/// use glassnet::{Tensor, nn::StateDict};
/// use glassnet_formats::{Card, ModelFile};
/// let weight = Tensor::new([1, 2], vec![0.5_f32, -1.0])?;
/// let model = ModelFile {
///     state: StateDict::from_iter([("0.weight", weight.into())]),
///     card: Some(Card::new("Sequential(Linear(2, 1, bias=False))")),
/// };
/// let bytes = model.write()?;
/// assert_eq!(ModelFile::read(&bytes, "model.safetensors")?, model);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// The state dict in PyTorch's keys and order.
    pub state: StateDict,
    /// What they are for; `None` for a file of weights alone, such as `safetensors.torch.save_file` writes.
    pub card: Option<Card>,
}

/// What a model file says beside the weights. Unknown fields of the same version are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The version of this JSON: 1 for one network, 2 for an ensemble.
    pub version: u32,
    /// The program that wrote it.
    pub producer: String,
    /// The network in PyTorch's notation.
    pub network: String,
    /// How many networks of this notation the file holds, an ensemble's members; `None` for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<usize>,
    /// What the outputs mean; `None` for a bare network.
    #[serde(default)]
    pub task: Option<Task>,
    /// The target column.
    #[serde(default)]
    pub target: Option<String>,
    /// The classes in the order of the outputs.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// The loss in PyTorch's notation, such as `CrossEntropyLoss()`.
    #[serde(default)]
    pub criterion: Option<String>,
    /// How columns become features and outputs become the target's units: the data crate's own versioned JSON.
    #[serde(default)]
    pub preprocessing: Option<serde_json::Value>,
    /// How it was trained: settings and results.
    #[serde(default)]
    pub training: Option<serde_json::Value>,
    /// A fingerprint of the training table.
    #[serde(default)]
    pub data_fingerprint: Option<String>,
}

/// What a network's outputs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// A score per class.
    Classification,
    /// Numbers.
    Regression,
}

/// What [`ModelFile::read_with`] lets pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Weights that are NaN or infinite.
    pub allow_non_finite: bool,
}

impl Card {
    /// The card of a bare `network`: all that is not known of it is absent.
    pub fn new(network: impl Into<String>) -> Self {
        Card {
            version: SINGLE_VERSION,
            producer: PRODUCER.to_owned(),
            network: network.into(),
            members: None,
            task: None,
            target: None,
            classes: None,
            criterion: None,
            preprocessing: None,
            training: None,
            data_fingerprint: None,
        }
    }

    /// Whether the fields fit together.
    pub(crate) fn check(&self) -> Result<()> {
        let help = "train and save the model again";
        let version = if self.members.is_some() { ENSEMBLE_VERSION } else { SINGLE_VERSION };
        if self.version != version {
            let of = if self.members.is_some() { "an ensemble" } else { "one network" };
            let what = format!("the description of {of} has version {}", self.version);
            return Err(Error::model(what).help(format!("set it to {version}")));
        }
        if self.members == Some(0) {
            return Err(Error::model("an ensemble without networks").help(help));
        }
        let classes = self.classes.as_deref().unwrap_or(&[]);
        let mut seen = HashSet::new();
        if let Some(double) = classes.iter().find(|class| !seen.insert(class.as_str())) {
            return Err(Error::model(format!("class {} stands twice", quoted(double))).help(help));
        }
        match (self.task, &self.classes) {
            (Some(Task::Classification), Some(classes)) if classes.len() < 2 => Err(Error::model(
                format!("a classification has two classes or more, not {}", classes.len()),
            )
            .help(help)),
            (Some(Task::Regression), Some(_)) => {
                Err(Error::model("a regression has no classes").help(help))
            }
            _ => Ok(()),
        }
    }
}

impl ModelFile {
    /// The file's bytes: the same for the same model. Weights that are not finite are written as they are; reading
    /// such a file needs [`ReadOptions::allow_non_finite`].
    ///
    /// # Errors
    /// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when a tensor is called `__metadata__`, or the card contradicts
    /// itself: a version that is not its own, an ensemble without networks, a class that stands twice, a single class, classes of a
    /// regression.
    pub fn write(&self) -> Result<Vec<u8>> {
        self.write_beside(&[])
    }

    /// As [`ModelFile::write`], with the texts `others` behind those of glassnet, which none of them replaces.
    ///
    /// # Errors
    /// As [`ModelFile::write`], and when two of the texts have one key.
    pub fn write_beside(&self, others: &[(String, String)]) -> Result<Vec<u8>> {
        // `format` is what PyTorch's own writers put there; transformers refuses files without it.
        let mut metadata = vec![("format".to_owned(), "pt".to_owned())];
        if let Some(card) = &self.card {
            card.check()?;
            let text = json::write(card, MaxValues::USUAL, "model")?;
            metadata.push(("network".to_owned(), card.network.clone()));
            metadata.push((KEY.to_owned(), text));
        }
        let own = |key: &str| ["format", "network", KEY].contains(&key);
        metadata.extend(others.iter().filter(|(key, _)| !own(key)).cloned());
        safetensors::write(self.state.iter(), &metadata)
    }

    /// Reads a file's bytes; `name` stands in messages. Weights must be finite.
    ///
    /// # Errors
    /// As [`ModelFile::read_with`].
    pub fn read(bytes: &[u8], name: &str) -> Result<Self> {
        ModelFile::read_with(bytes, name, ReadOptions::default())
    }

    /// Reads a file's bytes; `name` stands in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the container is malformed or something else (see
    /// [`safetensors::read`]), the description does not parse or a newer version wrote it, or a weight is not finite
    /// and the options do not allow it.
    pub fn read_with(bytes: &[u8], name: &str, options: ReadOptions) -> Result<Self> {
        let model = ModelFile::of(safetensors::read(bytes, name)?, name)?;
        if !options.allow_non_finite {
            check_finite(&model.state, name)?;
        }
        Ok(model)
    }

    /// The model in a container's contents.
    pub(crate) fn of(contents: safetensors::Contents, name: &str) -> Result<Self> {
        if contents.text(checkpoint::KEY).is_some() {
            return Err(Error::model("the file is the checkpoint of a training, not a model")
                .at(name.to_owned())
                .help("go on with train --resume, which writes a model at its end"));
        }
        let card = contents.text(KEY).map(|text| read_card(text, name)).transpose()?;
        let state = StateDict::from_iter(contents.tensors);
        Ok(ModelFile { state, card })
    }
}

/// Reads a description; `name` is that of the file.
pub(crate) fn read_card(text: &str, name: &str) -> Result<Card> {
    let place = format!("{name}, metadata {KEY:?}");
    json::refuse_huge(text.as_bytes(), MaxValues::USUAL, |_| place.clone())?;
    check_version(text, "model", FORMAT_VERSION, &place)?;
    let card: Card = serde_json::from_str(text).map_err(|error| bad_json(&error, &place))?;
    card.check().map_err(|error| error.at(place))?;
    Ok(card)
}

/// Refuses a JSON text of a version that this build does not read, and says which one does.
pub(crate) fn check_version(text: &str, kind: &str, newest: u32, place: &str) -> Result<()> {
    #[derive(Deserialize)]
    struct Version {
        version: u64,
        producer: Option<serde_json::Value>,
    }
    let Version { version, producer } =
        serde_json::from_str(text).map_err(|error| bad_json(&error, place))?;
    if version > u64::from(newest) {
        let writer = match producer.as_ref().and_then(|producer| producer.as_str()) {
            Some(producer) => format!("use {}, which wrote it, or a newer one", short(producer)),
            None => "use the glassnet that wrote it, or a newer one".to_owned(),
        };
        return Err(Error::model(format!(
            "the {kind} has format version {version}, this glassnet reads up to {newest}"
        ))
        .at(place.to_owned())
        .help(writer));
    }
    if version == 0 {
        return Err(Error::model(format!("the {kind} has format version 0, the first is 1"))
            .at(place.to_owned())
            .help("train and save it again"));
    }
    Ok(())
}

pub(crate) fn bad_json(error: &serde_json::Error, place: &str) -> Error {
    Error::model(format!("the description cannot be read: {}", json::reason(error)))
        .at(format!("{place}, line {}, column {}", error.line(), error.column()))
        .help("train and save it again")
}

pub(crate) fn check_finite(state: &StateDict, name: &str) -> Result<()> {
    state.check_finite().map_err(|error| {
        let place = format!("{name}, {}", error.place().unwrap_or_default());
        error
            .at(place)
            .help("train again with a lower learning rate, or allow weights that are not finite")
    })
}
