//! A network's hidden units as basis functions.

use crate::error::{Error, Result};
use crate::formula::{Math, Operator};
use crate::graph::Shape;
use crate::nn::loss::{Criterion, MSELoss};
use crate::nn::{self, Mode, Module, Network, StateDict};
use crate::reference::{self, Feeds};
use crate::tensor::{Tensor, Value};
use crate::train::optimizer::Optimizer;
use crate::train::schedule::Schedule;
use crate::train::{Config, Dataset, Features, Session, Target};
use crate::worked::digits::{count, math, shown};

/// How the learned features come about.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    /// A network with its weights, whose hidden units are taken as they are.
    pub given: Option<Network>,
    /// The network to train; without, one hidden layer of tanh units, a few for few rows.
    pub module: Option<Module>,
    /// How often every row is visited.
    pub epochs: usize,
    /// The learning rate of Adam, which falls to 0 along a cosine.
    pub lr: f64,
    /// The first seed.
    pub seed: u64,
    /// How many seeds are tried; the least error wins.
    pub restarts: u64,
}

impl Default for Learning {
    /// A small tanh network, 1000 epochs of Adam at 0.05, five seeds.
    fn default() -> Self {
        Learning { given: None, module: None, epochs: 1000, lr: 0.05, seed: 0, restarts: 5 }
    }
}

/// A network whose last linear layer combines hidden units.
pub(super) struct Learned {
    pub(super) network: Network,
    /// The layers before the last linear one.
    hidden: Module,
    pub(super) training: Option<String>,
}

pub(super) fn learn(inputs: &[Vec<f64>], target: &[f64], learning: &Learning) -> Result<Learned> {
    let (network, training) = match &learning.given {
        Some(network) => (network.clone(), None),
        None => {
            let (network, words) = train(inputs, target, learning)?;
            (network, Some(words))
        }
    };
    let hidden = hidden(network.module())?;
    fits(&network, inputs[0].len())?;
    Ok(Learned { network, hidden, training })
}

/// Trains on standardised rows where the first and last layers can take the scaling up afterwards.
fn train(inputs: &[Vec<f64>], target: &[f64], learning: &Learning) -> Result<(Network, String)> {
    let width = inputs[0].len();
    let module = match &learning.module {
        Some(module) => module.clone(),
        None => {
            let units = (inputs.len() / 2).clamp(2, 8);
            nn::sequential([nn::linear(width, units), nn::tanh(), nn::linear(units, 1)])
        }
    };
    hidden(&module)?;
    let scaling = Scaling::of(inputs, target, &module);
    let (scaled_inputs, scaled_target) = scaling.apply(inputs, target);
    let data = Dataset::new(
        Features::Floats(tensor(&scaled_inputs)?),
        Target::Values(column(&scaled_target)?),
    )?;
    let optimizer = Optimizer::parse(&format!("Adam(lr={})", learning.lr))?;
    let batch_size = inputs.len().min(256);
    let config = Config {
        epochs: learning.epochs,
        batch_size,
        seed: learning.seed,
        schedule: Some(Schedule::parse(&format!(
            "CosineAnnealingLR(T_max={})",
            learning.epochs.max(1)
        ))?),
        ..Config::new(Criterion::MSELoss(MSELoss::default()), optimizer)
    };
    let mut best: Option<(f64, u64, Network)> = None;
    for seed in learning.seed..learning.seed.saturating_add(learning.restarts.max(1)) {
        let network = Network::new(module.clone(), seed)?;
        fits(&network, width)?;
        let record = Session::new(network, &data, None, &config)?.run(&mut ())?;
        let loss = record.history.last().map_or(f64::INFINITY, |epoch| epoch.train_loss);
        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            best = Some((loss, seed, record.network));
        }
        if loss < 1e-10 {
            break;
        }
    }
    let (_, seed, mut network) =
        best.ok_or_else(|| Error::usage("no seed is tried").at("the restarts").help("give one"))?;
    scaling.fold(&mut network)?;
    let words = format!(
        "Adam at {} with a cosine to 0, {} of {}, seed {seed}, the best of {} from seed {}",
        shown(learning.lr, 4),
        count(learning.epochs, "epoch"),
        count(inputs.len(), "row"),
        count(learning.restarts.max(1) as usize, "seed"),
        learning.seed,
    );
    Ok((network, words))
}

