//! `glassnet worked softmax`.

use clap::Args;
use glassnet::{Error, Result, worked};
use serde_json::json;

use super::{Work, numbers};
use crate::usage::at_flag;

/// `glassnet worked softmax`.
#[derive(Clone, Debug, Args)]
#[command(
    override_usage = "glassnet worked softmax [OPTIONS] <SCORE>...",
    after_help = "Examples:\n  \
    glassnet worked softmax A=7 B=1 C=2.2 --true A\n  \
    glassnet worked softmax 7,1,2.2 --labels A,B,C --true A\n  \
    glassnet worked softmax -1,0.5 --json"
)]
pub(crate) struct Softmax {
    /// The scores z: LABEL=NUMBER for each class, or the numbers alone.
    #[arg(value_name = "SCORE", allow_hyphen_values = true, required = true)]
    pub(crate) first: String,
    /// More scores.
    #[arg(value_name = "SCORE", allow_negative_numbers = true, hide = true)]
    pub(crate) more: Vec<String>,
    /// The classes' names, where the scores are numbers alone (0, 1, … unless given).
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) labels: Option<Vec<String>>,
    /// The true class: adds the loss and its gradient.
    #[arg(long, value_name = "LABEL", allow_hyphen_values = true)]
    pub(crate) r#true: Option<String>,
}

pub(super) fn work(args: &Softmax) -> Result<Work> {
    let (labels, scores) = classes(args)?;
    let found = worked::softmax(&labels, &scores, args.r#true.as_deref()).map_err(|error| {
        match error.place() {
            Some("the true class") => error.at("--true"),
            _ => error,
        }
    })?;
    let truth = found.truth.as_ref();
    let json = json!({
        "schema": "glassnet.worked/1",
        "topic": "softmax",
        "labels": found.labels,
        "z": found.scores,
        "exp": found.exponentials,
        "sum": found.sum,
        "p": found.probabilities,
        "predicted": found.labels[found.predicted],
        "true": truth.map(|truth| &found.labels[truth.class]),
        "loss": truth.map(|truth| truth.loss),
        "gradient": truth.map(|truth| &truth.gradient),
        "by_hand": truth.map(|truth| json!({
            "p": truth.by_hand.probability,
            "loss": truth.by_hand.loss,
        })),
        "max": found.max,
        "shifted_exp": found.shifted_exponentials,
        "shifted_sum": found.shifted_sum,
        "log_sum_exp": found.log_sum_exp,
        "f32": { "p": found.probabilities_f32, "loss": truth.map(|truth| truth.loss_f32) },
    });
    Ok(Work { document: found.document(), json })
}

/// Labels and scores from `A=7 B=1` or `7,1 --labels A,B`.
fn classes(args: &Softmax) -> Result<(Vec<String>, Vec<f64>)> {
    let words: Vec<&str> = std::iter::once(&args.first)
        .chain(&args.more)
        .flat_map(|word| word.split([',', ';', ' ']))
        .filter(|word| !word.is_empty())
        .collect();
    if let Some(flag) = words.iter().find(|word| word.starts_with("--")) {
        return Err(Error::usage(format!("there is no flag {flag}"))
            .at("glassnet worked softmax")
            .help("see glassnet worked softmax --help"));
    }
    let named = words.iter().filter(|word| word.contains('=')).count();
    if named == 0 {
        let scores: Vec<f64> =
            words.iter().map(|word| numbers::number(word, "the scores")).collect::<Result<_>>()?;
        let labels = match &args.labels {
            Some(labels) => labels.iter().map(|label| label.trim().to_owned()).collect(),
            None => (0..scores.len()).map(|class| class.to_string()).collect(),
        };
        return Ok((labels, scores));
    }
    if named < words.len() {
        let bare = words.iter().find(|word| !word.contains('=')).copied().unwrap_or_default();
        return Err(Error::usage(format!("{bare:?} has no label, other scores have one"))
            .at("the scores")
            .help("write LABEL=NUMBER for every class, or numbers alone with --labels"));
    }
    if args.labels.is_some() {
        return Err(at_flag(
            Error::usage("the scores have labels already").help("leave --labels out"),
            "--labels",
        ));
    }
    let mut labels = vec![];
    let mut scores = vec![];
    for word in words {
        let (label, score) = word.rsplit_once('=').unwrap_or((word, ""));
        labels.push(label.to_owned());
        scores.push(numbers::number(score, &format!("the score of {label}"))?);
    }
    Ok((labels, scores))
}
