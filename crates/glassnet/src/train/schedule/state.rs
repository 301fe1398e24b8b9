//! Where a schedule stands.

use super::{Mode, Plateau, Schedule, ThresholdMode};
use crate::error::{Error, Result};
use crate::train::optimizer::Optimizer;

/// What a schedule says for the coming epoch or step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The learning rate.
    pub lr: f64,
    /// The momentum, or β₁ where the optimiser has `betas`; `None` where the schedule leaves it alone.
    pub momentum: Option<f64>,
}

/// Where a schedule stands: plain data, so that a checkpoint can hold it.
///
/// A resumed state continues with the same bits. `best` is infinite before the first metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScheduleState {
    /// The optimiser's own learning rate, from which the schedule started.
    pub base_lr: f64,
    /// How often the schedule was advanced.
    pub count: u64,
    /// The rate in force.
    pub rate: Rate,
    /// The best metric so far (`ReduceLROnPlateau`).
    pub best: f64,
    /// Epochs without improvement (`ReduceLROnPlateau`).
    pub bad_epochs: u64,
    /// Epochs in which nothing is counted yet (`ReduceLROnPlateau`).
    pub cooldown: u64,
}

impl Schedule {
    /// The state at the start, for an optimiser whose own learning rate is `lr`.
    ///
    /// # Errors
    /// When an option cannot be used: see [`Schedule::validate`].
    pub fn start(&self, lr: f64) -> Result<ScheduleState> {
        self.validate()?;
        let rate = self.at(lr, 0).unwrap_or(Rate { lr, momentum: None });
        let best = match self {
            Schedule::ReduceLrOnPlateau(Plateau { mode: Mode::Max, .. }) => f64::NEG_INFINITY,
            _ => f64::INFINITY,
        };
        Ok(ScheduleState { base_lr: lr, count: 0, rate, best, bad_epochs: 0, cooldown: 0 })
    }

    /// Whether the schedule can steer this optimiser.
    ///
    /// # Errors
    /// When it cycles the momentum and the optimiser has neither momentum nor `betas`.
    pub fn check_optimizer(&self, optimizer: &Optimizer) -> Result<()> {
        match self {
            Schedule::OneCycleLr(options)
                if options.cycle_momentum && optimizer.momentum().is_none() =>
            {
                let what =
                    "optimizer must support momentum or beta1 with `cycle_momentum` option enabled";
                Err(Error::usage(what)
                    .at(format!("{} with {}", self.name(), optimizer.name()))
                    .help("set cycle_momentum=False or choose SGD or Adam"))
            }
            _ => Ok(()),
        }
    }
}

impl ScheduleState {
    /// The learning rate in force.
    pub fn lr(&self) -> f64 {
        self.rate.lr
    }

    /// The momentum (or β₁) in force, where the schedule sets one.
    pub fn momentum(&self) -> Option<f64> {
        self.rate.momentum
    }

    /// Goes on by one epoch, or by one step where [`Schedule::unit`] says so.
    ///
    /// Only `ReduceLROnPlateau` reads `metric`: the validation loss (or what else is watched) of the epoch that has
    /// ended. One that is not a number counts as no improvement.
    pub fn advance(&mut self, schedule: &Schedule, metric: f64) {
        self.count += 1;
        match (schedule, schedule.at(self.base_lr, self.count)) {
            (Schedule::ReduceLrOnPlateau(options), _) => self.watch(options, metric),
            (_, Some(rate)) => self.rate = rate,
            (_, None) => {}
        }
    }

    fn watch(&mut self, options: &Plateau, metric: f64) {
        if options.improves(metric, self.best) {
            self.best = metric;
            self.bad_epochs = 0;
        } else {
            self.bad_epochs += 1;
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad_epochs = 0;
        }
        if self.bad_epochs > options.patience {
            let lr = (self.rate.lr * options.factor).max(options.min_lr);
            if self.rate.lr - lr > options.eps {
                self.rate.lr = lr;
            }
            self.cooldown = options.cooldown;
            self.bad_epochs = 0;
        }
    }
}

impl Plateau {
    fn improves(&self, metric: f64, best: f64) -> bool {
        match (self.mode, self.threshold_mode) {
            (Mode::Min, ThresholdMode::Rel) => metric < best * (1.0 - self.threshold),
            (Mode::Min, ThresholdMode::Abs) => metric < best - self.threshold,
            (Mode::Max, ThresholdMode::Rel) => metric > best * (self.threshold + 1.0),
            (Mode::Max, ThresholdMode::Abs) => metric > best + self.threshold,
        }
    }
}
