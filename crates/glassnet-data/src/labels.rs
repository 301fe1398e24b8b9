//! The targets and weights of rows as training and evaluation read them.

use std::collections::{BTreeSet, HashMap};

use glassnet::{Error, Result, Tensor};

use crate::cell::read_boolean;
use crate::encode::{EncodedTarget, standardised, too_far};
use crate::preprocessing::{Preprocessing, TargetEncoding};
use crate::table::{Cells, Column, Table};
use crate::target::number_name;
use crate::words::{count, list, quoted};

impl Preprocessing {
    pub(crate) fn encode_target(&self, table: &Table, rows: &[usize]) -> Result<EncodedTarget> {
        match &self.target {
            TargetEncoding::Classes { column, names, .. } => {
                let column = labelled(table, column, rows)?;
                Ok(EncodedTarget::Classes(encode_classes(table, &column, names, rows)?))
            }
            TargetEncoding::Number { column, mean, std } => {
                let scaled = encode_numbers(table, rows, (column, *mean, *std))?;
                Ok(EncodedTarget::Values(Tensor::new([rows.len(), 1], scaled)?))
            }
            TargetEncoding::Numbers { targets } => {
                let mut all = vec![0.0; rows.len() * targets.len()];
                for (at, target) in targets.iter().enumerate() {
                    let of = (target.column.as_str(), target.mean, target.std);
                    for (row, value) in encode_numbers(table, rows, of)?.into_iter().enumerate() {
                        all[row * targets.len() + at] = value;
                    }
                }
                Ok(EncodedTarget::Values(Tensor::new([rows.len(), targets.len()], all)?))
            }
        }
    }

    pub(crate) fn encode_weights(&self, table: &Table, rows: &[usize]) -> Result<Option<Vec<f32>>> {
        let Some(name) = &self.weights else {
            return Ok(None);
        };
        let column = table.require(name)?;
        let values = column.numbers().ok_or_else(|| {
            Error::data(format!("the weights {} must be numbers", quoted(name)))
                .at(table.name())
                .help("choose a column of numbers as --weight")
        })?;
        let weight = |&row: &usize| {
            let weight = values[row] as f32;
            if weight.is_finite() && weight >= 0.0 {
                return Ok(weight);
            }
            Err(Error::data("a row's weight must be a number that is not negative")
                .at(table.place(row, name))
                .help("correct the cell"))
        };
        rows.iter().map(weight).collect::<Result<Vec<f32>>>().map(Some)
    }
}

/// Adds the weights of further rows.
pub(crate) fn append(all: &mut Option<Vec<f32>>, more: Option<Vec<f32>>) {
    if let Some(more) = more {
        all.get_or_insert_default().extend(more);
    }
}

/// A target's column, which has a value in all of `rows`.
fn labelled(table: &Table, name: &str, rows: &[usize]) -> Result<Column> {
    let column = table.require(name)?;
    match rows.iter().find(|&&row| column.is_missing(row)) {
        None => Ok(column),
        Some(&row) => Err(Error::data("the row has no target")
            .at(table.place(row, name))
            .help("fill the cell, or remove the row")),
    }
}

fn encode_numbers(
    table: &Table,
    rows: &[usize],
    (name, mean, std): (&str, f64, f64),
) -> Result<Vec<f32>> {
    let column = labelled(table, name, rows)?;
    let values = column.numbers().ok_or_else(|| {
        Error::data(format!("the target {} must hold numbers", quoted(name)))
            .at(table.name())
            .help("read the table with the model's column types")
    })?;
    let scaled = rows.iter().map(|&row| {
        standardised(values[row], mean, std).ok_or_else(|| too_far(table, name, row, values[row]))
    });
    scaled.collect()
}

fn encode_classes(
    table: &Table,
    column: &Column,
    names: &[String],
    rows: &[usize],
) -> Result<Vec<i64>> {
    let position = |matches: &dyn Fn(&str) -> bool| names.iter().position(|name| matches(name));
    let mut known: HashMap<u64, Option<usize>> = HashMap::new();
    let mut class_of = |row: usize| match column.cells() {
        Cells::Number(values) => {
            let value = values[row] + 0.0;
            *known
                .entry(value.to_bits())
                .or_insert_with(|| position(&|name| name.parse() == Ok(value)))
        }
        Cells::Boolean { values, .. } => {
            let value = values[row];
            *known
                .entry(u64::from(value == Some(true)))
                .or_insert_with(|| position(&|name| read_boolean(name) == value))
        }
        Cells::Category(texts) | Cells::Date(texts) => *known
            .entry(u64::from(texts.codes()[row]))
            .or_insert_with(|| position(&|name| Some(name) == texts.get(row))),
    };
    let mut unknown: Vec<(String, usize)> = Vec::new();
    let mut classes = Vec::with_capacity(rows.len());
    for &row in rows {
        match class_of(row) {
            Some(class) => classes.push(class as i64),
            None => unknown.push((cell_text(column, row), row)),
        }
    }
    let Some((text, row)) = unknown.first() else {
        return Ok(classes);
    };
    let distinct: BTreeSet<&str> = unknown.iter().map(|(text, _)| text.as_str()).collect();
    Err(Error::data(format!("the model has no class {}", quoted(text)))
        .at(table.place(*row, column.name()))
        .help("correct the cell, or remove the rows of classes that the model was not trained for")
        .detail(format!("the model's classes: {}", list(names, 30)))
        .detail(format!("unknown: {} in {}", list(distinct, 10), count(unknown.len(), "row"))))
}

fn cell_text(column: &Column, row: usize) -> String {
    match column.cells() {
        Cells::Number(values) => number_name(values[row]),
        Cells::Boolean { values, words } => words[usize::from(values[row] == Some(true))].clone(),
        Cells::Category(texts) | Cells::Date(texts) => {
            texts.get(row).unwrap_or_default().to_string()
        }
    }
}
