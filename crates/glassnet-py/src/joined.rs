//! Recorded calls as one graph with its gradient, compiled once for each structure of calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use glassnet::grad::grad;
use glassnet::graph::op::Reduction;
use glassnet::graph::{Builder, Checked, DType, NodeId, Shape};
use glassnet::reference::{Feeds, evaluate};
use numpy::{IxDyn, PyArrayDyn, PyArrayMethods, PyUntypedArray};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::OrException;
use crate::piece::{Part, double_array, double_feed, is_double};
use crate::ready::{Feeder, Ready};
use crate::tape::Origin;
use crate::tensor::Tensor;
use crate::threads;
use crate::walk::{Link, Walk};

/// How many joined graphs are kept compiled.
const KEPT: usize = 128;

/// Of what the gradient is wanted: a leaf, or a call's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Towards {
    Leaf(usize),
    Result(usize, usize),
}

/// A joined graph with its gradient.
#[derive(Debug)]
pub(crate) struct Joined {
    graph: Checked,
    gradients: Vec<NodeId>,
    /// The inputs: leaves, masks, and the gradient that comes from above.
    inputs: Vec<(String, DType)>,
    ready: Mutex<Option<Arc<Ready>>>,
    last_use: AtomicU64,
    /// The gradients as a piece, so that they can be differentiated again.
    piece: OnceLock<Arc<Part>>,
}

impl Joined {
    /// Joins the calls of `walk` and differentiates the result `root`, times what comes from above.
    pub(crate) fn build(
        py: Python<'_>,
        walk: &Walk,
        root: &Origin,
        from_above: bool,
        towards: &[Towards],
        again: bool,
    ) -> glassnet::Result<Self> {
        let mut builder = Builder::new();
        let mut inputs = vec![];
        let mut leaves: Vec<Option<NodeId>> = vec![None; walk.leaves.len()];
        let mut results: Vec<Vec<NodeId>> = vec![];
        for (number, call) in walk.calls.iter().enumerate() {
            let mut operands = vec![];
            for (&link, source) in walk.links[number].iter().zip(&call.part.sources) {
                operands.push(match link {
                    Link::Unused => None,
                    Link::Computed(place, output) => Some(results[place][output]),
                    Link::Leaf(place) => {
                        if leaves[place].is_none() {
                            let shape = Shape::from(source.shape.as_slice());
                            let name = format!("leaf{place}");
                            leaves[place] = Some(builder.input(&name, source.dtype, shape)?);
                        }
                        leaves[place]
                    }
                });
            }
            let mut masks = vec![];
            for (mask, shape) in call.part.mask_shapes().enumerate() {
                masks.push(builder.input(&format!("mask{number}.{mask}"), DType::F32, shape)?);
            }
            let mut computed = call.part.append(&mut builder, &operands, &masks)?;
            if again {
                // What is differentiated towards is an operand of the gradient too: the next gradient may be towards it.
                for (index, &towards) in towards.iter().enumerate() {
                    if let Towards::Result(place, output) = towards
                        && place == number
                    {
                        let shape = builder.shape(computed[output]).clone();
                        let name = format!("result{index}");
                        computed[output] = builder.input(&name, DType::F32, shape)?;
                    }
                }
            }
            results.push(computed);
        }
        for (place, tensor) in walk.leaves.iter().enumerate() {
            let integers = tensor.borrow(py).array(py).cast::<PyArrayDyn<i64>>().is_ok();
            let dtype = if integers { DType::I64 } else { DType::F32 };
            inputs.push((format!("leaf{place}"), dtype));
        }
        for (number, call) in walk.calls.iter().enumerate() {
            let masks = 0..call.part.mask_shapes().count();
            inputs.extend(masks.map(|mask| (format!("mask{number}.{mask}"), DType::F32)));
        }
        let mut end = results[walk.places[&Arc::as_ptr(&root.call)]][root.output];
        if from_above {
            let shape = builder.shape(end).clone();
            let above = builder.input("above", DType::F32, shape)?;
            inputs.push(("above".to_owned(), DType::F32));
            end = builder.mul(end, above)?;
        }
        if builder.shape(end).rank() > 0 {
            end = builder.reduce_all(Reduction::Sum, end)?;
        }
        let graph = builder.finish_checked();
        let nodes: Vec<NodeId> = towards
            .iter()
            .filter_map(|&towards| match towards {
                Towards::Leaf(place) => leaves[place],
                Towards::Result(place, output) => Some(results[place][output]),
            })
            .collect();
        let found = grad(&graph, end, &nodes)?;
        Ok(Joined {
            graph: found.graph,
            gradients: found.gradients,
            inputs,
            ready: Mutex::default(),
            last_use: AtomicU64::new(0),
            piece: OnceLock::new(),
        })
    }

