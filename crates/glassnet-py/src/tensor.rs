//! The class `Tensor`: a NumPy array, the count of its changes, its gradient, and the call that computed it.
//!
//! Here is what computes and what must be quick; the methods that people know are written in Python
//! (`python/glassnet/_tensor.py`) and put onto this class there.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use numpy::{
    PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::tape::Origin;

thread_local! {
    static GRADIENTS: Cell<bool> = const { Cell::new(true) };
}

/// Whether calls are recorded, on this thread: `no_grad()` and `enable_grad()` change it.
#[pyfunction]
pub(crate) fn is_grad_enabled() -> bool {
    GRADIENTS.get()
}

/// Sets whether calls are recorded, on this thread; returns what was set before.
#[pyfunction]
pub(crate) fn set_grad_enabled(enabled: bool) -> bool {
    GRADIENTS.replace(enabled)
}

/// The changes of one piece of memory, shared by all tensors that see it.
#[derive(Debug, Default)]
pub(crate) struct Store {
    version: AtomicU64,
    /// Whether it belongs to a parameter: NumPy sees it read-only then, so that every change is counted.
    sealed: AtomicBool,
}

impl Store {
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    pub(crate) fn count_a_change(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
    }
}

/// A multi-dimensional array whose computations can be differentiated.
#[pyclass(subclass, weakref, module = "glassnet", name = "Tensor")]
pub(crate) struct Tensor {
    array: Py<PyUntypedArray>,
    store: Arc<Store>,
    requires_grad: bool,
    retains_grad: bool,
    grad: Option<Py<PyAny>>,
    origin: Option<Origin>,
}

impl Tensor {
    /// A tensor that nobody else knows yet.
    pub(crate) fn of(array: Bound<'_, PyUntypedArray>) -> Self {
        Tensor {
            array: array.unbind(),
            store: Arc::default(),
            requires_grad: false,
            retains_grad: false,
            grad: None,
            origin: None,
        }
    }

    /// The same with the call that computed it, which makes it require a gradient.
    pub(crate) fn computed(mut self, origin: Option<Origin>) -> Self {
        self.requires_grad = origin.is_some();
        self.origin = origin;
        self
    }

    /// Another tensor of the same memory.
    pub(crate) fn seen(&self, py: Python<'_>) -> Self {
        let store = Arc::clone(&self.store);
        Tensor { store, ..Tensor::of(self.array.bind(py).clone()) }
    }

    pub(crate) fn array<'py>(&self, py: Python<'py>) -> &Bound<'py, PyUntypedArray> {
        self.array.bind(py)
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    pub(crate) fn grad_of(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.grad.as_ref().map(|grad| grad.clone_ref(py))
    }

    pub(crate) fn needs_grad(&self) -> bool {
        self.requires_grad
    }

    /// Whether a gradient is kept here: for leaves, and where `retain_grad()` asked for it.
    pub(crate) fn keeps_grad(&self) -> bool {
        self.requires_grad && (self.origin.is_none() || self.retains_grad)
    }

    /// Adds `more` to the gradient, which belongs to nobody else.
    pub(crate) fn add_to_grad<'py>(
        slf: &Bound<'py, Self>,
        more: Bound<'py, PyUntypedArray>,
    ) -> PyResult<()> {
        let py = slf.py();
        let before = slf.borrow().grad.as_ref().map(|grad| grad.clone_ref(py));
        if let Some(before) = before {
            let before = before.bind(py).cast::<Tensor>()?;
            let array = before.borrow().array(py).clone();
            add_in_place(&array, &more)?;
            before.borrow().store.count_a_change();
        } else {
            let grad = Bound::new(py, Tensor::of(more))?;
            slf.borrow_mut().grad = Some(grad.into_any().unbind());
        }
        Ok(())
    }
}

