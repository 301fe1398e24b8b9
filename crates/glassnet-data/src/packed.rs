//! The cells of many columns in few bytes, a block of rows at a time.
//!
//! Every cell is a 64-bit float, and NaN where it is missing: a number, or the code of a text. Most numbers in files are short
//! decimals, so a column's part of a block holds integers and what power of ten they are divided by; nothing is
//! rounded that reading did not round. A block is one piece of memory, so that whoever is done with it can give it back.

use std::ops::Range;

use crate::cell::{Decimal, POWERS};

/// The cells of a column that no block holds yet.
#[derive(Default)]
pub(crate) struct Staged {
    cells: Vec<i64>,
    doubles: Vec<f64>,
}

/// A staged cell is `integer << TAG_BITS | tag`; below the two special ones the tag counts decimals.
const TAG_BITS: u32 = 5;
const TAGS: i64 = 1 << TAG_BITS;
const MISSING: i64 = TAGS - 1;
const DOUBLE: i64 = TAGS - 2;

impl Staged {
    #[inline]
    pub(crate) fn decimal(&mut self, decimal: Decimal) {
        self.cells.push(decimal.integer << TAG_BITS | i64::from(decimal.decimals));
    }

    pub(crate) fn code(&mut self, code: u32) {
        self.cells.push(i64::from(code) << TAG_BITS);
    }

    pub(crate) fn double(&mut self, value: f64) {
        self.cells.push((self.doubles.len() as i64) << TAG_BITS | DOUBLE);
        self.doubles.push(value);
    }

    pub(crate) fn missing(&mut self) {
        self.cells.push(MISSING);
    }

    /// The packing with the fewest bytes, and how many these are.
    fn packing(&self) -> (Packing, usize) {
        let rows = self.cells.len();
        if !self.doubles.is_empty() {
            let single = |value: f64| value.is_nan() || f64::from(value as f32) == value;
            return match self.values().all(single) {
                true => (Packing::Singles, rows * 4),
                false => (Packing::Doubles, rows * 8),
            };
        }
        let Some(ranges) = Ranges::of(&self.cells) else {
            return (Packing::Missing, 0);
        };
        let packing = ranges.packing();
        (packing, rows * packing.width())
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.cells.iter().map(|&cell| match cell & MISSING {
            MISSING => f64::NAN,
            DOUBLE => self.doubles[(cell >> TAG_BITS) as usize],
            decimals => (cell >> TAG_BITS) as f64 / POWERS[decimals as usize],
        })
    }

    /// Appends the cells to `bytes` and forgets them.
    fn pack(&mut self, packing: Packing, bytes: &mut Vec<u8>) {
        match packing {
            Packing::Missing | Packing::Decimals { width: 0, .. } => {}
            Packing::Doubles => {
                self.values().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
            }
            Packing::Singles => {
                self.values()
                    .for_each(|value| bytes.extend_from_slice(&(value as f32).to_le_bytes()));
            }
            Packing::Decimals { base, span: 0, width: 1, .. } if uniform(&self.cells).is_some() => {
                let base = base as u8;
                let code = |cell: &i64| ((*cell as u64 >> TAG_BITS) as u8).wrapping_sub(base);
                bytes.extend(self.cells.iter().map(code));
            }
            Packing::Decimals { base, span: 0, width: 2, .. } if uniform(&self.cells).is_some() => {
                let base = base as u16;
                let code = |cell: &i64| ((*cell as u64 >> TAG_BITS) as u16).wrapping_sub(base);
                bytes.extend(self.cells.iter().flat_map(|cell| code(cell).to_le_bytes()));
            }
            Packing::Decimals { base, span, least, most, width, .. } => {
                let code = |&cell: &i64| {
                    let (integer, decimals) = (cell >> TAG_BITS, (cell & MISSING) as u8);
                    if cell == MISSING {
                        u64::MAX
                    } else if span == 0 && decimals == most {
                        (integer - base) as u64
                    } else if span == 0 {
                        (integer * 10_i64.pow(u32::from(most - decimals)) - base) as u64
                    } else {
                        (integer - base) as u64 + span * u64::from(decimals - least)
                    }
                };
                let codes = self.cells.iter().map(code);
                match width {
                    1 => bytes.extend(codes.map(|code| code as u8)),
                    2 => bytes.extend(codes.flat_map(|code| (code as u16).to_le_bytes())),
                    4 => bytes.extend(codes.flat_map(|code| (code as u32).to_le_bytes())),
                    width => codes.for_each(|code| {
                        bytes.extend_from_slice(&code.to_le_bytes()[..usize::from(width)]);
                    }),
                }
            }
        }
        self.cells.clear();
        self.doubles.clear();
    }
}

