//! Logistic regression as a network without a hidden layer: trained, and compared with the convex optimum.

mod document;
mod newton;

pub use newton::{Optimum, Separation};

use crate::error::{Error, Result};
use crate::graph::op;
use crate::graph::{Builder, DType, Shape};
use crate::nn::loss::{BCEWithLogitsLoss, Criterion, CrossEntropyLoss, LossOperands};
use crate::nn::{self, Network};
use crate::reference::{self, Feeds};
use crate::tensor::Tensor;
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use crate::train::{Config, Dataset, Features, Session, Target};
use crate::worked::digits::count;

/// How [`logistic`] works.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticConfig {
    /// Adds `½·l2·Σw²` over all weights and the bias to the loss.
    pub l2: f64,
    /// Epochs of the network's training, each one step over all rows.
    pub epochs: usize,
    /// The learning rate of Adam, which falls to 0 along a cosine.
    pub lr: f64,
    /// The seed of the network's initial weights.
    pub seed: u64,
}

impl Default for LogisticConfig {
    /// No penalty, 2000 epochs of Adam at 0.05, seed 0.
    fn default() -> Self {
        LogisticConfig { l2: 0.0, epochs: 2000, lr: 0.05, seed: 0 }
    }
}

/// What [`logistic`] finds. Weights are those of the standardised inputs, in the inputs' order.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// The inputs' names.
    pub names: Vec<String>,
    /// The two classes; the second is the one whose probability is modelled.
    pub classes: [String; 2],
    /// How many rows have the second class.
    pub positive: usize,
    /// How many rows there are.
    pub rows: usize,
    /// Mean and standard deviation of each input over the rows.
    pub scaling: Vec<(f64, f64)>,
    /// The factor of the penalty.
    pub l2: f64,
    /// The trained network: `Sequential(Linear(n, 1))` on standardised inputs.
    pub network: Network,
    /// The network's weights, the bias last.
    pub weights: Vec<f64>,
    /// Its loss with the penalty, in f64.
    pub loss: f64,
    /// The part of the rows that it gets right.
    pub accuracy: f64,
    /// How the network was trained.
    pub training: String,
    /// The convex optimum, where there is one.
    pub optimum: Option<Optimum>,
    /// Why there is none.
    pub separation: Option<Separation>,
    /// The same model twice: a few rows by sigmoid and by softmax.
    pub twice: Vec<TwoWays>,
}

/// A row by sigmoid with binary cross-entropy, and by two-class softmax with cross-entropy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoWays {
    /// The row.
    pub row: usize,
    /// Whether it has the second class.
    pub positive: bool,
    /// The network's output z.
    pub z: f64,
    /// σ(z)
    pub sigmoid: f64,
    /// The second of softmax(0, z).
    pub softmax: f64,
    /// −ln σ(z) or −ln(1 − σ(z))
    pub binary_cross_entropy: f64,
    /// −ln of the true class's softmax.
    pub cross_entropy: f64,
}

/// Standardised rows with a 1 for the bias behind. (Rounded to f32, inputs that depend on each other would no longer,
/// and the optimum would make use of the rounding.)
pub(super) struct Problem {
    pub(super) rows: Vec<Vec<f64>>,
    pub(super) positive: Vec<bool>,
    pub(super) l2: f64,
}

