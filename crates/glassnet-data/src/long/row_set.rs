//! Some of a table's rows, a bit for each.

use std::ops::Range;

/// Some of a table's rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    /// How many rows there are before each group of words.
    before: Vec<usize>,
    count: usize,
}

/// Words of a group.
const GROUP: usize = 64;

impl RowSet {
    /// The rows of which `member` says so, out of `0..rows`; it is asked in their order.
    pub(crate) fn of(rows: usize, mut member: impl FnMut(usize) -> bool) -> Self {
        let mut set = RowSet { words: vec![0; rows.div_ceil(64)], ..RowSet::default() };
        for row in 0..rows {
            set.words[row / 64] |= u64::from(member(row)) << (row % 64);
        }
        set.counted()
    }

    /// Rows that are added in their order.
    pub(crate) fn collect(rows: usize) -> Collecting {
        Collecting { words: vec![0; rows.div_ceil(64)] }
    }

    fn counted(mut self) -> Self {
        self.count = 0;
        self.before.clear();
        for group in self.words.chunks(GROUP) {
            self.before.push(self.count);
            self.count += group.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        }
        self
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether a row is among them.
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// How many of them are before `row`.
    pub(crate) fn rank(&self, row: usize) -> usize {
        let (word, bit) = (row / 64, row % 64);
        let group = word / GROUP;
        let Some(&before) = self.before.get(group) else {
            return self.count;
        };
        let whole = self.words[group * GROUP..word.min(self.words.len())].iter();
        let part = self.words.get(word).map_or(0, |word| word & ((1 << bit) - 1));
        before
            + whole.map(|word| word.count_ones() as usize).sum::<usize>()
            + part.count_ones() as usize
    }

    /// Those of them that are in `range`, in their order.
    pub(crate) fn within(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        range.filter(|&row| self.contains(row))
    }

    /// The table's row that is number `index` of them, counted from 0.
    pub(crate) fn select(&self, index: usize) -> usize {
        let group = self.before.partition_point(|&before| before <= index).saturating_sub(1);
        let mut left = index - self.before.get(group).copied().unwrap_or(0);
        for (at, &word) in self.words.iter().enumerate().skip(group * GROUP) {
            let here = word.count_ones() as usize;
            if left < here {
                let mut word = word;
                (0..left).for_each(|_| word &= word - 1);
                return at * 64 + word.trailing_zeros() as usize;
            }
            left -= here;
        }
        64 * self.words.len()
    }

    /// All of them in their order, at most `most` at a time.
    pub fn parts(&self, most: usize) -> impl Iterator<Item = RowSet> + '_ {
        let most = most.max(1);
        (0..self.count).step_by(most).map(move |first| {
            let rows = self.select(first)..=self.select((first + most).min(self.count) - 1);
            RowSet::of(64 * self.words.len(), |row| rows.contains(&row) && self.contains(row))
        })
    }

    /// About `count` of them, evenly far from each other; all if there are no more.
    pub fn sample(&self, count: usize) -> RowSet {
        let (mut index, all) = (0, self.count);
        if all <= count {
            return self.clone();
        }
        RowSet::of(64 * self.words.len(), |row| {
            let member = self.contains(row);
            // The whole parts of index · count / all rise `count` times.
            let next = |index: usize| (index as u128 * count as u128 / all as u128) as usize;
            let chosen = member && next(index + 1) > next(index);
            index += usize::from(member);
            chosen
        })
    }
}

/// A set of rows that is being made.
pub(crate) struct Collecting {
    words: Vec<u64>,
}

impl Collecting {
    pub(crate) fn insert(&mut self, row: usize) {
        self.words[row / 64] |= 1 << (row % 64);
    }

    pub(crate) fn finish(self) -> RowSet {
        RowSet { words: self.words, ..RowSet::default() }.counted()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranks_and_rows_are_those_of_a_list(
            members in proptest::collection::vec(any::<bool>(), 1..20_000), from in 0..20_000_usize,
        ) {
            let list: Vec<usize> = (0..members.len()).filter(|&row| members[row]).collect();
            let set = RowSet::of(members.len(), |row| members[row]);
            prop_assert_eq!(set.count(), list.len());
            prop_assert_eq!(set.rank(from), list.iter().filter(|&&row| row < from).count());
            prop_assert_eq!(set.within(0..members.len()).collect::<Vec<_>>(), list.clone());
            for (index, &row) in list.iter().enumerate().step_by(97) {
                prop_assert_eq!(set.select(index), row);
            }
            let parts: Vec<RowSet> = set.parts(700).collect();
            prop_assert!(parts.iter().rev().skip(1).all(|part| part.count() == 700));
            let all = parts.iter().flat_map(|part| part.within(0..20_000).collect::<Vec<_>>());
            prop_assert_eq!(all.collect::<Vec<_>>(), list.clone());
            let some = set.sample(100);
            prop_assert_eq!(some.count(), list.len().min(100));
            prop_assert!(some.within(0..members.len()).all(|row| members[row]));
        }
    }
}