/// The extremes of a column's cells in a block, none of which is a double.
struct Ranges {
    gaps: bool,
    /// The least and the most decimals.
    decimals: (u8, u8),
    /// The extremes of the integers as they are.
    integers: (i64, i64),
    /// The extremes of the integers when all have the most decimals, where that can be told exactly.
    aligned: Option<(i64, i64)>,
}

/// How many decimals the cells have, if all have as many and none is missing or a double.
fn uniform(cells: &[i64]) -> Option<u8> {
    let first = *cells.first()?;
    let different = cells.iter().fold(0, |different, cell| different | (cell ^ first));
    let tag = first & MISSING;
    (different & MISSING == 0 && tag < DOUBLE).then_some(tag as u8)
}

/// Integers up to here are 64-bit floats, so that one division reads them.
const EXACT: i64 = 1 << 53;

impl Ranges {
    /// `None` where all cells are missing.
    fn of(cells: &[i64]) -> Option<Self> {
        if let Some(decimals) = uniform(cells) {
            // Equal tags leave the order of the integers.
            let extremes = |(low, high): (i64, i64), &cell: &i64| (low.min(cell), high.max(cell));
            let (low, high) = cells.iter().fold((i64::MAX, i64::MIN), extremes);
            let integers = (low >> TAG_BITS, high >> TAG_BITS);
            let (gaps, decimals, aligned) = (false, (decimals, decimals), Some(integers));
            return Some(Ranges { gaps, decimals, integers, aligned });
        }
        let present = || cells.iter().filter(|&&cell| cell != MISSING);
        let (mut low, mut high, mut least, mut most) = (i64::MAX, i64::MIN, i64::MAX, i64::MIN);
        for &cell in present() {
            let (integer, decimals) = (cell >> TAG_BITS, cell & MISSING);
            (low, high) = (low.min(integer), high.max(integer));
            (least, most) = (least.min(decimals), most.max(decimals));
        }
        if low > high {
            return None;
        }
        let aligned = if least == most {
            Some((low, high))
        } else {
            present().try_fold((i64::MAX, i64::MIN), |(low, high), &cell| {
                let power = 10_i64.checked_pow((most - (cell & MISSING)) as u32)?;
                let aligned = (cell >> TAG_BITS).checked_mul(power)?;
                (aligned.abs() <= EXACT).then(|| (low.min(aligned), high.max(aligned)))
            })
        };
        let gaps = cells.contains(&MISSING);
        Some(Ranges { gaps, decimals: (least as u8, most as u8), integers: (low, high), aligned })
    }

    fn packing(&self) -> Packing {
        let (least, most) = self.decimals;
        let span = (self.integers.1 - self.integers.0) as u64 + 1;
        let base = self.integers.0;
        let width = self.width(u128::from(span) * u128::from(most - least + 1));
        let gaps = self.gaps;
        let mixed = Packing::Decimals { base, span, least, most, width, gaps };
        let Some((base, high)) = self.aligned else {
            return mixed;
        };
        let width = self.width((high - base) as u128 + 1);
        let aligned = Packing::Decimals { base, span: 0, least: most, most, width, gaps };
        if aligned.width() <= mixed.width() { aligned } else { mixed }
    }

