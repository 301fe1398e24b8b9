//! Learning the preprocessing from the training rows.

use std::collections::BTreeSet;

use glassnet::{Error, Result};

use crate::dates::DateParts;
use crate::embedding::{EmbedOptions, EmbedRule};
use crate::note::{Note, NoteKind};
use crate::options::ColumnType;
use crate::preprocessing::{Encoding, Feature, NumberTarget, Preprocessing, TargetEncoding};
use crate::table::{Cells, Column, Table, Texts, unknown_column};
use crate::target::{Target, TargetValues};
use crate::words::{count, list, quoted, shell};

/// What the fit does beyond the obvious.
#[derive(Clone, Debug, PartialEq)]
pub struct FitOptions {
    /// Whether a target of numbers is standardised for training (and restored at predict): yes by default.
    pub standardise_target: bool,
    /// Columns that are no features, such as the one that the rows are split by.
    pub exclude: BTreeSet<String>,
    /// A column of row weights (numbers, none negative); it is no feature.
    pub weights: Option<String>,
    /// The most categories that a column may have, a feature for each: 1000 by default.
    pub most_levels: usize,
    /// Which columns of categories become codes: none by default.
    pub embed: EmbedOptions,
    /// The most categories that a column of codes may have: 2²⁰ by default; 32-bit floats hold codes up to 2²⁴.
    pub most_codes: usize,
    /// The most features in all: 100,000 by default.
    pub most_features: usize,
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions {
            standardise_target: true,
            exclude: BTreeSet::new(),
            weights: None,
            most_levels: 1000,
            embed: EmbedOptions::default(),
            most_codes: 1 << 20,
            most_features: 100_000,
        }
    }
}

impl Preprocessing {
    /// Learns from `rows` of `table` (the training rows) how its columns become features.
    ///
    /// Numbers are standardised by mean and population standard deviation (a constant column is divided by 1), categories
    /// become one feature each in sorted order, or codes ([`FitOptions::embed`]), booleans 0 and 1. A column with gaps in the training rows gets a further
    /// feature that is 1 where the cell is missing; the gap itself becomes the median (booleans: the more frequent
    /// value; categories: no category).
    ///
    /// A column that is declared to hold dates becomes the parts of them that differ ([`DateParts`]).
    ///
    /// Left out, each with a note: other date columns, text columns in which every value is different, columns
    /// without a value in the training rows, and a nameless running number. A declared category stays in.
    ///
    /// # Errors
    /// Kind `data`: no training row, no feature column left, a column with too many categories, too many features,
    /// numbers too large to standardise, a constant target in the training rows, an unknown column in the options.
    ///
    /// # Source
    /// The numbers are those of scikit-learn's `StandardScaler` and `OneHotEncoder`.
    pub fn fit(
        table: &Table,
        target: &Target,
        rows: &[usize],
        options: &FitOptions,
    ) -> Result<(Preprocessing, Vec<Note>)> {
        if let Some(&row) = rows.iter().find(|&&row| row >= table.rows()) {
            return Err(Error::data(format!("there is no row {row}")).at(table.name()));
        }
        if rows.is_empty() {
            return Err(Error::data("there is no training row")
                .at(table.name())
                .help("give more rows, or a smaller validation fraction"));
        }
        for column in options.exclude.iter().chain(&options.weights) {
            if !table.header().contains(column) {
                return Err(unknown_column(column, table.name(), table.header()));
            }
        }
        let mut notes = Vec::new();
        let mut features = Vec::new();
        let mut constant = Vec::new();
        for column in table.columns() {
            let name = column.name();
            let excluded = target.columns().any(|target| target == name)
                || options.exclude.contains(name)
                || options.weights.as_deref() == Some(name);
            if excluded {
                continue;
            }
            let named = options.embed.columns.contains_key(name);
            if let Some(why) = no_feature(&column, rows, named) {
                notes.push(why);
                continue;
            }
            let Some(encoding) = fit_column(table, &column, rows, options, &mut notes)? else {
                notes.push(Note::new(
                    NoteKind::Dropped,
                    format!("column {} has one date in all training rows: left out", quoted(name)),
                ));
                continue;
            };
            if is_constant(&column, rows) {
                constant.push(name.to_string());
            }
            features.push(Feature { column: name.to_string(), encoding });
        }
        if !constant.is_empty() {
            notes.push(Note::new(
                NoteKind::Constant,
                format!(
                    "no use to the network: {} with one value in all training rows: {}",
                    count(constant.len(), "column"),
                    list(&constant, 10),
                ),
            ));
        }
        notes.extend(note_codes(&features, options));
        check_width(table, &features, options, &notes)?;
        options.embed.refuse_others(&features, table.name())?;
        let used: BTreeSet<&String> = features.iter().map(|feature| &feature.column).collect();
        let unused = table
            .header()
            .iter()
            .filter(|name| {
                !used.contains(name)
                    && target.columns().all(|target| target != *name)
                    && options.weights.as_ref() != Some(name)
            })
            .cloned()
            .collect();
        let preprocessing = Preprocessing {
            missing: table.missing.clone(),
            target: fit_target(table, target, rows, options)?,
            weights: options.weights.clone(),
            features,
            unused,
        };
        Ok((preprocessing, notes))
    }
}

