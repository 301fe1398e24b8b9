//! Runs ONNX's node tests in a folder that `tests/onnx/make_node_tests.py` wrote, and prints a table of them.
//!
//! Not run by ci: the folder is written with Python's `onnx` package. A sample of it is among the tests.

#[path = "../tests/onnx/runner.rs"]
mod runner;

use std::collections::BTreeMap;
use std::path::Path;

use runner::Outcome;

/// What became of an operator's cases.
#[derive(Default)]
struct Row {
    passed: usize,
    given: usize,
    refused: usize,
    failed: usize,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]
fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("give the folder that make_node_tests.py wrote");
        std::process::exit(2);
    };
    let verbose = arguments.next().is_some();
    let mut cases: Vec<_> = match std::fs::read_dir(&folder) {
        Ok(entries) => {
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            std::process::exit(5);
        }
    };
    cases.sort();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut failures = vec![];
    for case in &cases {
        let name =
            case.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let row = rows.entry(operator(case)).or_default();
        match runner::run(case) {
            Outcome::Passed => row.passed += 1,
            Outcome::PassedWithGiven => row.given += 1,
            Outcome::Refused(why) => {
                row.refused += 1;
                if verbose {
                    println!("refused {name}: {why}");
                }
            }
            Outcome::Failed(why) => {
                row.failed += 1;
                failures.push(format!("failed {name}: {why}"));
            }
        }
    }
    println!("| operator | passed | passed, with whole numbers given | refused | failed |");
    println!("|---|---|---|---|---|");
    let mut total = Row::default();
    for (name, row) in &rows {
        println!("| {name} | {} | {} | {} | {} |", row.passed, row.given, row.refused, row.failed);
        total.passed += row.passed;
        total.given += row.given;
        total.refused += row.refused;
        total.failed += row.failed;
    }
    println!(
        "| **all {}** | **{}** | **{}** | **{}** | **{}** |",
        cases.len(),
        total.passed,
        total.given,
        total.refused,
        total.failed
    );
    for failure in &failures {
        eprintln!("{failure}");
    }
    std::process::exit(i32::from(!failures.is_empty()));
}

/// The operator that a case is about, which the generator writes beside it.
fn operator(case: &Path) -> String {
    let text = std::fs::read_to_string(case.join("operator.txt")).unwrap_or_default();
    text.trim().to_owned()
}
