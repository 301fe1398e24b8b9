//! The records of a CSV text with their line numbers.

use std::io::Read;

use glassnet::{Error, ErrorKind, Result};

use crate::batch::Batch;
use crate::bytes::{bad_quote, line_end, not_utf8, nul, read_error, refuse_other_formats};
use crate::options::CsvOptions;
use crate::word;

/// A reader of checked text that yields records with their lines. It holds a piece of the file at a time, at least one
/// whole record.
///
/// # Errors
/// What is wrong with the bytes goes before what is wrong with the cells, wherever it stands: after any error of its own or
/// its caller's the rest of the file is looked through ([`Records::refuse`]).
pub(crate) struct Records<'a, R> {
    input: R,
    name: &'a str,
    delimiter: u8,
    quote: u8,
    /// Which bytes end an unquoted cell.
    ends_cell: [bool; 256],
    has_header: bool,
    /// `buffer[at..filled]` was read and not yet yielded; `buffer[..checked]` is UTF-8 without NUL.
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    checked: usize,
    ended: bool,
    blank: bool,
    /// Whether only a NUL byte can be worse than what was found.
    not_utf8: bool,
    place: Place,
    record: Cells,
}

/// Where a byte stands: the lines before it, and the bytes before its line.
#[derive(Clone, Copy)]
struct Place {
    line_end: u8,
    lines: u64,
    offset: u64,
    line_start: u64,
}

impl Place {
    /// The place after `bytes`.
    fn advance(&mut self, bytes: &[u8]) {
        let ends = bytes.iter().filter(|&&byte| byte == self.line_end).count();
        if ends > 0 {
            let last = bytes.iter().rposition(|&byte| byte == self.line_end).unwrap_or(0);
            self.lines += ends as u64;
            self.line_start = self.offset + last as u64 + 1;
        }
        self.offset += bytes.len() as u64;
    }

    fn after(mut self, bytes: &[u8]) -> Self {
        self.advance(bytes);
        self
    }

    /// `file:line:column`, both counted from 1; the column counts bytes.
    fn of(self, name: &str) -> String {
        format!("{name}:{}:{}", self.lines + 1, self.offset - self.line_start + 1)
    }
}

/// The cells of the records that were read last: where they stand in the buffer.
#[derive(Default)]
struct Cells {
    ranges: Vec<(u32, u32)>,
    /// Which cell is the first of the record that is being read.
    first: usize,
    /// Those with doubled quotes.
    doubled: Vec<usize>,
    quoted: bool,
}

/// What a look at the buffer found.
enum Found {
    /// A record that ends before this byte.
    Record(usize),
    /// The buffer ends before the record.
    Part,
    /// The quote that opens here is not closed as it must be.
    BadQuote { open: usize, close: Option<usize> },
}

/// How much of a file is read at a time: enough that threads which share its cells seldom wait for each other.
const PIECE: usize = 1 << 17;

/// The most bytes of a record, about: its cells are found by 32 bits.
const MOST_RECORD: usize = 1 << 30;

impl<'a, R: Read> Records<'a, R> {
    /// Reads the beginning of `input`.
    ///
    /// # Errors
    /// Kind `io`, worded by [`read_error`]; kind `data` for a file that is no text.
    pub(crate) fn new(input: R, name: &'a str, options: &CsvOptions) -> Result<Self> {
        Records::with_piece(input, name, options, PIECE)
    }

    /// As [`Records::new`], with so many bytes at a time.
    fn with_piece(input: R, name: &'a str, options: &CsvOptions, piece: usize) -> Result<Self> {
        let mut ends_cell = [false; 256];
        for byte in [options.delimiter, b'\n', b'\r'] {
            ends_cell[usize::from(byte)] = true;
        }
        let place = Place { line_end: b'\n', lines: 0, offset: 0, line_start: 0 };
        let mut records = Records {
            input,
            name,
            delimiter: options.delimiter,
            quote: options.quote,
            ends_cell,
            has_header: options.has_header,
            buffer: vec![0; piece],
            at: 0,
            filled: 0,
            checked: 0,
            ended: false,
            blank: true,
            not_utf8: false,
            place,
            record: Cells::default(),
        };
        records.read()?;
        let begin = &records.buffer[..records.filled];
        refuse_other_formats(begin, name)?;
        records.at = if begin.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        records.checked = records.at;
        records.place.line_end = line_end(&records.buffer[records.at..records.filled]);
        records.check()?;
        Ok(records)
    }

