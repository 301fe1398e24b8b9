//! Pieces: small graphs that are called on tensors, and joined to larger ones when gradients are wanted.
//!
//! Whatever a tensor's method, a layer or a loss computes is a piece: a graph of the library whose sources are the
//! call's operands. A piece is compiled once and run by the engine (in `float64` by the library's reference). What a
//! run draws at random, and what it says about running statistics, are results like any other: so a gradient that is
//! computed later sees the same masks, and buffers move exactly once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use glassnet::graph::{self, Builder, Checked, DType, NodeId, NodeMap, Op, Shape};
use glassnet::reference::{Array, Feeds, evaluate};
use numpy::{IxDyn, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

use crate::errors::OrException;
use crate::ready::{Feeder, Ready, wrong_type};
use crate::tape;
use crate::tensor::{Tensor, with_floats};
use crate::threads;

/// One operand of a piece.
#[derive(Debug)]
pub(crate) struct Source {
    node: NodeId,
    /// Its key in a layer's state dict, or the name it was given.
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    /// Whether a result depends on it; running statistics in training don't count.
    pub(crate) used: bool,
}

/// A graph with its operands in order, and what a run of it gives.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) id: u64,
    pub(crate) name: String,
    graph: Checked,
    pub(crate) sources: Vec<Source>,
    /// Results, then masks, then the next values of running statistics.
    outputs: Vec<NodeId>,
    results: usize,
    masks: usize,
    /// The sources that the last outputs are the next values of.
    updates: Vec<usize>,
    ready: Mutex<Option<Arc<Ready>>>,
}

/// What a run of a piece gave, besides its results.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    /// The masks, in the order of [`Part::mask_nodes`].
    pub(crate) masks: Vec<Vec<f32>>,
}

