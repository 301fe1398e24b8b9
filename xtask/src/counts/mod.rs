//! How many machine instructions the engine takes for a step, a prediction, a kernel's call: counted by valgrind, compared
//! with the counts that are committed in `benches/counts.csv`.
//!
//! A time says how fast a program is, but it shakes by some percent; a count is the same in every run, so a few percent more
//! are seen on any machine, however busy. What is counted stands in the example `counts` of `glassnet`.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]

mod callgrind;
mod table;

use std::path::Path;

use crate::ci::target_folder;
use table::{Counts, Difference};

/// Where the counts are kept.
const BASELINE: &str = "benches/counts.csv";

/// How much a count may grow before it is called worse: less than a slower kernel would make it, more than a compiler's
/// other choice in the code around it.
const TOLERANCE: f64 = 0.02;

/// What to do with the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Print,
    Write,
    Check,
}

/// Runs `cargo xtask counts` with these arguments. The answer is whether nothing has grown, or `None` where valgrind is
/// missing.
pub fn run(root: &Path, arguments: &[String]) -> Result<Option<bool>, String> {
    let (action, words) = read(arguments)?;
    if !callgrind::is_installed() {
        println!("{MISSING}");
        return Ok(None);
    }
    let target = target_folder(root)?;
    let path = root.join(BASELINE);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => Some(Counts::parse(&text).map_err(|error| format!("{BASELINE}: {error}"))?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{BASELINE} cannot be read: {error}")),
    };
    let now = callgrind::count(root, &target, &words)?;
    let differences = now.against(before.as_ref().unwrap_or(&Counts::default()), TOLERANCE);
    print!("{}", now.table(&differences));
    match action {
        Action::Print => Ok(Some(true)),
        Action::Write => {
            std::fs::write(&path, now.to_string())
                .map_err(|error| format!("{BASELINE} cannot be written: {error}"))?;
            println!("wrote {BASELINE}");
            Ok(Some(true))
        }
        Action::Check => {
            let before =
                before.ok_or_else(|| format!("{BASELINE} is missing: {REFRESH} makes it"))?;
            Ok(Some(judge(&before, &now, &differences, words.is_empty())))
        }
    }
}

const MISSING: &str = "valgrind is not installed (Debian, Ubuntu: apt install valgrind; Fedora: dnf install valgrind); nothing \
                       was counted";

const REFRESH: &str = "`cargo xtask counts --write`";

fn read(arguments: &[String]) -> Result<(Action, Vec<String>), String> {
    let (flags, words): (Vec<String>, Vec<String>) =
        arguments.iter().cloned().partition(|argument| argument.starts_with('-'));
    let action = match flags.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => Action::Print,
        ["--write"] if words.is_empty() => Action::Write,
        ["--write"] => return Err("--write counts everything: leave the names out".to_owned()),
        ["--check"] => Action::Check,
        _ => return Err(format!("`{}`: give --write, --check or neither", flags.join(" "))), // not operations: flags
    };
    Ok((action, words))
}

/// Says what the differences mean; whether they are acceptable.
fn judge(before: &Counts, now: &Counts, differences: &[Difference], all: bool) -> bool {
    if before.level != now.level {
        println!(
            "counted on {}, {BASELINE} on {}: they can't be compared",
            now.level, before.level
        );
        return true;
    }
    let count = |wanted: fn(&Difference) -> bool| differences.iter().filter(|d| wanted(d)).count();
    let grown = count(|difference| matches!(difference, Difference::Grown(_)));
    let shrunk = count(|difference| matches!(difference, Difference::Shrunk(_)));
    let new = count(|difference| matches!(difference, Difference::New));
    let gone = if all { before.without(now) } else { vec![] };
    let elsewhere = (&before.compiler, &before.valgrind) != (&now.compiler, &now.valgrind);
    if elsewhere && grown > 0 {
        println!(
            "warning: counted with {} and {}, {BASELINE} with {} and {}: what has grown may be their doing",
            now.compiler, now.valgrind, before.compiler, before.valgrind
        );
    }
    for name in &gone {
        println!("`{name}` is no longer counted");
    }
    if shrunk > 0 || new > 0 || !gone.is_empty() {
        println!("{BASELINE} is no longer what is counted: {REFRESH} writes it anew");
    }
    println!("{grown} grown by more than {} %, {shrunk} shrunk", TOLERANCE * 100.0);
    grown == 0 || elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(compiler: &str, level: &str, instructions: f64) -> Counts {
        let text = format!(
            "# {compiler}; valgrind; {level}\nname,unit,instructions\na,step,{instructions}\n"
        );
        Counts::parse(&text).unwrap()
    }

    fn passes(before: &Counts, now: &Counts) -> bool {
        judge(before, now, &now.against(before, TOLERANCE), true)
    }

    #[test]
    fn more_than_two_percent_fail_unless_the_compiler_is_another() {
        let before = counts("rustc 1", "avx2", 1000.0);
        assert!(passes(&before, &counts("rustc 1", "avx2", 1020.0)));
        assert!(!passes(&before, &counts("rustc 1", "avx2", 1021.0)));
        assert!(passes(&before, &counts("rustc 2", "avx2", 1021.0)));
        assert!(passes(&before, &counts("rustc 1", "portable", 9000.0)));
        assert!(passes(&before, &counts("rustc 1", "avx2", 10.0)));
    }

    #[test]
    fn arguments_are_read_or_refused() {
        let read = |line: &str| read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read("--check train").unwrap(), (Action::Check, vec!["train".to_owned()]));
        assert_eq!(read("--write").unwrap().0, Action::Write);
        assert!(read("--write train").is_err());
        assert!(read("--check --write").is_err());
    }
}