    /// The next record and the line it begins on; `None` at the end.
    ///
    /// # Errors
    /// Kind `io`; kind `data` for a NUL byte, bytes that are no UTF-8, and quotes that do not match.
    pub(crate) fn next(&mut self) -> Result<Option<u64>> {
        self.forget();
        loop {
            self.skip_line_ends();
            if self.at == self.filled {
                if self.ended {
                    return Ok(None);
                }
                self.fill()?;
                continue;
            }
            match self.scan() {
                Found::Record(end) => return Ok(Some(self.pass(end))),
                Found::Part => self.fill()?,
                Found::BadQuote { open, close } => return Err(self.refuse_quote(open, close)),
            }
        }
    }

    /// The next records, as many as there are in the piece of the file that is at hand: they are put into `batch` in place of those
    /// that it holds. False at the end.
    ///
    /// # Errors
    /// As [`Records::next`]; the records before what is wrong are given first.
    pub(crate) fn next_batch(&mut self, batch: &mut Batch) -> Result<bool> {
        batch.clear();
        self.forget();
        loop {
            self.skip_line_ends();
            if self.at == self.filled {
                if self.ended || !batch.is_empty() {
                    break;
                }
                self.fill()?;
                continue;
            }
            let first = self.record.first;
            match self.scan() {
                Found::Record(end) => {
                    let line = self.pass(end);
                    batch.push(line, first..self.record.ranges.len());
                    self.record.first = self.record.ranges.len();
                }
                Found::Part | Found::BadQuote { .. } if !batch.is_empty() => break,
                Found::Part => self.fill()?,
                Found::BadQuote { open, close } => return Err(self.refuse_quote(open, close)),
            }
        }
        self.record.ranges.truncate(self.record.first);
        if batch.is_empty() {
            return Ok(false);
        }
        // What follows is read on in the memory that the batch had.
        let mut buffer = std::mem::take(batch.bytes_mut());
        buffer.resize(self.buffer.len(), 0);
        let rest = self.at..self.filled;
        buffer[..rest.len()].copy_from_slice(&self.buffer[rest.clone()]);
        (self.checked, self.filled, self.at) = (self.checked - self.at, rest.len(), 0);
        batch.give(std::mem::replace(&mut self.buffer, buffer), &mut self.record.ranges);
        Ok(true)
    }

    /// Goes behind the record that ends at `end`, and gives its line.
    fn pass(&mut self, end: usize) -> u64 {
        let line = self.place.lines + 1;
        let bytes = &self.buffer[self.at..end];
        if self.record.quoted {
            self.place.advance(bytes);
            self.undouble();
        } else {
            self.place.offset += bytes.len() as u64;
        }
        self.at = end;
        line
    }

    /// Forgets the cells that were read.
    fn forget(&mut self) {
        self.record.ranges.clear();
        self.record.first = 0;
    }

    /// The number of cells of the record that was read last.
    pub(crate) fn width(&self) -> usize {
        self.record.ranges.len()
    }

    /// The cells of the record that was read last: UTF-8, without the quotes around them.
    pub(crate) fn cells(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.record.ranges.iter().map(|&(start, end)| &self.buffer[start as usize..end as usize])
    }

    /// The error to return for a file in which the caller found `error`: what is wrong with its bytes, if anything is.
    pub(crate) fn refuse(mut self, error: Error) -> Error {
        loop {
            match self.next() {
                Ok(Some(_)) => {}
                Ok(None) => return self.refuse_blank().err().unwrap_or(error),
                Err(found) => return found,
            }
        }
    }

    /// Refuses a file of blanks, once all of it was read.
    ///
    /// # Errors
    /// Kind `data`.
    pub(crate) fn refuse_blank(&self) -> Result<()> {
        if !self.blank {
            return Ok(());
        }
        Err(Error::data("the file is empty").at(self.name).help(if self.has_header {
            "give a header line and rows"
        } else {
            "give at least one row"
        }))
    }

    fn skip_line_ends(&mut self) {
        let begin = self.at;
        while self.at < self.filled && matches!(self.buffer[self.at], b'\n' | b'\r') {
            self.at += 1;
        }
        self.place.advance(&self.buffer[begin..self.at]);
    }

