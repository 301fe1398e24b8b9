//! Small tables to learn from, the same in every run.

use glassnet::nn::loss::Criterion;
use glassnet::nn::{self, Network, StateDict};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{
    Config, Control, Dataset, EpochRecord, Features, Observer, StepEvent, Target,
};
use glassnet::{Result, Tensor, Value};

/// Numbers between −2 and 2 that look random.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..len).map(|_| next()).collect()
}

/// Rows of `width` numbers.
pub(crate) fn features(seed: u64, rows: usize, width: usize) -> Tensor<f32> {
    Tensor::new([rows, width], noise(seed, rows * width)).expect("the shape fits")
}

/// Rows of `width` numbers whose class is the largest of `classes` mixtures of them.
pub(crate) fn classes(seed: u64, rows: usize, width: usize, classes: usize) -> Dataset {
    let x = features(seed, rows, width);
    let mixture = features(11, classes, width);
    let score = |row: usize, class: usize| -> f32 {
        x.row(row).iter().zip(mixture.row(class)).map(|(x, w)| x * w).sum()
    };
    let best = |row: usize| {
        (0..classes)
            .fold(0, |best, class| if score(row, class) > score(row, best) { class } else { best })
    };
    let target = (0..rows).map(|row| best(row) as i64).collect();
    Dataset::new(Features::Floats(x), Target::Classes(target)).expect("as many rows")
}

/// Rows of two numbers with their product and their sum.
pub(crate) fn values(seed: u64, rows: usize) -> Dataset {
    let x = features(seed, rows, 2);
    let y =
        (0..rows).flat_map(|row| [x.row(row)[0] * x.row(row)[1], x.row(row)[0] + x.row(row)[1]]);
    let y = Tensor::new([rows, 2], y.collect()).expect("the shape fits");
    Dataset::new(Features::Floats(x), Target::Values(y)).expect("as many rows")
}

/// A network with the weights of seed 0.
pub(crate) fn network(notation: &str) -> Result<Network> {
    Network::new(nn::parse(notation)?, 0)
}

/// A configuration from two notations.
pub(crate) fn config(loss: &str, optimizer: &str) -> Result<Config> {
    Ok(Config::new(Criterion::parse(loss)?, Optimizer::parse(optimizer)?))
}

/// Every number of a state dict as bits.
pub(crate) fn bits(state: &StateDict) -> Vec<(String, Vec<u64>)> {
    let of = |value: &Value| match value {
        Value::F32(tensor) => tensor.data().iter().map(|x| u64::from(x.to_bits())).collect(),
        Value::I64(tensor) => tensor.data().iter().map(|&count| count as u64).collect(),
    };
    state.iter().map(|(key, value)| (key.to_owned(), of(value))).collect()
}

/// The floats under `key`.
pub(crate) fn floats<'a>(network: &'a Network, key: &str) -> &'a [f32] {
    network.state_dict().floats(key).expect("the key").data()
}

/// What an observer saw of one step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) epoch: usize,
    pub(crate) step: u64,
    pub(crate) steps_per_epoch: usize,
    pub(crate) rows: Vec<usize>,
    pub(crate) loss: f32,
    pub(crate) lr: f64,
    pub(crate) gradients: Vec<f32>,
    pub(crate) parameters: Vec<f32>,
}

/// Keeps everything, and stops where it is told to.
#[derive(Default)]
pub(crate) struct Watcher {
    pub(crate) steps: Vec<Seen>,
    pub(crate) epochs: Vec<EpochRecord>,
    pub(crate) stop_at_step: Option<u64>,
    pub(crate) stop_at_epoch: Option<usize>,
}

impl Observer for Watcher {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.steps.push(Seen {
            epoch: event.epoch,
            step: event.step,
            steps_per_epoch: event.steps_per_epoch,
            rows: event.rows.to_vec(),
            loss: event.loss,
            lr: event.lr,
            gradients: event.gradients.to_vec(),
            parameters: event.block.parameters().to_vec(),
        });
        if self.stop_at_step == Some(event.step) { Control::Stop } else { Control::Continue }
    }

    fn epoch(&mut self, record: &EpochRecord) -> Control {
        self.epochs.push(record.clone());
        if self.stop_at_epoch == Some(record.epoch) { Control::Stop } else { Control::Continue }
    }
}
