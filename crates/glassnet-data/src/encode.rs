//! From typed columns to the dense arrays that a network reads.

use std::collections::{BTreeSet, HashMap};

use glassnet::{Error, ErrorKind, Result, Tensor};

use crate::note::{Note, NoteKind};
use crate::options::ColumnType;
use crate::preprocessing::{Encoding, Feature, Preprocessing};
use crate::table::{Cells, Column, Table, Texts};
use crate::target::labelled_rows;
use crate::words::{count, list, quoted};

/// What to do with a category that the training rows did not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnseenPolicy {
    /// Refuse, with every such category listed.
    #[default]
    Error,
    /// Encode it as no category (all zeros), with a note (`--unseen ignore`).
    Ignore,
}

/// What to do with a gap in a column that had none in the training rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GapPolicy {
    /// Refuse, with the first such cell named.
    #[default]
    Error,
    /// Take the training rows' median (booleans: the more frequent value; categories: no category), with a note
    /// (`--gaps fill`).
    Fill,
}

/// How rows are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Categories that the training rows did not have.
    pub unseen: UnseenPolicy,
    /// Gaps where the training rows had none.
    pub gaps: GapPolicy,
    /// Whether the target (and the row weights, if the model has any) is encoded too: off for `predict`.
    pub with_target: bool,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        EncodeOptions { unseen: UnseenPolicy::Error, gaps: GapPolicy::Error, with_target: true }
    }
}

impl EncodeOptions {
    /// For the validation rows of the training table: what only they have is no reason to stop.
    pub fn lenient() -> Self {
        EncodeOptions { unseen: UnseenPolicy::Ignore, gaps: GapPolicy::Fill, with_target: true }
    }
}

/// The targets of encoded rows.
#[derive(Clone, Debug, PartialEq)]
pub enum EncodedTarget {
    /// The class of each row.
    Classes(Vec<i64>),
    /// The (standardised) number of each row: shape `[rows, 1]`.
    Values(Tensor<f32>),
}

/// Rows as a network reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// Shape `[rows, features]`; every element is finite.
    pub features: Tensor<f32>,
    /// One name per feature.
    pub feature_names: Vec<String>,
    /// The targets, unless they were not asked for.
    pub target: Option<EncodedTarget>,
    /// The weight of each row, if the model was trained with weights and targets were asked for.
    pub row_weights: Option<Vec<f32>>,
    /// What is worth telling.
    pub notes: Vec<Note>,
}

/// The most elements that one call makes: 8 GiB.
const MOST_ELEMENTS: usize = 1 << 31;

