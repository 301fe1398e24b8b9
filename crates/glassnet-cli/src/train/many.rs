//! `glassnet train` with many networks: `--ensemble`, `--folds`, both, and several rates of `--lr`.
//!
//! All are trained at once: the networks of every fold, and those of the model that is saved. A fold is measured on rows
//! that nothing of it has seen: neither its weights, nor its preprocessing, nor the choice of its epoch.

mod files;
mod tell;

use std::time::Instant;

use glassnet::engine::{self, Pool};
use glassnet::nn::{Module, Network};
use glassnet::train::{Config, Ensemble, Member, Record, Stopped};
use glassnet::{Error, Result};
use glassnet_data::{FoldOptions, folds};
use glassnet_formats::CheckpointContext;

use super::finish::{self, Results};
use super::rows::{Rows, Source};
use super::{Outputs, context, settings};
use crate::args;
use crate::interrupt::Interrupt;
use crate::memory;
use crate::progress::Many;
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// Rows of one training, and what is trained on them.
struct Part {
    rows: Rows,
    module: Module,
    config: Config,
}

impl Part {
    fn new(args: &args::Train, rows: Rows) -> Result<Self> {
        let module = settings::network(args, &rows.preprocessing)?;
        let config = settings::config(args, &rows.preprocessing, &rows.class_sizes)?;
        Ok(Part { rows, module, config })
    }

    /// The training of one network.
    fn member(&self, variant: Variant) -> Result<Member<'_>> {
        let network = Network::new(self.module.clone(), variant.seed)?;
        let mut config = Config { seed: variant.seed, ..self.config.clone() };
        if let Some(lr) = variant.lr {
            config.optimizer = config.optimizer.with_lr(lr);
        }
        let validation = self.rows.validation.as_ref();
        Ok(Member { network, config, training: &self.rows.training, rows: None, validation })
    }
}

/// What differs between the networks of a part.
#[derive(Clone, Copy)]
struct Variant {
    seed: u64,
    /// One of several learning rates.
    lr: Option<f64>,
}

impl Variant {
    fn all(args: &args::Train) -> Vec<Self> {
        if args.lr.len() > 1 {
            return args.lr.iter().map(|&lr| Variant { seed: args.seed, lr: Some(lr) }).collect();
        }
        let count = args.ensemble.unwrap_or(1) as u64;
        (0..count).map(|number| Variant { seed: args.seed + number, lr: None }).collect()
    }
}

/// One network's training, over.
struct Trained {
    variant: Variant,
    record: Result<Record>,
    /// The network by itself, where it is one of several.
    alone: Option<Results>,
}

/// What became of a part: its networks, and how good they are together.
struct Outcome {
    part: Part,
    networks: Vec<Trained>,
    results: Results,
}

impl Outcome {
    /// Measures the networks that were trained on `part`.
    fn measure(
        part: Part,
        records: Vec<(Variant, Result<Record>)>,
        engine: &engine::Config,
    ) -> Result<Self> {
        let criterion = &part.config.criterion;
        let good: Vec<&Network> =
            records.iter().filter_map(|(_, record)| Some(&record.as_ref().ok()?.network)).collect();
        if good.is_empty() {
            let failed = records.into_iter().find_map(|(_, record)| record.err());
            return Err(failed.unwrap_or_else(|| Error::data("no network was trained")));
        }
        let results = finish::measure(&good, &part.rows, criterion, engine)?;
        let several = records.len() > 1;
        let mut networks = vec![];
        for (variant, record) in records {
            let alone = match &record {
                Ok(record) if several => {
                    Some(finish::measure(&[&record.network], &part.rows, criterion, engine)?)
                }
                Ok(_) | Err(_) => None,
            };
            networks.push(Trained { variant, record, alone });
        }
        Ok(Outcome { part, networks, results })
    }

    /// The network with the lowest validation loss as the only one, and what became of all.
    fn best(self, engine: &engine::Config) -> Result<(Outcome, Vec<Trained>)> {
        let loss = |network: &Trained| {
            let validation = network.alone.as_ref()?.validation.as_ref()?;
            validation.metrics.loss
        };
        let losses = self.networks.iter().map(|network| loss(network).unwrap_or(f64::INFINITY));
        let (best, _) = losses
            .enumerate()
            .fold((0, f64::INFINITY), |best, found| if found.1 < best.1 { found } else { best });
        let network = &self.networks[best];
        let record = match &network.record {
            Ok(record) => record.clone(),
            Err(_) => return Err(Error::data("no network has a validation loss")),
        };
        let records = vec![(network.variant, Ok(record))];
        Ok((Outcome::measure(self.part, records, engine)?, self.networks))
    }

    /// The records of the networks whose training did not fail.
    fn records(&self) -> impl Iterator<Item = &Record> {
        self.networks.iter().filter_map(|network| network.record.as_ref().ok())
    }
}

/// All that there is to tell.
struct Run<'a> {
    args: &'a args::Train,
    context: &'a CheckpointContext,
    /// Per fold what became of it.
    folds: Vec<Result<Outcome>>,
    /// The model that is saved.
    whole: Outcome,
    /// Where several learning rates were tried, what became of each.
    rates: Vec<Trained>,
    seconds: f64,
    samples_per_second: f64,
    interrupted: bool,
}

