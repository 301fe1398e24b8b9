//! Weights of a bare network: a model file of any format, or JSON on the command line.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use glassnet::nn::{Module, StateDict};
use glassnet::{Error, Result, Tensor, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::{in_file, opened};
use crate::terminal::Terminal;

/// The weights that `given` names, under the keys of `module`.
pub(super) fn read(given: &OsStr, module: &Module, terminal: &Terminal) -> Result<StateDict> {
    let mismatch =
        |error| in_file(error, "--weights").help("give weights with the network's keys and shapes");
    if let Some(text) = given.to_str().filter(|text| text.trim_start().starts_with('{')) {
        let state = from_json(text)?;
        module.check_state_dict(&state, true).map_err(mismatch)?;
        return Ok(state);
    }
    let (state, notes) =
        glassnet_formats::fitted(&opened(Path::new(given), terminal)?.model.state, module)
            .map_err(mismatch)?;
    notes.iter().for_each(|note| terminal.note(&note.to_string()));
    Ok(state)
}

/// Weights as JSON: `{"0.weight": [[1, 2]], "0.bias": [0]}`.
fn from_json(text: &str) -> Result<StateDict> {
    let Entries(entries) = serde_json::from_str(text).map_err(|error| {
        Error::usage(format!("the weights are no valid JSON: {error}"))
            .at("--weights")
            .help("write {\"0.weight\": [[1, 2]], \"0.bias\": [0]}")
    })?;
    let mut state = StateDict::new();
    for (key, array) in entries {
        if state.get(&key).is_some() {
            return Err(Error::usage(format!("{key:?} is there twice"))
                .at("--weights")
                .help("give every key once"));
        }
        let (mut shape, mut data) = (vec![], vec![]);
        flatten(&array, 0, &mut shape, &mut data).ok_or_else(|| {
            Error::usage(format!("{key:?} is no array of finite numbers with rows of one length"))
                .at("--weights")
                .help("write {\"0.weight\": [[1, 2]], \"0.bias\": [0]}")
        })?;
        let tensor = Tensor::new(shape, data)
            .map_err(|error| error.at(format!("--weights, key {key:?}")))?;
        state.insert(key.clone(), Value::F32(tensor));
    }
    Ok(state)
}

/// The entries of a JSON object in order, equal keys included.
struct Entries(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(String, serde_json::Value)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of arrays")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        let mut entries = vec![];
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn flatten(
    value: &serde_json::Value,
    depth: usize,
    shape: &mut Vec<usize>,
    data: &mut Vec<f32>,
) -> Option<()> {
    match value {
        serde_json::Value::Number(number) => {
            let number = number.as_f64()? as f32;
            data.push(number);
            (depth == shape.len() && number.is_finite()).then_some(())
        }
        serde_json::Value::Array(items) => {
            match shape.get(depth) {
                Some(&length) if length != items.len() => return None,
                Some(_) => {}
                None if data.is_empty() => shape.push(items.len()),
                None => return None,
            }
            items.iter().try_for_each(|item| flatten(item, depth + 1, shape, data))
        }
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_in_json_keep_their_shape() -> Result<()> {
        let state = from_json(r#"{"0.weight": [[1, 2], [3, 4]], "0.bias": [0.5, -1]}"#)?;
        assert_eq!(state.floats("0.weight")?.shape(), [2, 2]);
        assert_eq!(state.floats("0.bias")?.data(), [0.5, -1.0]);
        for bad in [
            r#"{"a": [[1], [2, 3]]}"#,
            r#"{"a": ["x"]}"#,
            r#"{"a": [1, [2]]}"#,
            r#"{"a": 1e39}"#,
            "{",
        ] {
            assert!(from_json(bad).is_err(), "{bad}");
        }
        Ok(())
    }
}
