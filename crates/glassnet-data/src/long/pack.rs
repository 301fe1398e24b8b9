//! The encoded rows of a long table, written for a training to read.

use std::collections::BTreeMap;

use glassnet::Result;

use super::layout::Layout;
use super::learn::Fitted;
use super::packed_rows::LongRows;
use super::row_set::RowSet;
use super::scratch::cannot_write;
use super::writer::Writer;
use super::{LongTable, Scratch, in_parallel};
use crate::preprocessing::{Encoding, Preprocessing};

/// The most features of rows that are encoded at once.
const MOST_ENCODED: usize = 1 << 21;

impl LongTable {
    /// Encodes the rows `training` and writes them to `scratch`, in which a training finds any of them.
    ///
    /// # Errors
    /// As [`Preprocessing::encode`]; kind `io` when a scratch can't be read or written.
    pub fn pack(
        &self,
        fitted: &Fitted,
        training: &RowSet,
        scratch: Box<dyn Scratch>,
    ) -> Result<LongRows> {
        let preprocessing = &fitted.preprocessing;
        let features = few_values(preprocessing, &fitted.distinct);
        let layout = Layout::new(&features, preprocessing);
        let threads = self.threads.max(1);
        let columns = preprocessing.find_columns(&self.head, true)?;
        let writer = Writer::new(preprocessing, &layout, &columns);
        in_parallel(0..threads, |thread| {
            let mut window = self.window();
            let (mut records, mut known) = (vec![], writer.known());
            for piece in self.pieces().skip(thread).step_by(threads) {
                let range = &piece.rows;
                let rows: Vec<usize> =
                    training.within(range.clone()).map(|row| row - range.start).collect();
                if rows.is_empty() {
                    continue;
                }
                self.fill(&mut window, &piece)?;
                let mut at = (training.rank(range.start) * layout.size()) as u64;
                for rows in rows.chunks((MOST_ENCODED / preprocessing.width()).max(1)) {
                    writer.write((&window, rows), &mut known, &mut records)?;
                    scratch.write_at(&records, at).map_err(|error| cannot_write(&error))?;
                    at += records.len() as u64;
                }
            }
            Ok(())
        })?;
        let lines = (self.head.lines.clone(), training.clone());
        Ok(LongRows::new(scratch, layout, training.count(), lines, self.threads))
    }
}

/// The values of each feature, if they are few.
fn few_values(
    preprocessing: &Preprocessing,
    distinct: &BTreeMap<String, Vec<f64>>,
) -> Vec<Option<Vec<f32>>> {
    let flag = || Some(vec![0.0, 1.0]);
    let mut all = vec![];
    for feature in preprocessing.features() {
        let gaps = match &feature.encoding {
            Encoding::Number { mean, std, median, gaps } => {
                let scaled = |value: &f64| ((value - mean) / std) as f32;
                let values = distinct.get(&feature.column).map(|values| {
                    let filled = gaps.then_some(median);
                    let mut values: Vec<f32> = values.iter().chain(filled).map(scaled).collect();
                    values.sort_unstable_by(f32::total_cmp);
                    values.dedup_by_key(|value| value.to_bits());
                    values
                });
                all.push(values.filter(|values| values.iter().all(|value| value.is_finite())));
                *gaps
            }
            Encoding::Boolean { gaps, .. } => {
                all.push(flag());
                *gaps
            }
            Encoding::Category { levels, gaps } => {
                all.extend(levels.iter().map(|_| flag()));
                *gaps
            }
            // The code is its only feature, gaps included.
            Encoding::Code { .. } => {
                all.push(
                    feature
                        .codes()
                        .filter(|&codes| codes <= 256)
                        .map(|codes| (0..codes).map(|code| code as f32).collect()),
                );
                false
            }
            Encoding::Date { parts, gaps } => {
                all.extend((0..parts.width()).map(|_| None));
                *gaps
            }
        };
        all.extend(gaps.then(flag));
    }
    all
}
