//! Where a run's inputs come from.

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

/// The rows of one batch, for the inputs that don't lie in the plan's memory already.
///
/// Rows that follow each other are read where they lie, others are copied while the plan runs, by all its threads.
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
}

impl<'a> Feeds<'a> {
    /// Feeds `place` the rows `rows` of a row-major table.
    ///
    /// # Panics
    /// When there are not as many rows as the plan's batch has, or the table has not all of them.
    #[inline]
    pub fn set(&mut self, place: InputPlace, table: &'a [f32], rows: &'a [usize]) {
        assert_eq!(rows.len(), place.rows, "the batch has the plan's rows");
        let width = place.width;
        let first = rows.first().copied().unwrap_or(0);
        let source = if rows.iter().enumerate().all(|(at, &row)| row == first + at) {
            Source::InPlace(&table[first * width..(first + rows.len()) * width])
        } else {
            let last = rows.iter().copied().max().unwrap_or(0);
            assert!((last + 1).saturating_mul(width) <= table.len(), "the table has the rows");
            Source::Rows { table, rows }
        };
        self.sources[usize::from(place.number)] = source;
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
            Source::Home | Source::Rows { .. } => home,
        }
    }

    /// Copies what does not lie in order; `out` is the rows' part of the input's home.
    pub(super) fn copy(&self, feed: &Feed, out: &mut [f32]) {
        let Source::Rows { table, rows } = self.sources[usize::from(feed.input)] else { return };
        let width = feed.width;
        let parts = out.chunks_exact_mut(width.max(1));
        for (to, &row) in parts.zip(&rows[feed.rows.clone()]) {
            to.copy_from_slice(&table[row * width..(row + 1) * width]);
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
