//! What is told of many trainings.

use glassnet::Result;
use glassnet::train::Dataset;
use glassnet::train::metrics::Metrics;
use serde_json::{Map, Value, json};

use super::files::{best_epoch, epochs};
use super::{Outcome, Run, Trained, Variant};
use crate::measured::{self, Measured, confusion_table, metrics_table, shown};
use crate::table::Table;
use crate::terminal::Terminal;
use crate::train::finish::{self, Facts, Results, size};

/// The most networks or folds that the text lists.
const LISTED: usize = 30;

/// Tells which trainings failed.
pub(super) fn failures(run: &Run<'_>, terminal: &Terminal) {
    let left_out = |of: &str, networks: &[Trained]| {
        for network in networks {
            if let Err(error) = &network.record {
                let named = match network.variant {
                    Variant { lr: Some(lr), .. } => format!("learning rate {lr}"),
                    Variant { seed, lr: None } => format!("seed {seed}"),
                };
                let what = error.what();
                terminal.note(&format!("{of}the network of {named} is left out: {what}"));
            }
        }
    };
    for (number, fold) in run.folds.iter().enumerate() {
        let fold_name = format!("fold {}: ", number + 1);
        match fold {
            Ok(outcome) => left_out(&fold_name, &outcome.networks),
            Err(error) => terminal.note(&format!("{fold_name}left out: {}", error.what())),
        }
    }
    left_out("", &run.whole.networks);
    left_out("", &run.rates);
}

/// The mean and the population standard deviation of the folds' metrics, by name: those that every fold has.
pub(super) fn spread(folds: &[Result<Outcome>]) -> (Value, Value) {
    let measured = folds.iter().flatten().map(|fold| fold.results.judged().0.metrics.clone());
    let (mean, std) = moments(&measured.collect::<Vec<_>>());
    let object = |entries: Vec<(&str, f64)>| -> Value {
        let entries = entries.into_iter().map(|(name, value)| (name.to_owned(), json!(value)));
        Value::Object(entries.collect::<Map<String, Value>>())
    };
    (object(mean), object(std))
}

