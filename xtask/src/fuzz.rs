//! The readers of foreign bytes under random input: by cargo-fuzz, which looks for new paths by coverage and needs a nightly
//! toolchain, or by the runner of `glassnet-fuzz`, which changes committed files at random on stable Rust.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]

use std::path::Path;
use std::process::Command;

use crate::ci::without_our_variables;
use crate::docs::output_of_command;

/// The targets, as `glassnet_fuzz::TARGETS` has them.
pub const TARGETS: [&str; 11] = [
    "safetensors",
    "torch",
    "pickle",
    "npz",
    "onnx",
    "csv",
    "tables",
    "notation",
    "vnnlib",
    "certificate",
    "proof",
];

const USAGE: &str = "give `[TARGET…] [--seconds 60] [--seed 0] [--builtin]`";

/// What `cargo xtask fuzz` is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    targets: Vec<String>,
    seconds: u64,
    seed: u64,
    builtin: bool,
}

/// Runs `cargo xtask fuzz [TARGET…] [--seconds 60] [--seed 0] [--builtin]`. The answer is whether nothing was found.
pub fn run(root: &Path, arguments: &[String]) -> Result<bool, String> {
    let asked = asked(arguments)?;
    let guided = !asked.builtin
        && output_of_command(Command::new("rustup").args([
            "run",
            "nightly",
            "cargo",
            "fuzz",
            "--version",
        ]))
        .is_ok();
    if !guided {
        println!(
            "cargo-fuzz with a nightly toolchain is not there or not wanted: by the runner of our own"
        );
        let mut command = own(root);
        command.args(&asked.targets).args(["--seconds", &asked.seconds.to_string()]);
        return succeeds(command.args(["--seed", &asked.seed.to_string()]));
    }
    let mut clean = true;
    for target in &asked.targets {
        let corpus = root.join("fuzz").join("corpus").join(target);
        if !succeeds(own(root).arg(target).arg("--export").arg(&corpus))? {
            return Err(format!("the files of {target} cannot be written"));
        }
        let mut command = Command::new("rustup");
        command.args(["run", "nightly", "cargo", "fuzz", "run", target]).arg(&corpus).arg("--");
        command.args([
            format!("-max_total_time={}", asked.seconds),
            format!("-seed={}", asked.seed + 1),
        ]);
        // Longer inputs find little more and take longer.
        command.args(["-max_len=65536", "-rss_limit_mb=2048", "-timeout=10"]).current_dir(root);
        without_our_variables(&mut command);
        clean &= succeeds(&mut command)?;
    }
    Ok(clean)
}

/// The runner of our own, built fast and with every check.
fn own(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--quiet", "--profile", "fuzz", "--package", "glassnet-fuzz", "--"]);
    command.current_dir(root);
    without_our_variables(&mut command);
    command
}

fn succeeds(command: &mut Command) -> Result<bool, String> {
    let status = command.status();
    status.map(|status| status.success()).map_err(|error| format!("{command:?}: {error}"))
}

fn asked(arguments: &[String]) -> Result<Asked, String> {
    let mut asked = Asked { targets: vec![], seconds: 60, seed: 0, builtin: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().and_then(|value| value.parse().ok());
            value.ok_or_else(|| format!("{word} needs a whole number: {USAGE}"))
        };
        match word.as_str() {
            "--seconds" => asked.seconds = number()?,
            "--seed" => asked.seed = number()?,
            "--builtin" => asked.builtin = true,
            name if TARGETS.contains(&name) => asked.targets.push(name.to_owned()),
            name => {
                return Err(format!("{name:?} is none of {}; {USAGE}", TARGETS.join(", ")));
            }
        }
    }
    if asked.targets.is_empty() {
        asked.targets = TARGETS.map(str::to_owned).to_vec();
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::tree;

    #[test]
    fn arguments_name_targets_and_numbers() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let found = asked(&words("onnx --seconds 5 csv --builtin")).unwrap();
        let targets = words("onnx csv");
        assert_eq!(found, Asked { targets, seconds: 5, seed: 0, builtin: true });
        assert_eq!(asked(&[]).unwrap().targets.len(), TARGETS.len());
        assert!(asked(&words("onx")).unwrap_err().contains("none of safetensors"));
        assert!(asked(&words("--seconds x")).unwrap_err().contains("--seconds"));
    }

    #[test]
    fn every_target_has_a_function_a_shell_and_an_entry() {
        let root = tree::root();
        let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let functions = read("crates/glassnet-fuzz/src/targets/mod.rs");
        let manifest = read("fuzz/Cargo.toml");
        let names = functions.matches("name: \"").count();
        assert_eq!((names, manifest.matches("[[bin]]").count()), (TARGETS.len(), TARGETS.len()));
        for name in TARGETS {
            assert!(functions.contains(&format!("name: \"{name}\"")), "{name}");
            assert!(manifest.contains(&format!("fuzz_targets/{name}.rs")), "{name}");
            assert!(
                read(&format!("fuzz/fuzz_targets/{name}.rs"))
                    .contains(&format!("find(\"{name}\")"))
            );
        }
    }
}
