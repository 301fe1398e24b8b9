//! Checkpoint files: a training between two epochs, bit for bit, and the settings and data that it belongs to.
//!
//! The container is safetensors. Its tensors are `block` (parameters and buffers), `best.block` (those at the lowest
//! validation loss) and `optimizer.SLOT` (the optimiser's slots by PyTorch's names); counters, schedule and
//! history are one versioned JSON under the metadata key `glassnet.checkpoint`; what the run depends on is another under
//! `glassnet.context`.

mod context;
mod text;

use glassnet::nn::StateDict;
use glassnet::train::Checkpoint;
use glassnet::{Error, Result, Tensor, Value};
use serde::de::DeserializeOwned;

pub use context::{CheckpointContext, differences};

use crate::json::MaxValues;
use crate::message::quoted;
use crate::model::{check_finite, check_version};
use crate::{json, safetensors};
use text::Text;

/// The version of the JSON that this build writes, and the newest that it reads.
pub const CHECKPOINT_VERSION: u32 = 1;

/// The key of the JSON among the container's texts.
pub(crate) const KEY: &str = "glassnet.checkpoint";

/// The key of what the checkpoint belongs to.
const CONTEXT: &str = "glassnet.context";

/// The tensor of the weights in force.
const BLOCK: &str = "block";

/// The tensor of the best weights so far.
const BEST: &str = "best.block";

/// What the names of the optimiser's slots begin with.
const SLOT: &str = "optimizer.";

/// The bytes of a checkpoint file. [`read_checkpoint`] gives back every bit, NaN and infinite losses included.
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when a weight is not finite (no run could go on from there, and an
/// older checkpoint should not be lost to it), or when the checkpoint contradicts itself: see [`read_checkpoint`].
///
/// # Example
/// ```
/// use glassnet::train::Checkpoint;
/// use glassnet_formats::checkpoint::{CheckpointContext, read_checkpoint, write_checkpoint};
/// let checkpoint = Checkpoint {
///     epoch: 0,
///     step: 0,
///     block: vec![0.5, -1.0],
///     optimizer: Default::default(),
///     schedule: None,
///     history: vec![],
///     best: None,
/// };
/// let context = CheckpointContext {
///     settings: serde_json::json!({ "lr": 0.001, "batch_size": 16 }),
///     data_fingerprint: "a1b2".to_owned(),
///     network: "Sequential(Linear(2, 1, bias=False))".to_owned(),
/// };
/// let bytes = write_checkpoint(&checkpoint, &context)?;
/// assert_eq!(read_checkpoint(&bytes, "run.ckpt")?, (checkpoint, context));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn write_checkpoint(checkpoint: &Checkpoint, context: &CheckpointContext) -> Result<Vec<u8>> {
    check(checkpoint)?;
    let mut weights = StateDict::from_iter([(BLOCK, array(&checkpoint.block)?)]);
    if let Some(best) = &checkpoint.best {
        weights.insert(BEST, array(&best.block)?);
    }
    check_finite(&weights, "the checkpoint")?;
    let mut slots = vec![];
    for (slot, values) in &checkpoint.optimizer.slots {
        slots.push((format!("{SLOT}{slot}"), array(values)?));
    }
    let text = json::write(&Text::new(checkpoint), MaxValues::HISTORY, "checkpoint")?;
    let context = json::write(context, MaxValues::USUAL, "checkpoint")?;
    let metadata = [("format", "pt".to_owned()), (KEY, text), (CONTEXT, context)]
        .map(|(key, text)| (key.to_owned(), text));
    let slots = slots.iter().map(|(name, value)| (name.as_str(), value));
    safetensors::write(weights.iter().chain(slots), &metadata)
}

fn array(values: &[f32]) -> Result<Value> {
    Tensor::new([values.len()], values.to_vec()).map(Value::F32)
}

/// Reads a checkpoint file's bytes; `name` stands in messages.
///
/// Whether it fits the network and the optimiser is for
/// [`Session::resume`](glassnet::train::Session::resume) to say, and whether the settings are the same for
/// [`CheckpointContext::refuse_other`].
///
/// # Errors
/// [`ErrorKind::Model`](glassnet::ErrorKind::Model) when the container is malformed or something else (see
/// [`safetensors::read`]), a model instead of a checkpoint, of a newer version, lacks a tensor or has one too many,
/// holds weights that are not finite, or contradicts itself: an epoch missing from the history, best weights of
/// another length or from an epoch that was not done, an optimiser or schedule that is ahead of the steps.
pub fn read_checkpoint(bytes: &[u8], name: &str) -> Result<(Checkpoint, CheckpointContext)> {
    let contents = safetensors::read(bytes, name)?;
    let Some(text) = contents.text(KEY) else {
        let what = match contents.text(crate::model::KEY) {
            Some(_) => "the file is a model, not the checkpoint of a training",
            None => "the file has no checkpoint of a training, only tensors",
        };
        return Err(Error::model(what)
            .at(name.to_owned())
            .help("give a file that train --checkpoint wrote"));
    };
    let text: Text = parse(text, KEY, MaxValues::HISTORY, name)?;
    let context = contents
        .text(CONTEXT)
        .ok_or_else(|| wrong(format!("missing metadata {CONTEXT:?}"), name))?;
    let context = parse(context, CONTEXT, MaxValues::USUAL, name)?;
    let tensors = Tensors::sort(contents.tensors, name)?;
    let checkpoint = text.with_tensors(tensors, name)?;
    check(&checkpoint).map_err(|error| error.at(name))?;
    Ok((checkpoint, context))
}