/// Trains a network without hidden layer to tell the second of `classes` from the first, and finds the convex optimum
/// of the same loss by Newton's method in f64.
///
/// # Shapes
/// inputs `[rows][names]`; positive: whether each row has the second class.
///
/// # Errors
/// No input, fewer than two rows, one class only, numbers that are not finite, a setting out of range.
///
/// ```
/// use glassnet::worked::{LogisticConfig, logistic};
/// let x = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]].map(Vec::from);
/// let y = [false, false, true, false, true, true];
/// let classes = ["no", "yes"].map(String::from);
/// let found = logistic(&["hours".into()], &classes, &x, &y, &LogisticConfig::default())?;
/// let optimum = found.optimum.as_ref().unwrap();
/// assert!(found.loss - optimum.loss < 1e-6);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn logistic(
    names: &[String],
    classes: &[String; 2],
    inputs: &[Vec<f64>],
    positive: &[bool],
    config: &LogisticConfig,
) -> Result<Logistic> {
    check(names, inputs, positive, config)?;
    let scaling = scaling(names.len(), inputs);
    let standardise = |row: &Vec<f64>| {
        row.iter().zip(&scaling).map(|(x, (mean, std))| (x - mean) / std).chain([1.0]).collect()
    };
    let problem = Problem {
        rows: inputs.iter().map(standardise).collect(),
        positive: positive.to_vec(),
        l2: config.l2,
    };
    let network = train(&problem.rows, positive, config)?;
    let weights: Vec<f64> = ["0.weight", "0.bias"]
        .iter()
        .map(|key| network.state_dict().floats(key))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flat_map(|tensor| tensor.data().iter().map(|&value| f64::from(value)))
        .collect();
    let (optimum, separation) = match newton::solve(&problem)? {
        newton::Outcome::Optimum(optimum) => (Some(optimum), None),
        newton::Outcome::Separated(separation) => (None, Some(separation)),
    };
    let scores: Vec<f64> = problem.rows.iter().map(|row| dot(row, &weights)).collect();
    let right = scores.iter().zip(positive).filter(|(z, positive)| (**z > 0.0) == **positive);
    Ok(Logistic {
        names: names.to_vec(),
        classes: classes.clone(),
        positive: positive.iter().filter(|positive| **positive).count(),
        rows: inputs.len(),
        scaling,
        l2: config.l2,
        loss: problem.loss(&weights)?,
        accuracy: right.count() as f64 / inputs.len() as f64,
        training: format!(
            "Adam at {} with a cosine to 0, {} epochs of one step over all rows",
            config.lr, config.epochs
        ),
        optimum,
        separation,
        twice: two_ways(&scores, positive)?,
        network,
        weights,
    })
}

fn check(
    names: &[String],
    inputs: &[Vec<f64>],
    positive: &[bool],
    config: &LogisticConfig,
) -> Result<()> {
    if names.is_empty() {
        return Err(Error::data("there is no input").at("the inputs").help("give at least one"));
    }
    if inputs.len() < 2 || inputs.len() != positive.len() {
        return Err(Error::data(format!(
            "{} with classes for {}",
            count(inputs.len(), "row"),
            positive.len()
        ))
        .at("the rows")
        .help("give at least two rows, each with a class"));
    }
    for (row, values) in inputs.iter().enumerate() {
        if values.len() != names.len() {
            return Err(Error::data(format!(
                "row {row} (counted from 0) has {} inputs, expected {}",
                values.len(),
                names.len()
            ))
            .at("the rows")
            .help("give every row as many"));
        }
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(Error::data(format!("row {row} (counted from 0) has the value {bad}"))
                .at("the rows")
                .help("give finite numbers"));
        }
    }
    if positive.iter().all(|&class| class == positive[0]) {
        return Err(Error::data("all rows have the same class")
            .at("the target")
            .help("give rows of both classes"));
    }
    if !(config.l2.is_finite() && config.l2 >= 0.0) {
        return Err(Error::usage(format!("the penalty is {}", config.l2))
            .at("l2")
            .help("give a finite number of at least 0"));
    }
    if !(config.lr.is_finite() && config.lr >= 0.0) {
        return Err(Error::usage(format!("the learning rate is {}", config.lr))
            .at("lr")
            .help("give a finite number of at least 0"));
    }
    Ok(())
}

