//! PyTorch's global generator: `manual_seed`, `rand`, `randn`, `randint`, `randperm`, and the initialisers.

use std::sync::{Mutex, PoisonError};

use glassnet::math::torch_random::TorchGenerator;
use glassnet::nn::init::Init;
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::OrException;
use crate::ready::seed_masks;

static GENERATOR: Mutex<Option<TorchGenerator>> = Mutex::new(None);

/// The seed that PyTorch starts from where none is given.
const DEFAULT_SEED: u64 = 67_280_421_310_721;

/// Locked with the interpreter held, so that a fork never finds it locked.
pub(crate) fn with_generator<R>(draw: impl FnOnce(&mut TorchGenerator) -> R) -> R {
    let mut generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    draw(generator.get_or_insert_with(|| TorchGenerator::new(DEFAULT_SEED)))
}

/// A stream of random numbers of its own, as PyTorch's of that name.
#[pyclass(frozen, module = "glassnet", name = "Generator")]
pub(crate) struct Generator(Mutex<TorchGenerator>);

#[pymethods]
impl Generator {
    #[new]
    #[pyo3(signature = (device="cpu"))]
    fn new(device: &str) -> PyResult<Self> {
        if device != "cpu" {
            return Err(PyRuntimeError::new_err(format!(
                "there is no device '{device}'; glassnet computes on the CPU"
            )));
        }
        Ok(Generator(Mutex::new(TorchGenerator::new(DEFAULT_SEED))))
    }

    /// Starts the stream from `seed`.
    fn manual_seed<'py>(slf: Bound<'py, Self>, seed: i128) -> Bound<'py, Self> {
        slf.get().draw(|generator| generator.manual_seed(seed as u64));
        slf
    }

    /// The seed that the stream started from.
    fn initial_seed(&self) -> u64 {
        self.draw(|generator| generator.initial_seed())
    }
}

impl Generator {
    fn draw<R>(&self, draw: impl FnOnce(&mut TorchGenerator) -> R) -> R {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Draws from `generator`, or from the global one.
fn draw_from<R>(
    generator: Option<&Bound<'_, Generator>>,
    draw: impl FnOnce(&mut TorchGenerator) -> R,
) -> R {
    match generator {
        Some(generator) => generator.get().draw(draw),
        None => with_generator(draw),
    }
}

/// A whole number of `0..2^63`, as PyTorch's `random_()` draws it.
#[pyfunction]
#[pyo3(signature = (generator=None))]
pub(crate) fn whole(generator: Option<&Bound<'_, Generator>>) -> i64 {
    draw_from(generator, TorchGenerator::random_i64)
}

/// Begins the generator again from `seed`, and with it the dropout masks.
#[pyfunction]
pub(crate) fn manual_seed(seed: i128) {
    // As in PyTorch, a negative seed counts from 2^64.
    let seed = seed as u64;
    with_generator(|generator| generator.manual_seed(seed));
    seed_masks(seed);
}

/// The seed that the generator started from.
#[pyfunction]
pub(crate) fn initial_seed() -> u64 {
    with_generator(|generator| generator.initial_seed())
}

/// Fills an array with numbers uniform over `[from, to)`.
#[pyfunction]
#[pyo3(signature = (array, from, to, generator=None))]
pub(crate) fn uniform<'py>(
    array: Bound<'py, PyArrayDyn<f32>>,
    from: f64,
    to: f64,
    generator: Option<&Bound<'_, Generator>>,
) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let mut values = array.try_readwrite()?;
    draw_from(generator, |from_| -> PyResult<()> {
        from_.uniform_(values.as_slice_mut()?, from, to).or_exception()
    })?;
    drop(values);
    Ok(array)
}

/// Fills an array with normal deviates.
#[pyfunction]
#[pyo3(signature = (array, mean, std, generator=None))]
pub(crate) fn normal<'py>(
    array: Bound<'py, PyArrayDyn<f32>>,
    mean: f64,
    std: f64,
    generator: Option<&Bound<'_, Generator>>,
) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let mut values = array.try_readwrite()?;
    draw_from(generator, |from_| -> PyResult<()> {
        from_.normal_(values.as_slice_mut()?, mean, std).or_exception()
    })?;
    drop(values);
    Ok(array)
}

/// Fills an array with integers of `low..high`.
#[pyfunction]
#[pyo3(signature = (array, low, high, generator=None))]
pub(crate) fn integers<'py>(
    array: Bound<'py, PyArrayDyn<i64>>,
    low: i64,
    high: i64,
    generator: Option<&Bound<'_, Generator>>,
) -> PyResult<Bound<'py, PyArrayDyn<i64>>> {
    let mut values = array.try_readwrite()?;
    draw_from(generator, |from_| -> PyResult<()> {
        from_.randint(values.as_slice_mut()?, low, high).or_exception()
    })?;
    drop(values);
    Ok(array)
}

/// A permutation of `0..n`.
#[pyfunction]
#[pyo3(signature = (n, generator=None))]
pub(crate) fn permutation<'py>(
    py: Python<'py>,
    n: usize,
    generator: Option<&Bound<'_, Generator>>,
) -> Bound<'py, PyArray1<i64>> {
    let order = draw_from(generator, |generator| generator.randperm(n));
    PyArray1::from_iter(py, order.into_iter().map(|place| place as i64))
}

/// Fills `array` by one of `torch.nn.init`'s initialisers, written as its call without the tensor.
#[pyfunction]
pub(crate) fn initialize(array: &Bound<'_, PyUntypedArray>, init: &str) -> PyResult<()> {
    let init: Init = init.parse().or_exception()?;
    let array = array.cast::<PyArrayDyn<f32>>()?;
    let mut values = glassnet::Tensor::full(array.shape(), 0.0_f32);
    with_generator(|generator| init.apply(&mut values, generator)).or_exception()?;
    let mut to = array.try_readwrite()?;
    for (to, value) in to.as_array_mut().iter_mut().zip(values.data()) {
        *to = *value;
    }
    Ok(())
}
