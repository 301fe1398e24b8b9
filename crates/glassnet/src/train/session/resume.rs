//! Leaving off and going on.

use super::{Session, with_slots};
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::train::Config;
use crate::train::dataset::Dataset;
use crate::train::optimizer::SavedState;
use crate::train::record::Checkpoint;

impl<'a> Session<'a> {
    /// Like [`Session::new`], going on where `checkpoint` was taken.
    ///
    /// # Errors
    /// Also when the checkpoint belongs to another network or optimiser.
    pub fn resume(
        network: Network,
        training: &'a Dataset,
        validation: Option<&'a Dataset>,
        config: &'a Config,
        checkpoint: Checkpoint,
    ) -> Result<Self> {
        Session::new(network, training, validation, config)?.going_on(checkpoint)
    }

    /// This session, not begun yet, going on where `checkpoint` was taken.
    ///
    /// # Errors
    /// When the checkpoint belongs to another network or optimiser.
    pub fn going_on(self, checkpoint: Checkpoint) -> Result<Self> {
        let mut session = self;
        let wanted = session.block.data().len();
        let blocks = [Some(&checkpoint.block), checkpoint.best.as_ref().map(|best| &best.block)];
        if let Some(block) = blocks.into_iter().flatten().find(|block| block.len() != wanted) {
            return Err(Error::model(format!(
                "the checkpoint has {} weights, the network {wanted}",
                block.len()
            )));
        }
        if checkpoint.schedule.is_some() != session.schedule.is_some() {
            return Err(Error::model("only one of checkpoint and settings has a schedule"));
        }
        if checkpoint.epoch != checkpoint.history.len() {
            return Err(Error::model(format!(
                "the checkpoint stands at epoch {}, its history has {}",
                checkpoint.epoch,
                checkpoint.history.len()
            )));
        }
        session.block.data_mut().copy_from_slice(&checkpoint.block);
        session.optimizer_state = with_slots(session.config, session.schedule.as_ref())?
            .restore(session.block.parameters().len(), checkpoint.optimizer)?;
        session.schedule = checkpoint.schedule;
        let rows = session.rows();
        if let Some(torch) = &mut session.torch {
            for _ in 0..checkpoint.epoch {
                torch.randperm(rows);
            }
        }
        session.epoch = checkpoint.epoch;
        session.step = checkpoint.step;
        session.history = checkpoint.history;
        session.best = checkpoint.best;
        session.check_patience();
        Ok(session)
    }

    /// What the optimiser remembers so far.
    pub fn optimizer_state(&self) -> SavedState {
        self.optimizer_state.save()
    }

    /// Begins with what the optimiser remembered after an earlier training of this network: its moments, its count of steps.
    ///
    /// # Errors
    /// When it belongs to another optimiser or to a network with another number of parameters.
    pub fn restore_optimizer(&mut self, saved: SavedState) -> Result<()> {
        let optimizer = with_slots(self.config, self.schedule.as_ref())?;
        self.optimizer_state = optimizer.restore(self.block.parameters().len(), saved)?;
        Ok(())
    }

    /// Everything that is needed to go on later; take it between epochs: of an epoch that was stopped at half, the rest
    /// is not made up for, the next run begins it anew with the weights as they are.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            epoch: self.epoch,
            step: self.step,
            block: self.block.data().to_vec(),
            optimizer: self.optimizer_state.save(),
            schedule: self.schedule,
            history: self.history.clone(),
            best: self.best.clone(),
        }
    }
}
