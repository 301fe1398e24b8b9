//! glassnet as a contestant: what a user of the library writes.
//!
//! Usage: `ours THREADS`.

mod ensemble;
mod inference;
mod training;

use std::process::ExitCode;

use glassnet::Tensor;
use glassnet::engine::{self, Pool};
use glassnet::nn::loss::Criterion;
use glassnet::nn::{self, Network};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{Config, Dataset, Features, Shuffle, Target};
use serde_json::{Value, json};
use worker::{Case, Contestant, Goal, Loaded, Result, Rule, Targets, Task, said};

fn main() -> ExitCode {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    match worker::serve(&Glassnet { threads }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Glassnet {
    threads: usize,
}

impl Contestant for Glassnet {
    fn hello(&self) -> Value {
        json!({
            "name": "glassnet",
            "versions": { "glassnet": env!("CARGO_PKG_VERSION") },
            "detail": format!("{} kernels", engine::Level::detect()),
        })
    }

    fn load(&self, case: Case) -> Result<Box<dyn Loaded>> {
        let pool = Pool::new(self.threads).map_err(said)?;
        match case.task {
            Task::Train => Ok(Box::new(training::Training::new(case, pool)?)),
            Task::Infer => Ok(Box::new(inference::Passes::new(case, pool)?)),
            Task::Ensemble => Ok(Box::new(ensemble::Many::new(case, pool)?)),
        }
    }
}

/// The case's network with its initial weights; of many, the one with this number.
fn network(case: &Case, member: usize) -> Result<Network> {
    let widths: Vec<String> = case.sizes.iter().map(usize::to_string).collect();
    let mut network = Network::new(nn::parse(&widths.join("-")).map_err(said)?, 0).map_err(said)?;
    let mut state = network.state_dict().clone();
    for (layer, pair) in case.sizes.windows(2).enumerate() {
        let part = |values: &[f32], len: usize| values[member * len..(member + 1) * len].to_vec();
        let weight = part(&case.weights[layer], pair[1] * pair[0]);
        let weight = Tensor::new([pair[1], pair[0]], weight).map_err(said)?;
        let bias = Tensor::new([pair[1]], part(&case.biases[layer], pair[1])).map_err(said)?;
        state.insert(format!("{}.weight", 2 * layer), weight);
        state.insert(format!("{}.bias", 2 * layer), bias);
    }
    network.load_state_dict(&state, true).map_err(said)?;
    Ok(network)
}

/// The case's rows.
fn dataset(case: &mut Case) -> Result<Dataset> {
    let x = std::mem::take(&mut case.x);
    let x = Tensor::new([case.rows(), case.inputs()], x).map_err(said)?;
    let target = match case.y.take() {
        Some(Targets::Classes(classes)) => Target::Classes(classes),
        Some(Targets::Values(values)) => {
            Target::Values(Tensor::new([case.rows(), case.outputs()], values).map_err(said)?)
        }
        None => return Err("training needs targets".to_owned()),
    };
    Dataset::new(Features::Floats(x), target).map_err(said)
}

/// How the case is trained, for so many epochs.
fn config(case: &Case, epochs: usize) -> Result<Config> {
    let criterion = match case.loss {
        Goal::CrossEntropy => "cross_entropy",
        Goal::Mse => "mse",
    };
    let optimizer = match case.optimizer {
        Rule::Adam { lr } => format!("Adam(lr={lr})"),
        Rule::Sgd { lr, momentum } => format!("SGD(lr={lr}, momentum={momentum})"),
    };
    let criterion = Criterion::parse(criterion).map_err(said)?;
    let optimizer = Optimizer::parse(&optimizer).map_err(said)?;
    Ok(Config {
        epochs,
        batch_size: case.batch,
        shuffle: Shuffle::None,
        ..Config::new(criterion, optimizer)
    })
}
