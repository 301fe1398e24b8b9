//! Bad tables: each is refused with status 3, its name, line and remedy, and leaves no trace.

use std::fs;
use std::path::Path;

use crate::folder::{Folder, words};

/// A table of forty rows with the columns `a`, `b` and the target `y`, one row replaced.
fn rows_with(line: usize, text: &str) -> Vec<u8> {
    let mut rows: Vec<String> = (0..40).map(|at| format!("{at},{},{}", at % 5, at % 2)).collect();
    rows.insert(0, "a,b,y".into());
    rows[line - 1] = text.into();
    rows.join("\n").into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn train(flags: &str) -> Vec<String> {
    let line = format!("train t.csv --epochs 1 {flags}");
    words(&line).into_iter().map(str::to_owned).collect()
}

#[test]
fn bad_tables_are_refused() {
    let long = |last: &str| {
        let mut text = String::from("a,b,y\n");
        (0..5000).for_each(|at| text += &format!("{at},{},{}\n", at % 5, at % 2));
        (text + last).into_bytes()
    };
    // Case of the list, the table, and what the message names.
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("2 UTF-16", utf16("a,b,y\n1,2,0\n"), &["t.csv", "UTF-16", "iconv"]),
        ("3 Latin-1", b"a,b,y\n1,2,0\ncaf\xe9,2,1\n".to_vec(), &["t.csv:3:4", "0xE9"]),
        ("4 long row", long("1,2,0,4\n"), &["t.csv:5002", "4 fields", "3"]),
        ("4 short row", long("1,2\n"), &["t.csv:5002", "2 fields", "3"]),
        ("5 rows longer", b"a,y\n1,2,0\n1,2,1\n".to_vec(), &["3 fields", "header has 2"]),
        ("6 equal names", b"a,a,y\n1,2,0\n".to_vec(), &["t.csv:1", "\"a\"", "columns 1, 2"]),
        ("7 empty", vec![], &["t.csv", "empty"]),
        ("7 header only", b"a,b,y\n".to_vec(), &["header and no rows"]),
        ("8 quote", b"a,b,y\n1,2,0\n\"1,2,1\n3,4,0\n".to_vec(), &["t.csv:3", "never closed"]),
        ("9 text", rows_with(30, "oops,1,0"), &["t.csv:30", "\"oops\"", "--missing"]),
        ("10 inf", rows_with(3, "inf,1,0"), &["t.csv:3", "\"inf\""]),
        ("10 NaN", rows_with(3, "NaN,1,0"), &["t.csv:3", "\"NaN\""]),
        ("10 1e999", rows_with(3, "1e999,1,0"), &["t.csv:3", "\"1e999\""]),
        (
            "14 decimal comma",
            b"a;b;y\n1,5;2,5;0\n3,5;4,5;1\n".to_vec(),
            &["--delimiter", "--decimal-comma"],
        ),
        ("16 NUL", b"a,b,y\n1,2,0\n1,\x002,1\n".to_vec(), &["t.csv:3", "NUL"]),
        ("19 one class", b"a,b,y\n1,2,k\n2,2,k\n3,1,k\n".to_vec(), &["\"k\""]),
        (
            "19 constant",
            b"a,y\n1,2.5\n2,2.5\n3,2.5\n4,2.5\n".to_vec(),
            &["2.5", "nothing to learn"],
        ),
        ("19 no target", b"a,b,y\n1,2,\n2,2,\n3,1,\n".to_vec(), &["y"]),
        ("no feature", b"y\nk\nl\nk\nl\n".to_vec(), &["no column"]),
        ("gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), &["t.csv", "gunzip", "cut short"]),
        ("Parquet", b"PAR1\x15\x04\x15\x10PAR1".to_vec(), &["t.csv", "Parquet"]),
        ("zip", b"PK\x03\x04\x14\0\0\0\x08\0".to_vec(), &["t.csv", "zip"]),
    ];
    for (case, table, named) in cases {
        let folder = Folder::with(&[("t.csv", &table)]);
        let answer = folder.run(&train("--target y"));
        assert_eq!(answer.status, 3, "{case}: {answer:?}");
        folder.refused(&train("--target y"), 3, "data").names(named);
    }
}

#[test]
fn allowed_oddities_are_read() {
    let with_mark = [b"\xef\xbb\xbf".to_vec(), rows_with(1, "a,b,y")].concat();
    let returns = String::from_utf8(rows_with(1, "a,b,y")).unwrap().replace('\n', "\r");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("1 byte order mark", with_mark, "--features a"),
        ("10 inf with the flag", rows_with(3, "inf,1,0"), "--allow-non-finite"),
        ("10 nan declared missing", rows_with(3, "NaN,1,0"), "--missing NaN"),
        ("15 carriage returns", returns.into_bytes(), ""),
        ("20 a class of one row", rows_with(3, "5,1,2"), ""),
        ("20 few rows", b"a,y\n1,k\n2,l\n3,m\n4,k\n5,l\n".to_vec(), ""),
        (
            "14 with the flags",
            b"a;y\n1,5;k\n2,5;l\n3,5;k\n4,5;l\n".to_vec(),
            "--delimiter ; --decimal-comma",
        ),
    ];
    for (case, table, flags) in cases {
        let folder = Folder::with(&[("t.csv", &table)]);
        let answer = folder.run(&train(&format!("--target y {flags}")));
        assert_eq!(answer.status, 0, "{case}: {answer:?}");
    }
}