impl Part {
    /// The piece of a finished graph: its sources in order are the operands, `results` what it gives, `updates` pairs of
    /// a source and the node of its next value.
    pub(crate) fn new(
        name: &str,
        graph: &Checked,
        results: &[NodeId],
        updates: &[(NodeId, NodeId)],
    ) -> glassnet::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut builder = Builder::new();
        let mut given = NodeMap::for_graph(graph.graph());
        let mut sources: Vec<Source> = vec![];
        let mut old = vec![];
        for (id, source) in graph.graph().sources() {
            let Some(source) = source.name() else { continue };
            let declared = graph.type_of(id);
            let input = format!("s{}", sources.len());
            let node = builder.input(&input, declared.dtype, declared.shape.clone())?;
            given.insert(id, node);
            old.push(id);
            let (name, dtype, shape) = (source.to_owned(), declared.dtype, declared.shape.at(1));
            sources.push(Source { node, name, dtype, shape, used: false });
        }
        let new = splice(&mut builder, graph, given)?;
        let graph = builder.finish_checked();
        let mut outputs: Vec<NodeId> = results.iter().map(|&id| new[id]).collect();
        let needed = needs(&graph, &outputs);
        for source in &mut sources {
            source.used = needed[source.node.index()];
        }
        let masks = mask_nodes(&graph);
        outputs.extend(&masks);
        let mut updated = vec![];
        for &(source, value) in updates {
            updated.extend(old.iter().position(|&id| id == source));
            outputs.push(new[value]);
        }
        Ok(Part {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.to_owned(),
            graph,
            sources,
            outputs,
            results: results.len(),
            masks: masks.len(),
            updates: updated,
            ready: Mutex::default(),
        })
    }

    /// The shape of result `index`.
    pub(crate) fn result_shape(&self, index: usize) -> Vec<usize> {
        self.graph.shape(self.outputs[index]).at(1)
    }

    /// Appends the piece's nodes to a graph in which `operands` are those of its sources (missing for what is not used)
    /// and `masks` those of its masks; returns the nodes of its results.
    pub(crate) fn append(
        &self,
        builder: &mut Builder,
        operands: &[Option<NodeId>],
        masks: &[NodeId],
    ) -> glassnet::Result<Vec<NodeId>> {
        let mut given = NodeMap::for_graph(self.graph.graph());
        for (source, &operand) in self.sources.iter().zip(operands) {
            if let Some(operand) = operand {
                given.insert(source.node, operand);
            }
        }
        for (&node, &mask) in self.outputs[self.results..].iter().zip(masks) {
            given.insert(node, mask);
        }
        let wanted = &self.outputs[..self.results];
        let new = splice_needed(builder, &self.graph, given, &needs(&self.graph, wanted))?;
        Ok(wanted.iter().map(|&id| new[id]).collect())
    }

    /// The shapes of the masks.
    pub(crate) fn mask_shapes(&self) -> impl Iterator<Item = Shape> + use<'_> {
        let masks = &self.outputs[self.results..self.results + self.masks];
        masks.iter().map(|&id| self.graph.shape(id).clone())
    }

    fn ready(&self) -> glassnet::Result<Arc<Ready>> {
        let names = self.sources.iter().enumerate();
        let names = || names.map(|(at, source)| (format!("s{at}"), source.dtype)).collect();
        Ready::known(&self.ready, || Ready::compile(&self.graph, &self.outputs, names()))
    }

    /// Runs the piece: its results as new arrays, and what it drew.
    pub(crate) fn run<'py>(
        &self,
        py: Python<'py>,
        operands: &[Bound<'py, Tensor>],
    ) -> PyResult<(Vec<Bound<'py, PyUntypedArray>>, Drawn)> {
        self.check(operands)?;
        if operands.iter().any(|operand| is_double(operand.borrow().array(py))) {
            return self.run_double(py, operands);
        }
        threads::settle(py)?;
        let ready = self.ready().or_exception()?;
        let fill = |feeder: &mut Feeder<'_>| {
            for (index, operand) in operands.iter().enumerate() {
                feeder.feed(index, operand.borrow().array(py))?;
            }
            Ok(())
        };
        ready.run(py, fill, |plan, memory| {
            let values = plan.results(memory);
            let result = |index: usize| &values[plan.result_range(index)];
            let mut results = Vec::with_capacity(self.results);
            for index in 0..self.results {
                let array = PyArrayDyn::zeros(py, IxDyn(&self.result_shape(index)), false);
                let mut to = array.try_readwrite()?;
                to.as_slice_mut()?.copy_from_slice(result(index));
                results.push(array.as_untyped().clone());
            }
            let masks = (0..self.masks).map(|mask| result(self.results + mask).to_vec()).collect();
            for (number, &source) in self.updates.iter().enumerate() {
                let operand = operands[source].borrow();
                let array = operand.array(py).cast::<PyArrayDyn<f32>>()?;
                let next = result(self.results + self.masks + number);
                for (to, next) in array.try_readwrite()?.as_array_mut().iter_mut().zip(next) {
                    *to = *next;
                }
                operand.store().count_a_change();
            }
            Ok((results, Drawn { masks }))
        })
    }

    fn check(&self, operands: &[Bound<'_, Tensor>]) -> PyResult<()> {
        if operands.len() != self.sources.len() {
            return Err(PyTypeError::new_err(format!(
                "{} takes {} operands, not {}",
                self.name,
                self.sources.len(),
                operands.len()
            )));
        }
        for (operand, source) in operands.iter().zip(&self.sources) {
            let operand = operand.borrow();
            let found = operand.array(self_py(&operand)).shape().to_vec();
            if found != source.shape {
                return Err(PyRuntimeError::new_err(format!(
                    "{}: {} has shape {found:?}, expected {:?}",
                    self.name, source.name, source.shape
                )));
            }
        }
        Ok(())
    }

    /// As [`Part::run`] in `float64`, by the library's reference.
    fn run_double<'py>(
        &self,
        py: Python<'py>,
        operands: &[Bound<'py, Tensor>],
    ) -> PyResult<(Vec<Bound<'py, PyUntypedArray>>, Drawn)> {
        if self.masks > 0 || !self.updates.is_empty() {
            return Err(PyTypeError::new_err(format!(
                "{} in training takes float32, not float64; convert with .float()",
                self.name
            )));
        }
        let mut feeds = Feeds::new();
        for (index, (operand, source)) in operands.iter().zip(&self.sources).enumerate() {
            let array = double_feed(operand.borrow().array(py), source.dtype)?;
            feeds.set_input(format!("s{index}"), array);
        }
        let values = py.detach(|| evaluate(&self.graph, &feeds, 1)).or_exception()?;
        let results = self.outputs[..self.results].iter().map(|&id| double_array(py, &values[id]));
        Ok((results.collect::<PyResult<_>>()?, Drawn::default()))
    }
}

fn self_py<'py>(operand: &PyRef<'py, Tensor>) -> Python<'py> {
    operand.py()
}

/// Whether the elements are `float64`.
pub(crate) fn is_double(array: &Bound<'_, PyUntypedArray>) -> bool {
    array.cast::<PyArrayDyn<f64>>().is_ok()
}

/// An operand as the reference takes it.
pub(crate) fn double_feed(array: &Bound<'_, PyUntypedArray>, dtype: DType) -> PyResult<Array> {
    let shape = array.shape().to_vec();
    if dtype == DType::I64 {
        let data = with_floats(array, |from: &[i64]| from.to_vec())
            .map_err(|_| wrong_type(array, "int64"))?;
        return Ok(glassnet::Tensor::new(shape, data).or_exception()?.into());
    }
    let data = if is_double(array) {
        with_floats(array, |from: &[f64]| from.to_vec())?
    } else {
        with_floats(array, |from: &[f32]| from.iter().map(|&x| f64::from(x)).collect())
            .map_err(|_| wrong_type(array, "float64"))?
    };
    Ok(glassnet::Tensor::new(shape, data).or_exception()?.into())
}

