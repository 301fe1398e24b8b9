//! Rows to learn from.

use super::source::{FeaturesMut, Part, TargetMut};
use crate::engine::Rows;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// What a row is described by.
#[derive(Clone, Debug, PartialEq)]
pub enum Features {
    /// Numbers, `[rows, …]`.
    Floats(Tensor<f32>),
    /// Indices for a network that begins with an embedding, `[rows, …]`.
    Indices(Tensor<i64>),
}

/// What is to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A class index per row.
    Classes(Vec<i64>),
    /// Numbers per row, `[rows, …]`: values, or class probabilities.
    Values(Tensor<f32>),
}

/// Rows with their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    features: Features,
    target: Target,
    weights: Option<Vec<f32>>,
    lines: Option<Vec<u64>>,
}

impl Dataset {
    /// Rows of `features` with their `target`.
    ///
    /// # Errors
    /// When the numbers of rows differ, or there is no row.
    pub fn new(features: Features, target: Target) -> Result<Self> {
        let rows = features.rows();
        let targets = match &target {
            Target::Classes(classes) => classes.len(),
            Target::Values(values) => values.shape().first().copied().unwrap_or(0),
        };
        if rows != targets {
            return Err(Error::data(format!("{rows} rows of features for {targets} targets")));
        }
        if rows == 0 {
            return Err(Error::data("there are no rows").help("give at least one"));
        }
        Ok(Dataset { features, target, weights: None, lines: None })
    }

    /// The same rows with a weight each: the loss becomes `Σ w·ℓ / Σ w` over a batch.
    ///
    /// # Errors
    /// When there is not one finite, non-negative weight per row, or all are 0.
    pub fn with_weights(mut self, weights: Vec<f32>) -> Result<Self> {
        if weights.len() != self.rows() {
            return Err(Error::data(format!("{} weights for {} rows", weights.len(), self.rows())));
        }
        if let Some(row) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
            return Err(Error::data(format!("the weight of row {row} is {}", weights[row]))
                .help("give finite weights of at least 0"));
        }
        if weights.iter().all(|&weight| weight == 0.0) {
            return Err(Error::data("all row weights are 0"));
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The same rows with the line of its file for each, by which messages then name them.
    ///
    /// # Errors
    /// When there is not one line per row.
    pub fn with_lines(mut self, lines: Vec<u64>) -> Result<Self> {
        if lines.len() != self.rows() {
            return Err(Error::data(format!("{} lines for {} rows", lines.len(), self.rows())));
        }
        self.lines = Some(lines);
        Ok(self)
    }

    /// The rows `rows` of this table as a table of their own, in that order, a row as often as it is named.
    ///
    /// # Errors
    /// When no row is named, or there is no such row.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        self.check_rows(rows)?;
        let features = match &self.features {
            Features::Floats(x) => Features::Floats(select(x, rows)?),
            Features::Indices(x) => Features::Indices(select(x, rows)?),
        };
        let target = match &self.target {
            Target::Classes(classes) => Target::Classes(pick(classes, rows)),
            Target::Values(values) => Target::Values(select(values, rows)?),
        };
        let weights = self.weights.as_ref().map(|weights| pick(weights, rows));
        let lines = self.lines.as_ref().map(|lines| pick(lines, rows));
        Ok(Dataset { features, target, weights, lines })
    }

    /// Like [`Dataset::select`], of a table whose features `keeper` has.
    pub(super) fn select_kept(&self, keeper: &dyn Rows, rows: &[usize]) -> Result<Self> {
        let mut shape = self.features.shape().to_vec();
        if let Some(first) = shape.first_mut() {
            *first = rows.len();
        }
        let mut features = Tensor::full(shape, 0.0);
        keeper.write(rows, features.data_mut());
        let target = match &self.target {
            Target::Classes(classes) => Target::Classes(pick(classes, rows)),
            Target::Values(values) => Target::Values(select(values, rows)?),
        };
        let weights = self.weights.as_ref().map(|weights| pick(weights, rows));
        Ok(Dataset { features: Features::Floats(features), target, weights, lines: None })
    }

