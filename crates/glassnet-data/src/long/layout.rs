//! How an encoded row becomes a record: a byte for a feature that takes few values, as pixels and categories do, a 32-bit float
//! for another.

use std::ops::Range;

use glassnet::train::TargetMut;
use glassnet::{Error, Result};

use crate::encode::EncodedTarget;
use crate::preprocessing::Preprocessing;

/// How a row becomes a record.
pub(super) struct Layout {
    runs: Vec<Run>,
    pub(super) width: usize,
    pub(super) target: TargetKind,
    /// Where the target begins, and the weight if there is one.
    target_at: usize,
    pub(super) weight_at: Option<usize>,
    size: usize,
}

#[derive(Clone, Copy)]
pub(super) enum TargetKind {
    Classes,
    Values(usize),
}

/// Where a feature stands in a record.
#[derive(Clone, Copy)]
pub(super) enum Slot<'l> {
    /// A byte, 0 or 1.
    Flag(usize),
    /// A byte, the place in an ascending list of values.
    Code(usize, &'l [f32]),
    /// Four bytes.
    Floats(usize),
}

/// Features that follow each other and are written alike.
struct Run {
    features: Range<usize>,
    /// Where they begin in the record.
    at: usize,
    kind: Kind,
}

enum Kind {
    /// A byte each, 0 or 1.
    Flags,
    /// A byte each, the place in a list of the feature's values.
    Codes(Codes),
    /// Four bytes each.
    Floats,
}

/// How a feature is written.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Flags,
    Codes,
    Floats,
}

impl Sort {
    /// What suits a feature whose values are listed if they are few.
    fn of(values: &Option<Vec<f32>>) -> Self {
        match values {
            Some(values)
                if values.iter().all(|value| [0, 1.0_f32.to_bits()].contains(&value.to_bits())) =>
            {
                Sort::Flags
            }
            Some(values) if values.len() <= 256 => Sort::Codes,
            Some(_) | None => Sort::Floats,
        }
    }
}

/// Makes codes of the few flags between codes, as pixels at the border are: reading goes through long runs faster.
fn join_short_runs(sorts: &mut [Sort]) {
    let lengths: Vec<usize> = sorts.chunk_by(Sort::eq).map(<[Sort]>::len).collect();
    let mut first = 0;
    for length in lengths {
        let run = first..first + length;
        let neighbours = [first.checked_sub(1), Some(run.end)];
        let beside_codes =
            neighbours.iter().flatten().any(|&at| sorts.get(at) == Some(&Sort::Codes));
        if sorts[first] == Sort::Flags && length < GROUP && beside_codes {
            sorts[run.clone()].fill(Sort::Codes);
        }
        first = run.end;
    }
}

/// The values of some features.
struct Codes {
    /// Of each feature; every byte has a value, though only the first few occur.
    values: Vec<[f32; 256]>,
    /// How many of them do.
    counts: Vec<usize>,
}

impl Codes {
    /// The values of features that have at most 256 each.
    fn new(features: &[Option<Vec<f32>>]) -> Self {
        let lists = || features.iter().map(|values| values.as_deref().unwrap_or_default());
        let list = |values: &[f32]| {
            let mut all = [0.0; 256];
            all[..values.len()].copy_from_slice(values);
            all
        };
        Codes { values: lists().map(list).collect(), counts: lists().map(<[f32]>::len).collect() }
    }
}

impl Layout {
    /// The layout for features of which those with few values have them listed.
    pub(super) fn new(features: &[Option<Vec<f32>>], preprocessing: &Preprocessing) -> Self {
        let mut sorts: Vec<Sort> = features.iter().map(Sort::of).collect();
        join_short_runs(&mut sorts);
        let mut runs: Vec<Run> = vec![];
        let (mut at, mut first) = (0, 0);
        for sorts in sorts.chunk_by(Sort::eq) {
            let run = first..first + sorts.len();
            let (kind, bytes) = match sorts[0] {
                Sort::Flags => (Kind::Flags, 1),
                Sort::Codes => (Kind::Codes(Codes::new(&features[run.clone()])), 1),
                Sort::Floats => (Kind::Floats, 4),
            };
            first = run.end;
            runs.push(Run { features: run, at, kind });
            at += bytes * sorts.len();
        }
        let target = match preprocessing.target().classes() {
            Some(_) => TargetKind::Classes,
            None => TargetKind::Values(preprocessing.target().outputs()),
        };
        let target_at = at;
        at += match target {
            TargetKind::Classes => 2,
            TargetKind::Values(count) => 4 * count,
        };
        let weight_at = preprocessing.weights().map(|_| at);
        at += if weight_at.is_some() { 4 } else { 0 };
        let width = features.len();
        Layout { runs, width, target, target_at, weight_at, size: at }
    }