    /// Looks for the record that begins at `at`.
    fn scan(&mut self) -> Found {
        let text = &self.buffer[..self.filled];
        let (delimiter, whole) = (self.delimiter, &self.buffer[..]);
        let ends_in = |word: u64| {
            word::matches(word, delimiter) | word::matches(word, b'\n') | word::matches(word, b'\r')
        };
        // The word at `base`, and its ends of cells from `start` on.
        let (mut base, mut ends) = (self.at, ends_in(word::load(whole, self.at)));
        let cells = &mut self.record;
        cells.ranges.truncate(cells.first);
        cells.doubled.clear();
        cells.quoted = false;
        let mut start = self.at;
        loop {
            let end = if text.get(start) == Some(&self.quote) {
                cells.quoted = true;
                let close = match closing_quote(text, start, self.quote) {
                    (Some(close), doubled) if close + 1 < text.len() || self.ended => {
                        if doubled {
                            cells.doubled.push(cells.ranges.len());
                        }
                        close
                    }
                    (None, _) if self.ended => {
                        return Found::BadQuote { open: start, close: None };
                    }
                    (Some(_) | None, _) => return Found::Part,
                };
                if text.get(close + 1).is_some_and(|&byte| !self.ends_cell[usize::from(byte)]) {
                    return Found::BadQuote { open: start, close: Some(close) };
                }
                cells.ranges.push((start as u32 + 1, close as u32));
                (base, ends) = (close + 1, ends_in(word::load(whole, close + 1)));
                close + 1
            } else {
                while ends == 0 && base + word::BYTES < text.len() {
                    base += word::BYTES;
                    ends = ends_in(word::load(whole, base));
                }
                // What was read before may still stand behind the text.
                let end = if ends == 0 { text.len() } else { base + word::place(ends) };
                let end = end.min(text.len());
                cells.ranges.push((start as u32, end as u32));
                end
            };
            // The byte at `end` is dealt with.
            ends &= ends.wrapping_sub(1);
            match text.get(end) {
                Some(&byte) if byte == self.delimiter => start = end + 1,
                None if !self.ended => return Found::Part,
                Some(_) | None => return Found::Record(end),
            }
        }
    }

    /// Makes one of each pair of quotes.
    fn undouble(&mut self) {
        for index in std::mem::take(&mut self.record.doubled) {
            let (start, end) = self.record.ranges[index];
            let (mut to, mut from, end) = (start as usize, start as usize, end as usize);
            while from < end {
                let byte = self.buffer[from];
                self.buffer[to] = byte;
                to += 1;
                from += if byte == self.quote { 2 } else { 1 };
            }
            self.record.ranges[index].1 = to as u32;
        }
    }

    /// Reads on behind the record that begins at `at`.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.checked -= self.at;
        self.filled -= self.at;
        self.at = 0;
        // A record that takes most of the buffer would be looked through again for every few bytes that are read.
        if 2 * self.filled > self.buffer.len() {
            if self.buffer.len() > MOST_RECORD {
                return Err(Error::new(ErrorKind::Limit, "a row has more than 1 GB")
                    .at(format!("{}:{}", self.name, self.place.lines + 1))
                    .help("close the quote that opens there, or divide the row"));
            }
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        self.read()?;
        self.check()
    }

    /// Fills the buffer, or reads to the end.
    fn read(&mut self) -> Result<()> {
        while self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(read_error(self.name, &error)),
            }
        }
        Ok(())
    }

    /// Checks the bytes that were read since the last call.
    fn check(&mut self) -> Result<()> {
        let new = &self.buffer[self.checked..self.filled];
        self.blank = self.blank && new.iter().all(u8::is_ascii_whitespace);
        let before = |offset: usize| self.place.after(&self.buffer[self.at..self.checked + offset]);
        if new.contains(&0) {
            let offset = new.iter().position(|&byte| byte == 0).unwrap_or(0);
            return Err(nul(&before(offset).of(self.name)));
        }
        match std::str::from_utf8(new) {
            Err(_) if self.not_utf8 => self.checked = self.filled,
            Ok(_) => self.checked = self.filled,
            // The end of the piece parts a character.
            Err(error) if error.error_len().is_none() && !self.ended => {
                self.checked += error.valid_up_to();
            }
            Err(error) => {
                let offset = error.valid_up_to();
                let found = not_utf8(new[offset], self.name, &before(offset).of(self.name));
                self.checked = self.filled;
                self.not_utf8 = true;
                self.check_rest()?;
                return Err(found);
            }
        }
        Ok(())
    }

    /// Looks through the bytes that are left, as no record of theirs counts any more.
    fn check_rest(&mut self) -> Result<()> {
        while !self.ended {
            self.place.advance(&self.buffer[self.at..self.checked]);
            self.at = self.checked;
            self.fill()?;
        }
        Ok(())
    }

    /// What is wrong with a quote, or with the bytes behind it.
    fn refuse_quote(&mut self, open: usize, close: Option<usize>) -> Error {
        let error = self.bad_quote(open, close);
        self.check_rest().err().unwrap_or(error)
    }

    fn bad_quote(&self, open: usize, close: Option<usize>) -> Error {
        let before = |offset: usize| self.place.after(&self.buffer[self.at..offset]);
        let opened = before(open);
        let close = close.map(|close| before(close).lines + 1);
        bad_quote(opened.lines + 1, close, &opened.of(self.name))
    }
}

