//! Watching a training: everything is shown, nothing is paid where nobody looks.

use super::record::EpochRecord;
use crate::engine::Block;
use crate::tensor::Tensor;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop now; the best weights so far are kept.
    Stop,
}

/// What happened in one step, before the next one begins; or in several, for an observer with a
/// [stride](Observer::stride): then what it says of a step is true of the last one.
#[derive(Clone, Copy, Debug)]
pub struct StepEvent<'a> {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step since the training began, from 1.
    pub step: u64,
    /// The rows of the batch; of all batches since the observer was told last.
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
    /// After every step, or every few steps: see [`Observer::stride`].
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        let _ = event;
        Control::Continue
    }

    /// The most steps that may be done before the observer is told, at least 1; 1 unless it says otherwise.
    ///
    /// A step of a network of a dozen parameters takes less time than telling of it, so several are done at once where
    /// all observers allow it. It changes no number, and never passes the end of an epoch.
    fn stride(&self) -> usize {
        1
    }

    /// After every epoch, before [`Observer::epoch`], with the network's outputs for all validation rows: what the best
    /// weights are chosen by, the lower the better, where that isn't the validation loss.
    fn judge(&mut self, outputs: &Tensor<f32>) -> Option<f64> {
        let _ = outputs;
        None
    }

    /// After every epoch, with its validation.
    fn epoch(&mut self, record: &EpochRecord) -> Control {
        let _ = record;
        Control::Continue
    }
}

impl Observer for () {
    fn stride(&self) -> usize {
        usize::MAX
    }
}