/// The JSON under `key`; only that of the checkpoint itself has a version, which stands for both.
fn parse<T: DeserializeOwned>(text: &str, key: &str, most: MaxValues, name: &str) -> Result<T> {
    let place = format!("{name}, metadata {key:?}");
    json::refuse_huge(text.as_bytes(), most, |_| place.clone())?;
    if key == KEY {
        check_version(text, "checkpoint", CHECKPOINT_VERSION, &place)?;
    }
    serde_json::from_str(text).map_err(|error| crate::model::bad_json(&error, &place))
}

/// A checkpoint's tensors.
struct Tensors {
    block: Vec<f32>,
    best: Option<Vec<f32>>,
    slots: Vec<(String, Vec<f32>)>,
}

impl Tensors {
    fn sort(tensors: Vec<(String, Value)>, name: &str) -> Result<Self> {
        let (mut block, mut best, mut slots) = (None, None, vec![]);
        for (key, value) in tensors {
            let Value::F32(tensor) = value else {
                return Err(wrong(
                    format!("tensor {} holds integers, not floats", quoted(&key)),
                    name,
                ));
            };
            if tensor.shape().len() != 1 {
                let (key, shape) = (quoted(&key), tensor.shape());
                let what = format!("tensor {key} has shape {shape:?}, not one axis");
                return Err(wrong(what, name));
            }
            if let Some(slot) = key.strip_prefix(SLOT) {
                slots.push((slot.to_owned(), tensor.into_data()));
                continue;
            }
            let place = match key.as_str() {
                BLOCK => &mut block,
                BEST => &mut best,
                _ => return Err(wrong(format!("unexpected tensor {}", quoted(&key)), name)),
            };
            let state = StateDict::from_iter([(key, Value::F32(tensor))]);
            check_finite(&state, name)?;
            *place = state.iter().find_map(|(_, value)| value.as_f32()).map(|t| t.data().to_vec());
        }
        match block {
            Some(block) => Ok(Tensors { block, best, slots }),
            None => Err(wrong(format!("missing tensor {BLOCK:?}"), name)),
        }
    }
}

fn wrong(what: String, name: &str) -> Error {
    Error::model(what).at(name.to_owned()).help("give a file that train --checkpoint wrote")
}

/// Whether the parts agree. A resumed run counts on from these numbers, so that they must be ones that a run can reach.
fn check(checkpoint: &Checkpoint) -> Result<()> {
    const MOST_STEPS: u64 = 1 << 53;
    let Checkpoint { epoch, step, block, optimizer, schedule, history, best } = checkpoint;
    let refuse = |what: String| {
        Err(Error::model(format!("the checkpoint contradicts itself: {what}"))
            .help("take an older checkpoint, or train again"))
    };
    if history.len() != *epoch || history.iter().zip(1..).any(|(record, at)| record.epoch != at) {
        return refuse(format!("{epoch} epochs are done, its history has {}", history.len()));
    }
    if *step > MOST_STEPS {
        return refuse(format!("{step} steps"));
    }
    if optimizer.step > *step {
        return refuse(format!("the optimiser did {} steps of {step}", optimizer.step));
    }
    if let Some((slot, values)) = optimizer.slots.iter().find(|(_, v)| v.len() > block.len()) {
        let given = values.len();
        let slot = quoted(slot);
        return refuse(format!("{slot} has {given} numbers for {} weights", block.len()));
    }
    if let Some(best) = best {
        if best.epoch > *epoch || best.step > *step {
            return refuse(format!("the best epoch is {}, {epoch} are done", best.epoch));
        }
        if best.block.len() != block.len() {
            let (given, wanted) = (best.block.len(), block.len());
            return refuse(format!("{given} best weights, {wanted} weights"));
        }
    }
    if let Some(schedule) = schedule {
        let most = (*epoch as u64).max(*step);
        if schedule.count > most || schedule.bad_epochs > most || schedule.cooldown > MOST_STEPS {
            return refuse(format!("its schedule is at {}, {step} steps are done", schedule.count));
        }
    }
    Ok(())
}
