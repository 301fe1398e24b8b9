//! `glassnet worked manual`.

use std::ffi::OsString;

use clap::Args;
use glassnet::explain::Weight;
use glassnet::nn::loss::Criterion;
use glassnet::train::{Dataset, Features, Target};
use glassnet::worked::{self, ManualConfig, Try};
use glassnet::{Error, Result};
use serde_json::{Value, json};

use super::Work;
use super::collapse::{target, tensor};
use super::rows::Rows;
use crate::args::Weights;
use crate::model::{self, Model};
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// `glassnet worked manual`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet worked manual 'Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())' \\\n    \
    --weights '{\"0.weight\": [[-0.1]], \"2.weight\": [[0.1]]}' --data 1:0,2:0.3,10:1 \\\n    \
    --weight 0.weight[0,0] --try 1 --lr 0.01,0.05\n  \
    glassnet worked manual 2-3-1 --data xor --weight 2.bias[0]")]
pub(crate) struct Manual {
    /// A bare network.
    pub(crate) model: OsString,
    #[command(flatten)]
    pub(crate) weights: Weights,
    #[command(flatten)]
    pub(crate) rows: Rows,
    /// The weight: a state-dict key and an index.
    // Not from the comment, in which brackets are links.
    #[arg(
        long,
        value_name = "KEY[INDEX]",
        help = "The weight: a state-dict key and an index, such as 0.weight[0,1]"
    )]
    pub(crate) weight: String,
    /// The loss: mse (the default for numbers), cross_entropy (for classes), or an expression of torch.nn.
    #[arg(long)]
    pub(crate) loss: Option<String>,
    /// Values of the weight to try; gradient descent begins at the first.
    #[arg(long = "try", value_delimiter = ',', value_name = "X,…", allow_hyphen_values = true, value_parser = crate::args::number)]
    pub(crate) tries: Vec<f64>,
    /// Learning rates of gradient descent.
    #[arg(long, value_delimiter = ',', value_name = "X,…", allow_hyphen_values = true, value_parser = crate::args::number)]
    pub(crate) lr: Vec<f64>,
    /// Steps of gradient descent.
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = crate::args::whole::<usize>)]
    pub(crate) steps: usize,
}

pub(super) fn work(args: &Manual, terminal: &Terminal) -> Result<Work> {
    let network = match model::load(&args.model, &args.weights)? {
        Model::Bare(network) => network,
        Model::Trained(_) => {
            return Err(Error::usage("the model has columns of its own, which are encoded")
                .at("the network")
                .help("give a bare network with --weights"));
        }
    };
    let samples = args.rows.require(terminal)?;
    let Some(answer) = samples.target else {
        return Err(Error::data("the rows have no target")
            .at(samples.label)
            .help("write inputs:target, samples parted by commas"));
    };
    let summary = network.module().summary(None)?;
    let output = summary.rows.last().and_then(|row| row.output.clone());
    let mut target = target(answer.values, output.as_deref())?;
    let criterion = match &args.loss {
        Some(text) => Criterion::parse(text).map_err(|error| at_flag(error, "--loss"))?,
        None => Criterion::parse(match target {
            Target::Classes(_) => "cross_entropy",
            Target::Values(_) => "mse",
        })?,
    };
    // Whole numbers are classes for a loss of classes and values for every other.
    let wants_classes = matches!(criterion, Criterion::CrossEntropyLoss(_) | Criterion::NLLLoss(_));
    if let Target::Classes(classes) = &target
        && !wants_classes
    {
        let values = classes.iter().map(|&class| class as f32).collect();
        target = Target::Values(glassnet::Tensor::new([classes.len(), 1], values)?);
    }
    let data = Dataset::new(Features::Floats(tensor(&samples.inputs)?), target)?;
    let weight = Weight::parse(&args.weight).map_err(|error| at_flag(error, "--weight"))?;
    let config = ManualConfig {
        criterion,
        tries: args.tries.clone(),
        rates: args.lr.clone(),
        steps: args.steps,
    };
    let found =
        worked::manual(&network, &data, &weight, &config).map_err(|error| match error.place() {
            Some("the values to try") => error.at("--try"),
            Some("the learning rates") => error.at("--lr, --steps"),
            Some(_) => error,
            None => error.at("--weight"),
        })?;
    Ok(Work { json: json(&found), document: found.document() })
}

fn json(found: &worked::Manual) -> Value {
    let exact =
        |fraction: Option<&glassnet::explain::exact::Rational>| fraction.map(ToString::to_string);
    let row = |row: &worked::ManualRow| {
        let named = |names: Vec<String>, values: &[f64]| -> Value {
            names
                .into_iter()
                .zip(values)
                .map(|(name, value)| (name, json!(value)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let units = found.chain.units.iter().map(ToString::to_string).collect();
        let links = found.chain.links.iter().map(|link| link.math().to_string()).collect();
        json!({
            "input": row.input,
            "units": named(units, &row.units),
            "output": row.output,
            "output_gradient": row.output_slope,
            "factors": named(links, &row.factors),
            "gradient": row.slope,
            "on_kink": row.kinks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let one_try = |one: &Try| {
        json!({
            "weight": one.weight,
            "loss": one.loss,
            "exact": exact(one.exact.as_ref()),
            "sum_of_squares": one.sum,
        })
    };
    json!({
        "schema": "glassnet.worked/1",
        "topic": "manual",
        "network": found.network,
        "weight": found.weight.to_string(),
        "value": found.value,
        "loss": found.loss,
        "exact_loss": exact(found.exact_loss.as_ref()),
        "gradient": found.gradient,
        "rows": found.rows.iter().map(row).collect::<Vec<_>>(),
        "units": found.states.iter().map(|state| json!({
            "name": state.name.to_string(),
            "zero_derivative": state.zero,
            "on_kink": state.on_kink,
            "rows": state.rows,
            "not_proven": state.not_proven(),
            "remark": state.remark(),
        })).collect::<Vec<_>>(),
        "along": found.along.lines(&found.symbol),
        "advice": found.along.advice.direction.word(),
        "minimum_at": found.along.advice.to.as_ref().map(ToString::to_string),
        "tries": found.tries.iter().map(one_try).collect::<Vec<_>>(),
        "descent": found.descents.iter().map(|run| json!({
            "lr": run.lr,
            "start": found.start,
            "steps": run.steps.len(),
            "loss": run.loss,
            "weights": run.steps.last().map(|step| &step.weights),
            "stuck_after": run.stuck_after,
            "diverged": run.diverged,
        })).collect::<Vec<_>>(),
        "sharpness": found.sharpness.as_ref().map(|sharpness| sharpness.largest),
        "no_sharpness": found.no_sharpness,
        "highest_rate": found.sharpness.as_ref().and_then(|sharpness| sharpness.highest_rate),
    })
}