impl Preprocessing {
    /// Encodes `rows` of `table`, in that order, with the columns found by name: their order does not matter, further
    /// columns are ignored with a note. Read the table with [`Preprocessing::csv_options`].
    ///
    /// # Errors
    /// Kind `data`: missing columns (with both lists), a column of another type, unseen categories and new gaps (by
    /// policy), a number so far from the training rows that it leaves 32-bit floats, a class that the model
    /// does not know, a row without a target. Kind `limit` above 8 GiB.
    pub fn encode(
        &self,
        table: &Table,
        rows: &[usize],
        options: &EncodeOptions,
    ) -> Result<Encoded> {
        if let Some(&row) = rows.iter().find(|&&row| row >= table.rows()) {
            return Err(Error::data(format!("there is no row {row}")).at(table.name()));
        }
        let columns = self.find_columns(table, options)?;
        let width = self.width();
        let elements = rows.len().checked_mul(width).filter(|&all| all <= MOST_ELEMENTS);
        let elements = elements.ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                format!("{} of {width} features do not fit into 8 GiB", count(rows.len(), "row")),
            )
            .at(table.name())
            .help("encode fewer rows at a time, or leave columns with many categories out")
        })?;
        let mut block =
            Block { table, rows, options, width, data: vec![0.0; elements], notes: vec![] };
        block.notes.extend(self.note_extra_columns(table));
        let mut unseen = Vec::new();
        let mut at = 0;
        for (feature, column) in self.features.iter().zip(columns) {
            block.encode_column(feature, column, at, &mut unseen)?;
            at += feature.width();
        }
        block.report_unseen(&unseen)?;
        let Block { data, notes, .. } = block;
        let (target, row_weights) = match options.with_target {
            true => (Some(self.encode_target(table, rows)?), self.encode_weights(table, rows)?),
            false => (None, None),
        };
        Ok(Encoded {
            features: Tensor::new([rows.len(), width], data)?,
            feature_names: self.feature_names(),
            target,
            row_weights,
            notes,
        })
    }

    /// The rows of `table` that have a target, and a note of how many have none.
    ///
    /// # Errors
    /// Kind `data`: no such column, or fewer than two rows have a target.
    pub fn labelled_rows(&self, table: &Table) -> Result<(Vec<usize>, Vec<Note>)> {
        labelled_rows(table, table.require(self.target.column())?)
    }

    fn find_columns<'t>(
        &self,
        table: &'t Table,
        options: &EncodeOptions,
    ) -> Result<Vec<&'t Column>> {
        let by_name: HashMap<&str, &Column> =
            table.columns().iter().map(|column| (column.name(), column)).collect();
        let mut wanted: Vec<&str> = self.features.iter().map(|f| f.column.as_str()).collect();
        if options.with_target {
            wanted.push(self.target.column());
            wanted.extend(self.weights.as_deref());
        }
        let missing: Vec<&str> =
            wanted.iter().copied().filter(|name| !by_name.contains_key(name)).collect();
        if !missing.is_empty() {
            return Err(Error::data(format!(
                "{} missing: {}",
                match missing.len() {
                    1 => "1 column is".to_string(),
                    many => format!("{many} columns are"),
                },
                list(&missing, 10)
            ))
            .at(table.name())
            .help("give the model the columns that it was trained with, under their names")
            .detail(format!("the model needs: {}", list(&wanted, 100)))
            .detail(format!("the file has: {}", list(table.header(), 100))));
        }
        for feature in &self.features {
            let (found, wanted) =
                (by_name[feature.column.as_str()].column_type(), feature.column_type());
            let both_text = found == ColumnType::Date && wanted == ColumnType::Category;
            if found != wanted && !both_text {
                return Err(Error::data(format!(
                    "column {} is read as {}, the model has it as {}",
                    quoted(&feature.column),
                    found.name(),
                    wanted.name()
                ))
                .at(table.name())
                .help("read the table with the model's column types"));
            }
        }
        Ok(self.features.iter().map(|feature| by_name[feature.column.as_str()]).collect())
    }

    fn note_extra_columns(&self, table: &Table) -> Option<Note> {
        let mut known: BTreeSet<&str> = self.features.iter().map(|f| f.column.as_str()).collect();
        known.insert(self.target.column());
        known.extend(self.weights.as_deref());
        known.extend(self.unused.iter().map(String::as_str));
        let extra: Vec<&String> =
            table.header().iter().filter(|name| !known.contains(name.as_str())).collect();
        (!extra.is_empty()).then(|| {
            Note::new(
                NoteKind::ExtraColumns,
                format!(
                    "{} that the model does not use: {}",
                    count(extra.len(), "column"),
                    list(extra, 10),
                ),
            )
        })
    }
}

/// `(value − mean) / std` as a 32-bit float, `None` when it is beyond them.
pub(crate) fn standardised(value: f64, mean: f64, std: f64) -> Option<f32> {
    let scaled = ((value - mean) / std) as f32;
    scaled.is_finite().then_some(scaled)
}

pub(crate) fn too_far(table: &Table, column: &Column, row: usize) -> Error {
    let value = column.numbers().map_or(f64::NAN, |values| values[row]);
    Error::data(format!(
        "{value:e} is so far from the training rows that it leaves the range of 32-bit floats"
    ))
    .at(table.place(row, column.name()))
    .help("correct the cell")
}

/// The rows under construction, row by row in one block.
struct Block<'a> {
    table: &'a Table,
    rows: &'a [usize],
    options: &'a EncodeOptions,
    width: usize,
    data: Vec<f32>,
    notes: Vec<Note>,
}

/// A category that the training rows did not have: its column, text, count and first row.
struct Unseen {
    column: String,
    text: String,
    times: usize,
    row: usize,
}