/// A value of the reference as a new array.
pub(crate) fn double_array<'py>(
    py: Python<'py>,
    value: &Array,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    let value = value.floats().or_exception()?;
    let array = PyArrayDyn::zeros(py, IxDyn(value.shape()), false);
    array.try_readwrite()?.as_slice_mut()?.copy_from_slice(value.data());
    Ok(array.as_untyped().clone())
}

fn mask_nodes(graph: &Checked) -> Vec<NodeId> {
    let is_mask = |&id: &NodeId| matches!(graph.graph().node(id).op(), Op::Random(_));
    graph.graph().ids().filter(is_mask).collect()
}

/// For every node, whether one of `results` depends on it.
fn needs(graph: &Checked, results: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.graph().nodes().len()];
    for id in results {
        needed[id.index()] = true;
    }
    for id in graph.graph().ids().rev() {
        if needed[id.index()] {
            for operand in graph.graph().node(id).operands() {
                needed[operand.index()] = true;
            }
        }
    }
    needed
}

fn splice(
    builder: &mut Builder,
    graph: &Checked,
    given: NodeMap<NodeId>,
) -> glassnet::Result<NodeMap<NodeId>> {
    splice_needed(builder, graph, given, &vec![true; graph.graph().nodes().len()])
}

/// Appends the needed nodes of `graph` but those in `given`, which stand for themselves; where they all are now.
fn splice_needed(
    builder: &mut Builder,
    graph: &Checked,
    mut given: NodeMap<NodeId>,
    needed: &[bool],
) -> glassnet::Result<NodeMap<NodeId>> {
    for id in graph.graph().ids() {
        if given.contains(id) || !needed[id.index()] {
            continue;
        }
        let node = graph.graph().node(id);
        builder.restore_origin(Arc::clone(node.origin()));
        let operands = node.operands().iter().map(|&operand| given[operand]).collect();
        let new = builder.push(node.op().clone(), operands)?;
        given.insert(id, new);
    }
    Ok(given)
}

/// A small graph that is called on tensors.
#[pyclass(frozen, module = "glassnet._glassnet", name = "Piece")]
pub(crate) struct Piece(pub(crate) Arc<Part>);

#[pymethods]
impl Piece {
    /// The piece of a graph's text: its sources in order are the operands, its outputs the results.
    #[staticmethod]
    fn parse(name: &str, text: &str) -> PyResult<Piece> {
        let graph = graph::parse(text).and_then(graph::check).or_exception()?;
        let results: Vec<NodeId> = graph.graph().outputs().iter().map(|&(_, id)| id).collect();
        Part::new(name, &graph, &results, &[]).or_exception().map(|part| Piece(Arc::new(part)))
    }

    /// The operands' names: a layer's state-dict keys behind its input.
    #[getter]
    fn operands(&self) -> Vec<String> {
        self.0.sources.iter().map(|source| source.name.clone()).collect()
    }

    /// Computes the results of `operands` and records the call where a gradient may be wanted.
    #[pyo3(signature = (*operands))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        operands: Vec<Bound<'py, Tensor>>,
    ) -> PyResult<Py<PyAny>> {
        let (mut arrays, drawn) = self.0.run(py, &operands)?;
        let call = tape::record(&self.0, &operands, drawn)?;
        let wrap = |(output, array): (usize, Bound<'py, PyUntypedArray>)| {
            let origin = call.as_ref().map(|call| tape::Origin::new(call, output));
            Py::new(py, Tensor::of(array).computed(origin))
        };
        if arrays.len() == 1
            && let Some(array) = arrays.pop()
        {
            return wrap((0, array)).map(Py::into_any);
        }
        let tensors = arrays.into_iter().enumerate().map(wrap).collect::<PyResult<Vec<_>>>()?;
        Ok(pyo3::types::PyTuple::new(py, tensors)?.into_any().unbind())
    }

    /// Records a call whose result is `value`: where nothing is computed (a change of layout, a selection of elements), the
    /// value is a view of the operand's memory or a copy of some of it.
    #[pyo3(signature = (value, *operands))]
    fn record(
        &self,
        py: Python<'_>,
        value: &Bound<'_, Tensor>,
        operands: Vec<Bound<'_, Tensor>>,
    ) -> PyResult<Py<Tensor>> {
        self.0.check(&operands)?;
        let call = tape::record(&self.0, &operands, Drawn::default())?;
        let origin = call.map(|call| tape::Origin::new(&call, 0));
        let seen = value.borrow().seen(py);
        Py::new(py, seen.computed(origin))
    }

    /// The graph as text.
    #[getter]
    fn text(&self) -> String {
        self.0.graph.graph().to_string()
    }
}
