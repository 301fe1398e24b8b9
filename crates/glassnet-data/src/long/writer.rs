//! Rows of a block as records: numbers straight from their packed cells, a column at a time, all else from encoded features.

use glassnet::{Error, Result};

use super::layout::{Layout, Slot, unknown};
use crate::encode::{EncodeOptions, standardised, too_far};
use crate::packed::{Block, Packing};
use crate::preprocessing::{Encoding, Preprocessing};
use crate::table::{Described, Table};

/// How rows become records.
pub(super) struct Writer<'a> {
    layout: &'a Layout,
    numbers: Vec<Number<'a>>,
    /// What makes the other features, target and weight, and which features these are.
    rest: Preprocessing,
    which: Vec<usize>,
}

/// A column of numbers.
struct Number<'a> {
    name: &'a str,
    column: usize,
    described: &'a Described,
    mean: f64,
    std: f64,
    median: f64,
    slot: Slot<'a>,
    /// Where it is written that a cell is missing.
    gap: Option<usize>,
}

/// What a thread knows of columns whose cells are bytes.
pub(super) struct Known {
    maps: Vec<Option<Map>>,
    /// Columns of bytes to be written, one behind the other, and where each goes.
    columns: Vec<u8>,
    places: Vec<usize>,
    values: Vec<f64>,
}

/// What is written for each byte, as long as the bytes mean the same.
struct Map {
    packing: Packing,
    meanings: Box<[f64; 256]>,
    written: Written,
}

enum Written {
    /// A byte, or [`NONE`].
    Bytes(Box<[u16; 256]>),
    /// A number; NaN for one that is not finite.
    Floats(Box<[f32; 256]>),
}

/// What no byte is written for: no training row has it.
const NONE: u16 = 1 << 8;

