//! Encoded rows in a scratch, as a source of a training.
//!
//! A row is a record, and all records are as long as each other, so that rows that follow each other are read at once. A feature
//! that takes few values, as pixels and categories do, is one byte of it, another one its 32-bit float.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;

use glassnet::train::{Dataset, Features, FeaturesMut, Part, Source, Target, TargetMut};
use glassnet::{Error, Result, Tensor};

use super::in_parallel;
use super::layout::{Layout, Places, TargetKind};
use super::row_set::RowSet;
use super::scratch::{Scratch, cannot_read};
use crate::lines::Lines;

/// The training rows of a [`LongTable`](crate::LongTable), encoded, in a scratch.
pub struct LongRows {
    scratch: Arc<dyn Scratch>,
    layout: Layout,
    rows: usize,
    lines: (Lines, RowSet),
    threads: usize,
    /// A thread's records.
    buffers: Vec<Vec<u8>>,
    coming: Option<Coming>,
}

/// Records that are read while others are learned from.
struct Coming {
    ranges: Vec<Range<usize>>,
    reading: JoinHandle<io::Result<Vec<u8>>>,
}
/// The most bytes of records that are read at once.
const MOST_READ: usize = 1 << 18;

impl LongRows {
    pub(super) fn new(
        scratch: Box<dyn Scratch>,
        layout: Layout,
        rows: usize,
        lines: (Lines, RowSet),
        threads: usize,
    ) -> Self {
        let buffers = vec![vec![]; threads.max(1)];
        let scratch = Arc::from(scratch);
        LongRows { scratch, layout, rows, lines, threads: threads.max(1), buffers, coming: None }
    }

    /// The bytes that they take in the scratch.
    pub fn bytes(&self) -> u64 {
        self.rows as u64 * self.layout.size() as u64
    }

    /// The bytes that a row takes in the scratch.
    pub fn record_bytes(&self) -> usize {
        self.layout.size()
    }

    /// The bytes that a row takes in memory.
    pub fn row_bytes(&self) -> usize {
        4 * (self.layout.width + 2 * self.layout.outputs() + 1)
    }

    /// Rows of these ranges as a training in memory takes them.
    ///
    /// # Errors
    /// Kind `io` when the scratch can't be read.
    pub fn dataset(&mut self, ranges: &[Range<usize>]) -> Result<Dataset> {
        let rows: usize = ranges.iter().map(Range::len).sum();
        let mut features = Tensor::full([rows, self.layout.width], 0.0);
        let mut weights = self.layout.weight_at.map(|_| vec![0.0; rows]);
        let target = match self.layout.target {
            TargetKind::Classes => {
                let mut classes = vec![0; rows];
                let target = TargetMut::Classes(&mut classes);
                self.fill(ranges, features.data_mut(), target, weights.as_deref_mut())?;
                Target::Classes(classes)
            }
            TargetKind::Values(count) => {
                let mut values = Tensor::full([rows, count], 0.0);
                let target = TargetMut::Values(values.data_mut());
                self.fill(ranges, features.data_mut(), target, weights.as_deref_mut())?;
                Target::Values(values)
            }
        };
        let data = Dataset::new(Features::Floats(features), target)?;
        match weights {
            Some(weights) => data.with_weights(weights),
            None => Ok(data),
        }
    }

    /// About so many of the rows, evenly far from each other.
    ///
    /// # Errors
    /// As [`LongRows::dataset`].
    pub fn sample(&mut self, count: usize) -> Result<Dataset> {
        let count = count.clamp(1, self.rows);
        let row = |index: usize| (index as u128 * self.rows as u128 / count as u128) as usize;
        let rows: Vec<Range<usize>> = (0..count).map(|index| row(index)..row(index) + 1).collect();
        self.dataset(&rows)
    }