#[test]
fn what_would_be_lost_is_told() {
    let rows = |cell: fn(usize) -> String| {
        let rows = (0..40).map(|at| format!("{},{},{}\n", cell(at), at % 5, ["k", "l"][at % 2]));
        ("a,b,y\n".to_owned() + &rows.collect::<String>()).into_bytes()
    };
    let cases: [(&str, Vec<u8>, &[&str]); 4] = [
        (
            "11 integers above 2^53",
            rows(|at| format!("{}", (1u64 << 53) + at as u64)),
            &["2^53", "\"a\""],
        ),
        ("13 leading zeros", rows(|at| format!("{:03}", at % 7)), &["leading zeros", "\"a\""]),
        ("21 identifiers", rows(|at| format!("customer-{at}")), &["\"a\"", "left out"]),
        (
            "20 few rows of a class",
            {
                let mut table = rows(|at| at.to_string());
                table.extend(b"1,1,rare\n");
                table
            },
            &["rare"],
        ),
    ];
    for (case, table, named) in cases {
        let folder = Folder::with(&[("t.csv", &table)]);
        let answer = folder.run(&train("--target y"));
        assert_eq!(answer.status, 0, "{case}: {answer:?}");
        answer.names(named);
    }
}

#[test]
fn texts_of_a_category_stay_as_they_are() {
    let rows =
        (0..40).map(|at| format!("{},{}\n", ["NA", "007"][at % 2], ["=A", "NA"][at / 2 % 2]));
    let folder =
        Folder::with(&[("t.csv", ("a,y\n".to_owned() + &rows.collect::<String>()).as_bytes())]);
    folder.run(&train("--target y --output m")).success();
    let answer = folder.run(&["predict", "m", "t.csv"]).success();
    assert!(answer.stdout.starts_with("prediction,p(=A),p(NA)\n"), "{answer:?}");
}

#[test]
fn columns_that_are_not_there_are_named_with_those_that_are() {
    let folder = Folder::with(&[("t.csv", &rows_with(1, "a,b,y"))]);
    folder.refused(&train("--target z"), 3, "data").names(&["\"z\"", "\"a\"", "\"b\"", "\"y\""]);
    for flags in [
        "--split-by z",
        "--drop z",
        "--features z",
        "--features a,z",
        "--weight z",
        "--column-type z=number",
    ] {
        folder.refused(&train(&format!("--target y {flags}")), 3, "data").names(&["z"]);
    }
}

#[test]
fn what_is_no_file_is_told() {
    let folder = Folder::with(&[("t.csv", &rows_with(1, "a,b,y"))]);
    fs::create_dir(folder.path("sub")).unwrap();
    let mut fifo = std::process::Command::new("mkfifo");
    assert!(fifo.arg(folder.path("fifo")).status().unwrap().success());
    for (path, named) in [
        ("none.csv", "no such file"),
        ("sub", "directory"),
        ("fifo", "FIFO"),
        ("/dev/null", "device"),
        ("t.csv/x", "t.csv/x"),
    ] {
        folder.refused(&["train", path, "--target", "y"], 5, "io").names(&[path, named]);
        folder.refused(&["predict", path, "t.csv"], 5, "io").names(&[path]);
        folder.refused(&["predict", "3-2", path], 5, "io").names(&[path]);
        folder.refused(&["evaluate", "2-2", path], 5, "io").names(&[path]);
        let other = format!("train t.csv --target y --validation {path}");
        folder.refused(&words(&other), 5, "io").names(&[path]);
        let other = format!("train t.csv --target y --test {path}");
        folder.refused(&words(&other), 5, "io").names(&[path]);
    }
    assert!(Path::new("/dev/null").exists());
}

#[test]
fn tables_of_a_bare_network_must_fit_it() {
    let folder = Folder::with(&[
        ("x.csv", b"x0,x1\n1,2\n"),
        ("text.csv", b"x0,x1\n1,2\n1,two\n"),
        ("gap.csv", b"x0,x1\n1,\n"),
        ("y.csv", b"x0,x1,y\n1,2,5\n"),
        ("half.csv", b"x0,x1,y\n1,2,0.5\n"),
    ]);
    let check = |args: &str, status: i32, kind: &str, named: &[&str]| {
        folder.refused(&words(args), status, kind).names(named);
    };
    check("predict 3-2 x.csv", 2, "network", &["2 features", "expects 3"]);
    check("predict 2-2 text.csv", 3, "data", &["text.csv:3", "two"]);
    check("predict 2-2 gap.csv", 3, "data", &["gap.csv:2"]);
    check("evaluate 2-2 y.csv", 3, "data", &["5"]);
    check("evaluate 2-2 half.csv", 3, "data", &["0.5", "--loss mse"]);
    check("evaluate 2-2 y.csv --target z", 3, "data", &["\"z\"", "x0, x1, y"]);
    check("evaluate 2-2 y.csv --loss mse", 2, "network", &[]);
    check("predict 2-2 x.csv --threshold 0.5", 2, "usage", &["--threshold"]);
    check("evaluate 2-2 y.csv --importance", 2, "usage", &["--importance"]);
}

#[test]
fn a_training_that_leaves_the_finite_numbers_says_where() {
    let folder = Folder::with(&[("t.csv", &rows_with(1, "a,b,y"))]);
    let line = "train t.csv --target b --task regression --optimizer sgd --lr 1e30 --epochs 20";
    folder.refused(&words(line), 7, "numeric").names(&["rows 0", "learning rate"]);
}
