//! What glassnet keeps of a model: its state dict as tensors, the rest as one JSON text beside them.
//!
//! PyTorch loads the file with `safetensors.torch.load_file` and sees the state dict alone. The JSON lies in the
//! container's metadata under the key `glassnet` and says which network the weights belong to, what it predicts, how
//! columns become features, and how it was trained.

use glassnet::{Error, Result, Value};
use serde::{Deserialize, Serialize};

use crate::safetensors::{self, Contents};

/// The version of the JSON that this build writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;

/// The metadata key.
const KEY: &str = "glassnet";

/// A model: weights and what they are for.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// The state dict in PyTorch's keys and order.
    pub state: Vec<(String, Value)>,
    /// What they are for; `None` for a file of weights alone.
    pub card: Option<Card>,
}

/// What a model file says beside the weights. Unknown fields of the same version are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The version of this JSON.
    pub version: u32,
    /// The program that wrote it.
    pub producer: String,
    /// The network in PyTorch's notation.
    pub network: String,
    /// `classification` or `regression`; `None` for a bare network.
    #[serde(default)]
    pub task: Option<String>,
    /// The target column.
    #[serde(default)]
    pub target: Option<String>,
    /// The classes in the order of the outputs.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// How columns become features: the data crate's own versioned JSON.
    #[serde(default)]
    pub preprocessing: Option<serde_json::Value>,
    /// How it was trained: settings and results.
    #[serde(default)]
    pub training: Option<serde_json::Value>,
    /// A fingerprint of the training table.
    #[serde(default)]
    pub data_fingerprint: Option<String>,
}

impl ModelFile {
    /// The file's bytes.
    ///
    /// # Errors
    /// When two tensors have the same name.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut metadata = vec![("format".to_owned(), "pt".to_owned())];
        if let Some(card) = &self.card {
            let text = serde_json::to_string(card).map_err(|error| {
                Error::model(format!("the metadata cannot be written: {error}"))
            })?;
            metadata.push((KEY.into(), text));
            metadata.push(("network".into(), card.network.clone()));
        }
        safetensors::write(&Contents { tensors: self.state.clone(), metadata })
    }

    /// Reads a file's bytes; `name` stands in messages.
    ///
    /// # Errors
    /// When the container is malformed (see [`safetensors::read`]), the JSON does not parse, a newer version wrote
    /// it, or a weight is not finite.
    pub fn read(bytes: &[u8], name: &str) -> Result<Self> {
        let contents = safetensors::read(bytes, name)?;
        let card = contents.metadata.iter().find(|(key, _)| key == KEY);
        let card = card.map(|(_, text)| read_card(text, name)).transpose()?;
        refuse_non_finite(&contents.tensors, name)?;
        Ok(ModelFile { state: contents.tensors, card })
    }
}

fn read_card(text: &str, name: &str) -> Result<Card> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let bad = |error: serde_json::Error| {
        Error::model(format!("the model's description is no valid JSON: {error}"))
            .at(name.to_owned())
            .help("train and save the model again")
    };
    let Version { version } = serde_json::from_str(text).map_err(bad)?;
    if version > FORMAT_VERSION {
        return Err(Error::model(format!(
            "the model has format version {version}, this glassnet reads up to {FORMAT_VERSION}"
        ))
        .at(name.to_owned())
        .help("use a newer glassnet"));
    }
    serde_json::from_str(text).map_err(bad)
}

fn refuse_non_finite(tensors: &[(String, Value)], name: &str) -> Result<()> {
    for (key, value) in tensors {
        let Some(tensor) = value.as_f32() else { continue };
        if let Some(index) = tensor.data().iter().position(|value| !value.is_finite()) {
            return Err(Error::model(format!(
                "tensor {key:?} holds {} at {:?}",
                tensor.data()[index],
                coordinates(index, tensor.shape())
            ))
            .at(name.to_owned())
            .help("train again with a smaller learning rate, or mend the file"));
        }
    }
    Ok(())
}

/// A flat index as one index per axis.
fn coordinates(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for (axis, &length) in shape.iter().enumerate().rev() {
        at[axis] = index % length.max(1);
        index /= length.max(1);
    }
    at
}
