//! `Cargo.toml` as far as the house rules need it: the package's name, its dependencies, its examples.

use std::collections::BTreeMap;

/// Where a dependency is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Part of what is built: `[dependencies]`, `[build-dependencies]`, also under `[target…]`.
    Normal,
    /// Of tests, examples and benchmarks.
    Development,
    /// A version chosen for the workspace; nothing uses it yet.
    Workspace,
}

/// A dependency that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A line of a manifest that belongs to a section: `key = value`, or the section's own head.
struct Entry<'a> {
    line: usize,
    section: &'a str,
    /// `None` for the head.
    pair: Option<(&'a str, &'a str)>,
}

/// The package's name, or `None` for a workspace without one.
pub(crate) fn package_name(text: &str) -> Option<String> {
    entries(text).iter().filter(|entry| entry.section == "package").find_map(|entry| {
        let (key, value) = entry.pair?;
        (key == "name").then(|| unquote(value))
    })
}

/// Every dependency that is named, in the file's order.
pub(crate) fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    for entry in entries(text) {
        let Some((kind, own_section)) = dependency_section(entry.section) else { continue };
        let name = match (own_section, entry.pair) {
            (Some(name), None) => unquote(name),
            (None, Some((key, value))) => {
                renamed(value).unwrap_or_else(|| unquote(key.split('.').next().unwrap_or(key)))
            }
            _ => continue,
        };
        found.push(Dependency { line: entry.line, name, kind });
    }
    found
}

/// The `[[example]]` tables: file beside the manifest → name.
pub(crate) fn examples(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let (mut name, mut path) = (None, None);
    for entry in entries(text) {
        match entry.pair {
            None => (name, path) = (None, None),
            Some(("name", value)) if entry.section == "[example]" => name = Some(unquote(value)),
            Some(("path", value)) if entry.section == "[example]" => path = Some(unquote(value)),
            Some(_) => {}
        }
        if let (Some(name), Some(path)) = (&name, &path) {
            found.insert(path.clone(), name.clone());
        }
    }
    found
}

/// The kind of a section of dependencies, and the dependency's name where the section is one's own
/// (`[dependencies.serde]`).
fn dependency_section(section: &str) -> Option<(Kind, Option<&str>)> {
    let (head, rest) = match section.rsplit_once("dependencies") {
        Some((head, "")) => (head, None),
        Some((head, rest)) => (head, Some(rest.strip_prefix('.')?)),
        None => return None,
    };
    let kind = match head.rsplit('.').next().unwrap_or(head) {
        "dev-" => Kind::Development,
        "" if head == "workspace." => Kind::Workspace,
        "" | "build-" => Kind::Normal,
        _ => return None,
    };
    Some((kind, rest))
}

/// The real name in `{ package = "name", … }`.
fn renamed(value: &str) -> Option<String> {
    let (_, after) = value.split_once("package")?;
    let after = after.trim_start().strip_prefix('=')?;
    after.split('"').nth(1).map(str::to_owned)
}

fn unquote(value: &str) -> String {
    value.trim().trim_matches(['"', '\'']).to_owned()
}

/// The lines that matter; those inside a value of several lines are left out.
fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    let mut section = "";
    let mut open = 0i32;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let inside_value = open > 0;
        if !inside_value && line.starts_with('[') {
            section = line.strip_prefix('[').and_then(|l| l.rsplit_once(']')).map_or("", |l| l.0);
            found.push(Entry { line: index + 1, section, pair: None });
            continue;
        }
        let code = line.split('#').next().unwrap_or("");
        open += code.matches(['[', '{']).count() as i32 - code.matches([']', '}']).count() as i32;
        if let (false, Some((key, value))) = (inside_value, code.split_once('=')) {
            let pair = Some((key.trim(), value.trim()));
            found.push(Entry { line: index + 1, section, pair });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
[package]
name = "a"
[workspace.dependencies]
w = "1"
[dependencies]
b = { version = "1", features = [
  "x = y",
] }
c.workspace = true # d = 1
e = { package = "real", version = "2" }
[dependencies.f]
version = "1"
[target.'cfg(unix)'.dependencies]
g = "1"
[dev-dependencies]
h = "1"
[[example]]
name = "shown"
path = "../examples/shown.rs"
"#;

    #[test]
    fn names_and_kinds() {
        let found: Vec<(String, Kind)> =
            dependencies(MANIFEST).into_iter().map(|found| (found.name, found.kind)).collect();
        let expected = [
            ("w", Kind::Workspace),
            ("b", Kind::Normal),
            ("c", Kind::Normal),
            ("real", Kind::Normal),
            ("f", Kind::Normal),
            ("g", Kind::Normal),
            ("h", Kind::Development),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
        assert_eq!(package_name(MANIFEST).as_deref(), Some("a"));
    }

    #[test]
    fn named_examples() {
        let found = examples(MANIFEST);
        assert_eq!(found.get("../examples/shown.rs").map(String::as_str), Some("shown"));
        assert_eq!(found.len(), 1);
    }
}
