//! From typed columns to the dense arrays that a network reads.

use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};

use glassnet::{Error, Result, Tensor};

use crate::note::{Note, NoteKind};
use crate::options::ColumnType;
use crate::packed::Block;
use crate::part::{Part, encode_block};
use crate::preprocessing::Preprocessing;
use crate::table::{Described, Table};
use crate::target::{labelled_rows, rows_with_all};
use crate::words::{count, list, quoted};

/// What to do with a category that the training rows did not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UnseenPolicy {
    /// Refuse, with every such category listed.
    #[default]
    Error,
    /// Encode it as no category (all zeros, or the code 0), with a note (`--unseen ignore`).
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

/// Targets and row weights.
pub(crate) type Labels = (Option<EncodedTarget>, Option<Vec<f32>>);

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
        let labels = self.encode_labels(table, rows, options);
        let mut parts = [Part::new(self, table, rows, *options)?];
        self.encode_blocks(table, table.blocks.iter(), &mut parts)?;
        let [part] = parts;
        part.finish(labels)
    }

    /// As [`Preprocessing::encode`], giving the memory of `table` back as it is encoded.
    ///
    /// # Errors
    /// As [`Preprocessing::encode`].
    pub fn encode_owned(
        &self,
        mut table: Table,
        rows: &[usize],
        options: &EncodeOptions,
    ) -> Result<Encoded> {
        // What is needed of whole columns is taken before they are given back.
        let labels = self.encode_labels(&table, rows, options);
        let blocks = std::mem::take(&mut table.blocks);
        let mut parts = [Part::new(self, &table, rows, *options)?];
        self.encode_blocks(&table, blocks.into_iter(), &mut parts)?;
        let [part] = parts;
        part.finish(labels)
    }

    /// As [`Preprocessing::encode_owned`], of several lists of rows at once.
    ///
    /// ```
    /// use glassnet_data::*;
    /// let table = read_csv("x,y\n1,a\n2,b\n3,a\n4,b\n".as_bytes(), "t.csv", &CsvOptions::default())?;
    /// let target = Target::choose(&table, "y", Task::Auto)?;
    /// let (training, validation) = (vec![0, 1], vec![2, 3]);
    /// let (preprocessing, _) = Preprocessing::fit(&table, &target, &training, &FitOptions::default())?;
    /// let parts = [(&training[..], EncodeOptions::default()), (&validation[..], EncodeOptions::lenient())];
    /// let one = preprocessing.encode(&table, &training, &EncodeOptions::default())?;
    /// assert_eq!(preprocessing.encode_parts(table, &parts)?[0], one);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Preprocessing::encode`]; those of an earlier list go first.
    pub fn encode_parts<'r>(
        &self,
        mut table: Table,
        lists: &[(&'r [usize], EncodeOptions)],
    ) -> Result<Vec<Encoded>> {
        let labels: Vec<Result<Labels>> =
            lists.iter().map(|(rows, options)| self.encode_labels(&table, rows, options)).collect();
        let blocks = std::mem::take(&mut table.blocks);
        let part = |(rows, options): &(&'r [usize], EncodeOptions)| {
            Part::new(self, &table, rows, *options)
        };
        let mut parts = lists.iter().map(part).collect::<Result<Vec<_>>>()?;
        self.encode_blocks(&table, blocks.into_iter(), &mut parts)?;
        parts.into_iter().zip(labels).map(|(part, labels)| part.finish(labels)).collect()
    }

    /// Encodes what `parts` have of a table's blocks; whoever gives the blocks away is rid of each when it was encoded.
    fn encode_blocks<B: Borrow<Block>>(
        &self,
        table: &Table,
        blocks: impl Iterator<Item = B>,
        parts: &mut [Part<'_>],
    ) -> Result<()> {
        let columns = self.find_columns(table, parts.iter().any(Part::has_target))?;
        let mut start = 0;
        for block in blocks {
            let block: &Block = block.borrow();
            encode_block(self, &columns, (block, start), parts);
            start += block.rows();
        }
        Ok(())
    }

    fn encode_labels(
        &self,
        table: &Table,
        rows: &[usize],
        options: &EncodeOptions,
    ) -> Result<Labels> {
        refuse_no_row(table, rows)?;
        Ok(match options.with_target {
            true => (Some(self.encode_target(table, rows)?), self.encode_weights(table, rows)?),
            false => (None, None),
        })
    }

    /// The rows of `table` that have a target, and a note of how many have none.
    ///
    /// # Errors
    /// Kind `data`: no such column, or fewer than two rows have a target.
    pub fn labelled_rows(&self, table: &Table) -> Result<(Vec<usize>, Vec<Note>)> {
        let columns = self.target.columns().into_iter().map(|column| table.require(column));
        match &columns.collect::<Result<Vec<_>>>()?[..] {
            [only] => labelled_rows(table, only),
            several => rows_with_all(table, several),
        }
    }

    /// The column of each feature.
    pub(crate) fn find_columns<'t>(
        &self,
        table: &'t Table,
        with_target: bool,
    ) -> Result<Vec<(usize, &'t Described)>> {
        let by_name: HashMap<&str, (usize, &Described)> = table
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.name.as_str(), (index, column)))
            .collect();
        let mut wanted: Vec<&str> = self.features.iter().map(|f| f.column.as_str()).collect();
        if with_target {
            wanted.extend(self.target.columns());
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
                (by_name[feature.column.as_str()].1.column_type(), feature.column_type());
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

    pub(crate) fn note_extra_columns(&self, table: &Table) -> Option<Note> {
        let mut known: BTreeSet<&str> = self.features.iter().map(|f| f.column.as_str()).collect();
        known.extend(self.target.columns());
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

pub(crate) fn too_far(table: &Table, column: &str, row: usize, value: f64) -> Error {
    Error::data(format!(
        "{value:e} is so far from the training rows that it leaves the range of 32-bit floats"
    ))
    .at(table.place(row, column))
    .help("correct the cell")
}

pub(crate) fn refuse_no_row(table: &Table, rows: &[usize]) -> Result<()> {
    match rows.iter().find(|&&row| row >= table.rows()) {
        Some(row) => Err(Error::data(format!("there is no row {row}")).at(table.name())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{CsvOptions, FitOptions, Target, Task, read_csv};

    /// A block that tells how many there are.
    struct Counted<'a>(Block, &'a Cell<usize>);

    impl Borrow<Block> for Counted<'_> {
        fn borrow(&self) -> &Block {
            &self.0
        }
    }

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.1.set(self.1.get() - 1);
        }
    }

    #[test]
    fn a_block_is_given_back_before_the_next_is_touched() -> Result<()> {
        let rows: String = (0..30_000).map(|row| format!("{row},{}\n", row % 3)).collect();
        let text = format!("x,y\n{rows}");
        let mut table = read_csv(text.as_bytes(), "t.csv", &CsvOptions::default())?;
        let target = Target::choose(&table, "y", Task::Classification)?;
        let rows: Vec<usize> = (0..table.rows()).collect();
        let (preprocessing, _) =
            Preprocessing::fit(&table, &target, &rows, &FitOptions::default())?;
        let whole = preprocessing.encode(&table, &rows, &EncodeOptions::default())?;
        let blocks = std::mem::take(&mut table.blocks);
        assert!(blocks.len() > 3);
        let alive = Cell::new(0);
        let blocks = blocks.into_iter().map(|block| {
            assert_eq!(alive.replace(1), 0, "the block before is still there");
            Counted(block, &alive)
        });
        let mut parts = [Part::new(&preprocessing, &table, &rows, EncodeOptions::default())?];
        preprocessing.encode_blocks(&table, blocks, &mut parts)?;
        let [part] = parts;
        assert_eq!(part.finish(Ok((None, None)))?.features, whole.features);
        Ok(())
    }
}
