//! Linear least squares in f64, by Householder reflections.
//!
//! Columns are taken from left to right. One that depends on those before it (as x² does on x, where x is 0 or 1) gets
//! the coefficient 0, so that what was written first is what is used.

use crate::error::{Error, Result};

/// How small the part of a column may be, relative to the column, that the columns before it do not explain.
const DEPENDENT: f64 = 1e-10;

/// The coefficients that make `Σ c·column` nearest to the target.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    /// One per column; 0 for those that depend on earlier ones.
    pub(super) coefficients: Vec<f64>,
    /// Whether a column was used: it depends on no earlier one.
    pub(super) used: Vec<bool>,
    /// The mean of the squared residuals.
    pub(super) mse: f64,
}

/// Fits `target` by `columns`, all of the same length.
///
/// # Errors
/// A column or target that is not finite.
pub(super) fn least_squares(columns: &[Vec<f64>], target: &[f64]) -> Result<Fit> {
    let rows = target.len();
    if columns.iter().chain([&target.to_vec()]).flatten().any(|value| !value.is_finite()) {
        return Err(Error::new(
            crate::ErrorKind::Numeric,
            "a basis function or target is not finite on the rows",
        )
        .at("the least-squares fit")
        .help("leave out functions that are not defined there"));
    }
    let mut rest = target.to_vec();
    let mut reflections: Vec<(Vec<f64>, f64)> = vec![];
    let mut triangle: Vec<(usize, Vec<f64>)> = vec![];
    let mut used = vec![false; columns.len()];
    for (at, column) in columns.iter().enumerate() {
        let rank = triangle.len();
        if rank == rows {
            break;
        }
        let mut reflected = column.clone();
        for (step, (vector, factor)) in reflections.iter().enumerate() {
            reflect(&mut reflected[step..], vector, *factor);
        }
        let below = norm(&reflected[rank..]);
        if below <= DEPENDENT * norm(column) || below == 0.0 {
            continue;
        }
        // The sign that adds, so that nothing cancels.
        let head = if reflected[rank] > 0.0 { -below } else { below };
        let mut vector = reflected[rank..].to_vec();
        vector[0] -= head;
        let factor = 2.0 / vector.iter().map(|value| value * value).sum::<f64>();
        reflect(&mut rest[rank..], &vector, factor);
        reflected.truncate(rank);
        reflected.push(head);
        reflections.push((vector, factor));
        triangle.push((at, reflected));
        used[at] = true;
    }
    let mut coefficients = vec![0.0; columns.len()];
    for row in (0..triangle.len()).rev() {
        let later = triangle[row + 1..].iter().map(|(at, column)| column[row] * coefficients[*at]);
        let value = rest[row] - later.sum::<f64>();
        coefficients[triangle[row].0] = value / triangle[row].1[row];
    }
    let mse = (0..rows)
        .map(|row| {
            let fitted: f64 =
                columns.iter().zip(&coefficients).map(|(column, c)| column[row] * c).sum();
            (target[row] - fitted).powi(2)
        })
        .sum::<f64>()
        / rows as f64;
    Ok(Fit { coefficients, used, mse })
}

/// `x − factor·v·(vᵀx)`
fn reflect(values: &mut [f64], vector: &[f64], factor: f64) {
    let product: f64 = values.iter().zip(vector).map(|(value, v)| value * v).sum();
    for (value, v) in values.iter_mut().zip(vector) {
        *value -= factor * product * v;
    }
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Stream;

    /// The residual of a least-squares fit is orthogonal to every column.
    #[test]
    fn residuals_are_orthogonal_to_all_columns() {
        for seed in 0..20 {
            let mut stream = Stream::new(seed, 3);
            let (rows, width) = (5 + seed as usize, 1 + seed as usize % 4);
            let mut draw = |count: usize| (0..count).map(|_| stream.normal()).collect::<Vec<f64>>();
            let mut columns: Vec<Vec<f64>> = (0..width).map(|_| draw(rows)).collect();
            let target = draw(rows);
            let twice: Vec<f64> = columns[0].iter().map(|value| 2.0 * value).collect();
            columns.insert(1, twice);
            let fit = least_squares(&columns, &target).unwrap();
            assert!(!fit.used[1] && fit.coefficients[1] == 0.0);
            for column in &columns {
                let product: f64 = (0..rows)
                    .map(|row| {
                        let fitted: f64 = (0..columns.len())
                            .map(|at| columns[at][row] * fit.coefficients[at])
                            .sum();
                        (target[row] - fitted) * column[row]
                    })
                    .sum();
                assert!(product.abs() < 1e-12, "{product}");
            }
        }
    }

    #[test]
    fn more_columns_than_rows_fit_exactly() {
        let columns = vec![vec![1.0, 1.0], vec![0.0, 1.0], vec![0.5, 0.25]];
        let fit = least_squares(&columns, &[3.0, 5.0]).unwrap();
        assert_eq!(fit.used, [true, true, false]);
        assert!(fit.mse < 1e-28);
        assert!(least_squares(&[vec![f64::NAN, 1.0]], &[1.0, 2.0]).is_err());
    }
}
