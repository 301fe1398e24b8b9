//! Tables that are generated into Markdown files, between `<!-- generated: NAME -->` and
//! `<!-- end: NAME -->`, each on a line of its own.
//!
//! `cargo xtask docs` writes them; `cargo xtask tidy` finds those that no longer say what is true.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::ci::without_our_variables;
use crate::rooms;
use crate::tree::{File, Tree};

/// What fills the blocks of one name.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    /// The name in the markers.
    pub name: &'static str,
    /// Makes the text between the markers, for the repository at the given root.
    pub make: fn(&Path) -> Result<String, String>,
}

/// Every generator there is.
pub const GENERATORS: &[Generator] = &[
    Generator { name: "rooms", make: |_root| Ok(rooms::table()) },
    Generator { name: "operations", make: |root| output_of_example(root, "operations") },
    Generator { name: "terminal derive", make: |root| session(root, &["derive", "tanh(z)"]) },
    Generator { name: "terminal manual", make: |root| session(root, DEAD_RELU) },
];

/// Task 2.3 of the exercise: a ReLU that is dead for the data it has.
const DEAD_RELU: &[&str] = &[
    "worked",
    "manual",
    "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())",
    "--weights",
    r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#,
    "--data",
    "1:0,2:0.3,10:1",
    "--weight",
    "0.weight[0,0]",
];

/// A block that doesn't hold what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The file.
    pub path: String,
    /// The line of the opening marker.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// A marked block: the text between its marker lines.
struct Block<'a> {
    line: usize,
    name: &'a str,
    /// Byte range of the text; `None` if the block doesn't end.
    range: Option<std::ops::Range<usize>>,
}

/// The blocks of the tree's Markdown files that are out of date, unknown or unfinished.
pub fn stale(tree: &Tree, root: &Path, generators: &[Generator]) -> Vec<Stale> {
    let mut made = Made::new(root, generators);
    let mut found = Vec::new();
    for file in tree.with_extension("md") {
        for block in blocks(&file.text) {
            let problem = match (block.range, made.text(block.name)) {
                (None, _) => Some(("has no end", format!("add `{}`", end_marker(block.name)))),
                (_, Err(message)) => Some(("cannot be made", message)),
                (Some(range), Ok(text)) if file.text[range.clone()] != text => {
                    Some(("is out of date", "run `cargo xtask docs`".to_owned()))
                }
                (Some(_), Ok(_)) => None,
            };
            if let Some((what, mend)) = problem {
                let what = format!("the generated block `{}` {what}", block.name);
                found.push(Stale { path: file.path.clone(), line: block.line, what, mend });
            }
        }
    }
    found
}

/// Writes every block anew; the answer is the files that changed.
pub fn write(root: &Path) -> Result<Vec<String>, String> {
    let tree = Tree::read(root)?;
    let mut made = Made::new(root, GENERATORS);
    let mut changed = Vec::new();
    for file in tree.with_extension("md") {
        let text = rewritten(file, &mut made)?;
        if text != file.text {
            std::fs::write(root.join(&file.path), &text)
                .map_err(|error| format!("{} cannot be written: {error}", file.path))?;
            changed.push(file.path.clone());
        }
    }
    Ok(changed)
}

/// What an example of ours prints.
pub fn output_of_example(root: &Path, name: &str) -> Result<String, String> {
    // Built as `cargo xtask ci` builds it, so that nothing is compiled twice, then started by path:
    // `cargo run --package` would choose other features for the dependencies.
    let build = ["build", "--workspace", "--example", name, "--message-format", "json"];
    let path = executable(&output_of(root, &build)?)
        .ok_or_else(|| format!("`cargo {}` named no program", build.join(" ")))?;
    printed_by(Command::new(&path).current_dir(root), &path)
}

/// A command line of ours and what it prints, as a terminal shows them.
fn session(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let build = ["build", "--workspace", "--bin", "glassnet", "--message-format", "json"];
    let path = executable(&output_of(root, &build)?)
        .ok_or_else(|| format!("`cargo {}` named no program", build.join(" ")))?;
    let mut command = Command::new(&path);
    let printed = printed_by(command.args(arguments).current_dir(root), &path)?;
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    Ok(format!("```text\n$ glassnet {}\n{}\n```\n", words.join(" "), printed.trim_end()))
}

/// The word in quotes where a shell needs them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.,:/".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// The last program that cargo's messages name: `"executable":"PATH"`.
pub(crate) fn executable(messages: &str) -> Option<String> {
    let (_, rest) = messages.rsplit_once("\"executable\":\"")?;
    let (path, _) = rest.split_once('"')?;
    Some(path.replace("\\\\", "\\"))
}

/// What cargo prints on standard output, run at the repository's root.
pub fn output_of(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root);
    without_our_variables(&mut command);
    printed_by(&mut command, &format!("cargo {}", arguments.join(" ")))
}

/// What a command prints on standard output.
pub(crate) fn output_of_command(command: &mut Command) -> Result<String, String> {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    without_our_variables(command);
    printed_by(command.stdin(Stdio::null()), &words.join(" "))
}

