//! Metrics of a model on encoded rows, in the target's own units.

use glassnet::nn::loss::Criterion;
use glassnet::train::metrics::{self, Confusion, Metrics};
use glassnet::train::{Dataset, Features, Scorer, Target};
use glassnet::{Result, Tensor};
use glassnet_data::{Encoded, EncodedTarget, TargetEncoding};
use serde_json::{Map, Value, json};

use crate::scores::Scores;

/// What was found.
pub(crate) struct Measured {
    pub(crate) metrics: Metrics,
    pub(crate) confusion: Option<Confusion>,
}

/// Encoded rows as the training loop takes them.
pub(crate) fn dataset(encoded: Encoded) -> Result<Dataset> {
    let target = match encoded.target {
        Some(EncodedTarget::Classes(classes)) => Target::Classes(classes),
        Some(EncodedTarget::Values(values)) => Target::Values(values),
        None => return Err(glassnet::Error::data("the rows have no target")),
    };
    let data = Dataset::new(Features::Floats(encoded.features), target)?;
    match encoded.row_weights {
        Some(weights) => data.with_weights(weights),
        None => Ok(data),
    }
}

/// Measures `scores` on `data` with the training's loss.
pub(crate) fn measure(
    scores: &mut Scores,
    criterion: &Criterion,
    data: &Dataset,
    target: &TargetEncoding,
) -> Result<Measured> {
    let outputs = scores.predict(data.features())?;
    measure_outputs(&outputs, scores, criterion, data, target)
}

/// Measures what `scores` answered for the rows of `data`.
pub(crate) fn measure_outputs(
    outputs: &Tensor<f32>,
    scores: &Scores,
    criterion: &Criterion,
    data: &Dataset,
    target: &TargetEncoding,
) -> Result<Measured> {
    let mut scorer = Scorer::new(criterion, &scores.output_shape(), data, scores.config())?;
    let loss = Some(scorer.loss(outputs)?);
    let (metrics, confusion) = match data.target() {
        Target::Classes(classes) => {
            let (metrics, confusion) = metrics::classification(outputs, classes)?;
            (metrics, Some(confusion))
        }
        Target::Values(values) => {
            let restore = |tensor: &Tensor<f32>| target.restore_all(tensor);
            (metrics::regression(&restore(outputs), &restore(values))?, None)
        }
    };
    Ok(Measured { metrics: Metrics { loss, ..metrics }, confusion })
}

/// What the trivial predictor of the training rows reaches on `measured`.
pub(crate) fn baseline(
    training: &Target,
    measured: &Target,
    target: &TargetEncoding,
) -> Result<Metrics> {
    match (training, measured) {
        (Target::Classes(training), Target::Classes(truth)) => {
            Ok(metrics::majority_baseline(training, truth, target.outputs()))
        }
        (Target::Values(training), Target::Values(truth)) => {
            let restore = |tensor: &Tensor<f32>| target.restore_all(tensor);
            metrics::mean_baseline(&restore(training), &restore(truth))
        }
        (Target::Classes(_), Target::Values(_)) | (Target::Values(_), Target::Classes(_)) => {
            Ok(Metrics::default())
        }
    }
}

/// The metrics that apply, as JSON; numbers that are not finite are null.
pub(crate) fn to_json(metrics: &Metrics) -> Value {
    let entries = metrics.entries().into_iter().map(|(name, value)| {
        let value = if name == "loss" { shortest_f32(value) } else { value };
        (name.to_owned(), json!(value))
    });
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// The loss is an f32: as such it has fewer digits than as the f64 that carries it.
fn shortest_f32(value: f64) -> f64 {
    glassnet_data::shortest(value as f32).parse().unwrap_or(value)
}

/// Four digits after the point, or all that an f32 has where these would hide a small number.
pub(crate) fn shown(value: f64) -> String {
    if value.abs() >= 0.001 || value == 0.0 || !value.is_finite() {
        return format!("{value:.4}");
    }
    glassnet_data::shortest(value as f32)
}

/// A table of metrics: a row per metric, a column per set of rows.
pub(crate) fn metrics_table(columns: &[(&str, &Metrics)]) -> String {
    let header: Vec<&str> =
        std::iter::once("").chain(columns.iter().map(|(name, _)| *name)).collect();
    let mut table = crate::table::Table::new(&header);
    metrics_rows(columns).into_iter().for_each(|row| table.row(row));
    table.render(&(1..=columns.len()).collect::<Vec<usize>>())
}

/// The rows of a table of metrics: the name, and what each set of rows has of it.
pub(crate) fn metrics_rows(columns: &[(&str, &Metrics)]) -> Vec<Vec<String>> {
    let mut rows = vec![];
    let names = ["loss", "accuracy", "macro_f1", "log_loss", "roc_auc", "mae", "rmse", "r2"];
    for name in names {
        let cell = |metrics: &Metrics| {
            let entries = metrics.entries();
            entries.iter().find(|(entry, _)| *entry == name).map(|(_, value)| shown(*value))
        };
        let cells: Vec<Option<String>> = columns.iter().map(|(_, metrics)| cell(metrics)).collect();
        if cells.iter().any(Option::is_some) {
            let label = name.replace('_', " ");
            rows.push(
                std::iter::once(label)
                    .chain(cells.into_iter().map(Option::unwrap_or_default))
                    .collect(),
            );
        }
    }
    rows
}

/// The confusion table: rows true, columns predicted.
pub(crate) fn confusion_table(confusion: &Confusion, classes: &[String]) -> String {
    let header: Vec<&str> =
        std::iter::once("true \\ predicted").chain(classes.iter().map(String::as_str)).collect();
    let mut table = crate::table::Table::new(&header);
    for (class, counts) in classes.iter().zip(&confusion.counts) {
        table
            .row(std::iter::once(class.clone()).chain(counts.iter().map(u64::to_string)).collect());
    }
    table.render(&(1..=classes.len()).collect::<Vec<usize>>())
}
