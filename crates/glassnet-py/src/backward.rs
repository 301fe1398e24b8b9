//! `backward()`: the gradient of what was computed.
//!
//! It walks from a result to the leaves (`walk`), joins the calls' pieces to one graph, which the library differentiates
//! (`joined`), and runs what comes out on the engine. A training loop compiles in its first step only.

use std::sync::{Arc, PoisonError};

use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyWeakrefMethods;

use crate::errors::OrException;
use crate::joined::{Joined, Towards, joined};
use crate::piece::is_double;
use crate::tape::{self, Origin};
use crate::tensor::{Tensor, set_grad_enabled};
use crate::walk::{Walk, walk};

/// Computes the gradient of `root` and adds it to the leaves' `grad`; or, with `inputs`, returns that towards each of
/// these, `None` where the root does not depend on it. With `create_graph` the gradients can be differentiated again.
#[pyfunction]
#[pyo3(signature = (root, above=None, retain_graph=false, inputs=None, create_graph=false))]
pub(crate) fn backward<'py>(
    py: Python<'py>,
    root: &Bound<'py, Tensor>,
    above: Option<&Bound<'py, Tensor>>,
    retain_graph: bool,
    inputs: Option<Vec<Bound<'py, Tensor>>>,
    create_graph: bool,
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
    let Some(origin) = origin else {
        let above = above.map(|above| above.borrow().array(py).clone());
        return backward_of_leaf(py, root, above, inputs);
    };
    let walk = walk(py, &origin)?;
    let towards = towards(py, &walk, inputs.as_deref());
    let mut key = walk.key.clone();
    key.extend([
        u64::MAX - 1,
        u64::from(above.is_some()) + 2 * u64::from(create_graph),
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
    let build = || Joined::build(py, &walk, &origin, above.is_some(), &wanted, create_graph);
    let joined = joined(key, build).or_exception()?;
    if create_graph {
        let of: Vec<_> = towards.iter().flatten().map(|(_, tensor)| tensor.clone()).collect();
        let mut found = recorded(py, &joined, &walk, above, &of)?.into_iter();
        if !retain_graph {
            walk.calls.iter().for_each(|call| drop(call.take_operands()));
        }
        let mut next = |wanted: bool| if wanted { found.next() } else { None };
        let gradients: Vec<_> = towards.iter().map(|towards| next(towards.is_some())).collect();
        if inputs.is_some() {
            return Ok(gradients);
        }
        for (tensor, gradient) in of.iter().zip(gradients.into_iter().flatten()) {
            keep(py, tensor, gradient)?;
        }
        return Ok(vec![]);
    }
    let above = above.map(|above| above.borrow().array(py).clone());
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

/// The gradients as tensors that know what computed them.
fn recorded<'py>(
    py: Python<'py>,
    joined: &Joined,
    walk: &Walk,
    above: Option<&Bound<'py, Tensor>>,
    of: &[Bound<'py, Tensor>],
) -> PyResult<Vec<Py<Tensor>>> {
    let (part, operands) = joined.piece(py, walk, above, of)?;
    let (arrays, drawn) = part.run(py, &operands)?;
    // Also within `no_grad()`: it was asked for.
    let before = set_grad_enabled(true);
    let call = tape::record(&part, &operands, drawn);
    set_grad_enabled(before);
    let call = call?;
    let tensor = |(output, array)| {
        let origin = call.as_ref().map(|call| Origin::new(call, output));
        Py::new(py, Tensor::of(array).computed(origin))
    };
    arrays.into_iter().enumerate().map(tensor).collect()
}

/// Adds a gradient that can be differentiated again to a tensor's `grad`.
fn keep(py: Python<'_>, tensor: &Bound<'_, Tensor>, gradient: Py<Tensor>) -> PyResult<()> {
    let before = tensor.borrow().grad_of(py);
    let total = match before {
        Some(before) => before.bind(py).call_method1("__add__", (gradient,))?,
        None => gradient.into_bound(py).into_any(),
    };
    tensor.setattr("grad", total)
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
