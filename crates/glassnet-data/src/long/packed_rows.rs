//! Encoded rows in a scratch, as a source of a training.
//!
//! A row is a record, and all records are as long as each other, so that rows that follow each other are read at once. A feature
//! that takes few values, as pixels and categories do, is one byte of it, another one its 32-bit float.

use std::fmt::{self, Debug, Formatter};
use std::ops::Range;

use glassnet::engine::Rows;
use glassnet::train::{Dataset, Features, FeaturesMut, Part, Source, Target, TargetMut};
use glassnet::{Error, Result, Tensor};

use super::in_parallel;
use super::layout::{Layout, Places, TargetKind};
use super::row_set::RowSet;
use super::scratch::{Scratch, cannot_read};
use crate::lines::Lines;

/// The training rows of a [`LongTable`](crate::LongTable), encoded, in a scratch.
pub struct LongRows {
    scratch: Box<dyn Scratch>,
    layout: Layout,
    rows: usize,
    lines: (Lines, RowSet),
    /// A thread's records.
    buffers: Vec<Vec<u8>>,
    /// The records that are learned from, one after the other.
    kept: Vec<u8>,
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
        LongRows { scratch, layout, rows, lines, buffers, kept: vec![] }
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
        let places = Places { features, target, weights };
        let parts = share_out(ranges, places, &mut [], self.buffers.len(), &self.layout);
        let (layout, scratch) = (&self.layout, &self.scratch);
        in_parallel(parts.into_iter().zip(&mut self.buffers), |(share, buffer)| {
            let mut left = share.places;
            for range in share.ranges {
                let most = (MOST_READ / layout.size()).max(1);
                for start in range.clone().step_by(most) {
                    let count = most.min(range.end - start);
                    buffer.resize(count * layout.size(), 0);
                    read(scratch.as_ref(), layout, start, buffer)?;
                    let (mut places, rest) = left.split(count, layout);
                    layout.read(buffer, &mut places);
                    left = rest;
                }
            }
            Ok(())
        })
    }
}

/// What a thread has to read.
struct Share<'a> {
    ranges: Vec<Range<usize>>,
    places: Places<'a>,
    /// Where the records stay.
    records: &'a mut [u8],
}

/// Gives each of `threads` about as many of the rows.
fn share_out<'a>(
    ranges: &[Range<usize>],
    places: Places<'a>,
    mut records: &'a mut [u8],
    threads: usize,
    layout: &Layout,
) -> Vec<Share<'a>> {
    let rows: usize = ranges.iter().map(Range::len).sum();
    let most = rows.div_ceil(threads).max(1);
    let (mut ranges, mut places) = (ranges.to_vec(), Some(places));
    let mut shares = vec![];
    for first in (0..rows).step_by(most) {
        let count = most.min(rows - first);
        let after = cut(&mut ranges, count);
        let Some((own, rest)) = places.take().map(|all| all.split(count, layout)) else { break };
        let (kept, others) = records.split_at_mut((count * layout.size()).min(records.len()));
        (records, places) = (others, Some(rest));
        let ranges = std::mem::replace(&mut ranges, after);
        shares.push(Share { ranges, places: own, records: kept });
    }
    shares
}

/// Reads the records from row `first` on.
fn read(scratch: &dyn Scratch, layout: &Layout, first: usize, records: &mut [u8]) -> Result<()> {
    let at = first as u64 * layout.size() as u64;
    scratch.read_at(records, at).map_err(|error| cannot_read(&error))
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

/// The same places once more.
fn again<'a>(target: &'a mut TargetMut<'_>) -> TargetMut<'a> {
    match target {
        TargetMut::Classes(classes) => TargetMut::Classes(classes),
        TargetMut::Values(values) => TargetMut::Values(values),
    }
}

/// The features of the rows that are kept.
impl Rows for LongRows {
    fn write(&self, rows: &[usize], out: &mut [f32]) {
        assert_eq!(out.len(), rows.len() * self.layout.width, "there is room for the rows");
        self.layout.write_features(&self.kept, rows.iter().copied(), out);
    }
}

impl Debug for LongRows {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongRows").field("rows", &self.rows).finish_non_exhaustive()
    }
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
        let target = again(target);
        match features {
            FeaturesMut::Floats(features) => {
                self.fill(rows, features, target, weights.as_deref_mut())
            }
            FeaturesMut::Indices(_) => Err(Error::data("the rows of a table are no indices")),
        }
    }

    fn keep(&mut self, rows: &[Range<usize>], part: &mut Part<'_>) -> Result<bool> {
        let (layout, scratch) = (&self.layout, &self.scratch);
        self.kept.resize(rows.iter().map(Range::len).sum::<usize>() * layout.size(), 0);
        let Part { target, weights, .. } = part;
        let (target, weights) = (again(target), weights.as_deref_mut());
        let places = Places { features: &mut [], target, weights };
        let shares = share_out(rows, places, &mut self.kept, self.buffers.len(), layout);
        in_parallel(shares.into_iter(), |mut share| {
            let mut left = &mut *share.records;
            for range in share.ranges {
                let (records, rest) = left.split_at_mut(range.len() * layout.size());
                read(scratch.as_ref(), layout, range.start, records)?;
                left = rest;
            }
            layout.read(share.records, &mut share.places);
            Ok(())
        })?;
        Ok(true)
    }

    fn kept(&self) -> Option<&dyn Rows> {
        Some(self)
    }

    fn announce(&mut self, rows: &[Range<usize>]) {
        let size = self.layout.size() as u64;
        for range in rows {
            self.scratch.announce(range.start as u64 * size, range.len() as u64 * size);
        }
    }

    fn line(&self, row: usize) -> u64 {
        let (lines, training) = &self.lines;
        lines.of(training.select(row))
    }
}
