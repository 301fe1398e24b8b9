//! The way from a result back to the leaves, and its structure as numbers.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::tape::{Call, Operand, Origin};
use crate::tensor::Tensor;

const SECOND_TIME: &str = "Trying to backward through the graph a second time (or directly access saved tensors after they \
    have already been freed). Saved intermediate values of the graph are freed when you call .backward() or \
    autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to \
    access saved tensors after calling backward.";

/// The calls behind a result in order, the leaves, and all of their structure as numbers.
pub(crate) struct Walk {
    pub(crate) calls: Vec<Arc<Call>>,
    pub(crate) places: HashMap<*const Call, usize>,
    pub(crate) leaves: Vec<Py<Tensor>>,
    pub(crate) leaf_places: HashMap<usize, usize>,
    pub(crate) key: Vec<u64>,
    /// For each call, where its operands come from.
    pub(crate) links: Vec<Vec<Link>>,
}

/// Where an operand comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    Leaf(usize),
    Computed(usize, usize),
    Unused,
}

/// Walks back from `root`.
pub(crate) fn walk(py: Python<'_>, root: &Origin) -> PyResult<Walk> {
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