fn add_in_place(to: &Bound<'_, PyUntypedArray>, more: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
    if let (Ok(to), Ok(more)) = (to.cast::<PyArrayDyn<f32>>(), more.cast::<PyArrayDyn<f32>>()) {
        let (mut to, more) = (to.try_readwrite()?, more.try_readonly()?);
        to.as_array_mut().zip_mut_with(&more.as_array(), |to, more| *to += more);
        return Ok(());
    }
    if let (Ok(to), Ok(more)) = (to.cast::<PyArrayDyn<f64>>(), more.cast::<PyArrayDyn<f64>>()) {
        let (mut to, more) = (to.try_readwrite()?, more.try_readonly()?);
        to.as_array_mut().zip_mut_with(&more.as_array(), |to, more| *to += more);
        return Ok(());
    }
    Err(PyTypeError::new_err("a gradient has another element type than its tensor"))
}

#[pymethods]
impl Tensor {
    /// `Tensor(data)` makes `float32` of whatever it is given, `Tensor(2, 3)` an array of that shape.
    #[new]
    #[pyo3(signature = (*data))]
    fn new(data: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let py = data.py();
        if let Ok(given) = data.get_item(0)
            && data.len() == 1
            && let Ok(other) = given.cast::<Tensor>()
        {
            let other = other.borrow();
            if other.array.bind(py).cast::<PyArrayDyn<f32>>().is_ok() {
                let store = Arc::clone(&other.store);
                return Ok(Tensor { store, ..Tensor::of(other.array.bind(py).clone()) });
            }
        }
        let convert = py.import("glassnet._convert")?.getattr("tensor_arguments")?;
        let array = convert.call1((data,))?.cast_into::<PyUntypedArray>()?;
        Ok(Tensor::of(array))
    }

    /// A tensor around `array` as it is, without copying it.
    #[classmethod]
    fn _around(
        class: &Bound<'_, PyType>,
        array: &Bound<'_, PyUntypedArray>,
    ) -> PyResult<Py<Tensor>> {
        Py::new(class.py(), Tensor::of(array.clone()))
    }

    /// A tensor that sees this one's memory through `array`, a view of it.
    fn _view(&self, array: &Bound<'_, PyUntypedArray>) -> PyResult<Py<Tensor>> {
        let store = Arc::clone(&self.store);
        Py::new(array.py(), Tensor { store, ..Tensor::of(array.clone()) })
    }

    /// Sees another tensor's memory from now on: `tensor.data = other`.
    fn _see(slf: &Bound<'_, Self>, other: &Bound<'_, Tensor>) -> PyResult<()> {
        if slf.is(other) {
            return Ok(());
        }
        let (array, store) = {
            let other = other.borrow();
            (other.array.clone_ref(slf.py()), Arc::clone(&other.store))
        };
        let mut this = slf.borrow_mut();
        if this.store.sealed.load(Ordering::Relaxed) {
            store.sealed.store(true, Ordering::Relaxed);
        }
        // What was compiled for the old memory compares numbers of changes: none must come again.
        let passed = this.store.version() + store.version() + 1;
        store.version.store(passed, Ordering::Relaxed);
        (this.array, this.store) = (array, store);
        Ok(())
    }

    /// Takes another tensor's value and history: an operation in place.
    fn _become(slf: &Bound<'_, Self>, other: &Bound<'_, Tensor>) -> PyResult<()> {
        Tensor::_see(slf, other)?;
        let (requires_grad, origin) = {
            let other = other.borrow();
            (other.requires_grad, other.origin.clone())
        };
        let mut this = slf.borrow_mut();
        (this.requires_grad, this.origin) = (requires_grad, origin);
        Ok(())
    }

    /// The array itself, writable as it is: for code that counts the change.
    #[getter]
    fn _array(&self, py: Python<'_>) -> Py<PyUntypedArray> {
        self.array.clone_ref(py)
    }

    /// How often the memory was changed through tensors.
    #[getter]
    fn _version(&self) -> u64 {
        self.store.version()
    }

    /// Counts a change of the memory.
    fn _changed(&self) {
        self.store.count_a_change();
    }

    /// Makes NumPy see the memory read-only from now on: it belongs to a parameter.
    fn _seal(&self) {
        self.store.sealed.store(true, Ordering::Relaxed);
    }

    /// Whether NumPy sees the memory read-only.
    #[getter]
    fn _sealed(&self) -> bool {
        self.store.sealed.load(Ordering::Relaxed)
    }

