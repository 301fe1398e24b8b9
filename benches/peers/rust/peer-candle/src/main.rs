//! candle as a contestant: `candle-nn`'s layers, loss and optimisers. Threads are rayon's (`RAYON_NUM_THREADS`).

// Named only for its feature, see the workspace's `Cargo.toml`.
use gemm as _;

use std::process::ExitCode;

use candle_core::backprop::GradStore;
use candle_core::{Device, Result as Candle, Tensor, Var};
use candle_nn::{AdamW, Linear, Module, Optimizer, ParamsAdamW, SGD, loss};
use serde_json::{Value, json};
use worker::{
    Case, Contestant, Goal, Loaded, Result, Rule, STEPS_PER_START, Sampler, Targets, Task, Times,
    said,
};

fn main() -> ExitCode {
    match worker::serve(&CandleNn) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct CandleNn;

impl Contestant for CandleNn {
    fn hello(&self) -> Value {
        json!({
            "name": "candle",
            "versions": { "candle": "0.11.1" },
            "detail": "target-cpu=native, AVX-512 kernels of gemm",
        })
    }

    fn load(&self, case: Case) -> Result<Box<dyn Loaded>> {
        match case.task {
            Task::Train => Ok(Box::new(Training::new(case).map_err(said)?)),
            Task::Infer => Ok(Box::new(Inference::new(&case).map_err(said)?)),
            Task::Ensemble => Err("candle has no batched training of many networks".to_owned()),
        }
    }
}

/// The layers and what an optimiser changes.
fn network(case: &Case) -> Candle<(Vec<Linear>, Vec<Var>)> {
    let (mut layers, mut vars) = (vec![], vec![]);
    for (layer, pair) in case.sizes.windows(2).enumerate() {
        let weight = Var::from_slice(&case.weights[layer], (pair[1], pair[0]), &Device::Cpu)?;
        let bias = Var::from_slice(&case.biases[layer], pair[1], &Device::Cpu)?;
        layers.push(Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())));
        vars.extend([weight, bias]);
    }
    Ok((layers, vars))
}

fn forward(layers: &[Linear], x: &Tensor) -> Candle<Tensor> {
    let (last, hidden) = layers.split_last().expect("a network has a layer");
    let mut x = x.clone();
    for layer in hidden {
        x = layer.forward(&x)?.relu()?;
    }
    last.forward(&x)
}

fn batches(case: &Case) -> Candle<Vec<Tensor>> {
    (0..case.batches)
        .map(|batch| {
            Tensor::from_slice(case.x_of(batch), (case.batch, case.inputs()), &Device::Cpu)
        })
        .collect()
}

struct Training {
    case: Case,
    x: Vec<Tensor>,
    y: Vec<Tensor>,
}

impl Training {
    fn new(case: Case) -> Candle<Self> {
        let x = batches(&case)?;
        let y = match &case.y {
            Some(Targets::Classes(classes)) => classes
                .chunks(case.batch)
                .map(|chunk| {
                    let chunk: Vec<u32> = chunk.iter().map(|&class| class as u32).collect();
                    Tensor::new(chunk, &Device::Cpu)
                })
                .collect::<Candle<Vec<_>>>()?,
            Some(Targets::Values(values)) => values
                .chunks(case.batch * case.outputs())
                .map(|chunk| Tensor::from_slice(chunk, (case.batch, case.outputs()), &Device::Cpu))
                .collect::<Candle<Vec<_>>>()?,
            None => candle_core::bail!("training needs targets"),
        };
        Ok(Training { case, x, y })
    }

    fn start(&self) -> Candle<State> {
        let (layers, vars) = network(&self.case)?;
        let optimizer = Stepper::new(vars, self.case.optimizer)?;
        Ok(State { layers, optimizer })
    }