impl<'a> Writer<'a> {
    /// `columns` are those of the features, in their order.
    pub(super) fn new(
        preprocessing: &'a Preprocessing,
        layout: &'a Layout,
        columns: &[(usize, &'a Described)],
    ) -> Self {
        let (mut numbers, mut which, mut at) = (vec![], vec![], 0);
        let mut rest = Preprocessing { features: vec![], ..preprocessing.clone() };
        for (feature, &(column, described)) in preprocessing.features.iter().zip(columns) {
            let all = at..at + feature.width();
            at = all.end;
            // A flag among codes is the place of 0 or 1 in the list of both.
            let gap = || match layout.slot(all.start + 1) {
                Slot::Flag(at) | Slot::Code(at, _) => Some(at),
                Slot::Floats(_) => None,
            };
            match &feature.encoding {
                Encoding::Number { mean, std, median, gaps } if !gaps || gap().is_some() => {
                    numbers.push(Number {
                        name: &feature.column,
                        column,
                        described,
                        mean: *mean,
                        std: *std,
                        median: *median,
                        slot: layout.slot(all.start),
                        gap: if *gaps { gap() } else { None },
                    });
                }
                Encoding::Number { .. }
                | Encoding::Boolean { .. }
                | Encoding::Category { .. }
                | Encoding::Code { .. }
                | Encoding::Date { .. } => {
                    rest.features.push(feature.clone());
                    which.extend(all);
                }
            }
        }
        Writer { layout, numbers, rest, which }
    }

    /// For a thread that has seen nothing yet.
    pub(super) fn known(&self) -> Known {
        let maps = self.numbers.iter().map(|_| None).collect();
        Known { maps, columns: vec![], places: vec![], values: vec![] }
    }

    /// Makes `records` those of the rows `rows` of a table of one block.
    ///
    /// # Errors
    /// As [`Preprocessing::encode`].
    pub(super) fn write(
        &self,
        (table, rows): (&Table, &[usize]),
        known: &mut Known,
        records: &mut Vec<u8>,
    ) -> Result<()> {
        let size = self.layout.size();
        records.clear();
        records.resize(rows.len() * size, 0);
        known.columns.clear();
        known.places.clear();
        for block in table.blocks.iter().take(1) {
            for (index, number) in self.numbers.iter().enumerate() {
                let written = match block.small_codes(number.column) {
                    Some((packing, codes)) => {
                        let map = &mut known.maps[index];
                        map.take_if(|map| map.packing != packing);
                        let map = map.get_or_insert_with(|| number.map(packing, block));
                        let columns = (&mut known.columns, &mut known.places);
                        number.write_codes((codes, rows), map, (size, records), columns)
                    }
                    None => {
                        known.values.clear();
                        block.unpack(number.column, &mut known.values);
                        number.described.decode(&mut known.values);
                        let columns = (&mut known.columns, &mut known.places);
                        number.write_values((&known.values, rows), (size, records), columns)
                    }
                };
                written.map_err(|wrong| wrong.error(number, table))?;
            }
        }
        transpose((&known.columns, &known.places), rows.len(), (size, records));
        let encoded = self.rest.encode(table, rows, &EncodeOptions::default())?;
        let target = encoded.target.ok_or_else(|| Error::data("the rows have no target"))?;
        let features = (self.which.as_slice(), encoded.features.data());
        self.layout.write(features, &target, encoded.row_weights.as_deref(), records)
    }
}

/// Why a number is not written.
enum Wrong {
    /// It is so far from the others that it leaves 32-bit floats.
    TooFar { row: usize, value: f64 },
    /// It was not there when the training rows were seen.
    Unknown,
}

impl Wrong {
    fn error(self, number: &Number<'_>, table: &Table) -> Error {
        match self {
            Wrong::TooFar { row, value } => too_far(table, number.name, row, value),
            Wrong::Unknown => unknown(),
        }
    }
}

impl Number<'_> {
    /// A number as a feature, NaN being a missing one.
    fn feature(&self, value: f64) -> Option<f32> {
        let value = if value.is_nan() { self.median } else { value };
        standardised(value, self.mean, self.std)
    }

    fn map(&self, packing: Packing, block: &Block) -> Map {
        let mut meanings = [f64::NAN; 256];
        for code in 0..=u8::MAX {
            meanings[usize::from(code)] = block.meaning(self.column, code);
        }
        self.described.decode(&mut meanings);
        let byte = |value: f64| {
            self.feature(value).and_then(|feature| self.byte(feature)).map_or(NONE, u16::from)
        };
        let written = match self.slot {
            Slot::Floats(_) => {
                let float = |value: f64| self.feature(value).unwrap_or(f32::NAN);
                Written::Floats(Box::new(meanings.map(float)))
            }
            Slot::Flag(_) | Slot::Code(..) => Written::Bytes(Box::new(meanings.map(byte))),
        };
        Map { packing, meanings: Box::new(meanings), written }
    }

    /// The byte that is written for a feature.
    fn byte(&self, feature: f32) -> Option<u8> {
        match self.slot {
            Slot::Flag(_) => Some(u8::from(feature != 0.0)),
            Slot::Code(_, list) => {
                list.binary_search_by(|other| other.total_cmp(&feature)).ok().map(|at| at as u8)
            }
            Slot::Floats(_) => None,
        }
    }

    /// Writes the cells of the rows `rows`, of which `codes` has a byte each.
    fn write_codes(
        &self,
        (codes, rows): (&[u8], &[usize]),
        map: &Map,
        (size, records): (usize, &mut [u8]),
        (columns, places): (&mut Vec<u8>, &mut Vec<usize>),
    ) -> std::result::Result<(), Wrong> {
        let meaning = |row: usize| usize::from(codes[row]);
        if let Some(gap) = self.gap {
            for (record, &row) in records.chunks_exact_mut(size).zip(rows) {
                record[gap] = u8::from(map.meanings[meaning(row)].is_nan());
            }
        }
        match (&map.written, self.slot) {
            (Written::Bytes(bytes), Slot::Flag(at) | Slot::Code(at, _)) => {
                let mut all = 0;
                places.push(at);
                columns.extend(rows.iter().map(|&row| {
                    let byte = bytes[meaning(row)];
                    all |= byte;
                    byte as u8
                }));
                if all & NONE != 0 {
                    return Err(Wrong::Unknown);
                }
            }
            (Written::Floats(floats), Slot::Floats(at)) => {
                for (record, &row) in records.chunks_exact_mut(size).zip(rows) {
                    let float = floats[meaning(row)];
                    if float.is_nan() {
                        let value = map.meanings[meaning(row)];
                        return Err(Wrong::TooFar { row, value });
                    }
                    record[at..at + 4].copy_from_slice(&float.to_le_bytes());
                }
            }
            (Written::Bytes(_), Slot::Floats(_))
            | (Written::Floats(_), Slot::Flag(_) | Slot::Code(..)) => return Err(Wrong::Unknown),
        }
        Ok(())
    }

    /// Writes the cells of the rows `rows`.
    fn write_values(
        &self,
        (values, rows): (&[f64], &[usize]),
        (size, records): (usize, &mut [u8]),
        (columns, places): (&mut Vec<u8>, &mut Vec<usize>),
    ) -> std::result::Result<(), Wrong> {
        let feature = |row: usize| {
            let value = values[row];
            self.feature(value).ok_or(Wrong::TooFar { row, value })
        };
        if let Some(gap) = self.gap {
            for (record, &row) in records.chunks_exact_mut(size).zip(rows) {
                record[gap] = u8::from(values[row].is_nan());
            }
        }
        match self.slot {
            Slot::Floats(at) => {
                for (record, &row) in records.chunks_exact_mut(size).zip(rows) {
                    record[at..at + 4].copy_from_slice(&feature(row)?.to_le_bytes());
                }
            }
            Slot::Flag(at) | Slot::Code(at, _) => {
                places.push(at);
                for &row in rows {
                    columns.push(self.byte(feature(row)?).ok_or(Wrong::Unknown)?);
                }
            }
        }
        Ok(())
    }
}

/// Writes columns of bytes, one behind the other, into records at `places`.
fn transpose(
    (columns, places): (&[u8], &[usize]),
    rows: usize,
    (size, records): (usize, &mut [u8]),
) {
    let mut columns: Vec<&[u8]> = columns.chunks_exact(rows.max(1)).collect();
    let mut places = places;
    while let Some(&at) = places.first() {
        let follow = places.iter().enumerate().take(8).take_while(|&(n, &place)| place == at + n);
        let count = follow.count().max(1);
        let some: Vec<&[u8]> = columns.drain(..count.min(columns.len())).collect();
        places = &places[count..];
        let whole = match <&[&[u8]; 8]>::try_from(some.as_slice()) {
            Ok(eight) => {
                let eights = records.chunks_exact_mut(8 * size).enumerate();
                eights.for_each(|(n, records)| {
                    let words = turned(eight.map(|column| word(&column[8 * n..8 * n + 8])));
                    for (record, word) in records.chunks_exact_mut(size).zip(words) {
                        record[at..at + 8].copy_from_slice(&word.to_le_bytes());
                    }
                });
                rows / 8 * 8
            }
            Err(_) => 0,
        };
        for (n, column) in some.iter().enumerate() {
            let records = records.chunks_exact_mut(size).zip(*column).skip(whole);
            records.for_each(|(record, byte)| record[at + n] = *byte);
        }
    }
}

fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().unwrap_or_default())
}

