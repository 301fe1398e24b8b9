//! Runs programs in the open, and counts the tests that they report.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::{Context, Report};

/// A cargo command at the repository's root, without the variables that `cargo run` gave to us: they
/// describe this program, and build scripts would take them for a change.
pub(super) fn cargo(context: &Context, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    prepare(&mut command, context);
    command
}

/// Gives a command the repository's root, the target folder and a clean environment.
pub(super) fn prepare(command: &mut Command, context: &Context) {
    command.current_dir(&context.root).env("CARGO_TARGET_DIR", &context.target);
    without_our_variables(command);
}

/// Takes from a command what cargo told this program about itself.
pub(crate) fn without_our_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Whether the command runs and succeeds, in silence: is this tool installed?
pub(super) fn works(mut command: Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Runs a check that only succeeds or fails.
pub(super) fn check(mut command: Command) -> Result<Report, String> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    Ok(Report::of(status.success()))
}

/// Runs a command whose standard output reports tests: shows it as it comes, and counts.
pub(crate) fn count_tests(command: Command) -> Result<Report, String> {
    count(command, Tally::read)
}

/// As [`count_tests`], for pytest.
pub(crate) fn count_pytests(command: Command) -> Result<Report, String> {
    count(command, Tally::read_pytest)
}

fn count(mut command: Command, read: fn(&mut Tally, &str)) -> Result<Report, String> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{command:?} cannot be started: {error}"))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        let mut screen = std::io::stdout().lock();
        while output.read_until(b'\n', &mut line).map_err(|error| error.to_string())? > 0 {
            // A closed pipe at our own end must not hide the result.
            let _ = screen.write_all(&line).and_then(|()| screen.flush());
            read(&mut tally, &String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(tally.report(status.success()))
}

/// What test runners have said so far.
#[derive(Debug, Default)]
struct Tally {
    started: usize,
    ended: usize,
    report: Report,
}

impl Tally {
    /// Reads a line of a runner: `running 3 tests`, `test a ... FAILED`, or `test result: …`.
    fn read(&mut self, line: &str) {
        let line = line.trim_end();
        if let Some(result) = line.strip_prefix("test result: ") {
            self.ended += 1;
            self.report.passed += number_before(result, " passed");
            self.report.failed += number_before(result, " failed");
            self.report.skipped += number_before(result, " ignored");
        } else if let Some(test) = line.strip_prefix("test ") {
            if let Some(name) = test.strip_suffix(" ... FAILED") {
                self.report.failures.push(name.to_owned());
            }
        } else if let ["running", count, "test" | "tests"] =
            line.split(' ').collect::<Vec<_>>().as_slice()
        {
            self.started += usize::from(count.parse::<usize>().is_ok());
        }
    }

    /// Reads a line of pytest: `FAILED tests/a.py::b - why`, `ERROR …`, or the last one, `== 3 passed, 1 skipped in 0.1s ==`.
    fn read_pytest(&mut self, line: &str) {
        let line = line.trim_end();
        let summary = line.trim_matches('=').trim();
        if let Some(test) = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR ")) {
            self.report.failures.push(test.split(" - ").next().unwrap_or(test).to_owned());
        } else if is_pytests_sum(summary) {
            // What is expected to fail and does is no test that passed.
            self.report.passed = number_before(summary, " passed");
            self.report.failed = number_before(summary, " failed")
                + number_before(summary, " error")
                + number_before(summary, " xpassed");
            self.report.skipped =
                number_before(summary, " skipped") + number_before(summary, " xfailed");
        }
    }

    /// Adds what the runners couldn't say: one that died in the middle, or never came to be built.
    fn report(mut self, succeeded: bool) -> Report {
        let died = self.started.saturating_sub(self.ended);
        self.report.failed += died;
        if !succeeded && self.report.failed == 0 {
            self.report.failed = 1;
        }
        self.report
    }
}

/// Whether a line is pytest's last one: counts, then ` in 0.12s`.
fn is_pytests_sum(line: &str) -> bool {
    let Some((counts, time)) = line.rsplit_once(" in ") else { return false };
    let seconds = time.split(' ').next().and_then(|time| time.strip_suffix('s'));
    let counted = counts == "no tests ran"
        || counts.split(", ").all(|part| {
            part.split_once(' ').is_some_and(|(count, _)| count.parse::<usize>().is_ok())
        });
    counted && seconds.is_some_and(|seconds| seconds.parse::<f64>().is_ok())
}

/// The number that stands before `unit`; 0 if there is none.
fn number_before(text: &str, unit: &str) -> usize {
    let Some((before, _)) = text.split_once(unit) else { return 0 };
    before.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_tally(output: &str, succeeded: bool, passed: usize, failed: usize, skipped: usize) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read(line));
        let report = tally.report(succeeded);
        assert_eq!((report.passed, report.failed, report.skipped), (passed, failed, skipped));
    }

    const OK: &str = "\
running 2 tests
test a ... ok
test b ... ok
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
";
    const BAD: &str = "\
running 3 tests
test a ... ok
test c ... ignored, slow
test b::d ... FAILED
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    #[test]
    fn runners_are_summed() {
        check_tally(OK, true, 2, 0, 0);
        check_tally(&[OK, BAD, OK].concat(), false, 5, 1, 1);
        let mut tally = Tally::default();
        BAD.lines().for_each(|line| tally.read(line));
        assert_eq!(tally.report.failures, ["b::d"]);
    }

    #[test]
    fn what_was_not_built_or_died_counts_as_failed() {
        check_tally("", false, 0, 1, 0);
        check_tally("", true, 0, 0, 0);
        check_tally(&[OK, "running 5 tests\ntest a ... ok\n", OK].concat(), false, 4, 1, 0);
        check_tally(&["running 1 test\n", BAD].concat(), false, 1, 2, 1);
    }

    fn check_pytest(output: &str, succeeded: bool, passed: usize, failed: usize, skipped: usize) {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read_pytest(line));
        let report = tally.report(succeeded);
        assert_eq!((report.passed, report.failed, report.skipped), (passed, failed, skipped));
    }

    #[test]
    fn pytest_is_counted() {
        check_pytest("===== 12 passed in 0.12s =====\n", true, 12, 0, 0);
        check_pytest("12 passed, 2 warnings in 0.12s\n", true, 12, 0, 0);
        check_pytest(
            "tests/test_a.py ..\n===== 2 passed, 1 skipped in 61.00s (0:01:01) =====",
            true,
            2,
            0,
            1,
        );
        let bad = "\
FAILED tests/test_a.py::test_b[1 - 2] - assert 3 == 4
ERROR tests/test_c.py
== 1 failed, 5 passed, 2 xfailed, 1 warning, 1 error in 0.1s ==
";
        check_pytest(bad, false, 5, 2, 2);
        // It died, or found nothing to run.
        check_pytest("tests/test_a.py ..Fatal Python error: Aborted\n", false, 0, 1, 0);
        check_pytest("===== no tests ran in 0.01s =====\n", false, 0, 1, 0);
        check_pytest("2 passed in a line of a test\n", true, 0, 0, 0);
    }

    #[test]
    fn other_lines_are_not_counted() {
        check_tally("running out of tests\nrunning 3 laps\nall: 5 passed\n", true, 0, 0, 0);
    }
}
