//! Mean, deviation and median of a column that is gone through block by block: to the bit what they are of a slice.

use super::coded::{Coded, Counted};
use crate::observed::{ObservedNumbers, deviation, number_key};

/// Whole numbers below this are 64-bit floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The most different numbers of a column that are counted one by one.
pub(crate) const MOST_DISTINCT: usize = 256;

/// What is known of a column of numbers after some passes.
pub(crate) struct Numbers {
    /// Of all rows: the one before, how many, and whether each was one more than the one before it.
    previous: f64,
    all: usize,
    counts_up: bool,
    /// Of the training rows.
    pub(crate) rows: usize,
    pub(crate) present: usize,
    first: Option<u64>,
    pub(crate) constant: bool,
    /// The first number, and whether all are the same.
    value: f64,
    pub(crate) same: bool,
    sum: f64,
    rest: f64,
    mean: f64,
    squares: f64,
    distinct: Option<Distinct>,
    extremes: (u64, u64),
    search: Search,
}

/// What a pass over the rows is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Sums, extremes, different numbers.
    First,
    /// What a rough mean leaves.
    Second,
    /// Squares.
    Third,
    /// The median alone.
    More,
}

/// The search for the middle numbers.
enum Search {
    /// Numbers between these bounds are counted, those below them were.
    Counting {
        low: u64,
        high: u64,
        shift: u32,
        below: usize,
        counts: Vec<u32>,
    },
    /// Numbers between these bounds are gathered.
    Gathering {
        low: u64,
        high: u64,
        below: usize,
        found: Vec<u64>,
    },
    /// The largest below the border and the smallest from it on.
    Beside {
        border: u64,
        lower: u64,
        upper: u64,
    },
    Found(f64),
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Numbers {
            previous: f64::NAN,
            all: 0,
            counts_up: true,
            rows: 0,
            present: 0,
            first: None,
            constant: true,
            value: f64::NAN,
            same: true,
            sum: 0.0,
            rest: 0.0,
            mean: f64::NAN,
            squares: 0.0,
            distinct: Some(Distinct::new()),
            extremes: (u64::MAX, 0),
            search: Search::Found(f64::NAN),
        }
    }

    /// Takes the numbers of all rows of a block, for what is asked of all rows.
    pub(crate) fn see_all(&mut self, values: &[f64]) {
        if !self.counts_up {
            return self.count_all(values.len());
        }
        for &value in values {
            self.counts_up &= self.all == 0 || value - self.previous == 1.0;
            (self.previous, self.all) = (value, self.all + 1);
        }
    }

    /// Whether all rows so far may be numbers of rows.
    pub(crate) fn counts_up(&self) -> bool {
        self.counts_up
    }

    /// As [`Numbers::see_all`] of so many rows of a column that does not count up.
    pub(crate) fn count_all(&mut self, rows: usize) {
        self.all += rows;
    }

    /// As [`Numbers::see`] in the first pass of cells that are bytes, of which `counts` says how often each is there. True if they are
    /// still to be added to the sum.
    pub(super) fn see_counts(
        &mut self,
        codes: impl Iterator<Item = u8>,
        coded: &mut Coded,
        counts: &[u32; 256],
    ) -> bool {
        if self.present == 0 {
            let mut values = codes.map(|code| coded.meanings[usize::from(code)]);
            self.value = values.find(|value| !value.is_nan()).unwrap_or(self.value);
        }
        let (mut exact, mut magnitude) = (0.0, self.sum.abs());
        let mut whole = self.sum.fract() == 0.0;
        for ((&value, &count), counted) in coded.meanings.iter().zip(counts).zip(&mut coded.counted)
        {
            if count == 0 {
                continue;
            }
            self.rows += count as usize;
            match (*counted, &mut self.distinct) {
                (Counted::At(at), Some(distinct)) => {
                    distinct.values[usize::from(at)].1 += count as usize;
                    self.present += count as usize;
                }
                (Counted::At(_) | Counted::Before, _) => {
                    self.present += if value.is_nan() { 0 } else { count as usize };
                }
                (Counted::Never, _) => {
                    self.see_some(value, count as usize);
                    *counted = match &self.distinct {
                        Some(distinct) if !value.is_nan() => Counted::At(distinct.last as u8),
                        Some(_) | None => Counted::Before,
                    };
                }
            }
            if !value.is_nan() {
                let term = f64::from(count) * value;
                (exact, magnitude) = (exact + term, magnitude + term.abs());
                whole &= value.fract() == 0.0;
            }
        }
        // Whole numbers below 2^53 have one sum, whatever the order.
        let in_order = !whole || magnitude >= EXACT;
        if !in_order {
            self.sum += exact;
        }
        in_order
    }

    /// What a number adds to the sum of a pass.
    pub(super) fn term(&self, pass: Pass) -> impl Fn(f64) -> f64 + use<> {
        let (rough, mean) = (self.sum / self.present as f64, self.mean);
        move |value| match pass {
            Pass::First | Pass::More => value,
            Pass::Second => value - rough,
            Pass::Third => (value - mean) * (value - mean),
        }
    }

    /// The sum of a pass.
    pub(super) fn sum_mut(&mut self, pass: Pass) -> &mut f64 {
        match pass {
            Pass::First | Pass::More => &mut self.sum,
            Pass::Second => &mut self.rest,
            Pass::Third => &mut self.squares,
        }
    }

    /// Takes the numbers of the training rows of a block, NaN where they are missing.
    pub(crate) fn see(&mut self, pass: Pass, values: &[f64]) {
        match pass {
            Pass::First => values.iter().for_each(|&value| self.see_first(value)),
            Pass::Second => {
                let rough = self.sum / self.present as f64;
                for &value in values.iter().filter(|value| !value.is_nan()) {
                    self.rest += value - rough;
                }
                self.search.see(values);
            }
            Pass::Third => {
                let mean = self.mean;
                for &value in values.iter().filter(|value| !value.is_nan()) {
                    self.squares += (value - mean) * (value - mean);
                }
                self.search.see(values);
            }
            Pass::More => self.search.see(values),
        }
    }

    fn see_first(&mut self, value: f64) {
        self.rows += 1;
        if self.present == 0 && !value.is_nan() {
            self.value = value;
        }
        self.see_some(value, 1);
        if !value.is_nan() {
            self.sum += value;
        }
    }

    /// Takes `count` cells of one value, as far as their order does not matter.
    fn see_some(&mut self, value: f64, count: usize) {
        let key = number_key(value);
        self.constant &= *self.first.get_or_insert(key) == key;
        if value.is_nan() {
            return;
        }
        self.same &= value == self.value;
        self.present += count;
        let order = order(value);
        self.extremes = (self.extremes.0.min(order), self.extremes.1.max(order));
        if let Some(distinct) = &mut self.distinct
            && !distinct.push(value, count)
        {
            self.distinct = None;
        }
    }

    /// Ends a pass; `most` is how much may be counted or gathered at once.
    pub(crate) fn end(&mut self, pass: Pass, most: usize) {
        match pass {
            Pass::First => {
                self.search = match &self.distinct {
                    _ if self.present == 0 => Search::Found(f64::NAN),
                    Some(distinct) => Search::Found(distinct.median(self.present)),
                    None => Search::between(self.extremes, 0, self.present, most),
                };
            }
            Pass::Second => {
                let n = self.present as f64;
                self.mean = self.sum / n + self.rest / n;
                self.search.narrow(self.present, most);
            }
            Pass::Third | Pass::More => self.search.narrow(self.present, most),
        }
    }

    /// Whether the median is still searched for.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.search, Search::Found(_))
    }

    /// Mean and deviation, after the third pass.
    pub(crate) fn moments(&self) -> (f64, f64) {
        if self.same {
            return (self.value, 1.0);
        }
        let n = self.present as f64;
        (self.mean, deviation(self.squares / n, self.mean, n))
    }

    /// All that was learned, after the last pass.
    pub(crate) fn observed(&self) -> ObservedNumbers {
        let (mean, std) = self.moments();
        let median = match self.search {
            Search::Found(median) => median,
            Search::Counting { .. } | Search::Gathering { .. } | Search::Beside { .. } => f64::NAN,
        };
        ObservedNumbers { mean, std, median, counts_up: self.counts_up && self.all > 2 }
    }

    /// The different numbers, if they are few.
    pub(crate) fn distinct(&self) -> Option<Vec<f64>> {
        self.distinct
            .as_ref()
            .map(|distinct| distinct.values.iter().map(|(value, _)| *value).collect())
    }
}

