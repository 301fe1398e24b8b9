//! Splits: shares, groups, seeds.

use std::collections::BTreeSet;

use glassnet_data::{
    CsvOptions, FoldOptions, Folds, Split, SplitOptions, Table, Target, TargetValues, Task, folds,
    read_csv, split,
};

use crate::{file, table};

fn parts(
    table: &Table,
    target: &Target,
    fraction: f64,
    seed: u64,
    group_by: Option<&str>,
) -> Split {
    let options = SplitOptions { fraction, seed, group_by: group_by.map(str::to_string) };
    split(table, target, &options).unwrap_or_else(|error| panic!("{error}"))
}

fn weather() -> (Table, Target) {
    let bytes = file("../../data/seattle-weather.csv");
    let table = read_csv(&bytes[..], "weather.csv", &CsvOptions::default()).expect("a table");
    let target = Target::choose(&table, "season", Task::Auto).expect("a target");
    (table, target)
}

/// The share of each class's rows that validate.
fn class_shares(target: &Target, split: &Split) -> Vec<f64> {
    let TargetValues::Classes { names, of_row } = target.values() else {
        panic!("classes expected");
    };
    let mut counts = vec![(0.0, 0.0); names.len()];
    for (&row, &class) in target.rows().iter().zip(of_row) {
        counts[class as usize].1 += 1.0;
        if split.validation.binary_search(&row).is_ok() {
            counts[class as usize].0 += 1.0;
        }
    }
    counts.into_iter().map(|(taken, all)| taken / all).collect()
}

#[test]
fn every_row_is_on_one_side_and_classes_keep_their_shares() {
    let (table, target) = weather();
    let split = parts(&table, &target, 0.2, 0, None);
    assert_eq!(split.validation.len(), 292);
    let all: BTreeSet<usize> = split.training.iter().chain(&split.validation).copied().collect();
    assert_eq!((all.len(), split.training.len()), (1461, 1461 - 292));
    for share in class_shares(&target, &split) {
        assert!((share - 0.2).abs() < 0.003, "{share}");
    }
    assert_eq!(split, parts(&table, &target, 0.2, 0, None));
    assert_ne!(split.validation, parts(&table, &target, 0.2, 1, None).validation);
}

#[test]
fn months_stay_whole_and_seasons_keep_near_their_shares() {
    let (table, target) = weather();
    let column = table.require("month").expect("month");
    let months = column.texts().expect("text");
    let mut different = BTreeSet::new();
    for seed in 0..10 {
        let split = parts(&table, &target, 0.2, seed, Some("month"));
        let of =
            |rows: &[usize]| rows.iter().map(|&row| months.codes()[row]).collect::<BTreeSet<_>>();
        assert!(of(&split.training).is_disjoint(&of(&split.validation)));
        let share = split.validation.len() as f64 / 1461.0;
        assert!((share - 0.2).abs() < 0.05, "seed {seed}: {share}");
        for share in class_shares(&target, &split) {
            assert!((share - 0.2).abs() < 0.1, "seed {seed}: {share}");
        }
        assert_eq!(split, parts(&table, &target, 0.2, seed, Some("month")));
        different.insert(split.validation);
    }
    assert!(different.len() > 8, "seeds give different splits");
}

#[test]
fn a_class_in_one_group_trains() {
    let mut text = String::from("g,y\n");
    for group in 0..10 {
        (0..5).for_each(|row| {
            text.push_str(&format!("g{group},{}\n", ["p", "q"][(group + row) % 2]))
        });
    }
    text.push_str("g10,r\ng10,r\n");
    let table = table(&text);
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    for seed in 0..10 {
        let split = parts(&table, &target, 0.3, seed, Some("g"));
        assert!(split.training.contains(&50) && split.training.contains(&51));
        assert!(split.notes.iter().any(|note| note.text.contains("\"r\"")), "{:?}", split.notes);
    }
}

