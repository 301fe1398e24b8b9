//! Readers answer for every operation by name: a new operation is a list of compile errors.

use super::{Finding, Project};

/// Where operations are read. A path that ends with `/` is a folder; any other is a file or a folder.
const READERS: &[&str] = &[
    "crates/glassnet/src/graph/op",
    "crates/glassnet/src/graph/shape",
    "crates/glassnet/src/graph/check",
    "crates/glassnet/src/graph/text",
    "crates/glassnet/src/grad",
    "crates/glassnet/src/reference",
    "crates/glassnet/src/engine",
    "crates/glassnet/src/nn/lower",
    "crates/glassnet/src/trace",
    "crates/glassnet/src/prove",
    "crates/glassnet/src/simplify",
];

const REASON: &str = "// not operations: ";

/// No arm in a reader catches the rest of some variants, unless a comment says that they aren't
/// operations. A match over text, numbers, slices or options names no variant and is free.
pub(super) fn exhaustive(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &project.sources {
        if source.is_test || !is_reader(&source.file.path) {
            continue;
        }
        let lines: Vec<&str> = source.file.text.lines().collect();
        let code: Vec<&str> = source.code.lines().collect();
        for (index, line) in code.iter().enumerate() {
            let before = index.checked_sub(1).map_or("", |before| lines[before]);
            let is_explained = has_reason(lines[index]) || has_reason(before);
            if catches_the_rest(line) && names_variants(&code[..index], line) && !is_explained {
                findings.push(Finding::new(
                    &source.file.path,
                    index + 1,
                    "an arm catches the rest",
                    format!("name the operations, or say what it matches in a `{REASON}…` comment"),
                ));
            }
        }
    }
    findings
}

fn is_reader(path: &str) -> bool {
    READERS.iter().any(|reader| {
        path.strip_prefix(reader).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    })
}

/// `_ =>`, `_ if … =>`, and the same under a name.
fn catches_the_rest(code: &str) -> bool {
    let Some((pattern, _)) = code.split_once("=>") else { return false };
    let pattern = pattern.split(" if ").next().unwrap_or(pattern).trim();
    let is_name = pattern.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && pattern.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_name && pattern != "true" && pattern != "false"
}

/// Whether an arm above, in the same match, names a variant. The arms are found by their indentation,
/// which rustfmt holds.
fn names_variants(above: &[&str], arm: &str) -> bool {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let wanted = indentation(arm);
    let not_blank = above.iter().rev().filter(|line| !line.trim().is_empty());
    let siblings = { not_blank }
        .take_while(|line| indentation(line) >= wanted)
        .filter(|line| indentation(line) == wanted);
    let patterns: Vec<&str> =
        siblings.map(|line| line.split("=>").next().unwrap_or(line)).collect();
    patterns.iter().any(|pattern| has_variant(pattern))
}

fn has_variant(pattern: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    pattern
        .split(|c| !is_name(c))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
        .any(|word| !matches!(word, "Some" | "None" | "Ok" | "Err"))
}

fn has_reason(line: &str) -> bool {
    line.split_once(REASON).is_some_and(|(_, reason)| !reason.trim().is_empty())
}
