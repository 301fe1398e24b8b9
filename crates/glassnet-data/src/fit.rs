//! Learning the preprocessing from the training rows.

use std::collections::BTreeSet;

use glassnet::{Error, Result};

use crate::dates::DateParts;
use crate::embedding::{EmbedOptions, EmbedRule};
use crate::note::{Note, NoteKind};
use crate::observed::{Observed, ObservedCells, ObservedNumbers, moments};
use crate::options::ColumnType;
use crate::preprocessing::{Encoding, Feature, NumberTarget, Preprocessing, TargetEncoding};
use crate::table::{Table, unknown_column};
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
        check_named(table, options)?;
        let observed = table.columns().filter(|column| !is_apart(column.name(), target, options));
        let observed = observed.map(|column| Observed::of(&column, rows)).map(Ok);
        let encoding = || fit_target(table, target, rows, options);
        learn(table, target, observed, encoding, options)
    }
}

/// Refuses options that name columns which are not there.
///
/// # Errors
/// Kind `data`.
pub(crate) fn check_named(table: &Table, options: &FitOptions) -> Result<()> {
    for column in options.exclude.iter().chain(&options.weights) {
        if !table.header().contains(column) {
            return Err(unknown_column(column, table.name(), table.header()));
        }
    }
    Ok(())
}

/// Whether a column is no feature: a target, the rows' weights, or excluded.
pub(crate) fn is_apart(name: &str, target: &Target, options: &FitOptions) -> bool {
    target.columns().any(|target| target == name)
        || options.exclude.contains(name)
        || options.weights.as_deref() == Some(name)
}

/// Makes the preprocessing of what the training rows have in their columns; `encoding` learns the target's.
///
/// # Errors
/// As [`Preprocessing::fit`].
pub(crate) fn learn(
    table: &Table,
    target: &Target,
    observed: impl Iterator<Item = Result<Observed>>,
    encoding: impl FnOnce() -> Result<TargetEncoding>,
    options: &FitOptions,
) -> Result<(Preprocessing, Vec<Note>)> {
    let mut notes = Vec::new();
    let mut features = Vec::new();
    let mut constant = Vec::new();
    for column in observed {
        let column = column?;
        let name = &column.name;
        let named = options.embed.columns.contains_key(name);
        if let Some(why) = no_feature(&column, named) {
            notes.push(why);
            continue;
        }
        let Some(encoding) = fit_column(table, &column, options, &mut notes)? else {
            notes.push(Note::new(
                NoteKind::Dropped,
                format!("column {} has one date in all training rows: left out", quoted(name)),
            ));
            continue;
        };
        if column.constant {
            constant.push(name.clone());
        }
        features.push(Feature { column: name.clone(), encoding });
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
        target: encoding()?,
        weights: options.weights.clone(),
        features,
        unused,
    };
    Ok((preprocessing, notes))
}

/// Why `column` is no feature, if it is none.
fn no_feature(column: &Observed, named: bool) -> Option<Note> {
    let name = quoted(&column.name);
    let flag = shell(&column.name);
    let dropped = |text: String| Some(Note::new(NoteKind::Dropped, text));
    if column.present == 0 {
        return dropped(format!("column {name} has no value in the training rows: left out"));
    }
    if column.declared || named {
        return None;
    }
    match &column.cells {
        ObservedCells::Number(numbers) if column.unnamed && numbers.counts_up => {
            dropped(format!("{name} counts the rows: left out"))
        }
        ObservedCells::Number(_) | ObservedCells::Boolean { .. } => None,
        ObservedCells::Texts(texts) if texts.dates => dropped(format!(
            "column {name} holds dates, which later rows do not share: left out; --split-by {flag} keeps rows of one date together, --column-type {flag}=date makes features of year, month, day of the week and time"
        )),
        ObservedCells::Texts(texts) if texts.names_rows => dropped(format!(
            "column {name} has another text in every row, so it names rows: left out; --column-type {flag}=category keeps it"
        )),
        ObservedCells::Texts(_) => None,
    }
}

/// `None` for a column of one date, of which no part differs.
fn fit_column(
    table: &Table,
    column: &Observed,
    options: &FitOptions,
    notes: &mut Vec<Note>,
) -> Result<Option<Encoding>> {
    let gaps = column.gaps();
    match &column.cells {
        ObservedCells::Texts(texts) if texts.dates => {
            let parts = DateParts::fit(table, &column.name, texts)?;
            Ok(parts.map(|parts| Encoding::Date { parts, gaps }))
        }
        &ObservedCells::Number(ObservedNumbers { mean, std, median, .. }) => {
            if !mean.is_finite() || !std.is_finite() {
                return Err(too_large(table, &column.name));
            }
            Ok(Some(Encoding::Number { mean, std, median, gaps }))
        }
        &ObservedCells::Boolean { most } => Ok(Some(Encoding::Boolean { most, gaps })),
        ObservedCells::Texts(texts) => {
            let used = texts.sorted();
            let (name, flag) = (quoted(&column.name), shell(&column.name));
            let embedded = options.embed.takes(&column.name, used.len());
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
            if used.len() > 20 && 2 * used.len() > column.rows {
                notes.push(Note::new(NoteKind::ManyLevels, format!(
                    "column {name} has {} different texts in {}, a {} for each; --drop {flag} if it names rows",
                    used.len(), count(column.rows, "row"), if embedded { "code" } else { "feature" },
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

fn too_large(table: &Table, column: &str) -> Error {
    Error::data(format!(
        "the numbers of column {} are too large to standardise in 64-bit floats",
        quoted(column)
    ))
    .at(table.name())
    .help("divide the column by a constant, or leave it out with --drop")
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
    let same = present.iter().all(|&value| value == present[0]);
    number_target(table, column, same, || moments(&present), options)
}

/// How the numbers of a target are learned, given whether they are the `same` in all training rows, and their `moments`.
///
/// # Errors
/// Kind `data`.
pub(crate) fn number_target(
    table: &Table,
    column: &str,
    same: bool,
    moments: impl FnOnce() -> (f64, f64),
    options: &FitOptions,
) -> Result<NumberTarget> {
    if same {
        return Err(Error::data(format!(
            "the target {} is the same in all training rows: there is nothing to learn",
            quoted(column)
        ))
        .at(table.name())
        .help("give more rows, or another --seed for the split"));
    }
    let (mean, std) = if options.standardise_target { moments() } else { (0.0, 1.0) };
    if !mean.is_finite() || !std.is_finite() {
        return Err(too_large(table, column));
    }
    Ok(NumberTarget { column: column.to_owned(), mean, std })
}
