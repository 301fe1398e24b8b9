//! (Semi-)orthogonal matrices.

use super::fill::wrong_rank;
use crate::error::Result;
use crate::math::torch_random::TorchGenerator;
use crate::tensor::Tensor;

/// Fills `tensor`, seen as `shape[0]` rows, with a (semi-)orthogonal matrix times `gain` (PyTorch's default: 1):
/// rows orthonormal if there are at most as many as columns, else columns.
///
/// The matrix is the factor Q of a QR factorisation of standard normal deviates (transposed if wide), its columns
/// multiplied by the signs of R's diagonal, which makes Q unique and uniform over the orthogonal matrices.
///
/// # Numerics
/// Householder reflections in f64, then one rounding to f32. PyTorch factorises in f32, hence agrees to about 1e-5.
/// About 4·rows·cols² operations for rows ≥ cols.
///
/// # Errors
/// When `tensor` has fewer than two dimensions. One without elements is left alone.
///
/// # Source
/// A. Saxe et al., *Exact solutions to the nonlinear dynamics of learning in deep linear neural networks*, ICLR 2014;
/// F. Mezzadri, *How to generate random matrices from the classical compact groups*, Notices AMS 54 (2007);
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.orthogonal_>
pub fn orthogonal_(
    tensor: &mut Tensor<f32>,
    gain: f64,
    generator: &mut TorchGenerator,
) -> Result<()> {
    if tensor.shape().len() < 2 {
        return Err(wrong_rank(
            "orthogonal_",
            "Only tensors with 2 or more dimensions are supported",
            tensor,
        ));
    }
    if tensor.is_empty() {
        return Ok(());
    }
    let rows = tensor.shape()[0];
    let cols = tensor.len() / rows;
    let mut drawn = vec![0.0_f32; tensor.len()];
    generator.normal_(&mut drawn, 0.0, 1.0)?;

    // Columns of the tall matrix: the rows of a wide one, since PyTorch factorises its transpose.
    let wide = rows < cols;
    let (height, width) = if wide { (cols, rows) } else { (rows, cols) };
    let place = |row: usize, col: usize| if wide { col * cols + row } else { row * cols + col };
    let mut columns: Vec<Vec<f64>> = (0..width)
        .map(|col| (0..height).map(|row| f64::from(drawn[place(row, col)])).collect())
        .collect();
    orthonormalise(&mut columns);

    let data = tensor.data_mut();
    for (col, column) in columns.iter().enumerate() {
        for (row, &value) in column.iter().enumerate() {
            data[place(row, col)] = value as f32 * gain as f32;
        }
    }
    Ok(())
}

/// Replaces the columns of a tall matrix by Q of its QR factorisation in which R's diagonal is positive; a column
/// where R's diagonal is 0 becomes 0, as PyTorch's multiplication by the sign makes it.
fn orthonormalise(columns: &mut [Vec<f64>]) {
    let width = columns.len();
    let mut signs = vec![0.0; width];
    let mut factors = vec![0.0; width];
    for step in 0..width {
        let (done, rest) = columns.split_at_mut(step + 1);
        let (diagonal, factor) = reflector(&mut done[step][step..]);
        signs[step] = if diagonal == 0.0 { 0.0 } else { diagonal.signum() };
        factors[step] = factor;
        for column in rest {
            reflect(&mut column[step..], &done[step][step..], factor);
        }
    }
    // Q is the product of the reflections applied to unit columns, from the last reflection back.
    for step in (0..width).rev() {
        let (before, rest) = columns.split_at_mut(step + 1);
        let reflector = before[step][step..].to_vec();
        for column in rest {
            reflect(&mut column[step..], &reflector, factors[step]);
        }
        let column = &mut before[step];
        column.fill(0.0);
        column[step] = 1.0;
        reflect(&mut column[step..], &reflector, factors[step]);
    }
    for (column, sign) in columns.iter_mut().zip(signs) {
        for value in column {
            *value *= sign;
        }
    }
}

/// Turns `x` into the vector v of a reflection `H = I − factor·v·vᵀ` with `Hx = (diagonal, 0, …, 0)`.
/// Returns the diagonal and the factor; the factor is 0, and H the identity, for a zero vector.
fn reflector(x: &mut [f64]) -> (f64, f64) {
    let norm = dot(x, x).sqrt();
    if norm == 0.0 {
        return (0.0, 0.0);
    }
    // The sign that adds instead of cancelling.
    let diagonal = -norm.copysign(x[0]);
    x[0] -= diagonal;
    (diagonal, 2.0 / dot(x, x))
}

fn reflect(x: &mut [f64], reflector: &[f64], factor: f64) {
    let scale = factor * dot(x, reflector);
    for (value, &along) in x.iter_mut().zip(reflector) {
        *value -= scale * along;
    }
}

/// The inner product in eight partial sums: a fixed order that still uses vector registers.
fn dot(x: &[f64], y: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_matrix_has_its_known_factor() {
        // Q times R = [[5, 2], [0, 1]].
        let mut columns = vec![vec![3.0, 4.0], vec![0.4, 2.2]];
        orthonormalise(&mut columns);
        for (column, expected) in columns.iter().zip([[0.6, 0.8], [-0.8, 0.6]]) {
            for (value, expected) in column.iter().zip(expected) {
                assert!((value - expected).abs() < 1e-15, "{columns:?}");
            }
        }
    }

    #[test]
    fn dependent_columns_become_zero() {
        let mut columns = vec![vec![1.0, 0.0, 0.0], vec![0.0; 3]];
        orthonormalise(&mut columns);
        assert_eq!(columns, [vec![1.0, 0.0, 0.0], vec![0.0; 3]]);
    }

    #[test]
    fn rows_or_columns_are_orthonormal() {
        for (rows, cols) in [(7, 3), (3, 7), (20, 20), (1, 5), (5, 1)] {
            let mut tensor = Tensor::full([rows, cols], 0.0);
            orthogonal_(&mut tensor, 2.0, &mut TorchGenerator::new(3)).unwrap();
            let q = |row: usize, col: usize| f64::from(tensor.data()[row * cols + col]);
            let (short, long) = (rows.min(cols), rows.max(cols));
            for i in 0..short {
                for j in 0..short {
                    let product: f64 = (0..long)
                        .map(|k| if rows < cols { q(i, k) * q(j, k) } else { q(k, i) * q(k, j) })
                        .sum();
                    let expected = if i == j { 4.0 } else { 0.0 };
                    assert!(
                        (product - expected).abs() < 1e-5,
                        "{rows}×{cols}: {i}, {j}: {product}"
                    );
                }
            }
        }
    }
}