/// Numbers in the order of `f64::total_cmp`.
fn order(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn number(order: u64) -> f64 {
    f64::from_bits(if order >> 63 == 1 { order & !(1 << 63) } else { !order })
}

/// The middle of two numbers, or the one in the middle.
fn middle(present: usize, at: impl Fn(usize) -> f64) -> f64 {
    let upper = at(present / 2);
    if present.is_multiple_of(2) { at(present / 2 - 1) / 2.0 + upper / 2.0 } else { upper }
}

impl Search {
    /// A search between two numbers, `below` of all being less, and `inside` between them.
    fn between((low, high): (u64, u64), below: usize, inside: usize, most: usize) -> Self {
        if inside <= most {
            return Search::Gathering { low, high, below, found: Vec::with_capacity(inside) };
        }
        let bins = most.next_power_of_two().ilog2();
        let shift = (64 - (high - low).leading_zeros()).saturating_sub(bins);
        let counts = vec![0; ((high - low) >> shift) as usize + 1];
        Search::Counting { low, high, shift, below, counts }
    }

    fn see(&mut self, values: &[f64]) {
        let orders = values.iter().filter(|value| !value.is_nan()).map(|&value| order(value));
        match self {
            Search::Counting { low, high, shift, counts, .. } => {
                for order in orders.filter(|order| (*low..=*high).contains(order)) {
                    counts[((order - *low) >> *shift) as usize] += 1;
                }
            }
            Search::Gathering { low, high, found, .. } => {
                found.extend(orders.filter(|order| (*low..=*high).contains(order)));
            }
            Search::Beside { border, lower, upper } => {
                for order in orders {
                    if order < *border {
                        *lower = order.max(*lower);
                    } else {
                        *upper = order.min(*upper);
                    }
                }
            }
            Search::Found(_) => {}
        }
    }

    /// Draws the conclusion of a pass over all `present` numbers.
    fn narrow(&mut self, present: usize, most: usize) {
        match self {
            Search::Counting { low, high, shift, below, counts } => {
                let last = present / 2;
                let first = if present.is_multiple_of(2) { last - 1 } else { last };
                let mut less = *below;
                for (bin, &count) in counts.iter().enumerate() {
                    let more = less + count as usize;
                    if more <= first {
                        less = more;
                        continue;
                    }
                    let start = *low + ((bin as u64) << *shift);
                    let end = start + ((1_u64 << *shift) - 1);
                    *self = if more <= last {
                        let border = end + 1;
                        Search::Beside { border, lower: 0, upper: u64::MAX }
                    } else if *shift == 0 {
                        Search::Found(number(start))
                    } else {
                        Search::between((start, end.min(*high)), less, count as usize, most)
                    };
                    return;
                }
            }
            Search::Gathering { below, found, .. } => {
                found.sort_unstable();
                let at = |rank: usize| found.get(rank - *below).map_or(f64::NAN, |&at| number(at));
                *self = Search::Found(middle(present, at));
            }
            Search::Beside { lower, upper, .. } => {
                *self = Search::Found(number(*lower) / 2.0 + number(*upper) / 2.0);
            }
            Search::Found(_) => {}
        }
    }
}

/// The different numbers of a column, each with how often it is there.
struct Distinct {
    values: Vec<(f64, usize)>,
    /// An open table of their places in `values`.
    places: Vec<u16>,
    last: usize,
}

const PLACES: usize = 1024;
const EMPTY: u16 = u16::MAX;

impl Distinct {
    fn new() -> Self {
        Distinct { values: vec![], places: vec![], last: 0 }
    }

    /// Counts a number `more` times; false if there are too many different ones.
    fn push(&mut self, value: f64, more: usize) -> bool {
        let bits = value.to_bits();
        if let Some((last, count)) = self.values.get_mut(self.last)
            && last.to_bits() == bits
        {
            *count += more;
            return true;
        }
        if self.places.is_empty() {
            self.places = vec![EMPTY; PLACES];
        }
        let mut place = (bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize;
        loop {
            match self.places[place] {
                EMPTY if self.values.len() == MOST_DISTINCT => return false,
                EMPTY => {
                    self.places[place] = self.values.len() as u16;
                    self.last = self.values.len();
                    self.values.push((value, more));
                    return true;
                }
                at if self.values[usize::from(at)].0.to_bits() == bits => {
                    self.last = usize::from(at);
                    self.values[self.last].1 += more;
                    return true;
                }
                _ => place = (place + 1) % PLACES, // not operations: another number's place
            }
        }
    }

    fn median(&self, present: usize) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
        let at = |rank: usize| {
            let mut before = 0;
            let found = sorted.iter().find(|(_, count)| {
                before += count;
                rank < before
            });
            found.map_or(f64::NAN, |(value, _)| *value)
        };
        middle(present, at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::coded::{Sum, add, count};
    use super::*;
    use crate::observed::{median, moments};

    fn seen(values: &[f64], most: usize) -> ObservedNumbers {
        let mut numbers = Numbers::new();
        let mut passes = vec![Pass::First, Pass::Second, Pass::Third];
        while let Some(pass) = (!passes.is_empty()).then(|| passes.remove(0)) {
            values.chunks(7).for_each(|block| numbers.see(pass, block));
            numbers.end(pass, most);
            if passes.is_empty() && numbers.is_open() {
                passes.push(Pass::More);
            }
        }
        numbers.observed()
    }

    fn check(values: &[f64], most: usize) {
        let found = seen(values, most);
        let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        let (mean, std) = moments(&present);
        let bits = |values: [f64; 3]| values.map(f64::to_bits);
        let wanted = bits([mean, std, median(&mut present.clone())]);
        assert_eq!(bits([found.mean, found.std, found.median]), wanted, "{values:?}");
    }

    #[test]
    fn numbers_of_every_size_are_those_of_a_slice() {
        let spread: Vec<f64> = (0..3000).map(|i| f64::from(i * 7919 % 3001) * 1e-3 - 1.1).collect();
        check(&spread, 16);
        check(&spread[1..], 16);
        let wild: Vec<f64> =
            (0..2001).map(|i| f64::from(i * 7919 % 2003 - 900).powi(31) * 1e-80).collect();
        check(&wild, 64);
        let twice: Vec<f64> =
            (0..2000).map(|i| if i < 1000 { -1e300 } else { f64::from(i) }).collect();
        check(&twice, 16);
        check(&[f64::NAN, 3.0, -0.0, 0.0], 16);
        check(&[5.0; 9], 16);
    }

    /// As [`seen`], with the cells as bytes; every third block as numbers.
    fn seen_as_codes(codes: &[u8], meanings: &[f64; 256]) -> ObservedNumbers {
        let (mut numbers, mut coded) = (Numbers::new(), Coded::of(*meanings));
        for pass in [Pass::First, Pass::Second, Pass::Third] {
            for (at, block) in codes.chunks(7).enumerate() {
                if at % 3 == 1 {
                    let values: Vec<f64> =
                        block.iter().map(|&code| meanings[usize::from(code)]).collect();
                    numbers.see(pass, &values);
                    continue;
                }
                let counts = count(block, &[]);
                if pass == Pass::First
                    && !numbers.see_counts(block.iter().copied(), &mut coded, &counts)
                {
                    continue;
                }
                coded.sum_of(numbers.term(pass));
                let sum = numbers.sum_mut(pass);
                // Others beside it, by fours.
                let mut others = [0.5, 1.5, 2.5, 3.5];
                let all = others.iter_mut().chain([sum]);
                let mut sums: Vec<Sum<'_>> =
                    all.map(|sum| Sum { codes: block, coded: &coded, sum }).rev().collect();
                add(&mut sums, &[0..3.min(block.len()), 3.min(block.len())..block.len()]);
            }
            numbers.end(pass, 64);
            coded.forget_terms();
        }
        numbers.observed()
    }

    proptest! {
        #[test]
        fn bytes_are_the_numbers_that_they_mean(
            codes in proptest::collection::vec(0..12_u8, 1..400),
            some in proptest::collection::vec(
                prop_oneof![-1e6..1e6_f64, Just(f64::NAN), Just(0.0), Just(-0.0), (0..50).prop_map(f64::from)], 12),
        ) {
            let mut meanings = [f64::NAN; 256];
            meanings[..12].copy_from_slice(&some);
            let values: Vec<f64> = codes.iter().map(|&code| meanings[usize::from(code)]).collect();
            prop_assume!(values.iter().any(|value| !value.is_nan()));
            let bits = |o: ObservedNumbers| [o.mean, o.std, o.median].map(f64::to_bits);
            prop_assert_eq!(bits(seen_as_codes(&codes, &meanings)), bits(seen(&values, 64)));
        }

        #[test]
        fn any_numbers_are_those_of_a_slice(
            values in proptest::collection::vec(
                prop_oneof![(-1e6..1e6_f64), Just(f64::NAN), (0..50).prop_map(f64::from), -1.0..1.0_f64], 1..900),
            most in 8..64_usize,
        ) {
            prop_assume!(values.iter().any(|value| !value.is_nan()));
            check(&values, most);
        }
    }
}
