//! Where a run's inputs come from.

use std::fmt::Debug;

use super::instruction::Feed;
use super::lower::INPUTS;
use super::place::{Slot, Space};

/// An input of floats that can be read where the caller keeps it: made by a plan, used for its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputPlace {
    pub(super) number: u8,
    /// The numbers of one row.
    pub(super) width: usize,
    pub(super) rows: usize,
}

impl InputPlace {
    /// The numbers of one row.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// Rows of numbers that lie in memory in a form of their keeper's, who writes them out where a run needs them.
pub trait Rows: Debug + Sync {
    /// Writes the rows `rows` to `out`, one after the other.
    ///
    /// # Panics
    /// When there is no such row, or `out` has another length than the rows.
    fn write(&self, rows: &[usize], out: &mut [f32]);
}

/// The rows of one batch, for the inputs that don't lie in the plan's memory already.
///
/// Rows that follow each other can be read where they lie; others are copied while the plan runs, by all its threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Feeds<'a> {
    sources: [Source<'a>; INPUTS as usize],
}

#[derive(Clone, Copy, Debug, Default)]
enum Source<'a> {
    /// The plan's memory.
    #[default]
    Home,
    /// The batch as it is.
    InPlace(&'a [f32]),
    /// Some rows of a table.
    Rows { table: &'a [f32], rows: &'a [usize] },
    /// Some rows that are written out when they are needed.
    Kept { keeper: &'a dyn Rows, rows: &'a [usize] },
}

impl<'a> Feeds<'a> {
    /// Feeds `place` the rows `rows` of a row-major table.
    ///
    /// # Panics
    /// When there are not as many rows as the plan's batch has; when the plan is run, if the table has not all of them.
    #[inline]
    pub fn set(&mut self, place: InputPlace, table: &'a [f32], rows: &'a [usize]) {
        assert_eq!(rows.len(), place.rows, "the batch has the plan's rows");
        self.sources[usize::from(place.number)] = Source::Rows { table, rows };
    }

    /// Feeds `place` the rows `rows` of those that `keeper` has, which writes them to the plan's memory while the plan
    /// runs, from all its threads.
    ///
    /// # Panics
    /// As [`Feeds::set`].
    #[inline]
    pub fn set_kept(&mut self, place: InputPlace, keeper: &'a dyn Rows, rows: &'a [usize]) {
        assert_eq!(rows.len(), place.rows, "the batch has the plan's rows");
        self.sources[usize::from(place.number)] = Source::Kept { keeper, rows };
    }

    /// Feeds `place` the batch's rows, one after the other.
    ///
    /// # Panics
    /// When there are not as many as the plan's batch has.
    #[inline]
    pub fn set_in_place(&mut self, place: InputPlace, rows: &'a [f32]) {
        assert_eq!(rows.len(), place.rows * place.width, "the batch has the plan's rows");
        self.sources[usize::from(place.number)] = Source::InPlace(rows);
    }

    /// Where input `number` lies: `home` unless the caller keeps it.
    #[inline(always)]
    pub(super) fn address(&self, number: usize, home: *const f32) -> *const f32 {
        match self.sources[number] {
            Source::InPlace(rows) => rows.as_ptr(),
            Source::Home | Source::Rows { .. } | Source::Kept { .. } => home,
        }
    }

    /// Copies what does not lie in order; `out` is the rows' part of the input's home.
    pub(super) fn copy(&self, feed: &Feed, out: &mut [f32]) {
        match self.sources[usize::from(feed.input)] {
            Source::Home | Source::InPlace(_) => {}
            Source::Rows { table, rows } => {
                let width = feed.width;
                let parts = out.chunks_exact_mut(width.max(1));
                for (to, &row) in parts.zip(&rows[feed.rows.clone()]) {
                    to.copy_from_slice(&table[row * width..(row + 1) * width]);
                }
            }
            Source::Kept { keeper, rows } => keeper.write(&rows[feed.rows.clone()], out),
        }
    }
}

/// An input of a plan.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) name: String,
    /// Where it lies unless the caller keeps it.
    pub(super) home: Slot,
}

impl Input {
    /// The input as one that can be read elsewhere, for batches of `rows`.
    pub(super) fn place(&self, number: usize, rows: usize) -> Option<InputPlace> {
        let number = u8::try_from(number).ok().filter(|&number| number < INPUTS)?;
        (self.home.space == Space::Work && rows > 0).then(|| InputPlace {
            number,
            width: self.home.len / rows,
            rows,
        })
    }
}
