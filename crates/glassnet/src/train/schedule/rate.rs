//! The rate of a schedule at any time, in closed form.

use std::f64::consts::PI;

use super::{Anneal, OneCycle, Rate, Schedule};

impl Schedule {
    /// The rate after `t` epochs (`OneCycleLR`: steps) for an optimiser whose own learning rate is `lr`; `None` for
    /// `ReduceLROnPlateau`, whose rate depends on a metric.
    ///
    /// ```
    /// use glassnet::train::schedule::Schedule;
    /// let schedule = Schedule::parse("ExponentialLR(gamma=0.5)")?;
    /// assert_eq!(schedule.at(0.8, 3).map(|rate| rate.lr), Some(0.1));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn at(&self, lr: f64, t: u64) -> Option<Rate> {
        let plain = |lr| Some(Rate { lr, momentum: None });
        match self {
            Schedule::StepLr { step_size, gamma } => {
                plain(lr * power(*gamma, t / (*step_size).max(1)))
            }
            Schedule::MultiStepLr { milestones, gamma } => {
                let passed = milestones.iter().filter(|&&milestone| milestone <= t).count();
                plain(lr * power(*gamma, passed as u64))
            }
            Schedule::ConstantLr { factor, total_iters } => {
                plain(if t < *total_iters { lr * factor } else { lr })
            }
            Schedule::LinearLr { start_factor, end_factor, total_iters } => {
                let way = share(t, *total_iters);
                plain(lr * (start_factor + (end_factor - start_factor) * way))
            }
            Schedule::ExponentialLr { gamma } => plain(lr * power(*gamma, t)),
            Schedule::PolynomialLr { total_iters, power } => {
                plain(lr * libm::pow(1.0 - share(t, *total_iters), *power))
            }
            Schedule::CosineAnnealingLr { t_max, eta_min } => {
                plain(cosine(lr, *eta_min, t as f64 / (*t_max).max(1) as f64))
            }
            Schedule::CosineAnnealingWarmRestarts { t_0, t_mult, eta_min } => {
                plain(cosine(lr, *eta_min, share_of_cycle(t, *t_0, *t_mult)))
            }
            Schedule::OneCycleLr(options) => Some(options.at(t)),
            Schedule::ReduceLrOnPlateau(_) => None,
            Schedule::Sequential { schedules, milestones } => {
                let index = milestones.iter().filter(|&&milestone| milestone <= t).count();
                let start = index.checked_sub(1).map_or(0, |before| milestones[before]);
                schedules.get(index)?.at(lr, t.saturating_sub(start))
            }
        }
    }
}

fn power(base: f64, times: u64) -> f64 {
    libm::pow(base, times as f64)
}

/// `t/total`, at most 1.
fn share(t: u64, total: u64) -> f64 {
    t.min(total) as f64 / total.max(1) as f64
}

/// From `top` at `way` 0 to `bottom` at 1, and up again.
fn cosine(top: f64, bottom: f64, way: f64) -> f64 {
    bottom + (top - bottom) * (1.0 + libm::cos(PI * way)) / 2.0
}

/// How far `t` is in its cycle, when cycles last `first`, `first·factor`, `first·factor²` … epochs.
fn share_of_cycle(t: u64, first: u64, factor: u64) -> f64 {
    let (mut rest, mut cycle) = (t, first.max(1));
    if factor <= 1 {
        return (rest % cycle) as f64 / cycle as f64;
    }
    while rest >= cycle {
        rest -= cycle;
        cycle = cycle.saturating_mul(factor);
    }
    rest as f64 / cycle as f64
}

/// One stretch of `OneCycleLR`: its last step, and rate and momentum at its start and end.
struct Phase {
    last: f64,
    lr: (f64, f64),
    momentum: (f64, f64),
}

impl OneCycle {
    fn at(&self, t: u64) -> Rate {
        let last_step = self.total_steps.saturating_sub(1) as f64;
        let t = (t as f64).min(last_step);
        let (first, top) = (self.max_lr / self.div_factor, self.max_lr);
        let bottom = first / self.final_div_factor;
        let (low, high) = (self.base_momentum, self.max_momentum);
        let rise = self.pct_start * self.total_steps as f64;
        let up = Phase { last: rise - 1.0, lr: (first, top), momentum: (high, low) };
        let down = |last, end| Phase { last, lr: (top, end), momentum: (low, high) };
        let out = Phase { last: last_step, lr: (first, bottom), momentum: (high, high) };
        if self.three_phase {
            // Doubled before multiplying, as PyTorch does: a phase's end may fall on a step.
            let mirrored = 2.0 * self.pct_start * self.total_steps as f64 - 2.0;
            self.within(t, &[up, down(mirrored, first), out])
        } else {
            self.within(t, &[up, down(last_step, bottom)])
        }
    }

    fn within(&self, t: f64, phases: &[Phase]) -> Rate {
        let mut start = 0.0;
        let mut rate = Rate { lr: self.max_lr, momentum: None };
        for phase in phases {
            let length = phase.last - start;
            let way = if length == 0.0 { 1.0 } else { (t - start) / length };
            rate = Rate {
                lr: self.anneal(phase.lr, way),
                momentum: self.cycle_momentum.then(|| self.anneal(phase.momentum, way)),
            };
            if t <= phase.last {
                break;
            }
            start = phase.last;
        }
        rate
    }

    fn anneal(&self, (start, end): (f64, f64), way: f64) -> f64 {
        match self.anneal_strategy {
            Anneal::Cos => end + (start - end) / 2.0 * (libm::cos(PI * way) + 1.0),
            Anneal::Linear => (end - start) * way + start,
        }
    }
}
