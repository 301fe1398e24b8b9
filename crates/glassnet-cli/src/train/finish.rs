//! What a training ends with: the model file, and what a person wants to know.

use std::fmt::Write;

use glassnet::Result;
use glassnet::engine;
use glassnet::nn::Network;
use glassnet::nn::loss::Criterion;
use glassnet::report::render;
use glassnet::train::metrics::Metrics;
use glassnet::train::{Config, Dataset, EpochRecord, Record, Stopped};
use glassnet_formats::{Card, CheckpointContext, ModelFile, Task};
use serde_json::{Value, json};

use super::rows::Rows;
use super::{Outputs, report};
use crate::args;
use crate::measured::{self, Measured, baseline, confusion_table, metrics_table};
use crate::scores::Scores;
use crate::terminal::Terminal;

/// A training that has ended.
pub(super) struct Outcome<'a> {
    pub(super) args: &'a args::Train,
    pub(super) rows: &'a Rows,
    pub(super) config: &'a Config,
    pub(super) context: &'a CheckpointContext,
    pub(super) record: &'a Record,
    pub(super) seconds: f64,
    pub(super) samples_per_second: f64,
    pub(super) interrupted: bool,
}

/// The saved weights on every set of rows.
pub(super) struct Results {
    pub(super) train: Measured,
    pub(super) validation: Option<Measured>,
    pub(super) test: Option<Measured>,
    /// What the trivial predictor reaches on the rows that judge.
    pub(super) baseline: Metrics,
}

impl Results {
    /// The rows that judge, the least seen ones, and their name.
    pub(super) fn judged(&self) -> (&Measured, &'static str) {
        match (&self.test, &self.validation) {
            (Some(test), _) => (test, "test"),
            (None, Some(validation)) => (validation, "validation"),
            (None, None) => (&self.train, "training"),
        }
    }

    /// The metrics of every set of rows and of the trivial predictor, named.
    pub(super) fn columns(&self) -> Vec<(&'static str, &Metrics)> {
        let mut columns = vec![("train", &self.train.metrics)];
        columns.extend(self.validation.as_ref().map(|found| ("validation", &found.metrics)));
        columns.extend(self.test.as_ref().map(|found| ("test", &found.metrics)));
        columns.push((self.trivial(), &self.baseline));
        columns
    }

    /// What the trivial predictor always answers.
    pub(super) fn trivial(&self) -> &'static str {
        if self.train.confusion.is_some() { "majority class" } else { "mean" }
    }
}

/// Measures, writes the files and tells about it.
pub(super) fn conclude(
    outcome: &Outcome<'_>,
    outputs: &Outputs,
    terminal: &mut Terminal,
) -> Result<()> {
    let (rows, criterion) = (outcome.rows, &outcome.config.criterion);
    let results = measure(&[&outcome.record.network], rows, criterion, &outcome.config.engine)?;
    let file = model_file(outcome, &results)?.write()?;
    outputs.model.write(&file)?;
    if let Some(history) = &outputs.history {
        history.write(history_csv(&outcome.record.history).as_bytes())?;
    }
    let path = outputs.model.path().display().to_string();
    if let Some((output, format)) = &outputs.report {
        let document = report::document(outcome, &results, &path)?;
        output.write(render(&document, *format, &Default::default()).as_bytes())?;
    }
    if terminal.json() {
        return terminal.document(&document(&Facts {
            network: outcome.record.network.module().notation(),
            epochs: outcome.record.history.len(),
            best_epoch: Some(outcome.record.best_epoch),
            rows: outcome.rows,
            results: &results,
            seconds: outcome.seconds,
            samples_per_second: outcome.samples_per_second,
            seed: outcome.args.seed,
            model: &path,
            interrupted: outcome.interrupted,
        }));
    }
    let mut text = text(outcome, &results, &path, file.len());
    if let Some((output, _)) = &outputs.report {
        let _ = writeln!(text, "report: {}", output.path().display());
    }
    text.push_str("next:\n");
    next_commands(outcome.args, &path).iter().for_each(|command| {
        let _ = writeln!(text, "  {command}");
    });
    terminal.text(&text)
}

/// Whether the bytes begin a model file that glassnet wrote.
pub(super) fn is_ours(head: &[u8]) -> bool {
    let header = head.get(8..).unwrap_or(&[]);
    let header = &header[..header.len().min(1 << 16)];
    let key = b"\"glassnet\":";
    head.get(8) == Some(&b'{') && header.windows(key.len()).any(|window| window == key)
}

