//! Which rows train and which validate.

use std::collections::HashMap;

use glassnet::{Error, Result};

use crate::long::RowSet;
use crate::note::{Note, NoteKind};
use crate::observed::number_key;
use crate::table::{Cells, Table, Texts};
use crate::target::{Target, TargetValues};
use crate::words::{list, quoted};

/// How rows are split.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitOptions {
    /// The share of the rows that validates, at least 0 (none) and below 1: 0.2 by default.
    pub fraction: f64,
    /// The seed of the random order.
    pub seed: u64,
    /// A column whose equal cells stay on one side (`--split-by`): days of one month, visits of one patient.
    pub group_by: Option<String>,
}

impl Default for SplitOptions {
    fn default() -> Self {
        SplitOptions { fraction: 0.2, seed: 0, group_by: None }
    }
}

/// The rows of each side in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The rows that train.
    pub training: Vec<usize>,
    /// The rows that validate.
    pub validation: Vec<usize>,
    /// What is worth telling about the split.
    pub notes: Vec<Note>,
}

/// Splits the labelled rows of `target`: the same seed gives the same split on every machine.
///
/// Without groups the split is stratified: each class gives its share of the validation rows, at least one where it
/// has two rows or more, and every class keeps a training row. With groups whole groups change sides until no single
/// move brings the classes' shares nearer to the fraction; a class that sits in one group stays in training, with a note.
///
/// # Errors
/// Kind `usage` for a fraction outside [0, 1); kind `data` for an unknown group column, or one with a single group.
pub fn split(table: &Table, target: &Target, options: &SplitOptions) -> Result<Split> {
    check_fraction(options)?;
    let classes: Vec<u32> = match &target.values {
        TargetValues::Classes { of_row, .. } => of_row.iter().map(|&c| c as u32).collect(),
        TargetValues::Numbers(values) => vec![0; values.len()],
    };
    let sizes = sizes(&classes);
    let mut random = Random::new(options.seed);
    let mut notes = Vec::new();
    let validates = if options.fraction == 0.0 {
        vec![false; classes.len()]
    } else {
        match &options.group_by {
            None => {
                let mut side = Stratified::new(&sizes, options.fraction, random, || classes.iter());
                classes.iter().map(|&class| side.validates(class)).collect()
            }
            Some(column) => {
                let groups = groups(table, column, &target.rows)?;
                let mut counts = GroupCounts::default();
                classes.iter().zip(&groups).for_each(|(&class, &group)| counts.push(group, class));
                let side = counts.sides(&sizes, options.fraction, &mut random);
                groups.iter().map(|&group| side[group]).collect()
            }
        }
    };
    let side = |validation: bool| -> Vec<usize> {
        let chosen = target.rows.iter().zip(&validates).filter(|(_, v)| **v == validation);
        chosen.map(|(&row, _)| row).collect()
    };
    let (training, validation) = (side(false), side(true));
    if options.fraction > 0.0 {
        let mut taken = vec![0; sizes.len()];
        let of_validation = classes.iter().zip(&validates).filter(|(_, validates)| **validates);
        of_validation.for_each(|(&class, _)| taken[class as usize] += 1);
        note_shortcomings(target, (&sizes, &taken), options, &mut notes);
    }
    Ok(Split { training, validation, notes })
}

/// # Errors
/// Kind `usage` for a fraction outside [0, 1).
pub(crate) fn check_fraction(options: &SplitOptions) -> Result<()> {
    if !(0.0..1.0).contains(&options.fraction) {
        return Err(Error::usage(format!(
            "the validation fraction {} is not in [0, 1)",
            options.fraction
        ))
        .help("give a fraction such as 0.2, or 0 for no validation"));
    }
    Ok(())
}

/// How many rows each class has.
fn sizes(classes: &[u32]) -> Vec<usize> {
    let mut sizes = vec![0; classes.iter().max().map_or(0, |most| *most as usize + 1)];
    classes.iter().for_each(|&class| sizes[class as usize] += 1);
    sizes
}

/// The most rows of which lists are made.
const MOST_LISTED: usize = 1 << 23;

/// A stratified split that is asked row by row, in the rows' order. Up to eight million rows are drawn by shuffling each class;
/// of more each row in turn is taken with the share that is still to be had of its class, which needs no lists.
///
/// # Source
/// D. Knuth, *The Art of Computer Programming*, volume 2, section 3.4.2, algorithm S, for the second way.
pub(crate) struct Stratified {
    random: Random,
    /// How many rows of each class are still to come, and how many of them validate.
    left: Vec<(usize, usize)>,
    /// Whether each row validates, where that was drawn before, and the row that is asked next.
    drawn: Option<(RowSet, usize)>,
}

