//! Schedules: how the learning rate changes as training goes on.
//!
//! Names, arguments, defaults and rules are those of `torch.optim.lr_scheduler`. Where PyTorch updates the last rate
//! again and again, the closed form stands here: the same within 1e-12, and a resumed run has the same bits.

mod notation;
mod rate;
mod state;

pub use state::{Rate, ScheduleState};

/// A schedule of the learning rate.
///
/// `t` below counts the epochs (for [`Schedule::OneCycleLr`] the optimiser's steps) that are behind, and `lr` is the
/// optimiser's own learning rate. `Display` prints PyTorch's expression without the options that have their
/// defaults, and [`Schedule::parse`] reads it back.
///
/// # Source
/// PyTorch, `torch.optim.lr_scheduler`: <https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate>.
///
/// # Example
/// ```
/// use glassnet::train::schedule::Schedule;
/// let schedule = Schedule::parse("StepLR(step_size=2)")?;
/// let mut state = schedule.start(0.5)?;
/// let mut rates = vec![];
/// for _epoch in 0..4 {
///     rates.push(state.lr());
///     state.advance(&schedule, 0.0);
/// }
/// assert_eq!(rates, [0.5, 0.5, 0.05, 0.05]);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// `lr·gamma^⌊t/step_size⌋`.
    StepLr {
        /// Epochs between two falls.
        step_size: u64,
        /// Factor of each fall, 0.1 by default.
        gamma: f64,
    },
    /// `lr·gamma^(number of milestones ≤ t)`.
    MultiStepLr {
        /// Epochs at which the rate falls; one that stands there twice counts twice.
        milestones: Vec<u64>,
        /// Factor of each fall, 0.1 by default.
        gamma: f64,
    },
    /// `lr·factor` before epoch `total_iters`, then `lr`.
    ConstantLr {
        /// Between 0 and 1, 1/3 by default.
        factor: f64,
        /// 5 by default.
        total_iters: u64,
    },
    /// `lr·(start_factor + (end_factor − start_factor)·min(t, total_iters)/total_iters)`: a linear warm-up.
    LinearLr {
        /// Above 0 and at most 1, 1/3 by default.
        start_factor: f64,
        /// Between 0 and 1, 1 by default.
        end_factor: f64,
        /// 5 by default.
        total_iters: u64,
    },
    /// `lr·gammaᵗ`.
    ExponentialLr {
        /// Factor of each epoch.
        gamma: f64,
    },
    /// `lr·(1 − min(t, total_iters)/total_iters)^power`.
    PolynomialLr {
        /// 5 by default.
        total_iters: u64,
        /// 1 by default.
        power: f64,
    },
    /// `eta_min + (lr − eta_min)·(1 + cos(π·t/T_max))/2`; it rises again after `T_max`.
    ///
    /// Source: Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, ICLR 2017.
    CosineAnnealingLr {
        /// Epochs from the top to the bottom.
        t_max: u64,
        /// The lowest rate, 0 by default.
        eta_min: f64,
    },
    /// As [`Schedule::CosineAnnealingLr`], but it starts anew after `T_0`, `T_0·T_mult`, `T_0·T_mult²` … epochs.
    CosineAnnealingWarmRestarts {
        /// Epochs of the first cycle.
        t_0: u64,
        /// Factor of the cycles' lengths, 1 by default.
        t_mult: u64,
        /// The lowest rate, 0 by default.
        eta_min: f64,
    },
    /// Up from `max_lr/div_factor` to `max_lr`, then far down; counts the optimiser's steps, not epochs.
    OneCycleLr(OneCycle),
    /// Falls when a metric has stopped improving.
    ReduceLrOnPlateau(Plateau),
    /// One schedule after the other; each counts from its own start and begins at the optimiser's learning rate.
    Sequential {
        /// The parts. `ReduceLROnPlateau` and `OneCycleLR` cannot be one.
        schedules: Vec<Schedule>,
        /// Epochs at which the next part starts: one fewer than parts.
        milestones: Vec<u64>,
    },
}