/// Why `column` is no feature, if it is none.
fn no_feature(column: &Column, rows: &[usize], named: bool) -> Option<Note> {
    let name = quoted(column.name());
    let flag = shell(column.name());
    let dropped = |text: String| Some(Note::new(NoteKind::Dropped, text));
    if rows.iter().all(|&row| column.is_missing(row)) {
        return dropped(format!("column {name} has no value in the training rows: left out"));
    }
    if column.declared || named {
        return None;
    }
    match column.cells() {
        Cells::Number(values) => {
            let counts_up = values.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
            if column.unnamed && values.len() > 2 && counts_up {
                return dropped(format!("{name} counts the rows: left out"));
            }
            None
        }
        Cells::Boolean { .. } => None,
        Cells::Category(texts) => {
            let present = texts.codes().iter().filter(|&&code| code != Texts::MISSING).count();
            if present > 2 && texts.levels().len() == present {
                return dropped(format!(
                    "column {name} has another text in every row, so it names rows: left out; --column-type {flag}=category keeps it"
                ));
            }
            None
        }
        Cells::Date(_) => dropped(format!(
            "column {name} holds dates, which later rows do not share: left out; --split-by {flag} keeps rows of one date together, --column-type {flag}=date makes features of year, month, day of the week and time"
        )),
    }
}

fn is_constant(column: &Column, rows: &[usize]) -> bool {
    let same = |cell: &dyn Fn(usize) -> u64| rows.iter().all(|&row| cell(row) == cell(rows[0]));
    match column.cells() {
        Cells::Number(values) => {
            same(&|row| if values[row].is_nan() { u64::MAX } else { (values[row] + 0.0).to_bits() })
        }
        Cells::Boolean { values, .. } => same(&|row| values[row].map_or(2, u64::from)),
        Cells::Category(texts) | Cells::Date(texts) => same(&|row| u64::from(texts.codes()[row])),
    }
}

/// `None` for a column of one date, of which no part differs.
fn fit_column(
    table: &Table,
    column: &Column,
    rows: &[usize],
    options: &FitOptions,
    notes: &mut Vec<Note>,
) -> Result<Option<Encoding>> {
    let gaps = rows.iter().any(|&row| column.is_missing(row));
    match column.cells() {
        Cells::Date(texts) => {
            let parts = DateParts::fit(table, column, texts, rows)?;
            Ok(parts.map(|parts| Encoding::Date { parts, gaps }))
        }
        Cells::Number(values) => {
            let mut present: Vec<f64> =
                rows.iter().map(|&row| values[row]).filter(|value| !value.is_nan()).collect();
            let (mean, std) = moments(&present);
            if !mean.is_finite() || !std.is_finite() {
                return Err(too_large(table, column.name()));
            }
            Ok(Some(Encoding::Number { mean, std, median: median(&mut present), gaps }))
        }
        Cells::Boolean { values, .. } => {
            let of = |wanted| rows.iter().filter(|&&row| values[row] == Some(wanted)).count();
            Ok(Some(Encoding::Boolean { most: of(true) > of(false), gaps }))
        }
        Cells::Category(texts) => {
            let used = levels_in(texts, rows);
            let (name, flag) = (quoted(column.name()), shell(column.name()));
            let embedded = options.embed.takes(column.name(), used.len());
            let most = if embedded { options.most_codes } else { options.most_levels };
            if used.len() > most {
                let table_instead = match embedded {
                    true => String::new(),
                    false => format!(", look it up in a table with --embedding {flag}"),
                };
                return Err(Error::data(format!(
                    "column {name} has {} different texts, the limit is {most}",
                    used.len(),
                ))
                .at(table.name())
                .help(format!(
                    "leave it out with --drop {flag}{table_instead}, or --column-type {flag}=number if it holds numbers"
                )));
            }
            if used.len() > 20 && 2 * used.len() > rows.len() {
                notes.push(Note::new(NoteKind::ManyLevels, format!(
                    "column {name} has {} different texts in {}, a {} for each; --drop {flag} if it names rows",
                    used.len(), count(rows.len(), "row"), if embedded { "code" } else { "feature" },
                )));
            }
            Ok(Some(match embedded {
                true => Encoding::Code { levels: used, gaps },
                false => Encoding::Category { levels: used, gaps },
            }))
        }
    }
}

