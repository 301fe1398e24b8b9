//! `glassnet worked basis`.

use clap::Args;
use glassnet::formula::Expression;
use glassnet::worked::{self, BasisConfig, BasisKind, Learning};
use glassnet::{Error, Result, nn};
use serde_json::{Value, json};

use super::rows::{Answers, Rows, Samples};
use super::{Work, numbers};
use crate::args::Weights;
use crate::model::{self, Model};
use crate::terminal::Terminal;
use crate::usage::at_flag;

/// `glassnet worked basis`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet worked basis --data xor\n  \
    glassnet worked basis --data data/autompg.csv --features horsepower --target mpg --degrees 1,2,3\n  \
    glassnet worked basis --data 0:1,1:3,2:2,3:5 --functions '1; x; sin(x)' --centres '0, 3' --net 1-4t-1")]
pub(crate) struct Basis {
    #[command(flatten)]
    pub(crate) rows: Rows,
    /// The degrees of polynomials that are fitted.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3", value_name = "N,…", value_parser = crate::args::whole::<usize>)]
    pub(crate) degrees: Vec<usize>,
    /// Functions of your own in x (or x1 and x2), with semicolons between: '1; x1; abs(x1 - x2)'.
    #[arg(long, value_name = "FORMULA; …", allow_hyphen_values = true)]
    pub(crate) functions: Option<String>,
    /// Centres of radial functions, with commas between; the two numbers of one with a space: '0 0, 1 1'.
    #[arg(long, value_name = "CENTRES", allow_hyphen_values = true)]
    pub(crate) centres: Option<String>,
    /// Without --centres: how many rows become centres, each the one that leaves the least error.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = crate::args::whole::<usize>, conflicts_with = "centres")]
    pub(crate) select: usize,
    /// The width s of radial functions e^(-|x - c|²/(2s²)).
    #[arg(long, value_name = "S", value_parser = crate::args::number, allow_negative_numbers = true)]
    pub(crate) width: Option<f64>,
    /// The highest frequency of the Fourier basis; 0 for none.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = crate::args::whole::<usize>)]
    pub(crate) fourier: usize,
    /// The network whose hidden units are the learned features: a notation such as 2-8t-1, or a model file.
    #[arg(long, value_name = "NET")]
    pub(crate) net: Option<std::ffi::OsString>,
    #[command(flatten)]
    pub(crate) weights: Weights,
    /// Epochs of the network's training.
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = crate::args::whole::<usize>)]
    pub(crate) epochs: usize,
    /// Adam's learning rate.
    #[arg(long, default_value_t = 0.05, value_name = "X", value_parser = crate::args::number, allow_negative_numbers = true)]
    pub(crate) lr: f64,
    /// How many seeds are tried.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = crate::args::whole::<u64>)]
    pub(crate) restarts: u64,
}

pub(super) fn work(args: &Basis, terminal: &Terminal) -> Result<Work> {
    let samples = args.rows.require(terminal)?;
    let (target_name, target) = target(&samples)?;
    let config = BasisConfig {
        degrees: args.degrees.clone(),
        product: true,
        formulas: args.functions.as_deref().map_or(Ok(vec![]), formulas)?,
        centres: args.centres.as_deref().map_or(Ok(vec![]), centres)?,
        centre_count: args.select,
        width: args.width,
        fourier: args.fourier,
        learning: learning(args, terminal)?,
    };
    let found = worked::basis(&samples.names, &target_name, &samples.inputs, &target, &config)
        .map_err(|error| flagged(error, &samples))?;
    let bases: Vec<Value> = found.bases.iter().map(basis_json).collect();
    let json = json!({
        "schema": "glassnet.worked/1",
        "topic": "basis",
        "inputs": found.names,
        "target": found.target_name,
        "rows": found.inputs.len(),
        "bases": bases,
        "network": found.network.module().notation(),
        "network_mse": found.network_mse,
    });
    Ok(Work { document: found.document(), json })
}