/// The options of `OneCycleLR`.
///
/// The rate goes from `max_lr/div_factor` to `max_lr` during the first `pct_start` of the steps, then to
/// `max_lr/div_factor/final_div_factor`; with `three_phase` the way down first mirrors the way up. Momentum goes the
/// opposite way. Steps from `total_steps` on keep the last rate (PyTorch stops with an error there).
///
/// # Source
/// PyTorch, `torch.optim.lr_scheduler.OneCycleLR`; Smith and Topin, *Super-convergence: very fast training of neural
/// networks using large learning rates*, 2017.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// The highest rate.
    pub max_lr: f64,
    /// All steps of the training: `epochs · steps_per_epoch`.
    pub total_steps: u64,
    /// The share of the steps on the way up.
    pub pct_start: f64,
    /// The form of the way.
    pub anneal_strategy: Anneal,
    /// Whether momentum (or β₁) is changed too.
    pub cycle_momentum: bool,
    /// Momentum at the highest rate.
    pub base_momentum: f64,
    /// Momentum at the start and at the end.
    pub max_momentum: f64,
    /// `max_lr / div_factor` is the first rate.
    pub div_factor: f64,
    /// The first rate divided by this is the last rate.
    pub final_div_factor: f64,
    /// Down to the first rate in a mirrored second phase, then to the last rate.
    pub three_phase: bool,
}

/// How `OneCycleLR` goes from one rate to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anneal {
    /// Along half a cosine.
    Cos,
    /// Along a line.
    Linear,
}

/// The options of `ReduceLROnPlateau`: after more than `patience` epochs without an improvement, the rate is
/// multiplied by `factor`.
///
/// # Source
/// PyTorch, `torch.optim.lr_scheduler.ReduceLROnPlateau`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    /// Whether a smaller or a larger metric is better.
    pub mode: Mode,
    /// Factor of each fall, below 1.
    pub factor: f64,
    /// Epochs without improvement that are let pass.
    pub patience: u64,
    /// How much better counts as an improvement.
    pub threshold: f64,
    /// Whether `threshold` is a share of the best metric or an amount.
    pub threshold_mode: ThresholdMode,
    /// Epochs after a fall in which nothing is counted.
    pub cooldown: u64,
    /// The rate never falls below this.
    pub min_lr: f64,
    /// A fall smaller than this is left out.
    pub eps: f64,
}

/// Which metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The smaller, such as a loss.
    Min,
    /// The larger, such as an accuracy.
    Max,
}

/// What a threshold is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThresholdMode {
    /// A share of the best metric so far.
    Rel,
    /// The metric's own unit.
    Abs,
}

/// What a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Advance it after every epoch.
    Epoch,
    /// Advance it after every step of the optimiser.
    Step,
}

impl OneCycle {
    /// PyTorch's defaults for everything that has one.
    pub fn new(max_lr: f64, total_steps: u64) -> Self {
        OneCycle {
            max_lr,
            total_steps,
            pct_start: 0.3,
            anneal_strategy: Anneal::Cos,
            cycle_momentum: true,
            base_momentum: 0.85,
            max_momentum: 0.95,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

impl Default for Plateau {
    fn default() -> Self {
        Plateau {
            mode: Mode::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::Rel,
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

impl Schedule {
    /// PyTorch's name, such as `StepLR`.
    pub fn name(&self) -> &'static str {
        match self {
            Schedule::StepLr { .. } => "StepLR",
            Schedule::MultiStepLr { .. } => "MultiStepLR",
            Schedule::ConstantLr { .. } => "ConstantLR",
            Schedule::LinearLr { .. } => "LinearLR",
            Schedule::ExponentialLr { .. } => "ExponentialLR",
            Schedule::PolynomialLr { .. } => "PolynomialLR",
            Schedule::CosineAnnealingLr { .. } => "CosineAnnealingLR",
            Schedule::CosineAnnealingWarmRestarts { .. } => "CosineAnnealingWarmRestarts",
            Schedule::OneCycleLr(_) => "OneCycleLR",
            Schedule::ReduceLrOnPlateau(_) => "ReduceLROnPlateau",
            Schedule::Sequential { .. } => "SequentialLR",
        }
    }

    /// Whether it is advanced after every epoch or after every step of the optimiser.
    pub fn unit(&self) -> Unit {
        if matches!(self, Schedule::OneCycleLr(_)) { Unit::Step } else { Unit::Epoch }
    }
}

#[cfg(test)]
mod tests;
