//! Values from outside the graph.

use super::{Array, Feeds};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::DType;
use crate::graph::op::Source;
use crate::tensor::Tensor;

pub(super) fn evaluate(
    op: &Source,
    shape: Vec<usize>,
    feeds: &Feeds,
    batch: usize,
) -> Result<Array> {
    match op {
        Source::Input { name, dtype, .. } => {
            let what = format!("input {name:?}");
            fed(ErrorKind::Data, &what, feeds.get_input(name), *dtype, &shape)
        }
        Source::Parameter { name, .. } => {
            let what = format!("parameter {name:?}");
            fed(ErrorKind::Model, &what, feeds.get_state(name), DType::F32, &shape)
        }
        Source::Buffer { name, .. } => {
            let what = format!("buffer {name:?}");
            fed(ErrorKind::Model, &what, feeds.get_state(name), DType::F32, &shape)
        }
        Source::Constant(value) => Ok(Tensor::scalar(*value).into()),
        Source::Count(counted) => {
            let elements = counted.elements(batch).ok_or_else(|| {
                Error::new(
                    ErrorKind::Limit,
                    format!("the number of elements of {counted} does not fit a number"),
                )
            })?;
            Ok(Tensor::scalar(elements as f64).into())
        }
    }
}

/// The array that was fed for `what`, if it has the declared shape and sort of elements.
pub(super) fn fed(
    kind: ErrorKind,
    what: &str,
    array: Option<&Array>,
    dtype: DType,
    shape: &[usize],
) -> Result<Array> {
    let Some(array) = array else {
        return Err(Error::new(kind, format!("the {what} is not fed"))
            .help(format!("feed an array of shape {shape:?}")));
    };
    if array.shape() != shape {
        return Err(Error::new(
            kind,
            format!("the {what} is fed with shape {:?}, expected {shape:?}", array.shape()),
        ));
    }
    match (array, dtype.is_float()) {
        (Array::Float(_), true) | (Array::Index(_), false) => Ok(array.clone()),
        (Array::Index(_), true) => {
            Err(Error::new(kind, format!("the {what} is fed with integers, expected floats")))
        }
        (Array::Float(_), false) => {
            Err(Error::new(kind, format!("the {what} is fed with floats, expected integers")))
        }
    }
}
