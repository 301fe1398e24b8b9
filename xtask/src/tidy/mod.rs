//! The house rules that a machine can hold, one file per topic.
//!
//! Every finding says where, what, and how to mend it. Warnings are printed and break nothing.

mod dependencies;
mod layers;
mod manifest;
mod matches;
mod modules;
mod text;
mod unsafety;

use std::fmt;
use std::path::Path;

use crate::docs::{self, Generator};
use crate::rust::{self, Source};
use crate::tree::Tree;

pub(crate) use dependencies::examples;

/// Whether a finding breaks the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rule is broken.
    Error,
    /// Worth a thought.
    Warning,
}

/// One place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the repository's root.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
    /// Whether it breaks the build.
    pub severity: Severity,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>, mend: impl Into<String>) -> Finding {
        Finding {
            path: path.to_owned(),
            line,
            what: what.into(),
            mend: mend.into(),
            severity: Severity::Error,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(f, "{}:{}: {severity}{}; {}", self.path, self.line, self.what, self.mend)
    }
}

/// What the rules read.
struct Project<'a> {
    tree: &'a Tree,
    sources: Vec<Source<'a>>,
    generators: &'a [Generator],
    root: &'a Path,
}

type Rule = fn(&Project<'_>) -> Vec<Finding>;

const RULES: &[Rule] = &[
    layers::rooms,
    layers::packages,
    modules::headed,
    modules::sizes,
    matches::exhaustive,
    unsafety::argued,
    unsafety::confined,
    dependencies::listed,
    dependencies::examples_built,
    text::words,
    text::whitespace,
    generated_blocks_are_fresh,
];

/// Checks the repository at `root` against every rule; findings are sorted by place.
pub fn check(root: &Path) -> Result<Vec<Finding>, String> {
    let tree = Tree::read(root)?;
    Ok(check_tree(&tree, root, docs::GENERATORS, RULES))
}

fn check_tree(tree: &Tree, root: &Path, generators: &[Generator], rules: &[Rule]) -> Vec<Finding> {
    let project = Project { tree, sources: rust::sources(tree), generators, root };
    let mut findings: Vec<Finding> = rules.iter().flat_map(|rule| rule(&project)).collect();
    findings.sort();
    findings.dedup();
    findings
}

fn generated_blocks_are_fresh(project: &Project<'_>) -> Vec<Finding> {
    docs::stale(project.tree, project.root, project.generators)
        .into_iter()
        .map(|stale| Finding::new(&stale.path, stale.line, stale.what, stale.mend))
        .collect()
}

#[cfg(test)]
mod tests;
