//! The checks, in the order in which they run: quick answers first.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]

use std::process::Command;

use super::runner::{cargo, check, count_tests, prepare, works};
use super::{Context, Report, Step, readme};
use crate::tidy::{self, Severity};
use crate::tree::Tree;

/// Every step of `cargo xtask ci`.
pub(super) const STEPS: &[Step] = &[
    Step { name: "fmt", run: format },
    Step { name: "tidy", run: tidy },
    Step { name: "clippy", run: clippy },
    Step { name: "build", run: build },
    Step { name: "tests", run: tests },
    Step { name: "doctests", run: doc_tests },
    Step { name: "rustdoc", run: rustdoc },
    Step { name: "examples", run: examples },
    Step { name: "release", run: release },
    Step { name: "functions", run: functions },
    Step { name: "counts", run: counts },
    Step { name: "readme", run: readme::first_command },
    Step { name: "python", run: python },
    Step { name: "deny", run: deny },
];

fn format(context: &Context) -> Result<Report, String> {
    if !works(cargo(context, &["fmt", "--version"])) {
        return Ok(Report::skipped("rustfmt is not installed (rustup component add rustfmt)"));
    }
    check(cargo(context, &["fmt", "--all", "--check"]))
}

fn clippy(context: &Context) -> Result<Report, String> {
    if !works(cargo(context, &["clippy", "--version"])) {
        return Ok(Report::skipped("clippy is not installed (rustup component add clippy)"));
    }
    check(cargo(context, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn tidy(context: &Context) -> Result<Report, String> {
    let findings = tidy::check(&context.root)?;
    for finding in &findings {
        println!("{finding}");
    }
    Ok(Report::of(findings.iter().all(|finding| finding.severity != Severity::Error)))
}

fn build(context: &Context) -> Result<Report, String> {
    check(cargo(context, &["build", "--workspace", "--all-targets"]))
}

fn tests(context: &Context) -> Result<Report, String> {
    let targets = ["test", "--workspace", "--tests", "--examples", "--no-fail-fast"];
    count_tests(cargo(context, &targets))
}

fn doc_tests(context: &Context) -> Result<Report, String> {
    count_tests(cargo(context, &["test", "--workspace", "--doc", "--no-fail-fast"]))
}

/// Documents every library; the binary of the command is a few lines around its library.
fn rustdoc(context: &Context) -> Result<Report, String> {
    let mut command = cargo(context, &["doc", "--no-deps", "--workspace", "--lib"]);
    let mut flags = std::env::var_os("RUSTDOCFLAGS").unwrap_or_default();
    flags.push(" -D warnings");
    command.env("RUSTDOCFLAGS", flags);
    check(command)
}

/// Runs every example; one that says `//! Not run by ci: REASON` at its head is left out.
fn examples(context: &Context) -> Result<Report, String> {
    let tree = Tree::read(&context.root)?;
    let examples = tidy::examples(&tree);
    if examples.is_empty() {
        return Ok(Report::nothing("there is no example to run"));
    }
    // Built as the workspace is, then started by path: `cargo run --package` would choose other
    // features for the dependencies and compile them again.
    let built = check(cargo(context, &["build", "--workspace", "--examples"]))?;
    if built.failed > 0 {
        return Ok(built);
    }
    let mut report = Report::default();
    for example in examples {
        let text = tree.file(&example.path).map_or("", |file| file.text.as_str());
        if let Some(reason) = not_run(text) {
            println!("{} is not run: {reason}", example.name);
            continue;
        }
        println!("--> {}", example.name);
        let file = format!("{}{}", example.name, std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(context.target.join("debug").join("examples").join(file));
        prepare(&mut command, context);
        if check(command)?.failed > 0 {
            report.failures.push(format!("example {}", example.name));
            report.failed += 1;
        }
    }
    Ok(report)
}

fn not_run(text: &str) -> Option<&str> {
    let head = text.lines().take_while(|line| line.starts_with("//!"));
    { head }.find_map(|line| line.strip_prefix("//! Not run by ci: ")).map(str::trim)
}

/// The binary and the Python package, as `cargo run --release` builds them: every later step takes what it needs from here.
const OPTIMISED: &[&str] = &["build", "--release", "--bins", "--lib"];

fn release(context: &Context) -> Result<Report, String> {
    check(cargo(context, OPTIMISED))
}

/// The elementary functions within their bounds on every 64th of all inputs: optimised, that is half a minute of one
/// core; unoptimised, as a unit test, it would be several.
fn functions(context: &Context) -> Result<Report, String> {
    let built = check(cargo(context, &["build", "--release", "--example", "ulp"]))?;
    if built.failed > 0 {
        return Ok(built);
    }
    let file = format!("ulp{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(context.target.join("release").join("examples").join(file));
    command.arg("64");
    prepare(&mut command, context);
    check(command)
}

/// Machine instructions, where valgrind is there to count them.
fn counts(context: &Context) -> Result<Report, String> {
    let outcome = crate::counts::run(&context.root, &["--check".to_owned()])?;
    Ok(outcome.map_or_else(|| Report::skipped("valgrind is not installed"), Report::of))
}

/// The Python package's tests, where there is a Python. Optimised, since they train hundreds of networks.
fn python(context: &Context) -> Result<Report, String> {
    crate::python::test(&context.root, cargo(context, OPTIMISED), "release", &[])
}

fn deny(context: &Context) -> Result<Report, String> {
    if !works(cargo(context, &["deny", "--version"])) {
        return Ok(Report::nothing("cargo-deny is not installed"));
    }
    // Advisories need the network, and change without us: they are not a test of this tree.
    check(cargo(context, &["deny", "check", "bans", "licenses", "sources"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_may_ask_not_to_be_run() {
        assert_eq!(not_run("//! A.\n//! Not run by ci: needs a screen\n"), Some("needs a screen"));
        assert_eq!(not_run("//! A.\nfn main() {}\n//! Not run by ci: late\n"), None);
    }
}
