//! What is written: the model, the history.

use glassnet_formats::ModelFile;
use serde_json::{Value, json};

use super::{Outcome, Run, tell};
use crate::train::finish;

/// The model file: one network, or the members of an ensemble.
pub(super) fn model(run: &Run<'_>) -> glassnet::Result<ModelFile> {
    let whole = &run.whole;
    let mut training = finish::training_json(&whole.part.rows, run.context, &whole.results);
    training["epochs"] = json!(epochs(whole));
    training["best_epoch"] = json!(best_epoch(whole));
    if run.args.ensemble.is_some() {
        let member = |network: &super::Trained| -> Option<Value> {
            let record = network.record.as_ref().ok()?;
            Some(json!({
                "seed": network.variant.seed,
                "epochs": record.history.len(),
                "best_epoch": record.best_epoch,
            }))
        };
        training["members"] = whole.networks.iter().filter_map(member).collect();
    }
    if !run.folds.is_empty() {
        let (mean, std) = tell::spread(&run.folds);
        training["folds"] = json!({ "count": run.folds.len(), "mean": mean, "std": std });
    }
    let notation = whole.part.module.notation();
    let card = finish::card(&whole.part.rows, notation, &whole.part.config, run.context, training);
    let states: Vec<_> =
        whole.records().map(|record| record.network.state_dict().clone()).collect();
    Ok(match <[_; 1]>::try_from(states) {
        Ok([state]) if run.args.ensemble.is_none() => ModelFile { state, card: Some(card) },
        Ok(states) => ModelFile::ensemble(&states, card),
        Err(states) => ModelFile::ensemble(&states, card),
    })
}

/// The most epochs that one of the networks was trained for.
pub(super) fn epochs(outcome: &Outcome) -> usize {
    outcome.records().map(|record| record.history.len()).max().unwrap_or(0)
}

/// The epoch of the weights, if there is one network.
pub(super) fn best_epoch(outcome: &Outcome) -> Option<usize> {
    match &outcome.networks[..] {
        [only] => only.record.as_ref().ok().map(|record| record.best_epoch),
        _ => None, // not operations: several networks have several
    }
}

/// The epochs of all networks, each with its fold (`all` for the saved model) and seed, or of all learning rates.
pub(super) fn history(run: &Run<'_>) -> String {
    let mut csv = String::new();
    let folds = run.folds.iter().enumerate();
    let folds =
        folds.filter_map(|(number, fold)| Some(((number + 1).to_string(), fold.as_ref().ok()?)));
    for (fold, outcome) in folds.chain([("all".to_owned(), &run.whole)]) {
        let networks = if run.rates.is_empty() { &outcome.networks } else { &run.rates };
        for network in networks {
            let Ok(record) = &network.record else { continue };
            let own = finish::history_csv(&record.history);
            let mut lines = own.lines();
            let header = lines.next().unwrap_or_default();
            if csv.is_empty() {
                csv = format!("fold,seed,{header}\n");
            }
            for line in lines {
                csv += &format!("{fold},{},{line}\n", network.variant.seed);
            }
        }
    }
    csv
}
