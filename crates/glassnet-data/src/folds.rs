//! Which rows measure in which fold of a cross-validation.

use glassnet::{Error, Result};

use crate::note::{Note, NoteKind};
use crate::split::{Random, groups};
use crate::table::Table;
use crate::target::{Target, TargetValues};
use crate::words::{count, list, quoted};

/// How rows are divided into folds.
#[derive(Clone, Debug, PartialEq)]
pub struct FoldOptions {
    /// How many folds, at least 2.
    pub count: usize,
    /// The seed of the random order.
    pub seed: u64,
    /// A column whose equal cells stay in one fold.
    pub group_by: Option<String>,
}

/// The rows of each fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Folds {
    /// Per fold the rows that measure in it, in ascending order; every labelled row is in exactly one.
    pub rows: Vec<Vec<usize>>,
    /// What is worth telling about the folds.
    pub notes: Vec<Note>,
}

/// Divides the labelled rows of `target` into folds: the same seed gives the same folds on every machine.
///
/// Without groups the folds are stratified: their sizes differ by at most one row, and so do the rows of each class in
/// them. With groups each whole group, the largest first, goes to the fold in which its classes are rarest so far.
///
/// # Errors
/// Kind `usage` for fewer than 2 folds; kind `data` for more folds than rows or groups, and for an unknown group column.
///
/// ```
/// use glassnet_data::*;
/// let text = "x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n";
/// let table = read_csv(text.as_bytes(), "table.csv", &CsvOptions::default())?;
/// let target = Target::choose(&table, "y", Task::Auto)?;
/// let folds = folds(&table, &target, &FoldOptions { count: 3, seed: 0, group_by: None })?;
/// assert!(folds.rows.iter().all(|rows| rows.len() == 2 && rows[0] % 2 != rows[1] % 2));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn folds(table: &Table, target: &Target, options: &FoldOptions) -> Result<Folds> {
    if options.count < 2 {
        return Err(Error::usage(format!(
            "{} leaves nothing to train on",
            count(options.count, "fold")
        ))
        .help("give at least 2: each is measured with a network that was trained on the others"));
    }
    let classes: Vec<usize> = match &target.values {
        TargetValues::Classes { of_row, .. } => {
            of_row.iter().map(|&class| class as usize).collect()
        }
        TargetValues::Numbers(values) => vec![0; values.len()],
    };
    refuse_too_many(options.count, classes.len(), "rows that have a target", table)?;
    let mut random = Random::new(options.seed);
    let fold_of_row = match &options.group_by {
        None => stratified(&classes, options.count, &mut random),
        Some(column) => {
            let groups = groups(table, column, &target.rows)?;
            let found = groups.iter().max().map_or(0, |most| most + 1);
            let named = format!("groups in column {}", quoted(column));
            refuse_too_many(options.count, found, &named, table)?;
            by_groups(&classes, &groups, options.count, &mut random)
        }
    };
    let mut rows = vec![vec![]; options.count];
    for (&row, &fold) in target.rows.iter().zip(&fold_of_row) {
        rows[fold].push(row);
    }
    let notes = notes(target, &classes, &fold_of_row, options);
    Ok(Folds { rows, notes })
}

fn refuse_too_many(folds: usize, found: usize, of: &str, table: &Table) -> Result<()> {
    if folds <= found {
        return Ok(());
    }
    Err(Error::data(format!("{folds} folds of {found} {of}"))
        .at(table.name())
        .help(format!("give at most {found}: every fold needs one")))
}

/// Deals the rows of one class after the other, each in random order, to the folds in turn.
fn stratified(classes: &[usize], count: usize, random: &mut Random) -> Vec<usize> {
    let class_count = classes.iter().max().map_or(0, |most| most + 1);
    let mut members: Vec<Vec<usize>> = vec![vec![]; class_count];
    classes.iter().enumerate().for_each(|(index, &class)| members[class].push(index));
    let mut fold_of_row = vec![0; classes.len()];
    let mut dealt = 0;
    for members in &mut members {
        random.shuffle(members);
        for &index in members.iter() {
            fold_of_row[index] = dealt % count;
            dealt += 1;
        }
    }
    fold_of_row
}

