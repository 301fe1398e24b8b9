//! What a checkpoint belongs to, and what differs where a run is to go on.

use glassnet::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::message::short;

/// The most differences that an error lists.
const MAX_LINES: usize = 20;

/// What a training depends on beside its state: the same context and checkpoint give the same weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointContext {
    /// The settings by name: an object.
    pub settings: Value,
    /// A fingerprint of the training table.
    pub data_fingerprint: String,
    /// The network in PyTorch's notation.
    pub network: String,
}

impl CheckpointContext {
    /// Refuses to go on under another context than `self`, that of the checkpoint file `name`.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](glassnet::ErrorKind::Model) with one line per difference.
    pub fn refuse_other(&self, now: &CheckpointContext, name: &str) -> Result<()> {
        let differences = differences(self, now);
        if differences.is_empty() {
            return Ok(());
        }
        let more = differences.len().saturating_sub(MAX_LINES);
        let error = Error::model("the checkpoint belongs to a run with other data or settings")
            .at(name.to_owned())
            .help("give the same data and settings, or train without --resume");
        let error = differences.into_iter().take(MAX_LINES).fold(error, Error::detail);
        Err(if more > 0 { error.detail(format!("and {more} more")) } else { error })
    }
}

/// What differs between the context of a `checkpoint` and the one of `now`, a line per network, data and setting.
///
/// ```
/// use glassnet_formats::checkpoint::{CheckpointContext, differences};
/// let checkpoint = CheckpointContext {
///     settings: serde_json::json!({ "lr": 0.001, "seed": 0 }),
///     data_fingerprint: "a1b2".to_owned(),
///     network: "Sequential(Linear(2, 1))".to_owned(),
/// };
/// let mut now = checkpoint.clone();
/// now.settings["lr"] = 0.01.into();
/// now.settings["patience"] = 5.into();
/// assert_eq!(
///     differences(&checkpoint, &now),
///     ["lr: 0.001 in the checkpoint, 0.01 now", "patience: not set in the checkpoint, 5 now"],
/// );
/// ```
pub fn differences(checkpoint: &CheckpointContext, now: &CheckpointContext) -> Vec<String> {
    let mut lines = vec![];
    if checkpoint.network != now.network {
        let line = line("network", &short(&checkpoint.network), &short(&now.network));
        lines.push(line);
    }
    if checkpoint.data_fingerprint != now.data_fingerprint {
        let (then, now) = (short(&checkpoint.data_fingerprint), short(&now.data_fingerprint));
        lines.push(line("data", &format!("fingerprint {then}"), &format!("fingerprint {now}")));
    }
    compare("", Some(&checkpoint.settings), Some(&now.settings), &mut lines);
    lines
}

fn compare(name: &str, then: Option<&Value>, now: Option<&Value>, lines: &mut Vec<String>) {
    match (then, now) {
        (Some(Value::Object(then)), Some(Value::Object(now))) => {
            let added = now.keys().filter(|key| !then.contains_key(*key));
            for key in then.keys().chain(added) {
                let path = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                compare(&path, then.get(key), now.get(key), lines);
            }
        }
        (then, now) if same(then, now) => {}
        (then, now) => {
            let name = if name.is_empty() { "settings" } else { name };
            lines.push(line(&short(name), &shown(then), &shown(now)));
        }
    }
}

/// Whether two settings mean the same: `1` and `1.0` do, and so do `null` and none.
fn same(then: Option<&Value>, now: Option<&Value>) -> bool {
    match (then.unwrap_or(&Value::Null), now.unwrap_or(&Value::Null)) {
        (Value::Number(then), Value::Number(now)) if then.is_f64() != now.is_f64() => {
            then.as_f64() == now.as_f64()
        }
        (then, now) => then == now,
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not set".to_owned(),
        Some(Value::String(text)) => short(text),
        Some(value) => short(&value.to_string()),
    }
}

fn line(name: &str, then: &str, now: &str) -> String {
    format!("{name}: {then} in the checkpoint, {now} now")
}
