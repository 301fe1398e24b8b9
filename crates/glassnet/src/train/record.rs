//! What a training leaves behind.

use super::metrics::Metrics;
use super::optimizer::SavedState;
use super::schedule::ScheduleState;
use crate::nn::Network;

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// The mean training loss of the epoch's batches, weighted by their rows, each before its update; with the penalty of
    /// [`Config::alpha`](super::Config::alpha), without others.
    pub train_loss: f64,
    /// The validation rows' metrics after the epoch. For numbers only the loss and R², which need no units.
    pub validation: Option<Metrics>,
    /// The learning rate of the epoch's last step.
    pub lr: f64,
    /// Whether the validation loss, or what [an observer judged](super::Observer::judge), is the lowest so far.
    pub improved: bool,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All epochs were done.
    Finished,
    /// The validation loss had not improved for the epochs of patience.
    Patience,
    /// The observer asked to stop.
    Interrupted,
}

/// A finished training.
#[derive(Clone, Debug)]
pub struct Record {
    /// The network with its best weights: those of the lowest validation loss, or the last without validation.
    pub network: Network,
    /// The epoch of those weights, from 1; 0 for the initial ones.
    pub best_epoch: usize,
    /// The epochs that were done.
    pub history: Vec<EpochRecord>,
    /// Why it ended.
    pub stopped: Stopped,
}

/// Everything that a training needs to go on as if it had never stopped, taken between two epochs.
///
/// With the same data and settings, the weights are bit for bit those of an uninterrupted run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Epochs done.
    pub epoch: usize,
    /// Steps done.
    pub step: u64,
    /// Parameters and buffers, in the block's order.
    pub block: Vec<f32>,
    /// The optimiser's state.
    pub optimizer: SavedState,
    /// The schedule's state.
    pub schedule: Option<ScheduleState>,
    /// The epochs so far.
    pub history: Vec<EpochRecord>,
    /// The best weights so far: epoch, validation loss, parameters and buffers.
    pub best: Option<BestWeights>,
}

/// The weights at the lowest validation loss so far.
#[derive(Clone, Debug, PartialEq)]
pub struct BestWeights {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Its validation loss, or what [an observer judged](super::Observer::judge) it by.
    pub loss: f64,
    /// Steps done by then.
    pub step: u64,
    /// Parameters and buffers, in the block's order.
    pub block: Vec<f32>,
}