impl Stratified {
    /// A split of rows in classes of these sizes; `classes` gives the class of each row where lists are made.
    pub(crate) fn new<'c, I: Iterator<Item = &'c u32>>(
        sizes: &[usize],
        fraction: f64,
        mut random: Random,
        classes: impl FnOnce() -> I,
    ) -> Self {
        let shares = shares(sizes, fraction);
        let rows: usize = sizes.iter().sum();
        let drawn = (rows <= MOST_LISTED).then(|| {
            let mut members: Vec<Vec<u32>> =
                sizes.iter().map(|&size| Vec::with_capacity(size)).collect();
            for (row, &class) in classes().enumerate() {
                members[class as usize].push(row as u32);
            }
            let mut validates = RowSet::collect(rows);
            for (members, &share) in members.iter_mut().zip(&shares) {
                random.shuffle(members);
                members[..share].iter().for_each(|&row| validates.insert(row as usize));
            }
            (validates.finish(), 0)
        });
        let left = sizes.iter().copied().zip(shares).collect();
        Stratified { random, left, drawn }
    }

    /// Whether lists are made of so many rows.
    pub(crate) fn lists(rows: usize) -> bool {
        rows <= MOST_LISTED
    }

    /// Whether the next row, which is of this class, validates.
    pub(crate) fn validates(&mut self, class: u32) -> bool {
        if let Some((validates, row)) = &mut self.drawn {
            *row += 1;
            return validates.contains(*row - 1);
        }
        let (rows, share) = &mut self.left[class as usize];
        let taken = self.random.below(*rows) < *share;
        *rows -= 1;
        *share -= usize::from(taken);
        taken
    }
}

/// How many rows of each class validate: `fraction` of its size rounded so that the total is right (largest
/// remainders), then at least one and not all where the class has two rows, none where it has one.
fn shares(sizes: &[usize], fraction: f64) -> Vec<usize> {
    let exact: Vec<f64> = sizes.iter().map(|&size| size as f64 * fraction).collect();
    let mut shares: Vec<usize> = exact.iter().map(|share| share.floor() as usize).collect();
    let wanted = (sizes.iter().sum::<usize>() as f64 * fraction).round() as usize;
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let missing = wanted.saturating_sub(shares.iter().sum());
    order.into_iter().take(missing).for_each(|class| shares[class] += 1);
    for (share, &size) in shares.iter_mut().zip(sizes) {
        *share = if size < 2 { 0 } else { (*share).clamp(1, size - 1) };
    }
    shares
}

/// The group of each labelled row, numbered from 0; rows without a value form one group.
pub(crate) fn groups(table: &Table, column: &str, rows: &[usize]) -> Result<Vec<usize>> {
    let found = table.require(column)?;
    let mut numbers = Groups::default();
    let groups: Vec<usize> =
        rows.iter().map(|&row| numbers.number(group_key(found.cells(), row))).collect();
    numbers.refuse_one(table, column)?;
    Ok(groups)
}

/// What rows of one group share.
pub(crate) fn group_key(cells: &Cells, row: usize) -> u64 {
    match cells {
        Cells::Number(values) => number_key(values[row]),
        Cells::Boolean { values, .. } => values[row].map_or(2, u64::from),
        Cells::Category(texts) | Cells::Date(texts) => match texts.codes()[row] {
            Texts::MISSING => u64::MAX,
            code => u64::from(code),
        },
    }
}

/// Groups, numbered in the order of their first rows.
#[derive(Default)]
pub(crate) struct Groups(HashMap<u64, usize>);

impl Groups {
    /// The number of the group of that key.
    pub(crate) fn number(&mut self, key: u64) -> usize {
        let next = self.0.len();
        *self.0.entry(key).or_insert(next)
    }

    /// # Errors
    /// Kind `data` where there is one group only.
    pub(crate) fn refuse_one(&self, table: &Table, column: &str) -> Result<()> {
        if self.0.len() >= 2 {
            return Ok(());
        }
        Err(Error::data(format!(
            "the column {} has the same value in all rows: there are no groups to split by",
            quoted(column)
        ))
        .at(table.name())
        .help("split by another column, or leave --split-by out"))
    }
}

/// Rounds of single moves after the first pass; they end early when nothing improves.
const MOST_ROUNDS: usize = 10;

/// How many rows of each class each group has.
#[derive(Default)]
pub(crate) struct GroupCounts(Vec<Vec<(usize, usize)>>);

impl GroupCounts {
    /// Counts a row.
    pub(crate) fn push(&mut self, group: usize, class: u32) {
        if self.0.len() <= group {
            self.0.resize(group + 1, vec![]);
        }
        let class = class as usize;
        match self.0[group].iter_mut().find(|(other, _)| *other == class) {
            Some((_, count)) => *count += 1,
            None => self.0[group].push((class, 1)),
        }
    }