pub(super) fn run(
    args: &args::Train,
    source: &Source<'_>,
    outputs: &Outputs,
    interrupt: &Interrupt,
    threads: args::Threads,
    terminal: &mut Terminal,
) -> Result<u8> {
    let engine = threads.engine()?;
    let pool = engine.pool.clone().map_or_else(|| Pool::new(1), Ok)?;
    let parts = parts(args, source, terminal)?;
    let variants = Variant::all(args);
    let mut members = vec![];
    for part in &parts {
        for &variant in &variants {
            members.push(part.member(variant)?);
        }
    }
    let ensemble = Ensemble::new(&members)?;
    let epochs = parts.first().map_or(0, |part| part.config.epochs);
    let progress = Many::new(terminal, interrupt, members.len(), epochs);
    let started = Instant::now();
    let records = ensemble.run(&pool, &progress);
    let seconds = started.elapsed().as_secs_f64();
    progress.finish();
    let rows_seen: usize = records
        .iter()
        .zip(&members)
        .filter_map(|(record, member)| {
            Some(record.as_ref().ok()?.history.len() * member.training.rows())
        })
        .sum();
    drop(members);
    let stopped = |record: &Result<Record>| {
        record.as_ref().is_ok_and(|record| record.stopped == Stopped::Interrupted)
    };
    let interrupted = interrupt.status().is_some() && records.iter().any(stopped);
    let mut records = records.into_iter();
    let mut outcomes: Vec<Result<Outcome>> = parts
        .into_iter()
        .map(|part| {
            let own = variants.iter().copied().zip(records.by_ref()).collect();
            Outcome::measure(part, own, &engine)
        })
        .collect();
    let whole = outcomes.pop().unwrap_or_else(|| Err(Error::data("nothing was trained")))?;
    let (whole, rates) = if args.lr.len() > 1 { whole.best(&engine)? } else { (whole, vec![]) };
    // What was chosen is what the same command with this rate alone gives.
    let lr = whole.networks.iter().find_map(|network| network.variant.lr);
    let chosen = args::Train { lr: lr.map_or(args.lr.clone(), |lr| vec![lr]), ..args.clone() };
    let context = context(&chosen, &whole.part.rows, &whole.part.module);
    let run = Run {
        args,
        context: &context,
        folds: outcomes,
        whole,
        rates,
        seconds,
        samples_per_second: rows_seen as f64 / seconds.max(1e-9),
        interrupted,
    };
    tell::failures(&run, terminal);
    interrupt.shielded(|| conclude(&run, outputs, terminal))?;
    Ok(if interrupted { interrupt.status().unwrap_or(0) } else { 0 })
}

/// The folds, and behind them all rows together: what the saved model is trained on.
fn parts(args: &args::Train, source: &Source<'_>, terminal: &Terminal) -> Result<Vec<Part>> {
    let fold_rows = match args.folds {
        None => vec![],
        Some(count) => {
            let options = FoldOptions { count, seed: args.seed, group_by: args.split_by.clone() };
            let found = folds(&source.table, &source.target, &options)
                .map_err(|error| at_flag(error, "--folds"))?;
            crate::reading::notes(&found.notes, terminal);
            found.rows
        }
    };
    let whole = Part::new(args, source.rows(terminal)?)?;
    let width = whole.rows.preprocessing.width();
    let summary = whole.module.summary(Some(glassnet::graph::Shape::batch([width])))?;
    let numbers = source.target.rows().len().saturating_mul(width);
    memory::check_many(
        &summary,
        (fold_rows.len() + 1).saturating_mul(Variant::all(args).len()),
        args.batch_size.min(whole.rows.training.rows()),
        numbers.saturating_mul(fold_rows.len() + 1),
    )?;
    // What is to be noticed of the columns was told of all rows.
    let silent = Terminal::silent();
    let mut parts = vec![];
    for (number, measured) in fold_rows.iter().enumerate() {
        let part = source.rows_without(measured, &silent).and_then(|rows| Part::new(args, rows));
        parts.push(part.map_err(|error| in_fold(error, number, args))?);
    }
    parts.push(whole);
    Ok(parts)
}

/// Says which fold an error is about, and what may help there.
fn in_fold(error: Error, number: usize, args: &args::Train) -> Error {
    let without = format!("in fold {}, without the rows that it measures", number + 1);
    let error = error.detail(without);
    if args.split_by.is_some()
        && settings::validation_part(args).is_ok_and(|part| part != Some(0.0))
    {
        return error.detail("fewer folds leave more groups, and --validation 0 needs none");
    }
    error
}

fn conclude(run: &Run<'_>, outputs: &Outputs, terminal: &mut Terminal) -> Result<()> {
    let file = files::model(run)?.write()?;
    outputs.model.write(&file)?;
    if let Some(history) = &outputs.history {
        history.write(files::history(run).as_bytes())?;
    }
    let path = outputs.model.path().display().to_string();
    if terminal.json() {
        return terminal.document(&tell::document(run, &path));
    }
    terminal.text(&tell::text(run, &path, file.len()))
}