/// The mean of what `networks` predict, on every set of rows.
pub(super) fn measure(
    networks: &[&Network],
    rows: &Rows,
    criterion: &Criterion,
    engine: &engine::Config,
) -> Result<Results> {
    let target = rows.preprocessing.target();
    let mut scores = Scores::new(networks.iter().copied(), &rows.preprocessing, engine)?;
    let mut on = |data: &Dataset| measured::measure(&mut scores, criterion, data, target);
    let train = on(&rows.training)?;
    let validation = rows.validation.as_ref().map(&mut on).transpose()?;
    let test = rows.test.as_ref().map(&mut on).transpose()?;
    // The trivial predictor is judged on the same rows as the confusion table: the least seen ones.
    let judged = rows.test.as_ref().or(rows.validation.as_ref()).unwrap_or(&rows.training);
    let learnt = rows.trivial.as_ref().unwrap_or(rows.training.target());
    let baseline = baseline(learnt, judged.target(), target)?;
    Ok(Results { train, validation, test, baseline })
}

fn model_file(outcome: &Outcome<'_>, results: &Results) -> Result<ModelFile> {
    let mut training = training_json(outcome.rows, outcome.context, results);
    training["epochs"] = json!(outcome.record.history.len());
    training["best_epoch"] = json!(outcome.record.best_epoch);
    let notation = outcome.record.network.module().notation();
    let card = card(outcome.rows, notation, outcome.config, outcome.context, training);
    Ok(ModelFile { state: outcome.record.network.state_dict().clone(), card: Some(card) })
}

/// What the model file says beside the weights.
pub(super) fn card(
    rows: &Rows,
    notation: String,
    config: &Config,
    context: &CheckpointContext,
    training: Value,
) -> Card {
    let preprocessing = &rows.preprocessing;
    let target = preprocessing.target();
    let mut card = Card::new(notation);
    card.task =
        Some(if target.classes().is_some() { Task::Classification } else { Task::Regression });
    card.target = Some(target.columns().join(", "));
    card.classes = target.classes().map(<[String]>::to_vec);
    card.criterion = Some(config.criterion.to_string());
    card.preprocessing = Some(preprocessing.to_json());
    card.data_fingerprint = Some(context.data_fingerprint.clone());
    card.training = Some(training);
    card
}

/// Settings and results of a training, without its epochs. No clock and no path: the same data and settings give the
/// same file, byte for byte.
pub(super) fn training_json(rows: &Rows, context: &CheckpointContext, results: &Results) -> Value {
    json!({
        "settings": context.settings,
        "rows": {
            "train": rows.trained,
            "validation": rows.validation.as_ref().map(Dataset::rows),
        },
        "train": measured::to_json(&results.train.metrics),
        "validation": results.validation.as_ref().map(|found| measured::to_json(&found.metrics)),
        "baseline": measured::to_json(&results.baseline),
    })
}

/// What the JSON tells of every training.
pub(super) struct Facts<'a> {
    pub(super) network: String,
    pub(super) epochs: usize,
    pub(super) best_epoch: Option<usize>,
    pub(super) rows: &'a Rows,
    pub(super) results: &'a Results,
    pub(super) seconds: f64,
    pub(super) samples_per_second: f64,
    pub(super) seed: u64,
    pub(super) model: &'a str,
    pub(super) interrupted: bool,
}

pub(super) fn document(facts: &Facts<'_>) -> Value {
    let (rows, results) = (facts.rows, facts.results);
    let optional =
        |found: &Option<Measured>| found.as_ref().map(|found| measured::to_json(&found.metrics));
    let train = rows.trained;
    let validation = rows.validation.as_ref().map_or(0, Dataset::rows);
    json!({
        "schema": "glassnet.train/1",
        "network": facts.network,
        "epochs": facts.epochs,
        "best_epoch": facts.best_epoch,
        "train": measured::to_json(&results.train.metrics),
        "validation": optional(&results.validation),
        "test": optional(&results.test),
        "baseline": measured::to_json(&results.baseline),
        "seconds": facts.seconds,
        "samples_per_second": facts.samples_per_second,
        "rows": train + validation,
        "rows_train": train,
        "rows_train_measured": rows.training.rows(),
        "rows_validation": validation,
        "rows_test": rows.test.as_ref().map(Dataset::rows),
        "seed": facts.seed,
        "model": facts.model,
        "interrupted": facts.interrupted,
        "diagnosis": null,
    })
}

