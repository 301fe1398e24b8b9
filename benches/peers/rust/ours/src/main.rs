//! glassnet as a contestant: what a user of the library writes, with an observer that reads the clock.
//!
//! Usage: `ours THREADS`.

use std::process::ExitCode;

use glassnet::nn::loss::Criterion;
use glassnet::nn::{self, Network};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{
    Config, Control, Dataset, EpochRecord, Features, Observer, Predictor, Session, Shuffle,
    StepEvent, Target,
};
use glassnet::{Tensor, engine};
use serde_json::{Value, json};
use worker::{
    Case, Contestant, Goal, Loaded, Result, Rule, STEPS_PER_START, Sampler, Targets, Task, Times,
    said,
};

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
        if self.threads > 1 {
            return Err("this version computes on one thread".to_owned());
        }
        match case.task {
            Task::Train => Ok(Box::new(Training::new(case)?)),
            Task::Infer => Ok(Box::new(Inference::new(case)?)),
            Task::Ensemble => Err("this version trains one network at a time".to_owned()),
        }
    }
}

fn network(case: &Case) -> Result<Network> {
    let widths: Vec<String> = case.sizes.iter().map(usize::to_string).collect();
    let mut network =
        Network::new(nn::parse(&widths.join("-")).map_err(said)?, 0).map_err(said)?;
    let mut state = network.state_dict().clone();
    for (layer, pair) in case.sizes.windows(2).enumerate() {
        let weight = Tensor::new([pair[1], pair[0]], case.weights[layer].clone()).map_err(said)?;
        let bias = Tensor::new([pair[1]], case.biases[layer].clone()).map_err(said)?;
        state.insert(format!("{}.weight", 2 * layer), weight);
        state.insert(format!("{}.bias", 2 * layer), bias);
    }
    network.load_state_dict(&state, true).map_err(said)?;
    Ok(network)
}

struct Training {
    network: Network,
    data: Dataset,
    config: Config,
}

impl Training {
    fn new(mut case: Case) -> Result<Self> {
        let network = network(&case)?;
        let x = std::mem::take(&mut case.x);
        let x = Tensor::new([case.rows(), case.inputs()], x).map_err(said)?;
        let target = match case.y.take() {
            Some(Targets::Classes(classes)) => Target::Classes(classes),
            Some(Targets::Values(values)) => Target::Values(
                Tensor::new([case.rows(), case.outputs()], values).map_err(said)?,
            ),
            None => return Err("training needs targets".to_owned()),
        };
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
        let config = Config {
            epochs: STEPS_PER_START.div_ceil(case.batches),
            batch_size: case.batch,
            shuffle: Shuffle::None,
            ..Config::new(criterion, optimizer)
        };
        let data = Dataset::new(Features::Floats(x), target).map_err(said)?;
        Ok(Training { network, data, config })
    }

    fn session(&self) -> Result<Session<'_>> {
        Session::new(self.network.clone(), &self.data, None, &self.config).map_err(said)
    }
}

impl Loaded for Training {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut clock = Clock(Sampler::new(seconds));
        while !clock.0.is_over() {
            let mut session = self.session()?;
            clock.0.restart();
            while session.epoch(&mut clock).map_err(said)?.is_some() {}
        }
        clock.0.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f32>> {
        let mut losses = Losses { steps, losses: vec![] };
        let mut session = self.session()?;
        while session.epoch(&mut losses).map_err(said)?.is_some() {}
        Ok(losses.losses)
    }

    fn outputs(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case trains".to_owned())
    }
}

/// Reads the clock after steps.
struct Clock(Sampler);

impl Observer for Clock {
    fn step(&mut self, _: &StepEvent<'_>) -> Control {
        self.0.tick();
        if self.0.is_over() { Control::Stop } else { Control::Continue }
    }

    fn epoch(&mut self, _: &EpochRecord) -> Control {
        Control::Continue
    }
}

/// Keeps the losses of the first steps.
struct Losses {
    steps: usize,
    losses: Vec<f32>,
}

impl Observer for Losses {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.losses.push(event.loss);
        if self.losses.len() >= self.steps { Control::Stop } else { Control::Continue }
    }

    fn epoch(&mut self, _: &EpochRecord) -> Control {
        Control::Continue
    }
}

struct Inference {
    predictor: Predictor,
    features: Features,
    outputs: Vec<f32>,
    batch: usize,
    batches: usize,
    width: usize,
}

impl Inference {
    fn new(mut case: Case) -> Result<Self> {
        let network = network(&case)?;
        let predictor =
            Predictor::new(&network, &[case.inputs()], &Default::default()).map_err(said)?;
        let x = std::mem::take(&mut case.x);
        let x = Tensor::new([case.rows(), case.inputs()], x).map_err(said)?;
        Ok(Inference {
            predictor,
            features: Features::Floats(x),
            outputs: vec![0.0; case.batch * case.outputs()],
            batch: case.batch,
            batches: case.batches,
            width: case.outputs(),
        })
    }
}

impl Loaded for Inference {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut sampler = Sampler::new(seconds);
        let mut batch = 0;
        while !sampler.is_over() {
            let rows = batch * self.batch..(batch + 1) * self.batch;
            self.predictor
                .predict_rows(&self.features, rows, &mut self.outputs)
                .map_err(said)?;
            sampler.tick();
            batch = (batch + 1) % self.batches;
        }
        sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case predicts".to_owned())
    }

    fn outputs(&mut self, rows: usize) -> Result<Vec<f32>> {
        let rows = rows.min(self.features.rows());
        let mut outputs = vec![0.0; rows * self.width];
        self.predictor.predict_rows(&self.features, 0..rows, &mut outputs).map_err(said)?;
        Ok(outputs)
    }
}
