//! Where the blocks of a table go while it is read: memory, or a file once they are too many.

use std::io;
use std::ops::Range;

use glassnet::{Error, Result};

use crate::packed::Block;
#[cfg(feature = "parquet")]
use crate::packed::PART;

/// Bytes that can be written and read anywhere, from several threads at once: a temporary file.
pub trait Scratch: Send + Sync {
    /// Writes all `bytes` from byte `at` on.
    ///
    /// # Errors
    /// When they can't be written, for instance where the disk is full.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Fills `bytes` with those from byte `at` on, which were written.
    ///
    /// # Errors
    /// When they can't be read.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;

    /// Says that `length` bytes from byte `at` on will be read soon. Nothing has to come of it.
    fn announce(&self, _at: u64, _length: u64) {}
}

/// When and where the cells of a table leave memory.
///
/// The library opens no file: `open` makes a [`Scratch`] where one is needed.
pub struct Spill {
    /// The most bytes that a table may take, in memory and as the 32-bit floats that a network reads. A table that takes
    /// more is written to a scratch while it is read.
    pub memory: usize,
    /// How many threads go through such a table.
    pub threads: usize,
    /// Makes an empty scratch.
    #[allow(clippy::type_complexity)]
    pub open: Box<dyn FnMut() -> Result<Box<dyn Scratch>>>,
}

/// The blocks of a table that is being read.
#[derive(Default)]
pub(crate) struct Blocks {
    kept: Vec<Block>,
    size: usize,
    rows: usize,
    spilled: Option<Spilled>,
}

/// Blocks in a scratch.
pub(crate) struct Spilled {
    pub(crate) scratch: Box<dyn Scratch>,
    /// Where each begins, and how many rows it has.
    pub(crate) places: Vec<(u64, usize)>,
    end: u64,
    columns: usize,
    buffer: Vec<u8>,
}

/// What a row takes beside its cells: its place in a list, its line, its class.
const ROW: usize = 24;

impl Blocks {
    /// Takes a block; it, and all that are there, go to a scratch when they and what becomes of them are more than `spill` has
    /// memory for.
    ///
    /// # Errors
    /// Kind `io` when they can't be written.
    pub(crate) fn push(&mut self, block: Block, spill: Option<&mut Spill>) -> Result<()> {
        if let Some(spilled) = &mut self.spilled {
            return spilled.push(&block);
        }
        self.size += block.size();
        self.rows += block.rows();
        let columns = block.columns();
        self.kept.push(block);
        match spill.filter(|spill| self.exceeds(spill, 0, columns)) {
            Some(spill) => self.spill(columns, spill).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Whether the blocks, and `rows` more of so many columns, are more than there is memory for.
    pub(crate) fn exceeds(&self, spill: &Spill, rows: usize, columns: usize) -> bool {
        let cells = rows.saturating_mul(columns);
        let each = (self.rows + rows).saturating_mul(4 * columns + ROW);
        self.spilled.is_some()
            || self.size.saturating_add(cells).saturating_add(each) > spill.memory
    }

    /// Moves all blocks to a scratch, if they aren't there yet.
    ///
    /// # Errors
    /// Kind `io` when they can't be written.
    pub(crate) fn spill(&mut self, columns: usize, spill: &mut Spill) -> Result<&mut Spilled> {
        if self.spilled.is_none() {
            let scratch = (spill.open)()?;
            let mut spilled = Spilled { scratch, places: vec![], end: 0, columns, buffer: vec![] };
            for block in std::mem::take(&mut self.kept) {
                spilled.push(&block)?;
            }
            self.spilled = Some(spilled);
        }
        self.spilled.as_mut().ok_or_else(|| Error::io("there is no temporary file"))
    }

    /// The blocks in memory, or those that are not.
    pub(crate) fn finish(self) -> (Vec<Block>, Option<Spilled>) {
        (self.kept, self.spilled)
    }
}

impl Spilled {
    fn push(&mut self, block: &Block) -> Result<()> {
        self.buffer.clear();
        block.write(&mut self.buffer);
        self.scratch.write_at(&self.buffer, self.end).map_err(|error| cannot_write(&error))?;
        self.places.push((self.end, block.rows()));
        self.end += self.buffer.len() as u64;
        Ok(())
    }

    /// Begins a block of so many rows, whose columns are written one after the other.
    #[cfg(feature = "parquet")]
    pub(crate) fn begin(&self, rows: usize) -> Tall {
        Tall { at: self.end, rows, heads: vec![], size: 0 }
    }

    /// Writes the next column, which is the only one of `block`.
    #[cfg(feature = "parquet")]
    pub(crate) fn put(&mut self, tall: &mut Tall, block: &Block) -> Result<()> {
        let (packing, bytes) = block.only();
        packing.write_head(tall.size, &mut tall.heads);
        let at = tall.at + (PART * self.columns + tall.size) as u64;
        tall.size += bytes.len();
        self.scratch.write_at(bytes, at).map_err(|error| cannot_write(&error))
    }

    /// Ends a block that has all columns.
    #[cfg(feature = "parquet")]
    pub(crate) fn end(&mut self, tall: &Tall) -> Result<()> {
        self.scratch.write_at(&tall.heads, tall.at).map_err(|error| cannot_write(&error))?;
        self.places.push((tall.at, tall.rows));
        self.end = tall.at + (tall.heads.len() + tall.size) as u64;
        Ok(())
    }

    /// The columns `wanted` and the rows `some` of a block, both counted from 0 then.
    pub(crate) fn block(
        &self,
        index: usize,
        wanted: Range<usize>,
        some: Range<usize>,
    ) -> Result<Block> {
        let (at, rows) = self.places[index];
        let read = |bytes: &mut [u8], from: u64| self.scratch.read_at(bytes, at + from);
        Block::read((rows, self.columns), wanted, some, read).map_err(|error| cannot_read(&error))
    }
}

/// A block that is being written column by column: it may have more rows than memory has room for cells.
#[cfg(feature = "parquet")]
pub(crate) struct Tall {
    at: u64,
    rows: usize,
    heads: Vec<u8>,
    size: usize,
}

pub(crate) fn cannot_write(error: &io::Error) -> Error {
    Error::io(format!("the temporary file cannot be written: {error}"))
        .help("free some space, or set TMPDIR to a folder that has more")
}

pub(crate) fn cannot_read(error: &io::Error) -> Error {
    Error::io(format!("the temporary file cannot be read: {error}"))
        .help("try again; set TMPDIR to a folder of another disk if it happens again")
}
