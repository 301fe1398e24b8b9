//! The engine's tests with every access to memory watched: by an address sanitizer, which needs a nightly toolchain, on all
//! instruction sets of the processor; or by valgrind, which imitates a processor without AVX-512, many times slower.
//!
//! What is watched is what the safety of the kernels' raw pointers rests on. An allocation's end is seen, the end of a value
//! within a plan's one piece of memory is not: so the kernels' tests give each operand an allocation of its own, and
//! `engine/schedule/tests.rs` compares what instructions touch with what they say.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::ci::{Report, count_tests, target_folder, without_our_variables};
use crate::docs::{executable, output_of_command};

/// The rooms that run kernels.
const ROOMS: [&str; 3] = ["engine::", "train::", "trace::"];

/// What valgrind takes too long for, and what raw pointers have no part in: comparisons of what instructions say.
const SLOW: [&str; 4] = [
    "engine::schedule::tests::parts_are",
    "engine::schedule::tests::nobody_touches",
    "engine::schedule::tests::all_programs",
    "engine::pool::tests",
];

/// Tests that compare the signs of zeros: with fused multiply-adds, valgrind 3.19 gives others than a processor.
const SIGNS: [&str; 3] = [
    "engine::cross_entropy::tests::many_rows_add_up",
    "engine::cross_entropy::tests::one_pass_has",
    "engine::tests::functions_and_their_derivatives",
];

/// Systems for which there is a sanitizer's runtime.
const SANITIZED: [&str; 4] = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
];

/// Runs `cargo xtask sanitize [asan | valgrind]`. The answer is whether all tests passed and nothing was found.
pub fn run(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let host = host()?;
    let nightly = nightly().filter(|_| SANITIZED.contains(&host.as_str()));
    let valgrind = works(Command::new("valgrind").arg("--version"));
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = match (words.as_slice(), nightly) {
        ([] | ["asan"], Some(nightly)) => sanitized(root, nightly, &host)?,
        ([] | ["valgrind"], _) if valgrind => imitated(root)?,
        ([] | ["asan" | "valgrind"], _) => return Err(MISSING.to_owned()),
        _ => return Err("give `asan`, `valgrind` or nothing".to_owned()), // not operations: words
    };
    println!("{} passed, {} failed", report.passed, report.failed);
    Ok(report.failed == 0)
}

const MISSING: &str = "neither is there: a nightly toolchain (rustup toolchain install nightly) or valgrind (Debian, Ubuntu: \
                       apt install valgrind)";

/// Under the address sanitizer.
fn sanitized(root: &Path, mut cargo: Command, host: &str) -> Result<Report, String> {
    println!("address sanitizer, on every instruction set of this processor");
    let target = target_folder(root)?.join("xtask").join("sanitize");
    let mut flags = std::env::var_os("RUSTFLAGS").unwrap_or_default();
    flags.push(" -Zsanitizer=address --cfg sanitized");
    // With a target named, what builds the crates is not sanitized itself.
    cargo.args(["test", "--package", "glassnet", "--lib", "--target", host, "--"]).args(ROOMS);
    cargo.current_dir(root).env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", flags);
    // Leaks are no errors of the kernels', and looking for them fails where processes may not be watched.
    let options = "detect_leaks=0:detect_stack_use_after_return=1:allocator_may_return_null=1";
    cargo.env("ASAN_OPTIONS", options);
    without_our_variables(&mut cargo);
    count_tests(cargo)
}

/// Under valgrind.
fn imitated(root: &Path) -> Result<Report, String> {
    println!("valgrind, on the instruction sets up to AVX2");
    // What `cargo test` builds, too.
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["test", "--package", "glassnet", "--lib", "--no-run", "--message-format", "json"]);
    build.current_dir(root);
    let tests = executable(&output_of_command(&mut build)?).ok_or("cargo named no test program")?;
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=99", "--fair-sched=yes"]).arg(tests).args(ROOMS);
    command.args(["--test-threads", "1"]);
    command.args(SLOW.iter().chain(&SIGNS).flat_map(|name| ["--skip", name]));
    // Where cargo runs them.
    command.current_dir(root.join("crates").join("glassnet"));
    count_tests(command)
}

/// A cargo of a nightly toolchain.
fn nightly() -> Option<Command> {
    let with = |arguments: &[&str]| {
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo"]).args(arguments);
        command
    };
    if works(&mut with(&["--version"])) {
        return Some(with(&[]));
    }
    let cargo: OsString = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = output_of_command(Command::new(&cargo).arg("--version")).ok()?;
    version.contains("-nightly").then(|| Command::new(cargo))
}

/// The system that cargo compiles for by itself.
fn host() -> Result<String, String> {
    let told = output_of_command(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc tells no host".to_owned())
}

fn works(command: &mut Command) -> bool {
    output_of_command(command).is_ok()
}
