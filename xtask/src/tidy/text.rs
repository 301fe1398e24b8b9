//! Words that don't belong in a finished file, and whitespace nobody sees.

use super::{Finding, Project};
use crate::tree::File;

/// What people write here. Data, goldens and snapshots keep their own form.
const WRITTEN: &[&str] = &["rs", "toml", "md", "py", "sh", "yml", "html", "css", "js", "ts"];

/// Places that name these words because they are about them.
const ABOUT_WORDS: &[&str] = &["xtask/src/tidy/text.rs", "xtask/src/tidy/tests.rs"];

/// Data as its makers wrote it.
const DATA: &str = "data/";

const LEFTOVERS: &[(&str, &str)] = &[
    ("dbg!", "remove it"),
    ("todo!", "write the code, or answer with an error"),
    ("unimplemented!", "write the code, or answer with an error"),
    ("FIXME", "mend it, or open an issue"),
    ("XXX", "mend it, or open an issue"),
];

/// How paths begin that exist on one machine only.
const MACHINE_PATHS: &[&str] =
    &["/home/", "/root/", "/tmp/", "/opt/", "/Users/", "C:\\Users\\", "C:/Users/"];

/// No leftovers of work, no paths of a machine.
pub(super) fn words(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &project.tree.files {
        if ABOUT_WORDS.contains(&file.path.as_str()) || file.path.starts_with(DATA) {
            continue;
        }
        for (number, line) in file.lines() {
            if is_written(file) {
                for (word, mend) in LEFTOVERS.iter().filter(|(word, _)| has_word(line, word)) {
                    findings.push(Finding::new(&file.path, number, format!("`{word}`"), *mend));
                }
            }
            for path in MACHINE_PATHS.iter().filter(|path| has_path(line, path)) {
                findings.push(Finding::new(
                    &file.path,
                    number,
                    format!("a path of one machine (`{path}`)"),
                    "take the folder as an argument, or a temporary one from the system",
                ));
            }
        }
    }
    findings
}

fn is_written(file: &File) -> bool {
    WRITTEN.contains(&file.extension()) || file.path == ".ci/run"
}

fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let goes_on = !word.ends_with('!') && line[at + word.len()..].starts_with(is_name);
        !line[..at].ends_with(is_name) && !goes_on
    })
}

/// A path's beginning; the middle of an address or of a longer path doesn't count.
fn has_path(line: &str, path: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "._-/~}".contains(c);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(goes_on))
}

/// No trailing blanks, tabs or carriage returns; one newline at the end.
pub(super) fn whitespace(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.tree.files.iter().filter(|file| is_written(file)) {
        if file.path.starts_with(DATA) {
            continue;
        }
        let mut report = |line, what: &str, mend: &str| {
            findings.push(Finding::new(&file.path, line, what, mend));
        };
        for (index, line) in file.text.split('\n').enumerate() {
            if line.ends_with('\r') {
                report(index + 1, "a carriage return", "end lines with a newline alone");
            } else if line.ends_with([' ', '\t']) {
                report(index + 1, "blanks at the line's end", "remove them");
            }
            if line.contains('\t') {
                report(index + 1, "a tab", "indent with spaces; write `\\t` in a literal");
            }
        }
        let last = file.text.lines().count().max(1);
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            report(last, "no newline at the end", "add one");
        } else if file.text.ends_with("\n\n") {
            report(last, "empty lines at the end", "remove them");
        }
    }
    findings
}
