//! Measuring a network under training on the rows that judge it.

use std::sync::{Arc, Mutex, PoisonError};

use super::dataset::Dataset;
use super::forward::Predictor;
use super::program::ignore_index;
use super::score::{self, Scorer};
use super::{Config, diverged, metrics::Metrics};
use crate::engine::Block;
use crate::error::{Error, Result};
use crate::nn::Network;
use crate::tensor::Tensor;

/// The rows that judge, and what measures networks alike on them. Clones share it: of trainings at once each takes it
/// when an epoch is over, so that there is never more of it than threads that measure.
#[derive(Clone)]
pub(super) struct Validation<'a> {
    data: &'a Dataset,
    idle: Arc<Mutex<Vec<Judge>>>,
}

/// A predictor and a scorer with their memory.
struct Judge {
    predictor: Predictor,
    scorer: Scorer,
    ignored: Option<i64>,
}

impl<'a> Validation<'a> {
    /// Prepares measuring `network`, which is trained on `training`, on the rows of `data`.
    pub(super) fn new(
        network: &Network,
        training: &Dataset,
        data: &'a Dataset,
        config: &Config,
    ) -> Result<Self> {
        score::targets_fit(training, data)?;
        let row = |data: &Dataset| data.features().shape().get(1..).map(<[usize]>::to_vec);
        if row(data) != row(training) {
            return Err(Error::data("training and validation rows differ in width"));
        }
        let judge = Judge::new(network, data, config)?;
        judge.predictor.check(data.features())?;
        Ok(Validation { data, idle: Arc::new(Mutex::new(vec![judge])) })
    }

    /// Whether it measures on the rows of `data`.
    pub(super) fn is_on(&self, data: &Dataset) -> bool {
        std::ptr::eq(self.data, data)
    }

    /// The metrics of `network` with the weights and buffers of `block`, and what `judge` says of its outputs. The settings and the network's module are those
    /// that it was made for.
    pub(super) fn measure(
        &self,
        network: &Network,
        block: &Block,
        config: &Config,
        judge: &mut dyn FnMut(&Tensor<f32>) -> Option<f64>,
    ) -> Result<(Metrics, Option<f64>)> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let free = idle().pop();
        let mut measuring = free.map_or_else(|| Judge::new(network, self.data, config), Ok)?;
        let metrics = measuring.measure(self.data, block, judge);
        idle().push(measuring);
        metrics
    }
}

impl Judge {
    fn new(network: &Network, data: &Dataset, config: &Config) -> Result<Self> {
        let row = data.features().shape().get(1..).unwrap_or(&[]);
        let predictor = Predictor::new(network, row, &config.engine)?;
        let scorer =
            Scorer::new(&config.criterion, &predictor.output_shape(), data, &config.engine)?;
        Ok(Judge { predictor, scorer, ignored: ignore_index(&config.criterion) })
    }

    fn measure(
        &mut self,
        data: &Dataset,
        block: &Block,
        judge: &mut dyn FnMut(&Tensor<f32>) -> Option<f64>,
    ) -> Result<(Metrics, Option<f64>)> {
        self.predictor.take_weights(block);
        let outputs = self.predictor.predict(data.features())?;
        let loss = self.scorer.loss(&outputs)?;
        if !loss.is_finite() {
            return Err(diverged::validation(data, &outputs, loss));
        }
        let (metrics, _) = score::unitless(&outputs, data.target(), self.ignored)?;
        Ok((Metrics { loss: Some(loss), ..metrics }, judge(&outputs)))
    }
}
