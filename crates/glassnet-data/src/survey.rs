//! What the cells of a column look like, counted.

use crate::cell::{Reading, is_code, is_date, lost_digits, read_boolean, read_number, trim};
use crate::interned::Level;

/// How many cells are of which sort, and the first of each sort.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) present: usize,
    pub(crate) numbers: usize,
    /// The length of the first number, and whether all are digits of that length.
    pub(crate) width: usize,
    pub(crate) ragged: bool,
    pub(crate) non_finite: Sort,
    pub(crate) overflow: Sort,
    pub(crate) codes: Sort,
    pub(crate) lost: Sort,
    pub(crate) booleans: usize,
    pub(crate) dates: usize,
    pub(crate) comma_numbers: Sort,
    pub(crate) others: Sort,
    /// The first distinct texts among the others, and how often each is there.
    pub(crate) texts: Vec<(String, usize)>,
}

/// Cells of a sort: their number, the first, and its row.
#[derive(Default)]
pub(crate) struct Sort {
    pub(crate) count: usize,
    pub(crate) row: usize,
    pub(crate) cell: String,
}

/// The numbers that are no codes, which need no closer look.
#[derive(Default)]
pub(crate) struct Plain {
    pub(crate) count: usize,
    /// The length of the first, and whether any is not so many digits.
    pub(crate) width: usize,
    pub(crate) ragged: bool,
}

impl Sort {
    pub(crate) fn push(&mut self, level: &Level<'_>) {
        if self.count == 0 {
            self.row = level.first;
            self.cell = level.text.to_string();
        }
        self.count += level.count;
    }
}

/// How many distinct texts a message needs to list five of them.
pub(crate) const LISTED: usize = 6;

impl Survey {
    /// Adds a cell that is not missing, as often as it is there, and gives its number.
    pub(crate) fn push(&mut self, level: &Level<'_>, comma: bool) -> Option<f64> {
        self.present += level.count;
        match read_number(level.text, comma) {
            Reading::Finite(value) => {
                self.numbers += level.count;
                self.look_at_digits(level, value);
                return Some(value);
            }
            Reading::NonFinite(_) => self.non_finite.push(level),
            Reading::Overflow => self.overflow.push(level),
            Reading::Text => self.push_text(level, comma),
        }
        None
    }

    fn push_text(&mut self, level: &Level<'_>, comma: bool) {
        self.others.push(level);
        match self.texts.iter().position(|(other, _)| other == level.text) {
            Some(at) => self.texts[at].1 += level.count,
            None if self.texts.len() < LISTED => {
                self.texts.push((level.text.to_string(), level.count));
            }
            None => {}
        }
        self.booleans += if read_boolean(level.text).is_some() { level.count } else { 0 };
        self.dates += if is_date(level.text) { level.count } else { 0 };
        if !comma && matches!(read_number(level.text, true), Reading::Finite(_)) {
            self.comma_numbers.push(level);
        }
    }

    fn look_at_digits(&mut self, level: &Level<'_>, value: f64) {
        if is_code(level.text) {
            self.codes.push(level);
        }
        if lost_digits(level.text, value) {
            self.lost.push(level);
        }
        let trimmed = trim(level.text);
        self.look_at_width(trimmed.len(), trimmed.bytes().all(|byte| byte.is_ascii_digit()));
    }

    fn look_at_width(&mut self, width: usize, digits: bool) {
        if self.width == 0 {
            self.width = width;
        }
        self.ragged |= self.width != width || !digits;
    }

    /// Adds numbers that were counted apart.
    pub(crate) fn push_plain(&mut self, plain: &Plain) {
        if plain.count > 0 {
            self.present += plain.count;
            self.numbers += plain.count;
            self.look_at_width(plain.width, !plain.ragged);
        }
    }
}