/// Mean and standard deviation of each input; 1 where all are equal.
fn scaling(width: usize, inputs: &[Vec<f64>]) -> Vec<(f64, f64)> {
    let rows = inputs.len() as f64;
    (0..width)
        .map(|at| {
            let mean = inputs.iter().map(|row| row[at]).sum::<f64>() / rows;
            let variance = inputs.iter().map(|row| (row[at] - mean).powi(2)).sum::<f64>() / rows;
            (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
        })
        .collect()
}

fn train(rows: &[Vec<f64>], positive: &[bool], config: &LogisticConfig) -> Result<Network> {
    let width = rows[0].len() - 1;
    let module = nn::sequential([nn::linear(width, 1)]);
    let network = Network::new(module, config.seed)?;
    let targets = positive.iter().map(|&class| f32::from(u8::from(class))).collect();
    let inputs: Vec<f32> =
        rows.iter().flat_map(|row| row[..width].iter().map(|&x| x as f32)).collect();
    let data = Dataset::new(
        Features::Floats(Tensor::new([rows.len(), width], inputs)?),
        Target::Values(Tensor::new([rows.len(), 1], targets)?),
    )?;
    let settings = Config {
        epochs: config.epochs,
        batch_size: rows.len(),
        seed: config.seed,
        l2: config.l2,
        schedule: Some(Schedule::parse(&format!(
            "CosineAnnealingLR(T_max={})",
            config.epochs.max(1)
        ))?),
        ..Config::new(
            Criterion::BCEWithLogitsLoss(BCEWithLogitsLoss::default()),
            Optimizer::parse(&format!("Adam(lr={})", config.lr))?,
        )
    };
    Ok(Session::new(network, &data, None, &settings)?.run(&mut ())?.network)
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Problem {
    /// The mean binary cross-entropy of the rows, by the oracle, with the penalty.
    pub(super) fn loss(&self, weights: &[f64]) -> Result<f64> {
        let mut builder = Builder::new();
        let z = builder.input("z", DType::F64, Shape::batch([1]))?;
        let y = builder.input("y", DType::F64, Shape::batch([1]))?;
        let criterion = Criterion::BCEWithLogitsLoss(BCEWithLogitsLoss::default());
        let loss = criterion.lower(&mut builder, z, y, &LossOperands::default())?;
        let rows = self.rows.len();
        let scores: Vec<f64> = self.rows.iter().map(|row| dot(row, weights)).collect();
        let targets: Vec<f64> =
            self.positive.iter().map(|&class| f64::from(u8::from(class))).collect();
        let feeds = Feeds::new()
            .input("z", Tensor::new([rows, 1], scores)?)
            .input("y", Tensor::new([rows, 1], targets)?);
        let values = reference::evaluate(&builder.finish_checked(), &feeds, rows)?;
        Ok(values[loss].floats()?.data()[0] + 0.5 * self.l2 * dot(weights, weights))
    }
}

/// A few rows by both formulas, all numbers from one graph.
pub(super) fn two_ways(scores: &[f64], positive: &[bool]) -> Result<Vec<TwoWays>> {
    let mut builder = Builder::new();
    let z = builder.input("z", DType::F64, Shape::batch([1]))?;
    let pair = builder.input("pair", DType::F64, Shape::batch([2]))?;
    let y = builder.input("y", DType::F64, Shape::batch([1]))?;
    let class = builder.input("class", DType::I64, Shape::batch([]))?;
    let sigmoid = builder.activation(op::Activation::Sigmoid, z)?;
    let softmax = builder.softmax(op::Softmax::Probabilities { axis: 1 }, pair)?;
    let none = op::LossReduction::None;
    let binary = Criterion::BCEWithLogitsLoss(BCEWithLogitsLoss {
        reduction: none,
        ..BCEWithLogitsLoss::default()
    });
    let cross = Criterion::CrossEntropyLoss(CrossEntropyLoss {
        reduction: none,
        ..CrossEntropyLoss::default()
    });
    let binary = binary.lower(&mut builder, z, y, &LossOperands::default())?;
    let cross = cross.lower(&mut builder, pair, class, &LossOperands::default())?;
    let graph = builder.finish_checked();
    let shown = shown_rows(positive);
    let count = shown.len();
    let zs: Vec<f64> = shown.iter().map(|&row| scores[row]).collect();
    let pairs: Vec<f64> = zs.iter().flat_map(|&z| [0.0, z]).collect();
    let classes: Vec<i64> = shown.iter().map(|&row| i64::from(positive[row])).collect();
    let feeds = Feeds::new()
        .input("z", Tensor::new([count, 1], zs.clone())?)
        .input("pair", Tensor::new([count, 2], pairs)?)
        .input("y", Tensor::new([count, 1], classes.iter().map(|&class| class as f64).collect())?)
        .input("class", Tensor::new([count], classes)?);
    let values = reference::evaluate(&graph, &feeds, count)?;
    let of = |id| -> Result<Vec<f64>> { Ok(values[id].floats()?.data().to_vec()) };
    let (sigmoid, softmax, binary, cross) = (of(sigmoid)?, of(softmax)?, of(binary)?, of(cross)?);
    Ok((0..count)
        .map(|at| TwoWays {
            row: shown[at],
            positive: positive[shown[at]],
            z: zs[at],
            sigmoid: sigmoid[at],
            softmax: softmax[2 * at + 1],
            binary_cross_entropy: binary[at],
            cross_entropy: cross[at],
        })
        .collect())
}

/// The first rows, of both classes.
fn shown_rows(positive: &[bool]) -> Vec<usize> {
    let of = |class: bool| (0..positive.len()).filter(move |&row| positive[row] == class).take(3);
    let mut rows: Vec<usize> = of(false).chain(of(true)).collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests;
