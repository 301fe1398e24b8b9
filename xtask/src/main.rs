//! `cargo xtask`: what people and machines run in this repository.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its terminal")]

use std::process::ExitCode;

use xtask::tidy::Severity;
use xtask::{ci, counts, docs, fuzz, python, sanitize, tidy, tree};

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  ci [STEP…]   run every check, or only the named steps; ends with `N passed, N failed`
  tidy         check the house rules (layers, sizes, words, generated tables)
  docs         write the generated tables into the documents
  counts [--write | --check] [NAME…]
               count machine instructions of steps, predictions and kernels under valgrind, and compare
               them with benches/counts.csv: --check fails where one has grown by more than 2 %,
               --write keeps the new ones; names choose the cases that contain one of them
  sanitize [asan | valgrind]
               run the engine's tests under an address sanitizer (nightly Rust), or else under valgrind
  fuzz [TARGET…] [--seconds 60] [--seed 0] [--builtin]
               give the readers of foreign bytes random input: by cargo-fuzz (nightly Rust) where that is
               there, else by a runner of our own on stable Rust
  python [--release] [ARGUMENT…]
               build the Python package and run its tests and its docstrings' examples in a virtual
               environment below the target folder; arguments go to pytest
  python --wheel
               build the wheel that pip installs (optimised, stripped, for every Python from 3.10 on), install
               it in an environment that has nothing else, and try it there";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("ci") => ci::run(&tree::root(), &arguments[1..]),
        Some("tidy") => run_tidy(),
        Some("docs") => run_docs(),
        // Where valgrind is missing, that was said.
        Some("counts") => {
            counts::run(&tree::root(), &arguments[1..]).map(|outcome| outcome.unwrap_or(false))
        }
        Some("sanitize") => sanitize::run(&tree::root(), &arguments[1..]),
        Some("python") => python::run(&tree::root(), &arguments[1..]),
        Some("fuzz") => fuzz::run(&tree::root(), &arguments[1..]),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(true)
        }
        Some(other) => Err(format!("unknown command `{other}`\n\n{USAGE}")),
        None => Err(format!("a command is missing\n\n{USAGE}")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run_tidy() -> Result<bool, String> {
    let findings = tidy::check(&tree::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|f| f.severity == Severity::Error).count();
    println!("{errors} errors, {} warnings", findings.len() - errors);
    Ok(errors == 0)
}

fn run_docs() -> Result<bool, String> {
    for path in docs::write(&tree::root())? {
        println!("wrote {path}");
    }
    Ok(true)
}
