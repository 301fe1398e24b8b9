//! Rows to learn from or to predict, from NumPy's arrays, which are read where they lie.

use std::sync::Arc;

use glassnet::Tensor;
use glassnet::train::{Dataset, Features, Target};
use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::OrException;
use crate::memory::Memory;

/// The numbers of `array` in its shape: where they lie if that is in row-major order, else a copy.
fn tensor<T>(array: &PyReadonlyArrayDyn<'_, T>) -> PyResult<Tensor<T>>
where
    T: numpy::Element + Copy + Send + Sync + 'static,
{
    let shape = array.shape().to_vec();
    if !array.is_c_contiguous() {
        let data = array.as_array().iter().copied().collect();
        return Tensor::new(shape, data).or_exception();
    }
    let memory = Memory::of(array)?;
    Tensor::shared(shape, Arc::new(memory)).or_exception()
}

/// What rows are described by: `float32`, or `int64` for a network that begins with an embedding.
pub(crate) fn read_features(x: &Bound<'_, PyAny>) -> PyResult<Features> {
    if let Ok(array) = x.extract::<PyReadonlyArrayDyn<'_, f32>>() {
        return Ok(Features::Floats(tensor(&array)?));
    }
    if let Ok(array) = x.extract::<PyReadonlyArrayDyn<'_, i64>>() {
        return Ok(Features::Indices(tensor(&array)?));
    }
    Err(PyTypeError::new_err("the features are no array of float32 or int64"))
}

/// What is to be predicted: class indices as `int64`, or numbers as `float32`.
fn read_target(y: &Bound<'_, PyAny>) -> PyResult<Target> {
    if let Ok(array) = y.extract::<PyReadonlyArrayDyn<'_, f32>>() {
        return Ok(Target::Values(tensor(&array)?));
    }
    if let Ok(array) = y.extract::<PyReadonlyArrayDyn<'_, i64>>()
        && array.ndim() == 1
    {
        return Ok(Target::Classes(tensor(&array)?.into_data()));
    }
    Err(PyTypeError::new_err(
        "the targets are no array of class indices (int64, one for each row) or numbers (float32)",
    ))
}

/// A table from `(x, y)` or `(x, y, weights)`.
pub(crate) fn read_dataset(table: &Bound<'_, PyTuple>) -> PyResult<Dataset> {
    let (x, y) = (table.get_item(0)?, table.get_item(1)?);
    let data = Dataset::new(read_features(&x)?, read_target(&y)?).or_exception()?;
    if table.len() < 3 || table.get_item(2)?.is_none() {
        return Ok(data);
    }
    let weights = table.get_item(2)?;
    let weights: PyReadonlyArrayDyn<'_, f32> = weights
        .extract()
        .map_err(|_| PyTypeError::new_err("the rows' weights are no array of float32"))?;
    data.with_weights(tensor(&weights)?.into_data()).or_exception()
}
