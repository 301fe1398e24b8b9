//! Matrix products.

use crate::error::Result;
use crate::graph::op::Linear;
use crate::tensor::Tensor;

pub(super) fn evaluate(
    op: Linear,
    operands: &[&Tensor<f64>],
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    match op {
        Linear::Affine => affine(operands[0], operands[1], operands.get(2).copied(), shape),
        Linear::MatMul { transpose_a, transpose_b } => {
            matmul(operands[0], operands[1], transpose_a, transpose_b, shape)
        }
    }
}

fn affine(
    x: &Tensor<f64>,
    weight: &Tensor<f64>,
    bias: Option<&Tensor<f64>>,
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let mut y = matmul(x, weight, false, true, shape)?;
    if let Some(bias) = bias {
        let outputs = bias.len();
        for (at, element) in y.data_mut().iter_mut().enumerate() {
            *element += bias.data()[at % outputs];
        }
    }
    Ok(y)
}

fn matmul(
    a: &Tensor<f64>,
    b: &Tensor<f64>,
    transpose_a: bool,
    transpose_b: bool,
    shape: Vec<usize>,
) -> Result<Tensor<f64>> {
    let (a_rows, a_columns) = as_matrix(a);
    let (b_rows, b_columns) = as_matrix(b);
    let (m, k) = if transpose_a { (a_columns, a_rows) } else { (a_rows, a_columns) };
    let n = if transpose_b { b_rows } else { b_columns };
    let a_at = |i: usize, p: usize| {
        a.data()[if transpose_a { p * a_columns + i } else { i * a_columns + p }]
    };
    let b_at = |p: usize, j: usize| {
        b.data()[if transpose_b { j * b_columns + p } else { p * b_columns + j }]
    };
    let mut product = Vec::with_capacity(m * n);
    for i in 0..m {
        for j in 0..n {
            product.push((0..k).map(|p| a_at(i, p) * b_at(p, j)).sum());
        }
    }
    Tensor::new(shape, product)
}

/// Rows and columns, when all leading axes count as rows.
fn as_matrix(x: &Tensor<f64>) -> (usize, usize) {
    match x.shape().split_last() {
        Some((&columns, leading)) => (leading.iter().product(), columns),
        None => (1, 1),
    }
}
