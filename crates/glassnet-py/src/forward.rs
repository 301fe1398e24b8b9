//! A network's output without gradients in mind: weights packed once, one call from Python.
//!
//! A `Forward` belongs to one module as it was built. It is out of date when the structure of any module changed since
//! ([`count_a_change`]), and packs its weights anew when one of its tensors changed. Where it is not the right one (a
//! training mode that draws or counts, weights that change with every call), it answers `None`, and the module's piece
//! is run instead: with the same bits.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use glassnet::graph::{Checked, Dim, NodeId, Op, Shape};
use glassnet::nn::{self, Mode, Module, Network, StateDict};
use glassnet::tensor::Value;
use glassnet::train::{Inference, Workspace};
use numpy::{IxDyn, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::OrException;
use crate::layers::layer;
use crate::piece::{Drawn, Part};
use crate::tape::{self, Origin};
use crate::tensor::{Tensor, is_grad_enabled, with_floats};
use crate::threads;

/// Calls that multiply fewer numbers hold the interpreter: letting it go and taking it back would cost more.
const SHORT: usize = 1 << 16;

/// How often the structure of any module changed.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Says that the structure of a module changed: a layer, a parameter, an option, a mode.
#[pyfunction]
pub(crate) fn count_a_change() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// How often the structure of any module changed.
#[pyfunction]
pub(crate) fn changes() -> u64 {
    CHANGES.load(Ordering::Relaxed)
}

/// A module's forward pass in evaluation, or in a training mode that changes nothing.
#[pyclass(frozen, module = "glassnet._glassnet")]
pub(crate) struct Forward {
    changes: u64,
    name: String,
    notation: String,
    module: Module,
    /// The state dict's tensors, and their keys.
    keys: Vec<String>,
    tensors: Vec<Py<Tensor>>,
    state: Mutex<Compiled>,
}

#[derive(Default)]
struct Compiled {
    /// What was packed, for which shape of a row and at which sum of versions.
    packed: Option<(Arc<Packed>, u64)>,
    /// The sum of versions at the last call.
    last: Option<u64>,
    /// For rows of these shapes no output is independent of the other rows.
    mixing: Vec<Vec<usize>>,
    /// What calls are recorded as, by the input's shape.
    parts: HashMap<Vec<usize>, Arc<Part>>,
}

struct Packed {
    /// Of the threads with which it was compiled.
    generation: u64,
    inference: Inference,
    row: Vec<usize>,
    output: Vec<usize>,
    weights: usize,
    workspaces: Mutex<Vec<Workspace>>,
}

/// How many shapes of input are known at once.
const SHAPES: usize = 64;

#[pymethods]
impl Forward {
    /// For a module whose structure was looked at when the count of changes was `changes`.
    #[new]
    fn new(
        changes: u64,
        name: String,
        notation: String,
        keys: Vec<String>,
        tensors: Vec<Py<Tensor>>,
    ) -> PyResult<Self> {
        let module = nn::parse(&notation).or_exception()?;
        let state = Mutex::default();
        Ok(Forward { changes, name, notation, module, keys, tensors, state })
    }

    /// The output for `x`, or `None` where it must be computed otherwise.
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Py<Tensor>>> {
        let py = slf.py();
        let this = slf.get();
        if this.changes != CHANGES.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let tensor = x.cast::<Tensor>().ok();
        let array = match tensor {
            Some(tensor) => tensor.borrow().array(py).clone(),
            None => match x.cast::<PyUntypedArray>() {
                Ok(array) => array.clone(),
                Err(_) => return Ok(None),
            },
        };
        if array.ndim() < 2 || array.cast::<PyArrayDyn<f32>>().is_err() {
            return Ok(None);
        }
        threads::settle(py)?;
        let mut version = 0_u64;
        let mut wanted = tensor.is_some_and(|tensor| tensor.borrow().needs_grad());
        for tensor in &this.tensors {
            let tensor = tensor.borrow(py);
            version = version.wrapping_add(tensor.store().version());
            wanted |= tensor.needs_grad();
        }
        let recorded = wanted && is_grad_enabled();
        let Some(packed) = this.packed(py, &array.shape()[1..], version, recorded)? else {
            return Ok(None);
        };
        let result = packed.run(py, &array)?;
        let origin = if recorded { this.record(x, tensor, &array)? } else { None };
        Py::new(py, Tensor::of(result).computed(origin)).map(Some)
    }
}

impl Forward {
    fn state(&self) -> std::sync::MutexGuard<'_, Compiled> {
        // Locked for an instant and with the interpreter held, so that a fork never finds it locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The packed network for rows of shape `row`, if it is worth packing.
    fn packed(
        &self,
        py: Python<'_>,
        row: &[usize],
        version: u64,
        recorded: bool,
    ) -> PyResult<Option<Arc<Packed>>> {
        let mut state = self.state();
        if let Some((packed, at)) = &state.packed
            && *at == version
            && packed.row == row
            && packed.generation == threads::generation()
        {
            return Ok(Some(Arc::clone(packed)));
        }
        let is_second = state.last == Some(version);
        state.last = Some(version);
        // In a training loop the weights change with every call.
        if (recorded && !is_second) || state.mixing.iter().any(|known| known == row) {
            return Ok(None);
        }
        let Some(packed) = self.pack(py, row)? else {
            if state.mixing.len() >= SHAPES {
                state.mixing.clear();
            }
            state.mixing.push(row.to_vec());
            return Ok(None);
        };
        let packed = Arc::new(packed);
        state.packed = Some((Arc::clone(&packed), version));
        Ok(Some(packed))
    }

    /// `None` where rows are not computed apart from each other, or where an error is for the piece to tell.
    fn pack(&self, py: Python<'_>, row: &[usize]) -> PyResult<Option<Packed>> {
        let batch = Shape::batch(row.iter().copied());
        let Ok(graph) = self.module.graph(batch, Mode::Eval) else { return Ok(None) };
        let output = graph.graph().output("y");
        let Some(output) = output.filter(|_| rows_are_apart(&graph)) else { return Ok(None) };
        if graph.shape(output).dims().first() != Some(&Dim::Batch) {
            return Ok(None);
        }
        let mut state = StateDict::new();
        for (key, tensor) in self.keys.iter().zip(&self.tensors) {
            let tensor = tensor.borrow(py);
            let array = tensor.array(py);
            let shape = array.shape().to_vec();
            let value: Value = if key.ends_with("num_batches_tracked") {
                let count = with_floats(array, |count: &[i64]| count.to_vec())?;
                glassnet::Tensor::new(shape, count).or_exception()?.into()
            } else {
                let values = with_floats(array, |values: &[f32]| values.to_vec())?;
                glassnet::Tensor::new(shape, values).or_exception()?.into()
            };
            state.insert(key, value);
        }
        let network = Network::with_state(self.module.clone(), &state).or_exception()?;
        let generation = threads::generation();
        let inference = threads::config()
            .and_then(|config| Inference::new(&network, row, &config))
            .or_exception()?;
        let output = inference.output_shape();
        Ok(Some(Packed {
            generation,
            weights: network.parameter_count().max(row.iter().product()),
            row: row.to_vec(),
            output,
            inference,
            workspaces: Mutex::default(),
        }))
    }

    /// Records the call as one of the module's piece for this input.
    fn record(
        &self,
        x: &Bound<'_, PyAny>,
        tensor: Option<&Bound<'_, Tensor>>,
        array: &Bound<'_, PyUntypedArray>,
    ) -> PyResult<Option<Origin>> {
        let py = x.py();
        let part = {
            let mut state = self.state();
            if let Some(part) = state.parts.get(array.shape()) {
                Arc::clone(part)
            } else {
                let part =
                    layer(&self.name, &self.notation, array.shape(), false).or_exception()?;
                let part = Arc::new(part);
                if state.parts.len() >= SHAPES {
                    state.parts.clear();
                }
                state.parts.insert(array.shape().to_vec(), Arc::clone(&part));
                part
            }
        };
        let x = match tensor {
            Some(tensor) => tensor.clone(),
            None => Bound::new(py, Tensor::of(array.clone()))?,
        };
        let mut operands = vec![x];
        for source in &part.sources[1..] {
            let place = self.keys.iter().position(|key| *key == source.name);
            operands.extend(place.map(|place| self.tensors[place].bind(py).clone()));
        }
        let call = tape::record(&part, &operands, Drawn::default())?;
        Ok(call.map(|call| Origin::new(&call, 0)))
    }
}

impl Packed {
    fn run<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyUntypedArray>,
    ) -> PyResult<Bound<'py, PyUntypedArray>> {
        let rows = x.shape()[0];
        let mut shape = vec![rows];
        shape.extend(&self.output);
        let result = PyArrayDyn::<f32>::zeros(py, IxDyn(&shape), false);
        let workspace = self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut workspace = workspace.unwrap_or_else(|| self.inference.workspace());
        {
            let mut result = result.try_readwrite()?;
            let y = result.as_slice_mut()?;
            let is_short = rows.saturating_mul(self.weights) < SHORT;
            with_floats(x, |x: &[f32]| {
                let mut run = || self.inference.run(&mut workspace, x, y);
                if is_short { run() } else { py.detach(run) }
            })?
            .or_exception()?;
        }
        self.workspaces.lock().unwrap_or_else(PoisonError::into_inner).push(workspace);
        Ok(result.as_untyped().clone())
    }
}

/// Whether no operation mixes rows of the batch, which is axis 0.
fn rows_are_apart(graph: &Checked) -> bool {
    let batched = |id: NodeId| graph.shape(id).dims().first() == Some(&Dim::Batch);
    let inner = |id: NodeId| graph.shape(id).dims().iter().skip(1).all(|dim| *dim != Dim::Batch);
    graph.graph().ids().all(|id| {
        let node = graph.graph().node(id);
        let over_rows = node.operands().iter().any(|&operand| batched(operand))
            && match node.op() {
                Op::Softmax(op) => op.axis() == 0,
                Op::Reduce(op) => op.axes.contains(&0),
                Op::Normalize(op) => op.axes.contains(&0),
                Op::Source(_)
                | Op::Linear(_)
                | Op::Arithmetic(_)
                | Op::Activation(_)
                | Op::ActivationGrad(_)
                | Op::Random(_)
                | Op::Gather(_)
                | Op::Layout(_)
                | Op::Loss(_) => false,
            };
        !over_rows && inner(id)
    })
}
