//! Several steps at once, where registers hold a step.

use super::Session;
use crate::engine::Batches;
use crate::engine::rule::Rule;
use crate::train::Shuffle;

/// What taking several steps at once needs.
pub(super) struct Many {
    /// Whether the plan may be able to.
    pub(super) possible: bool,
    rules: Vec<Rule>,
    losses: Vec<f32>,
}

impl Many {
    /// The most steps at once.
    const MOST: usize = 64;

    pub(super) fn new(possible: bool) -> Self {
        let most = if possible { Many::MOST } else { 0 };
        Many { possible, rules: Vec::with_capacity(most), losses: vec![0.0; most] }
    }
}

impl Session<'_> {
    /// Takes up to `most` steps at once on the next batches of `rows`, where the plan can; adds their losses to `total`, and
    /// gives how many rows they were. Where it gives 0, [`Session::train_on`] has to do the next step.
    pub(super) fn train_many(
        &mut self,
        rows: &[usize],
        lr: f64,
        most: usize,
        total: &mut f64,
    ) -> usize {
        if !self.many.possible {
            return 0;
        }
        let size = self.full.plan.batch();
        let (batch, count) = match &mut self.ragged {
            Some(ragged) if rows.len() < size => (ragged, 1),
            Some(_) | None => (&mut self.full, (rows.len() / size).min(most.clamp(1, Many::MOST))),
        };
        let size = batch.plan.batch();
        let Many { possible, rules, losses } = &mut self.many;
        let before = self.optimizer_state.count();
        self.optimizer.begin_many(lr, &mut self.optimizer_state, count, rules);
        let mut done = 0;
        if let Some((features, classes)) = batch.resident(self.training.data(), &rules[0]) {
            let in_order =
                self.config.shuffle == Shuffle::None && self.chosen.is_none() && !self.reordered;
            let batches = Batches { features, classes, rows: &rows[..count * size], in_order };
            let slots = self.optimizer_state.slots_of(&rules[0]);
            let (plan, memory) = (&*batch.plan, &mut batch.memory);
            done =
                plan.steps(&mut self.block, memory, &batches, rules, slots, &mut losses[..count]);
        } else {
            *possible = false;
        }
        if done < count {
            self.optimizer_state.go_back(before);
            self.optimizer.begin_many(lr, &mut self.optimizer_state, done, rules);
        }
        for &loss in &losses[..done] {
            *total += f64::from(loss) * size as f64;
        }
        self.step += done as u64;
        done * size
    }
}
