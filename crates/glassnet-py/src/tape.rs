//! What was computed, and the gradient of it.
//!
//! A call that may need a gradient is recorded with its operands. `backward()` walks from a result to the leaves, joins
//! the calls' pieces to one graph, lets the library differentiate it (`glassnet::grad`), and runs what comes out on the
//! engine. The joined graph is compiled once for each structure of calls, so a training loop compiles in its first step.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use glassnet::grad::grad;
use glassnet::graph::op::Reduction;
use glassnet::graph::{Builder, Checked, DType, NodeId, Shape};
use glassnet::reference::{Feeds, evaluate};
use numpy::{IxDyn, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};

use crate::errors::OrException;
use crate::piece::{Drawn, Feeder, Part, Ready, double_array, double_feed, is_double};
use crate::tensor::{Tensor, is_grad_enabled};

/// How many joined graphs are kept compiled.
const KEPT: usize = 128;

const SECOND_TIME: &str = "Trying to backward through the graph a second time (or directly access saved tensors after they \
    have already been freed). Saved intermediate values of the graph are freed when you call .backward() or \
    autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to \
    access saved tensors after calling backward.";

/// A call that was recorded.
#[derive(Debug)]
pub(crate) struct Call {
    part: Arc<Part>,
    /// `None` once the graph was freed.
    operands: Mutex<Option<Vec<Operand>>>,
    drawn: Drawn,
    /// Results whose gradients are kept, by weak references to their tensors.
    kept: Mutex<Vec<(usize, Py<PyWeakrefReference>)>>,
}

#[derive(Debug)]
enum Operand {
    Leaf { tensor: Py<Tensor>, version: u64 },
    Computed(Origin),
}

/// A result of a recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    call: Arc<Call>,
    output: usize,
}

impl Origin {
    pub(crate) fn new(call: &Arc<Call>, output: usize) -> Self {
        Origin { call: Arc::clone(call), output }
    }

    /// The name of what was called.
    pub(crate) fn name(&self) -> &str {
        &self.call.part.name
    }

    /// Lets `tensor` have the gradient of this result.
    pub(crate) fn keep_for(&self, tensor: &Bound<'_, Tensor>) -> PyResult<()> {
        let reference = PyWeakrefReference::new(tensor)?.unbind();
        let mut kept = self.call.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push((self.output, reference));
        Ok(())
    }
}

impl Call {
    fn take_operands(&self) -> Vec<Operand> {
        let mut operands = self.operands.lock().unwrap_or_else(PoisonError::into_inner);
        operands.take().unwrap_or_default()
    }
}

impl Drop for Call {
    /// Without recursion: a sum that grew over a hundred thousand steps is as deep.
    fn drop(&mut self) {
        let mut waiting = self.take_operands();
        while let Some(operand) = waiting.pop() {
            if let Operand::Computed(origin) = operand
                && let Some(call) = Arc::into_inner(origin.call)
            {
                waiting.append(&mut call.take_operands());
            }
        }
    }
}

