//! What is gathered of CSV files while they are read: records become cells, cells become typed columns, and these blocks.
//!
//! Where several threads work, each types some of the columns of a batch of records, and one of them cuts the next
//! batch into cells first.

use std::io::Read;
use std::sync::Arc;

use glassnet::{Error, Result};

use crate::batch::Batch;
use crate::columns::{Context, Typing, too_much_text};
use crate::fingerprint::Fingerprint;
use crate::lines::Lines;
use crate::long::{Blocks, Spill};
use crate::ragged::Ragged;
use crate::read::block_rows;
use crate::records::Records;
use crate::shares::{Common, Hand, Shares, Work};

/// What is gathered from all files.
pub(crate) struct Gathered {
    /// The columns' names, and whether the header gave them none.
    pub(crate) header: Vec<(String, bool)>,
    pub(crate) columns: Shares,
    pub(crate) blocks: Blocks,
    /// How many rows wait to be packed.
    pub(crate) staged: usize,
    pub(crate) rows: usize,
    pub(crate) lines: Lines,
    pub(crate) fingerprint: Fingerprint,
    block_rows: usize,
    threads: usize,
}

/// What is noted of a file's records when they are cut.
struct Cut<'g, 'r, R> {
    records: Records<'r, R>,
    order: Option<&'g [usize]>,
    width: usize,
    block_rows: usize,
    staged: &'g mut usize,
    rows: &'g mut usize,
    lines: &'g mut Lines,
    fingerprint: &'g mut Fingerprint,
    ragged: Ragged,
}

impl Gathered {
    /// Of a table with this header and these columns, of which `None` are left out.
    pub(crate) fn new(
        header: Vec<(String, bool)>,
        columns: Vec<Option<Typing>>,
        threads: usize,
    ) -> Self {
        let mut fingerprint = Fingerprint::new();
        header.iter().for_each(|(column, _)| fingerprint.push(column.as_bytes()));
        Gathered {
            columns: Shares::new(columns, threads),
            block_rows: block_rows(header.len()),
            header,
            blocks: Blocks::default(),
            staged: 0,
            rows: 0,
            lines: Lines::default(),
            fingerprint,
            threads,
        }
    }

    /// Takes the rows of a file: those of `head`, and what follows. `order` says which cell each column is, where the file has its
    /// columns in another order.
    ///
    /// # Errors
    /// What is wrong with the bytes, the number of cells, or the cells, in the order of the rows.
    pub(crate) fn take<R: Read>(
        &mut self,
        records: Records<'_, R>,
        head: Option<Batch>,
        order: Option<&[usize]>,
        (context, mut spill): (&Context<'_>, Option<&mut Spill>),
    ) -> Result<()> {
        let first_row = self.rows;
        self.lines.begin(first_row, context.file);
        let Gathered { header, columns, blocks, block_rows, threads, .. } = self;
        let (header, columns, block_rows) = (&*header, &*columns, *block_rows);
        let mut cut = Cut {
            records,
            order,
            width: header.len(),
            block_rows,
            staged: &mut self.staged,
            rows: &mut self.rows,
            lines: &mut self.lines,
            fingerprint: &mut self.fingerprint,
            ragged: Ragged::default(),
        };
        let common = Common { context, order, block_rows };
        std::thread::scope(|scope| {
            let mut hands: Vec<Hand> = vec![];
            let (mut work, mut spare) = (Work::default(), Work::default());
            let mut more = match head {
                Some(batch) => {
                    work.batch = batch;
                    cut.note(&mut work);
                    true
                }
                None => cut.next(&mut work)?,
            };
            while more {
                let shared = Arc::new(work);
                hands.iter().for_each(|hand| hand.begin(&shared));
                let next = cut.next(&mut spare);
                columns.take(&shared, &common);
                if !hands.iter().all(Hand::wait) {
                    return Err(
                        Error::io("a thread that reads the table has ended").at(context.file)
                    );
                }
                if let Some(wrong) = columns.wrong() {
                    let name = &header[wrong.column].0;
                    let error = || too_much_text(name, context);
                    return Err(if wrong.too_much { error() } else { wrong.error });
                }
                for block in columns.packed() {
                    blocks.push(block, spill.as_deref_mut())?;
                }
                more = next?;
                work = std::mem::replace(&mut spare, Arc::into_inner(shared).unwrap_or_default());
                // A file of one batch needs no further thread.
                if more && hands.is_empty() {
                    hands = (1..*threads).map(|_| Hand::new(scope, columns, &common)).collect();
                }
            }
            Ok(())
        })?;
        cut.records.refuse_blank()?;
        cut.ragged.into_result(header.len(), self.rows - first_row, context.file)
    }

    /// Packs the rows that wait.
    ///
    /// # Errors
    /// Kind `io` where a block can't be written.
    pub(crate) fn pack(&mut self, spill: Option<&mut Spill>) -> Result<()> {
        let block = self.columns.pack(self.staged);
        self.staged = 0;
        self.blocks.push(block, spill)
    }
}

impl<R: Read> Cut<'_, '_, R> {
    /// Cuts the next records into cells; false where there are none.
    fn next(&mut self, work: &mut Work) -> Result<bool> {
        let more = self.records.next_batch(&mut work.batch)?;
        self.note(work);
        Ok(more)
    }

    /// Counts the records of a batch.
    fn note(&mut self, work: &mut Work) {
        work.begin();
        for (line, cells) in work.batch.records() {
            self.lines.push(*self.rows, *line);
            if cells.len() == self.width {
                let mut push = |at: usize| {
                    let (cell, word) = work.batch.cell(cells.start + at);
                    self.fingerprint.push_word(cell, word);
                };
                match self.order {
                    None => (0..self.width).for_each(&mut push),
                    Some(order) => order.iter().copied().for_each(&mut push),
                }
                work.rows.push((*self.rows, cells.start));
                *self.staged += 1;
                if *self.staged == self.block_rows {
                    work.cuts.push(work.rows.len());
                    *self.staged = 0;
                }
            } else {
                self.ragged.push(*line, cells.len());
            }
            *self.rows += 1;
        }
    }
}