/// What is subtracted and divided by before training: mean and standard deviation of each column.
struct Scaling {
    inputs: Vec<(f64, f64)>,
    target: (f64, f64),
}

impl Scaling {
    /// No scaling where the first or last layer is not linear with a bias.
    fn of(inputs: &[Vec<f64>], target: &[f64], module: &Module) -> Scaling {
        let linear = |child: Option<&(String, Module)>| matches!(child, Some((_, Module::Linear(linear))) if linear.bias);
        let children = module.children().unwrap_or_default();
        let width = inputs[0].len();
        if !linear(children.first()) || !linear(children.last()) {
            return Scaling { inputs: vec![(0.0, 1.0); width], target: (0.0, 1.0) };
        }
        let of_input = |at: usize| spread(&inputs.iter().map(|row| row[at]).collect::<Vec<f64>>());
        Scaling { inputs: (0..width).map(of_input).collect(), target: spread(target) }
    }

    fn apply(&self, inputs: &[Vec<f64>], target: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
        let row = |row: &Vec<f64>| {
            row.iter().zip(&self.inputs).map(|(x, (mean, std))| (x - mean) / std).collect()
        };
        let (mean, std) = self.target;
        (inputs.iter().map(row).collect(), target.iter().map(|y| (y - mean) / std).collect())
    }

    /// Changes the first and last layers so that the network takes and gives numbers as they are in the data.
    fn fold(&self, network: &mut Network) -> Result<()> {
        let children = network.module().children().unwrap_or_default();
        let (Some((first, _)), Some((last, _))) = (children.first(), children.last()) else {
            return Ok(());
        };
        let (first, last) = (first.clone(), last.clone());
        let mut state = network.state_dict().clone();
        if self.inputs.iter().any(|&scale| scale != (0.0, 1.0)) {
            let (mut weight, mut bias) = layer(&state, &first)?;
            let width = self.inputs.len();
            for (unit, bias) in bias.data_mut().iter_mut().enumerate() {
                let mut shifted = f64::from(*bias);
                for (weight, (mean, std)) in
                    weight.data_mut()[unit * width..].iter_mut().zip(&self.inputs)
                {
                    let scaled = f64::from(*weight) / std;
                    shifted -= scaled * mean;
                    *weight = scaled as f32;
                }
                *bias = shifted as f32;
            }
            state.insert(format!("{first}.weight"), weight);
            state.insert(format!("{first}.bias"), bias);
        }
        let (mean, std) = self.target;
        if (mean, std) != (0.0, 1.0) {
            let (weight, bias) = layer(&state, &last)?;
            let scaled = weight.map(|weight| (f64::from(weight) * std) as f32);
            let shifted = bias.map(|bias| (f64::from(bias) * std + mean) as f32);
            state.insert(format!("{last}.weight"), scaled);
            state.insert(format!("{last}.bias"), shifted);
        }
        network.load_state_dict(&state, true).map(|_| ())
    }
}

fn layer(state: &StateDict, name: &str) -> Result<(Tensor<f32>, Tensor<f32>)> {
    Ok((
        state.floats(&format!("{name}.weight"))?.clone(),
        state.floats(&format!("{name}.bias"))?.clone(),
    ))
}

/// Mean and standard deviation; 1 where all are equal.
fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance =
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
}

/// The layers before the last linear one.
fn hidden(module: &Module) -> Result<Module> {
    let refuse = |what: &str| {
        Err(Error::network(what)
            .at("the network")
            .help("give hidden units and a linear layer behind them, such as 2-8t-1"))
    };
    let Module::Sequential(sequential) = module else {
        return refuse("the network has no hidden units");
    };
    let children = sequential.children();
    let Some(last) = children.iter().rposition(|(_, child)| matches!(child, Module::Linear(_)))
    else {
        return refuse("the network has no linear layer at its top");
    };
    if last == 0 {
        return refuse("the network has no hidden units");
    }
    Ok(nn::named(children[..last].to_vec()))
}