    /// Checks that there are rows, and that this table has each.
    pub(super) fn check_rows<'r>(&self, rows: &'r [usize]) -> Result<&'r [usize]> {
        if rows.is_empty() {
            return Err(Error::data("no row is chosen").help("give at least one"));
        }
        match rows.iter().find(|&&row| row >= self.rows()) {
            Some(row) => Err(Error::data(format!(
                "there is no row {row} in a table of {} (rows count from 0)",
                self.rows()
            ))),
            None => Ok(rows),
        }
    }

    /// Rows in words, at most five by number: `lines 12, 40 and 3 more of the table`, or where the lines are not known
    /// `training rows 10, 38 (counted from 0)`.
    pub(super) fn name_rows(&self, part: &str, rows: &[usize]) -> String {
        let (noun, from) = match self.lines {
            Some(_) => ("line".to_owned(), " of the table"),
            None => (format!("{part} row"), " (counted from 0)"),
        };
        let name = |&row: &usize| match &self.lines {
            Some(lines) => lines.get(row).map_or(String::new(), u64::to_string),
            None => row.to_string(),
        };
        let shown: Vec<String> = rows.iter().take(5).map(name).collect();
        let more = rows.len().saturating_sub(5);
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        let plural = if rows.len() == 1 { "" } else { "s" };
        format!("{noun}{plural} {}{tail}{from}", shown.join(", "))
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.features.rows()
    }

    /// What rows are described by.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// What is to be predicted.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The same targets, weights and lines with other features.
    ///
    /// # Errors
    /// When the numbers of rows differ.
    pub fn with_features(&self, features: Features) -> Result<Self> {
        if features.rows() != self.rows() {
            return Err(Error::data(format!(
                "{} rows of features for {} targets",
                features.rows(),
                self.rows()
            )));
        }
        let Dataset { target, weights, lines, .. } = self;
        Ok(Dataset {
            features,
            target: target.clone(),
            weights: weights.clone(),
            lines: lines.clone(),
        })
    }

    /// Makes the table `rows` long; what the rows hold after it is for [`Dataset::part`] to say. Memory is kept.
    pub(super) fn resize(&mut self, rows: usize) {
        match &mut self.features {
            Features::Floats(x) => resize(x, rows, 0.0),
            Features::Indices(x) => resize(x, rows, 0),
        }
        self.resize_targets(rows);
    }

    /// Like [`Dataset::resize`], for a table whose features are kept elsewhere: those here stay as they are.
    pub(super) fn resize_targets(&mut self, rows: usize) {
        match &mut self.target {
            Target::Classes(classes) => classes.resize(rows, 0),
            Target::Values(values) => resize(values, rows, 0.0),
        }
        if let Some(weights) = &mut self.weights {
            weights.resize(rows, 0.0);
        }
        self.lines = None;
    }

    /// All of the table but the features, to be written anew.
    pub(super) fn part_of_targets(&mut self) -> Part<'_> {
        Part { features: FeaturesMut::Floats(&mut []), ..self.part() }
    }

    /// All of the table, to be written anew.
    pub(super) fn part(&mut self) -> Part<'_> {
        Part {
            features: match &mut self.features {
                Features::Floats(x) => FeaturesMut::Floats(x.data_mut()),
                Features::Indices(x) => FeaturesMut::Indices(x.data_mut()),
            },
            target: match &mut self.target {
                Target::Classes(classes) => TargetMut::Classes(classes),
                Target::Values(values) => TargetMut::Values(values.data_mut()),
            },
            weights: self.weights.as_deref_mut(),
        }
    }

    /// Names the rows by `lines`, for messages.
    pub(super) fn set_lines(&mut self, lines: Vec<u64>) {
        self.lines = Some(lines);
    }

    /// The line of its file for each row, where they are known.
    pub fn lines(&self) -> Option<&[u64]> {
        self.lines.as_deref()
    }

    /// The rows' weights, if they differ.
    pub fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }
}

impl Features {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.shape().first().copied().unwrap_or(0)
    }

    /// The axes' lengths, rows first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Features::Floats(tensor) => tensor.shape(),
            Features::Indices(tensor) => tensor.shape(),
        }
    }
}

fn resize<T: Copy>(tensor: &mut Tensor<T>, rows: usize, fill: T) {
    let mut shape = tensor.shape().to_vec();
    let Some(first) = shape.first_mut() else { return };
    *first = rows;
    let length = shape.iter().product();
    let mut data = std::mem::replace(tensor, Tensor::scalar(fill)).into_data();
    data.resize(length, fill);
    if let Ok(resized) = Tensor::new(shape, data) {
        *tensor = resized;
    }
}

fn pick<T: Copy>(from: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| from[row]).collect()
}

fn select<T: Copy>(from: &Tensor<T>, rows: &[usize]) -> Result<Tensor<T>> {
    let mut shape = from.shape().to_vec();
    let width: usize = shape.iter().skip(1).product();
    if let Some(first) = shape.first_mut() {
        *first = rows.len();
    }
    let row = |&row: &usize| &from.data()[row * width..(row + 1) * width];
    Tensor::new(shape, rows.iter().flat_map(row).copied().collect())
}

/// Copies `rows` of row-major `from`, `width` elements each, to `to`.
pub(super) fn gather<T: Copy>(from: &[T], width: usize, rows: &[usize], to: &mut [T]) {
    if width == 1 {
        for (to, &row) in to.iter_mut().zip(rows) {
            *to = from[row];
        }
        return;
    }
    for (place, &row) in rows.iter().enumerate() {
        to[place * width..(place + 1) * width]
            .copy_from_slice(&from[row * width..(row + 1) * width]);
    }
}
