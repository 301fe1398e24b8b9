//! Tables larger than the memory that they may take.

use std::fmt::Write;

use glassnet_formats::ModelFile;
use serde_json::Value;

use crate::folder::{Folder, words};

/// 40,000 rows of numbers with gaps, a category and a class that hangs on them.
fn table() -> String {
    let mut text = String::from("x,pixel,word,w,class,y\n");
    for row in 0..40_000_u32 {
        let (r, gap) = (row.wrapping_mul(2_654_435_761) >> 7, row % 101 == 7);
        let (x, pixel, word) = (f64::from(r % 9973) / 997.0, r % 251, r % 3);
        let score = x + f64::from(pixel) / 50.0 + f64::from(word);
        let cell = if gap { String::new() } else { format!("{x:.4}") };
        let class = if score > 8.5 { "high" } else { "low" };
        writeln!(text, "{cell},{pixel},w{word},{}.5,{class},{score:.3}", row % 3)
            .expect("a string");
    }
    text
}

fn model(folder: &Folder, name: &str) -> ModelFile {
    ModelFile::read(&folder.read(name), name).unwrap()
}

#[test]
fn weights_are_those_of_a_table_in_memory() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    for (at, flags) in [
        "--target class --drop y --class-weight balanced --validation 0.1",
        "--target y --drop class --weight w --validation 0.1 --split-by pixel",
        "--target y,x --drop class --validation 0",
        "--target class --drop y --embedding word=2,always --validation 0.1",
    ]
    .into_iter()
    .enumerate()
    {
        let train = format!("t.csv {flags} --epochs 3 --hidden 8 --shuffle none --json --force");
        let whole = folder.train(&format!("{train} --output whole")).json();
        let long = folder.train(&format!("{train} --memory 1MB --output long")).json();
        assert_eq!(model(&folder, "whole").state, model(&folder, "long").state, "{flags}");
        assert_eq!(whole["network"], long["network"], "{flags}");
        for key in ["validation", "rows_train", "rows_validation", "best_epoch"] {
            assert_eq!(whole[key], long[key], "{flags}: {key}");
        }
        assert_eq!(whole["rows_train_measured"], whole["rows_train"]);
        let measured = long["rows_train_measured"].as_u64().unwrap();
        assert!(measured < long["rows_train"].as_u64().unwrap(), "{at}");
    }
}

#[test]
fn a_shuffled_training_learns_and_goes_on_from_its_checkpoint() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    let train = "t.csv --target class --drop y --memory 1MB --hidden 8 --json --force";
    let all = folder.train(&format!("{train} --epochs 4 --output all")).json();
    let accuracy = all["validation"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.97, "{accuracy}");
    folder.train(&format!("{train} --epochs 2 --checkpoint half --output half.st"));
    folder.train(&format!("{train} --epochs 4 --resume half --output rest"));
    assert_eq!(model(&folder, "all").state, model(&folder, "rest").state);
}

#[test]
fn predictions_are_those_of_a_table_in_memory() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    for flags in ["--target class --drop y", "--target y --drop class"] {
        folder.train(&format!("t.csv {flags} --epochs 1 --hidden 8 --output m --force"));
        for form in ["", "--json"] {
            let whole = folder.run(&words(&format!("predict m t.csv {form}"))).success().stdout;
            let line = format!("predict m t.csv {form} --memory 1MB");
            let long = folder.run(&words(&line)).success().stdout;
            assert!(whole == long, "{flags} {form}");
        }
    }
    folder.run(&words("predict m t.csv --memory 1MB --output p.csv")).success();
    let whole = folder.run(&words("predict m t.csv")).success().stdout;
    assert!(whole == folder.text("p.csv"));
}

#[test]
fn all_rows_are_measured_as_those_of_a_table_in_memory() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    for flags in [
        "--target class --drop y",
        "--target y --drop class --weight w",
        "--target y,x --drop class",
        "--target class --drop y --ensemble 2",
    ] {
        let train = format!("t.csv {flags} --epochs 1 --hidden 8 --output m --force --json");
        folder.train(&train);
        let evaluate = |more: &str| {
            let line = format!("evaluate m t.csv --json {more}");
            folder.run(&words(&line)).success().stdout
        };
        assert_eq!(evaluate(""), evaluate("--memory 2MB"), "{flags}");
    }
    let answer = folder.refused(&words("evaluate m t.csv --memory 1MB"), 6, "limit");
    answer.names(&["40000 rows takes", "--memory"]);
    let answer = folder.refused(&words("evaluate m t.csv --memory 2MB --importance"), 2, "usage");
    answer.names(&["a column is shuffled among all rows"]);
}

#[test]
fn the_trivial_predictor_knows_all_training_rows() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    for flags in ["--target class --drop y", "--target y --drop class"] {
        let train = format!("t.csv {flags} --epochs 1 --hidden 4 --json --force --validation 0.1");
        let whole = folder.train(&format!("{train} --output whole")).json();
        let long = folder.train(&format!("{train} --memory 1MB --output long")).json();
        for (name, value) in whole["baseline"].as_object().unwrap() {
            let (one, other) = (value.as_f64().unwrap(), long["baseline"][name].as_f64().unwrap());
            assert!(
                (one - other).abs() < 1e-6 * (1.0 + one.abs()),
                "{flags} {name}: {one} {other}"
            );
        }
    }
}

#[test]
fn what_needs_the_rows_in_memory_is_refused() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    for flag in ["--ensemble 2", "--folds 3", "--lr 0.1,0.01"] {
        let line = format!("train t.csv --target class --memory 1MB {flag}");
        let answer = folder.refused(&words(&line), 2, "usage");
        answer.names(&["trains many networks on a table in memory"]);
    }
    let line = "train t.csv --target class --memory 1MB --shuffle torch";
    folder.refused(&words(line), 2, "usage").names(&["needs the whole table in memory"]);
    let answer = folder.run(&words("train t.csv --target class --memory lots"));
    assert!(answer.stderr.contains("512MB"), "{}", answer.stderr);
}

#[test]
fn no_more_rows_validate_than_memory_holds_and_it_is_told() {
    let folder = Folder::new();
    folder.write("t.csv", table());
    let line = "t.csv --target class --memory 1MB --validation 0.5 --epochs 1 --hidden 4 --json";
    let answer = folder.train(line);
    let (stderr, json): (_, Value) = (answer.stderr.clone(), answer.json());
    assert!(stderr.contains("of the rows validate instead of 50.000 %"), "{stderr}");
    let rows = |key: &str| json[key].as_u64().unwrap();
    assert!(rows("rows_validation") < 8000);
    assert!(stderr.contains("validation rows are measured"), "{stderr}");
    assert!(rows("rows_train") > 34_000);
}