fn printed_by(command: &mut Command, told: &str) -> Result<String, String> {
    let output =
        command.output().map_err(|error| format!("`{told}` cannot be started: {error}"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{told}` failed: {}", message.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{told}` printed no UTF-8"))
}

fn rewritten(file: &File, made: &mut Made<'_>) -> Result<String, String> {
    let mut output = String::with_capacity(file.text.len());
    let mut from = 0;
    for block in blocks(&file.text) {
        let place = format!("{}:{}: the generated block `{}`", file.path, block.line, block.name);
        let range = block.range.ok_or_else(|| format!("{place} has no end"))?;
        output.push_str(&file.text[from..range.start]);
        output.push_str(&made.text(block.name).map_err(|why| format!("{place}: {why}"))?);
        from = range.end;
    }
    output.push_str(&file.text[from..]);
    Ok(output)
}

/// Generated texts, each made once.
struct Made<'a> {
    root: &'a Path,
    generators: &'a [Generator],
    texts: Vec<(&'static str, Result<String, String>)>,
}

impl<'a> Made<'a> {
    fn new(root: &'a Path, generators: &'a [Generator]) -> Self {
        Made { root, generators, texts: Vec::new() }
    }

    fn text(&mut self, name: &str) -> Result<String, String> {
        if let Some((_, text)) = self.texts.iter().find(|(known, _)| *known == name) {
            return text.clone();
        }
        let Some(generator) = self.generators.iter().find(|generator| generator.name == name)
        else {
            let names: Vec<&str> = self.generators.iter().map(|known| known.name).collect();
            return Err(format!("its name is one of: {}", names.join(", ")));
        };
        let text = (generator.make)(self.root).map(|text| format!("{}\n", text.trim_end()));
        self.texts.push((generator.name, text.clone()));
        text
    }
}

fn end_marker(name: &str) -> String {
    format!("<!-- end: {name} -->")
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found: Vec<Block<'_>> = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim();
        let start = at;
        at += line.len();
        let name =
            trimmed.strip_prefix("<!-- generated: ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(name) = name {
            found.push(Block { line: index + 1, name, range: None });
            open = Some(at);
        } else if let (Some(from), Some(block)) = (open, found.last_mut())
            && trimmed == end_marker(block.name)
        {
            block.range = Some(from..start);
            open = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATORS: &[Generator] = &[
        Generator { name: "sum", make: |_| Ok("1 + 1 = 2".to_owned()) },
        Generator { name: "broken", make: |_| Err("no program".to_owned()) },
    ];

    fn markdown(text: &str) -> Tree {
        Tree { files: vec![File { path: "README.md".into(), text: text.into() }] }
    }

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = stale(&markdown(text), Path::new("."), GENERATORS)
            .into_iter()
            .map(|stale| format!("{}: {}; {}", stale.line, stale.what, stale.mend))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn stale_blocks_are_found() {
        check("a\n<!-- generated: sum -->\n1 + 1 = 2\n<!-- end: sum -->\nb\n", &[]);
        check(
            "a\n<!-- generated: sum -->\n1 + 1 = 3\n<!-- end: sum -->\n",
            &["2: the generated block `sum` is out of date; run `cargo xtask docs`"],
        );
        check(
            "<!-- generated: sum -->\n1 + 1 = 2\n",
            &["1: the generated block `sum` has no end; add `<!-- end: sum -->`"],
        );
        check(
            "<!-- generated: product -->\n<!-- end: product -->\n",
            &["1: the generated block `product` cannot be made; its name is one of: sum, broken"],
        );
        check(
            "<!-- generated: broken -->\n<!-- end: broken -->\n",
            &["1: the generated block `broken` cannot be made; no program"],
        );
    }

    #[test]
    fn blocks_are_rewritten_and_nothing_else() {
        let text = "a\n<!-- generated: sum -->\nold\nolder\n<!-- end: sum -->\nb\n\
                    <!-- generated: sum -->\n<!-- end: sum -->\n";
        let tree = markdown(text);
        let mut made = Made::new(Path::new("."), GENERATORS);
        let text = rewritten(&tree.files[0], &mut made).unwrap();
        assert_eq!(
            text,
            "a\n<!-- generated: sum -->\n1 + 1 = 2\n<!-- end: sum -->\nb\n\
             <!-- generated: sum -->\n1 + 1 = 2\n<!-- end: sum -->\n"
        );
        check(&text, &[]);
    }

    #[test]
    fn unfinished_blocks_are_not_rewritten() {
        let tree = markdown("<!-- generated: sum -->\nprecious\n");
        let mut made = Made::new(Path::new("."), GENERATORS);
        assert!(rewritten(&tree.files[0], &mut made).unwrap_err().contains("has no end"));
    }

    #[test]
    fn the_program_is_found_in_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"C:\\target\\a.exe","fresh":true}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages).as_deref(), Some(r"C:\target\a.exe"));
        assert_eq!(executable(r#"{"executable":null}"#), None);
    }

    #[test]
    fn a_program_that_fails_is_named() {
        assert!(output_of(Path::new("."), &["--version"]).unwrap().starts_with("cargo "));
        let message = output_of(Path::new("."), &["--no-such-flag"]).unwrap_err();
        assert!(message.contains("`cargo --no-such-flag` failed"));
    }
}
