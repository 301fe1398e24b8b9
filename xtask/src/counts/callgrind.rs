//! The example `counts` under valgrind's callgrind, whose counts it writes to a file after each case.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::table::{Count, Counts};
use crate::docs::{output_of, output_of_command};

/// The example's function whose instructions count: the whole name, for with a pattern callgrind takes only one of the two
/// options below.
const FUNCTION: &str = "counts::the_counted_work";

pub(super) fn is_installed() -> bool {
    version().is_ok()
}

/// `valgrind-3.19.0`.
fn version() -> Result<String, String> {
    said(Command::new("valgrind").arg("--version"))
}

/// Builds the example as it is shipped, runs it, and reads what callgrind has written.
pub(super) fn count(root: &Path, target: &Path, words: &[String]) -> Result<Counts, String> {
    let example = ["build", "--release", "--example", "counts"];
    output_of(root, &example)?;
    let folder = fresh(target.join("xtask").join("counts"))?;
    let part = folder.join("part");
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--zero-before={FUNCTION}"))
        .arg(format!("--dump-after={FUNCTION}"))
        .arg(format!("--callgrind-out-file={}", part.display()))
        .arg(target.join("release").join("examples").join("counts"))
        .args(words);
    let printed = said(&mut command)?;
    let mut lines = printed.lines();
    let level = lines.next().and_then(|line| line.strip_prefix("level\t"));
    let level = level.ok_or("the example doesn't tell its instruction set")?.to_owned();
    let compiler = said(Command::new("rustc").arg("--version").current_dir(root))?;
    let mut counts = Counts { compiler, valgrind: version()?, level, counts: vec![] };
    for (number, line) in lines.enumerate() {
        let path = folder.join(format!("part.{}", number + 1));
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("callgrind wrote no count of `{line}`: {error}"))?;
        let instructions =
            total(&text).ok_or_else(|| format!("{} has no line `totals:`", path.display()))?;
        counts.counts.push(counted(line, instructions)?);
    }
    if counts.counts.is_empty() {
        return Err(format!("no case's name contains {}", words.join(" or ")));
    }
    Ok(counts)
}

/// An empty folder.
fn fresh(folder: PathBuf) -> Result<PathBuf, String> {
    let unable = |error| format!("{} cannot be made: {error}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(unable)?;
    }
    std::fs::create_dir_all(&folder).map_err(unable)?;
    Ok(folder)
}

/// What a command prints, without the last newline.
fn said(command: &mut Command) -> Result<String, String> {
    output_of_command(command).map(|text| text.trim_end().to_owned())
}

/// The number of a file's line `totals:`.
fn total(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("totals:"))?.trim().parse().ok()
}

/// A line of the example, `name⇥unit⇥units`, with its instructions.
fn counted(line: &str, instructions: u64) -> Result<Count, String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let units =
        fields.get(2).and_then(|units| units.parse::<u32>().ok()).filter(|&units| units > 0);
    let (&[name, unit, _], Some(units)) = (fields.as_slice(), units) else {
        return Err(format!("the example's line `{line}` can't be read"));
    };
    let instructions = instructions as f64 / f64::from(units);
    Ok(Count { name: name.to_owned(), unit: unit.to_owned(), instructions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_instructions_per_unit() {
        let text = "version: 1\npart: 3\nevents: Ir\nfn=(1)\n0 12\n\ntotals: 1200\n";
        assert_eq!(total(text), Some(1200));
        let count = counted("train 2-2-2\tstep\t80", 1200).unwrap();
        assert_eq!((count.name.as_str(), count.unit.as_str()), ("train 2-2-2", "step"));
        assert_eq!(count.instructions, 15.0);
        assert!(counted("train\tstep\t0", 1).is_err());
        assert!(counted("train step", 1).is_err());
    }
}
