//! The loss of a whole table and its gradient at any weights, for minimisers that are not ours.

use std::sync::Arc;

use super::batch::Batch;
use super::dataset::Dataset;
use super::forward::{features_fit, load};
use super::program::Program;
use super::{Config, penalty};
use crate::engine::{Block, Draw, Plan};
use crate::error::{Error, Result};
use crate::nn::Network;

/// The loss of all rows of a table as a function of a network's parameters.
///
/// All rows are one batch: memory grows with them. A network whose loss isn't a function of its parameters alone (dropout,
/// running statistics) is refused.
///
/// ```
/// use glassnet::{Tensor, nn::{self, loss::Criterion}};
/// use glassnet::train::{Config, Dataset, Features, Objective, Target, optimizer::Optimizer};
/// let x = Tensor::from_rows(&[[1.0_f32], [2.0]])?;
/// let y = Tensor::from_rows(&[[2.0_f32], [4.0]])?;
/// let data = Dataset::new(Features::Floats(x), Target::Values(y))?;
/// let network = nn::Network::new(nn::parse("Linear(1, 1, bias=False)")?, 0)?;
/// let config = Config::new(Criterion::parse("mse")?, Optimizer::parse("SGD")?);
/// let mut objective = Objective::new(&network, data, &config)?;
/// let mut gradient = [0.0];
/// assert_eq!(objective.evaluate(&[3.0], &mut gradient)?, 2.5); // ((3 − 2)² + (6 − 4)²)/2
/// assert_eq!(gradient, [5.0]); // 1·(3 − 2) + 2·(6 − 4)
/// # Ok::<(), glassnet::Error>(())
/// ```
pub struct Objective {
    data: Dataset,
    plan: Arc<Plan>,
    batch: Batch,
    block: Block,
    rows: Vec<usize>,
    /// The penalty's factor, in units of a weight, and whose weights it shrinks.
    alpha: f64,
    matrices: Vec<std::ops::Range<usize>>,
}

impl Objective {
    /// Prepares the loss of `network` on `data`. Of `config`, loss, `alpha` and engine count.
    ///
    /// # Errors
    /// When the data do not fit the network or the loss, or the network draws or keeps running statistics.
    pub fn new(network: &Network, data: Dataset, config: &Config) -> Result<Self> {
        config.check()?;
        let program = Program::build(network.module(), &data, config)?;
        features_fit(program.graph(), data.features())?;
        program.check_indices(data.features())?;
        program.check_classes(data.target(), &config.criterion)?;
        program.check_batch(data.rows())?;
        if program.has_updates() || program.draws() {
            return Err(Error::network(
                "the loss isn't a function of the weights alone: the network has dropout or running statistics",
            )
            .help("train it with one of our optimisers"));
        }
        let mut block = Block::for_graph(program.graph());
        load(&mut block, network.state_dict())?;
        program.load_constants(&mut block, &config.criterion)?;
        let plan = Arc::new(program.compile(data.rows(), &config.engine, false)?);
        let rows = data.weights().map_or(data.rows() as f64, |weights| {
            weights.iter().map(|&weight| f64::from(weight)).sum()
        });
        Ok(Objective {
            batch: Batch::new(Arc::clone(&plan), &data, program.loss_index()),
            plan,
            alpha: config.alpha / rows,
            matrices: block.matrices(),
            block,
            rows: (0..data.rows()).collect(),
            data,
        })
    }

    /// The network's parameters now, in the order in which [`Objective::evaluate`] takes them.
    pub fn parameters(&self) -> &[f32] {
        self.block.parameters()
    }

    /// The key and the place of each parameter's array.
    pub fn layout(&self) -> impl Iterator<Item = (&str, std::ops::Range<usize>)> {
        let end = self.block.parameters().len();
        self.block
            .keys()
            .filter_map(|(key, _)| Some((key, self.block.range(key)?)))
            .filter(move |(_, range)| range.end <= end)
    }

    /// The loss at `parameters` with the penalty of `alpha`; its gradient goes to `gradient`.
    ///
    /// # Errors
    /// When either has not the parameters' length, or an index does not exist.
    pub fn evaluate(&mut self, parameters: &[f32], gradient: &mut [f32]) -> Result<f64> {
        let len = self.block.parameters().len();
        if parameters.len() != len || gradient.len() != len {
            return Err(Error::usage(format!(
                "{} parameters and places for {} derivatives; the network has {len} parameters",
                parameters.len(),
                gradient.len()
            )));
        }
        self.block.parameters_mut().copy_from_slice(parameters);
        let feeds = self.batch.feed(None, &self.data, &self.rows, true);
        self.plan.run_on(&self.block, &mut self.batch.memory, Draw::default(), &feeds)?;
        gradient.copy_from_slice(&self.plan.results(&self.batch.memory)[..len]);
        let mut loss = f64::from(self.batch.loss());
        if self.alpha > 0.0 {
            for range in self.matrices.iter().cloned() {
                let weights = &parameters[range.clone()];
                penalty::add_l2(&mut gradient[range], weights, self.alpha);
                loss += penalty::l2_penalty(weights, self.alpha);
            }
        }
        Ok(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{self, loss::Criterion};
    use crate::tensor::Tensor;
    use crate::train::{Features, Target, optimizer::Optimizer};

    fn table() -> Result<Dataset> {
        let x = (0..40).map(|at| ((at * 37 % 23) as f32 - 11.0) / 7.0).collect();
        let classes = (0..10).map(|row| row * 3 % 4).collect();
        let data =
            Dataset::new(Features::Floats(Tensor::new([10, 4], x)?), Target::Classes(classes))?;
        data.with_weights((0..10).map(|row| 0.5 + (row % 3) as f32).collect())
    }

    fn config(alpha: f64) -> Result<Config> {
        let config = Config::new(Criterion::parse("cross_entropy")?, Optimizer::parse("SGD")?);
        Ok(Config { alpha, ..config })
    }

    #[test]
    fn the_gradient_is_the_losses_slope() -> Result<()> {
        let (data, config) = (table()?, config(3.0)?);
        let network = Network::new(nn::parse("4-5t-4")?, 1)?;
        let mut objective = Objective::new(&network, data, &config)?;
        let start = objective.parameters().to_vec();
        let mut gradient = vec![0.0; start.len()];
        objective.evaluate(&start, &mut gradient)?;
        let mut ignored = gradient.clone();
        for at in 0..start.len() {
            let mut at_step = |step: f32| {
                let mut moved = start.clone();
                moved[at] += step;
                objective.evaluate(&moved, &mut ignored)
            };
            let slope = (at_step(0.01)? - at_step(-0.01)?) / 0.02;
            let found = f64::from(gradient[at]);
            assert!((slope - found).abs() < 2e-4, "{at}: {found} for {slope}");
        }
        let keys: Vec<&str> = objective.layout().map(|(key, _)| key).collect();
        assert_eq!(keys, ["0.weight", "0.bias", "2.weight", "2.bias"]);
        assert!(objective.evaluate(&start[1..], &mut gradient).is_err());
        Ok(())
    }

    #[test]
    fn what_is_no_function_of_the_weights_is_refused() -> Result<()> {
        let config = config(0.0)?;
        for layer in ["Dropout(0.5)", "BatchNorm1d(4)"] {
            let notation = format!("Sequential(Linear(4, 4), {layer}, Linear(4, 4))");
            let network = Network::new(nn::parse(&notation)?, 0)?;
            let error =
                Objective::new(&network, table()?, &config).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains("isn't a function")), "{layer}");
        }
        Ok(())
    }
}
