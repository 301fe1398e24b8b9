//! The distinct texts of a column, numbered in the order of their first rows.

use std::hash::{BuildHasher, RandomState};

/// Distinct texts, each kept once: one string, and an open table of their numbers.
pub(crate) struct Interned {
    text: String,
    seen: Vec<Seen>,
    /// The number of a text + 1, or 0; the length is a power of two and at least twice the number of texts.
    places: Vec<u32>,
    hasher: RandomState,
}

/// A text: where it ends, how often it is there, and the first row that has it.
struct Seen {
    end: usize,
    hash: u32,
    count: usize,
    first: usize,
}

/// A distinct text of a column.
pub(crate) struct Level<'a> {
    pub(crate) text: &'a str,
    pub(crate) count: usize,
    pub(crate) first: usize,
}

impl Interned {
    pub(crate) fn new() -> Self {
        Interned {
            text: String::new(),
            seen: vec![],
            places: vec![0; 8],
            hasher: RandomState::new(),
        }
    }

    /// The number of `text`, which stands in row `row`. `None` when there are too many to be counted.
    pub(crate) fn push(&mut self, text: &str, row: usize) -> Option<u32> {
        let hash = self.hasher.hash_one(text) as u32;
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while let Some(number) = self.places[place].checked_sub(1) {
            let seen = &self.seen[number as usize];
            if seen.hash == hash && self.text(number as usize) == text {
                self.seen[number as usize].count += 1;
                return Some(number);
            }
            place = (place + 1) & mask;
        }
        let number = u32::try_from(self.seen.len()).ok().filter(|&number| number < u32::MAX - 1)?;
        self.places[place] = number + 1;
        self.text.push_str(text);
        self.seen.push(Seen { end: self.text.len(), hash, count: 1, first: row });
        if self.places.len() < 2 * self.seen.len() {
            self.grow();
        }
        Some(number)
    }

    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.text.len() + self.seen.len() * (size_of::<Seen>() + 12)
    }

    fn grow(&mut self) {
        let length = 2 * self.places.len();
        self.places.clear();
        self.places.resize(length, 0);
        for (number, seen) in self.seen.iter().enumerate() {
            let mut place = seen.hash as usize & (length - 1);
            while self.places[place] != 0 {
                place = (place + 1) & (length - 1);
            }
            self.places[place] = number as u32 + 1;
        }
    }

    fn text(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.seen[before].end);
        &self.text[start..self.seen[number].end]
    }

    /// The texts in the order of their first rows.
    pub(crate) fn levels(&self) -> impl ExactSizeIterator<Item = Level<'_>> {
        self.seen.iter().enumerate().map(|(number, seen)| Level {
            text: self.text(number),
            count: seen.count,
            first: seen.first,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_by_their_first_rows_and_counted() {
        let mut interned = Interned::new();
        let word = |row: usize| format!("w{}", row * 7 % 1000);
        for row in 0..3000 {
            assert_eq!(interned.push(&word(row), row), Some(row as u32 % 1000));
        }
        let mut levels = 0;
        for (number, level) in interned.levels().enumerate() {
            assert_eq!((level.text, level.first, level.count), (word(number).as_str(), number, 3));
            levels += 1;
        }
        assert_eq!(levels, 1000);
    }
}
