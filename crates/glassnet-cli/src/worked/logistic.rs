//! `glassnet worked logistic`.

use clap::Args;
use glassnet::worked::{self, LogisticConfig};
use glassnet::{Error, Result};
use serde_json::json;

use super::Work;
use super::rows::{Answers, Rows, Samples};
use crate::terminal::Terminal;

/// `glassnet worked logistic`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    glassnet worked logistic --data data/penguins.csv --features bill_length_mm,body_mass_g --target sex\n  \
    glassnet worked logistic --data 0.5:0,1:0,1.5:1,2:0,2.5:1,3:1\n  \
    glassnet worked logistic --data or --l2 0.01")]
pub(crate) struct Logistic {
    #[command(flatten)]
    pub(crate) rows: Rows,
    /// The class whose probability is modelled, against all others (the second one unless given).
    #[arg(long, value_name = "CLASS", allow_hyphen_values = true)]
    pub(crate) positive: Option<String>,
    /// A penalty of half of so much times the sum of all squared weights, the bias included.
    #[arg(long, default_value_t = 0.0, value_name = "X", value_parser = crate::args::number, allow_negative_numbers = true)]
    pub(crate) l2: f64,
    /// Epochs of the network's training.
    #[arg(long, default_value_t = 2000, value_name = "N", value_parser = crate::args::whole::<usize>)]
    pub(crate) epochs: usize,
    /// Adam's learning rate.
    #[arg(long, default_value_t = 0.05, value_name = "X", value_parser = crate::args::number, allow_negative_numbers = true)]
    pub(crate) lr: f64,
    /// The seed of the initial weights.
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = crate::args::whole::<u64>)]
    pub(crate) seed: u64,
}

pub(super) fn work(args: &Logistic, terminal: &Terminal) -> Result<Work> {
    let samples = args.rows.require(terminal)?;
    let (classes, positive) = classes(args, &samples)?;
    let config = LogisticConfig { l2: args.l2, epochs: args.epochs, lr: args.lr, seed: args.seed };
    let found = worked::logistic(&samples.names, &classes, &samples.inputs, &positive, &config)
        .map_err(|error| match error.place() {
            Some("l2") => error.at("--l2"),
            Some("lr") => error.at("--lr"),
            Some("the inputs" | "the rows" | "the target") => error.at(samples.label.clone()),
            Some(_) | None => error,
        })?;
    let optimum = found.optimum.as_ref();
    let json = json!({
        "schema": "glassnet.worked/1",
        "topic": "logistic",
        "inputs": found.names,
        "classes": found.classes,
        "rows": found.rows,
        "positive": found.positive,
        "mean": found.scaling.iter().map(|scale| scale.0).collect::<Vec<f64>>(),
        "std": found.scaling.iter().map(|scale| scale.1).collect::<Vec<f64>>(),
        "l2": found.l2,
        "network": {"weights": found.weights, "loss": found.loss, "accuracy": found.accuracy},
        "optimum": optimum.map(|optimum| json!({
            "weights": optimum.weights,
            "loss": optimum.loss,
            "gradient": optimum.gradient,
            "steps": optimum.steps,
            "ambiguous": optimum.ambiguous,
        })),
        "difference": optimum.map(|optimum| found.loss - optimum.loss),
        "separation": found.separation.as_ref().map(|separation| json!({
            "direction": separation.direction,
            "margin": separation.margin,
            "losses": separation.losses.iter().map(|(length, loss)| json!({"length": length, "loss": loss})).collect::<Vec<_>>(),
        })),
        "sigmoid_and_softmax": found.twice.iter().map(|row| json!({
            "row": row.row,
            "z": row.z,
            "sigmoid": row.sigmoid,
            "softmax": row.softmax,
            "binary_cross_entropy": row.binary_cross_entropy,
            "cross_entropy": row.cross_entropy,
        })).collect::<Vec<_>>(),
    });
    Ok(Work { document: found.document(), json })
}

/// The two classes, and which rows have the second.
fn classes(args: &Logistic, samples: &Samples) -> Result<([String; 2], Vec<bool>)> {
    let Some(answer) = &samples.target else {
        return Err(Error::data("the rows have no target")
            .at(samples.label.clone())
            .help("write inputs:target, samples parted by commas"));
    };
    let words: Vec<String> = match &answer.values {
        Answers::Words(words) => words.clone(),
        Answers::Numbers(values) => values
            .iter()
            .map(|row| row.iter().map(f64::to_string).collect::<Vec<String>>().join(";"))
            .collect(),
    };
    let mut levels: Vec<&String> = vec![];
    for word in &words {
        if !levels.contains(&word) {
            levels.push(word);
        }
        if levels.len() > 100 {
            return Err(Error::data(format!(
                "{:?} has more than 100 values, it is no class",
                answer.name
            ))
            .at("--target")
            .help("name a column of classes"));
        }
    }
    levels.sort();
    let listed = || levels.iter().map(|level| level.as_str()).collect::<Vec<&str>>().join(", ");
    let chosen = match (&args.positive, levels.as_slice()) {
        (Some(name), levels) if levels.contains(&name) => name.clone(),
        (Some(name), _) => {
            return Err(Error::data(format!("there is no class {name:?}"))
                .at("--positive")
                .help(format!("the classes are {}", listed())));
        }
        (None, [_, second]) => (*second).clone(),
        (None, [_]) => levels[0].clone(),
        (None, _) => {
            return Err(Error::data(format!("{:?} has {} classes", answer.name, levels.len()))
                .at("--target")
                .help("logistic regression tells two apart: choose one with --positive")
                .detail(format!("the classes are {}", listed())));
        }
    };
    let other = match levels.as_slice() {
        [first, second] if **second == chosen => (*first).clone(),
        [first, second] if **first == chosen => (*second).clone(),
        _ => format!("not {chosen}"), // not operations: one class, or several others
    };
    let positive = words.iter().map(|word| *word == chosen).collect();
    Ok(([other, chosen], positive))
}
