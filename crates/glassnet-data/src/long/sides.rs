//! Which rows of a long table train and which validate.

use glassnet::Result;

use super::choose::LongTarget;
use super::row_set::RowSet;
use super::{LongTable, Piece};
use crate::note::Note;
use crate::split::{
    GroupCounts, Groups, Random, SplitOptions, Stratified, check_fraction, group_key,
    note_shortcomings,
};

/// The rows of each side.
pub struct Sides {
    /// The rows that train.
    pub training: RowSet,
    /// The rows that validate.
    pub validation: RowSet,
    /// What is worth telling about the split.
    pub notes: Vec<Note>,
}

impl LongTable {
    /// Splits the labelled rows of `target`: as [`split`](crate::split) of a table in memory.
    ///
    /// # Errors
    /// As [`split`](crate::split); kind `io` when the scratch can't be read.
    pub fn split(&self, target: &LongTarget, options: &SplitOptions) -> Result<Sides> {
        check_fraction(options)?;
        if options.fraction == 0.0 {
            let (training, validation) = (target.labelled.clone(), RowSet::default());
            return Ok(Sides { training, validation, notes: vec![] });
        }
        let random = Random::new(options.seed);
        let validation = match &options.group_by {
            None => self.stratified(target, options.fraction, random)?,
            Some(column) => self.by_groups(target, column, options.fraction, random)?,
        };
        let training = RowSet::of(self.rows(), |row| {
            target.labelled.contains(row) && !validation.contains(row)
        });
        let mut taken = vec![0; target.sizes.len()];
        self.each_label(target, |row, class| {
            taken[class as usize] += usize::from(validation.contains(row));
        })?;
        let mut notes = vec![];
        note_shortcomings(&target.target, (&target.sizes, &taken), options, &mut notes);
        Ok(Sides { training, validation, notes })
    }

    /// How many of `rows` each class has; none for numbers.
    ///
    /// # Errors
    /// Kind `io` when the scratch can't be read.
    pub fn class_sizes(&self, target: &LongTarget, rows: &RowSet) -> Result<Vec<usize>> {
        let mut sizes = vec![0; target.classes().map_or(0, <[String]>::len)];
        if !sizes.is_empty() {
            self.each_label(target, |row, class| {
                sizes[class as usize] += usize::from(rows.contains(row));
            })?;
        }
        Ok(sizes)
    }

    fn stratified(&self, target: &LongTarget, fraction: f64, random: Random) -> Result<RowSet> {
        let mut classes = vec![];
        if Stratified::lists(target.labelled.count()) {
            classes.reserve_exact(target.labelled.count());
            self.each_label(target, |_, class| classes.push(class))?;
        }
        let mut side = Stratified::new(&target.sizes, fraction, random, || classes.iter());
        let mut validation = RowSet::collect(self.rows());
        self.each_label(target, |row, class| {
            if side.validates(class) {
                validation.insert(row);
            }
        })?;
        Ok(validation.finish())
    }

    fn by_groups(
        &self,
        target: &LongTarget,
        column: &str,
        fraction: f64,
        mut random: Random,
    ) -> Result<RowSet> {
        let (mut groups, mut counts) = (Groups::default(), GroupCounts::default());
        self.each_group(target, column, |_, key, class| counts.push(groups.number(key), class))?;
        groups.refuse_one(&self.head, column)?;
        let side = counts.sides(&target.sizes, fraction, &mut random);
        let mut validation = RowSet::collect(self.rows());
        self.each_group(target, column, |row, key, _| {
            if side[groups.number(key)] {
                validation.insert(row);
            }
        })?;
        Ok(validation.finish())
    }

    /// Calls with each labelled row, in the table's order, and its class.
    fn each_label(&self, target: &LongTarget, mut call: impl FnMut(usize, u32)) -> Result<()> {
        self.each_value(target.target.column(), |values, piece| {
            for (&value, row) in values.iter().zip(piece.rows.clone()) {
                if target.labelled.contains(row) {
                    call(row, target.class(value));
                }
            }
            Ok(())
        })
    }

    /// Calls with each labelled row, the key of its group, and its class.
    fn each_group(
        &self,
        target: &LongTarget,
        column: &str,
        mut call: impl FnMut(usize, u64, u32),
    ) -> Result<()> {
        let place = self.place(column)?;
        let described = &self.head.columns[place];
        self.each_value(target.target.column(), |values, piece| {
            let mut keys = vec![];
            self.read(piece, place..place + 1)?.unpack(0, &mut keys);
            let cells = described.cells(keys);
            for (at, (&value, row)) in values.iter().zip(piece.rows.clone()).enumerate() {
                if target.labelled.contains(row) {
                    call(row, group_key(&cells, at), target.class(value));
                }
            }
            Ok(())
        })
    }

    /// Calls with the values of a column, block by block.
    fn each_value(
        &self,
        column: &str,
        mut call: impl FnMut(&[f64], &Piece) -> Result<()>,
    ) -> Result<()> {
        let place = self.place(column)?;
        let described = &self.head.columns[place];
        let mut values = vec![];
        for piece in self.pieces() {
            values.clear();
            self.read(&piece, place..place + 1)?.unpack(0, &mut values);
            described.decode(&mut values);
            call(&values, &piece)?;
        }
        Ok(())
    }
}