/// Records a call of `part`, if a gradient may be wanted.
pub(crate) fn record(
    part: &Arc<Part>,
    operands: &[Bound<'_, Tensor>],
    drawn: Drawn,
) -> PyResult<Option<Arc<Call>>> {
    let wanted =
        |(operand, used): (&Bound<'_, Tensor>, bool)| used && operand.borrow().needs_grad();
    let used = part.sources.iter().map(|source| source.used);
    if !is_grad_enabled() || !operands.iter().zip(used).any(wanted) {
        return Ok(None);
    }
    let operands = operands.iter().map(|tensor| {
        let known = tensor.borrow();
        match known.origin() {
            Some(origin) => Operand::Computed(origin.clone()),
            None => {
                Operand::Leaf { tensor: tensor.clone().unbind(), version: known.store().version() }
            }
        }
    });
    Ok(Some(Arc::new(Call {
        part: Arc::clone(part),
        operands: Mutex::new(Some(operands.collect())),
        drawn,
        kept: Mutex::default(),
    })))
}

/// The calls behind a result in order, the leaves, and all of their structure as numbers.
struct Walk {
    calls: Vec<Arc<Call>>,
    places: HashMap<*const Call, usize>,
    leaves: Vec<Py<Tensor>>,
    leaf_places: HashMap<usize, usize>,
    key: Vec<u64>,
    /// For each call, where its operands come from.
    links: Vec<Vec<Link>>,
}

#[derive(Clone, Copy, Debug)]
enum Link {
    Leaf(usize),
    Computed(usize, usize),
    Unused,
}

fn walk(py: Python<'_>, root: &Origin) -> PyResult<Walk> {
    let mut walk = Walk {
        calls: vec![],
        places: HashMap::new(),
        leaves: vec![],
        leaf_places: HashMap::new(),
        key: vec![],
        links: vec![],
    };
    // A call is entered once to put what it needs before it, and again to take its own place.
    let mut stack = vec![(Arc::clone(&root.call), false)];
    while let Some((call, is_second)) = stack.pop() {
        if walk.places.contains_key(&Arc::as_ptr(&call)) {
            continue;
        }
        let guard = call.operands.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(operands) = guard.as_ref() else {
            return Err(PyRuntimeError::new_err(SECOND_TIME));
        };
        if !is_second {
            stack.push((Arc::clone(&call), true));
            for (operand, source) in operands.iter().zip(&call.part.sources) {
                if let Operand::Computed(origin) = operand
                    && source.used
                    && !walk.places.contains_key(&Arc::as_ptr(&origin.call))
                {
                    stack.push((Arc::clone(&origin.call), false));
                }
            }
            continue;
        }
        let links = walk.link(py, &call, operands)?;
        drop(guard);
        walk.links.push(links);
        walk.places.insert(Arc::as_ptr(&call), walk.calls.len());
        walk.calls.push(call);
    }
    Ok(walk)
}

impl Walk {
    fn link(&mut self, py: Python<'_>, call: &Call, operands: &[Operand]) -> PyResult<Vec<Link>> {
        let mut links = Vec::with_capacity(operands.len());
        self.key.extend([u64::MAX, call.part.id]);
        for (operand, source) in operands.iter().zip(&call.part.sources) {
            let link = match operand {
                _ if !source.used => Link::Unused,
                Operand::Computed(origin) => {
                    Link::Computed(self.places[&Arc::as_ptr(&origin.call)], origin.output)
                }
                Operand::Leaf { tensor, version } => {
                    let now = tensor.borrow(py).store().version();
                    if now != *version {
                        return Err(PyRuntimeError::new_err(format!(
                            "one of the variables needed for gradient computation has been modified by an inplace \
                             operation: the operand {} of {}, of shape {:?}, is at version {now}; expected version \
                             {version} instead",
                            source.name, call.part.name, source.shape
                        )));
                    }
                    let next = self.leaves.len();
                    let place = *self.leaf_places.entry(tensor.as_ptr() as usize).or_insert(next);
                    if place == next {
                        self.leaves.push(tensor.clone_ref(py));
                    }
                    Link::Leaf(place)
                }
            };
            self.key.extend(match link {
                Link::Leaf(place) => {
                    let wanted = self.leaves[place].borrow(py).needs_grad();
                    [place as u64, u64::from(wanted)]
                }
                Link::Computed(place, output) => [place as u64, output as u64 + 2],
                Link::Unused => [u64::MAX, 0],
            });
            links.push(link);
        }
        Ok(links)
    }
}

/// Of what the gradient is wanted: a leaf, or a call's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Towards {
    Leaf(usize),
    Result(usize, usize),
}

/// A joined graph with its gradient.
#[derive(Debug)]
struct Joined {
    graph: Checked,
    gradients: Vec<NodeId>,
    /// The inputs: leaves, masks, and the gradient that comes from above.
    inputs: Vec<(String, DType)>,
    ready: OnceLock<Ready>,
    last_use: AtomicU64,
}

impl Joined {
    fn build(
        py: Python<'_>,
        walk: &Walk,
        root: &Origin,
        from_above: bool,
        towards: &[Towards],
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
            results.push(call.part.append(&mut builder, &operands, &masks)?);
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
            ready: OnceLock::new(),
            last_use: AtomicU64::new(0),
        })
    }

    fn ready(&self) -> glassnet::Result<&Ready> {
        if let Some(ready) = self.ready.get() {
            return Ok(ready);
        }
        let ready = Ready::compile(&self.graph, &self.gradients, &self.inputs)?;
        Ok(self.ready.get_or_init(|| ready))
    }

    /// The gradients as new arrays.
    fn run<'py>(
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

