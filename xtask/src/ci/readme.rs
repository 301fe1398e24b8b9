//! The README's first command: found, and run as a reader would run it.

use std::path::Path;
use std::process::Command;

use super::{Context, Report, runner};

/// The line above the block.
const MARK: &str = "<!-- first command -->";

/// Runs the block in a folder of its own, so that the files it writes never meet the user's. The data
/// is there under the same names.
pub(super) fn first_command(context: &Context) -> Result<Report, String> {
    let path = context.root.join("README.md");
    let Some(block) = std::fs::read_to_string(path).ok().and_then(|text| find(&text)) else {
        return Ok(Report::nothing(format!(
            "README.md marks no first command (a line `{MARK}` above its ```sh block)"
        )));
    };
    let folder = context.target.join("xtask").join("readme");
    lay_out(&context.root, &folder)?;
    let script = for_elsewhere(&block, &context.root.join("Cargo.toml"));
    let mut command = Command::new("sh");
    command.args(["-e", "-c", &script]);
    runner::prepare(&mut command, context);
    command.current_dir(&folder);
    runner::check(command)
}

/// The text of the first ```sh block below the mark.
fn find(readme: &str) -> Option<String> {
    let mut lines = readme.lines().skip_while(|line| line.trim() != MARK).skip(1);
    lines.find(|line| !line.trim().is_empty()).filter(|line| line.trim() == "```sh")?;
    let block: Vec<&str> = lines.take_while(|line| line.trim() != "```").collect();
    Some(block.join("\n"))
}

/// The same commands from a folder outside the workspace.
fn for_elsewhere(block: &str, manifest: &Path) -> String {
    let quoted = format!("'{}'", manifest.display().to_string().replace('\'', "'\\''"));
    block.replace("cargo run ", &format!("cargo run --manifest-path {quoted} "))
}

/// An empty folder with the repository's data in it.
fn lay_out(root: &Path, folder: &Path) -> Result<(), String> {
    let unable = |error| format!("{} cannot be laid out: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(unable)?;
    }
    copy(&root.join("data"), &folder.join("data")).map_err(unable)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    if !from.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            std::fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_block_is_found() {
        let readme = "# A\n```sh\nother\n```\n<!-- first command -->\n\n```sh\na \\\n  b\nc\n```\n";
        assert_eq!(find(readme).as_deref(), Some("a \\\n  b\nc"));
        assert_eq!(find("<!-- first command -->\ntext\n```sh\na\n```\n"), None);
        assert_eq!(find("```sh\na\n```\n"), None);
    }

    #[test]
    fn cargo_finds_the_workspace_from_elsewhere() {
        let script = for_elsewhere("ls && cargo run -- a\nls", Path::new("it's/Cargo.toml"));
        assert_eq!(script, "ls && cargo run --manifest-path 'it'\\''s/Cargo.toml' -- a\nls");
    }
}
