//! Values of many inputs at once, in plain f64: guesses that lead slopes and searches, never a part of a proof.

use super::multiply::{multiply, multiply_dense};
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

    /// The products that the values of one input take.
    pub(super) fn cost(&self) -> usize {
        self.turned.iter().flatten().map(Vec::len).sum()
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

    /// The values of all layers for `count` inputs, row by row.
    pub(super) fn values(
        &self,
        network: &Network,
        inputs: Vec<f64>,
        count: usize,
    ) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(network.layers().len());
        let mut inputs = Some(inputs);
        for (at, layer) in network.layers().iter().enumerate() {
            let next = match &layer.step {
                Step::Input => inputs.take().unwrap_or_default(),
                Step::Affine(affine) => self.affine(at, affine, layer.size, count, &values),
                Step::Kink { of, below, above } => {
                    let side = |&z: &f64| if z >= 0.0 { above * z } else { below * z };
                    values[*of].iter().map(side).collect()
                }
                Step::Smooth { of, function } => {
                    values[*of].iter().map(|&z| super::smooth::roughly(*function, z)).collect()
                }
                Step::Product { left, right } => {
                    values[*left].iter().zip(&values[*right]).map(|(x, y)| x * y).collect()
                }
            };
            values.push(next);
        }
        values
    }
}

/// For each of the inputs with these `values` of all layers, the gradient of its row of `weights` times the outputs.
pub(super) fn gradients(
    network: &Network,
    values: &[Vec<f64>],
    weights: Vec<f64>,
    count: usize,
) -> Vec<f64> {
    let mut pending: Vec<Option<Vec<f64>>> = vec![None; network.output() + 1];
    pending[network.output()] = Some(weights);
    let add = |pending: &mut Option<Vec<f64>>, more: Vec<f64>| match pending {
        Some(sums) => sums.iter_mut().zip(&more).for_each(|(sum, more)| *sum += more),
        empty @ None => *empty = Some(more),
    };
    for at in (1..=network.output()).rev() {
        let Some(mut slopes) = pending[at].take() else { continue };
        let layer = &network.layers()[at];
        match &layer.step {
            Step::Input => {}
            Step::Affine(affine) => {
                for term in &affine.terms {
                    let columns = network.layers()[term.layer].size;
                    let mut sums = vec![0.0; count * columns];
                    multiply(&slopes, layer.size, &term.matrix, &mut sums, columns);
                    add(&mut pending[term.layer], sums);
                }
            }
            Step::Kink { of, below, above } => {
                for (slope, z) in slopes.iter_mut().zip(&values[*of]) {
                    *slope *= if *z >= 0.0 { above } else { below };
                }
                add(&mut pending[*of], slopes);
            }
            Step::Smooth { of, function } => {
                for (slope, &z) in slopes.iter_mut().zip(&values[*of]) {
                    let rise = super::smooth::roughly(*function, z + 1e-5)
                        - super::smooth::roughly(*function, z - 1e-5);
                    *slope *= rise / 2e-5;
                }
                add(&mut pending[*of], slopes);
            }
            Step::Product { left, right } => {
                let along = |other: usize| {
                    slopes
                        .iter()
                        .zip(&values[other])
                        .map(|(slope, factor)| slope * factor)
                        .collect()
                };
                let (to_left, to_right) = (along(*right), along(*left));
                add(&mut pending[*left], to_left);
                add(&mut pending[*right], to_right);
            }
        }
    }
    pending[0].take().unwrap_or_else(|| vec![0.0; count * network.inputs()])
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