    /// The bytes of a record.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Where a feature is written, and how.
    pub(super) fn slot(&self, feature: usize) -> Slot<'_> {
        let at = self.runs.partition_point(|run| run.features.end <= feature);
        let Some(run) = self.runs.get(at) else { return Slot::Floats(self.target_at) };
        let within = feature - run.features.start;
        match &run.kind {
            Kind::Flags => Slot::Flag(run.at + within),
            Kind::Codes(codes) => {
                let count = codes.counts[within];
                Slot::Code(run.at + within, &codes.values[within][..count])
            }
            Kind::Floats => Slot::Floats(run.at + 4 * within),
        }
    }

    /// Writes encoded rows to `records`: of each the values of the features `which`, the target, and the weight if there is one.
    ///
    /// # Errors
    /// Kind `data` for a value that is not among those of its feature, which would be a fault of ours.
    pub(super) fn write(
        &self,
        (which, values): (&[usize], &[f32]),
        target: &EncodedTarget,
        weights: Option<&[f32]>,
        records: &mut [u8],
    ) -> Result<()> {
        for (index, &feature) in which.iter().enumerate() {
            let values = values[index..].iter().step_by(which.len());
            let places = records.chunks_exact_mut(self.size).zip(values);
            match self.slot(feature) {
                Slot::Flag(at) => {
                    places.for_each(|(record, value)| record[at] = u8::from(*value != 0.0));
                }
                Slot::Code(at, list) => {
                    let finder = Finder::new(list);
                    for (record, value) in places {
                        record[at] = finder.code(*value).ok_or_else(unknown)?;
                    }
                }
                Slot::Floats(at) => places.for_each(|(record, value)| {
                    record[at..at + 4].copy_from_slice(&value.to_le_bytes());
                }),
            }
        }
        for (row, record) in records.chunks_mut(self.size).enumerate() {
            let bytes = &mut record[self.target_at..];
            match (self.target, target) {
                (TargetKind::Classes, EncodedTarget::Classes(classes)) => {
                    bytes[..2].copy_from_slice(&(classes[row] as u16).to_le_bytes());
                }
                (TargetKind::Values(count), EncodedTarget::Values(values)) => {
                    let values = &values.data()[row * count..(row + 1) * count];
                    for (value, bytes) in values.iter().zip(bytes.chunks_exact_mut(4)) {
                        bytes.copy_from_slice(&value.to_le_bytes());
                    }
                }
                (TargetKind::Classes, EncodedTarget::Values(_))
                | (TargetKind::Values(_), EncodedTarget::Classes(_)) => return Err(unknown()),
            }
            if let (Some(at), Some(weights)) = (self.weight_at, weights) {
                record[at..at + 4].copy_from_slice(&weights[row].to_le_bytes());
            }
        }
        Ok(())
    }

    /// Reads records into the places of their rows.
    pub(super) fn read(&self, records: &[u8], places: &mut Places<'_>) {
        let rows = records.len() / self.size;
        for (part, features) in places.features.chunks_mut(self.width * ROWS).enumerate() {
            let first = part * ROWS;
            self.write_features(records, first..rows.min(first + ROWS), features);
        }
        let records = || records.chunks(self.size);
        match &mut places.target {
            TargetMut::Classes(classes) => {
                for (class, record) in classes.iter_mut().zip(records()) {
                    let bytes = [record[self.target_at], record[self.target_at + 1]];
                    *class = i64::from(u16::from_le_bytes(bytes));
                }
            }
            TargetMut::Values(values) => {
                let count = self.outputs();
                for (values, record) in values.chunks_mut(count).zip(records()) {
                    let floats = floats(&record[self.target_at..]);
                    values.iter_mut().zip(floats).for_each(|(value, float)| *value = float);
                }
            }
        }
        if let (Some(at), Some(weights)) = (self.weight_at, &mut places.weights) {
            for (weight, record) in weights.iter_mut().zip(records()) {
                floats(&record[at..at + 4]).for_each(|float| *weight = float);
            }
        }
    }

    /// Writes the features of the rows `rows` of `records` to `out`. They should be few enough to stay at hand while run
    /// after run of features is read.
    pub(super) fn write_features(
        &self,
        records: &[u8],
        rows: impl Iterator<Item = usize> + Clone,
        out: &mut [f32],
    ) {
        for run in &self.runs {
            let mut each = |at: Range<usize>, from: usize, read: &dyn Fn(&mut [f32], &[u8])| {
                for (row, out) in rows.clone().zip(out.chunks_exact_mut(self.width)) {
                    let record = &records[row * self.size..(row + 1) * self.size];
                    read(&mut out[at.clone()], &record[from..]);
                }
            };
            match &run.kind {
                Kind::Flags => each(run.features.clone(), run.at, &|values, bytes| {
                    values
                        .iter_mut()
                        .zip(bytes)
                        .for_each(|(value, byte)| *value = f32::from(*byte));
                }),
                Kind::Floats => each(run.features.clone(), run.at, &|values, bytes| {
                    values.iter_mut().zip(floats(bytes)).for_each(|(value, float)| *value = float);
                }),
                Kind::Codes(codes) => {
                    // The lists of a few features fit the nearest memory.
                    for (group, some) in codes.values.chunks(GROUP).enumerate() {
                        let first = run.features.start + group * GROUP;
                        let at = run.at + group * GROUP;
                        each(first..first + some.len(), at, &|values, bytes| {
                            look_up(some, bytes, values)
                        });
                    }
                }
            }
        }
    }

    pub(super) fn outputs(&self) -> usize {
        match self.target {
            TargetKind::Classes => 1,
            TargetKind::Values(count) => count,
        }
    }
}

