//! Watching a training: everything is shown, nothing is paid where nobody looks.

use super::record::EpochRecord;
use crate::engine::Block;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop now; the best weights so far are kept.
    Stop,
}

/// What happened in one step, before the next one begins.
#[derive(Clone, Copy, Debug)]
pub struct StepEvent<'a> {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step since the training began, from 1.
    pub step: u64,
    /// The rows of the batch.
    pub rows: &'a [usize],
    /// How many batches the epoch has.
    pub steps_per_epoch: usize,
    /// The batch's loss before the update.
    pub loss: f32,
    /// The learning rate of the update.
    pub lr: f64,
    /// The gradient of all parameters, in the order of the block, after clipping and penalties.
    pub gradients: &'a [f32],
    /// All parameters and buffers after the update.
    pub block: &'a Block,
}

/// Is told about every step and every epoch. `()` watches nothing.
pub trait Observer {
    /// After every step.
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        let _ = event;
        Control::Continue
    }

    /// After every epoch, with its validation.
    fn epoch(&mut self, record: &EpochRecord) -> Control {
        let _ = record;
        Control::Continue
    }
}

impl Observer for () {}
