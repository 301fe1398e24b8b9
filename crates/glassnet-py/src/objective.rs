//! The loss of a whole table as a function of the weights, for minimisers that are Python's.

use std::sync::{Mutex, PoisonError};

use glassnet::nn::loss::Criterion;
use glassnet::train::Config;
use glassnet::train::optimizer::Optimizer;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrays::read_dataset;
use crate::errors::OrException;
use crate::predict::network;
use crate::state::read_state;
use crate::threads;

/// The loss of all rows at once: `Objective(network, state, training, loss, alpha, threads)`.
#[pyclass(frozen, module = "glassnet._glassnet")]
pub(crate) struct Objective(Mutex<glassnet::train::Objective>);

#[pymethods]
impl Objective {
    #[new]
    fn new(
        notation: &str,
        state: &Bound<'_, PyDict>,
        training: &Bound<'_, PyTuple>,
        loss: &str,
        alpha: f64,
        threads: usize,
    ) -> PyResult<Self> {
        let network = network(notation, read_state(state)?)?;
        // The optimiser does nothing here.
        let optimizer = Optimizer::parse("SGD").or_exception()?;
        let criterion = Criterion::parse(loss).or_exception()?;
        let engine = threads::engine(threads)?;
        let config = Config { alpha, engine, ..Config::new(criterion, optimizer) };
        let objective = glassnet::train::Objective::new(&network, read_dataset(training)?, &config);
        Ok(Objective(Mutex::new(objective.or_exception()?)))
    }

    /// The parameters of the state, in the order in which they are taken.
    fn parameters<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        let objective = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        PyArray1::from_slice(py, objective.parameters())
    }

    /// Key, first and last place of each array among the parameters.
    fn layout(&self) -> Vec<(String, usize, usize)> {
        let objective = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let arrays = objective.layout();
        arrays.map(|(key, range)| (key.to_owned(), range.start, range.end)).collect()
    }

    /// The loss at `parameters` (float32) and its gradient.
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        parameters: PyReadonlyArray1<'py, f32>,
    ) -> PyResult<(f64, Bound<'py, PyArray1<f32>>)> {
        let parameters = parameters.as_slice()?;
        let mut gradient = vec![0.0; parameters.len()];
        let loss = py.detach(|| {
            let mut objective = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            objective.evaluate(parameters, &mut gradient)
        });
        Ok((loss.or_exception()?, PyArray1::from_vec(py, gradient)))
    }
}
