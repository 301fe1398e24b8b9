//! `glassnet bench`: how fast a network trains and predicts here.
//!
//! A training step is a step of [`Session`], as `train` does it: rows of resident data in order, forward, loss,
//! gradient, optimiser. It is watched, not imitated: an observer reads the clock.

mod case;
mod ensemble;
mod sampler;

use glassnet::engine::Pool;
use glassnet::train::{
    Config, Control, EpochRecord, Features, Inference, Observer, Session, Shuffle, StepEvent,
};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use crate::args::{self, BenchLoss};
use crate::interrupt::{Interrupt, STRIDE};
use crate::table::Table;
use crate::terminal::Terminal;
use case::Case;
use sampler::{Sampler, Times};

/// After so many steps the training begins anew: random targets are never learnt, and a network that was trained on them
/// for long is no typical one.
const STEPS_PER_SESSION: usize = 1024;

/// The longest time that `--seconds` allows.
const LONGEST: f64 = 3600.0;

/// What was found.
struct Report {
    train_step: Option<Times>,
    forward: Times,
    /// Arithmetic per second at the fastest step (or forward pass), in 10⁹ operations.
    gflops: f64,
    /// How many threads took part.
    threads: usize,
}

pub(crate) fn run(
    args: &args::Bench,
    threads: args::Threads,
    terminal: &mut Terminal,
) -> Result<u8> {
    check(args)?;
    let engine = threads.engine()?;
    let pool = engine.pool.clone().map_or_else(|| Pool::new(1), Ok)?;
    let case = Case::new(args, &engine, terminal)?;
    let interrupt = Interrupt::watch()?;
    // Half of the time each where both are measured.
    let share = if case.config.is_some() { 0.5 } else { 1.0 };
    let train_step = match &case.config {
        Some(config) => {
            let seconds = args.seconds * share;
            Some(match args.ensemble {
                None => train(&case, config, seconds, &interrupt)?,
                Some(count) => {
                    let times = ensemble::train(&case, config, count, seconds, &pool, &interrupt)?;
                    (times, pool.threads().min(count))
                }
            })
        }
        None => None,
    };
    let row = &case.data.features().shape()[1..];
    let inference = Inference::new(&case.network, row, &engine)?;
    let forward = predict(&case, &inference, args.seconds * share, &interrupt)?;
    if let Some(status) = interrupt.status() {
        return Ok(status);
    }
    let (train_step, threads) = match train_step {
        Some((times, threads)) => (Some(times), threads),
        None => (None, inference.threads(case.batch)),
    };
    let (operations, fastest) = match &train_step {
        Some(times) => (case.operations_of_a_step(), times.min),
        None => (case.operations_forward(), forward.min),
    };
    let report = Report { gflops: operations / (fastest * 1e3), train_step, forward, threads };
    if terminal.json() {
        terminal.document(&document(args, &case, &report))?;
    } else {
        terminal.text(&text(args, &case, &report))?;
    }
    Ok(0)
}