impl Block<'_> {
    fn encode_column(
        &mut self,
        feature: &Feature,
        column: &Column,
        at: usize,
        unseen: &mut Vec<Unseen>,
    ) -> Result<()> {
        let missing_at = at + feature.width() - 1;
        match (&feature.encoding, column.cells()) {
            (Encoding::Number { mean, std, median, gaps }, Cells::Number(values)) => {
                self.handle_gaps(column, *gaps, missing_at)?;
                for (index, &row) in self.rows.iter().enumerate() {
                    let value = if values[row].is_nan() { *median } else { values[row] };
                    self.data[index * self.width + at] = standardised(value, *mean, *std)
                        .ok_or_else(|| too_far(self.table, column, row))?;
                }
            }
            (Encoding::Boolean { most, gaps }, Cells::Boolean { values, .. }) => {
                self.handle_gaps(column, *gaps, missing_at)?;
                for (index, &row) in self.rows.iter().enumerate() {
                    let value = values[row].unwrap_or(*most);
                    self.data[index * self.width + at] = f32::from(u8::from(value));
                }
            }
            (Encoding::Category { levels, gaps }, Cells::Category(texts) | Cells::Date(texts)) => {
                self.handle_gaps(column, *gaps, missing_at)?;
                self.encode_texts(column.name(), texts, levels, at, unseen);
            }
            // `find_columns` refused every other pair.
            (
                Encoding::Number { .. } | Encoding::Boolean { .. } | Encoding::Category { .. },
                Cells::Number(_) | Cells::Boolean { .. } | Cells::Category(_) | Cells::Date(_),
            ) => {}
        }
        Ok(())
    }

    /// Marks the missing cells of `column` at feature `missing_at` if the training rows had `gaps`, else goes by policy.
    fn handle_gaps(&mut self, column: &Column, gaps: bool, missing_at: usize) -> Result<()> {
        let mut new_gaps = 0;
        for (index, &row) in self.rows.iter().enumerate() {
            if !column.is_missing(row) {
                continue;
            }
            match (gaps, self.options.gaps) {
                (true, _) => self.data[index * self.width + missing_at] = 1.0,
                (false, GapPolicy::Fill) => new_gaps += 1,
                (false, GapPolicy::Error) => {
                    return Err(Error::data(
                        "the cell is missing, and no training row had a gap there",
                    )
                    .at(self.table.place(row, column.name()))
                    .help(
                        "fill the cell, or add --gaps fill to take the training rows' middle value",
                    ));
                }
            }
        }
        if new_gaps > 0 {
            self.notes.push(Note::new(
                NoteKind::Unseen,
                format!(
                    "column {} has {} where the training rows had none: filled",
                    quoted(column.name()),
                    count(new_gaps, "gap"),
                ),
            ));
        }
        Ok(())
    }

    fn encode_texts(
        &mut self,
        column: &str,
        texts: &Texts,
        levels: &[String],
        at: usize,
        unseen: &mut Vec<Unseen>,
    ) {
        let place: Vec<Option<usize>> =
            texts.levels().iter().map(|text| levels.binary_search(text).ok()).collect();
        let mut found: HashMap<u32, usize> = HashMap::new();
        for (index, &row) in self.rows.iter().enumerate() {
            let code = texts.codes()[row];
            let Some(place) = place.get(code as usize) else {
                continue;
            };
            if let Some(level) = place {
                self.data[index * self.width + at + level] = 1.0;
                continue;
            }
            let entry = *found.entry(code).or_insert_with(|| {
                let text = texts.levels()[code as usize].clone();
                unseen.push(Unseen { column: column.to_string(), text, times: 0, row });
                unseen.len() - 1
            });
            unseen[entry].times += 1;
        }
    }

    fn report_unseen(&mut self, unseen: &[Unseen]) -> Result<()> {
        let Some(first) = unseen.first() else {
            return Ok(());
        };
        match self.options.unseen {
            UnseenPolicy::Ignore => {
                let columns: BTreeSet<&str> = unseen.iter().map(|u| u.column.as_str()).collect();
                for column in columns {
                    let texts: Vec<&str> = unseen
                        .iter()
                        .filter(|u| u.column == column)
                        .map(|u| u.text.as_str())
                        .collect();
                    self.notes.push(Note::new(NoteKind::Unseen, format!(
                        "column {}: {} that the training rows did not have, encoded as none: {}",
                        quoted(column), count(texts.len(), "category"), list(texts, 10),
                    )));
                }
                Ok(())
            }
            UnseenPolicy::Error => {
                let mut error = Error::data(format!(
                    "column {} has a category that the training rows did not have: {}",
                    quoted(&first.column), quoted(&first.text)
                ))
                .at(self.table.place(first.row, &first.column))
                .help("correct the cell, or add --unseen ignore to encode it as none of the categories");
                for one in unseen.iter().take(10) {
                    error = error.detail(format!(
                        "{} = {}: {}, first at line {}",
                        quoted(&one.column),
                        quoted(&one.text),
                        count(one.times, "row"),
                        self.table.line(one.row),
                    ));
                }
                if unseen.len() > 10 {
                    error = error.detail(format!("… {} in all", count(unseen.len(), "category")));
                }
                Err(error)
            }
        }
    }
}
