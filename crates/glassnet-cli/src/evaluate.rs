//! `glassnet evaluate`.

mod long;

use std::collections::BTreeMap;

use glassnet::engine::Config;
use glassnet::math::random::Stream;
use glassnet::nn::loss::Criterion;
use glassnet::train::metrics::{self, Confusion, Metrics};
use glassnet::train::{Dataset, Features, Predictor, Scorer, Target};
use glassnet::{Error, Result, Tensor};
use glassnet_data::{Loaded, read_table_within};
use glassnet_formats::Task;
use serde_json::{Value, json};

use crate::args;
use crate::measured::{self, Measured, baseline, confusion_table, metrics_table};
use crate::model::{self, Model, Trained, Whole};
use crate::predict;
use crate::reading;
use crate::scores::Scores;
use crate::scratch;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// How often a column is shuffled for its importance.
const REPEATS: u64 = 5;

/// What is told.
struct Report {
    rows: usize,
    found: Measured,
    baseline: Metrics,
    classes: Vec<String>,
    importance: Option<Vec<Importance>>,
}

/// How much worse the model gets when a column is shuffled.
struct Importance {
    column: String,
    /// Of accuracy for classes, of R² for numbers: the mean over the shuffles.
    drop: f64,
}

pub(crate) fn run(
    args: &args::Evaluate,
    threads: args::Threads,
    terminal: &mut Terminal,
) -> Result<u8> {
    let report = match model::load_whole(&args.model, &args.weights, terminal)? {
        Whole::Model(Model::Bare(network)) => {
            let engine = threads.engine()?;
            bare(args, &engine, terminal, &|features| {
                let row = features.shape()[1..].to_vec();
                let mut predictor = Predictor::new(&network, &row, &engine)?;
                let features = predict::features(&network, features.clone())
                    .map_err(|error| reading::in_table(error, &args.data))?;
                let outputs = predictor.predict(&features)?;
                Ok((outputs, predictor.output_shape()))
            })?
        }
        Whole::Model(Model::Trained(trained)) => columns(args, &trained, threads, terminal)?,
        Whole::Graph(graph) => {
            let engine = threads.engine()?;
            if let Some(more) =
                graph.graph.graph().outputs().len().checked_sub(1).filter(|&n| n > 0)
            {
                let first = &graph.graph.graph().outputs()[0].0;
                terminal.note(&format!("the output {first:?} is measured, {more} more are not"));
            }
            bare(args, &engine, terminal, &|features| {
                let outputs = graph
                    .predict_table(features, &engine)
                    .map_err(|error| reading::in_table(error, &args.data))?;
                let (_, first) = outputs
                    .into_iter()
                    .next()
                    .ok_or_else(|| Error::model("the graph has no output"))?;
                let shape = first.shape()[1..].to_vec();
                Ok((first, shape))
            })?
        }
    };
    if terminal.json() {
        terminal.document(&report.document())?;
    } else {
        terminal.text(&report.text())?;
    }
    Ok(0)
}