/// Gives each group, the largest first and equals in random order, to the fold that this brings least out of balance.
fn by_groups(classes: &[usize], groups: &[usize], count: usize, random: &mut Random) -> Vec<usize> {
    let group_count = groups.iter().max().map_or(0, |most| most + 1);
    let class_count = classes.iter().max().map_or(0, |most| most + 1);
    let mut sizes = vec![0_usize; class_count];
    let mut counts: Vec<Vec<(usize, usize)>> = vec![vec![]; group_count];
    for (&class, &group) in classes.iter().zip(groups) {
        sizes[class] += 1;
        match counts[group].iter_mut().find(|(other, _)| *other == class) {
            Some((_, count)) => *count += 1,
            None => counts[group].push((class, 1)),
        }
    }
    let rows = |group: usize| -> usize { counts[group].iter().map(|(_, count)| count).sum() };
    let mut order: Vec<usize> = (0..group_count).collect();
    random.shuffle(&mut order);
    order.sort_by_key(|&group| std::cmp::Reverse(rows(group)));
    let mut taken = vec![vec![0_usize; class_count]; count];
    let mut totals = vec![0_usize; count];
    let mut fold_of_group = vec![0; group_count];
    for group in order {
        // How much the sum over folds and classes of the squared shares grows; of equals the smallest fold.
        let growth = |fold: usize| -> f64 {
            let of_class = |&(class, count): &(usize, usize)| {
                let (before, size) = (taken[fold][class] as f64, sizes[class] as f64);
                let count = count as f64;
                (2.0 * before * count + count * count) / (size * size)
            };
            counts[group].iter().map(of_class).sum()
        };
        let better = |a: &usize, b: &usize| {
            growth(*a).total_cmp(&growth(*b)).then(totals[*a].cmp(&totals[*b])).then(a.cmp(b))
        };
        let fold = (0..count).min_by(better).unwrap_or(0);
        counts[group].iter().for_each(|&(class, count)| taken[fold][class] += count);
        totals[fold] += rows(group);
        fold_of_group[group] = fold;
    }
    groups.iter().map(|&group| fold_of_group[group]).collect()
}

fn notes(
    target: &Target,
    classes: &[usize],
    fold_of_row: &[usize],
    options: &FoldOptions,
) -> Vec<Note> {
    let mut notes = vec![];
    let mut totals = vec![0_usize; options.count];
    fold_of_row.iter().for_each(|&fold| totals[fold] += 1);
    let (least, most) = (totals.iter().min(), totals.iter().max());
    if let (Some(&least), Some(&most)) = (least, most)
        && options.group_by.is_some()
        && most > 2 * least
    {
        let text = format!("whole groups give folds of {least} to {most} rows");
        notes.push(Note::new(NoteKind::Split, text));
    }
    let Some(names) = target.classes() else { return notes };
    let mut present = vec![vec![false; options.count]; names.len()];
    classes.iter().zip(fold_of_row).for_each(|(&class, &fold)| present[class][fold] = true);
    let with = |wanted: &dyn Fn(usize) -> bool| -> Vec<&String> {
        let folds = |present: &Vec<bool>| present.iter().filter(|found| **found).count();
        names
            .iter()
            .zip(&present)
            .filter(|(_, found)| wanted(folds(found)))
            .map(|(n, _)| n)
            .collect()
    };
    let alone = with(&|folds| folds == 1);
    if !alone.is_empty() {
        let text = format!(
            "in one fold only, which is measured without having learnt it: {}",
            list(alone, 10)
        );
        notes.push(Note::new(NoteKind::Split, text));
    }
    let rare = with(&|folds| folds > 1 && folds < options.count);
    if !rare.is_empty() {
        let text = format!("not in every fold: {}", list(rare, 10));
        notes.push(Note::new(NoteKind::Split, text));
    }
    notes
}