    fn step(&self, state: &mut State, batch: usize) -> Candle<Tensor> {
        let output = forward(&state.layers, &self.x[batch])?;
        let loss = match self.case.loss {
            Goal::CrossEntropy => loss::cross_entropy(&output, &self.y[batch])?,
            Goal::Mse => loss::mse(&output, &self.y[batch])?,
        };
        state.optimizer.step(&loss.backward()?)?;
        Ok(loss)
    }
}

struct State {
    layers: Vec<Linear>,
    optimizer: Stepper,
}

/// candle's optimisers; its SGD knows no momentum, so that one is written here with the same operations.
enum Stepper {
    Adam(AdamW),
    Sgd(SGD),
    Momentum { vars: Vec<Var>, velocities: Vec<Var>, lr: f64, momentum: f64 },
}

impl Stepper {
    fn new(vars: Vec<Var>, rule: Rule) -> Candle<Self> {
        match rule {
            Rule::Adam { lr } => {
                let params = ParamsAdamW { lr, weight_decay: 0.0, ..Default::default() };
                Ok(Stepper::Adam(AdamW::new(vars, params)?))
            }
            Rule::Sgd { lr, momentum: 0.0 } => Ok(Stepper::Sgd(SGD::new(vars, lr)?)),
            Rule::Sgd { lr, momentum } => {
                let velocities = vars
                    .iter()
                    .map(|var| Var::zeros(var.shape(), var.dtype(), var.device()))
                    .collect::<Candle<Vec<_>>>()?;
                Ok(Stepper::Momentum { vars, velocities, lr, momentum })
            }
        }
    }

    fn step(&mut self, gradients: &GradStore) -> Candle<()> {
        match self {
            Stepper::Adam(adam) => adam.step(gradients),
            Stepper::Sgd(sgd) => sgd.step(gradients),
            Stepper::Momentum { vars, velocities, lr, momentum } => {
                for (var, velocity) in vars.iter().zip(velocities) {
                    if let Some(gradient) = gradients.get(var) {
                        let next = ((velocity.as_tensor() * *momentum)? + gradient)?;
                        var.set(&(var.as_tensor() - (&next * *lr)?)?)?;
                        velocity.set(&next)?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl Loaded for Training {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut sampler = Sampler::new(seconds);
        while !sampler.is_over() {
            let mut state = self.start().map_err(said)?;
            sampler.restart();
            for step in 0..STEPS_PER_START {
                self.step(&mut state, step % self.case.batches).map_err(said)?;
                sampler.tick();
                if sampler.is_over() {
                    break;
                }
            }
        }
        sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f32>> {
        let mut state = self.start().map_err(said)?;
        (0..steps)
            .map(|step| self.step(&mut state, step % self.case.batches)?.to_scalar::<f32>())
            .collect::<Candle<Vec<_>>>()
            .map_err(said)
    }

    fn outputs(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case trains".to_owned())
    }
}

struct Inference {
    layers: Vec<Linear>,
    x: Vec<Tensor>,
}

impl Inference {
    fn new(case: &Case) -> Candle<Self> {
        let (layers, _) = network(case)?;
        // Detached, so that no graph for gradients is kept.
        let layers = layers
            .iter()
            .map(|layer| Linear::new(layer.weight().detach(), layer.bias().map(Tensor::detach)))
            .collect();
        Ok(Inference { layers, x: batches(case)? })
    }
}

impl Loaded for Inference {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut sampler = Sampler::new(seconds);
        let mut batch = 0;
        while !sampler.is_over() {
            forward(&self.layers, &self.x[batch]).map_err(said)?;
            sampler.tick();
            batch = (batch + 1) % self.x.len();
        }
        sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case predicts".to_owned())
    }

    fn outputs(&mut self, rows: usize) -> Result<Vec<f32>> {
        let x = Tensor::cat(&self.x, 0).map_err(said)?;
        let rows = rows.min(x.dim(0).map_err(said)?);
        forward(&self.layers, &x.narrow(0, 0, rows).map_err(said)?)
            .and_then(|outputs| outputs.flatten_all()?.to_vec1())
            .map_err(said)
    }
}