/// The matrix of 8 × 8 bytes turned: byte `i` of word `k` becomes byte `k` of word `i`.
///
/// # Source
/// H. S. Warren, 'Hacker's Delight', section 7-3: blocks are swapped, of four bytes, of two, of one.
fn turned(mut words: [u64; 8]) -> [u64; 8] {
    for (far, mask) in
        [(4, 0x0000_0000_FFFF_FFFF), (2, 0x0000_FFFF_0000_FFFF), (1, 0x00FF_00FF_00FF_00FF_u64)]
    {
        for low in (0..8).filter(|low| low & far == 0) {
            let high = low + far;
            let swapped = ((words[low] >> (8 * far)) ^ words[high]) & mask;
            words[high] ^= swapped;
            words[low] ^= swapped << (8 * far);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        for rows in [0, 1, 7, 8, 9, 30] {
            // Eleven columns, with a gap between the fourth and the fifth.
            let places: Vec<usize> = (0..11).map(|n| 1 + n + usize::from(n > 3)).collect();
            let cell = |row: usize, column: usize| (row * 31 + column * 7 + 1) as u8;
            let columns: Vec<u8> =
                (0..11).flat_map(|column| (0..rows).map(move |row| cell(row, column))).collect();
            let size = 14;
            let mut records = vec![0; rows * size];
            transpose((&columns, &places), rows, (size, &mut records));
            for (row, record) in records.chunks_exact(size).enumerate() {
                let mut wanted = vec![0; size];
                places.iter().enumerate().for_each(|(n, &at)| wanted[at] = cell(row, n));
                assert_eq!(record, wanted, "{rows}");
            }
        }
    }
}
