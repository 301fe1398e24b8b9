//! How numbers are drawn and written.

use crate::math::random::Stream;

/// A whole number from `low` to `high`, both included.
pub(super) fn between(stream: &mut Stream, low: i64, high: i64) -> i64 {
    low + stream.below((high - low + 1).unsigned_abs()) as i64
}

/// A number of tenths from `low` to `high` tenths: one decimal.
pub(super) fn tenths(stream: &mut Stream, low: i64, high: i64) -> f64 {
    between(stream, low, high) as f64 / 10.0
}

/// A number of hundredths: two decimals.
pub(super) fn hundredths(stream: &mut Stream, low: i64, high: i64) -> f64 {
    between(stream, low, high) as f64 / 100.0
}

/// One of `items`, which are not empty.
pub(super) fn pick<T: Clone>(stream: &mut Stream, items: &[T]) -> T {
    items[stream.below(items.len() as u64) as usize].clone()
}

/// `count` different ones of `items`, in the order of `items`.
pub(super) fn pick_some<T: Clone>(stream: &mut Stream, items: &[T], count: usize) -> Vec<T> {
    let mut chosen = stream.permutation(items.len());
    chosen.truncate(count);
    chosen.sort_unstable();
    chosen.into_iter().map(|at| items[at].clone()).collect()
}

/// The numbers with a comma between them, as flags take them.
pub(super) fn commas(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
}

/// An array as JSON.
pub(super) fn json_row(numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
    format!("[{}]", numbers.join(", "))
}

/// Rows as JSON.
pub(super) fn json_rows(rows: &[Vec<f64>]) -> String {
    format!("[{}]", rows.iter().map(|row| json_row(row)).collect::<Vec<_>>().join(", "))
}

/// A matrix as LaTeX.
pub(super) fn matrix(rows: &[Vec<f64>]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>().join(" & "))
        .collect();
    format!("\\begin{{bmatrix}} {} \\end{{bmatrix}}", rows.join(" \\\\ "))
}

/// A column vector as LaTeX.
pub(super) fn vector(numbers: &[f64]) -> String {
    matrix(&numbers.iter().map(|number| vec![*number]).collect::<Vec<_>>())
}
