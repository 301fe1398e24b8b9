//! Settings for tests: the exercise's, and random ones.

use super::{Setting, SettingConfig};
use crate::math::random::Stream;
use crate::nn::loss::Criterion;
use crate::nn::{self, Network, StateDict};
use crate::tensor::{Tensor, Value};
use crate::train::{Dataset, Features, Target};

pub(super) struct Sample {
    pub(super) network: Network,
    pub(super) data: Dataset,
    pub(super) criterion: Criterion,
}

impl Sample {
    pub(super) fn setting(&self) -> Setting {
        Setting::new(&self.network, &self.data, &self.criterion).unwrap()
    }

    pub(super) fn with(&self, config: SettingConfig) -> Setting {
        Setting::with_config(&self.network, &self.data, &self.criterion, config).unwrap()
    }
}

/// A network with given arrays, and rows `[inputs…]` with targets.
pub(super) fn sample(
    notation: &str,
    arrays: &[(&str, &[usize], &[f32])],
    rows: &[&[f32]],
    target: Target,
    loss: &str,
) -> Sample {
    let module = nn::parse(notation).unwrap();
    let state: StateDict = arrays
        .iter()
        .map(|(key, shape, data)| {
            (*key, Value::from(Tensor::new(shape.to_vec(), data.to_vec()).unwrap()))
        })
        .collect();
    let mut network = Network::new(module, 0).unwrap();
    network.load_state_dict(&state, false).unwrap();
    let x = Tensor::from_rows(rows).unwrap();
    let data = Dataset::new(Features::Floats(x), target).unwrap();
    Sample { network, data, criterion: Criterion::parse(loss).unwrap() }
}

pub(super) fn values(rows: &[f32]) -> Target {
    Target::Values(Tensor::new([rows.len(), 1], rows.to_vec()).unwrap())
}

/// Task 2.3 of the exercise with the given weights.
pub(super) fn manual(w1: f32, w2: f32) -> Sample {
    sample(
        "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())",
        &[("0.weight", &[1, 1], &[w1]), ("2.weight", &[1, 1], &[w2])],
        &[&[1.0], &[2.0], &[10.0]],
        values(&[0.0, 0.3, 1.0]),
        "mse",
    )
}

/// Task 2.5 of the exercise: two units, four rows, cross-entropy.
pub(super) fn two_units() -> Sample {
    sample(
        "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))",
        &[
            ("0.weight", &[2, 2], &[3.21, 3.21, -2.34, -2.34]),
            ("0.bias", &[2], &[-3.21, 2.34]),
            ("2.weight", &[2, 2], &[3.19, 4.64, -2.68, -3.44]),
            ("2.bias", &[2], &[-4.08, 4.42]),
        ],
        &[&[0.0, 0.0], &[0.0, 1.0], &[1.0, 0.0], &[1.0, 1.0]],
        Target::Classes(vec![0, 1, 1, 0]),
        "cross_entropy",
    )
}

/// A network with weights in tenths, and `rows` random rows in tenths, with targets for `loss`.
pub(super) fn random(notation: &str, rows: usize, loss: &str, seed: u64) -> Sample {
    let module = nn::parse(notation).unwrap();
    let mut network = Network::new(module, seed).unwrap();
    let mut stream = Stream::at(seed, 77, 0);
    let mut tenth = move || ((stream.uniform_f32() * 40.0).floor() - 20.0) / 10.0;
    let mut state = StateDict::new();
    for (key, value) in network.state_dict().iter() {
        let value: Value = match value {
            Value::F32(tensor) if key.contains("running_var") => {
                tensor.map(|_| 0.5 + tenth().abs()).into()
            }
            Value::F32(tensor) => tensor.map(|_| tenth()).into(),
            Value::I64(tensor) => tensor.clone().into(),
        };
        state.insert(key, value);
    }
    network.load_state_dict(&state, true).unwrap();
    let summary = network.summary(None).unwrap();
    let inputs = match network.module().state_shapes().first() {
        Some(first) => first.shape[first.shape.len() - 1],
        None => 1,
    };
    let outputs = summary
        .rows
        .iter()
        .rev()
        .find_map(|row| row.output.as_ref().and_then(|shape| shape.last()))
        .map_or(1, |last| *last);
    let x = Tensor::new([rows, inputs], (0..rows * inputs).map(|_| tenth()).collect()).unwrap();
    let target = if loss == "cross_entropy" {
        Target::Classes((0..rows).map(|row| (row % outputs) as i64).collect())
    } else {
        let data = (0..rows * outputs).map(|_| tenth()).collect();
        Target::Values(Tensor::new([rows, outputs], data).unwrap())
    };
    let data = Dataset::new(Features::Floats(x), target).unwrap();
    Sample { network, data, criterion: Criterion::parse(loss).unwrap() }
}
