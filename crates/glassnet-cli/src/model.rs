//! The network argument: an expression, the short form, or a model file.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

use glassnet::nn::{self, Module, Network, StateDict};
use glassnet::{Error, Result, Tensor, Value};
use glassnet_data::Preprocessing;
use glassnet_formats::{Card, ModelFile};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::args::Weights;
use crate::output;

/// A network that can predict.
pub(crate) enum Model {
    /// Weights with a notation and nothing else: numbers in, numbers out.
    Bare(Network),
    /// A model that `train` wrote: columns in, classes or values out.
    Trained(Box<Trained>),
}

/// A model file's contents.
pub(crate) struct Trained {
    /// The network; of an ensemble the first.
    pub(crate) network: Network,
    /// The further members of an ensemble, which only [`load_whole`] gives.
    pub(crate) others: Vec<Network>,
    pub(crate) card: Card,
    pub(crate) preprocessing: Preprocessing,
}

impl Trained {
    /// All networks whose predictions are averaged: one, or an ensemble's members.
    pub(crate) fn networks(&self) -> impl Iterator<Item = &Network> {
        std::iter::once(&self.network).chain(&self.others)
    }
}

/// Whether the argument is a notation rather than a path: it has brackets, or is the short form.
pub(crate) fn is_notation(argument: &str) -> bool {
    argument.contains('(') || is_short_form(argument)
}

/// `6-32t-4`: whole numbers joined by `-`, each but the first with a letter perhaps.
fn is_short_form(argument: &str) -> bool {
    let mut parts = argument.split('-');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let first = parts.next().is_some_and(number);
    let rest: Vec<&str> = parts.collect();
    let lettered =
        |part: &&str| number(part.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(part));
    first && !rest.is_empty() && rest.iter().all(lettered)
}

/// As [`load`], ensembles included.
pub(crate) fn load_whole(
    argument: &(impl AsRef<OsStr> + ?Sized),
    weights: &Weights,
) -> Result<Model> {
    load_any(argument.as_ref(), weights, &|_| Ok(()))
}

/// Reads the network that `argument` names, with `weights` for a bare one. An ensemble is refused: one of its networks
/// is named `FILE#3`.
pub(crate) fn load(argument: &(impl AsRef<OsStr> + ?Sized), weights: &Weights) -> Result<Model> {
    load_checked(argument, weights, &|_| Ok(()))
}

