//! The work whose machine instructions `cargo xtask counts` has counted: training steps, predictions, kernels.
//!
//! Alone it only says what there is: a line per case, with how many units of work (steps, calls, numbers) are counted. Under
//! callgrind, which is told the name [`the_counted_work`], everything but these units stays out of the count: set-up, and the first
//! unit, which makes memory. Words on the command line choose the cases whose names contain one of them.
//!
//! One thread, on AVX2 even where there is more: callgrind knows no AVX-512.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a command, not the library")]

use std::hint::black_box;

use glassnet::engine::kernels::{Epilogue, Left, Operands, Product, Right, pack_right, product};
use glassnet::engine::{Block, Config as Engine, Draw, Level, Plan};
use glassnet::graph::op::{Activation, ActivationGrad, CrossEntropy, Loss};
use glassnet::graph::{Builder, DType, NodeId, Op, Shape};
use glassnet::math::random::Stream;
use glassnet::nn::loss::Criterion;
use glassnet::nn::{self, Network};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{Config, Dataset, Features, Inference, Session, Shuffle, Target};
use glassnet::{Result, Tensor};

/// Does some work once.
type Work<'a> = &'a mut dyn FnMut() -> Result<()>;

/// Which cases are wanted, and on what they run.
struct Cases {
    wanted: Vec<String>,
    level: Level,
}

fn main() -> Result<()> {
    let plain_or_avx2 = Level::supported().filter(|level| level.name() != "avx512").last();
    let level = plain_or_avx2.unwrap_or(Level::PORTABLE);
    let cases = Cases { wanted: std::env::args().skip(1).collect(), level };
    println!("level\t{}", cases.level);
    train(&cases)?;
    predict(&cases)?;
    multiply(&cases)?;
    map(&cases)?;
    cross_entropy(&cases)
}

/// The instructions between this function's beginning and its end are the count.
#[inline(never)]
fn the_counted_work(times: usize, work: Work<'_>) -> Result<()> {
    for _ in 0..times {
        work()?;
    }
    // Something must follow the last call, or this function would end before it.
    black_box(Ok(()))
}

impl Cases {
    fn wants(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|word| name.contains(word.as_str()))
    }

    /// Says the case's name, its unit and how many of them `times` calls of `work` are, then does them.
    fn count(
        &self,
        name: &str,
        unit: &str,
        times: usize,
        units_each: usize,
        work: Work<'_>,
    ) -> Result<()> {
        work()?;
        println!("{name}\t{unit}\t{}", times * units_each);
        the_counted_work(times, work)
    }

    fn engine(&self) -> Engine {
        Engine { level: self.level, ..Engine::default() }
    }
}

/// A network's training: name, notation, optimiser, rows per batch, batches per epoch, epochs.
const TRAININGS: [(&str, &str, &str, usize, usize, usize); 4] = [
    ("train 2-2-2 batch 4", "2-2-2", "SGD(lr=0.1, momentum=0.9)", 4, 64, 40),
    ("train 6-32-32-32-4 batch 80", "6-32-32-32-4", "Adam(lr=0.001)", 80, 16, 4),
    ("train 6-32-32-32-4 batch 16", "6-32-32-32-4", "Adam(lr=0.001)", 16, 64, 4),
    ("train 784-128-64-10 batch 64", "784-128-64-10", "Adam(lr=0.001)", 64, 8, 1),
];

