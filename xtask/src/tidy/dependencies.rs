//! What the project is built from is written down, and what lies in `examples` is built.

use std::collections::BTreeSet;

use super::{Finding, Project, manifest};

const DESIGN: &str = "DESIGN.md";

/// Every dependency of a manifest has a row in a table of DESIGN.md.
pub(super) fn listed(project: &Project<'_>) -> Vec<Finding> {
    let Some(design) = project.tree.file(DESIGN) else { return Vec::new() };
    let listed: BTreeSet<&str> = design
        .text
        .lines()
        .filter(|line| line.trim_start().starts_with('|'))
        .flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')))
        .collect();
    let manifests: Vec<_> =
        project.tree.files.iter().filter(|file| file.path.ends_with("Cargo.toml")).collect();
    let ours: BTreeSet<String> =
        manifests.iter().filter_map(|file| manifest::package_name(&file.text)).collect();
    let mut findings = Vec::new();
    for file in manifests {
        for dependency in manifest::dependencies(&file.text) {
            let name = dependency.name.as_str();
            if !ours.contains(name) && !listed.contains(name) {
                findings.push(Finding::new(
                    &file.path,
                    dependency.line,
                    format!("`{name}` is in no table of {DESIGN}"),
                    format!("add it to {DESIGN}'s dependencies with its reason, or do without"),
                ));
            }
        }
    }
    findings
}

/// Every file of the root's `examples` folder is an example of some package.
pub(super) fn examples_built(project: &Project<'_>) -> Vec<Finding> {
    let built: BTreeSet<String> =
        examples(project.tree).into_iter().map(|example| example.path).collect();
    let is_example = |path: &str| {
        path.strip_prefix("examples/").is_some_and(|n| n.ends_with(".rs") && !n.contains('/'))
    };
    let files = project.tree.files.iter().filter(|file| is_example(&file.path));
    files
        .filter(|file| !built.contains(&file.path))
        .map(|file| {
            Finding::new(
                &file.path,
                1,
                "no package builds this example",
                "name it in an `[[example]]` table of the package it shows",
            )
        })
        .collect()
}

/// An example that Cargo builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) name: String,
    /// Its file, from the repository's root.
    pub(crate) path: String,
}

/// The examples of all packages: those named in manifests, and those in `examples` beside them.
pub(crate) fn examples(tree: &crate::tree::Tree) -> Vec<Example> {
    let mut found: Vec<Example> = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        // A workspace's root without a package builds no examples.
        if manifest::package_name(&file.text).is_none() {
            continue;
        }
        let folder = file.path.trim_end_matches("Cargo.toml");
        for (path, name) in manifest::examples(&file.text) {
            let path = normal(&format!("{folder}{path}"));
            found.push(Example { name, path });
        }
        let beside = format!("{folder}examples/");
        for source in tree.with_extension("rs") {
            let Some(name) = source.path.strip_prefix(&beside) else { continue };
            let name = name.trim_end_matches(".rs");
            if !name.contains('/') && !found.iter().any(|example| example.path == source.path) {
                found.push(Example { name: name.to_owned(), path: source.path.clone() });
            }
        }
    }
    found
}

/// Resolves `..`: `crates/a/../../examples/b.rs` is `examples/b.rs`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}
