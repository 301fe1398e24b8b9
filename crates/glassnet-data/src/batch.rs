//! Records that were cut into cells, many at a time.

use std::ops::Range;

use crate::word;

/// Whole records in one piece of memory.
#[derive(Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    /// Where each cell stands in the bytes.
    cells: Vec<(u32, u32)>,
    /// Of each record its line, and which cells are its own.
    records: Vec<(u64, Range<usize>)>,
}

impl Batch {
    /// The record that begins on line `line`.
    pub(crate) fn of(line: u64, cells: &[Vec<u8>]) -> Self {
        let end = |before: &mut u32, cell: &Vec<u8>| {
            let start = *before;
            *before += cell.len() as u32;
            Some((start, *before))
        };
        let places: Vec<(u32, u32)> = cells.iter().scan(0, end).collect();
        Batch { bytes: cells.concat(), records: vec![(line, 0..places.len())], cells: places }
    }

    pub(crate) fn clear(&mut self) {
        self.cells.clear();
        self.records.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds a record; its cells are given when all are there.
    pub(crate) fn push(&mut self, line: u64, cells: Range<usize>) {
        self.records.push((line, cells));
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Takes the bytes of all records and the places of their cells, and leaves the places that it had.
    pub(crate) fn give(&mut self, bytes: Vec<u8>, cells: &mut Vec<(u32, u32)>) {
        self.bytes = bytes;
        std::mem::swap(&mut self.cells, cells);
    }

    /// Each record's line, and which cells are its own.
    pub(crate) fn records(&self) -> &[(u64, Range<usize>)] {
        &self.records
    }

    /// A cell: UTF-8, without the quotes around it; and its first bytes, up to eight of them, with zeros behind.
    #[inline]
    pub(crate) fn cell(&self, index: usize) -> (&[u8], u64) {
        let (start, end) = self.cells[index];
        let (start, end) = (start as usize, end as usize);
        (&self.bytes[start..end], word::first(word::load(&self.bytes, start), end - start))
    }
}
