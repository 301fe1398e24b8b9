//! State dicts between Python and the library: a `dict` of arrays by PyTorch's keys.

use glassnet::Tensor;
use glassnet::nn::StateDict;
use glassnet::tensor::Value;
use numpy::{PyReadonlyArrayDyn, ToPyArray};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The library's state dict of `state`, whose values are `float32` or `int64` arrays in any layout; numbers are copied.
#[allow(dead_code, reason = "files and training read state dicts")]
pub(crate) fn read_state(state: &Bound<'_, PyDict>) -> PyResult<StateDict> {
    let mut found = StateDict::new();
    for (key, value) in state {
        let key: String = key.extract()?;
        let value = read_value(&value).ok_or_else(|| {
            PyTypeError::new_err(format!(
                "{key} is no float32 or int64 array; convert the module with .float()"
            ))
        })?;
        found.insert(key, value);
    }
    Ok(found)
}

#[allow(dead_code, reason = "see `read_state`")]
fn read_value(value: &Bound<'_, PyAny>) -> Option<Value> {
    if let Ok(array) = value.extract::<PyReadonlyArrayDyn<'_, f32>>() {
        return Some(Tensor::from(array.as_array()).into());
    }
    let array = value.extract::<PyReadonlyArrayDyn<'_, i64>>().ok()?;
    Some(Tensor::from(array.as_array()).into())
}

/// `state` as a `dict` of new arrays.
pub(crate) fn write_state<'py>(py: Python<'py>, state: &StateDict) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    for (key, value) in state.iter() {
        match value {
            Value::F32(tensor) => found.set_item(key, tensor.view().to_pyarray(py))?,
            Value::I64(tensor) => found.set_item(key, tensor.view().to_pyarray(py))?,
        }
    }
    Ok(found)
}