    /// For each group whether it validates; `sizes` are those of the classes.
    pub(crate) fn sides(&self, sizes: &[usize], fraction: f64, random: &mut Random) -> Vec<bool> {
        let counts = &self.0;
        let mut balance = Balance { fraction, sizes: sizes.to_vec(), taken: vec![0; sizes.len()] };
        let mut order: Vec<usize> = (0..counts.len()).collect();
        random.shuffle(&mut order);
        let mut side = vec![false; counts.len()];
        for _ in 0..MOST_ROUNDS {
            let mut moved = false;
            for &group in &order {
                let into_validation = !side[group];
                let before = balance.cost(&counts[group]);
                balance.shift(&counts[group], into_validation);
                if balance.cost(&counts[group]) < before - 1e-12 {
                    side[group] = into_validation;
                    moved = true;
                } else {
                    balance.shift(&counts[group], !into_validation);
                }
            }
            if !moved {
                break;
            }
        }
        keep_both_sides(&mut side, &order);
        side
    }
}

/// Moves one group where a side has none, so that both train and validate something.
fn keep_both_sides(side: &mut [bool], order: &[usize]) {
    if side.iter().all(|&validates| validates == side[0])
        && let Some(&group) = order.first()
    {
        side[group] = !side[group];
    }
}

/// How far the validation side is from its share of each class.
struct Balance {
    fraction: f64,
    sizes: Vec<usize>,
    taken: Vec<usize>,
}

impl Balance {
    fn shift(&mut self, counts: &[(usize, usize)], into_validation: bool) {
        for &(class, count) in counts {
            if into_validation {
                self.taken[class] += count;
            } else {
                self.taken[class] -= count;
            }
        }
    }

    /// The cost over the classes in `counts`: the squared distance of shares, plus 1 for a class that does not validate and
    /// 10 for one that does not train.
    fn cost(&self, counts: &[(usize, usize)]) -> f64 {
        let of_class = |class: usize| {
            let (taken, size) = (self.taken[class], self.sizes[class]);
            let distance = taken as f64 / size as f64 - self.fraction;
            let absent = match taken {
                0 => 1.0,
                _ if taken == size => 10.0,
                _ => 0.0,
            };
            distance * distance + absent
        };
        counts.iter().map(|&(class, _)| of_class(class)).sum()
    }
}

/// Tells how a split of classes of these sizes, of which so many rows were `taken` for validation, falls short.
pub(crate) fn note_shortcomings(
    target: &Target,
    (sizes, taken): (&[usize], &[usize]),
    options: &SplitOptions,
    notes: &mut Vec<Note>,
) {
    let (rows, validation) = (sizes.iter().sum::<usize>(), taken.iter().sum::<usize>());
    if validation == 0 {
        notes.push(Note::new(
            NoteKind::Split,
            "no row is left for validation: every class has one row only, or there are too few",
        ));
        return;
    }
    let got = validation as f64 / rows as f64;
    if options.group_by.is_some() && (got - options.fraction).abs() > 0.05 {
        notes.push(Note::new(
            NoteKind::Split,
            format!(
                "whole groups give {:.0} % of the rows for validation instead of {:.0} %",
                100.0 * got,
                100.0 * options.fraction,
            ),
        ));
    }
    let Some(names) = target.classes() else {
        return;
    };
    let of = |class: usize| (sizes.get(class).copied(), taken.get(class).copied());
    for (side, word) in [(true, "validation"), (false, "training")] {
        let absent = |class: &usize| match (of(*class), side) {
            ((Some(_), Some(taken)), true) => taken == 0,
            ((Some(size), Some(taken)), false) => taken == size,
            (_, _) => true, // not operations: a class without rows
        };
        let absent: Vec<&String> = (0..names.len()).filter(absent).map(|at| &names[at]).collect();
        if !absent.is_empty() {
            notes.push(Note::new(
                NoteKind::Split,
                format!(
                    "no {word} row is of {}: {}",
                    if absent.len() == 1 { "the class" } else { "the classes" },
                    list(absent, 10),
                ),
            ));
        }
    }
}

/// SplitMix64: one 64-bit state, the same numbers everywhere.
///
/// # Source
/// G. Steele, D. Lea, C. Flood, 'Fast Splittable Pseudorandom Number Generators', OOPSLA 2014.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; its bias is below bound / 2^64.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Fisher and Yates's shuffle, from the end.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_gives_its_published_numbers() {
        let mut random = Random::new(1234567);
        assert_eq!(random.next(), 6457827717110365317);
        assert_eq!(random.next(), 3203168211198807973);
    }

    #[test]
    fn shares_add_up_and_leave_no_class_out() {
        assert_eq!(shares(&[10, 10, 10], 0.25), [3, 3, 2]);
        assert_eq!(shares(&[100, 2, 1], 0.2), [20, 1, 0]);
        assert_eq!(shares(&[2, 2], 0.9), [1, 1]);
    }
}
