//! `glassnet worked collapse`.

use std::ffi::OsString;

use clap::Args;
use glassnet::train::Target;
use glassnet::worked::{self, Affine, Score};
use glassnet::{Error, Result, Tensor};
use glassnet_data::EncodedTarget;
use serde_json::{Value, json};

use super::Work;
use super::rows::{Answers, Rows};
use crate::args::{Gaps, Unseen, Weights};
use crate::model::{self, Model, Trained};
use crate::terminal::Terminal;
use crate::{predict, reading};

/// `glassnet worked collapse`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet worked collapse 2-3l-2\n  \
    glassnet worked collapse 2-2-2 --weights weights.safetensors --data xor\n  \
    glassnet worked collapse 'Sequential(Linear(1, 2), Linear(2, 1))' --data 0:1,1:3")]
pub(crate) struct Collapse {
    /// A network or a model file.
    pub(crate) model: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    #[command(flatten)]
    pub(crate) rows: Rows,
}

pub(super) fn work(args: &Collapse, terminal: &Terminal) -> Result<Work> {
    let found = match model::load(&args.model, &args.weights, terminal)? {
        Model::Bare(network) => {
            let samples = args.rows.read(terminal)?;
            let inputs = samples.as_ref().map(|samples| tensor(&samples.inputs)).transpose()?;
            let outputs = network.module().summary(None)?;
            let width = outputs.rows.last().and_then(|row| row.output.clone());
            let answers = samples.and_then(|samples| samples.target).map(|answer| answer.values);
            let target = answers.map(|answers| target(answers, width.as_deref())).transpose()?;
            worked::collapse(&network, inputs.as_ref(), target.as_ref())?
        }
        Model::Trained(trained) => {
            let rows = encoded(&args.rows, &trained, terminal)?;
            let (inputs, target) = rows.unzip();
            worked::collapse(&trained.network, inputs.as_ref(), target.flatten().as_ref())?
        }
    };
    let json = json!({
        "schema": "glassnet.worked/1",
        "topic": "collapse",
        "network": found.network,
        "runs": found.runs.iter().map(run_json).collect::<Vec<_>>(),
        "between": found.barriers.iter().map(|(name, kind)| json!({"name": name, "kind": kind})).collect::<Vec<_>>(),
        "without_activations": found.without.as_ref().map(run_json),
        "rows": found.comparison.as_ref().map(|comparison| json!({
            "inputs": comparison.inputs,
            "with_activations": comparison.with,
            "collapsed": comparison.collapsed,
            "difference": comparison.difference,
        })),
        "score": found.comparison.as_ref().and_then(|comparison| comparison.score.as_ref()).map(score_json),
    });
    Ok(Work { document: found.document(), json })
}

fn run_json(run: &worked::Run) -> Value {
    let affine = |affine: &Affine| json!({"weight": affine.weight, "bias": affine.bias});
    let names: Vec<&String> = run.layers.iter().map(|layer| &layer.name).collect();
    json!({
        "layers": names,
        "collapsed": run.collapsed.as_ref().map(affine),
        "parameters_before": run.parameters(),
        "parameters_after": run.collapsed_parameters(),
    })
}

fn score_json(score: &Score) -> Value {
    match score {
        Score::Classes { truth, with, without } => {
            let right = |found: &[i64]| found.iter().zip(truth).filter(|(a, b)| a == b).count();
            json!({
                "true": truth,
                "with_activations": {"predicted": with, "right": right(with)},
                "collapsed": {"predicted": without, "right": right(without)},
            })
        }
        Score::Values { with, without } => {
            json!({"with_activations": {"mse": with}, "collapsed": {"mse": without}})
        }
    }
}

/// Rows as the engine takes them.
pub(super) fn tensor(rows: &[Vec<f64>]) -> Result<Tensor<f32>> {
    let rows: Vec<Vec<f32>> =
        rows.iter().map(|row| row.iter().map(|&value| value as f32).collect()).collect();
    Tensor::from_rows(&rows)
}

/// Whole numbers from 0 are classes where the network has several outputs; other numbers are values.
pub(super) fn target(answers: Answers, output: Option<&[usize]>) -> Result<Target> {
    let outputs: usize = output.map_or(1, |shape| shape.iter().product());
    match answers {
        Answers::Numbers(values) => {
            let classes: Option<Vec<i64>> = values
                .iter()
                .map(|row| match row.as_slice() {
                    [class] if class.fract() == 0.0 && *class >= 0.0 => Some(*class as i64),
                    _ => None, // not operations: several numbers, or none that is a class
                })
                .collect();
            match classes.filter(|_| outputs > 1) {
                Some(classes) => Ok(Target::Classes(classes)),
                None => Ok(Target::Values(tensor(&values)?)),
            }
        }
        Answers::Words(_) => Err(Error::data("a bare network knows no names of classes")
            .at("--target")
            .help("give the classes as whole numbers from 0, or a model that train wrote")),
    }
}

/// The rows of a table as a trained model reads them.
fn encoded(
    rows: &Rows,
    trained: &Trained,
    terminal: &Terminal,
) -> Result<Option<(Tensor<f32>, Option<Target>)>> {
    let Some(data) = &rows.data else { return Ok(None) };
    if rows.target.is_some() || !rows.features.is_empty() {
        return Err(Error::usage("a model file knows its columns")
            .at(if rows.target.is_some() { "--target" } else { "--features" })
            .help("leave the flag out: it is for bare networks"));
    }
    let preprocessing = &trained.preprocessing;
    let options = preprocessing.csv_options(&reading::options(&rows.reading)?, true);
    let table = reading::table(&[data.into()], &options, terminal)?;
    let (labelled, notes) = preprocessing.labelled_rows(&table)?;
    reading::notes(&notes, terminal);
    let policies = predict::policies(Unseen::Error, Gaps::Error, true);
    let encoded = preprocessing.encode(&table, &labelled, &policies)?;
    reading::notes(&encoded.notes, terminal);
    let target = encoded.target.map(|target| match target {
        EncodedTarget::Classes(classes) => Target::Classes(classes),
        EncodedTarget::Values(values) => Target::Values(values),
    });
    Ok(Some((encoded.features, target)))
}
