//! burn as a contestant: its flex backend, its layers, loss and optimisers. Threads are rayon's (`RAYON_NUM_THREADS`).

// Named only for their features, see the workspace's `Cargo.toml`.
use burn_flex as _;
use gemm as _;

use std::process::ExitCode;

use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::{Value, json};
use worker::{
    Case, Contestant, Loaded, Result, Rule, STEPS_PER_START, Sampler, Targets, Task, Times, said,
};

fn main() -> ExitCode {
    match worker::serve(&Burn) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Burn;

impl Contestant for Burn {
    fn hello(&self) -> Value {
        json!({
            "name": "burn",
            "versions": { "burn": "0.22.1" },
            "detail": "backend flex, target-cpu=native, AVX-512 kernels of gemm",
        })
    }

    fn load(&self, case: Case) -> Result<Box<dyn Loaded>> {
        match case.task {
            Task::Train => Ok(Box::new(Training::new(case)?)),
            Task::Infer => Ok(Box::new(Inference::new(&case)?)),
            Task::Ensemble => Err("burn has no batched training of many networks".to_owned()),
        }
    }
}

#[derive(Module, Debug)]
struct Net {
    layers: Vec<Linear>,
}

impl Net {
    fn new(case: &Case, device: &Device) -> Net {
        let layers = case.sizes.windows(2).enumerate().map(|(layer, pair)| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let mut linear = LinearConfig::new(inputs, outputs).init(device);
            let weight = TensorData::new(case.weights[layer].clone(), [outputs, inputs]);
            let bias = TensorData::new(case.biases[layer].clone(), [outputs]);
            // burn keeps weights as [in, out]; read back so that they lie in that order.
            let weight = Tensor::<2>::from_data(weight, device).transpose().into_data();
            linear.weight = Param::from_tensor(Tensor::from_data(weight, device));
            linear.bias = Some(Param::from_tensor(Tensor::from_data(bias, device)));
            linear
        });
        Net { layers: layers.collect() }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("a network has a layer");
        last.forward(hidden.iter().fold(x, |x, layer| relu(layer.forward(x))))
    }
}

fn batches(case: &Case, device: &Device) -> Vec<Tensor<2>> {
    let shape = [case.batch, case.inputs()];
    (0..case.batches)
        .map(|batch| Tensor::from_data(TensorData::new(case.x_of(batch).to_vec(), shape), device))
        .collect()
}

enum Y {
    Classes(Vec<Tensor<1, Int>>),
    Values(Vec<Tensor<2>>),
}

struct Training {
    case: Case,
    device: Device,
    x: Vec<Tensor<2>>,
    y: Y,
    cross_entropy: CrossEntropyLoss,
}

struct State {
    net: Net,
    optimizer: ModuleOptimizer,
    lr: f64,
}

impl Training {
    fn new(case: Case) -> Result<Self> {
        let device = Device::flex().autodiff();
        let x = batches(&case, &device);
        let y = match &case.y {
            Some(Targets::Classes(classes)) => Y::Classes(
                classes
                    .chunks(case.batch)
                    .map(|chunk| {
                        Tensor::from_data(TensorData::new(chunk.to_vec(), [case.batch]), &device)
                    })
                    .collect(),
            ),
            Some(Targets::Values(values)) => {
                let shape = [case.batch, case.outputs()];
                let chunks = values.chunks(case.batch * case.outputs());
                let tensor = |chunk: &[f32]| {
                    Tensor::from_data(TensorData::new(chunk.to_vec(), shape), &device)
                };
                Y::Values(chunks.map(tensor).collect())
            }
            None => return Err("training needs targets".to_owned()),
        };
        let cross_entropy = CrossEntropyLossConfig::new().init(&device);
        Ok(Training { case, device, x, y, cross_entropy })
    }

    fn start(&self) -> State {
        let (optimizer, lr) = match self.case.optimizer {
            Rule::Adam { lr } => (AdamConfig::new().with_epsilon(1e-8).init(), lr),
            Rule::Sgd { lr, momentum: 0.0 } => (SgdConfig::new().init(), lr),
            Rule::Sgd { lr, momentum } => {
                let momentum = MomentumConfig::new().with_momentum(momentum).with_dampening(0.0);
                (SgdConfig::new().with_momentum(Some(momentum)).init(), lr)
            }
        };
        State { net: Net::new(&self.case, &self.device), optimizer, lr }
    }

    /// A step; returns the loss, which nobody need read.
    fn step(&self, mut state: State, batch: usize) -> (State, Tensor<1>) {
        let output = state.net.forward(self.x[batch].clone());
        let loss = match &self.y {
            Y::Classes(y) => self.cross_entropy.forward(output, y[batch].clone()),
            Y::Values(y) => MseLoss::new().forward(output, y[batch].clone(), Reduction::Mean),
        };
        let gradients = GradientsParams::from_grads(loss.backward(), &state.net);
        state.net = state.optimizer.step(state.lr, state.net, gradients);
        (state, loss)
    }
}

impl Loaded for Training {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut sampler = Sampler::new(seconds);
        while !sampler.is_over() {
            let mut state = self.start();
            sampler.restart();
            for step in 0..STEPS_PER_START {
                (state, _) = self.step(state, step % self.case.batches);
                sampler.tick();
                if sampler.is_over() {
                    break;
                }
            }
        }
        sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f32>> {
        let mut state = self.start();
        let mut losses = vec![];
        for step in 0..steps {
            let loss;
            (state, loss) = self.step(state, step % self.case.batches);
            losses.push(loss.into_scalar());
        }
        Ok(losses)
    }

    fn outputs(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case trains".to_owned())
    }
}

struct Inference {
    net: Net,
    x: Vec<Tensor<2>>,
}

impl Inference {
    fn new(case: &Case) -> Result<Self> {
        let device = Device::flex();
        Ok(Inference { net: Net::new(case, &device), x: batches(case, &device) })
    }
}

impl Loaded for Inference {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut sampler = Sampler::new(seconds);
        let mut batch = 0;
        while !sampler.is_over() {
            self.net.forward(self.x[batch].clone());
            sampler.tick();
            batch = (batch + 1) % self.x.len();
        }
        sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case predicts".to_owned())
    }

    fn outputs(&mut self, rows: usize) -> Result<Vec<f32>> {
        let x = Tensor::cat(self.x.clone(), 0);
        let rows = rows.min(x.dims()[0]);
        self.net.forward(x.narrow(0, 0, rows)).into_data().try_to_vec::<f32>().map_err(said)
    }
}
