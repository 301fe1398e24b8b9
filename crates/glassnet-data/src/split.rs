//! Which rows train and which validate.

use glassnet::{Error, Result};

use crate::note::{Note, NoteKind};
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
    if !(0.0..1.0).contains(&options.fraction) {
        return Err(Error::usage(format!(
            "the validation fraction {} is not in [0, 1)",
            options.fraction
        ))
        .help("give a fraction such as 0.2, or 0 for no validation"));
    }
    let classes: Vec<usize> = match &target.values {
        TargetValues::Classes { of_row, .. } => of_row.iter().map(|&c| c as usize).collect(),
        TargetValues::Numbers(values) => vec![0; values.len()],
    };
    let mut random = Random::new(options.seed);
    let mut notes = Vec::new();
    let validates = if options.fraction == 0.0 {
        vec![false; classes.len()]
    } else {
        match &options.group_by {
            None => stratified(&classes, options.fraction, &mut random),
            Some(column) => {
                let groups = groups(table, column, &target.rows)?;
                by_groups(&classes, &groups, options.fraction, &mut random)
            }
        }
    };
    let side = |validation: bool| -> Vec<usize> {
        let chosen = target.rows.iter().zip(&validates).filter(|(_, v)| **v == validation);
        chosen.map(|(&row, _)| row).collect()
    };
    let (training, validation) = (side(false), side(true));
    if options.fraction > 0.0 {
        note_shortcomings(target, &classes, &validates, options, &mut notes);
    }
    Ok(Split { training, validation, notes })
}

fn stratified(classes: &[usize], fraction: f64, random: &mut Random) -> Vec<bool> {
    let class_count = classes.iter().max().map_or(0, |most| most + 1);
    let mut members: Vec<Vec<usize>> = vec![vec![]; class_count];
    classes.iter().enumerate().for_each(|(index, &class)| members[class].push(index));
    let sizes: Vec<usize> = members.iter().map(Vec::len).collect();
    let shares = shares(&sizes, fraction);
    let mut validates = vec![false; classes.len()];
    for (members, share) in members.iter_mut().zip(shares) {
        random.shuffle(members);
        members[..share].iter().for_each(|&index| validates[index] = true);
    }
    validates
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
    let key = |row: usize| -> u64 {
        match found.cells() {
            Cells::Number(values) if values[row].is_nan() => u64::MAX,
            Cells::Number(values) => (values[row] + 0.0).to_bits(),
            Cells::Boolean { values, .. } => values[row].map_or(2, u64::from),
            Cells::Category(texts) | Cells::Date(texts) => match texts.codes()[row] {
                Texts::MISSING => u64::MAX,
                code => u64::from(code),
            },
        }
    };
    let mut numbers = std::collections::HashMap::new();
    let groups: Vec<usize> = rows
        .iter()
        .map(|&row| {
            let next = numbers.len();
            *numbers.entry(key(row)).or_insert(next)
        })
        .collect();
    if numbers.len() < 2 {
        return Err(Error::data(format!(
            "the column {} has the same value in all rows: there are no groups to split by",
            quoted(column)
        ))
        .at(table.name())
        .help("split by another column, or leave --split-by out"));
    }
    Ok(groups)
}

/// Rounds of single moves after the first pass; they end early when nothing improves.
const MOST_ROUNDS: usize = 10;

fn by_groups(classes: &[usize], groups: &[usize], fraction: f64, random: &mut Random) -> Vec<bool> {
    let group_count = groups.iter().max().map_or(0, |most| most + 1);
    let class_count = classes.iter().max().map_or(0, |most| most + 1);
    let mut counts: Vec<Vec<(usize, usize)>> = vec![vec![]; group_count];
    let mut balance = Balance::new(class_count, fraction);
    for (&class, &group) in classes.iter().zip(groups) {
        balance.sizes[class] += 1;
        match counts[group].iter_mut().find(|(other, _)| *other == class) {
            Some((_, count)) => *count += 1,
            None => counts[group].push((class, 1)),
        }
    }
    let mut order: Vec<usize> = (0..group_count).collect();
    random.shuffle(&mut order);
    let mut side = vec![false; group_count];
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
    groups.iter().map(|&group| side[group]).collect()
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
    fn new(class_count: usize, fraction: f64) -> Self {
        Balance { fraction, sizes: vec![0; class_count], taken: vec![0; class_count] }
    }

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

fn note_shortcomings(
    target: &Target,
    classes: &[usize],
    validates: &[bool],
    options: &SplitOptions,
    notes: &mut Vec<Note>,
) {
    let validation = validates.iter().filter(|&&v| v).count();
    if validation == 0 {
        notes.push(Note::new(
            NoteKind::Split,
            "no row is left for validation: every class has one row only, or there are too few",
        ));
        return;
    }
    let got = validation as f64 / validates.len() as f64;
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
    for (side, word) in [(true, "validation"), (false, "training")] {
        let mut present = vec![false; names.len()];
        let on_side = classes.iter().zip(validates).filter(|(_, v)| **v == side);
        on_side.for_each(|(&class, _)| present[class] = true);
        let absent: Vec<&String> =
            names.iter().zip(&present).filter(|(_, p)| !**p).map(|(name, _)| name).collect();
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
    pub(crate) fn shuffle(&mut self, items: &mut [usize]) {
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