/// As [`load`]; a bare network that `check` refuses is not given weights.
pub(crate) fn load_checked(
    argument: &(impl AsRef<OsStr> + ?Sized),
    weights: &Weights,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Model> {
    let argument = argument.as_ref();
    match load_any(argument, weights, check)? {
        Model::Trained(trained) if !trained.others.is_empty() => {
            let (file, last) = (argument.display(), trained.others.len());
            Err(Error::usage(format!("{file} is an ensemble of {} networks", last + 1))
                .at("the network")
                .help(format!("name one of them: '{file}#0' to '{file}#{last}'")))
        }
        model @ (Model::Bare(_) | Model::Trained(_)) => Ok(model),
    }
}

fn load_any(
    argument: &OsStr,
    weights: &Weights,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Model> {
    if let Some(notation) = argument.to_str().filter(|argument| is_notation(argument)) {
        return bare(notation, weights, check).map(Model::Bare);
    }
    if weights.weights.is_some() {
        return Err(Error::usage("a model file has its own weights")
            .at("--weights")
            .help("leave --weights out"));
    }
    let (path, wanted) = member_of(Path::new(argument));
    let argument = &path.display().to_string();
    let file = ModelFile::read(&read_model(path)?, argument)?;
    let members = file.members(argument)?;
    let state = file.state;
    let Some(card) = file.card else {
        return Err(Error::model("the file holds weights but not their network")
            .at(argument.to_owned())
            .help(format!("give the network and --weights {argument}"))
            .detail(format!("it has the keys {}", state.keys().collect::<Vec<_>>().join(", "))));
    };
    let module = nn::parse(&card.network).map_err(|error| in_file(error, argument))?;
    let states = match (members, wanted) {
        (Some(members), None) => members,
        (Some(mut members), Some(number)) if number < members.len() => {
            vec![members.swap_remove(number)]
        }
        (Some(members), Some(number)) => {
            return Err(Error::usage(format!("{argument} has no network number {number}"))
                .at("the network")
                .help(format!("its {} networks are #0 to #{}", members.len(), members.len() - 1)));
        }
        (None, Some(number)) => {
            return Err(Error::usage(format!("{argument} holds one network"))
                .at("the network")
                .help(format!("leave #{number} out")));
        }
        (None, None) => vec![state],
    };
    let single = states.len() == 1;
    let mut networks = vec![];
    for (number, state) in states.iter().enumerate() {
        let within = |error| {
            let error = in_file(error, argument);
            if single { error } else { error.detail(format!("in network number {number}")) }
        };
        networks.push(Network::with_state(module.clone(), state).map_err(within)?);
    }
    let network = networks.remove(0);
    match &card.preprocessing {
        None if networks.is_empty() => Ok(Model::Bare(network)),
        None => Err(Error::model("an ensemble that does not say how columns become features")
            .at(argument.to_owned())
            .help(format!("take one of its networks, such as '{argument}#0'"))),
        Some(json) => {
            let preprocessing =
                Preprocessing::from_json(json).map_err(|error| in_file(error, argument))?;
            Ok(Model::Trained(Box::new(Trained { network, others: networks, card, preprocessing })))
        }
    }
}

/// The file and the member that `FILE#3` names. A file that is called so is itself.
fn member_of(path: &Path) -> (&Path, Option<usize>) {
    let parts = path.to_str().and_then(|text| text.rsplit_once('#'));
    let named = parts.and_then(|(file, number)| {
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits)?;
        Some((Path::new(file), Some(number)))
    });
    match named {
        Some(named) if !path.exists() => named,
        Some(_) | None => (path, None),
    }
}

fn read_model(path: &Path) -> Result<Vec<u8>> {
    output::read(path).map_err(|error| {
        let shown = path.display().to_string();
        // A slip in a notation looks like a path that does not exist.
        if path.exists() || shown.contains('/') || shown.contains('.') {
            return error;
        }
        Error::usage(format!("{shown:?} is neither a network nor a file"))
            .at("the network")
            .help("write 6-32-4, or 'Sequential(Linear(6, 32), ReLU(), Linear(32, 4))', or the path of a model file")
    })
}

/// What a model file says wrongly is the file's fault, not the command line's.
fn in_file(error: Error, file: &str) -> Error {
    let wrapped =
        Error::model(error.what().trim_end_matches(':').to_owned()).at(match error.place() {
            Some(place) => format!("{file}, {place}"),
            None => file.to_owned(),
        });
    let wrapped = match error.help_text() {
        Some(help) => wrapped.help(help.to_owned()),
        None => wrapped,
    };
    error.details().iter().fold(wrapped, |wrapped, detail| wrapped.detail(detail.clone()))
}

fn bare(
    notation: &str,
    weights: &Weights,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Network> {
    let module = nn::parse(notation)?;
    // Layers that do not fit together are told before any table is read.
    module.summary(None)?;
    check(&module)?;
    let mut network = Network::new(module, weights.seed)?;
    let Some(given) = &weights.weights else { return Ok(network) };
    let state = match given.to_str().filter(|text| text.trim_start().starts_with('{')) {
        Some(text) => from_json(text)?,
        None => {
            let path = Path::new(given);
            ModelFile::read(&output::read(path)?, &path.display().to_string())?.state
        }
    };
    network.load_state_dict(&state, true).map_err(|error| {
        in_file(error, "--weights").help("give weights with the network's keys and shapes")
    })?;
    Ok(network)
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
    fn a_network_argument_is_a_notation_or_a_path() {
        for notation in ["6-32-4", "6-32t-4", "2-2", "Linear(2, 3)", "Sequential()"] {
            assert!(is_notation(notation), "{notation}");
        }
        for path in ["./6-4", "model.safetensors", "6", "6-", "-4", "a-4", "6--4", "6-4/x"] {
            assert!(!is_notation(path), "{path}");
        }
    }

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
