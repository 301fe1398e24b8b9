//! A network compiled for predicting, to be called from any number of threads.

use std::sync::{Mutex, OnceLock, PoisonError};

use glassnet::nn::{self, Network, StateDict};
use glassnet::train::{self, Workspace};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrException;
use crate::state::{read_state, write_state};
use crate::threads;

/// The network of `notation` with the weights of `state`.
pub(crate) fn network(notation: &str, state: StateDict) -> PyResult<Network> {
    let module = nn::parse(notation).or_exception()?;
    Network::with_state(module, &state).or_exception()
}

/// A network in evaluation mode: `Inference(network, state, row, threads)`.
#[pyclass(frozen, module = "glassnet._glassnet")]
pub(crate) struct Inference {
    network: Network,
    row: Vec<usize>,
    own: Compiled,
    /// The process that compiled it, and what a process that was forked from it compiles for itself, without threads.
    process: u32,
    forked: OnceLock<Compiled>,
}

struct Compiled {
    inference: train::Inference,
    /// Those that no thread uses now.
    idle: Mutex<Vec<Workspace>>,
}

impl Compiled {
    fn new(network: &Network, row: &[usize], threads: usize) -> PyResult<Self> {
        let engine = threads::engine(threads)?;
        let inference = train::Inference::new(network, row, &engine).or_exception()?;
        Ok(Compiled { inference, idle: Mutex::new(vec![]) })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Workspace>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Computes with a workspace of its own.
    fn run(
        &self,
        compute: impl FnOnce(&train::Inference, &mut Workspace) -> glassnet::Result<()>,
    ) -> glassnet::Result<()> {
        let free = self.idle().pop();
        let mut workspace = free.unwrap_or_else(|| self.inference.workspace());
        let outcome = compute(&self.inference, &mut workspace);
        self.idle().push(workspace);
        outcome
    }
}

#[pymethods]
impl Inference {
    #[new]
    fn new(
        notation: &str,
        state: &Bound<'_, PyDict>,
        row: Vec<usize>,
        threads: usize,
    ) -> PyResult<Self> {
        let network = network(notation, read_state(state)?)?;
        let own = Compiled::new(&network, &row, threads)?;
        Ok(Inference { network, row, own, process: std::process::id(), forked: OnceLock::new() })
    }

    /// The outputs for the rows of `x`, float32 or int64, as a new array. Any number of threads may call it at once.
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let compiled = self.compiled()?;
        if let Ok(array) = x.extract::<PyReadonlyArrayDyn<'py, f32>>() {
            return self.outputs(py, compiled, &array, |inference, workspace, x, y| {
                inference.run(workspace, x, y)
            });
        }
        if let Ok(array) = x.extract::<PyReadonlyArrayDyn<'py, i64>>() {
            return self.outputs(py, compiled, &array, |inference, workspace, x, y| {
                inference.run_indices(workspace, x, y)
            });
        }
        Err(PyTypeError::new_err("the rows are no array of float32 or int64"))
    }
}

impl Inference {
    /// What this process computes with.
    fn compiled(&self) -> PyResult<&Compiled> {
        if std::process::id() == self.process {
            return Ok(&self.own);
        }
        if let Some(compiled) = self.forked.get() {
            return Ok(compiled);
        }
        let compiled = Compiled::new(&self.network, &self.row, 1)?;
        Ok(self.forked.get_or_init(|| compiled))
    }

    fn outputs<'py, T: numpy::Element + Copy + Sync>(
        &self,
        py: Python<'py>,
        compiled: &Compiled,
        x: &PyReadonlyArrayDyn<'py, T>,
        run: impl Fn(&train::Inference, &mut Workspace, &[T], &mut [f32]) -> glassnet::Result<()>
        + Send
        + Sync,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let shape = x.shape();
        let rows = match shape.split_first() {
            Some((&rows, row)) if row == self.row => rows,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "the rows have shape {:?}, the network was compiled for {:?}",
                    shape.get(1..).unwrap_or(&[]),
                    self.row
                )));
            }
        };
        let mut wanted = vec![rows];
        wanted.extend(compiled.inference.output_shape());
        let copied: Vec<T>;
        let x = match x.as_slice() {
            Ok(slice) => slice,
            Err(_) => {
                copied = x.as_array().iter().copied().collect();
                &copied
            }
        };
        let mut y = vec![0.0_f32; wanted.iter().product()];
        py.detach(|| compiled.run(|inference, workspace| run(inference, workspace, x, &mut y)))
            .or_exception()?;
        PyArray1::from_vec(py, y).reshape(wanted)
    }
}

/// The state that the network of `notation` has after `torch.manual_seed(seed)` and its constructor, after its notation as an expression.
#[pyfunction]
pub(crate) fn network_state<'py>(
    py: Python<'py>,
    notation: &str,
    seed: u64,
) -> PyResult<(String, Bound<'py, PyDict>)> {
    let module = nn::parse(notation).or_exception()?;
    let network = Network::new(module, seed).or_exception()?;
    Ok((network.module().notation(), write_state(py, network.state_dict())?))
}