/// Steps of a session on rows that lie in memory, in their order.
fn train(cases: &Cases) -> Result<()> {
    for (name, notation, optimizer, batch, batches, epochs) in TRAININGS {
        if !cases.wants(name) {
            continue;
        }
        let network = Network::new(nn::parse(notation)?, 0)?;
        let widths = (network.module().input_shape(), network.module().output_shape());
        let width = |shape: Option<Shape>| shape.map_or(0, |shape| shape.at(1).iter().product());
        let rows = batch * batches;
        let (inputs, classes) = (width(widths.0), width(widths.1));
        let x = Tensor::new(vec![rows, inputs], numbers(rows * inputs))?;
        let data = Dataset::new(Features::Floats(x), Target::Classes(labels(rows, classes)))?;
        let config = Config {
            epochs: epochs + 1,
            batch_size: batch,
            shuffle: Shuffle::None,
            engine: cases.engine(),
            ..Config::new(Criterion::parse("cross_entropy")?, Optimizer::parse(optimizer)?)
        };
        let mut session = Session::new(network, &data, None, &config)?;
        let mut epoch = || session.epoch(&mut ()).map(|record| assert!(record.is_some()));
        cases.count(name, "step", epochs, batches, &mut epoch)?;
    }
    Ok(())
}

/// Notation, rows at once, calls.
const PREDICTIONS: [(&str, usize, usize); 5] = [
    ("6-32-32-32-4", 1, 200),
    ("784-128-64-10", 1, 20),
    ("784-512-512-10", 1, 4),
    ("6-32-32-32-4", 1024, 2),
    ("784-128-64-10", 256, 1),
];

fn predict(cases: &Cases) -> Result<()> {
    for (notation, rows, times) in PREDICTIONS {
        let samples = if rows == 1 { "1 sample".to_owned() } else { format!("{rows} samples") };
        let name = format!("predict {notation} {samples}");
        if !cases.wants(&name) {
            continue;
        }
        let network = Network::new(nn::parse(notation)?, 0)?;
        let input = network.module().input_shape().map_or(vec![], |shape| shape.at(1));
        let inference = Inference::new(&network, &input[1..], &cases.engine())?;
        let mut workspace = inference.workspace();
        let x = numbers(rows * input.iter().product::<usize>());
        let mut y = vec![0.0; rows * inference.output_shape().iter().product::<usize>()];
        let mut run = || inference.run(&mut workspace, &x, &mut y);
        cases.count(&name, "call", times, 1, &mut run)?;
    }
    Ok(())
}

/// Rows, terms, columns of products: one that fits registers, layers of cases 2 and 3, a single row.
const SIZES: [(usize, usize, usize); 5] =
    [(4, 2, 2), (16, 6, 32), (80, 32, 32), (64, 784, 128), (1, 784, 128)];

/// Every way in which the factors may lie: forward, from packed weights, towards the input, towards the weight, both
/// transposed.
const LAYOUTS: [(&str, Left, Right); 5] = [
    ("A·Bᵀ", Left::Plain, Right::Transposed),
    ("A·B packed", Left::Plain, Right::Panels),
    ("A·B", Left::Plain, Right::Plain),
    ("Aᵀ·B", Left::Transposed, Right::Plain),
    ("Aᵀ·Bᵀ", Left::Transposed, Right::Transposed),
];

fn multiply(cases: &Cases) -> Result<()> {
    for (m, k, n) in SIZES {
        for (layout, left, right) in LAYOUTS {
            let name = format!("product {m}×{k}×{n} {layout}");
            if !cases.wants(&name) {
                continue;
            }
            let mut shape = Product { a: left, ..Product::new(m, k, n, right) };
            let (a, mut b, bias) = (numbers(m * k), numbers(k * n), numbers(n));
            if right == Right::Panels {
                let plain = Product { b: Right::Transposed, ..shape };
                let mut panels = vec![0.0; plain.panels_len(cases.level)];
                pack_right(cases.level, &plain, &b, &mut panels);
                b = panels;
            }
            let mut operands = Operands::new(&a, &b);
            if left == Left::Plain && right != Right::Plain {
                shape = shape.with_epilogue(Epilogue::Relu);
                operands = operands.with_bias(&bias);
            }
            let mut c = vec![0.0; m * n];
            let mut scratch = vec![0.0; shape.scratch_len(cases.level)];
            let mut call = || {
                product(cases.level, &shape, &operands, &mut c, &mut scratch);
                Ok(())
            };
            cases.count(&name, "call", (200_000 / (m * k * n)).clamp(1, 100), 1, &mut call)?;
        }
    }
    Ok(())
}