/// Which columns became codes, and how long the rows of their tables are.
fn note_codes(features: &[Feature], options: &FitOptions) -> Option<Note> {
    let described = |feature: &Feature| {
        let rows = feature.codes()?;
        let width = options.embed.dimension(&feature.column, rows);
        Some(format!("{} ({rows} × {width})", quoted(&feature.column)))
    };
    let tables: Vec<String> = features.iter().filter_map(described).collect();
    let one = match tables.len() {
        0 => return None,
        1 => "a column of categories becomes a code, which looks up a row of a trained table",
        _ => "columns of categories become codes, which look up rows of trained tables", // not operations
    };
    let shown = tables.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    let more = if tables.len() > 10 { ", …" } else { "" };
    let never = match options.embed.rule {
        EmbedRule::Auto => "; --embedding never gives each category a feature of its own",
        EmbedRule::Never | EmbedRule::Always => "",
    };
    Some(Note::new(NoteKind::Codes, format!("{one}: {shown}{more}{never}")))
}

/// The texts of `rows`, sorted, each once.
fn levels_in(texts: &Texts, rows: &[usize]) -> Vec<String> {
    let mut used = vec![false; texts.levels().len()];
    for &row in rows {
        if let Some(used) = used.get_mut(texts.codes()[row] as usize) {
            *used = true;
        }
    }
    let levels = texts.levels().iter().zip(used).filter(|(_, used)| *used);
    let mut levels: Vec<String> = levels.map(|(level, _)| level.clone()).collect();
    levels.sort_unstable();
    levels
}

fn too_large(table: &Table, column: &str) -> Error {
    Error::data(format!(
        "the numbers of column {} are too large to standardise in 64-bit floats",
        quoted(column)
    ))
    .at(table.name())
    .help("divide the column by a constant, or leave it out with --drop")
}

/// The mean and population standard deviation; the latter is 1 when the values do not differ by more than rounding.
///
/// # Source
/// scikit-learn, `_is_constant_feature`: a variance up to n·ε·variance + (n·mean·ε)² is that of a constant.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    if values.iter().all(|&value| value == values[0]) {
        return (values[0], 1.0);
    }
    let rough = values.iter().sum::<f64>() / n;
    let mean = rough + values.iter().map(|value| value - rough).sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
    let rounding = n * f64::EPSILON * variance + (n * mean * f64::EPSILON).powi(2);
    let constant = variance.is_finite() && (variance <= rounding || variance == 0.0);
    (mean, if constant { 1.0 } else { variance.sqrt() })
}

/// The middle value, or the mean of the two middle ones. The order of `values` changes.
fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if even => lower / 2.0 + upper / 2.0,
        _ => upper,
    }
}

fn check_width(
    table: &Table,
    features: &[Feature],
    options: &FitOptions,
    notes: &[Note],
) -> Result<()> {
    if features.is_empty() {
        let mut error = Error::data("no column is left to learn from")
            .at(table.name())
            .help("give the table at least one column beside the target");
        for note in notes.iter().filter(|note| note.kind == NoteKind::Dropped) {
            error = error.detail(note.text.clone());
        }
        return Err(error);
    }
    let width: usize = features.iter().map(Feature::width).sum();
    if width <= options.most_features {
        return Ok(());
    }
    let mut widest: Vec<&Feature> =
        features.iter().filter(|feature| feature.column_type() == ColumnType::Category).collect();
    widest.sort_by_key(|feature| std::cmp::Reverse(feature.width()));
    let mut error = Error::data(format!(
        "the columns become {width} features, the limit is {}",
        options.most_features
    ))
    .at(table.name())
    .help("leave columns out with --drop");
    for feature in widest.iter().take(5) {
        error = error.detail(format!("{}: {} features", quoted(&feature.column), feature.width()));
    }
    Err(error)
}

fn fit_target(
    table: &Table,
    target: &Target,
    rows: &[usize],
    options: &FitOptions,
) -> Result<TargetEncoding> {
    if let TargetValues::Classes { names, .. } = &target.values {
        let (column, names) = (target.column().to_string(), names.clone());
        return Ok(TargetEncoding::Classes { column, column_type: target.column_type, names });
    }
    let fitted = |column: &str| fit_number(table, column, rows, options);
    let mut targets = target.columns().map(fitted).collect::<Result<Vec<NumberTarget>>>()?;
    if targets.len() > 1 {
        return Ok(TargetEncoding::Numbers { targets });
    }
    let NumberTarget { column, mean, std } = targets.swap_remove(0);
    Ok(TargetEncoding::Number { column, mean, std })
}

fn fit_number(
    table: &Table,
    column: &str,
    rows: &[usize],
    options: &FitOptions,
) -> Result<NumberTarget> {
    let values = table.require(column)?;
    let values = values.numbers().unwrap_or_default();
    let present: Vec<f64> = rows
        .iter()
        .filter_map(|&row| values.get(row).copied())
        .filter(|value| !value.is_nan())
        .collect();
    if present.iter().all(|&value| value == present[0]) {
        return Err(Error::data(format!(
            "the target {} is the same in all training rows: there is nothing to learn",
            quoted(column)
        ))
        .at(table.name())
        .help("give more rows, or another --seed for the split"));
    }
    let (mean, std) = if options.standardise_target { moments(&present) } else { (0.0, 1.0) };
    if !mean.is_finite() || !std.is_finite() {
        return Err(too_large(table, column));
    }
    Ok(NumberTarget { column: column.to_owned(), mean, std })
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
