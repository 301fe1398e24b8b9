//! What a training leaves behind, as Python's dicts.

use glassnet::train::EpochRecord;
use glassnet::train::metrics::Metrics;
use glassnet::train::optimizer::SavedState;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// An epoch: `epoch`, `train_loss`, `lr`, `improved`, and where rows judge `validation` with the metrics that apply, and
/// `score`.
pub(super) fn epoch_dict<'py>(
    py: Python<'py>,
    record: &EpochRecord,
    score: Option<f64>,
) -> PyResult<Bound<'py, PyDict>> {
    let epoch = PyDict::new(py);
    epoch.set_item("epoch", record.epoch)?;
    epoch.set_item("train_loss", record.train_loss)?;
    epoch.set_item("lr", record.lr)?;
    epoch.set_item("improved", record.improved)?;
    if let Some(metrics) = &record.validation {
        epoch.set_item("validation", metrics_dict(py, metrics)?)?;
    }
    if let Some(score) = score {
        epoch.set_item("score", score)?;
    }
    Ok(epoch)
}

fn metrics_dict<'py>(py: Python<'py>, metrics: &Metrics) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let Metrics { loss, accuracy, macro_f1, log_loss, roc_auc, mae, rmse, r2 } = metrics;
    for (name, value) in [
        ("loss", loss),
        ("accuracy", accuracy),
        ("macro_f1", macro_f1),
        ("log_loss", log_loss),
        ("roc_auc", roc_auc),
        ("mae", mae),
        ("rmse", rmse),
        ("r2", r2),
    ] {
        if let Some(value) = value {
            dict.set_item(name, value)?;
        }
    }
    Ok(dict)
}

/// All epochs, with what was said of each.
pub(super) fn history<'py>(
    py: Python<'py>,
    history: &[EpochRecord],
    scores: &[Option<f64>],
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for (index, record) in history.iter().enumerate() {
        list.append(epoch_dict(py, record, scores.get(index).copied().flatten())?)?;
    }
    Ok(list)
}

/// What the optimiser remembers: `optimizer`, `step`, `mu_product`, `slots`.
pub(super) fn write_optimizer(py: Python<'_>, state: SavedState) -> PyResult<Bound<'_, PyDict>> {
    let SavedState { optimizer, step, mu_product, slots } = state;
    let arrays = PyDict::new(py);
    for (name, values) in slots {
        arrays.set_item(name, PyArray1::from_vec(py, values))?;
    }
    let dict = PyDict::new(py);
    dict.set_item("optimizer", optimizer)?;
    dict.set_item("step", step)?;
    dict.set_item("mu_product", mu_product)?;
    dict.set_item("slots", arrays)?;
    Ok(dict)
}

/// The state that [`write_optimizer`] gave.
pub(super) fn read_optimizer(dict: &Bound<'_, PyDict>) -> PyResult<SavedState> {
    let item = |key: &str| {
        let missing = || PyKeyError::new_err(format!("the optimiser's state has no '{key}'"));
        dict.get_item(key)?.ok_or_else(missing)
    };
    let mut slots = vec![];
    for (name, values) in item("slots")?.cast_into::<PyDict>()? {
        let values: PyReadonlyArray1<'_, f32> = values.extract()?;
        slots.push((name.extract()?, values.as_array().to_vec()));
    }
    Ok(SavedState {
        optimizer: item("optimizer")?.extract()?,
        step: item("step")?.extract()?,
        mu_product: item("mu_product")?.extract()?,
        slots,
    })
}