    /// Whether gradients towards this tensor are computed.
    #[getter]
    fn requires_grad(&self) -> bool {
        self.requires_grad
    }

    #[setter]
    fn set_requires_grad(slf: &Bound<'_, Self>, requires: bool) -> PyResult<()> {
        let is_float = {
            let array = slf.borrow().array.clone_ref(slf.py());
            let kind: char = array.bind(slf.py()).dtype().getattr("kind")?.extract()?;
            kind == 'f'
        };
        let mut this = slf.borrow_mut();
        if this.origin.is_some() && !requires {
            return Err(PyRuntimeError::new_err(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in \
                 a subgraph that doesn't require differentiation use var_no_grad = var.detach().",
            ));
        }
        if requires && !is_float {
            return Err(PyRuntimeError::new_err(
                "only Tensors of floating point and complex dtype can require gradients",
            ));
        }
        this.requires_grad = requires;
        Ok(())
    }

    /// The gradient that `backward()` computed, or `None`.
    #[getter]
    fn grad(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.grad_of(py)
    }

    #[setter]
    fn set_grad(slf: &Bound<'_, Self>, grad: Option<Bound<'_, Tensor>>) -> PyResult<()> {
        let py = slf.py();
        if let Some(grad) = &grad {
            if slf.is(grad) {
                return Err(PyRuntimeError::new_err("can't assign Variable as its own grad"));
            }
            let (own, given) =
                (slf.borrow().array.clone_ref(py), grad.borrow().array.clone_ref(py));
            let (own, given) = (own.bind(py), given.bind(py));
            if own.shape() != given.shape() {
                return Err(PyRuntimeError::new_err(format!(
                    "assigned grad has data of a different size: shape {:?}, the tensor's is {:?}",
                    given.shape(),
                    own.shape()
                )));
            }
            if !own.dtype().is(given.dtype()) && !own.dtype().eq(given.dtype())? {
                return Err(PyRuntimeError::new_err(format!(
                    "assigned grad has data of a different type: {}, the tensor's is {}",
                    given.dtype(),
                    own.dtype()
                )));
            }
        }
        slf.borrow_mut().grad = grad.map(|grad| grad.into_any().unbind());
        Ok(())
    }

    /// Whether nothing that was recorded computed this tensor.
    #[getter]
    fn is_leaf(&self) -> bool {
        self.origin.is_none()
    }

    /// The name of the recorded call that computed this tensor, or `None`.
    #[getter]
    fn _computed_by(&self) -> Option<String> {
        self.origin.as_ref().map(|origin| origin.name().to_owned())
    }

    /// Whether `retain_grad()` was called.
    #[getter]
    fn retains_grad(&self) -> bool {
        self.retains_grad && self.origin.is_some()
    }

    /// Keeps this tensor's gradient though it is no leaf.
    fn retain_grad(slf: &Bound<'_, Self>) -> PyResult<()> {
        if !slf.borrow().requires_grad {
            return Err(PyRuntimeError::new_err(
                "can't retain_grad on Tensor that has requires_grad=False",
            ));
        }
        let origin = slf.borrow().origin.clone();
        if let Some(origin) = origin {
            slf.borrow_mut().retains_grad = true;
            origin.keep_for(slf)?;
        }
        Ok(())
    }
}

/// The floats of an array in row-major order, where it lies or, if its layout is another, copied.
pub(crate) fn with_floats<T: numpy::Element + Copy, R>(
    array: &Bound<'_, PyUntypedArray>,
    read: impl FnOnce(&[T]) -> R,
) -> PyResult<R> {
    let in_order = array.is_c_contiguous();
    let array: PyReadonlyArrayDyn<'_, T> = array.cast::<PyArrayDyn<T>>()?.try_readonly()?;
    match array.as_slice() {
        Ok(slice) if in_order => Ok(read(slice)),
        // In another order: Fortran's, for instance, is a slice too.
        Ok(_) | Err(_) => Ok(read(&array.as_array().iter().copied().collect::<Vec<T>>())),
    }
}
