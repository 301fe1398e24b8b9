//! One step of a training.

use super::Session;
use crate::engine::Draw;
use crate::error::Result;
use crate::train::diverged::{self, Failure};
use crate::train::observer::{Control, Observer, StepEvent};
use crate::train::schedule::Unit;
use crate::train::{Shuffle, penalty};

impl Session<'_> {
    /// Sets what the schedule says and returns the step's learning rate.
    pub(super) fn begin_step(&mut self) -> f64 {
        match &self.schedule {
            Some(schedule) => {
                if let Some(momentum) = schedule.momentum() {
                    self.optimizer = self.optimizer.with_momentum(momentum);
                }
                schedule.lr()
            }
            None => self.optimizer.lr(),
        }
    }

    /// Takes one step on `rows`, and gives its loss with the penalty of `alpha`.
    pub(super) fn train_on(&mut self, rows: &[usize], lr: f64) -> Result<f64> {
        let (alpha, penalty) = self.penalty_of(rows);
        let batch = match &mut self.ragged {
            Some(ragged) if ragged.plan.batch() == rows.len() => ragged,
            Some(_) | None => &mut self.full,
        };
        let in_order =
            self.config.shuffle == Shuffle::None && self.chosen.is_none() && !self.reordered;
        let feeds = batch.feed(self.training.kept(), self.training.data(), rows, in_order);
        let draw = Draw { seed: self.config.seed, step: self.step };
        let count = self.block.parameters().len();
        let before = self.optimizer_state.count();
        let optimizer = match self.config.epsilon_hat {
            true => self.optimizer.with_epsilon_hat(before.0 + 1),
            false => self.optimizer,
        };
        let (plan, memory) = (&*batch.plan, &mut batch.memory);
        let outcome = if self.config.fuses_optimizer() {
            let [weights, others] = optimizer.begin_with(alpha, lr, &mut self.optimizer_state);
            let slots = self.optimizer_state.slots_of(&weights);
            plan.step(&mut self.block, memory, draw, &feeds, [&weights, &others], slots)
        } else {
            plan.run_on(&self.block, memory, draw, &feeds)
        };
        let loss = batch.loss();
        if outcome.is_err() || !loss.is_finite() {
            // The parameters are as they were, so the step doesn't count.
            self.optimizer_state.go_back(before);
        }
        outcome.map_err(|error| {
            error.detail(format!(
                "the batch holds the training rows {:?} …",
                &rows[..rows.len().min(5)]
            ))
        })?;
        if !loss.is_finite() {
            let (data, rows) = self.training.look_at(rows)?;
            let (program, block, epoch) = (&self.program, &self.block, self.epoch + 1);
            let (criterion, data, rows) = (&self.config.criterion, &*data, &*rows);
            let failure = Failure { program, criterion, block, data, rows, draw, epoch, loss };
            return Err(diverged::explain(&failure, &self.config.engine)?);
        }
        let (plan, memory) = (&*batch.plan, &mut batch.memory);
        if !self.config.fuses_optimizer() {
            let gradients = &mut plan.results_mut(memory)[..count];
            if self.config.l1 > 0.0 {
                penalty::add_l1(gradients, self.block.parameters(), self.config.l1);
            }
            if self.config.l2 > 0.0 {
                penalty::add_l2(gradients, self.block.parameters(), self.config.l2);
            }
            if alpha > 0.0 {
                for range in self.matrices.iter().cloned() {
                    let weights = &self.block.parameters()[range.clone()];
                    penalty::add_l2(&mut gradients[range], weights, alpha);
                }
            }
            if let Some(clip) = &self.config.clip {
                clip.apply(gradients, &self.tensors);
            }
            let level = self.config.engine.level;
            optimizer.step(
                level,
                lr,
                self.block.parameters_mut(),
                gradients,
                &mut self.optimizer_state,
            );
        }
        if self.program.has_updates() {
            self.program.write_back(plan, plan.results(memory), &mut self.block);
        }
        self.step += 1;
        if let (Some(schedule), Some(state)) = (&self.config.schedule, &mut self.schedule)
            && schedule.unit() == Unit::Step
        {
            state.advance(schedule, f64::NAN);
        }
        Ok(f64::from(loss) + penalty)
    }

    /// Tells the observer of the steps on `rows`.
    pub(super) fn tell(&self, rows: &[usize], lr: f64, observer: &mut dyn Observer) -> Control {
        let full = self.full.plan.batch();
        let batch = match &self.ragged {
            Some(ragged) if ragged.plan.batch() == rows.len() % full => ragged,
            Some(_) | None => &self.full,
        };
        observer.step(&StepEvent {
            epoch: self.epoch + 1,
            step: self.step,
            rows,
            steps_per_epoch: self.steps_per_epoch(),
            loss: batch.loss(),
            lr,
            gradients: &batch.plan.results(&batch.memory)[..self.block.parameters().len()],
            block: &self.block,
        })
    }
}