/// Numbers by their metric's name.
type Named = Vec<(&'static str, f64)>;

/// Mean and population standard deviation of each metric that all have.
fn moments(all: &[Metrics]) -> (Named, Named) {
    let Some(first) = all.first() else { return (vec![], vec![]) };
    let (mut means, mut deviations) = (vec![], vec![]);
    for (name, _) in first.entries() {
        let value = |metrics: &Metrics| {
            metrics.entries().into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
        };
        let Some(values) = all.iter().map(value).collect::<Option<Vec<f64>>>() else { continue };
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        means.push((name, mean));
        deviations.push((name, variance.sqrt()));
    }
    (means, deviations)
}

pub(super) fn document(run: &Run<'_>, path: &str) -> Value {
    let whole = &run.whole;
    let mut document = finish::document(&Facts {
        network: whole.part.module.notation(),
        epochs: epochs(whole),
        best_epoch: best_epoch(whole),
        rows: &whole.part.rows,
        results: &whole.results,
        seconds: run.seconds,
        samples_per_second: run.samples_per_second,
        seed: run.args.seed,
        model: path,
        interrupted: run.interrupted,
    });
    if run.args.ensemble.is_some() {
        document["members"] = whole.networks.iter().scan(0, member_json).collect();
    }
    if !run.rates.is_empty() {
        document["lr"] = json!(whole.networks.iter().find_map(|network| network.variant.lr));
        document["rates"] = run.rates.iter().map(rate_json).collect();
    }
    if !run.folds.is_empty() {
        document["folds"] = run.folds.iter().enumerate().map(fold_json).collect();
        let (mean, std) = spread(&run.folds);
        document["folds_mean"] = mean;
        document["folds_std"] = std;
    }
    document
}

/// One network of the ensemble; `saved` counts those that the file holds.
fn member_json(saved: &mut usize, network: &Trained) -> Option<Value> {
    let good = network.record.is_ok();
    let mut member = network_json(network);
    member["member"] = json!(good.then_some(*saved));
    *saved += usize::from(good);
    Some(member)
}

/// The network of one of the learning rates.
fn rate_json(network: &Trained) -> Value {
    let mut rate = network_json(network);
    rate["lr"] = json!(network.variant.lr);
    rate
}

fn network_json(network: &Trained) -> Value {
    let record = network.record.as_ref();
    let alone = network.alone.as_ref();
    let metrics = |found: Option<&Measured>| found.map(|found| measured::to_json(&found.metrics));
    json!({
        "seed": network.variant.seed,
        "epochs": record.map(|record| record.history.len()).ok(),
        "best_epoch": record.map(|record| record.best_epoch).ok(),
        "train": metrics(alone.map(|alone| &alone.train)),
        "validation": metrics(alone.and_then(|alone| alone.validation.as_ref())),
        "test": metrics(alone.and_then(|alone| alone.test.as_ref())),
        "error": record.err().map(|error| error.what()),
    })
}

fn fold_json((number, fold): (usize, &Result<Outcome>)) -> Value {
    match fold {
        Ok(outcome) => {
            let rows = &outcome.part.rows;
            let best: Vec<usize> = outcome.records().map(|record| record.best_epoch).collect();
            json!({
                "fold": number + 1,
                "rows": rows.test.as_ref().map(Dataset::rows),
                "rows_train": rows.training.rows(),
                "rows_validation": rows.validation.as_ref().map_or(0, Dataset::rows),
                "best_epochs": best,
                "metrics": measured::to_json(&outcome.results.judged().0.metrics),
                "baseline": measured::to_json(&outcome.results.baseline),
                "error": null,
            })
        }
        Err(error) => json!({ "fold": number + 1, "metrics": null, "error": error.what() }),
    }
}

pub(super) fn text(run: &Run<'_>, path: &str, bytes: usize) -> String {
    let whole = &run.whole;
    let networks = (run.folds.len() + 1) * Variant::all(run.args).len();
    let mut text = format!(
        "{networks} networks in {:.2} s ({:.0} rows/s){}\n",
        run.seconds,
        run.samples_per_second,
        if run.interrupted { "; interrupted: the best weights so far are kept" } else { "" },
    );
    if !run.folds.is_empty() {
        text += &folds_text(run);
    }
    if !run.rates.is_empty() {
        text += &networks_text(&run.rates, whole);
        text += "\nthe model, trained at the rate with the lowest validation loss";
        text += match whole.results.test {
            Some(_) => ":\n\n",
            None => " (which flatters it there; --test FILE tells what new rows give):\n\n",
        };
    } else if run.args.ensemble.is_some() {
        text += &networks_text(&whole.networks, whole);
        text += "\nthe mean of their predictions, which is what the model predicts:\n\n";
    } else {
        text += "\nthe model that is saved, trained as without --folds, which say how good to expect it:\n\n";
    }
    text += &metrics_table(&whole.results.columns());
    text.push('\n');
    if whole.results.train.confusion.is_none() {
        text += "loss: of the standardised target; mae and rmse: in the target's own units\n\n";
    }
    let (judged, of) = whole.results.judged();
    if let (Some(confusion), Some(classes)) =
        (&judged.confusion, whole.part.rows.preprocessing.target().classes())
        && classes.len() <= 20
    {
        let trivial = whole.results.trivial();
        text += &format!("{of} rows (the {trivial} above is judged on them too):\n");
        text += &confusion_table(confusion, classes);
        text.push('\n');
    }
    text += &format!("model: {path} ({})\n", size(bytes));
    let count = whole.records().count();
    text += &match run.args.ensemble {
        Some(_) => format!(
            "  networks: {count} of {}; '{path}#0' is the first one alone\n",
            whole.part.module.notation()
        ),
        None => format!("  network: {}\n", whole.part.module.notation()),
    };
    text += "next:\n";
    for command in finish::next_commands(run.args, path) {
        text += &format!("  {command}\n");
    }
    text
}

fn folds_text(run: &Run<'_>) -> String {
    let good: Vec<&Outcome> = run.folds.iter().flatten().collect();
    let metrics: Vec<Metrics> =
        good.iter().map(|fold| fold.results.judged().0.metrics.clone()).collect();
    let (mean, std) = moments(&metrics);
    let mut text = format!(
        "\n{} folds, each measured with {} that never saw its rows:\n\n",
        run.folds.len(),
        if run.args.ensemble.is_some() { "networks" } else { "a network" },
    );
    let names: Vec<&str> = mean.iter().map(|(name, _)| *name).collect();
    let mut table = heads(&["fold", "rows", "best epoch"], &names);
    for (number, fold) in run.folds.iter().enumerate().take(LISTED) {
        let mut cells = vec![(number + 1).to_string()];
        match fold {
            Ok(fold) => {
                let rows = fold.part.rows.test.as_ref().map_or(0, Dataset::rows);
                let best: Vec<usize> = fold.records().map(|record| record.best_epoch).collect();
                cells.push(rows.to_string());
                cells.push(range(&best));
                cells.extend(cells_of(&fold.results.judged().0.metrics, &names));
            }
            Err(_) => cells.push("failed".into()),
        }
        table.row(cells);
    }
    let summary = |name: &str, values: &[(&str, f64)]| {
        let own = [name.to_owned(), String::new(), String::new()];
        own.into_iter().chain(values.iter().map(|(_, value)| shown(*value))).collect()
    };
    table.row(summary("mean", &mean));
    table.row(summary("std", &std));
    text += &table.render(&(1..names.len() + 3).collect::<Vec<_>>());
    text + &more(run.folds.len(), "folds")
}

/// The members of an ensemble with what they are together, or the networks of the learning rates.
fn networks_text(networks: &[Trained], whole: &Outcome) -> String {
    let rates = networks.iter().any(|network| network.variant.lr.is_some());
    // Of several rates one is chosen by the validation rows: these are shown, whatever else there is.
    let rows_of = |results: &Results| match &results.validation {
        Some(validation) if rates => validation.metrics.clone(),
        Some(_) | None => results.judged().0.metrics.clone(),
    };
    let judged: Vec<(&Trained, Metrics)> = networks
        .iter()
        .filter_map(|network| Some((network, rows_of(network.alone.as_ref()?))))
        .collect();
    let metrics: Vec<Metrics> = judged.iter().map(|(_, metrics)| metrics.clone()).collect();
    let (mean, std) = moments(&metrics);
    let names: Vec<&str> = mean.iter().map(|(name, _)| *name).collect();
    let which = if rates { "rate" } else { "seed" };
    let mut table = heads(&["network", which, "best epoch"], &names);
    for (number, (network, metrics)) in judged.iter().enumerate().take(LISTED) {
        let best = network.record.as_ref().map_or(0, |record| record.best_epoch);
        let which = match network.variant {
            Variant { lr: Some(lr), .. } => lr.to_string(),
            Variant { seed, lr: None } => seed.to_string(),
        };
        let mut cells = vec![number.to_string(), which, best.to_string()];
        cells.extend(cells_of(metrics, &names));
        table.row(cells);
    }
    let together = &whole.results.judged().0.metrics;
    let summary = [
        ("mean", mean.iter().map(|(_, value)| shown(*value)).collect()),
        ("std", std.iter().map(|(_, value)| shown(*value)).collect()),
        ("ensemble", cells_of(together, &names)),
    ];
    for (name, values) in summary.into_iter().filter(|_| !rates) {
        let own = [name.to_owned(), String::new(), String::new()];
        let values: Vec<String> = values;
        table.row(own.into_iter().chain(values).collect());
    }
    let of = if rates { "validation" } else { whole.results.judged().1 };
    let text = format!("\nthe networks on the {of} rows:\n\n");
    text + &table.render(&(1..names.len() + 3).collect::<Vec<_>>())
        + &more(judged.len(), "networks")
}

fn heads(own: &[&str], names: &[&str]) -> Table {
    let names: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    let heads: Vec<&str> = own.iter().copied().chain(names.iter().map(String::as_str)).collect();
    Table::new(&heads)
}

fn cells_of(metrics: &Metrics, names: &[&str]) -> Vec<String> {
    let entries = metrics.entries();
    let cell = |name: &&str| {
        let found = entries.iter().find(|(other, _)| other == name);
        found.map_or(String::new(), |(_, value)| shown(*value))
    };
    names.iter().map(cell).collect()
}

fn range(values: &[usize]) -> String {
    match (values.iter().min(), values.iter().max()) {
        (Some(least), Some(most)) if least < most => format!("{least}-{most}"),
        (Some(only), _) => only.to_string(),
        (None, _) => String::new(),
    }
}

fn more(count: usize, what: &str) -> String {
    match count.saturating_sub(LISTED) {
        0 => String::new(),
        left => format!("{left} more {what} are in --json\n"),
    }
}
