//! Model files: the bytes of a file as a network's notation and state dict, and back.
//!
//! Opening and writing files is Python's part, so that paths, buffers and file objects all work.

use glassnet::nn;
use glassnet_formats::convert::{Options, convert};
use glassnet_formats::{Card, Format, ModelFile, ReadOptions, chain, open};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::OrException;
use crate::state::{read_state, write_state};

/// The activation that `text` calls by its name, writes as a layer, or gives as a formula in z.
fn activation(text: &str) -> glassnet::Result<nn::Module> {
    if let Some(module) = nn::activation_named(text) {
        return Ok(module);
    }
    // Constructors begin with a capital letter, functions in formulas do not.
    match text.starts_with(|c: char| c.is_ascii_uppercase()) {
        true => nn::parse(text),
        false => nn::formula(text),
    }
}

/// A model file of any format that is read: `{"format", "network", "state", "notes", "metadata", "classes", "target"}`.
///
/// `network` is its notation; `None` where the file doesn't say it and neither `network` nor `activation` does.
#[pyfunction]
#[pyo3(signature = (data, name, *, network=None, activation=None, allow_non_finite=false))]
pub(crate) fn read_model<'py>(
    py: Python<'py>,
    data: &[u8],
    name: &str,
    network: Option<&str>,
    activation: Option<&str>,
    allow_non_finite: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let (format, made, metadata) = py
        .detach(|| {
            let options = Options {
                keep_keys: network.is_none() && activation.is_none(),
                network: network.map(nn::parse).transpose()?,
                activation: activation.map(self::activation).transpose()?,
                ..Options::default()
            };
            let opened = open(data, name, ReadOptions { allow_non_finite })?;
            let (format, metadata) = (opened.format, opened.metadata.clone());
            let mut made = convert(opened, Format::Safetensors, &options, name)?;
            // A chain without activations says all of its network.
            if made.model.card.is_none()
                && let Ok(found) = chain::infer(&made.model.state)
                && found.activations() == 0
            {
                made.model.card = Some(Card::new(found.module(&nn::identity()).notation()));
            }
            Ok((format, made, metadata))
        })
        .or_exception()?;
    let found = PyDict::new(py);
    let card = made.model.card.as_ref();
    found.set_item("format", format.name())?;
    found.set_item("network", card.map(|card| card.network.clone()))?;
    found.set_item("state", write_state(py, &made.model.state)?)?;
    found.set_item("notes", made.notes.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let metadata_found = PyDict::new(py);
    for (key, value) in metadata {
        metadata_found.set_item(key, value)?;
    }
    found.set_item("metadata", metadata_found)?;
    found.set_item("classes", card.and_then(|card| card.classes.clone()))?;
    found.set_item("target", card.and_then(|card| card.target.clone()))?;
    Ok(found)
}

/// The question that a file's keys and shapes leave open: which activation is between the layers.
#[pyfunction]
pub(crate) fn ask_for_network(state: &Bound<'_, PyDict>, name: &str) -> PyResult<PyErr> {
    let state = read_state(state)?;
    Ok(crate::errors::exception(match chain::infer(&state) {
        Ok(found) => found.ask(name),
        Err(error) => error.at(name.to_owned()),
    }))
}

/// The bytes of a model file called `name`, whose ending tells the format, with the notes about what was left out.
#[pyfunction]
#[pyo3(signature = (name, state, *, network=None))]
pub(crate) fn write_model<'py>(
    py: Python<'py>,
    name: &str,
    state: &Bound<'py, PyDict>,
    network: Option<&str>,
) -> PyResult<(Bound<'py, PyBytes>, Vec<String>)> {
    let state = read_state(state)?;
    let made = py
        .detach(|| {
            let format = Format::to_write(name)?;
            let model = ModelFile { state, card: network.map(Card::new) };
            let bytes = model.write()?;
            let opened = open(&bytes, name, ReadOptions { allow_non_finite: true })?;
            convert(opened, format, &Options { keep_keys: true, ..Options::default() }, name)
        })
        .or_exception()?;
    let notes = made.notes.iter().map(ToString::to_string).collect();
    Ok((PyBytes::new(py, &made.bytes), notes))
}
