//! The repository as text: which files belong to it, and what they hold.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One text file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path from the repository's root, with `/` between the parts.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// The text files of the repository, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// The files.
    pub files: Vec<File>,
}

impl Tree {
    /// Reads the repository at `root`: what git tracks, or every file where git can't be asked
    /// (an unpacked archive). Files that aren't UTF-8 are left out.
    pub fn read(root: &Path) -> Result<Tree, String> {
        let mut paths = match tracked(root) {
            Some(paths) => paths,
            None => every_file(root)?,
        };
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for path in paths {
            // A tracked file may be deleted or be a link to nowhere: git will tell, not tidy.
            let Ok(bytes) = std::fs::read(root.join(&path)) else { continue };
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
        Ok(Tree { files })
    }

    /// The file at `path`, if the repository has it.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The files whose name ends with `.extension`.
    pub fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.extension() == extension)
    }
}

impl File {
    /// What follows the last dot of the file's name; empty if there is none.
    pub fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// The repository's root: the folder above this crate.
pub fn root() -> PathBuf {
    // Cargo's own word at run time comes first, so that a binary in a shared target folder
    // speaks of the checkout it was started for.
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    crate_folder.parent().map_or_else(|| crate_folder.clone(), Path::to_path_buf)
}

/// Git's files, and Rust sources and manifests that wait to be added.
fn tracked(root: &Path) -> Option<Vec<String>> {
    let mut paths = git_files(root, &["--cached"])?;
    let waiting = git_files(root, &["--others", "--exclude-standard"])?;
    paths.extend(
        waiting.into_iter().filter(|path| path.ends_with(".rs") || path.ends_with(".toml")),
    );
    Some(paths)
}

fn git_files(root: &Path, options: &[&str]) -> Option<Vec<String>> {
    let output = Command::new("git")
        .arg("ls-files")
        .arg("-z")
        .args(options)
        .current_dir(root)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let paths: Vec<String> =
        text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    // Inside another repository git answers, but knows none of these files.
    let known = !options.contains(&"--cached") || paths.iter().any(|path| path == "Cargo.toml");
    known.then_some(paths)
}

fn every_file(root: &Path) -> Result<Vec<String>, String> {
    const SKIPPED: &[&str] = &["target", ".git", ".venv", "__pycache__", "node_modules"];
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(root.join(&folder))
            .map_err(|error| format!("{folder:?} cannot be listed: {error}"))?;
        for entry in entries {
            let entry = entry.map_err(|error| format!("{folder:?} cannot be listed: {error}"))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let kind =
                entry.file_type().map_err(|error| format!("{path:?} has no type: {error}"))?;
            // In a linked worktree `.git` is a file.
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_file() {
                paths.push(path);
            } else if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_found_and_read() {
        let tree = Tree::read(&root()).unwrap();
        assert!(tree.file("xtask/src/tree.rs").is_some());
        assert!(tree.file("Cargo.toml").unwrap().text.contains("[workspace]"));
        assert!(tree.files.windows(2).all(|pair| pair[0].path < pair[1].path));
        assert!(tree.with_extension("rs").all(|file| file.path.ends_with(".rs")));
    }

    #[test]
    fn without_git_the_same_sources_are_found() {
        let walked = every_file(&root()).unwrap();
        assert!(walked.iter().any(|path| path == "xtask/src/tree.rs"));
        let foreign = |path: &String| path == ".git" || path.starts_with("target/");
        assert!(!walked.iter().any(foreign));
    }

    #[test]
    fn extensions() {
        let of =
            |path: &str| File { path: path.into(), text: String::new() }.extension().to_owned();
        assert_eq!(of("a.b/c"), "");
        assert_eq!(of("a/c.tar.gz"), "gz");
    }
}
