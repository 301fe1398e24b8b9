//! What of a column its encoding is learned from.

use std::sync::Arc;

use crate::table::{Cells, Column, Texts};

/// A column as the training rows have it.
pub(crate) struct Observed {
    pub(crate) name: String,
    /// Whether the user, not the cells, decided the type.
    pub(crate) declared: bool,
    /// Whether the header gave no name.
    pub(crate) unnamed: bool,
    /// How many training rows there are, and how many of them have a value.
    pub(crate) rows: usize,
    pub(crate) present: usize,
    /// Whether all of them have the same cell.
    pub(crate) constant: bool,
    pub(crate) cells: ObservedCells,
}

/// What was seen of the cells.
pub(crate) enum ObservedCells {
    Number(ObservedNumbers),
    /// Whether true is more frequent than false.
    Boolean {
        most: bool,
    },
    Texts(ObservedTexts),
}

/// Numbers of the training rows.
pub(crate) struct ObservedNumbers {
    pub(crate) mean: f64,
    /// The population standard deviation.
    pub(crate) std: f64,
    pub(crate) median: f64,
    /// Whether the numbers of all rows, not of the training rows only, count them.
    pub(crate) counts_up: bool,
}

/// Texts of the training rows.
pub(crate) struct ObservedTexts {
    pub(crate) levels: Arc<Vec<String>>,
    /// For each level the first training row that has it, and how many have it.
    pub(crate) used: Vec<Option<(usize, usize)>>,
    /// Whether each row of all has another text.
    pub(crate) names_rows: bool,
    pub(crate) dates: bool,
}

impl Observed {
    /// What `rows` have in `column`.
    pub(crate) fn of(column: &Column, rows: &[usize]) -> Self {
        Observed {
            name: column.name().to_owned(),
            declared: column.declared,
            unnamed: column.unnamed,
            rows: rows.len(),
            present: rows.iter().filter(|&&row| !column.is_missing(row)).count(),
            constant: is_constant(column, rows),
            cells: cells(column, rows),
        }
    }

    /// Whether a training row has no value.
    pub(crate) fn gaps(&self) -> bool {
        self.present < self.rows
    }
}

fn cells(column: &Column, rows: &[usize]) -> ObservedCells {
    match column.cells() {
        Cells::Number(values) => {
            let mut present: Vec<f64> =
                rows.iter().map(|&row| values[row]).filter(|value| !value.is_nan()).collect();
            let (mean, std) = moments(&present);
            let counts_up =
                values.len() > 2 && values.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
            ObservedCells::Number(ObservedNumbers {
                mean,
                std,
                median: median(&mut present),
                counts_up,
            })
        }
        Cells::Boolean { values, .. } => {
            let of = |wanted| rows.iter().filter(|&&row| values[row] == Some(wanted)).count();
            ObservedCells::Boolean { most: of(true) > of(false) }
        }
        Cells::Category(texts) | Cells::Date(texts) => {
            let mut used: Vec<Option<(usize, usize)>> = vec![None; texts.levels().len()];
            for &row in rows {
                if let Some(used) = used.get_mut(texts.codes()[row] as usize) {
                    used.get_or_insert((row, 0)).1 += 1;
                }
            }
            let present = texts.codes().iter().filter(|&&code| code != Texts::MISSING).count();
            ObservedCells::Texts(ObservedTexts {
                levels: texts.levels.clone(),
                used,
                names_rows: present > 2 && texts.levels().len() == present,
                dates: matches!(column.cells(), Cells::Date(_)),
            })
        }
    }
}

impl ObservedTexts {
    /// The texts of the training rows, sorted, each once.
    pub(crate) fn sorted(&self) -> Vec<String> {
        let used = self.levels.iter().zip(&self.used).filter(|(_, used)| used.is_some());
        let mut levels: Vec<String> = used.map(|(level, _)| level.clone()).collect();
        levels.sort_unstable();
        levels
    }
}

fn is_constant(column: &Column, rows: &[usize]) -> bool {
    let same = |cell: &dyn Fn(usize) -> u64| rows.iter().all(|&row| cell(row) == cell(rows[0]));
    match column.cells() {
        Cells::Number(values) => same(&|row| number_key(values[row])),
        Cells::Boolean { values, .. } => same(&|row| values[row].map_or(2, u64::from)),
        Cells::Category(texts) | Cells::Date(texts) => same(&|row| u64::from(texts.codes()[row])),
    }
}

/// What tells numbers apart: 0 and −0 are one, and so are all gaps.
pub(crate) fn number_key(value: f64) -> u64 {
    if value.is_nan() { u64::MAX } else { (value + 0.0).to_bits() }
}

/// The mean and population standard deviation; the latter is 1 when the values do not differ by more than rounding.
pub(crate) fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    if values.iter().all(|&value| value == values[0]) {
        return (values.first().copied().unwrap_or(f64::NAN), 1.0);
    }
    let rough = values.iter().sum::<f64>() / n;
    let mean = rough + values.iter().map(|value| value - rough).sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    (mean, deviation(variance, mean, n))
}

/// The standard deviation of `n` values with this variance and mean, 1 where they are as good as equal.
///
/// # Source
/// scikit-learn, `_is_constant_feature`: a variance up to n·ε·variance + (n·mean·ε)² is that of a constant.
pub(crate) fn deviation(variance: f64, mean: f64, n: f64) -> f64 {
    let rounding = n * f64::EPSILON * variance + (n * mean * f64::EPSILON).powi(2);
    let constant = variance.is_finite() && (variance <= rounding || variance == 0.0);
    if constant { 1.0 } else { variance.sqrt() }
}

/// The middle value, or the mean of the two middle ones; NaN of none. The order of `values` changes.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if even => lower / 2.0 + upper / 2.0,
        _ => upper, // not operations: an odd number of values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_population() {
        let (mean, std) = moments(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean, 2.5);
        assert!((std - 1.25_f64.sqrt()).abs() < 1e-15);
        assert_eq!(moments(&[0.1; 7]), (0.1, 1.0));
        // A shift that dwarfs the spread keeps it: a one-pass formula would lose it.
        let shifted: Vec<f64> = [1.0, 2.0, 3.0, 4.0].iter().map(|v| v + 1e9).collect();
        assert!((moments(&shifted).1 - std).abs() < 1e-9);
    }

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut [7.0]), 7.0);
    }
}
