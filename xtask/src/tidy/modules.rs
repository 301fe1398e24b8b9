//! Files say what they are for, and stay small or say why they aren't.

use super::{Finding, Project, Severity};

/// Above this many lines outside tests a file is asked why.
const LARGE: usize = 500;
/// Above this many its head answers.
const TOO_LARGE: usize = 800;
const REASON: &str = "//! Size: ";

/// Every Rust file begins with its purpose.
pub(super) fn headed(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &project.sources {
        let first = source.file.text.lines().next().unwrap_or("");
        if !first.starts_with("//!") {
            findings.push(Finding::new(
                &source.file.path,
                1,
                "the file doesn't say what it is for",
                "begin it with a `//!` sentence",
            ));
        }
    }
    findings
}

/// Large files warn; very large ones need a reason in their head. Lines of tests don't count.
pub(super) fn sizes(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &project.sources {
        let lines = source.test_lines.iter().filter(|is_test| !**is_test).count();
        let head = source.file.text.lines().take_while(|line| line.starts_with("//!"));
        let has_reason = { head }
            .any(|line| line.strip_prefix(REASON).is_some_and(|reason| !reason.trim().is_empty()));
        if lines <= LARGE || has_reason {
            continue;
        }
        let mut finding = Finding::new(
            &source.file.path,
            1,
            format!("{lines} lines without tests"),
            format!(
                "split it by what it is about, or say why not in a `{REASON}…` line at its head"
            ),
        );
        if lines <= TOO_LARGE {
            finding.severity = Severity::Warning;
        }
        findings.push(finding);
    }
    findings
}