/// Rows that are read together.
const ROWS: usize = 64;

/// Features whose values are looked up together.
const GROUP: usize = 16;

pub(super) fn unknown() -> Error {
    Error::data(
        "an encoded row is not as the training rows were seen: this is a fault of glassnet's",
    )
    .help("please report it with the table, or a part that shows it")
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// The value of each feature's byte.
#[inline]
fn look_up(lists: &[[f32; 256]], bytes: &[u8], values: &mut [f32]) {
    // Of a full group the lengths are known, so that nothing is checked on the way.
    if let (Ok(lists), Some(bytes), Ok(values)) = (
        <&[[f32; 256]; GROUP]>::try_from(lists),
        bytes.first_chunk::<GROUP>(),
        <&mut [f32; GROUP]>::try_from(&mut *values),
    ) {
        for at in 0..GROUP {
            values[at] = lists[at][usize::from(bytes[at])];
        }
        return;
    }
    for ((value, byte), list) in values.iter_mut().zip(bytes).zip(lists) {
        *value = list[usize::from(*byte)];
    }
}

/// Finds the code of a value.
struct Finder {
    keys: [u32; PLACES],
    codes: [u8; PLACES],
    /// Which places are taken.
    taken: [u64; PLACES / 64],
}

const PLACES: usize = 512;

impl Finder {
    fn new(values: &[f32]) -> Self {
        let mut finder = Finder { keys: [0; PLACES], codes: [0; PLACES], taken: [0; PLACES / 64] };
        for (code, value) in values.iter().enumerate() {
            let bits = value.to_bits();
            let mut place = Finder::place(bits);
            while finder.is_taken(place) {
                place = (place + 1) % PLACES;
            }
            finder.taken[place / 64] |= 1 << (place % 64);
            (finder.keys[place], finder.codes[place]) = (bits, code as u8);
        }
        finder
    }

    fn place(bits: u32) -> usize {
        (bits.wrapping_mul(0x9E37_79B9) >> 23) as usize
    }

    fn is_taken(&self, place: usize) -> bool {
        self.taken[place / 64] >> (place % 64) & 1 == 1
    }

    fn code(&self, value: f32) -> Option<u8> {
        let bits = value.to_bits();
        let mut place = Finder::place(bits);
        while self.is_taken(place) {
            if self.keys[place] == bits {
                return Some(self.codes[place]);
            }
            place = (place + 1) % PLACES;
        }
        None
    }
}

/// Where rows go.
pub(super) struct Places<'a> {
    pub(super) features: &'a mut [f32],
    pub(super) target: TargetMut<'a>,
    pub(super) weights: Option<&'a mut [f32]>,
}

impl<'a> Places<'a> {
    /// The places of the first `rows`, and those of the others.
    pub(super) fn split(self, rows: usize, layout: &Layout) -> (Places<'a>, Places<'a>) {
        // There may be no places for features.
        let width = (rows * layout.width).min(self.features.len());
        let (features, features_left) = self.features.split_at_mut(width);
        let (target, target_left) = match self.target {
            TargetMut::Classes(classes) => {
                let (first, rest) = classes.split_at_mut(rows);
                (TargetMut::Classes(first), TargetMut::Classes(rest))
            }
            TargetMut::Values(values) => {
                let (first, rest) = values.split_at_mut(rows * layout.outputs());
                (TargetMut::Values(first), TargetMut::Values(rest))
            }
        };
        let (weights, weights_left) =
            self.weights.map(|weights| weights.split_at_mut(rows)).unzip();
        (
            Places { features, target, weights },
            Places { features: features_left, target: target_left, weights: weights_left },
        )
    }
}
