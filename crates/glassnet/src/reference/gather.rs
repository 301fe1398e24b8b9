//! Table look-ups.

use super::Array;
use crate::error::{Error, Result};
use crate::graph::op::Gather;
use crate::tensor::Tensor;
use std::borrow::Cow;

pub(super) fn evaluate(op: Gather, operands: &[&Array], shape: Vec<usize>) -> Result<Tensor<f64>> {
    let floats = operands[0].floats()?;
    let index = codes(operands[1])?;
    let index = index.as_ref();
    let width = shape.last().copied().unwrap_or(1);
    match op {
        Gather::Embedding { .. } => {
            let rows = floats.shape()[0];
            let mut data = Vec::with_capacity(index.len() * width);
            for place in 0..index.len() {
                let row = table_row(index, place, rows)?;
                data.extend_from_slice(&floats.data()[row * width..(row + 1) * width]);
            }
            Tensor::new(shape, data)
        }
        Gather::EmbeddingGrad { rows, padding_idx } => {
            let mut table = Tensor::full(shape, 0.0);
            for place in 0..index.len() {
                let row = table_row(index, place, rows)?;
                if padding_idx == Some(row) {
                    continue;
                }
                for d in 0..width {
                    table.data_mut()[row * width + d] += floats.data()[place * width + d];
                }
            }
            Ok(table)
        }
    }
}

/// The indices, which may be floats that hold whole numbers.
fn codes(array: &Array) -> Result<Cow<'_, Tensor<i64>>> {
    match array {
        Array::Index(tensor) => Ok(Cow::Borrowed(tensor)),
        Array::Float(tensor) => {
            let whole = |(place, &code): (usize, &f64)| match code.fract() {
                0.0 => Ok(code as i64),
                _ => Err(Error::data(format!(
                    "row {}: {code} is no whole number, which names a row of an embedding",
                    batch_row(tensor.shape(), place)
                ))),
            };
            let codes = tensor.data().iter().enumerate().map(whole).collect::<Result<_>>()?;
            Ok(Cow::Owned(Tensor::new(tensor.shape().to_vec(), codes)?))
        }
    }
}

/// The table's row that element `place` of `index` names.
fn table_row(index: &Tensor<i64>, place: usize, rows: usize) -> Result<usize> {
    let value = index.data()[place];
    usize::try_from(value).ok().filter(|&row| row < rows).ok_or_else(|| {
        Error::data(format!(
            "row {}: index {value} is out of range, the table has {rows} rows",
            batch_row(index.shape(), place)
        ))
        .help(format!("give indices from 0 to {}, or a larger num_embeddings", rows.max(1) - 1))
    })
}

/// The index along the first axis of the element at `place`.
pub(super) fn batch_row(shape: &[usize], place: usize) -> usize {
    place / shape.iter().skip(1).product::<usize>().max(1)
}