#[test]
fn numbers_split_by_count_and_zero_gives_none() {
    let text: String = (0..10).map(|row| format!("{row},{}\n", 0.5 * f64::from(row))).collect();
    let table = table(&format!("x,y\n{text}"));
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    assert_eq!(parts(&table, &target, 0.25, 3, None).validation.len(), 3);
    assert_eq!(parts(&table, &target, 0.0, 3, None).validation.len(), 0);
    for fraction in [1.0, -0.1, f64::NAN] {
        let options = SplitOptions { fraction, ..SplitOptions::default() };
        let error = split(&table, &target, &options).unwrap_err();
        assert_eq!(error.kind(), glassnet::ErrorKind::Usage);
    }
}

#[test]
fn one_group_cannot_be_split() {
    let table = table("g,x,y\na,1,p\na,2,q\na,3,p\n");
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    let options = SplitOptions { group_by: Some("g".into()), ..SplitOptions::default() };
    let error = split(&table, &target, &options).unwrap_err();
    assert!(error.to_string().contains("\"g\"") && error.kind() == glassnet::ErrorKind::Data);
}

fn folds_of(table: &Table, target: &Target, count: usize, seed: u64, by: Option<&str>) -> Folds {
    let options = FoldOptions { count, seed, group_by: by.map(str::to_string) };
    folds(table, target, &options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_row_is_in_one_fold_and_classes_are_spread_evenly() {
    let (table, target) = weather();
    let TargetValues::Classes { names, of_row } = target.values() else {
        panic!("classes expected");
    };
    for count in [2, 5, 10, 1461] {
        let found = folds_of(&table, &target, count, 0, None);
        let mut all: Vec<usize> = found.rows.concat();
        all.sort_unstable();
        assert_eq!(all, target.rows());
        let sizes: Vec<usize> = found.rows.iter().map(Vec::len).collect();
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        for class in 0..names.len() {
            let of =
                |rows: &Vec<usize>| rows.iter().filter(|&&row| of_row[row] == class as i64).count();
            let counts: Vec<usize> = found.rows.iter().map(of).collect();
            assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
        }
        assert_eq!(found, folds_of(&table, &target, count, 0, None));
    }
    assert_ne!(folds_of(&table, &target, 5, 0, None), folds_of(&table, &target, 5, 1, None));
}

#[test]
fn groups_stay_in_one_fold() {
    let (table, target) = weather();
    let column = table.require("month").expect("month");
    let months = column.texts().expect("text");
    for seed in 0..5 {
        let found = folds_of(&table, &target, 4, seed, Some("month"));
        let mut seen = BTreeSet::new();
        for rows in &found.rows {
            let own: BTreeSet<u32> = rows.iter().map(|&row| months.codes()[row]).collect();
            assert!(own.is_disjoint(&seen));
            seen.extend(own);
            assert!((330..=400).contains(&rows.len()), "{}", rows.len());
        }
        assert_eq!(found.rows.concat().len(), 1461);
    }
}

#[test]
fn folds_that_cannot_be_are_refused_and_rare_classes_told() {
    let table = table("g,y\na,p\na,q\nb,p\nb,q\nc,p\nc,q\nc,r\n");
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    let refused = |count: usize, by: Option<&str>| {
        let options = FoldOptions { count, seed: 0, group_by: by.map(str::to_string) };
        folds(&table, &target, &options).expect_err("too many or too few").to_string()
    };
    assert!(refused(0, None).contains("0 folds leaves nothing"));
    assert!(refused(1, None).contains("1 fold leaves nothing"));
    assert!(refused(8, None).contains("8 folds of 7 rows that have a target"));
    assert!(refused(4, Some("g")).contains("4 folds of 3 groups"));
    assert!(refused(2, Some("h")).contains('h'));
    let found = folds_of(&table, &target, 2, 0, None);
    assert_eq!(found.notes.len(), 1, "{:?}", found.notes);
    assert!(found.notes[0].text.contains("r"), "{:?}", found.notes);
    let grouped = folds_of(&table, &target, 3, 0, Some("g"));
    assert!(grouped.rows.iter().all(|rows| rows.len() >= 2));
}

#[test]
fn a_target_among_some_rows_keeps_its_classes() {
    let (table, target) = weather();
    let rows: Vec<usize> = (10..40).collect();
    let part = target.among(&rows);
    assert_eq!((part.rows(), part.classes()), (&rows[..], target.classes()));
    let split = parts(&table, &part, 0.2, 0, None);
    assert_eq!(split.training.len() + split.validation.len(), 30);
}