    /// The bytes of a cell that is one of so many, or missing: at most 7, as 15 digits, a sign and 23 counts of decimals
    /// are below 2^56.
    fn width(&self, codes: u128) -> u8 {
        let most = codes - 1 + u128::from(self.gaps);
        (0..7).find(|&width| most >> (8 * width) == 0).unwrap_or(7) as u8
    }
}

/// How a column's part of a block is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Packing {
    /// Every cell is missing: no bytes.
    Missing,
    /// 8 bytes each, NaN where missing.
    Doubles,
    /// As doubles, which were 32-bit floats once.
    Singles,
    /// `width` bytes each. With a span of 0 a code means (base + code) / 10^most, else
    /// (base + code % span) / 10^(least + code / span). If there are gaps, all bits set mean one.
    Decimals { base: i64, span: u64, least: u8, most: u8, width: u8, gaps: bool },
}

impl Packing {
    fn width(self) -> usize {
        match self {
            Packing::Missing => 0,
            Packing::Doubles => 8,
            Packing::Singles => 4,
            Packing::Decimals { width, .. } => usize::from(width),
        }
    }

    /// Writes what a block's head says of a column whose cells begin at `at`.
    pub(crate) fn write_head(self, at: usize, file: &mut Vec<u8>) {
        self.write(file);
        file.extend_from_slice(&(at as u64).to_le_bytes());
    }

    fn write(self, file: &mut Vec<u8>) {
        let (tag, small, base, span) = match self {
            Packing::Missing => (0, [0; 4], 0, 0),
            Packing::Doubles => (1, [0; 4], 0, 0),
            Packing::Singles => (2, [0; 4], 0, 0),
            Packing::Decimals { base, span, least, most, width, gaps } => {
                (3, [least, most, width, u8::from(gaps)], base, span)
            }
        };
        file.extend_from_slice(&[tag, small[0], small[1], small[2], small[3], 0, 0, 0]);
        file.extend_from_slice(&base.to_le_bytes());
        file.extend_from_slice(&span.to_le_bytes());
    }

    /// What [`Packing::write`] wrote.
    fn read(bytes: &[u8]) -> Self {
        let [tag, least, most, width, gaps] = [0, 1, 2, 3, 4].map(|at| bytes[at]);
        match tag {
            0 => Packing::Missing,
            1 => Packing::Doubles,
            2 => Packing::Singles,
            // not operations: the last tag
            _ => Packing::Decimals {
                base: integer(&bytes[8..16]) as i64,
                span: integer(&bytes[16..24]),
                least,
                most,
                width,
                gaps: gaps != 0,
            },
        }
    }
}

/// The bytes of a written packing.
const PACKING: usize = 24;
/// The bytes that a column has in the head of a written block.
pub(crate) const PART: usize = PACKING + 8;

fn integer(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// Some rows of all columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Block {
    rows: usize,
    /// For each column how it is written, and where its bytes begin.
    parts: Vec<(Packing, usize)>,
    bytes: Vec<u8>,
}

