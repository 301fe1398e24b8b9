//! Rooms and packages use only what [`crate::rooms`] lets them use.

use std::collections::BTreeMap;

use super::manifest::{self, Kind};
use super::{Finding, Project};
use crate::rooms::{self, PACKAGES, Room};
use crate::rust::{self, Source};

const CORE: &str = "crates/glassnet/src/";

/// The modules of the core crate use only rooms that their own row of the table allows.
pub(super) fn rooms(project: &Project<'_>) -> Vec<Finding> {
    let core: Vec<&Source<'_>> =
        project.sources.iter().filter(|source| source.file.path.starts_with(CORE)).collect();
    let reexports = core
        .iter()
        .find(|source| source.file.path == format!("{CORE}lib.rs"))
        .map_or_else(BTreeMap::new, |root| root_names(&root.code));
    let mut findings = Vec::new();
    for source in core {
        if source.is_test {
            continue;
        }
        let Some(module) = rust::module_path(&source.file.path) else { continue };
        // The crate's root names every room.
        let Some(name) = module.first() else { continue };
        match rooms::find(name) {
            Some(room) => findings.extend(check_room(source, room, &module, &reexports)),
            None => findings.push(Finding::new(
                &source.file.path,
                1,
                format!("`{name}` is no room"),
                "move the code into a room, or add the room to xtask/src/rooms.rs and DESIGN.md",
            )),
        }
    }
    findings
}

fn check_room(
    source: &Source<'_>,
    room: &Room,
    module: &[String],
    reexports: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let allowed = rooms::reachable(room);
    let mut findings = Vec::new();
    for reference in rust::references(&source.code, module) {
        let Some(first) = reference.path.first() else { continue };
        let used = reexports.get(first).unwrap_or(first).as_str();
        if used == room.name || allowed.contains(used) {
            continue;
        }
        let (what, mend) = if used == "*" {
            ("imports the whole crate".to_owned(), "name the rooms it needs".to_owned())
        } else if rooms::find(used).is_some() {
            let names: Vec<&str> = allowed.iter().copied().collect();
            (format!("uses room `{used}`"), format!("it may use only: {}", list(&names)))
        } else {
            (
                format!("uses `crate::{used}`, which is no room"),
                "use the item through its room".to_owned(),
            )
        };
        let what = format!("room `{}` {what}", room.name);
        findings.push(Finding::new(&source.file.path, reference.line, what, mend));
    }
    findings
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// What the crate's root offers under another path: `pub use error::{Error}` gives `Error` → `error`.
fn root_names(code: &str) -> BTreeMap<String, String> {
    // The root's own imports are relative to it, with or without `self::`.
    let tokens = rust::tokens(code);
    let mut names = BTreeMap::new();
    for statement in tokens.split(|token| token.text == ";") {
        let words: Vec<&str> = statement.iter().map(|token| token.text.as_str()).collect();
        let Some(at) = words.windows(2).position(|pair| pair == ["pub", "use"]) else { continue };
        let path = &words[at + 2..];
        let path = path.strip_prefix(&["self", "::"]).unwrap_or(path);
        let Some((room, rest)) = path.split_first() else { continue };
        for name in rest.iter().filter(|word| word.starts_with(|c: char| c.is_alphabetic())) {
            names.insert((*name).to_owned(), (*room).to_owned());
        }
    }
    names
}

/// Packages depend only on those of ours that the table allows; tests may depend on any.
pub(super) fn packages(project: &Project<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in project.tree.files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let Some(name) = manifest::package_name(&file.text) else { continue };
        let package = PACKAGES.iter().find(|package| package.name == name);
        let Some(package) = package else {
            if file.path.starts_with("crates/") {
                findings.push(Finding::new(
                    &file.path,
                    1,
                    format!("`{name}` is no package of the house"),
                    "add it to xtask/src/rooms.rs and DESIGN.md, or give its code to another",
                ));
            }
            continue;
        };
        for dependency in manifest::dependencies(&file.text) {
            let ours = PACKAGES.iter().any(|package| package.name == dependency.name);
            let allowed = package.may_use.contains(&dependency.name.as_str());
            if ours && !allowed && dependency.kind == Kind::Normal {
                findings.push(Finding::new(
                    &file.path,
                    dependency.line,
                    format!("package `{name}` depends on `{}`", dependency.name),
                    format!("it may depend only on: {}", list(package.may_use)),
                ));
            }
        }
    }
    findings
}
