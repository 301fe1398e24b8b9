//! What wrappers put before every key of a network's state dict.

use glassnet::nn::StateDict;

use crate::note::{Note, listed};

/// Attributes under which wrappers keep the network: `DataParallel`, `torch.compile`, Lightning modules.
const WRAPPERS: [&str; 5] = ["module", "_orig_mod", "model", "net", "network"];

/// Attributes under which Lightning modules keep a loss and its weights.
const LOSSES: [&str; 5] = ["criterion", "loss", "loss_fn", "loss_function", "loss_func"];

/// The state dict without what wrappers put before every key, and what was left out; `None` where nothing was.
///
/// ```
/// use glassnet::{Tensor, nn::StateDict};
/// use glassnet_formats::unwrapped;
/// let state = StateDict::from_iter([("module.net.0.weight", Tensor::full([1, 2], 0.5_f32).into())]);
/// let (plain, notes) = unwrapped(&state).unwrap();
/// assert!(plain.keys().eq(["0.weight"]));
/// assert_eq!(notes[0].to_string(), "\"module.net.\" was left out, with which all 1 keys begin");
/// assert!(unwrapped(&plain).is_none());
/// ```
pub fn unwrapped(state: &StateDict) -> Option<(StateDict, Vec<Note>)> {
    let first = |key: &str| key.split_once('.').map(|(first, _)| first.to_owned());
    let of_loss = |key: &str| first(key).is_some_and(|first| LOSSES.contains(&first.as_str()));
    let own: Vec<&str> = state.keys().filter(|key| !of_loss(key)).collect();
    let mut prefix = String::new();
    while let Some(name) = own.first().and_then(|key| first(&key[prefix.len()..])) {
        let longer = format!("{prefix}{name}.");
        if !WRAPPERS.contains(&name.as_str()) || !own.iter().all(|key| key.starts_with(&longer)) {
            break;
        }
        prefix = longer;
    }
    if prefix.is_empty() {
        return None;
    }
    let mut notes = vec![Note::Renamed { prefix: prefix.clone(), keys: own.len() }];
    let losses: Vec<&str> = state.keys().filter(|key| of_loss(key)).collect();
    if !losses.is_empty() {
        let why = "it belongs to a loss, not to the network".to_owned();
        notes.push(Note::LeftOut { what: listed(&losses), why });
    }
    let plain = state.iter().filter_map(|(key, value)| {
        let key = key.strip_prefix(&prefix)?;
        Some((key.to_owned(), value.clone()))
    });
    Some((plain.collect(), notes))
}

/// The state dict without a name that all of its keys begin with; `None` where there is none, or it is a number.
pub(crate) fn without_first_name(state: &StateDict) -> Option<(StateDict, Note)> {
    let (name, _) = state.keys().next()?.split_once('.')?;
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let prefix = format!("{name}.");
    let plain: Option<StateDict> = state
        .iter()
        .map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())))
        .collect();
    Some((plain?, Note::Renamed { keys: state.len(), prefix }))
}