fn text(outcome: &Outcome<'_>, results: &Results, path: &str, bytes: usize) -> String {
    let record = outcome.record;
    let mut text = String::new();
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    let epochs = record.history.len();
    let why = match record.stopped {
        Stopped::Finished => String::new(),
        Stopped::Patience => {
            format!(
                "; stopped: no better validation loss for {} epochs",
                epochs - record.best_epoch
            )
        }
        Stopped::Interrupted => "; interrupted: the best weights so far are kept".into(),
    };
    let samples = outcome.samples_per_second;
    say(&format!("{} in {:.2} s ({samples:.0} rows/s){why}", epochs_text(epochs), outcome.seconds));
    if record.best_epoch != epochs {
        say(&format!(
            "the weights are those of epoch {}, with the lowest validation loss",
            record.best_epoch
        ));
    }
    say("");
    say(&metrics_table(&results.columns()));
    let (judged, of) = results.judged();
    if results.train.confusion.is_none() {
        say("loss: of the standardised target; mae and rmse: in the target's own units");
        say("");
    }
    if let (Some(confusion), Some(classes)) =
        (&judged.confusion, outcome.rows.preprocessing.target().classes())
        && classes.len() <= 20
    {
        let trivial = results.trivial();
        say(&format!("{of} rows (the {trivial} above is judged on them too):"));
        say(&confusion_table(confusion, classes));
    }
    say(&format!("model: {path} ({})", size(bytes)));
    say(&format!("  network: {}", record.network.module().notation()));
    text
}

/// What one does with the model next.
pub(super) fn next_commands(args: &args::Train, path: &str) -> [String; 3] {
    let files: Vec<String> =
        args.data.iter().map(|path| shell(&path.display().to_string())).collect();
    let labels: String = args
        .labels
        .iter()
        .map(|path| format!(" --labels {}", shell(&path.display().to_string())))
        .collect();
    let (data, model) = (files.join(" ") + &reading_flags(&args.reading), shell(path));
    [
        format!("glassnet predict {model} {data}"),
        format!("glassnet evaluate {model} {data}{labels}"),
        format!("glassnet summary {model}"),
    ]
}

pub(super) fn epochs_text(count: usize) -> String {
    if count == 1 { "1 epoch".into() } else { format!("{count} epochs") }
}

pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

/// The flags without which the table could not be read again.
fn reading_flags(reading: &args::Reading) -> String {
    let mut flags = String::new();
    if reading.delimiter != "," {
        flags += &format!(" --delimiter {}", shell(&reading.delimiter));
    }
    if reading.quote != "\"" {
        flags += &format!(" --quote {}", shell(&reading.quote));
    }
    if reading.decimal_comma {
        flags += " --decimal-comma";
    }
    if let Some(encoding) = &reading.encoding {
        flags += &format!(" --encoding {}", shell(encoding));
    }
    if !reading.arrays.is_empty() {
        flags += &format!(" --arrays {}", shell(&reading.arrays.join(",")));
    }
    if reading.allow_non_finite {
        flags += " --allow-non-finite";
    }
    flags
}

/// A path as a shell takes it.
pub(super) fn shell(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        path.into()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

pub(super) fn history_csv(history: &[EpochRecord]) -> String {
    let columns: Vec<&str> = history
        .first()
        .and_then(|record| record.validation.as_ref())
        .map_or(vec![], |metrics| metrics.entries().into_iter().map(|(name, _)| name).collect());
    let mut csv = String::from("epoch,lr,train_loss");
    for column in &columns {
        let _ = write!(csv, ",validation_{column}");
    }
    csv.push_str(",improved\n");
    for record in history {
        let _ = write!(csv, "{},{},{}", record.epoch, record.lr, record.train_loss);
        let entries = record.validation.as_ref().map(Metrics::entries).unwrap_or_default();
        for column in &columns {
            let value = entries.iter().find(|(name, _)| name == column);
            let _ = write!(csv, ",{}", value.map_or(String::new(), |(_, value)| value.to_string()));
        }
        let _ = writeln!(csv, ",{}", record.improved);
    }
    csv
}