fn check(args: &args::Bench) -> Result<()> {
    if args.batch_size == 0 {
        return Err(Error::usage("the batch size is 0").at("--batch-size").help("give at least 1"));
    }
    if !(args.seconds.is_finite() && args.seconds > 0.0 && args.seconds <= LONGEST) {
        return Err(Error::usage(format!("{} seconds cannot be measured", args.seconds))
            .at("--seconds")
            .help(format!("give a number above 0, at most {LONGEST}")));
    }
    match args.ensemble {
        Some(0) => Err(Error::usage("an ensemble of 0 networks has no step")
            .at("--ensemble")
            .help("give at least 1")),
        Some(_) if args.optimizer == "none" => {
            Err(Error::usage("only the training of an ensemble is measured")
                .at("--ensemble")
                .help("leave it out, or choose another --optimizer"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads the clock after training steps.
struct Watch<'a> {
    sampler: Sampler,
    batch: usize,
    interrupt: &'a Interrupt,
}

impl Observer for Watch<'_> {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.sampler.tick(event.rows.len() / self.batch);
        self.go_on()
    }

    fn stride(&self) -> usize {
        STRIDE
    }

    fn epoch(&mut self, _: &EpochRecord) -> Control {
        self.go_on()
    }
}

impl Watch<'_> {
    fn go_on(&self) -> Control {
        if self.sampler.is_over() || self.interrupt.status().is_some() {
            Control::Stop
        } else {
            Control::Continue
        }
    }
}

/// The times of a step, and how many threads it took.
fn train(
    case: &Case,
    config: &Config,
    seconds: f64,
    interrupt: &Interrupt,
) -> Result<(Times, usize)> {
    let config = Config {
        epochs: STEPS_PER_SESSION.div_ceil(case.batches),
        batch_size: case.batch,
        shuffle: Shuffle::None,
        ..config.clone()
    };
    let mut watch = Watch { sampler: Sampler::new(seconds), batch: case.batch, interrupt };
    let mut threads = 1;
    while !watch.sampler.is_over() && interrupt.status().is_none() {
        let mut session = Session::new(case.network.clone(), &case.data, None, &config)?;
        threads = session.threads();
        watch.sampler.restart();
        while session.epoch(&mut watch)?.is_some() {}
    }
    Ok((watch.sampler.times().ok_or_else(interrupted)?, threads))
}

fn predict(
    case: &Case,
    inference: &Inference,
    seconds: f64,
    interrupt: &Interrupt,
) -> Result<Times> {
    let features = case.data.features();
    let batch_of = |len: usize| case.batch * len / features.rows();
    let mut workspace = inference.workspace();
    let width: usize = inference.output_shape().iter().product();
    let mut outputs = vec![0.0; case.batch * width];
    let mut sampler = Sampler::new(seconds);
    let mut batch = 0;
    while !sampler.is_over() && interrupt.status().is_none() {
        match features {
            Features::Floats(x) => {
                let len = batch_of(x.len());
                let x = &x.data()[batch * len..(batch + 1) * len];
                inference.run(&mut workspace, x, &mut outputs)?;
            }
            Features::Indices(x) => {
                let len = batch_of(x.len());
                let x = &x.data()[batch * len..(batch + 1) * len];
                inference.run_indices(&mut workspace, x, &mut outputs)?;
            }
        }
        sampler.tick(1);
        batch = (batch + 1) % case.batches;
    }
    sampler.times().ok_or_else(interrupted)
}

fn interrupted() -> Error {
    Error::new(glassnet::ErrorKind::Interrupted, "interrupted before anything was measured")
}

fn loss_name(loss: BenchLoss) -> &'static str {
    match loss {
        BenchLoss::CrossEntropy => "cross_entropy",
        BenchLoss::Mse => "mse",
    }
}

fn document(args: &args::Bench, case: &Case, report: &Report) -> Value {
    let times = |times: &Times| json!({ "min": times.min, "median": times.median });
    json!({
        "schema": "glassnet.bench/1",
        "network": case.network.module().notation(),
        "batch_size": case.batch,
        "optimizer": args.optimizer,
        "loss": loss_name(args.loss),
        "ensemble": args.ensemble,
        "threads": report.threads,
        "train_step_us": report.train_step.as_ref().map(times),
        "forward_us": times(&report.forward),
        "gflops": report.gflops,
    })
}

fn text(args: &args::Bench, case: &Case, report: &Report) -> String {
    let mut table = Table::new(&["", "min µs", "median µs", "rows/s"]);
    let mut row = |name: &str, times: &Times| {
        let rate = case.batch as f64 / (times.min * 1e-6);
        table.row(vec![
            name.to_owned(),
            format!("{:.3}", times.min),
            format!("{:.3}", times.median),
            format!("{rate:.0}"),
        ]);
    };
    if let Some(times) = &report.train_step {
        row(if args.ensemble.is_some() { "step of one network" } else { "training step" }, times);
    }
    row("forward", &report.forward);
    let training = match &case.config {
        Some(config) => format!(", {}, {}", config.optimizer, loss_name(args.loss)),
        None => String::new(),
    };
    let threads = match report.threads {
        1 => "1 thread".to_owned(),
        threads => format!("{threads} threads"),
    };
    format!(
        "{}\nbatch of {}{training}, {}{threads}, {} kernels\n\n{}\n{:.1} GFLOP/s\n",
        case.network.module(),
        case.batch,
        args.ensemble.map_or(String::new(), |count| format!("{count} networks at once, ")),
        glassnet::engine::Level::detect(),
        table.render(&[1, 2, 3]),
        report.gflops
    )
}