impl Block {
    /// Packs the staged cells of `columns`, of which each has `rows`, and empties them.
    pub(crate) fn pack<'a>(columns: impl Iterator<Item = &'a mut Staged>, rows: usize) -> Self {
        let columns: Vec<&mut Staged> = columns.collect();
        let mut size = 0;
        let parts: Vec<(Packing, usize)> = columns
            .iter()
            .map(|column| {
                let (packing, bytes) = column.packing();
                let at = size;
                size += bytes;
                (packing, at)
            })
            .collect();
        // Exactly as large as it gets: what a growing vector leaves behind would stay with the process.
        let mut bytes = Vec::with_capacity(size);
        for (column, &(packing, _)) in columns.into_iter().zip(&parts) {
            column.pack(packing, &mut bytes);
        }
        Block { rows, parts, bytes }
    }

    /// The same rows of more columns, in the order of `parts`.
    pub(crate) fn join(parts: impl Iterator<Item = Block>) -> Self {
        let mut blocks: Vec<Block> = parts.collect();
        if blocks.len() == 1
            && let Some(only) = blocks.pop()
        {
            return only;
        }
        let rows = blocks.first().map_or(0, Block::rows);
        let mut bytes = Vec::with_capacity(blocks.iter().map(|block| block.bytes.len()).sum());
        let mut parts = Vec::with_capacity(blocks.iter().map(Block::columns).sum());
        for block in blocks {
            let before = bytes.len();
            parts.extend(block.parts.iter().map(|&(packing, at)| (packing, before + at)));
            bytes.extend_from_slice(&block.bytes);
        }
        Block { rows, parts, bytes }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        self.parts.len()
    }

    /// About how many bytes it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + self.parts.len() * size_of::<(Packing, usize)>()
    }

    /// Writes the block behind `file`, so that [`Block::read`] has it again: how each column is written, then the cells.
    pub(crate) fn write(&self, file: &mut Vec<u8>) {
        self.parts.iter().for_each(|(packing, at)| packing.write_head(*at, file));
        file.extend_from_slice(&self.bytes);
    }

    /// How the only column is written, and its cells.
    #[cfg(feature = "parquet")]
    pub(crate) fn only(&self) -> (Packing, &[u8]) {
        let packing = self.parts.first().map_or(Packing::Missing, |(packing, _)| *packing);
        (packing, &self.bytes)
    }

    /// The columns `wanted` and the rows `some` of a written block of so many `rows` and `columns`, both counted from 0 then. `read`
    /// fills bytes with those that were written, counted from the block's first.
    pub(crate) fn read<E>(
        (rows, columns): (usize, usize),
        wanted: Range<usize>,
        some: Range<usize>,
        mut read: impl FnMut(&mut [u8], u64) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut heads = vec![0; PART * wanted.len()];
        read(&mut heads, (PART * wanted.start) as u64)?;
        let mut parts: Vec<(Packing, usize)> = heads
            .chunks_exact(PART)
            .map(|head| {
                let (packing, at) = head.split_at(PACKING);
                (Packing::read(packing), integer(at) as usize)
            })
            .collect();
        let cells = PART * columns;
        if some == (0..rows) {
            // All of the columns' bytes follow each other.
            let first = parts.first().map_or(0, |(_, at)| *at);
            let end = parts.last().map_or(0, |(packing, at)| at + rows * packing.width());
            parts.iter_mut().for_each(|(_, at)| *at -= first);
            let mut bytes = vec![0; end - first];
            read(&mut bytes, (cells + first) as u64)?;
            return Ok(Block { rows, parts, bytes });
        }
        let size = parts.iter().map(|(packing, _)| some.len() * packing.width()).sum();
        let (mut bytes, mut done) = (vec![0; size], 0);
        for (packing, at) in &mut parts {
            let width = packing.width();
            let piece = &mut bytes[done..done + some.len() * width];
            read(piece, (cells + *at + some.start * width) as u64)?;
            (*at, done) = (done, done + piece.len());
        }
        Ok(Block { rows: some.len(), parts, bytes })
    }

    /// The rows `rows` alone.
    pub(crate) fn pick(&self, rows: &[usize]) -> Self {
        let widths = self.parts.iter().map(|(packing, _)| packing.width());
        let mut bytes = Vec::with_capacity(rows.len() * widths.sum::<usize>());
        let mut parts = Vec::with_capacity(self.parts.len());
        for &(packing, at) in &self.parts {
            parts.push((packing, bytes.len()));
            let width = packing.width();
            for &row in rows {
                bytes.extend_from_slice(&self.bytes[at + row * width..at + (row + 1) * width]);
            }
        }
        Block { rows: rows.len(), parts, bytes }
    }

    /// The cells of column `column` where they are written as a byte each, which [`Block::meaning`] reads; bytes of equal packings
    /// mean the same.
    pub(crate) fn small_codes(&self, column: usize) -> Option<(Packing, &[u8])> {
        let (packing, at) = self.parts[column];
        let Packing::Decimals { width: 1, .. } = packing else { return None };
        Some((packing, &self.bytes[at..at + self.rows]))
    }

    /// What a byte among the column's small codes means; of another byte nothing in particular.
    pub(crate) fn meaning(&self, column: usize, code: u8) -> f64 {
        let Packing::Decimals { base, span, least, most, gaps, .. } = self.parts[column].0 else {
            return f64::NAN;
        };
        if gaps && code == u8::MAX {
            return f64::NAN;
        }
        let code = u64::from(code);
        match (code.checked_div(span), code.checked_rem(span)) {
            (Some(decimals), Some(integer)) => {
                // A byte that is not among the codes may ask for a power that there is not.
                let power = POWERS.get(usize::from(least) + decimals as usize);
                (base + integer as i64) as f64 / power.unwrap_or(&f64::NAN)
            }
            _ => (base + code as i64) as f64 / POWERS[usize::from(most)], // not operations: a span of 0
        }
    }

    /// Appends the cells of column `column`.
    pub(crate) fn unpack(&self, column: usize, values: &mut Vec<f64>) {
        let (packing, at) = self.parts[column];
        let bytes = &self.bytes[at..at + self.rows * packing.width()];
        match packing {
            Packing::Missing => values.extend(std::iter::repeat_n(f64::NAN, self.rows)),
            Packing::Doubles => {
                values.extend(codes::<8>(bytes).map(f64::from_bits));
            }
            Packing::Singles => {
                let single = |code| f64::from(f32::from_bits(code as u32));
                values.extend(codes::<4>(bytes).map(single));
            }
            Packing::Decimals { base, span: 0, most, width: 0, .. } => {
                let value = base as f64 / POWERS[usize::from(most)];
                values.extend(std::iter::repeat_n(value, self.rows));
            }
            Packing::Decimals { base, span: 0, most, width, gaps, .. } => {
                let power = POWERS[usize::from(most)];
                each(bytes, width, gaps, values, |code| (base + code as i64) as f64 / power);
            }
            Packing::Decimals { base, span, least, width, gaps, .. } => {
                each(bytes, width, gaps, values, |code| {
                    let power = POWERS[usize::from(least) + (code / span) as usize];
                    (base + (code % span) as i64) as f64 / power
                });
            }
        }
    }
}

