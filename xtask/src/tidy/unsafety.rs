//! `unsafe` stands in the engine's room, and where another language's memory is read; every use says why it is sound.

use super::{Finding, Project};
use crate::rust;

/// Where `unsafe` may be allowed at all.
const ALLOWED: &[&str] = &["crates/glassnet/src/engine"];

/// Memory that Python owns has no lifetime that Rust knows.
const FOREIGN: &[&str] = &["crates/glassnet-py/src/memory"];

/// The tests' counting allocators: `GlobalAlloc` is an unsafe trait, and nothing else counts allocations.
const ALLOCATORS: &[&str] =
    &["crates/glassnet/tests/all/counting", "crates/glassnet-data/tests/all/counting"];

/// Every `unsafe` block and implementation has a `SAFETY:` comment, every `unsafe fn` and trait a
/// `# Safety` section or that comment. A `# Safety` section in the file's head speaks for the file's private
/// functions and for the methods of its traits and their implementations: one family shares one contract. What
/// other files call by name (`pub`, `pub(…)`) has its own.
pub(super) fn argued(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in project.sources.iter().filter(|source| !source.is_test) {
        let lines: Vec<&str> = source.file.text.lines().collect();
        let tokens = rust::tokens(&source.code);
        let has_contract = has_contract(&lines);
        for (at, token) in tokens.iter().enumerate() {
            let text = |offset: usize| tokens.get(at + offset).map_or("", |t| t.text.as_str());
            // `unsafe fn(…)` without a name is a type.
            let marks: &[&str] = match (token.text.as_str(), text(1), text(2)) {
                ("unsafe", "{" | "impl", _) => &["SAFETY:"],
                ("unsafe", "fn", "(") => continue,
                ("unsafe", "fn", _) if has_contract && !is_visible(&tokens[..at]) => continue,
                ("unsafe", "fn" | "trait" | "extern", _) => &["SAFETY:", "# Safety"],
                _ => continue,
            };
            if !is_argued(&lines, token.line, marks) {
                findings.push(Finding::new(
                    &source.file.path,
                    token.line,
                    "`unsafe` without its reason",
                    format!("say above it why it is sound (`{}`)", marks[marks.len() - 1]),
                ));
            }
        }
    }
    findings
}

/// Whether the file's head has a section that says what its private functions and methods rely on.
fn has_contract(lines: &[&str]) -> bool {
    { lines.iter().take_while(|line| line.starts_with("//!")) }
        .any(|line| line.contains("# Safety"))
}

/// Whether the tokens before `unsafe fn` end in `pub` or `pub(…)`.
fn is_visible(before: &[rust::Token]) -> bool {
    before
        .iter()
        .rev()
        .find(|token| !matches!(token.text.as_str(), "const" | "async"))
        .is_some_and(|token| matches!(token.text.as_str(), "pub" | ")"))
}

/// Looks for the mark on the line itself, then upwards through the same statement and the comments
/// and attributes above it.
fn is_argued(lines: &[&str], line: usize, marks: &[&str]) -> bool {
    let has_mark = |line: &str| marks.iter().any(|mark| line.contains(mark));
    if has_mark(lines[line - 1]) {
        return true;
    }
    for above in lines[..line - 1].iter().rev().map(|line| line.trim()) {
        if above.starts_with("//") || above.starts_with("#[") {
            if has_mark(above) {
                return true;
            }
        } else if above.is_empty() || above.ends_with([';', '{', '}']) {
            return false;
        }
    }
    false
}

/// `allow(unsafe_code)` appears only where the list has it.
pub(super) fn confined(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &project.sources {
        let path = &source.file.path;
        let allowed = ALLOWED.iter().chain(FOREIGN).chain(ALLOCATORS).any(|place| {
            path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        });
        if allowed {
            continue;
        }
        let tokens = rust::tokens(&source.code);
        for (at, token) in tokens.iter().enumerate() {
            let lifts = |index: usize| matches!(tokens[index].text.as_str(), "allow" | "expect");
            if token.text == "unsafe_code" && (0..at).rev().take(8).any(lifts) {
                findings.push(Finding::new(
                    path,
                    token.line,
                    "`unsafe` is allowed here",
                    format!("write it without, or move it to {}", ALLOWED.join(" or ")),
                ));
            }
        }
    }
    findings
}