    /// The gradients as a piece whose call is recorded, and its operands: `of` are the tensors differentiated towards.
    pub(crate) fn piece<'py>(
        &self,
        py: Python<'py>,
        walk: &Walk,
        above: Option<&Bound<'py, Tensor>>,
        of: &[Bound<'py, Tensor>],
    ) -> PyResult<(Arc<Part>, Vec<Bound<'py, Tensor>>)> {
        let part = match self.piece.get() {
            Some(part) => Arc::clone(part),
            None => {
                let part = Part::new("Gradient", &self.graph, &self.gradients, &[]);
                let part = Arc::new(part.or_exception()?);
                Arc::clone(self.piece.get_or_init(|| part))
            }
        };
        let mut masks = HashMap::new();
        for (number, call) in walk.calls.iter().enumerate() {
            let drawn = call.part.mask_shapes().zip(&call.drawn.masks);
            for (mask, (shape, values)) in drawn.enumerate() {
                masks.insert(format!("mask{number}.{mask}"), (shape.at(1), values));
            }
        }
        let mut operands = vec![];
        for source in &part.sources {
            let number = |prefix: &str| source.name.strip_prefix(prefix)?.parse::<usize>().ok();
            let tensor = if let Some((shape, values)) = masks.get(&source.name) {
                let array = PyArrayDyn::zeros(py, IxDyn(shape), false);
                array.try_readwrite()?.as_slice_mut()?.copy_from_slice(values);
                Some(Bound::new(py, Tensor::of(array.as_untyped().clone()))?)
            } else if let Some(place) = number("leaf") {
                walk.leaves.get(place).map(|leaf| leaf.bind(py).clone())
            } else if let Some(index) = number("result") {
                of.get(index).cloned()
            } else {
                above.cloned()
            };
            let lost = || {
                PyRuntimeError::new_err(format!("the gradient's operand {} is lost", source.name))
            };
            operands.push(tensor.ok_or_else(lost)?);
        }
        Ok((part, operands))
    }

    fn ready(&self) -> glassnet::Result<Arc<Ready>> {
        Ready::known(&self.ready, || {
            Ready::compile(&self.graph, &self.gradients, self.inputs.clone())
        })
    }

    /// The gradients as new arrays.
    pub(crate) fn run<'py>(
        &self,
        py: Python<'py>,
        walk: &Walk,
        above: Option<&Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Vec<Bound<'py, PyUntypedArray>>> {
        let leaves: Vec<_> =
            walk.leaves.iter().map(|tensor| tensor.borrow(py).array(py).clone()).collect();
        if leaves.iter().chain(above).any(is_double) {
            return self.run_double(py, walk, &leaves, above);
        }
        let fill = |feeder: &mut Feeder<'_>| {
            let mut next = 0..self.inputs.len();
            for (leaf, index) in leaves.iter().zip(&mut next) {
                feeder.feed(index, leaf)?;
            }
            let masks = walk.calls.iter().flat_map(|call| &call.drawn.masks);
            for (mask, index) in masks.zip(&mut next) {
                feeder.feed_floats(index, mask);
            }
            for (above, index) in above.into_iter().zip(&mut next) {
                feeder.feed(index, above)?;
            }
            Ok(())
        };
        threads::settle(py)?;
        self.ready().or_exception()?.run(py, fill, |plan, memory| {
            let values = plan.results(memory);
            let array = |(index, &id): (usize, &NodeId)| {
                let array = PyArrayDyn::zeros(py, IxDyn(&self.graph.shape(id).at(1)), false);
                let from = &values[plan.result_range(index)];
                array.try_readwrite()?.as_slice_mut()?.copy_from_slice(from);
                Ok(array.as_untyped().clone())
            };
            self.gradients.iter().enumerate().map(array).collect()
        })
    }

    /// As [`Joined::run`] in `float64`; towards a `float32` leaf the gradient is rounded to its type.
    fn run_double<'py>(
        &self,
        py: Python<'py>,
        walk: &Walk,
        leaves: &[Bound<'py, PyUntypedArray>],
        above: Option<&Bound<'py, PyUntypedArray>>,
    ) -> PyResult<Vec<Bound<'py, PyUntypedArray>>> {
        let mut feeds = Feeds::new();
        let mut inputs = self.inputs.iter();
        for (leaf, (name, dtype)) in leaves.iter().zip(&mut inputs) {
            feeds.set_input(name, double_feed(leaf, *dtype)?);
        }
        for (number, call) in walk.calls.iter().enumerate() {
            for ((mask, shape), values) in
                call.part.mask_shapes().enumerate().zip(&call.drawn.masks)
            {
                let values = values.iter().map(|&value| f64::from(value)).collect();
                let values = glassnet::Tensor::new(shape.at(1), values).or_exception()?;
                feeds.set_input(format!("mask{number}.{mask}"), values);
            }
        }
        if let Some(above) = above {
            feeds.set_input("above", double_feed(above, DType::F32)?);
        }
        let values = py.detach(|| evaluate(&self.graph, &feeds, 1)).or_exception()?;
        self.gradients.iter().map(|&id| double_array(py, &values[id])).collect()
    }
}

/// The joined graphs of structures that were met before.
static JOINED: Mutex<Option<HashMap<Vec<u64>, Arc<Joined>>>> = Mutex::new(None);
static USES: AtomicU64 = AtomicU64::new(1);

/// The joined graph known by `key`, made by `build` at its first use.
pub(crate) fn joined(
    key: Vec<u64>,
    build: impl FnOnce() -> glassnet::Result<Joined>,
) -> glassnet::Result<Arc<Joined>> {
    let mut known = JOINED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    let use_ = USES.fetch_add(1, Ordering::Relaxed);
    if let Some(found) = known.get(&key) {
        found.last_use.store(use_, Ordering::Relaxed);
        return Ok(Arc::clone(found));
    }
    let new = Arc::new(build()?);
    new.last_use.store(use_, Ordering::Relaxed);
    if known.len() >= KEPT {
        let oldest = known.iter().min_by_key(|(_, joined)| joined.last_use.load(Ordering::Relaxed));
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            known.remove(&oldest);
        }
    }
    known.insert(key, Arc::clone(&new));
    Ok(new)
}