/// Appends what `value` makes of each code of `width` bytes, NaN for those that mean a missing cell.
fn each(bytes: &[u8], width: u8, gaps: bool, values: &mut Vec<f64>, value: impl Fn(u64) -> f64) {
    // No code has more than 7 bytes.
    let missing = if gaps { u64::MAX >> (64 - 8 * u32::from(width)) } else { u64::MAX };
    let read = |code| if code == missing { f64::NAN } else { value(code) };
    match width {
        1 => values.extend(codes::<1>(bytes).map(read)),
        2 => values.extend(codes::<2>(bytes).map(read)),
        3 => values.extend(codes::<3>(bytes).map(read)),
        4 => values.extend(codes::<4>(bytes).map(read)),
        5 => values.extend(codes::<5>(bytes).map(read)),
        6 => values.extend(codes::<6>(bytes).map(read)),
        _ => values.extend(codes::<7>(bytes).map(read)), // not operations: the widest
    }
}

fn codes<const WIDTH: usize>(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    bytes.chunks_exact(WIDTH).map(|code| {
        let mut wide = [0; 8];
        wide[..WIDTH].copy_from_slice(code);
        u64::from_le_bytes(wide)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cell::plain_decimal;

    /// Cells as a reader stages them; an empty text is a missing one.
    fn staged<'a>(cells: impl IntoIterator<Item = &'a str>) -> Staged {
        let mut staged = Staged::default();
        for cell in cells {
            match (cell, plain_decimal(cell.as_bytes(), b'.')) {
                ("", _) => staged.missing(),
                (_, Some(decimal)) => staged.decimal(decimal),
                (_, None) => staged.double(cell.parse().expect("a number")),
            }
        }
        staged
    }

    /// Packs the columns, checks that they come back bit for bit, and gives the bytes that they took.
    fn check(columns: &[Vec<&str>]) -> usize {
        let mut waiting: Vec<Staged> =
            columns.iter().map(|cells| staged(cells.iter().copied())).collect();
        let block = Block::pack(waiting.iter_mut(), columns[0].len());
        assert!(waiting.iter().all(|staged| staged.cells.is_empty() && staged.doubles.is_empty()));
        assert_eq!(block.bytes.capacity(), block.bytes.len());
        for (index, cells) in columns.iter().enumerate() {
            let mut found = vec![];
            block.unpack(index, &mut found);
            let bits = |value: f64| if value.is_nan() { None } else { Some(value.to_bits()) };
            let found: Vec<Option<u64>> = found.into_iter().map(bits).collect();
            let wanted = cells.iter().map(|cell| cell.parse().ok().and_then(bits));
            assert_eq!(found, wanted.collect::<Vec<_>>(), "{cells:?}");
        }
        block.bytes.len()
    }

    #[test]
    fn cells_take_the_bytes_of_their_range() {
        let bytes = |cells: &[&str]| check(&[cells.to_vec()]) as f64 / cells.len() as f64;
        assert_eq!(bytes(&["", "", ""]), 0.0);
        assert_eq!(bytes(&["1.5", "1.50", "1.5"]), 0.0);
        assert_eq!(bytes(&["1", ""]), 1.0);
        assert_eq!(bytes(&["0", "255"]), 1.0);
        assert_eq!(bytes(&["0", "", "255"]), 2.0, "one code more: that of the gap");
        assert_eq!(bytes(&["-100", "", "154"]), 1.0);
        assert_eq!(bytes(&["1000000", "1000255"]), 1.0);
        assert_eq!(bytes(&["-1.234567", "3.999999"]), 3.0);
        assert_eq!(bytes(&["-99.1234567", "", "3.9999999"]), 4.0);
        assert_eq!(bytes(&["1.234567", "0.001234567", "1.234567e-05", "-12"]), 3.0);
        assert_eq!(bytes(&["-999999999999999", "999999999999999e-22"]), 7.0);
        assert_eq!(bytes(&["0.1234567890123456", "1", ""]), 8.0);
        assert_eq!(bytes(&["0.12345679104328156", "0.5", ""]), 4.0, "once in 32 bits");
        assert_eq!(bytes(&["-0.0", "0"]), 4.0, "its sign is kept");
    }

    #[test]
    fn every_width_with_and_without_gaps() {
        for width in 1..7 {
            let most = ((1_u64 << (8 * width)) - 1).to_string();
            for (last, bytes) in [("0", 2 * width), ("", 3 * (width + 1))] {
                let cells: Vec<&str> =
                    if last.is_empty() { vec!["0", &most, last] } else { vec![last, &most] };
                assert_eq!(check(&[cells]), bytes, "{width}");
            }
        }
    }

    fn cell() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => (0..300_u32).prop_map(|value| value.to_string()),
            4 => (-4.0..4.0_f64).prop_map(|value| format!("{value:.6}")),
            4 => any::<f32>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| format!("{v:e}")),
            2 => any::<f32>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| f64::from(v).to_string()),
            2 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(|v| v.to_string()),
            2 => "-?[0-9]{1,15}",
            2 => "-?[0-9]{0,7}\\.[0-9]{1,8}(e-[0-9])?",
            1 => Just(String::new()),
        ]
    }

    proptest! {
        #[test]
        fn columns_come_back_bit_for_bit(
            rows in proptest::collection::vec(proptest::collection::vec(cell(), 3), 1..40),
            kind in proptest::collection::vec(cell(), 1..40),
        ) {
            let column = |index: usize| rows.iter().map(|row| row[index].as_str()).collect();
            check(&[column(0), column(1), column(2)]);
            check(&[kind.iter().map(String::as_str).collect()]);
        }
    }
}
