//! PyTorch's global generator: `manual_seed`, `rand`, `randn`, `randint`, `randperm`, and the initialisers.

use std::sync::{Mutex, PoisonError};

use glassnet::math::torch_random::TorchGenerator;
use glassnet::nn::init::Init;
use numpy::{IxDyn, PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::errors::OrException;
use crate::piece::seed_masks;

static GENERATOR: Mutex<Option<TorchGenerator>> = Mutex::new(None);

/// The seed that PyTorch starts from where none is given.
const DEFAULT_SEED: u64 = 67_280_421_310_721;

/// Locked with the interpreter held, so that a fork never finds it locked.
pub(crate) fn with_generator<R>(draw: impl FnOnce(&mut TorchGenerator) -> R) -> R {
    let mut generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    draw(generator.get_or_insert_with(|| TorchGenerator::new(DEFAULT_SEED)))
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

/// Numbers uniform over `[from, to)`.
#[pyfunction]
pub(crate) fn uniform(
    py: Python<'_>,
    shape: Vec<usize>,
    from: f64,
    to: f64,
) -> PyResult<Bound<'_, PyArrayDyn<f32>>> {
    let array = PyArrayDyn::zeros(py, IxDyn(&shape), false);
    with_generator(|generator| {
        generator.uniform_(array.try_readwrite()?.as_slice_mut()?, from, to).or_exception()
    })?;
    Ok(array)
}

/// Normal deviates.
#[pyfunction]
pub(crate) fn normal(
    py: Python<'_>,
    shape: Vec<usize>,
    mean: f64,
    std: f64,
) -> PyResult<Bound<'_, PyArrayDyn<f32>>> {
    let array = PyArrayDyn::zeros(py, IxDyn(&shape), false);
    with_generator(|generator| {
        generator.normal_(array.try_readwrite()?.as_slice_mut()?, mean, std).or_exception()
    })?;
    Ok(array)
}

/// Integers of `low..high`.
#[pyfunction]
pub(crate) fn integers(
    py: Python<'_>,
    shape: Vec<usize>,
    low: i64,
    high: i64,
) -> PyResult<Bound<'_, PyArrayDyn<i64>>> {
    let array = PyArrayDyn::zeros(py, IxDyn(&shape), false);
    with_generator(|generator| {
        generator.randint(array.try_readwrite()?.as_slice_mut()?, low, high).or_exception()
    })?;
    Ok(array)
}

/// A permutation of `0..n`.
#[pyfunction]
pub(crate) fn permutation(py: Python<'_>, n: usize) -> Bound<'_, PyArray1<i64>> {
    let order = with_generator(|generator| generator.randperm(n));
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
