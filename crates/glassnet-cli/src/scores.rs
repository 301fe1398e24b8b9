//! What predicts encoded rows: one network, or an ensemble whose predictions are averaged.

use glassnet::engine::Config;
use glassnet::engine::functional::softmax;
use glassnet::nn::Network;
use glassnet::train::{Features, Predictor, mean_outputs, mean_probabilities};
use glassnet::{Result, Tensor};
use glassnet_data::Preprocessing;

/// The networks of a model, ready to predict.
pub(crate) struct Scores {
    members: Vec<Predictor>,
    classes: bool,
    engine: Config,
}

impl Scores {
    /// Compiles `networks` for rows that `preprocessing` encoded.
    pub(crate) fn new<'a>(
        networks: impl IntoIterator<Item = &'a Network>,
        preprocessing: &Preprocessing,
        engine: &Config,
    ) -> Result<Self> {
        let width = [preprocessing.width()];
        let predictor = |network| Predictor::new(network, &width, engine);
        let members = networks.into_iter().map(predictor).collect::<Result<_>>()?;
        let classes = preprocessing.target().classes().is_some();
        Ok(Scores { members, classes, engine: engine.clone() })
    }

    /// How the engine computes.
    pub(crate) fn config(&self) -> &Config {
        &self.engine
    }

    /// The shape of one row's output.
    pub(crate) fn output_shape(&self) -> Vec<usize> {
        self.members.first().map_or(vec![], Predictor::output_shape)
    }

    /// For numbers the estimates (of an ensemble their mean), for classes scores: a network's own, or the logarithms of
    /// an ensemble's mean probabilities.
    pub(crate) fn predict(&mut self, features: &Features) -> Result<Tensor<f32>> {
        let mut outputs = self.each(features)?;
        match outputs.len() {
            1 => Ok(outputs.swap_remove(0)),
            _ if self.classes => mean_probabilities(&outputs).map(|(_, logarithms)| logarithms),
            _ => mean_outputs(&outputs),
        }
    }

    /// The classes' probabilities, of an ensemble their mean, and the scores as [`Scores::predict`] gives them.
    pub(crate) fn probabilities(
        &mut self,
        features: &Features,
    ) -> Result<(Tensor<f32>, Tensor<f32>)> {
        let mut outputs = self.each(features)?;
        if outputs.len() == 1 {
            let scores = outputs.swap_remove(0);
            return Ok((softmax(&scores, 1)?, scores));
        }
        mean_probabilities(&outputs)
    }

    fn each(&mut self, features: &Features) -> Result<Vec<Tensor<f32>>> {
        self.members.iter_mut().map(|member| member.predict(features)).collect()
    }
}
