//! How a training is done.

use super::clip::Clip;
use super::optimizer::Optimizer;
use super::schedule::Schedule;
use crate::engine;
use crate::error::{Error, Result};
use crate::nn::loss::Criterion;

/// The order in which rows are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shuffle {
    /// A new permutation every epoch, from our own stream: a function of seed and epoch.
    #[default]
    Own,
    /// `torch.randperm(rows)` every epoch, from the generator that initialised the network with the same seed, so that
    /// a run follows a PyTorch script that calls `torch.manual_seed(seed)` first.
    Torch,
    /// The table's order.
    None,
}

/// The settings of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The loss, with its class weights; its reduction is the mean or the sum.
    pub criterion: Criterion,
    /// The optimiser with its learning rate.
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    pub schedule: Option<Schedule>,
    /// How gradients are cut.
    pub clip: Option<Clip>,
    /// The factor of `Σ|w|` that is added to the loss's gradient: `l1·sign(w)` for every parameter.
    pub l1: f64,
    /// The factor of `½·Σw²` that is added to the loss's gradient: `l2·w` for every parameter.
    pub l2: f64,
    /// scikit-learn's L2 penalty: `½·alpha·Σw²/n` is added to the loss of a batch of `n` rows (whose weights add up to `n`,
    /// where rows have weights). The sum is over parameters of two or more axes: the layers' weights, not their biases.
    pub alpha: f64,
    /// Whether Adam's `eps` is added before the bias correction rather than behind it, as in scikit-learn:
    /// `w ← w − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v + eps)`. Other optimisers don't look at it.
    ///
    /// Source: Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015, end of section 2 (there `ε̂`).
    pub epsilon_hat: bool,
    /// How often every row is visited.
    pub epochs: usize,
    /// Rows per step; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// The order of rows.
    pub shuffle: Shuffle,
    /// Of shuffling and dropout (and, by the caller, of the initial weights).
    pub seed: u64,
    /// Stop when the validation loss has not improved for so many epochs, at least 1. Without validation rows it does
    /// nothing.
    pub patience: Option<usize>,
    /// What counts as an improvement of the validation loss.
    pub min_delta: f64,
    /// How plans are compiled.
    pub engine: engine::Config,
}

impl Config {
    /// Adam at its defaults, 100 epochs of batches of 32, seed 0, no early stopping.
    pub fn new(criterion: Criterion, optimizer: Optimizer) -> Self {
        Config {
            criterion,
            optimizer,
            schedule: None,
            clip: None,
            l1: 0.0,
            l2: 0.0,
            alpha: 0.0,
            epsilon_hat: false,
            epochs: 100,
            batch_size: 32,
            shuffle: Shuffle::Own,
            seed: 0,
            patience: None,
            min_delta: 0.0,
            engine: engine::Config::default(),
        }
    }

    /// Whether a parameter may be changed as soon as its own gradient is there: not where gradients are changed first, by
    /// a penalty or by clipping, whose norm needs all of them.
    pub(super) fn fuses_optimizer(&self) -> bool {
        self.clip.is_none() && self.l1 == 0.0 && self.l2 == 0.0
    }

    /// Checks the numbers that have no check of their own.
    pub(super) fn check(&self) -> Result<()> {
        if self.batch_size == 0 {
            return Err(Error::usage("the batch size is 0").help("give at least 1"));
        }
        let numbers = [
            ("l1", self.l1),
            ("l2", self.l2),
            ("alpha", self.alpha),
            ("min_delta", self.min_delta),
        ];
        for (name, value) in numbers {
            if !value.is_finite() || value < 0.0 {
                return Err(Error::usage(format!("{name} is {value}"))
                    .help("give a finite number of at least 0"));
            }
        }
        if self.alpha > 0.0 && self.optimizer.decouples_weight_decay() {
            return Err(Error::usage(format!(
                "{} shrinks weights apart from the gradient, so alpha can't enter by it",
                self.optimizer.name()
            ))
            .help("use its weight_decay instead, or an optimiser such as Adam"));
        }
        if self.patience == Some(0) {
            return Err(Error::usage("patience is 0, which stops before anything can improve")
                .help("give at least 1"));
        }
        self.clip.as_ref().map_or(Ok(()), |clip| clip.validate())
    }
}
