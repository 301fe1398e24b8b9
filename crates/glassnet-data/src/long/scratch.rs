//! Where the blocks of a table go while it is read: memory, or a file once they are too many.

use std::io;

use glassnet::{Error, Result};

use crate::packed::Block;

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
        let all = self.size + self.rows * (4 * block.columns() + ROW);
        self.kept.push(block);
        if let Some(spill) = spill.filter(|spill| all > spill.memory) {
            let columns = self.kept[0].columns();
            let scratch = (spill.open)()?;
            let mut spilled = Spilled { scratch, places: vec![], end: 0, columns, buffer: vec![] };
            for block in std::mem::take(&mut self.kept) {
                spilled.push(&block)?;
            }
            self.spilled = Some(spilled);
        }
        Ok(())
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

    /// The columns `wanted` of a block, counted from 0.
    pub(crate) fn block(&self, index: usize, wanted: std::ops::Range<usize>) -> Result<Block> {
        let (at, rows) = self.places[index];
        let read = |bytes: &mut [u8], from: u64| self.scratch.read_at(bytes, at + from);
        Block::read((rows, self.columns), wanted, read).map_err(|error| cannot_read(&error))
    }
}

pub(crate) fn cannot_write(error: &io::Error) -> Error {
    Error::io(format!("the temporary file cannot be written: {error}"))
        .help("free some space, or set TMPDIR to a folder that has more")
}

pub(crate) fn cannot_read(error: &io::Error) -> Error {
    Error::io(format!("the temporary file cannot be read: {error}"))
        .help("try again; set TMPDIR to a folder of another disk if it happens again")
}
