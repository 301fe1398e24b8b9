//! Values of many inputs at once, in plain f64: guesses that lead slopes and searches, never a part of a proof.

use super::multiply::multiply_dense;
use super::{Affine, Matrix, Network, Step};

/// A network's matrices with rows and columns exchanged, so that values can be multiplied by them.
#[derive(Debug)]
pub(super) struct Forward {
    /// For each layer and each of its terms; empty for sparse matrices.
    turned: Vec<Vec<Vec<f64>>>,
}

impl Forward {
    pub(super) fn new(network: &Network) -> Self {
        let turned = network.layers().iter().map(|layer| match &layer.step {
            Step::Affine(affine) => {
                let terms = affine.terms.iter().map(|term| match &term.matrix {
                    Matrix::Dense { columns, values } => turn(values, *columns),
                    Matrix::Sparse { .. } => vec![],
                });
                terms.collect()
            }
            Step::Input | Step::Kink { .. } | Step::Smooth { .. } | Step::Product { .. } => vec![],
        });
        Forward { turned: turned.collect() }
    }

    /// The values of affine layer `at`, of `size` units, for `count` inputs, whose earlier layers have `values`: row by row.
    pub(super) fn affine(
        &self,
        at: usize,
        affine: &Affine,
        size: usize,
        count: usize,
        values: &[Vec<f64>],
    ) -> Vec<f64> {
        let mut sums = vec![0.0; count * size];
        for (term, turned) in affine.terms.iter().zip(&self.turned[at]) {
            let read = &values[term.layer];
            match &term.matrix {
                Matrix::Dense { columns, .. } => {
                    let mut products = vec![0.0; count * size];
                    multiply_dense(read, *columns, turned, &mut products, size);
                    sums.iter_mut().zip(&products).for_each(|(sum, product)| *sum += product);
                }
                Matrix::Sparse { .. } => {
                    let units = read.len() / count.max(1);
                    let rows =
                        sums.chunks_exact_mut(size.max(1)).zip(read.chunks_exact(units.max(1)));
                    for (sums, read) in rows {
                        for (row, sum) in sums.iter_mut().enumerate() {
                            *sum += term.matrix.row(row).map(|(at, w)| w * read[at]).sum::<f64>();
                        }
                    }
                }
            }
        }
        for sums in sums.chunks_exact_mut(size.max(1)) {
            sums.iter_mut().zip(&affine.bias).for_each(|(sum, bias)| *sum += bias.middle());
        }
        sums
    }
}

/// A matrix, row by row, with rows and columns exchanged.
fn turn(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = values.len() / columns.max(1);
    let mut turned = vec![0.0; values.len()];
    for (row, values) in values.chunks_exact(columns.max(1)).enumerate() {
        for (column, value) in values.iter().enumerate() {
            turned[column * rows + row] = *value;
        }
    }
    turned
}