fn fits(network: &Network, width: usize) -> Result<()> {
    let wanted = network.module().input_shape().map(|shape| shape.at(1));
    match wanted.as_deref() {
        Some([_, inputs]) if *inputs == width => Ok(()),
        Some(shape) => Err(Error::network(format!(
            "the network takes rows of {:?}, the data have {}",
            &shape[1..],
            count(width, "input")
        ))
        .at("the network")
        .help(format!("give a network of {}", count(width, "input")))),
        None => Ok(()),
    }
}

fn tensor(inputs: &[Vec<f64>]) -> Result<Tensor<f32>> {
    let rows: Vec<Vec<f32>> =
        inputs.iter().map(|row| row.iter().map(|&value| value as f32).collect()).collect();
    Tensor::from_rows(&rows)
}

fn column(target: &[f64]) -> Result<Tensor<f32>> {
    Tensor::new([target.len(), 1], target.iter().map(|&value| value as f32).collect())
}

/// A module's outputs on rows, by the oracle.
fn outputs(module: &Module, network: &Network, inputs: &[Vec<f64>]) -> Result<Tensor<f64>> {
    let graph = module.graph(Shape::batch([inputs[0].len()]), Mode::Eval)?;
    let mut feeds = Feeds::new().input("x", Tensor::from_rows(inputs)?);
    for (key, value) in network.state_dict().iter() {
        match value {
            Value::F32(tensor) => feeds.set_state(key, tensor.clone()),
            Value::I64(tensor) => feeds.set_state(key, tensor.clone()),
        };
    }
    let values = reference::evaluate(&graph, &feeds, inputs.len())?;
    let output = graph.graph().output("y").ok_or_else(|| Error::network("no output"))?;
    Ok(values[output].floats()?.clone())
}

impl Learned {
    /// 1 and the hidden units on rows.
    pub(super) fn functions(&self, inputs: &[Vec<f64>]) -> Result<Vec<(Math, String, Vec<f64>)>> {
        let units = outputs(&self.hidden, &self.network, inputs)?;
        let [rows, width] = *units.shape() else {
            return Err(Error::network("the hidden units are not one row per input row")
                .at("the network")
                .help("give a network of rows of numbers"));
        };
        let mut all = vec![(Math::number("1"), "1".to_owned(), vec![1.0; rows])];
        for unit in 0..width {
            let values = (0..rows).map(|row| units.row(row)[unit]).collect();
            all.push((Math::name(&format!("r_{}", unit + 1)), format!("r{}", unit + 1), values));
        }
        Ok(all)
    }

    /// The network's own error, if it has one output.
    pub(super) fn mse(&self, inputs: &[Vec<f64>], target: &[f64]) -> Result<Option<f64>> {
        let found = outputs(self.network.module(), &self.network, inputs)?;
        if found.len() != target.len() {
            return Ok(None);
        }
        let squares = found.data().iter().zip(target).map(|(y, t)| (y - t).powi(2));
        Ok(Some(squares.sum::<f64>() / target.len() as f64))
    }
}

/// r₁ = ReLU(3.21 x₁ + 3.21 x₂ − 3.21) for a network of one hidden layer; nothing for a deeper one.
pub(super) fn unit_formulas(network: &Network) -> Vec<Math> {
    let Module::Sequential(sequential) = network.module() else { return vec![] };
    let [(name, Module::Linear(linear)), (_, activation), (_, Module::Linear(_)), ..] =
        sequential.children()
    else {
        return vec![];
    };
    let Ok(weight) = network.state_dict().floats(&format!("{name}.weight")) else { return vec![] };
    let bias = network.state_dict().floats(&format!("{name}.bias")).ok();
    let names = super::variables(linear.in_features);
    (0..linear.out_features)
        .map(|unit| {
            let weights = weight.row(unit).iter().zip(&names);
            let mut terms: Vec<Math> = weights
                .map(|(&weight, name)| {
                    Math::row([
                        math(weight.into(), 4),
                        Math::Operator(Operator::Beside),
                        Math::name(name),
                    ])
                })
                .collect();
            terms.extend(bias.map(|bias| math(bias.data()[unit].into(), 4)));
            let function = match activation {
                Module::Activation(nn::Activation::Tanh) => "tanh",
                Module::Activation(nn::Activation::Sigmoid) => "σ",
                other => other.kind(),
            };
            Math::name(&format!("r_{}", unit + 1)).equals(Math::apply(function, Math::sum(terms)))
        })
        .collect()
}
