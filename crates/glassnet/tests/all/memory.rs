//! What a run costs besides arithmetic: no allocation, and memory that is used again.

use glassnet::Tensor;
use glassnet::engine::{Block, Config, Draw, Plan, Pool};
use glassnet::grad::grad;
use glassnet::graph::op::{Activation, Reduction};
use glassnet::graph::{Builder, DType, Shape};
use glassnet::nn::loss::Criterion;
use glassnet::nn::{self, Network};
use glassnet::train::clip::Clip;
use glassnet::train::optimizer::Optimizer;
use glassnet::train::schedule::Schedule;
use glassnet::train::{
    Config as TrainConfig, Control, Dataset, EpochRecord, Features, Inference, Observer, Predictor,
    Session, StepEvent, Target,
};

use crate::counting::{allocated, allocations};
use crate::{cases, generate};

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| vec![0_u8; 100]), (1, 100));
    assert_eq!(allocations(|| 1 + 1), (0, 0));
}

#[test]
fn a_run_allocates_nothing() {
    let networks = (0..10).map(|seed| generate::network(seed).unwrap());
    for case in cases::all().unwrap().into_iter().chain(networks) {
        let gradient = grad(&case.graph, case.loss, &case.towards).unwrap();
        let plan =
            Plan::compile(&gradient.graph, &gradient.gradients, case.batch, &Config::default());
        let plan = plan.unwrap();
        let block = Block::for_graph(&gradient.graph);
        let mut memory = plan.memory();
        // Zeros are valid everywhere: as numbers, as classes, as rows of a table.
        let made = allocations(|| plan.run(&block, &mut memory, Draw::default()).unwrap());
        assert_eq!(made, (0, 0), "{}", case.name);
    }
}

/// Notes how many allocations happen from one step to the next.
#[derive(Default)]
struct BetweenSteps {
    before: Option<usize>,
    made: usize,
}

impl Observer for BetweenSteps {
    fn step(&mut self, _: &StepEvent<'_>) -> Control {
        let now = allocated();
        self.made += self.before.map_or(0, |before| now - before);
        self.before = Some(now);
        Control::Continue
    }

    fn epoch(&mut self, _: &EpochRecord) -> Control {
        self.before = None;
        Control::Continue
    }
}

fn table(rows: usize) -> Dataset {
    let features = Tensor::new([rows, 6], vec![0.5; rows * 6]).unwrap();
    Dataset::new(Features::Floats(features), Target::Classes(vec![1; rows])).unwrap()
}

#[test]
fn a_training_step_allocates_nothing() {
    let data = table(50);
    let network = "Sequential(Linear(6, 8), BatchNorm1d(8), GELU(), Dropout(p=0.2), Linear(8, 3))";
    for optimizer in ["adam", "SGD(lr=0.1, momentum=0.9)"] {
        let config = TrainConfig {
            epochs: 3,
            batch_size: 16,
            clip: Some(Clip::parse("clip_grad_norm_(max_norm=1.0)").unwrap()),
            schedule: Some(Schedule::parse("OneCycleLR(max_lr=0.1, total_steps=100)").unwrap()),
            l1: 1e-4,
            l2: 1e-4,
            ..TrainConfig::new(
                Criterion::parse("cross_entropy").unwrap(),
                Optimizer::parse(optimizer).unwrap(),
            )
        };
        let network = Network::new(nn::parse(network).unwrap(), 0).unwrap();
        let mut watch = BetweenSteps::default();
        let session = Session::new(network, &data, None, &config).unwrap();
        session.run(&mut watch).unwrap();
        assert_eq!(watch.made, 0, "{optimizer}");
    }
}

#[test]
fn predicting_again_allocates_nothing() {
    let data = table(5);
    let network = Network::new(nn::parse("6-8-3").unwrap(), 0).unwrap();
    let mut predictor = Predictor::new(&network, &[6], &Config::default()).unwrap();
    let mut outputs = [0.0; 6];
    predictor.predict_rows(data.features(), 0..2, &mut outputs).unwrap();
    let made = allocations(|| predictor.predict_rows(data.features(), 3..5, &mut outputs).unwrap());
    assert_eq!(made, (0, 0));
    let all = predictor.predict(data.features()).unwrap();
    assert_eq!(outputs, all.data()[9..]);
    assert!(predictor.predict_rows(data.features(), 4..6, &mut outputs).is_err());
    assert!(predictor.predict_rows(data.features(), 0..1, &mut outputs).is_err());
}

#[test]
fn inference_allocates_nothing_after_the_first_call() {
    let network = Network::new(nn::parse("6-64-64-3").unwrap(), 0).unwrap();
    for threads in [1, 2] {
        let pool = Some(Pool::new(threads).unwrap());
        let inference = Inference::new(&network, &[6], &Config { pool, ..Config::default() });
        let inference = inference.unwrap();
        let mut workspace = inference.workspace();
        let (x, mut y) = (vec![0.5; 6 * 1000], vec![0.0; 3 * 1000]);
        for rows in [1, 7, 64, 1000] {
            let (x, y) = (&x[..6 * rows], &mut y[..3 * rows]);
            inference.run(&mut workspace, x, y).unwrap();
            let made = allocations(|| inference.run(&mut workspace, x, y).unwrap());
            assert_eq!(made, (0, 0), "{rows} rows, {threads} threads");
        }
    }
}

#[test]
fn memory_is_used_again() {
    const DEPTH: usize = 60;
    let mut builder = Builder::new();
    let mut z = builder.input("x", DType::F32, Shape::batch([32])).unwrap();
    for layer in 0..DEPTH {
        let weight = builder.parameter(&format!("{layer}.weight"), Shape::from([32, 32])).unwrap();
        z = builder.affine(z, weight, None).unwrap();
        z = builder.activation(Activation::Tanh, z).unwrap();
        let mean = builder.reduce_all(Reduction::Mean, z).unwrap();
        z = builder.sub(z, mean).unwrap();
    }
    let graph = builder.finish_checked();
    let one_value = 80 * 32 * size_of::<f32>();
    for fuse in [true, false] {
        let config = Config { fuse, ..Config::default() };
        let plan = Plan::compile(&graph, &[z], 80, &config).unwrap();
        let (_, bytes) = allocations(|| plan.memory());
        // The input, the result, and two or three values that live together.
        assert!(bytes < 7 * one_value, "{} values of {}", bytes / one_value, 3 * DEPTH);
    }
    let observe = graph.graph().ids().collect();
    let plan = Plan::compile(&graph, &[z], 80, &Config { observe, ..Config::default() }).unwrap();
    let (_, bytes) = allocations(|| plan.memory());
    assert!(bytes > 3 * DEPTH * one_value, "observed values have places of their own");
}
