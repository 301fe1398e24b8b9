//! `glassnet-fuzz [TARGET…] [--seconds 60] [--seed 0]`, which `cargo xtask fuzz` calls: changes committed files at random and looks for panics, aborts and
//! wrong values.
//!
//! Inputs run in a process of their own, which writes down the number of each before it runs: where it dies without a
//! word (a stack that overflows, memory that runs out), the number tells the input. Findings are kept in `fuzz/artifacts`, as
//! cargo-fuzz keeps them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks to its terminal")]

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use glassnet_fuzz::runner::{self, Plan};
use glassnet_fuzz::{TARGETS, Target, find, mutate, seeds};

const USAGE: &str = "usage: glassnet-fuzz [TARGET…] [--seconds 60] [--seed 0] [--memory MB] [--file FILE] [--export FOLDER]";

/// An input that takes longer is a finding.
const SLOW: Duration = Duration::from_secs(2);

/// The memory that a process may ask for, in megabytes.
const MEMORY: u64 = 2048;

fn main() -> ExitCode {
    match arguments().and_then(|arguments| arguments.run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

struct Arguments {
    targets: Vec<&'static Target>,
    seconds: u64,
    seed: u64,
    memory: u64,
    /// A file to run as it is.
    file: Option<PathBuf>,
    /// A folder for the files that changes begin with.
    export: Option<PathBuf>,
    /// The process that runs inputs: the number of the first, and where it writes the number of each.
    within: Option<(u64, PathBuf)>,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        targets: vec![],
        seconds: 60,
        seed: 0,
        memory: MEMORY,
        file: None,
        export: None,
        within: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        let number = |text: String| {
            text.parse::<u64>().map_err(|_| format!("{text:?} is no whole number\n{USAGE}"))
        };
        match word.as_str() {
            "--seconds" => found.seconds = number(value()?)?,
            "--seed" => found.seed = number(value()?)?,
            "--memory" => found.memory = number(value()?)?,
            "--file" => found.file = Some(value()?.into()),
            "--export" => found.export = Some(value()?.into()),
            "--within" => found.within = Some((number(value()?)?, value()?.into())),
            name => {
                let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
                let known = find(name).ok_or_else(|| {
                    format!("there is no target {name:?}: choose of {}\n{USAGE}", names.join(", "))
                })?;
                found.targets.push(known);
            }
        }
    }
    if found.targets.is_empty() {
        found.targets.extend(TARGETS);
    }
    Ok(found)
}

impl Arguments {
    fn run(&self) -> Result<bool, String> {
        if let (Some((from, progress)), [target]) = (&self.within, &self.targets[..]) {
            return self.within(target, *from, progress);
        }
        if let Some(file) = &self.file {
            let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            for target in &self.targets {
                let read = if (target.run)(&bytes) { "accepted" } else { "refused" };
                println!("{}: {read}", target.name);
            }
            return Ok(true);
        }
        if let Some(folder) = &self.export {
            return export(&self.targets, folder).map(|()| true);
        }
        let mut clean = true;
        for target in &self.targets {
            clean &= self.watched(target)?;
        }
        Ok(clean)
    }

    /// Runs inputs in this process, and prints what came of them for the one that watches.
    fn within(&self, target: &Target, from: u64, progress: &Path) -> Result<bool, String> {
        let fail = |error: std::io::Error| format!("{}: {error}", progress.display());
        let mut file = File::create(progress).map_err(fail)?;
        let files = (target.seeds)();
        let plan = Plan {
            seed: self.seed,
            from,
            executions: u64::MAX,
            time: Some(Duration::from_secs(self.seconds)),
        };
        let outcome = runner::run(target, &files, plan, &mut |execution| {
            // Without the number a death is a finding without its input; that is said then.
            let _ =
                file.rewind().and_then(|()| file.write_all(format!("{execution:20}").as_bytes()));
        });
        for finding in &outcome.findings {
            let path = keep(target, "panic", finding.execution, &finding.bytes)?;
            println!("  panic: {}\n    {}", finding.message, path.display());
        }
        let (slowest, taken) = outcome.slowest;
        if taken > SLOW {
            let bytes = mutate::input(target, &files, self.seed, slowest);
            let path = keep(target, "slow", slowest, &bytes)?;
            println!("  slow: {:.1} s\n    {}", taken.as_secs_f64(), path.display());
        }
        println!(
            "  {} inputs, {:.1} % of them accepted, the slowest in {:.0} ms, {} panics",
            outcome.executions,
            100.0 * outcome.accepted as f64 / outcome.executions.max(1) as f64,
            taken.as_secs_f64() * 1000.0,
            outcome.findings.len(),
        );
        Ok(outcome.findings.is_empty() && taken <= SLOW)
    }

    /// Runs inputs in processes of their own until the time is over.
    fn watched(&self, target: &Target) -> Result<bool, String> {
        let folder = findings(target);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let progress = folder.join("progress");
        let files = (target.seeds)();
        println!("{}: {} files to begin with, seed {}", target.name, files.len(), self.seed);
        let started = Instant::now();
        let (mut from, mut clean, mut deaths) = (0, true, 0);
        loop {
            let left = self.seconds.saturating_sub(started.elapsed().as_secs());
            let status = self
                .process(target, from, left, &progress)?
                .status()
                .map_err(|error| format!("no process can be started: {error}"))?;
            match status.code() {
                Some(0) => return Ok(clean),
                Some(1) => return Ok(false),
                Some(code) => return Err(format!("a process ended with status {code} of its own")),
                // By a signal: an abort.
                None => {}
            }
            let text = fs::read_to_string(&progress).unwrap_or_default();
            let died: u64 = text.trim().parse().map_err(|_| "a process died before it began")?;
            let bytes = mutate::input(target, &files, self.seed, died);
            let path = keep(target, "death", died, &bytes)?;
            println!("  died ({status})\n    {}", path.display());
            (from, clean, deaths) = (died + 1, false, deaths + 1);
            if deaths == runner::MOST_FINDINGS || left == 0 {
                return Ok(false);
            }
        }
    }

    /// The process that runs inputs, with bounded memory where the system can bound it.
    fn process(
        &self,
        target: &Target,
        from: u64,
        seconds: u64,
        progress: &Path,
    ) -> Result<Command, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = if cfg!(unix) {
            let mut shell = Command::new("sh");
            let limit = format!("ulimit -v {}; exec \"$0\" \"$@\"", self.memory * 1024);
            shell.arg("-c").arg(limit).arg(own);
            shell
        } else {
            Command::new(own)
        };
        command.arg(target.name).args(["--seconds", &seconds.to_string()]);
        command.args(["--seed", &self.seed.to_string(), "--within", &from.to_string()]);
        command.arg(progress);
        Ok(command)
    }
}

/// Writes the files of `targets` into `folder`.
fn export(targets: &[&Target], folder: &Path) -> Result<(), String> {
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(fail)?;
    for target in targets {
        for (number, file) in (target.seeds)().iter().enumerate() {
            let path = folder.join(format!("{}-{number}", target.name));
            fs::write(path, &file.bytes).map_err(fail)?;
        }
    }
    Ok(())
}

/// Where a target's findings are kept.
fn findings(target: &Target) -> PathBuf {
    seeds::root().join("fuzz/artifacts").join(target.name)
}

fn keep(target: &Target, sort: &str, execution: u64, bytes: &[u8]) -> Result<PathBuf, String> {
    let path = findings(target).join(format!("{sort}-{execution}"));
    fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
