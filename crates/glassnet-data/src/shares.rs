//! The columns of a table that is being read, shared out among threads: each types the cells of some columns, batch after batch.
//!
//! A column's cells are typed in the order of the rows by one thread at a time, so that what comes out doesn't depend on how many
//! threads there are.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use glassnet::Error;

use crate::batch::Batch;
use crate::columns::{Context, Typing};
use crate::packed::Block;

/// All columns.
pub(crate) struct Shares {
    shares: Vec<Mutex<Share>>,
}

/// Columns that follow each other.
struct Share {
    /// Which column is the first.
    first: usize,
    /// `None` for those that are left out.
    columns: Vec<Option<Typing>>,
    /// The blocks that are full.
    packed: Vec<Block>,
    wrong: Option<Wrong>,
}

/// What is wrong with a cell.
pub(crate) struct Wrong {
    row: usize,
    pub(crate) column: usize,
    /// Whether the column has too much text.
    pub(crate) too_much: bool,
    pub(crate) error: Error,
}

/// A batch of records to be typed.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) batch: Batch,
    /// The table's row of each record that has all columns, and the first of its cells.
    pub(crate) rows: Vec<(usize, usize)>,
    /// How many of these rows there are before each end of a block.
    pub(crate) cuts: Vec<usize>,
    /// Which share is the next.
    next: AtomicUsize,
}

impl Work {
    /// Forgets what was said of the records of another batch.
    pub(crate) fn begin(&mut self) {
        self.rows.clear();
        self.cuts.clear();
        self.next = AtomicUsize::new(0);
    }
}

/// What all batches of a file have in common.
pub(crate) struct Common<'c> {
    pub(crate) context: &'c Context<'c>,
    /// Which cell each column is, where the file has its columns in another order.
    pub(crate) order: Option<&'c [usize]>,
    /// How many rows make a block.
    pub(crate) block_rows: usize,
}

/// For each of several threads so many shares, so that none waits long for the others.
const SHARES: usize = 8;

impl Shares {
    /// Shares out the columns among so many threads.
    pub(crate) fn new(columns: Vec<Option<Typing>>, threads: usize) -> Self {
        let shares = if threads > 1 { SHARES * threads } else { 1 };
        let most = columns.len().div_ceil(shares).max(1);
        let (mut shares, mut first) = (vec![], 0);
        let mut left = columns.into_iter();
        while left.len() > 0 {
            let columns: Vec<_> = left.by_ref().take(most).collect();
            let count = columns.len();
            let share = Share { first, columns, packed: vec![], wrong: None };
            shares.push(Mutex::new(share));
            first += count;
        }
        Shares { shares }
    }

    /// Types the cells of those columns that nobody else has taken, until there are none.
    pub(crate) fn take(&self, work: &Work, common: &Common<'_>) {
        while let Some(share) = self.shares.get(work.next.fetch_add(1, Ordering::Relaxed)) {
            own(share).take(work, common);
        }
    }

    /// The first cell that is wrong, in the order of rows and then of columns.
    pub(crate) fn wrong(&self) -> Option<Wrong> {
        let each = self.shares.iter().filter_map(|share| own(share).wrong.take());
        each.min_by_key(|wrong| (wrong.row, wrong.column))
    }

    /// The blocks that are full, with all columns.
    pub(crate) fn packed(&self) -> Vec<Block> {
        let each = self.shares.iter().map(|share| std::mem::take(&mut own(share).packed));
        let mut parts: Vec<_> = each.map(Vec::into_iter).collect();
        let count = parts.first().map_or(0, |blocks| blocks.len());
        (0..count).map(|_| Block::join(parts.iter_mut().flat_map(Iterator::next))).collect()
    }

    /// A block of the rows that wait.
    pub(crate) fn pack(&self, rows: usize) -> Block {
        Block::join(self.shares.iter().map(|share| own(share).pack(rows)))
    }

    /// The columns in their order.
    pub(crate) fn into_columns(self) -> Vec<Option<Typing>> {
        let shares = self.shares.into_iter();
        let all = shares.map(|share| share.into_inner().unwrap_or_else(PoisonError::into_inner));
        all.flat_map(|share| share.columns).collect()
    }
}

/// The share for the caller alone. Whoever left it half done has panicked, which ends everything.
fn own(share: &Mutex<Share>) -> MutexGuard<'_, Share> {
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Share {
    fn take(&mut self, work: &Work, common: &Common<'_>) {
        let mut from = 0;
        for &cut in &work.cuts {
            self.push(work, from..cut, common);
            let block = self.pack(common.block_rows);
            self.packed.push(block);
            from = cut;
        }
        self.push(work, from..work.rows.len(), common);
    }

    fn push(&mut self, work: &Work, rows: Range<usize>, common: &Common<'_>) {
        for (at, typing) in self.columns.iter_mut().enumerate() {
            let (Some(typing), column) = (typing, self.first + at) else { continue };
            let cell = common.order.map_or(column, |order| order[column]);
            let wrong =
                typing.push_all(&work.batch, &work.rows[rows.clone()], cell, common.context);
            let Err((row, error)) = wrong else { continue };
            if self.wrong.as_ref().is_none_or(|w| (row, column) < (w.row, w.column)) {
                let too_much = typing.is_refused();
                self.wrong = Some(Wrong { row, column, too_much, error });
            }
        }
    }

    fn pack(&mut self, rows: usize) -> Block {
        Block::pack(self.columns.iter_mut().flatten().map(Typing::staged), rows)
    }
}

/// A thread that takes shares.
pub(crate) struct Hand {
    works: Sender<Arc<Work>>,
    done: Receiver<()>,
}

impl Hand {
    pub(crate) fn new<'scope>(
        scope: &'scope Scope<'scope, '_>,
        shares: &'scope Shares,
        common: &'scope Common<'scope>,
    ) -> Self {
        let (works, given) = channel::<Arc<Work>>();
        let (tell, done) = channel();
        scope.spawn(move || {
            for work in given {
                shares.take(&work, common);
                drop(work);
                if tell.send(()).is_err() {
                    break;
                }
            }
        });
        Hand { works, done }
    }

    /// Has the thread begin.
    pub(crate) fn begin(&self, work: &Arc<Work>) {
        // One that is gone has panicked, which whoever waits for it sees.
        self.works.send(work.clone()).ok();
    }

    /// Waits until the thread is done; false if it is gone.
    pub(crate) fn wait(&self) -> bool {
        self.done.recv().is_ok()
    }
}
