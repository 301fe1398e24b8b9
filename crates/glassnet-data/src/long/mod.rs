//! Tables larger than memory: their packed cells lie in a scratch, and everything that is learned of them is learned block
//! by block.
//!
//! What comes out is what a table in memory gives, to the bit: the same classes, the same rows to validate on, the same
//! preprocessing, the same encoded rows. The rows that train end as [`LongRows`], packed once more so that a training reads
//! them quickly, a part at a time.
//!
//! ```
//! use std::{io::{self, Cursor}, sync::Mutex};
//! use glassnet::train::Source;
//! use glassnet_data::*;
//!
//! /// A temporary file; here in memory.
//! #[derive(Default)]
//! struct Bytes(Mutex<Vec<u8>>);
//!
//! impl Scratch for Bytes {
//!     fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
//!         let (mut all, at) = (self.0.lock().unwrap(), at as usize);
//!         let length = all.len().max(at + bytes.len());
//!         all.resize(length, 0);
//!         all[at..at + bytes.len()].copy_from_slice(bytes);
//!         Ok(())
//!     }
//!     fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
//!         bytes.copy_from_slice(&self.0.lock().unwrap()[at as usize..][..bytes.len()]);
//!         Ok(())
//!     }
//! }
//!
//! let lines: String = (0..5000).map(|i| format!("{},{}\n", i % 7, ["a", "b"][i % 2])).collect();
//! let file = Input::new("t.csv", Cursor::new(format!("x,y\n{lines}")));
//! let open = || Ok(Box::new(Bytes::default()) as Box<dyn Scratch>);
//! let mut spill = Spill { memory: 10_000, threads: 2, open: Box::new(open) };
//! let Loaded::Long(table) = read_table_within(vec![file], &CsvOptions::default(), &mut spill)? else {
//!     unreachable!("more than 10,000 bytes")
//! };
//! let target = table.choose(&["y".to_owned()], Task::Auto)?;
//! let sides = table.split(&target, &SplitOptions::default())?;
//! let fitted = table.fit(&target, &sides.training, &FitOptions::default())?;
//! let rows = table.pack(&fitted, &sides.training, (spill.open)()?)?;
//! assert_eq!(rows.rows(), 4000);
//! # Ok::<(), glassnet::Error>(())
//! ```

mod choose;
mod coded;
mod layout;
mod learn;
mod numbers;
mod pack;
mod packed_rows;
mod row_set;
mod scratch;
mod sides;
mod writer;

use std::ops::Range;

use glassnet::{Error, Result};

pub use choose::LongTarget;
pub use learn::Fitted;
pub use packed_rows::LongRows;
pub use row_set::RowSet;
pub(crate) use scratch::{Blocks, Spilled};
pub use scratch::{Scratch, Spill};
pub use sides::Sides;

use crate::encode::{EncodeOptions, Encoded, EncodedTarget};
use crate::labels::append;
use crate::note::Note;
use crate::packed::Block;
use crate::part::{Part, encode_picked};
use crate::preprocessing::Preprocessing;
use crate::read::block_rows;
use crate::table::Table;

/// A table whose cells are in memory, or one whose cells are not.
pub enum Loaded {
    /// In memory.
    Whole(Table),
    /// In a scratch.
    Long(LongTable),
}

impl Loaded {
    pub(crate) fn new(table: Table, spilled: Option<Spilled>, threads: usize) -> Self {
        match spilled {
            None => Loaded::Whole(table),
            Some(spilled) => Loaded::Long(LongTable { head: table, spilled, threads }),
        }
    }

    /// The table or, of a long one, all of it but its cells.
    pub fn head(&self) -> &Table {
        match self {
            Loaded::Whole(table) => table,
            Loaded::Long(table) => &table.head,
        }
    }
}

/// Some rows of a table that are read at once: all or a part of a block.
struct Piece {
    block: usize,
    /// Which rows of the block.
    within: Range<usize>,
    /// Which rows of the table.
    rows: Range<usize>,
}

/// The cells of a column in a block.
struct ColumnCells<'b> {
    block: &'b Block,
    column: usize,
    /// Which rows of the table.
    rows: Range<usize>,
    values: &'b mut Vec<f64>,
}

impl ColumnCells<'_> {
    /// The cells as they were read: numbers, or codes of texts.
    fn values(&mut self) -> &mut Vec<f64> {
        self.values.clear();
        self.block.unpack(self.column, self.values);
        self.values
    }
}

/// A table whose cells lie in a scratch.
pub struct LongTable {
    /// Names, types, lines: everything but the blocks.
    head: Table,
    spilled: Spilled,
    threads: usize,
}

