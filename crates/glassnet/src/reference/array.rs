//! The values of the oracle: floats or indices.

use crate::error::{Error, Result};
use crate::tensor::{Tensor, Value};

/// A node's value: f64 for every float type, i64 for indices and truth values.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Numbers to compute with.
    Float(Tensor<f64>),
    /// Indices of classes or of a table's rows.
    Index(Tensor<i64>),
}

impl Array {
    /// The axes' lengths, outermost first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Array::Float(tensor) => tensor.shape(),
            Array::Index(tensor) => tensor.shape(),
        }
    }

    /// The floats.
    ///
    /// # Errors
    /// When the elements are indices.
    pub fn floats(&self) -> Result<&Tensor<f64>> {
        match self {
            Array::Float(tensor) => Ok(tensor),
            Array::Index(_) => Err(Error::network("floats are wanted, found indices")),
        }
    }

    /// The indices.
    ///
    /// # Errors
    /// When the elements are floats.
    pub fn indices(&self) -> Result<&Tensor<i64>> {
        match self {
            Array::Index(tensor) => Ok(tensor),
            Array::Float(_) => Err(Error::network("indices are wanted, found floats")),
        }
    }
}

impl From<Tensor<f64>> for Array {
    fn from(tensor: Tensor<f64>) -> Self {
        Array::Float(tensor)
    }
}

impl From<Tensor<f32>> for Array {
    /// Every f32 is an f64, so nothing is rounded.
    fn from(tensor: Tensor<f32>) -> Self {
        Array::Float(tensor.map(f64::from))
    }
}

impl From<Tensor<i64>> for Array {
    fn from(tensor: Tensor<i64>) -> Self {
        Array::Index(tensor)
    }
}

impl From<Value> for Array {
    fn from(value: Value) -> Self {
        match value {
            Value::F32(tensor) => tensor.into(),
            Value::I64(tensor) => tensor.into(),
        }
    }
}