/// Where the quote that opens at `open` is closed, and whether quotes stand doubled before.
fn closing_quote(text: &[u8], open: usize, quote: u8) -> (Option<usize>, bool) {
    let mut doubled = false;
    let mut from = open + 1;
    while let Some(at) = text[from..].iter().position(|&byte| byte == quote) {
        if text.get(from + at + 1) != Some(&quote) {
            return (Some(from + at), doubled);
        }
        doubled = true;
        from += at + 2;
    }
    (None, doubled)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn starts(text: &str) -> Vec<u64> {
        let mut records =
            Records::new(text.as_bytes(), "t", &CsvOptions::default()).expect("a text");
        std::iter::from_fn(|| records.next().expect("CSV")).collect()
    }

    #[test]
    fn lines_count_through_blank_lines_quotes_and_carriage_returns() {
        assert_eq!(starts("a,b\n1,2\n\n\n3,4\n"), [1, 2, 5]);
        assert_eq!(starts("\n\na\r\n\"x\r\ny\"\r\nz"), [3, 4, 6]);
        assert_eq!(starts("a\rb\r\rc\r"), [1, 2, 4]);
    }

    /// Lines and cells of all records.
    type All = Vec<(u64, Vec<Vec<u8>>)>;

    fn all(text: &[u8], piece: usize) -> Result<All> {
        let mut records = Records::with_piece(text, "t", &CsvOptions::default(), piece)?;
        let mut found = vec![];
        while let Some(line) = records.next()? {
            found.push((line, records.cells().map(<[u8]>::to_vec).collect()));
        }
        Ok(found)
    }

    /// The same as batches, the first record by itself.
    fn all_in_batches(text: &[u8], piece: usize) -> Result<All> {
        let mut records = Records::with_piece(text, "t", &CsvOptions::default(), piece)?;
        let mut found = vec![];
        if let Some(line) = records.next()? {
            found.push((line, records.cells().map(<[u8]>::to_vec).collect()));
        }
        let mut batch = Batch::default();
        while records.next_batch(&mut batch)? {
            for (line, cells) in batch.records() {
                found.push((*line, cells.clone().map(|at| batch.cell(at).0.to_vec()).collect()));
            }
        }
        Ok(found)
    }

    /// The same by the csv crate.
    fn oracle(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        let record = |record: std::result::Result<csv::ByteRecord, csv::Error>| {
            record.expect("CSV").iter().map(<[u8]>::to_vec).collect()
        };
        reader.byte_records().map(record).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn pieces_change_nothing(text in "[a1,é\"\n\r]{0,40}", piece in 4..40_usize) {
            // The first bytes say which byte ends a line.
            let text = format!("h\n{text}");
            let whole = all(text.as_bytes(), 1 << 10);
            let batches = all_in_batches(text.as_bytes(), piece);
            let words = |found: &Result<All>| found.as_ref().map_err(|e| e.to_string()).cloned();
            prop_assert_eq!(words(&whole), words(&batches));
            let parted = all(text.as_bytes(), piece);
            match (&whole, &parted) {
                (Ok(whole), Ok(parted)) => {
                    prop_assert_eq!(whole, parted);
                    let cells: Vec<_> = whole.iter().map(|(_, cells)| cells.clone()).collect();
                    prop_assert_eq!(cells, oracle(text.as_bytes()));
                }
                (Err(whole), Err(parted)) => {
                    prop_assert_eq!(whole.to_string(), parted.to_string());
                }
                (Ok(_), Err(_)) | (Err(_), Ok(_)) => prop_assert!(false, "{:?} {:?}", whole, parted),
            }
        }

        #[test]
        fn bad_bytes_are_found_wherever_pieces_end(
            before in "[a,é\n]{0,20}", after in "[a,\"\n]{0,20}", nul: bool, piece in 4..40_usize
        ) {
            let mut text = format!("h\n{before}").into_bytes();
            let (offset, line) = (text.len(), 1 + before.matches('\n').count() + 1);
            let column = text.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
            text.push(if nul { 0 } else { 0xE9 });
            text.extend_from_slice(after.as_bytes());
            let error = all(&text, piece).expect_err("a bad byte");
            let place = format!("t:{line}:{column}");
            prop_assert_eq!(error.place(), Some(place.as_str()), "{} {:?}", offset, error);
            // A NUL byte says more than another one before it.
            text.push(0);
            let error = all(&text, piece).expect_err("a bad byte");
            prop_assert!(error.what().contains("NUL"), "{}", error);
        }
    }

    #[test]
    fn a_record_may_be_longer_than_a_piece() {
        let long = "x\n\"\"".repeat(1000);
        let text = format!("a,\"{long}\"\nb,c\n");
        let found = all(text.as_bytes(), 16).expect("CSV");
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 1002]);
        assert_eq!(found[0].1[1], "x\n\"".repeat(1000).into_bytes());
    }
}
