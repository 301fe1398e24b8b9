//! The network argument: an expression, the short form, or a model file.

mod weights;

use std::ffi::OsStr;
use std::path::Path;

use glassnet::nn::{self, Module, Network, StateDict};
use glassnet::{Error, Result};
use glassnet_data::Preprocessing;
use glassnet_formats::chain::{self, Chain};
use glassnet_formats::onnx::no_chain;
use glassnet_formats::{Card, OnnxModel, Opened, ReadOptions, unwrapped};

use crate::args::Weights;
use crate::output;
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// A network that can predict.
pub(crate) enum Model {
    /// Weights with a notation and nothing else: numbers in, numbers out.
    Bare(Network),
    /// A model that `train` wrote: columns in, classes or values out.
    Trained(Box<Trained>),
}

/// What an argument names.
pub(crate) enum Named {
    /// A network that can predict.
    Model(Model),
    /// Weights of a file that doesn't say its network, whose activations nobody said either.
    Chain(Box<Chain>),
    /// The graph of an ONNX file that is no chain of layers: it can be computed, and has no layers to work on.
    Graph(Box<OnnxModel>),
}

/// What predicts rows.
pub(crate) enum Whole {
    /// A network, or an ensemble of them.
    Model(Model),
    /// The graph of an ONNX file that is no chain of layers.
    Graph(Box<OnnxModel>),
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

/// As [`load`], with ensembles and graphs that are no chain of layers.
pub(crate) fn load_whole(
    argument: &(impl AsRef<OsStr> + ?Sized),
    weights: &Weights,
    terminal: &Terminal,
) -> Result<Whole> {
    let argument = argument.as_ref();
    match named(argument, weights, terminal, &|_| Ok(()))? {
        Named::Model(model) => Ok(Whole::Model(model)),
        Named::Graph(graph) => Ok(Whole::Graph(graph)),
        Named::Chain(chain) => Err(chain.ask(&argument.display().to_string())),
    }
}

/// Reads the network that `argument` names, with `weights` for a bare one. An ensemble is refused: one of its networks
/// is named `FILE#3`. What is noticed on the way goes to the terminal.
pub(crate) fn load(
    argument: &(impl AsRef<OsStr> + ?Sized),
    weights: &Weights,
    terminal: &Terminal,
) -> Result<Model> {
    load_checked(argument, weights, terminal, &|_| Ok(()))
}

/// As [`load`]; a bare network that `check` refuses is not given weights.
pub(crate) fn load_checked(
    argument: &(impl AsRef<OsStr> + ?Sized),
    weights: &Weights,
    terminal: &Terminal,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Model> {
    let argument = argument.as_ref();
    let model = match named(argument, weights, terminal, check)? {
        Named::Model(model) => model,
        Named::Chain(chain) => return Err(chain.ask(&argument.display().to_string())),
        Named::Graph(_) => return Err(no_chain(&argument.display().to_string())),
    };
    match model {
        Model::Trained(trained) if !trained.others.is_empty() => {
            let (file, last) = (argument.display(), trained.others.len());
            Err(Error::usage(format!("{file} is an ensemble of {} networks", last + 1))
                .at("the network")
                .help(format!("name one of them: '{file}#0' to '{file}#{last}'")))
        }
        model @ (Model::Bare(_) | Model::Trained(_)) => Ok(model),
    }
}

/// What `argument` names.
pub(crate) fn named(
    argument: &OsStr,
    weights: &Weights,
    terminal: &Terminal,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Named> {
    let no_activation = |what: &str| match weights.activation {
        Some(_) => Err(Error::usage(what).at("--activation").help("leave --activation out")),
        None => Ok(()),
    };
    if let Some(notation) = argument.to_str().filter(|argument| is_notation(argument)) {
        no_activation("the network says its activations")?;
        return bare(notation, weights, terminal, check)
            .map(|network| Named::Model(Model::Bare(network)));
    }
    if weights.weights.is_some() {
        return Err(Error::usage("a model file has its own weights")
            .at("--weights")
            .help("leave --weights out"));
    }
    let (path, wanted) = member_of(Path::new(argument));
    let Opened { model: file, graph, .. } = opened(path, terminal)?;
    let argument = &path.display().to_string();
    let members = file.members(argument)?;
    let state = file.state;
    let Some(card) = file.card else {
        if let Some(number) = wanted {
            return Err(one_network(argument, number));
        }
        if let Some(graph) = graph {
            no_activation("the model file says its activations")?;
            return Ok(Named::Graph(graph));
        }
        return unnamed(&state, argument, weights, terminal, check);
    };
    no_activation("the model file says its activations")?;
    trained(card, state, members, wanted, argument).map(Named::Model)
}

/// The network of a file that holds weights alone, read from their keys and shapes.
fn unnamed(
    state: &StateDict,
    file: &str,
    weights: &Weights,
    terminal: &Terminal,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Named> {
    let (state, mut notes) = unwrapped(state).unwrap_or_else(|| (state.clone(), vec![]));
    let chain = chain::infer(&state).map_err(|fault| {
        let error = Error::model("the file holds weights but not their network")
            .at(file.to_owned())
            .help(format!("give the network and --weights {file}"))
            .detail(fault.what().to_owned())
            .detail(format!("it has the keys {}", first_keys(&state)));
        fault.details().iter().fold(error, |error, detail| error.detail(detail.clone()))
    })?;
    let activation = match &weights.activation {
        Some(text) => activation(text)?,
        None if chain.activations() == 0 => Module::Identity,
        None => {
            notes.iter().for_each(|note| terminal.note(&note.to_string()));
            return Ok(Named::Chain(Box::new(chain)));
        }
    };
    notes.extend(chain.notes.iter().cloned());
    notes.iter().for_each(|note| terminal.note(&note.to_string()));
    let module = chain.module(&activation);
    terminal.note(&format!("the network was read from keys and shapes: {}", module.notation()));
    module.summary(None).map_err(|error| in_file(error, file))?;
    check(&module)?;
    let network = Network::with_state(module, &state).map_err(|error| in_file(error, file))?;
    Ok(Named::Model(Model::Bare(network)))
}

fn first_keys(state: &StateDict) -> String {
    const MOST: usize = 50;
    let keys: Vec<&str> = state.keys().take(MOST).collect();
    match state.len().saturating_sub(MOST) {
        0 => keys.join(", "),
        more => format!("{} and {more} more", keys.join(", ")),
    }
}

/// The activation that `text` calls by its name, writes as a layer, or gives as a formula in z.
pub(crate) fn activation(text: &str) -> Result<Module> {
    if let Some(module) = nn::activation_named(text) {
        return Ok(module);
    }
    // Constructors begin with a capital letter, functions in formulas do not.
    if text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return nn::parse(text).map_err(|error| at_flag(error, "--activation"));
    }
    nn::formula(text).map_err(|error| at_flag(error, "--activation"))
}

/// The model of a file that says what its weights are for.
fn trained(
    card: Card,
    state: StateDict,
    members: Option<Vec<StateDict>>,
    wanted: Option<usize>,
    argument: &str,
) -> Result<Model> {
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
        (None, Some(number)) => return Err(one_network(argument, number)),
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

fn one_network(file: &str, number: usize) -> Error {
    Error::usage(format!("{file} holds one network"))
        .at("the network")
        .help(format!("leave #{number} out"))
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

/// Reads a model file of any format and tells what was noticed.
pub(crate) fn opened(path: &Path, terminal: &Terminal) -> Result<Opened> {
    let bytes = read_model(path)?;
    let opened =
        glassnet_formats::open(&bytes, &path.display().to_string(), ReadOptions::default())?;
    opened.notes.iter().for_each(|note| terminal.note(&note.to_string()));
    Ok(opened)
}

fn read_model(path: &Path) -> Result<Vec<u8>> {
    output::read_unpacked(path).map_err(|error| {
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
    terminal: &Terminal,
    check: &dyn Fn(&Module) -> Result<()>,
) -> Result<Network> {
    let module = nn::parse(notation)?;
    // Layers that do not fit together are told before any table is read.
    module.summary(None)?;
    check(&module)?;
    match &weights.weights {
        None => Network::new(module, weights.seed),
        Some(given) => {
            let state = weights::read(given, &module, terminal)?;
            Network::with_state(module, &state)
        }
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
}