fn columns(
    args: &args::Evaluate,
    trained: &Trained,
    threads: args::Threads,
    terminal: &Terminal,
) -> Result<Report> {
    let ignored = [
        ("--target", args.target.is_some()),
        ("--loss", args.loss.is_some()),
        ("--no-header", args.no_header),
    ];
    if let Some((flag, _)) = ignored.into_iter().find(|(_, given)| *given) {
        return Err(Error::usage("a model file knows its target, loss and columns")
            .at(flag)
            .help("leave the flag out: it is for bare networks"));
    }
    let preprocessing = &trained.preprocessing;
    let target = preprocessing.target();
    let options = preprocessing.csv_options(&reading::options(&args.reading)?, true);
    let mut spill = scratch::spill(args.memory, &args.data, threads.count())?;
    let inputs = reading::labelled_inputs(&args.data, &args.labels, target.column())?;
    let loaded = read_table_within(inputs, &options, &mut spill)?;
    reading::notes(loaded.head().notes(), terminal);
    if trained.card.data_fingerprint == Some(format!("{:016x}", loaded.head().fingerprint())) {
        terminal.note(
            "this is the table that the model was trained on: most of its rows are no test of it; the metrics of \
             the rows kept aside are what train printed",
        );
    }
    let default = if trained.card.task == Some(Task::Regression) { "mse" } else { "cross_entropy" };
    let criterion = Criterion::parse(trained.card.criterion.as_deref().unwrap_or(default))?;
    let mut scores = Scores::new(trained.networks(), preprocessing, &threads.engine()?)?;
    let policies = predict::policies(args.unseen, args.gaps, true);
    let (data, found) = match loaded {
        Loaded::Whole(table) => {
            let (rows, notes) = preprocessing.labelled_rows(&table)?;
            reading::notes(&notes, terminal);
            if rows.is_empty() {
                return Err(reading::no_target(&args.data));
            }
            let encoded = preprocessing.encode_owned(table, &rows, &policies)?;
            reading::notes(&encoded.notes, terminal);
            let data = measured::dataset(encoded)?;
            let found = measured::measure(&mut scores, &criterion, &data, target)?;
            (data, found)
        }
        Loaded::Long(table) => {
            long::refuse_importance(args, &spill)?;
            long::measure(
                &table,
                (trained, &criterion, &policies),
                &mut scores,
                (&spill, terminal),
            )?
        }
    };
    let rows = data.rows();
    let importance = if args.importance {
        Some(importance(&mut scores, &criterion, &data, trained, &found.metrics)?)
    } else {
        None
    };
    let baseline = baseline(data.target(), data.target(), target)?;
    Ok(Report {
        rows,
        found,
        baseline,
        classes: target.classes().unwrap_or(&[]).to_vec(),
        importance,
    })
}

/// Permutation importance (Breiman, Random Forests, 2001): the features of one column are shuffled among the rows.
fn importance(
    scores: &mut Scores,
    criterion: &Criterion,
    data: &Dataset,
    trained: &Trained,
    whole: &Metrics,
) -> Result<Vec<Importance>> {
    let score = |metrics: &Metrics| metrics.accuracy.or(metrics.r2).unwrap_or(f64::NAN);
    let Features::Floats(features) = data.features() else {
        return Err(Error::data("only numbers can be shuffled"));
    };
    let (rows, width) = (data.rows(), trained.preprocessing.width());
    let mut found = vec![];
    let mut start = 0;
    for (at, feature) in trained.preprocessing.features().iter().enumerate() {
        let end = start + feature.width();
        let mut total = 0.0;
        for repeat in 0..REPEATS {
            let order = Stream::at(0, at as u64, repeat).permutation(rows);
            let mut shuffled = features.clone();
            for (row, &from) in order.iter().enumerate() {
                let source = &features.data()[from * width + start..from * width + end];
                shuffled.data_mut()[row * width + start..row * width + end].copy_from_slice(source);
            }
            let target = trained.preprocessing.target();
            let shuffled = data.with_features(Features::Floats(shuffled))?;
            total += score(&measured::measure(scores, criterion, &shuffled, target)?.metrics);
        }
        found.push(Importance {
            column: feature.column.clone(),
            drop: score(whole) - total / REPEATS as f64,
        });
        start = end;
    }
    found.sort_by(|a, b| b.drop.total_cmp(&a.drop));
    Ok(found)
}

/// Outputs and the shape of one row's.
type Outputs = (Tensor<f32>, Vec<usize>);

/// Measures what computes outputs for rows of numbers.
fn bare(
    args: &args::Evaluate,
    engine: &Config,
    terminal: &Terminal,
    outputs: &dyn Fn(&Tensor<f32>) -> Result<Outputs>,
) -> Result<Report> {
    if args.importance {
        return Err(Error::usage("a bare network knows no columns")
            .at("--importance")
            .help("train a model first"));
    }
    if !args.labels.is_empty() {
        return Err(Error::usage("a bare network reads its target from the table")
            .at("--labels")
            .help("give one table with the inputs and the target"));
    }
    let options = reading::options(&args.reading)?;
    let criterion = Criterion::parse(args.loss.as_deref().unwrap_or("cross_entropy"))
        .map_err(|error| at_flag(error, "--loss"))?;
    let (x, y) = target_column(args, &options, terminal)?;
    let rows = x.shape()[0];
    let (outputs, shape) = outputs(&x)?;
    let data = match criterion {
        Criterion::CrossEntropyLoss(_) | Criterion::NLLLoss(_) => {
            Dataset::new(Features::Floats(x), Target::Classes(class_indices(&y)?))?
        }
        _ => Dataset::new(Features::Floats(x), Target::Values(Tensor::new([rows, 1], y)?))?,
    };
    let mut scorer = Scorer::new(&criterion, &shape, &data, engine)?;
    let loss = Some(scorer.loss(&outputs)?);
    let (found, baseline, classes) = match data.target() {
        Target::Classes(truth) => {
            let (metrics, confusion) = metrics::classification(&outputs, truth)?;
            let count = outputs.shape().last().copied().unwrap_or(0);
            let names = (0..count).map(|class| class.to_string()).collect();
            let baseline = metrics::majority_baseline(truth, truth, count);
            (
                Measured { metrics: Metrics { loss, ..metrics }, confusion: Some(confusion) },
                baseline,
                names,
            )
        }
        Target::Values(truth) => {
            let metrics = Metrics { loss, ..metrics::regression(&outputs, truth)? };
            (Measured { metrics, confusion: None }, metrics::mean_baseline(truth, truth)?, vec![])
        }
    };
    Ok(Report { rows, found, baseline, classes, importance: None })
}