    fn fill(
        &mut self,
        ranges: &[Range<usize>],
        features: &mut [f32],
        target: TargetMut<'_>,
        weights: Option<&mut [f32]>,
    ) -> Result<()> {
        let rows: usize = ranges.iter().map(Range::len).sum();
        let mut left = Places { features, target, weights };
        let here = self.arrived(ranges)?;
        let share = rows.div_ceil(self.threads).max(1);
        let mut work = vec![];
        let (mut ranges, mut done) = (ranges.to_vec(), 0);
        for buffer in &mut self.buffers {
            let count = share.min(rows - done);
            let (places, rest) = left.split(count, &self.layout);
            let after = cut(&mut ranges, count);
            let here = here.as_ref().map(|bytes| &bytes[done * self.layout.size()..]);
            work.push((buffer, here, std::mem::replace(&mut ranges, after), places));
            (left, done) = (rest, done + count);
        }
        let (layout, scratch) = (&self.layout, &self.scratch);
        in_parallel(work.into_iter(), |(buffer, here, ranges, mut left)| {
            if let Some(here) = here {
                layout.read(here, &mut left);
                return Ok(());
            }
            for range in ranges {
                let most = (MOST_READ / layout.size()).max(1);
                for start in range.clone().step_by(most) {
                    let count = most.min(range.end - start);
                    buffer.resize(count * layout.size(), 0);
                    let at = start as u64 * layout.size() as u64;
                    scratch.read_at(buffer, at).map_err(|error| cannot_read(&error))?;
                    let (mut places, rest) = left.split(count, layout);
                    layout.read(buffer, &mut places);
                    left = rest;
                }
            }
            Ok(())
        })
    }
}

impl LongRows {
    /// The records of these rows, if they were announced.
    fn arrived(&mut self, ranges: &[Range<usize>]) -> Result<Option<Vec<u8>>> {
        let Some(coming) = self.coming.take_if(|coming| coming.ranges == ranges) else {
            return Ok(None);
        };
        match coming.reading.join() {
            Ok(read) => read.map(Some).map_err(|error| cannot_read(&error)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Leaves the first `rows` of ranges, and returns the others.
fn cut(ranges: &mut Vec<Range<usize>>, rows: usize) -> Vec<Range<usize>> {
    let mut left = rows;
    for at in 0..ranges.len() {
        let length = ranges[at].len();
        if length > left {
            let mut after = ranges.split_off(at);
            let border = after[0].start + left;
            if left > 0 {
                ranges.push(after[0].start..border);
            }
            after[0].start = border;
            return after;
        }
        left -= length;
    }
    vec![]
}

impl Source for LongRows {
    fn rows(&self) -> usize {
        self.rows
    }

    fn first(&mut self) -> Result<Dataset> {
        self.dataset(std::slice::from_ref(&(0..1)))
    }

    fn read(&mut self, rows: &[Range<usize>], part: &mut Part<'_>) -> Result<()> {
        let Part { features, target, weights } = part;
        let target = match target {
            TargetMut::Classes(classes) => TargetMut::Classes(classes),
            TargetMut::Values(values) => TargetMut::Values(values),
        };
        match features {
            FeaturesMut::Floats(features) => {
                self.fill(rows, features, target, weights.as_deref_mut())
            }
            FeaturesMut::Indices(_) => Err(Error::data("the rows of a table are no indices")),
        }
    }

    fn announce(&mut self, rows: &[Range<usize>]) {
        if self.threads == 1 {
            return;
        }
        let (scratch, size, ranges) = (self.scratch.clone(), self.layout.size(), rows.to_vec());
        let wanted = ranges.clone();
        let read = move || {
            let count: usize = wanted.iter().map(Range::len).sum();
            let mut records = vec![0; count * size];
            let mut done = 0;
            for range in wanted {
                let piece = &mut records[done..done + range.len() * size];
                scratch.read_at(piece, range.start as u64 * size as u64)?;
                done += piece.len();
            }
            Ok(records)
        };
        // Where no thread is to be had the rows are read when they are needed.
        let reading = std::thread::Builder::new().spawn(read).ok();
        self.coming = reading.map(|reading| Coming { ranges, reading });
    }

    fn line(&self, row: usize) -> u64 {
        let (lines, training) = &self.lines;
        lines.of(training.select(row))
    }
}
