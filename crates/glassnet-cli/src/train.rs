//! `glassnet train`.

mod finish;
mod report;
mod settings;

use std::path::Path;
use std::time::Instant;

use glassnet::nn::{Module, Network};
use glassnet::report::Format;
use glassnet::train::{Record, Session, Stopped};
use glassnet::{Error, Result};
use glassnet_data::{
    CsvOptions, EncodeOptions, Encoded, FitOptions, Preprocessing, SplitOptions, Table, Target,
    Task, split,
};
use glassnet_formats::{CheckpointContext, read_checkpoint, write_checkpoint};

use crate::args::{self, TaskChoice};
use crate::interrupt::Interrupt;
use crate::measured;
use crate::memory;
use crate::output::{self, Output, Replace};
use crate::progress::Progress;
use crate::reading;
use crate::terminal::Terminal;

/// The encoded rows and how they came about.
struct Rows {
    fingerprint: u64,
    preprocessing: Preprocessing,
    training: Encoded,
    /// The line of each training row in its file, by which messages name it.
    training_lines: Vec<u64>,
    validation: Option<Encoded>,
    test: Option<Encoded>,
}

/// What is written, checked before the work begins.
struct Outputs {
    model: Output,
    history: Option<Output>,
    checkpoint: Option<Output>,
    report: Option<(Output, Format)>,
}

pub(crate) fn run(
    args: &args::Train,
    threads: args::Threads,
    terminal: &mut Terminal,
) -> Result<u8> {
    settings::check(args)?;
    let outputs = prepare_outputs(args)?;
    let interrupt = Interrupt::watch()?;
    let rows = read(args, terminal)?;
    let module = settings::network(args, &rows.preprocessing)?;
    let training = measured::dataset(&rows.training)?.with_lines(rows.training_lines.clone())?;
    let validation = rows.validation.as_ref().map(measured::dataset).transpose()?;
    let config = glassnet::train::Config {
        engine: threads.engine()?,
        ..settings::config(args, &rows.preprocessing, &training)?
    };
    let summary =
        module.summary(Some(glassnet::graph::Shape::batch([rows.preprocessing.width()])))?;
    let rows_per_step = args.batch_size.min(training.rows());
    memory::check(&summary, rows_per_step, training.rows() * rows.preprocessing.width())?;
    let network = Network::new(module.clone(), args.seed)?;
    let context = context(args, &rows, &module);
    let mut session = match &args.resume {
        None => Session::new(network, &training, validation.as_ref(), &config)?,
        Some(path) => {
            let (checkpoint, then) = read_checkpoint(&output::read(path)?, &reading::label(path))?;
            then.refuse_other(&context, &reading::label(path))?;
            terminal.note(&format!("going on after epoch {}", checkpoint.epoch));
            Session::resume(network, &training, validation.as_ref(), &config, checkpoint)?
        }
    };
    let started = Instant::now();
    let before = session.history().len();
    let mut progress = Progress::new(terminal, &interrupt, config.epochs, training.rows());
    while session.epoch(&mut progress)?.is_some() {
        if let Some(output) = &outputs.checkpoint {
            let state = write_checkpoint(&session.checkpoint(), &context)?;
            interrupt.shielded(|| output.write(&state))?;
        }
    }
    let record = session.finish()?;
    progress.finish();
    let seconds = started.elapsed().as_secs_f64();
    let done = record.history.len() - before;
    let outcome = finish::Outcome {
        args,
        rows: &rows,
        config: &config,
        context: &context,
        record: &record,
        seconds,
        samples_per_second: (done * training.rows()) as f64 / seconds.max(1e-9),
        interrupted: interrupt.status().is_some() && record.stopped == Stopped::Interrupted,
    };
    interrupt.shielded(|| finish::conclude(&outcome, &outputs, terminal))?;
    Ok(status(&record, &interrupt))
}

fn status(record: &Record, interrupt: &Interrupt) -> u8 {
    match (record.stopped, interrupt.status()) {
        (Stopped::Interrupted, Some(status)) => status,
        (Stopped::Finished | Stopped::Patience | Stopped::Interrupted, _) => 0,
    }
}

