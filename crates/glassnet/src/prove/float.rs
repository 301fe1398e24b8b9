//! A network's value and gradient in plain f64: guesses that lead to witnesses, never a part of a proof.

use super::crown::Bounds;
use super::{Affine, Matrix, Network, Step};

/// The values of all layers at `x`, roughly.
pub(super) fn values(network: &Network, x: &[f64]) -> Vec<Vec<f64>> {
    let mut values: Vec<Vec<f64>> = Vec::with_capacity(network.layers.len());
    for layer in network.layers() {
        let next = match &layer.step {
            Step::Input => x.to_vec(),
            Step::Affine(affine) => affine_values(affine, layer.size, &values),
            Step::Kink { of, below, above } => {
                values[*of].iter().map(|&z| if z >= 0.0 { above * z } else { below * z }).collect()
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

/// The values of an affine layer, roughly.
pub(super) fn affine_values(affine: &Affine, size: usize, values: &[Vec<f64>]) -> Vec<f64> {
    let mut sums: Vec<f64> = affine.bias.iter().map(|bias| bias.middle()).collect();
    for term in &affine.terms {
        let units = &values[term.layer];
        match &term.matrix {
            Matrix::Dense { columns, values } if *columns > 0 => {
                for (sum, row) in sums.iter_mut().zip(values.chunks_exact(*columns)) {
                    *sum += row.iter().zip(units).map(|(w, h)| w * h).sum::<f64>();
                }
            }
            Matrix::Dense { .. } | Matrix::Sparse { .. } => {
                for (row, sum) in sums.iter_mut().enumerate().take(size) {
                    *sum += term.matrix.row(row).map(|(column, w)| w * units[column]).sum::<f64>();
                }
            }
        }
    }
    sums
}

/// The gradient of `Σ weights·outputs` towards the inputs at the point of `values`, roughly.
pub(super) fn gradient(network: &Network, values: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let slope = |at: usize, unit: usize, second: bool| match &network.layers[at].step {
        Step::Product { left, right } => (values[if second { *left } else { *right }][unit], 0.0),
        Step::Kink { of, below, above } => {
            if values[*of][unit] >= 0.0 {
                (*above, 0.0)
            } else {
                (*below, 0.0)
            }
        }
        Step::Smooth { of, function } => {
            let z = values[*of][unit];
            let rise = super::smooth::roughly(*function, z + 1e-5)
                - super::smooth::roughly(*function, z - 1e-5);
            (rise / 2e-5, 0.0)
        }
        Step::Input | Step::Affine(_) => (1.0, 0.0),
    };
    backward(network, weights, &slope).0
}

/// For each input the greatest absolute derivative of `Σ weights·outputs` within the bounds, roughly.
pub(super) fn steepest(network: &Network, bounds: &Bounds, weights: &[f64]) -> Vec<f64> {
    let slope = |at: usize, unit: usize, second: bool| match &network.layers[at].step {
        Step::Product { left, right } => {
            let other = bounds.units[if second { *left } else { *right }][unit];
            (other.middle(), (other.hi() - other.lo()) / 2.0)
        }
        Step::Kink { of, below, above } => {
            let z = bounds.units[*of][unit];
            if z.lo() >= 0.0 {
                (*above, 0.0)
            } else if z.hi() <= 0.0 {
                (*below, 0.0)
            } else {
                ((below + above) / 2.0, (above - below).abs() / 2.0)
            }
        }
        Step::Smooth { .. } => {
            let line = &bounds.lines[at][unit];
            let (a, b) = (line.lower.0, line.upper.0);
            ((a + b) / 2.0, (a - b).abs() / 2.0)
        }
        Step::Input | Step::Affine(_) => (1.0, 0.0),
    };
    let (middle, radius) = backward(network, weights, &slope);
    middle.iter().zip(&radius).map(|(m, r)| m.abs() + r).collect()
}

/// Derivatives as middle and radius, with each function's slope as middle and radius; a product has two, towards its first and
/// its second factor.
fn backward(
    network: &Network,
    weights: &[f64],
    slope: &dyn Fn(usize, usize, bool) -> (f64, f64),
) -> (Vec<f64>, Vec<f64>) {
    let layers = &network.layers;
    let mut pending: Vec<(Vec<f64>, Vec<f64>)> =
        layers.iter().map(|layer| (vec![0.0; layer.size], vec![0.0; layer.size])).collect();
    pending[network.output].0.copy_from_slice(weights);
    for at in (1..=network.output).rev() {
        let (middle, radius) = std::mem::take(&mut pending[at]);
        match &layers[at].step {
            Step::Input => {}
            Step::Affine(affine) => {
                for term in &affine.terms {
                    let (to_middle, to_radius) = &mut pending[term.layer];
                    for (unit, (&m, &r)) in middle.iter().zip(&radius).enumerate() {
                        if m == 0.0 && r == 0.0 {
                            continue;
                        }
                        for (column, w) in term.matrix.row(unit) {
                            to_middle[column] += m * w;
                            to_radius[column] += r * w.abs();
                        }
                    }
                }
            }
            Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                for (unit, (&m, &r)) in middle.iter().zip(&radius).enumerate() {
                    let (sm, sr) = slope(at, unit, false);
                    pending[*of].0[unit] += m * sm;
                    pending[*of].1[unit] += m.abs() * sr + r * (sm.abs() + sr);
                }
            }
            Step::Product { left, right } => {
                for (unit, (&m, &r)) in middle.iter().zip(&radius).enumerate() {
                    for (of, second) in [(*left, false), (*right, true)] {
                        let (sm, sr) = slope(at, unit, second);
                        pending[of].0[unit] += m * sm;
                        pending[of].1[unit] += m.abs() * sr + r * (sm.abs() + sr);
                    }
                }
            }
        }
    }
    std::mem::take(&mut pending[0])
}
