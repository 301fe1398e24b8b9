//! The order of rows, what a caller sets while the training goes on, and scikit-learn's penalty.

use std::collections::HashSet;

use super::Session;
use super::training::Training;
use crate::error::{Error, Result};
use crate::math::random::{SHUFFLE, Stream};
use crate::train::optimizer::Optimizer;
use crate::train::{Shuffle, penalty};

impl Session<'_> {
    /// Sets the optimiser's own learning rate from the next step on, and gives the one before. A schedule started from the
    /// former one and goes on from it.
    ///
    /// # Errors
    /// When it is not finite or negative.
    pub fn set_lr(&mut self, lr: f64) -> Result<f64> {
        let before = self.optimizer.lr();
        let optimizer = self.optimizer.with_lr(lr);
        optimizer.validate()?;
        self.optimizer = optimizer;
        Ok(before)
    }

    /// Multiplies the momentum of `SGD` by `factor`: a direction in which steps were taken at one learning rate becomes that
    /// of another one. Other optimisers stay as they are.
    pub fn scale_momentum(&mut self, factor: f64) {
        if matches!(self.optimizer, Optimizer::Sgd(_)) {
            self.optimizer_state.scale(factor);
        }
    }

    /// Sets the order in which the next epochs visit the rows, for a training with [`Shuffle::None`]: every row that trains,
    /// by its number in the table.
    ///
    /// # Errors
    /// When the training shuffles by itself, or `order` is of another length or names a row that doesn't train.
    pub fn set_order(&mut self, order: &[usize]) -> Result<()> {
        if self.config.shuffle != Shuffle::None {
            return Err(Error::usage("the training shuffles its rows by itself")
                .help("give Shuffle::None, and the order of every epoch"));
        }
        if let Training::Parts(_) = self.training {
            return Err(Error::usage("a table in parts has the order of its parts")
                .help("train on the table in memory"));
        }
        if order.len() != self.rows() {
            return Err(Error::usage(format!(
                "the order has {} rows, {} train",
                order.len(),
                self.rows()
            )));
        }
        let chosen: Option<HashSet<usize>> = self.chosen.map(|rows| rows.iter().copied().collect());
        let trains = |row: &usize| match &chosen {
            Some(chosen) => chosen.contains(row),
            None => *row < self.training.rows(),
        };
        if let Some(row) = order.iter().find(|row| !trains(row)) {
            return Err(Error::usage(format!("row {row} of the order doesn't train")));
        }
        self.order.copy_from_slice(order);
        self.reordered = true;
        Ok(())
    }

    /// Puts the rows of part number `part` of the next epoch in their order, those of a table in parts read before.
    pub(super) fn shuffle(&mut self, part: usize) -> Result<()> {
        if let Training::Parts(parts) = &mut self.training {
            return parts.load(part, self.epoch, self.config, &self.program, &mut self.order);
        }
        let rows = self.rows();
        match (&mut self.torch, self.config.shuffle) {
            (Some(torch), _) => {
                self.order = torch.randperm(rows);
                if let Some(chosen) = self.chosen {
                    self.order.iter_mut().for_each(|row| *row = chosen[*row]);
                }
            }
            (None, Shuffle::Own) => {
                // Always from the table's order, so that an epoch's order depends on nothing but seed and epoch.
                match self.chosen {
                    Some(chosen) => self.order.copy_from_slice(chosen),
                    None => self.order.sort_unstable(),
                }
                Stream::at(self.config.seed, SHUFFLE, self.epoch as u64).shuffle(&mut self.order);
            }
            (None, Shuffle::Torch | Shuffle::None) => {}
        }
        Ok(())
    }

    /// What `alpha` adds to the gradient of each weight in a batch of `rows`, in units of the weight, and to its loss.
    pub(super) fn penalty_of(&self, rows: &[usize]) -> (f64, f64) {
        if self.config.alpha == 0.0 {
            return (0.0, 0.0);
        }
        let rows = match self.training.data().weights() {
            Some(weights) => rows.iter().map(|&row| f64::from(weights[row])).sum(),
            None => rows.len() as f64,
        };
        let alpha = self.config.alpha / rows;
        let weights = self.matrices.iter().map(|range| &self.block.data()[range.clone()]);
        (alpha, weights.map(|weights| penalty::l2_penalty(weights, alpha)).sum())
    }
}
