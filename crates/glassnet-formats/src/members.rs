//! Ensembles: several networks of one notation in a model file.
//!
//! The tensors of member 3 have its state dict's keys behind `members.3.`, which is how PyTorch names the parameters of a
//! module whose attribute `members` is a `ModuleList` of the networks.

use glassnet::nn::StateDict;
use glassnet::{Error, Result};

use crate::message::quoted;
use crate::model::{Card, ENSEMBLE_VERSION, ModelFile};

const PREFIX: &str = "members.";

/// The key of a member's array in the file.
pub(crate) fn key(member: usize, own: &str) -> String {
    format!("{PREFIX}{member}.{own}")
}

impl ModelFile {
    /// The file of an ensemble: the networks of `members`, in their order, which `card` describes.
    ///
    /// ```
    /// use glassnet::{Tensor, nn::StateDict};
    /// use glassnet_formats::{Card, ModelFile};
    /// let member = |value| StateDict::from_iter([("weight", Tensor::full([1, 1], value).into())]);
    /// let file = ModelFile::ensemble(&[member(0.5), member(1.5)], Card::new("Linear(1, 1, bias=False)"));
    /// assert!(file.state.keys().eq(["members.0.weight", "members.1.weight"]));
    /// let read = ModelFile::read(&file.write()?, "model.safetensors")?;
    /// assert_eq!(read.members("model.safetensors")?, Some(vec![member(0.5), member(1.5)]));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn ensemble(members: &[StateDict], card: Card) -> Self {
        let mut state = StateDict::new();
        for (number, member) in members.iter().enumerate() {
            for (key, value) in member.iter() {
                state.insert(self::key(number, key), value.clone());
            }
        }
        let card = Card { version: ENSEMBLE_VERSION, members: Some(members.len()), ..card };
        ModelFile { state, card: Some(card) }
    }

    /// The members' state dicts under their own keys; `None` where the file holds one network. `name` stands in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when a member has no tensor, or a tensor belongs to none.
    pub fn members(&self, name: &str) -> Result<Option<Vec<StateDict>>> {
        let Some(count) = self.card.as_ref().and_then(|card| card.members) else { return Ok(None) };
        let wrong = |what: String| {
            Error::model(what).at(name.to_owned()).help("train and save the ensemble again")
        };
        // A file may claim any number: as many members as it has tensors are all that it can hold.
        if count > self.state.len() {
            return Err(wrong(format!(
                "the file says that it holds {count} networks and has {} tensors",
                self.state.len()
            )));
        }
        let mut members = vec![StateDict::new(); count];
        for (key, value) in self.state.iter() {
            let place = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.'));
            let member = place.and_then(|(number, own)| {
                let canonical = number.bytes().all(|byte| byte.is_ascii_digit())
                    && (number == "0" || !number.starts_with('0'));
                let number: usize = number.parse().ok().filter(|_| canonical)?;
                Some((members.get_mut(number)?, own))
            });
            let Some((member, own)) = member else {
                return Err(wrong(format!(
                    "the tensor {} belongs to none of the {count} networks",
                    quoted(key)
                )));
            };
            member.insert(own, value.clone());
        }
        match members.iter().position(StateDict::is_empty) {
            Some(number) => Err(wrong(format!("the file has no tensor {PREFIX}{number}.…"))),
            None => Ok(Some(members)),
        }
    }
}
