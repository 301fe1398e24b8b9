//! `glassnet train`.

mod finish;
mod long;
mod many;
mod report;
mod rows;
mod settings;

use std::path::{Path, PathBuf};
use std::time::Instant;

use glassnet::nn::{Module, Network};
use glassnet::report::Format;
use glassnet::train::{Record, Session, Stopped};
use glassnet::{Error, Result};
use glassnet_formats::{
    CheckpointContext, Format as ModelFormat, read_checkpoint, write_checkpoint,
};

use crate::args;
use crate::interrupt::Interrupt;
use crate::memory;
use crate::output::{self, Output, Replace};
use crate::progress::Progress;
use crate::reading;
use crate::terminal::Terminal;
use long::Streamed;
use rows::{Given, Rows};

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
    let given = Given::read(args, threads.count(), terminal)?;
    let many = args.ensemble.is_some() || args.folds.is_some() || args.lr.len() > 1;
    let mut rows = match given {
        Given::Whole(source) if many => {
            return many::run(args, &source, &outputs, &interrupt, threads, terminal);
        }
        given => given.into_rows(terminal)?, // not operations: where the table lies
    };
    let module = settings::network(args, &rows.preprocessing)?;
    let streamed = rows.streamed.take();
    let (training, validation) = (&rows.training, rows.validation.as_ref());
    let config = glassnet::train::Config {
        engine: threads.engine()?,
        ..settings::config(args, &rows.preprocessing, &rows.class_sizes)?
    };
    let summary =
        module.summary(Some(glassnet::graph::Shape::batch([rows.preprocessing.width()])))?;
    let rows_per_step = args.batch_size.min(rows.trained);
    let at_once = streamed.as_ref().map_or(rows.trained, Streamed::rows_at_once);
    memory::check(&summary, rows_per_step, at_once.saturating_mul(rows.preprocessing.width()))?;
    let network = Network::new(module.clone(), args.seed)?;
    let context = context(args, &rows, &module);
    let session = match streamed {
        None => Session::new(network, training, validation, &config)?,
        Some(streamed) => streamed.session(network, validation, &config)?,
    };
    let mut session = match &args.resume {
        None => session,
        Some(path) => {
            let (checkpoint, then) = read_checkpoint(&output::read(path)?, &reading::label(path))?;
            then.refuse_other(&context, &reading::label(path))?;
            terminal.note(&format!("going on after epoch {}", checkpoint.epoch));
            session.going_on(checkpoint)?
        }
    };
    let started = Instant::now();
    let before = session.history().len();
    let mut progress = Progress::new(terminal, &interrupt, config.epochs, rows.trained);
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
        samples_per_second: (done * rows.trained) as f64 / seconds.max(1e-9),
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
    let labels = args.labels.iter().chain(&args.test_labels).chain(&args.validation_labels);
    let tables = args.data.iter().chain(labels).cloned();
    let tables = tables.chain(args.test.clone()).chain(settings::validation_file(args)?);
    // Each by itself: what is stdin among them is no file.
    let tables: Vec<Vec<PathBuf>> =
        tables.map(|path| reading::files(&[path])).collect::<Result<_>>()?;
    let mut taken: Vec<&Path> = tables.iter().flatten().map(PathBuf::as_path).collect();
    taken.extend(args.resume.as_deref());
    let replace = if args.force { Replace::Always } else { Replace::Never };
    let model = match &args.output {
        Some(path) => {
            of_safetensors(path)?;
            Output::prepare(path, "--output", replace, &taken)?
        }
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

/// Refuses a name that promises a model file of another format.
fn of_safetensors(path: &Path) -> Result<()> {
    let name = path.display().to_string();
    let (what, help) = match ModelFormat::of_name(&name) {
        None | Some(ModelFormat::Safetensors) => return Ok(()),
        Some(format @ (ModelFormat::Onnx | ModelFormat::Npz | ModelFormat::Npy)) => (
            format!("a training writes safetensors, the name says {}", format.name()),
            format!("write model.safetensors, then: glassnet convert model.safetensors {name}"),
        ),
        Some(format) => (
            format!("a training writes safetensors, the name says {}", format.name()),
            "write .safetensors, which PyTorch opens with safetensors.torch.load_file".to_owned(),
        ),
    };
    Err(Error::usage(what).at("--output").help(help))
}

/// What the weights depend on besides the checkpoint.
fn context(args: &args::Train, rows: &Rows, module: &Module) -> CheckpointContext {
    CheckpointContext {
        settings: settings::described(args),
        data_fingerprint: format!("{:016x}", rows.fingerprint),
        network: module.notation(),
    }
}
