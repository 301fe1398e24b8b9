//! Bad model files and weights: each is refused with status 4 by the name of the file and what is wrong in it.

use std::time::{Duration, Instant};

use crate::folder::{Folder, words};

const TABLE: &[u8] = b"x0,x1\n1,2\n";

/// A safetensors file of a header and so many bytes of data.
fn safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(vec![0; data]);
    bytes
}

fn trained() -> (Folder, Vec<u8>) {
    let rows = (0..40).map(|at| format!("{},{},{}\n", at, at % 5, ["k", "l"][at % 2]));
    let folder =
        Folder::with(&[("t.csv", ("a,b,y\n".to_owned() + &rows.collect::<String>()).as_bytes())]);
    folder.train("t.csv --target y --epochs 1 --output m -q");
    let bytes = folder.read("m");
    (folder, bytes)
}

#[test]
fn broken_files_are_refused() {
    let tensor = |from: usize, to: usize| {
        format!(r#"{{"dtype":"F32","shape":[2],"data_offsets":[{from},{to}]}}"#)
    };
    let two = |a: String, b: String| format!(r#"{{"0.weight":{a},"0.bias":{b}}}"#);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "26 header length",
            [&(1u64 << 63).to_le_bytes()[..], b"{\"a\":1}"].concat(),
            &["9223372036854775808"],
        ),
        (
            "26 duplicate name",
            safetensors(&format!(r#"{{"a":{},"a":{}}}"#, tensor(0, 8), tensor(8, 16)), 16),
            &["\"a\""],
        ),
        ("26 overlap", safetensors(&two(tensor(0, 8), tensor(4, 12)), 12), &["0."]),
        ("26 hole", safetensors(&two(tensor(0, 8), tensor(12, 20)), 20), &["0."]),
        ("26 trailing", safetensors(&two(tensor(0, 8), tensor(8, 16)), 20), &["4 bytes"]),
        ("26 short", safetensors(&two(tensor(0, 8), tensor(8, 16)), 12), &["12"]),
        (
            "26 overflow",
            safetensors(
                r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
                0,
            ),
            &["\"a\""],
        ),
        ("28 nested JSON", safetensors(&"[".repeat(100_000), 0), &["m.safetensors"]),
        ("no JSON", safetensors("hello", 0), &["m.safetensors"]),
        ("empty", vec![], &["m.safetensors"]),
        ("34 text", b"Just a text, renamed.\n".to_vec(), &["text"]),
        ("39 zip", b"PK\x03\x04\x14\0\0\0\0\0".to_vec(), &["m.safetensors"]),
        ("39 pickle", b"\x80\x02}q\0.".to_vec(), &["m.safetensors"]),
        (
            "no network",
            safetensors(&two(tensor(0, 8), tensor(8, 16)), 16),
            &["--weights", "0.weight", "0.bias"],
        ),
    ];
    for (case, bytes, named) in cases {
        let folder = Folder::with(&[("m.safetensors", &bytes), ("x.csv", TABLE)]);
        for verb in [&["predict", "m.safetensors", "x.csv"][..], &["summary", "m.safetensors"]] {
            let started = Instant::now();
            let answer = folder.run(verb);
            assert_eq!(answer.status, 4, "{case}: {answer:?}");
            folder.refused(verb, 4, "model").names(&["m.safetensors"]).names(named);
            assert!(started.elapsed() < Duration::from_secs(4), "{case}");
        }
    }
}

#[test]
fn a_model_file_that_was_cut_or_changed_is_refused() {
    let (folder, bytes) = trained();
    for length in [0, 7, 8, 9, 100, bytes.len() / 2, bytes.len() - 1] {
        folder.write("cut", &bytes[..length]);
        folder.refused(&["predict", "cut", "t.csv"], 4, "model").names(&["cut"]);
    }
    folder.write("long", [&bytes[..], b"x"].concat());
    folder.refused(&["predict", "long", "t.csv"], 4, "model").names(&["long"]);
    let mut infinite = bytes.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    folder.write("infinite", &infinite);
    folder.refused(&["predict", "infinite", "t.csv"], 4, "model").names(&["4.bias[1] is inf"]);
}

#[test]
fn a_newer_version_of_the_format_names_what_it_needs() {
    let (folder, bytes) = trained();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.find(r#"\"version\":1"#).expect("the card has a version");
    let mut newer = bytes;
    newer[at + r#"\"version\":"#.len()] = b'9';
    folder.write("newer", &newer);
    folder.refused(&["predict", "newer", "t.csv"], 4, "model").names(&["9", "newer"]);
}

#[test]
fn weights_that_do_not_match_are_listed_in_one_message() {
    let folder = Folder::with(&[("x.csv", TABLE)]);
    let check = |weights: &str, status: i32, kind: &str, named: &[&str]| {
        let args = ["predict", "2-2-2", "x.csv", "--weights", weights];
        folder.refused(&args, status, kind).names(named);
    };
    check(
        r#"{"0.weight": [[1, 2, 3]], "0.bias": [1, 2], "7.bias": [1]}"#,
        4,
        "model",
        &[
            "state_dict for Sequential; --weights; ",
            "Missing key(s)",
            "2.weight",
            "2.bias",
            "Unexpected key(s)",
            "7.bias",
            "size mismatch",
            "0.weight",
            "--weights",
        ],
    );
    check("{}", 4, "model", &["Missing key(s)", "0.weight"]);
    check(r#"{"0.weight": "text"}"#, 2, "usage", &["0.weight", "--weights"]);
    check(r#"{"0.weight": [[1, 2], [3]]}"#, 2, "usage", &["0.weight"]);
    check(r#"{"0.weight": [1e39]}"#, 2, "usage", &["0.weight"]);
    check(r#"{"0.weight": [1"#, 2, "usage", &["JSON", "--weights"]);
    check(r#"{"0.weight": [1], "0.weight": [2]}"#, 2, "usage", &["0.weight", "twice"]);
    check(&format!("{{\"a\": {}", "[".repeat(100_000)), 2, "usage", &["--weights"]);
    check("none.safetensors", 5, "io", &["none.safetensors"]);
    check("x.csv", 4, "model", &["x.csv"]);
}

#[test]
fn weights_belong_to_bare_networks() {
    let (folder, _) = trained();
    folder.refused(&["predict", "m", "t.csv", "--weights", "m"], 2, "usage").names(&["--weights"]);
    folder.run(&words("predict 2-32-32-2 x.csv --weights m")).check_error(5, "io");
    folder.write("x.csv", TABLE);
    folder.run(&words("predict 2-32-32-2 x.csv --weights m")).success();
}