fn basis_json(basis: &worked::FittedBasis) -> Value {
    let functions: Vec<Value> = basis
        .functions
        .iter()
        .map(|function| {
            json!({
                "function": function.text,
                "coefficient": function.coefficient,
                "independent": function.independent,
            })
        })
        .collect();
    let (centres, width) = match &basis.kind {
        BasisKind::Radial { centres, width, .. } => (json!(centres), json!(width)),
        BasisKind::Polynomial(_)
        | BasisKind::Product
        | BasisKind::Own
        | BasisKind::Fourier(_)
        | BasisKind::Learned => (Value::Null, Value::Null),
    };
    let mut found = json!({
        "basis": basis.kind.words(),
        "functions": functions,
        "independent": basis.independent(),
        "mse": basis.mse,
    });
    if !centres.is_null() {
        found["centres"] = centres;
        found["width"] = width;
    }
    found
}

/// Where a mistake is, in the command line's words.
fn flagged(error: Error, samples: &Samples) -> Error {
    match error.place() {
        Some("the centres") => error.at("--centres"),
        Some("the number of centres") => error.at("--select"),
        Some("the functions") => error.at("--functions"),
        Some("the width") => error.at("--width"),
        Some("the degrees") => error.at("--degrees, --fourier"),
        Some("the network") => error.at("--net"),
        Some("the restarts") => error.at("--restarts"),
        Some("the inputs") => error
            .at(samples.label.clone())
            .help("name one or two columns with --features")
            .detail(format!("the inputs are {}", samples.names.join(", "))),
        Some(_) | None => error,
    }
}

/// The numbers to predict, one per row.
fn target(samples: &Samples) -> Result<(String, Vec<f64>)> {
    let refuse = |what: &str, help: &str| {
        Err(Error::data(what).at(samples.label.clone()).help(help.to_owned()))
    };
    let Some(answer) = &samples.target else {
        return refuse("the rows have no target", "write inputs:target, samples parted by commas");
    };
    let Answers::Numbers(values) = &answer.values else {
        return refuse(
            "the target holds words, not numbers",
            "name a column of numbers with --target",
        );
    };
    if values.iter().any(|row| row.len() != 1) {
        return refuse("the rows have several targets", "give one target per row");
    }
    Ok((answer.name.clone(), values.iter().map(|row| row[0]).collect()))
}

fn formulas(text: &str) -> Result<Vec<Expression>> {
    text.split(';')
        .map(str::trim)
        .filter(|formula| !formula.is_empty())
        .map(|formula| {
            glassnet::formula::parse(formula).map_err(|error| at_flag(error, "--functions"))
        })
        .collect()
}

fn centres(text: &str) -> Result<Vec<Vec<f64>>> {
    text.split(',')
        .map(str::trim)
        .filter(|centre| !centre.is_empty())
        .map(|centre| numbers::list(centre, "--centres"))
        .collect()
}

fn learning(args: &Basis, terminal: &Terminal) -> Result<Learning> {
    let mut learning = Learning {
        epochs: args.epochs,
        lr: args.lr,
        seed: args.weights.seed,
        restarts: args.restarts,
        ..Learning::default()
    };
    match (&args.net, &args.weights.weights) {
        (None, Some(_)) => {
            return Err(Error::usage("weights without their network")
                .at("--weights")
                .help("give --net too"));
        }
        (None, None) => {}
        (Some(net), None) if net.to_str().is_some_and(model::is_notation) => {
            let notation = net.to_str().unwrap_or_default();
            learning.module = Some(nn::parse(notation).map_err(|error| at_flag(error, "--net"))?);
        }
        (Some(net), _) => {
            learning.given = Some(match model::load(net, &args.weights, terminal)? {
                Model::Bare(network) => network,
                Model::Trained(_) => {
                    return Err(Error::usage(
                        "the model has columns of its own, which are encoded",
                    )
                    .at("--net")
                    .help("give a bare network, with --weights or to be trained"));
                }
            });
        }
    }
    Ok(learning)
}
