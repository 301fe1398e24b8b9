//! Cells that are bytes: what each byte means, how often it is there, and sums over them in the order of the rows.

use std::ops::Range;

use crate::packed::{Block, Packing};
use crate::table::Described;

/// What is known of the bytes of a column, as long as they mean the same.
pub(super) struct Coded {
    packing: Packing,
    /// Of each byte, also of those that don't occur; NaN where it means a missing cell.
    pub(super) meanings: [f64; 256],
    /// Where each byte's value was counted before, if it was.
    pub(super) counted: [Counted; 256],
    /// What each byte adds to a sum.
    terms: Option<Box<[f64; 256]>>,
}

/// Where a value was counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// It was not there.
    Never,
    /// Among the different numbers, at this place.
    At(u8),
    /// It was there, and the different numbers are too many to be counted.
    Before,
}

impl Coded {
    pub(super) fn new(packing: Packing, (block, column): (&Block, usize), of: &Described) -> Self {
        let mut meanings = [f64::NAN; 256];
        for code in 0..=u8::MAX {
            meanings[usize::from(code)] = block.meaning(column, code);
        }
        of.decode(&mut meanings);
        Coded { packing, meanings, counted: [Counted::Never; 256], terms: None }
    }

    /// Bytes that mean this.
    #[cfg(test)]
    pub(super) fn of(meanings: [f64; 256]) -> Self {
        let packing = Packing::Missing;
        Coded { packing, meanings, counted: [Counted::Never; 256], terms: None }
    }

    /// Whether bytes of this packing mean the same.
    pub(super) fn is_of(&self, packing: Packing) -> bool {
        self.packing == packing
    }

    /// Has sums be of what `term` says of each value, unless that was said.
    pub(super) fn sum_of(&mut self, term: impl Fn(f64) -> f64) {
        // Adding −0 changes no sum: what missing cells add.
        let of = |value: f64| if value.is_nan() { -0.0 } else { term(value) };
        self.terms.get_or_insert_with(|| Box::new(self.meanings.map(of)));
    }

    /// Has the next sums be of something else.
    pub(super) fn forget_terms(&mut self) {
        self.terms = None;
    }

    fn terms(&self) -> &[f64; 256] {
        const NOTHING: &[f64; 256] = &[-0.0; 256];
        self.terms.as_deref().unwrap_or(NOTHING)
    }
}

/// How often each byte is there in all rows but `without`.
pub(super) fn count(codes: &[u8], without: &[usize]) -> [u32; 256] {
    // Several tables, as equal bytes that follow each other would wait for one another.
    let mut counts = [[0_u32; 256]; 4];
    let fours = codes.chunks_exact(4);
    for (code, counts) in fours.remainder().iter().zip(&mut counts) {
        counts[usize::from(*code)] += 1;
    }
    for four in fours {
        for (counts, code) in counts.iter_mut().zip(four) {
            counts[usize::from(*code)] += 1;
        }
    }
    let mut counts: [u32; 256] =
        std::array::from_fn(|code| counts.iter().map(|counts| counts[code]).sum());
    without.iter().for_each(|&row| counts[usize::from(codes[row])] -= 1);
    counts
}

/// A sum that goes on over the bytes of a column.
pub(super) struct Sum<'s> {
    pub(super) codes: &'s [u8],
    pub(super) coded: &'s Coded,
    pub(super) sum: &'s mut f64,
}

/// Adds to each sum what the bytes of the rows `runs` add, in the order of the rows.
pub(super) fn add(sums: &mut [Sum<'_>], runs: &[Range<usize>]) {
    // Each addition waits for the one before; those of several columns don't wait for each other.
    let mut fours = sums.chunks_exact_mut(4);
    for four in &mut fours {
        let [a, b, c, d] = four else { continue };
        let [to_a, to_b, to_c, to_d] =
            [&a.coded, &b.coded, &c.coded, &d.coded].map(|of| of.terms());
        let mut found = [*a.sum, *b.sum, *c.sum, *d.sum];
        for run in runs {
            let [a, b, c, d] = [&a.codes, &b.codes, &c.codes, &d.codes].map(|of| &of[run.clone()]);
            for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
                found[0] += to_a[usize::from(*a)];
                found[1] += to_b[usize::from(*b)];
                found[2] += to_c[usize::from(*c)];
                found[3] += to_d[usize::from(*d)];
            }
        }
        [*a.sum, *b.sum, *c.sum, *d.sum] = found;
    }
    for one in fours.into_remainder() {
        let terms = one.coded.terms();
        for run in runs {
            let codes = one.codes[run.clone()].iter();
            *one.sum = codes.fold(*one.sum, |sum, code| sum + terms[usize::from(*code)]);
        }
    }
}
