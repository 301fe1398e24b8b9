//! One step of an optimiser on a trace's gradient.

use super::{Trace, written};
use crate::error::{Error, Result};
use crate::reference;
use crate::tensor::Tensor;
use crate::train::optimizer::{Optimizer, SavedState};

/// What one step changes: the same sweep over parameters and gradients as in training, from a fresh state.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The optimiser.
    pub optimizer: Optimizer,
    /// All parameters before, in the order of the block.
    pub before: Vec<f32>,
    /// Their gradients.
    pub gradients: Vec<f32>,
    /// All parameters after.
    pub after: Vec<f32>,
    /// What the optimiser remembers after the step.
    pub state: SavedState,
    /// The loss of the same rows with the new parameters, in f64.
    pub loss: f64,
    ranges: Vec<(String, std::ops::Range<usize>)>,
}

impl Trace {
    /// The first step that `optimizer` takes with this trace's gradient.
    ///
    /// # Errors
    /// When there is no loss, or an option of the optimiser cannot be used.
    pub fn update(&self, optimizer: &Optimizer) -> Result<Update> {
        let loss = self
            .loss
            .ok_or_else(|| Error::usage("an update needs a loss").help("give the true value"))?;
        let before = self.block.parameters().to_vec();
        let gradients = self.plan.results(&self.memory)[..before.len()].to_vec();
        let mut after = before.clone();
        let mut state = optimizer.state(before.len())?;
        optimizer.step(self.level, optimizer.lr(), &mut after, &gradients, &mut state);
        let mut feeds = self.feeds.clone();
        let mut ranges = vec![];
        for parameter in &self.parameters {
            let Some(range) = self.block.range(&parameter.key) else { continue };
            let values = Tensor::new(parameter.shape.clone(), after[range.clone()].to_vec())?;
            feeds.set_state(parameter.key.as_str(), written::tensor(&values, self.as_written));
            ranges.push((parameter.key.clone(), range));
        }
        let values = reference::evaluate(&self.forward, &feeds, self.batch)?;
        let loss = values[loss].floats()?.data()[0];
        Ok(Update {
            optimizer: *optimizer,
            before,
            gradients,
            after,
            state: state.save(),
            loss,
            ranges,
        })
    }
}

impl Update {
    /// Where the elements of a parameter lie within the arrays.
    pub fn range(&self, key: &str) -> Option<std::ops::Range<usize>> {
        self.ranges.iter().find(|(known, _)| known == key).map(|(_, range)| range.clone())
    }

    /// A slot's number for the parameter at `place` of the block: `exp_avg`.
    pub fn slot(&self, name: &str, place: usize) -> Option<f32> {
        let slot = self.state.slots.iter().find(|(known, _)| known == name);
        slot.and_then(|(_, values)| values.get(place).copied())
    }
}