impl LongTable {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.head.rows
    }

    /// A hash of the table's cells: as [`Table::fingerprint`].
    pub fn fingerprint(&self) -> u64 {
        self.head.fingerprint()
    }

    /// How many columns were kept.
    pub fn columns(&self) -> usize {
        self.head.columns.len()
    }

    /// What is worth telling about the file.
    pub fn notes(&self) -> &[Note] {
        &self.head.notes
    }

    /// All rows in their order, about `most` of them at a time.
    pub fn chunks(&self, most: usize) -> impl Iterator<Item = RowSet> + '_ {
        let (rows, most) = (self.rows(), most.max(1));
        (0..rows).step_by(most).map(move |start| {
            let mut set = RowSet::collect(rows);
            (start..rows.min(start + most)).for_each(|row| set.insert(row));
            set.finish()
        })
    }

    /// The blocks in their order, those of many rows in pieces.
    fn pieces(&self) -> impl Iterator<Item = Piece> + '_ {
        let most = block_rows(self.head.columns.len());
        let mut before = 0;
        self.spilled.places.iter().enumerate().flat_map(move |(block, &(_, rows))| {
            let first = before;
            before += rows;
            (0..rows).step_by(most).map(move |start| {
                let end = rows.min(start + most);
                Piece { block, within: start..end, rows: first + start..first + end }
            })
        })
    }

    /// The columns `wanted` of a piece, counted from 0.
    fn read(&self, piece: &Piece, wanted: Range<usize>) -> Result<Block> {
        self.spilled.block(piece.block, wanted, piece.within.clone())
    }

    /// The place of a column among those that were kept.
    fn place(&self, name: &str) -> Result<usize> {
        let found = self.head.names().position(|other| other == name);
        // The head knows how to say that there is none.
        found.ok_or_else(|| {
            self.head.require(name).err().unwrap_or_else(|| Error::data("there is no such column"))
        })
    }

    /// The head as a table of one block, which `fill` puts in.
    fn window(&self) -> Table {
        self.head.clone()
    }

    /// Makes `window` the table of a piece; its rows are counted from 0.
    fn fill(&self, window: &mut Table, piece: &Piece) -> Result<()> {
        let block = self.read(piece, 0..self.head.columns.len())?;
        window.rows = piece.rows.len();
        window.lines.skip(piece.rows.start);
        window.blocks = vec![block];
        Ok(())
    }

    /// Goes through all blocks with the columns `columns`, which are in ascending order, and a state for each; several threads take some columns each.
    /// `visit` gets a column's cells in a block, and what `prepare` makes of the block's rows; then `settle` gets the states with the
    /// places of their columns in the block.
    fn each_column<S: Send, P>(
        &self,
        columns: &[usize],
        states: &mut [S],
        prepare: impl Fn(Range<usize>) -> P + Sync,
        visit: impl Fn(&mut S, &mut ColumnCells<'_>, &P) + Sync,
        settle: impl Fn(&mut [S], (&Block, &[usize]), &P) + Sync,
    ) -> Result<()> {
        let share = columns.len().div_ceil(self.threads.max(1)).max(1);
        let go = |columns: &[usize], states: &mut [S]| -> Result<()> {
            let (Some(&first), Some(&last)) = (columns.first(), columns.last()) else {
                return Ok(());
            };
            let mut values = vec![];
            let places: Vec<usize> = columns.iter().map(|column| column - first).collect();
            for piece in self.pieces() {
                let block = self.read(&piece, first..last + 1)?;
                let prepared = prepare(piece.rows.clone());
                for (&column, state) in places.iter().zip(states.iter_mut()) {
                    let (rows, values) = (piece.rows.clone(), &mut values);
                    visit(
                        state,
                        &mut ColumnCells { block: &block, column, rows, values },
                        &prepared,
                    );
                }
                settle(states, (&block, &places), &prepared);
            }
            Ok(())
        };
        in_parallel(columns.chunks(share).zip(states.chunks_mut(share)), |(columns, states)| {
            go(columns, states)
        })
    }

    /// Encodes `rows`: as [`Preprocessing::encode`] of a table in memory.
    ///
    /// # Errors
    /// As [`Preprocessing::encode`]; kind `io` when the scratch can't be read.
    pub fn encode(
        &self,
        preprocessing: &Preprocessing,
        rows: &RowSet,
        options: &EncodeOptions,
    ) -> Result<Encoded> {
        let list: Vec<usize> = rows.within(0..self.rows()).collect();
        let mut part = Part::new(preprocessing, &self.head, &list, *options)?;
        let columns = preprocessing.find_columns(&self.head, options.with_target)?;
        let (mut target, mut weights) = (None, None);
        let mut window = self.window();
        for piece in self.pieces() {
            let range = &piece.rows;
            if rows.rank(range.start) == rows.rank(range.end) {
                continue;
            }
            let here: Vec<usize> =
                rows.within(range.clone()).map(|row| row - range.start).collect();
            self.fill(&mut window, &piece)?;
            let picked = window.blocks[0].pick(&here);
            encode_picked(preprocessing, &columns, (&picked, range.clone()), &mut part);
            if options.with_target {
                let labels = preprocessing.encode_target(&window, &here)?;
                append_target(&mut target, labels)?;
                append(&mut weights, preprocessing.encode_weights(&window, &here)?);
            }
        }
        part.finish(Ok((target, weights)))
    }
}

fn append_target(target: &mut Option<EncodedTarget>, more: EncodedTarget) -> Result<()> {
    *target = Some(match (target.take(), more) {
        (Some(EncodedTarget::Classes(mut all)), EncodedTarget::Classes(more)) => {
            all.extend(more);
            EncodedTarget::Classes(all)
        }
        (Some(EncodedTarget::Values(all)), EncodedTarget::Values(more)) => {
            let shape = [all.shape()[0] + more.shape()[0], all.shape()[1]];
            let mut all = all.into_data();
            all.extend_from_slice(more.data());
            EncodedTarget::Values(glassnet::Tensor::new(shape, all)?)
        }
        (_, more) => more, // not operations: the first block
    });
    Ok(())
}

/// Works on each item in a thread of its own.
///
/// # Errors
/// The error of the first item that has one.
fn in_parallel<I: Send>(
    items: impl Iterator<Item = I>,
    work: impl Fn(I) -> Result<()> + Sync,
) -> Result<()> {
    let mut items: Vec<I> = items.collect();
    let (last, work) = (items.pop(), &work);
    std::thread::scope(|scope| {
        let others: Vec<_> =
            items.into_iter().map(|item| scope.spawn(move || work(item))).collect();
        let own = last.map_or(Ok(()), work);
        for other in others {
            match other.join() {
                Ok(outcome) => outcome?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        own
    })
}

#[cfg(test)]
mod tests;