fn joined(
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

/// Computes the gradient of `root` and adds it to the leaves' `grad`; or, with `inputs`, returns that towards each of
/// these, `None` where the root does not depend on it.
#[pyfunction]
#[pyo3(signature = (root, above=None, retain_graph=false, inputs=None))]
pub(crate) fn backward<'py>(
    py: Python<'py>,
    root: &Bound<'py, Tensor>,
    above: Option<&Bound<'py, Tensor>>,
    retain_graph: bool,
    inputs: Option<Vec<Bound<'py, Tensor>>>,
) -> PyResult<Vec<Option<Py<Tensor>>>> {
    let array = root.borrow().array(py).clone();
    if !root.borrow().needs_grad() {
        return Err(PyRuntimeError::new_err(
            "element 0 of tensors does not require grad and does not have a grad_fn",
        ));
    }
    match above {
        Some(above) if above.borrow().array(py).shape() != array.shape() => {
            return Err(PyRuntimeError::new_err(format!(
                "Mismatch in shape: grad_output has a shape of {:?} and output has a shape of {:?}.",
                above.borrow().array(py).shape(),
                array.shape()
            )));
        }
        None if array.len() != 1 => {
            return Err(PyRuntimeError::new_err(
                "grad can be implicitly created only for scalar outputs",
            ));
        }
        Some(_) | None => {}
    }
    let origin = root.borrow().origin().cloned();
    let above = above.map(|above| above.borrow().array(py).clone());
    let Some(origin) = origin else {
        return backward_of_leaf(py, root, above, inputs);
    };
    let walk = walk(py, &origin)?;
    let towards = towards(py, &walk, inputs.as_deref());
    let mut key = walk.key.clone();
    key.extend([
        u64::MAX - 1,
        u64::from(above.is_some()),
        walk.places[&Arc::as_ptr(&origin.call)] as u64,
        origin.output as u64,
    ]);
    for &(towards, _) in towards.iter().flatten() {
        key.extend(match towards {
            Towards::Leaf(place) => [place as u64, 0],
            Towards::Result(place, output) => [place as u64, output as u64 + 1],
        });
    }
    let wanted: Vec<Towards> = towards.iter().flatten().map(|(towards, _)| *towards).collect();
    let build = || Joined::build(py, &walk, &origin, above.is_some(), &wanted);
    let joined = joined(key, build).or_exception()?;
    let mut found = joined.run(py, &walk, above.as_ref())?.into_iter();
    if !retain_graph {
        for call in &walk.calls {
            call.take_operands();
        }
    }
    let mut gradients = vec![];
    for towards in towards {
        let Some((_, tensor)) = towards else {
            gradients.push(None);
            continue;
        };
        let Some(gradient) = found.next() else { continue };
        let gradient = as_type_of(&gradient, tensor.borrow().array(py))?;
        if inputs.is_some() {
            gradients.push(Some(Py::new(py, Tensor::of(gradient))?));
        } else {
            Tensor::add_to_grad(&tensor, gradient)?;
        }
    }
    Ok(gradients)
}

/// What gradients are wanted, each with the tensor that it is of; `None` for an input on which the root does not depend.
fn towards<'py>(
    py: Python<'py>,
    walk: &Walk,
    inputs: Option<&[Bound<'py, Tensor>]>,
) -> Vec<Option<(Towards, Bound<'py, Tensor>)>> {
    if let Some(inputs) = inputs {
        return inputs
            .iter()
            .map(|tensor| {
                let origin = tensor.borrow().origin().cloned();
                let place = match &origin {
                    Some(origin) => {
                        let place = walk.places.get(&Arc::as_ptr(&origin.call));
                        place.map(|&place| Towards::Result(place, origin.output))
                    }
                    None => {
                        let place = walk.leaf_places.get(&(tensor.as_ptr() as usize));
                        place.map(|&place| Towards::Leaf(place))
                    }
                };
                place.map(|place| (place, tensor.clone()))
            })
            .collect();
    }
    let mut wanted = vec![];
    for (place, tensor) in walk.leaves.iter().enumerate() {
        if tensor.borrow(py).keeps_grad() {
            wanted.push(Some((Towards::Leaf(place), tensor.bind(py).clone())));
        }
    }
    for (place, call) in walk.calls.iter().enumerate() {
        let kept = call.kept.lock().unwrap_or_else(PoisonError::into_inner);
        for (output, reference) in kept.iter() {
            let tensor = reference.bind(py).upgrade();
            if let Some(tensor) = tensor.and_then(|tensor| tensor.cast_into::<Tensor>().ok()) {
                wanted.push(Some((Towards::Result(place, *output), tensor)));
            }
        }
    }
    wanted
}

/// The gradient of a leaf towards itself.
fn backward_of_leaf<'py>(
    py: Python<'py>,
    root: &Bound<'py, Tensor>,
    above: Option<Bound<'py, PyUntypedArray>>,
    inputs: Option<Vec<Bound<'py, Tensor>>>,
) -> PyResult<Vec<Option<Py<Tensor>>>> {
    let own = root.borrow().array(py).clone();
    let one = || match above {
        Some(above) => as_type_of(above.call_method0("copy")?.cast::<PyUntypedArray>()?, &own),
        None => Ok(py
            .import("numpy")?
            .call_method1("ones_like", (&own,))?
            .cast_into::<PyUntypedArray>()?),
    };
    let Some(inputs) = inputs else {
        Tensor::add_to_grad(root, one()?)?;
        return Ok(vec![]);
    };
    let gradient = one()?;
    let towards = |tensor: &Bound<'py, Tensor>| {
        let same = tensor.is(root);
        same.then(|| Py::new(py, Tensor::of(gradient.clone()))).transpose()
    };
    inputs.iter().map(towards).collect()
}

/// The same numbers in the element type of `like`.
fn as_type_of<'py>(
    array: &Bound<'py, PyUntypedArray>,
    like: &Bound<'py, PyUntypedArray>,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    if is_double(array) == is_double(like) {
        return Ok(array.clone());
    }
    Ok(array.call_method1("astype", (like.dtype(),))?.cast_into::<PyUntypedArray>()?)
}