fn prepare_outputs(args: &args::Train) -> Result<Outputs> {
    let validation = settings::validation_file(args)?;
    let inputs = [
        Some(args.data.as_path()),
        args.test.as_deref(),
        validation.as_deref(),
        args.resume.as_deref(),
    ];
    let mut taken: Vec<&Path> = inputs.into_iter().flatten().collect();
    let replace = if args.force { Replace::Always } else { Replace::Never };
    let model = match &args.output {
        Some(path) => Output::prepare(path, "--output", replace, &taken)?,
        None => {
            let ours = if args.force { Replace::Always } else { Replace::If(finish::is_ours) };
            Output::prepare(Path::new("model.safetensors"), "the default output", ours, &taken)?
        }
    };
    taken.push(model.path());
    let history = match &args.history {
        Some(path) => Some(Output::prepare(path, "--history", replace, &taken)?),
        None => None,
    };
    taken.extend(history.as_ref().map(Output::path));
    let checkpoint = match &args.checkpoint {
        // A run that goes on may go on writing its checkpoint to the file that it came from.
        Some(path) if args.resume.as_ref() == Some(path) => {
            taken.retain(|other| other != path);
            Some(Output::prepare(path, "--checkpoint", Replace::Always, &taken)?)
        }
        Some(path) => Some(Output::prepare(path, "--checkpoint", replace, &taken)?),
        None => None,
    };
    taken.extend(checkpoint.as_ref().map(Output::path));
    let report = match &args.report {
        Some(path) => {
            let format = report::format(path)?;
            Some((Output::prepare(path, "--report", replace, &taken)?, format))
        }
        None => None,
    };
    Ok(Outputs { history, checkpoint, report, model })
}

fn read(args: &args::Train, terminal: &Terminal) -> Result<Rows> {
    let mut base = reading::options(&args.reading)?;
    base.drop = args.drop.iter().cloned().collect();
    if !args.features.is_empty() {
        let others = [Some(&args.target), args.split_by.as_ref(), args.weight.as_ref()];
        base.keep =
            Some(args.features.iter().chain(others.into_iter().flatten()).cloned().collect());
    }
    let table = reading::table(&args.data, &base, terminal)?;
    if let Some(unknown) = args.features.iter().find(|name| table.column(name).is_none()) {
        let known = args.data.display();
        return Err(Error::data(format!("there is no column {unknown:?} in {known}"))
            .at("--features")
            .help("name columns that its header has"));
    }
    let task = match args.task {
        TaskChoice::Auto => Task::Auto,
        TaskChoice::Classification => Task::Classification,
        TaskChoice::Regression => Task::Regression,
    };
    let target = Target::choose(&table, &args.target, task)?;
    reading::notes(target.notes(), terminal);
    let (training_rows, validation_rows) = match settings::validation_part(args)? {
        Some(fraction) if fraction > 0.0 => {
            let options =
                SplitOptions { fraction, seed: args.seed, group_by: args.split_by.clone() };
            let parts = split(&table, &target, &options)?;
            reading::notes(&parts.notes, terminal);
            (parts.training, Some(parts.validation))
        }
        Some(_) | None => (target.rows().to_vec(), None),
    };
    let fit = FitOptions {
        exclude: args.split_by.iter().cloned().collect(),
        weights: args.weight.clone(),
        ..FitOptions::default()
    };
    let (preprocessing, notes) = Preprocessing::fit(&table, &target, &training_rows, &fit)?;
    reading::notes(&notes, terminal);
    let encode = |table: &Table, rows: &[usize], options: &EncodeOptions| -> Result<Encoded> {
        let encoded = preprocessing.encode(table, rows, options)?;
        reading::notes(&encoded.notes, terminal);
        Ok(encoded)
    };
    let training = encode(&table, &training_rows, &EncodeOptions::default())?;
    let mut fingerprint = table.fingerprint();
    let mut validation =
        validation_rows.map(|rows| encode(&table, &rows, &EncodeOptions::lenient())).transpose()?;
    if let Some(path) = settings::validation_file(args)? {
        let (encoded, found) = other_table(&path, &base, &preprocessing, terminal)?;
        validation = Some(encoded);
        // Which epoch is best hangs on these rows too.
        fingerprint ^= found.rotate_left(1);
    }
    let test = args
        .test
        .as_deref()
        .map(|path| other_table(path, &base, &preprocessing, terminal).map(|(encoded, _)| encoded))
        .transpose()?;
    let training_lines = training_rows.iter().map(|&row| table.line(row)).collect();
    Ok(Rows { training_lines, fingerprint, training, validation, test, preprocessing })
}

/// Another table with the same columns and targets, encoded as the training rows were, and its fingerprint.
fn other_table(
    path: &Path,
    base: &CsvOptions,
    preprocessing: &Preprocessing,
    terminal: &Terminal,
) -> Result<(Encoded, u64)> {
    let table = reading::table(path, &preprocessing.csv_options(base, true), terminal)?;
    let (rows, notes) = preprocessing.labelled_rows(&table)?;
    reading::notes(&notes, terminal);
    if rows.is_empty() {
        return Err(reading::no_target(path));
    }
    let encoded = preprocessing.encode(&table, &rows, &EncodeOptions::lenient())?;
    reading::notes(&encoded.notes, terminal);
    Ok((encoded, table.fingerprint()))
}

/// What the weights depend on besides the checkpoint.
fn context(args: &args::Train, rows: &Rows, module: &Module) -> CheckpointContext {
    CheckpointContext {
        settings: settings::described(args),
        data_fingerprint: format!("{:016x}", rows.fingerprint),
        network: module.notation(),
    }
}