/// The elementary functions and what is made of them.
const FUNCTIONS: [Activation; 16] = [
    Activation::Relu,
    Activation::Exp,
    Activation::Expm1,
    Activation::Log,
    Activation::Log1p,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Softplus { beta: 1.0, threshold: 20.0 },
    Activation::LogSigmoid,
    Activation::Sin,
    Activation::Cos,
    Activation::Erf,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Silu,
    Activation::Mish,
];

/// Plans of one instruction, the function or its derivative, on numbers that take all of its pieces.
fn map(cases: &Cases) -> Result<()> {
    const LEN: usize = 8192;
    for activation in FUNCTIONS {
        for backward in [false, true] {
            let name = if backward { "derivative of" } else { "map" };
            let name = format!("{name} {}", activation.name());
            if !cases.wants(&name) {
                continue;
            }
            let mut builder = Builder::new();
            let x = builder.input("x", DType::F32, Shape::from([LEN]))?;
            let y = if backward {
                let above = builder.input("above", DType::F32, Shape::from([LEN]))?;
                builder.push(Op::ActivationGrad(ActivationGrad(activation)), vec![above, x])?
            } else {
                builder.activation(activation, x)?
            };
            run_plan(cases, (&name, "number", 1, LEN), builder, &[y])?;
        }
    }
    Ok(())
}

/// The loss with its derivative, as a training step has them.
fn cross_entropy(cases: &Cases) -> Result<()> {
    for (rows, classes, times) in [(4, 2, 200), (80, 4, 20), (64, 10, 20), (64, 1000, 1)] {
        let name = format!("cross-entropy {rows}×{classes}");
        if !cases.wants(&name) {
            continue;
        }
        let mut builder = Builder::new();
        let z = builder.input("x", DType::F32, Shape::from([rows, classes]))?;
        let target = builder.input("target", DType::I64, Shape::from([rows]))?;
        let loss = builder.loss(Loss::CrossEntropy(CrossEntropy::default()), &[z, target])?;
        let one = builder.constant(1.0)?;
        let gradient = Op::Loss(Loss::CrossEntropyGrad(CrossEntropy::default()));
        let gradient = builder.push(gradient, vec![one, z, target])?;
        run_plan(cases, (&name, "call", times, 1), builder, &[loss, gradient])?;
    }
    Ok(())
}

/// A plan of `results` on numbers in ±4 and classes; the tuple is the name, the unit, runs and units of each.
fn run_plan(
    cases: &Cases,
    (name, unit, times, units_each): (&str, &str, usize, usize),
    builder: Builder,
    results: &[NodeId],
) -> Result<()> {
    let graph = builder.finish_checked();
    let plan = Plan::compile(&graph, results, 1, &cases.engine())?;
    let (block, mut memory) = (Block::for_graph(&graph), plan.memory());
    for input in ["x", "above"] {
        if let Some(place) = plan.input(input) {
            let values = memory.floats_mut(place);
            values.copy_from_slice(&numbers(values.len()));
            values.iter_mut().for_each(|value| *value *= 4.0);
        }
    }
    if let Some(place) = plan.input("target") {
        let classes = memory.indices_mut(place);
        classes.copy_from_slice(&labels(classes.len(), 2));
    }
    let mut run = || plan.run(&block, &mut memory, Draw::default());
    cases.count(name, unit, times, units_each, &mut run)
}

/// Numbers in ±1, the same in every run.
fn numbers(len: usize) -> Vec<f32> {
    let mut values = vec![0.0; len];
    Stream::new(0, 0).fill_uniform(&mut values);
    values.iter_mut().for_each(|value| *value = *value * 2.0 - 1.0);
    values
}

/// Classes, the same in every run.
fn labels(rows: usize, classes: usize) -> Vec<i64> {
    let mut stream = Stream::new(0, 1);
    (0..rows).map(|_| stream.below(classes.max(1) as u64) as i64).collect()
}
