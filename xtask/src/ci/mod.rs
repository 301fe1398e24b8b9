//! The one test command: every check in a fixed order, none hidden by an earlier failure, and a last
//! line that sums all of them: `N passed, N failed`.
//!
//! *Passed* counts tests only. *Failed* counts tests, and one for each other check that fails. Ignored
//! tests, and checks this machine lacks the tools for, are *skipped*, and said so.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]

mod readme;
mod runner;
mod steps;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use runner::{count_pytests, count_tests, without_our_variables};

/// What one step found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    skipped: usize,
    /// The tests that failed, by name.
    failures: Vec<String>,
    /// Why nothing ran, where nothing ran.
    note: Option<String>,
}

impl Report {
    fn of(succeeded: bool) -> Report {
        Report { failed: usize::from(!succeeded), ..Report::default() }
    }

    pub(crate) fn skipped(why: impl Into<String>) -> Report {
        Report { skipped: 1, note: Some(why.into()), ..Report::default() }
    }

    /// Why nothing ran, where nothing ran.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// `N passed, N failed`, and what was skipped.
    pub(crate) fn counts(&self) -> String {
        counts(self.passed, self.failed, self.skipped)
    }

    /// Nothing ran and nothing is missing.
    fn nothing(why: impl Into<String>) -> Report {
        Report { note: Some(why.into()), ..Report::default() }
    }
}

/// One check.
struct Step {
    name: &'static str,
    run: fn(&Context) -> Result<Report, String>,
}

/// Where the steps work.
struct Context {
    root: PathBuf,
    /// Cargo's target folder, absolute, so that steps may run elsewhere.
    target: PathBuf,
}

/// Runs the named steps, or all of them, in the repository at `root`. The answer is whether nothing
/// failed; an unknown name is an error.
pub fn run(root: &Path, names: &[String]) -> Result<bool, String> {
    let chosen = choose(names)?;
    let context = Context { root: root.to_owned(), target: target_folder(root)? };
    let mut results = Vec::new();
    for step in chosen {
        println!("\n==> {}", step.name);
        let start = Instant::now();
        // A step that can't be carried out has failed; the others still run.
        let report = (step.run)(&context).unwrap_or_else(|message| {
            println!("error: {message}");
            Report::of(false)
        });
        if let Some(note) = &report.note {
            println!("{note}");
        }
        results.push((step.name, report, start.elapsed()));
    }
    println!("\n{}", summary(&results));
    Ok(results.iter().all(|(_, report, _)| report.failed == 0))
}

fn choose(names: &[String]) -> Result<Vec<&'static Step>, String> {
    let known: Vec<&str> = steps::STEPS.iter().map(|step| step.name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("`{unknown}` is no step; the steps are: {}", known.join(", ")));
    }
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let is_chosen = |step: &&Step| wanted.is_empty() || wanted.contains(step.name);
    Ok(steps::STEPS.iter().filter(is_chosen).collect())
}

/// Cargo's target folder, absolute.
pub(crate) fn target_folder(root: &Path) -> Result<PathBuf, String> {
    let named = std::env::var_os("CARGO_TARGET_DIR").filter(|name| !name.is_empty());
    let folder = named.map_or_else(|| root.join("target"), PathBuf::from);
    std::path::absolute(&folder)
        .map_err(|error| format!("the target folder {} has no place: {error}", folder.display()))
}

/// The names of what failed, a line per step, and the sum as the last line.
fn summary(results: &[(&str, Report, Duration)]) -> String {
    let mut text = String::new();
    for (_, report, _) in results {
        for name in &report.failures {
            text.push_str(&format!("failed: {name}\n"));
        }
    }
    for (name, report, time) in results {
        let seconds = time.as_secs_f64();
        text.push_str(&format!("{name:<10} {seconds:>7.1} s  {}\n", outcome(report)));
    }
    let sum = |count: fn(&Report) -> usize| -> usize {
        results.iter().map(|(_, report, _)| count(report)).sum()
    };
    text.push_str(&counts(sum(|r| r.passed), sum(|r| r.failed), sum(|r| r.skipped)));
    text
}

fn outcome(report: &Report) -> String {
    let is_runner = report.passed + report.skipped > 0 || !report.failures.is_empty();
    match &report.note {
        Some(note) => note.clone(),
        None if is_runner => report.counts(),
        None if report.failed > 0 => "failed".to_owned(),
        None => "ok".to_owned(),
    }
}

fn counts(passed: usize, failed: usize, skipped: usize) -> String {
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    format!("{passed} passed, {failed} failed{skipped}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_sums_every_step() {
        let tests =
            Report { passed: 12, failed: 1, skipped: 2, failures: vec!["a::b".into()], note: None };
        let results = [
            ("fmt", Report::skipped("rustfmt is not installed"), Duration::from_millis(10)),
            ("clippy", Report::of(false), Duration::from_millis(1250)),
            ("tests", tests, Duration::from_secs(3)),
            ("deny", Report::nothing("cargo-deny is not installed"), Duration::ZERO),
            ("tidy", Report::of(true), Duration::ZERO),
        ];
        let expected = "\
failed: a::b
fmt            0.0 s  rustfmt is not installed
clippy         1.2 s  failed
tests          3.0 s  12 passed, 1 failed, 2 skipped
deny           0.0 s  cargo-deny is not installed
tidy           0.0 s  ok
12 passed, 2 failed, 3 skipped";
        assert_eq!(summary(&results), expected);
        assert!(summary(&results[4..]).ends_with("\n0 passed, 0 failed"));
    }

    #[test]
    fn steps_are_chosen_by_name() {
        let names = |chosen: Vec<&Step>| chosen.iter().map(|step| step.name).collect::<Vec<_>>();
        assert_eq!(names(choose(&["tidy".into(), "fmt".into()]).unwrap()), ["fmt", "tidy"]);
        assert_eq!(choose(&[]).unwrap().len(), steps::STEPS.len());
        assert!(choose(&["lint".into()]).err().unwrap().starts_with("`lint` is no step"));
    }
}