/// A table of numbers, its target column apart from the others.
fn target_column(
    args: &args::Evaluate,
    options: &glassnet_data::CsvOptions,
    terminal: &Terminal,
) -> Result<(Tensor<f32>, Vec<f32>)> {
    let options = glassnet_data::CsvOptions { has_header: !args.no_header, ..options.clone() };
    let matrix = reading::matrix(&args.data, &options, terminal)?;
    let width = matrix.names.len();
    let target = match &args.target {
        None => width.checked_sub(1).ok_or_else(|| {
            Error::data("the table has no column")
                .at(reading::title(&args.data))
                .help("give one with the inputs and the target")
        })?,
        Some(name) => matrix.names.iter().position(|column| column == name).ok_or_else(|| {
            Error::data(format!("there is no column {name:?}"))
                .at("--target")
                .help(format!("choose one of {}", matrix.names.join(", ")))
        })?,
    };
    let rows = matrix.values.shape()[0];
    let (mut x, mut y) = (vec![], vec![]);
    for row in 0..rows {
        for (column, &value) in matrix.values.row(row).iter().enumerate() {
            if column == target { y.push(value) } else { x.push(value) }
        }
    }
    Ok((Tensor::new([rows, width - 1], x)?, y))
}

fn class_indices(values: &[f32]) -> Result<Vec<i64>> {
    values
        .iter()
        .enumerate()
        .map(|(row, &value)| {
            if value >= 0.0 && value.fract() == 0.0 && value < 1e9 {
                return Ok(value as i64);
            }
            Err(Error::data(format!("the target {value} is no class index"))
                .at(format!("row {row} (counted from 0)"))
                .help("give classes as 0, 1, 2 …, or --loss mse for numbers"))
        })
        .collect()
}

impl Report {
    fn document(&self) -> Value {
        let confusion = self
            .found
            .confusion
            .as_ref()
            .map(|Confusion { counts }| json!({"classes": self.classes, "counts": counts}));
        let mut document = json!({
            "schema": "glassnet.evaluate/1",
            "rows": self.rows,
            "metrics": measured::to_json(&self.found.metrics),
            "baseline": measured::to_json(&self.baseline),
            "confusion": confusion,
        });
        if let Some(importance) = &self.importance {
            let drops: BTreeMap<&str, f64> =
                importance.iter().map(|found| (found.column.as_str(), found.drop)).collect();
            document["importance"] = json!(drops);
        }
        document
    }

    fn text(&self) -> String {
        let trivial = if self.found.confusion.is_some() { "majority class" } else { "mean" };
        let mut text = format!("{} rows\n\n", self.rows);
        text += &metrics_table(&[("model", &self.found.metrics), (trivial, &self.baseline)]);
        if let Some(confusion) = self.found.confusion.as_ref().filter(|_| self.classes.len() <= 30)
        {
            text.push('\n');
            text += &confusion_table(confusion, &self.classes);
        }
        if let Some(importance) = &self.importance {
            let of = if self.found.confusion.is_some() { "accuracy" } else { "R²" };
            let mut table = Table::new(&["column", "lost"]);
            for found in importance {
                table.row(vec![found.column.clone(), format!("{:.4}", found.drop)]);
            }
            text += &format!("\n{of} lost when a column is shuffled (mean of {REPEATS}):\n");
            text += &table.render(&[1]);
        }
        text
    }
}
