//! The Python package's tests: the extension is built by cargo and put beside a copy of the package, a virtual environment
//! gets what the tests need, and pytest runs the tests and the examples of the docstrings.
//!
//! Everything lies in `python/` below the target folder: `package/` (the copy, with the extension), `venv/`. The environment
//! is made once, and again when `tests/requirements.txt` changes; only then the network is needed. `wheel` makes what is
//! installed by pip.
#![allow(clippy::print_stdout, reason = "a command speaks to its terminal")]

mod wheel;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ci::{Report, count_pytests, target_folder, without_our_variables};

/// The crate, from the repository's root.
const CRATE: &str = "crates/glassnet-py";

/// Pythons to try, the first one that is new enough is taken; `PYTHON` in the environment comes before them.
const PYTHONS: [&str; 7] =
    ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/// Runs `cargo xtask python [--release] [pytest's arguments…]`. The answer is whether all tests passed, or none could run.
/// `--wheel` builds the wheel instead, and tries it.
pub fn run(root: &Path, arguments: &[String]) -> Result<bool, String> {
    if arguments.first().is_some_and(|first| first == "--wheel") {
        return wheel::run(root);
    }
    let release = arguments.first().is_some_and(|first| first == "--release");
    let pytest = &arguments[usize::from(release)..];
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // No `--package`: that would choose other features for the dependencies and compile them again.
    build.args(["build", "--lib"]);
    if release {
        build.arg("--release");
    }
    let report = test(root, build, if release { "release" } else { "debug" }, pytest)?;
    if let Some(note) = report.note() {
        println!("{note}");
    }
    println!("{}", report.counts());
    Ok(report.failed == 0)
}

/// Builds the extension by `build`, which leaves it in the target folder's `profile`, and runs pytest with `arguments`.
pub(crate) fn test(
    root: &Path,
    mut build: Command,
    profile: &str,
    arguments: &[String],
) -> Result<Report, String> {
    let Some(python) = find_python() else {
        return Ok(Report::skipped(
            "there is no Python ≥ 3.10 with the modules venv and ensurepip",
        ));
    };
    let target = target_folder(root)?;
    build.current_dir(root).env("CARGO_TARGET_DIR", &target);
    without_our_variables(&mut build);
    run_to_end(build)?;

    let folder = target.join("python");
    let package = folder.join("package");
    lay_out(&root.join(CRATE), &target.join(profile), &package)
        .map_err(|error| format!("the package cannot be laid out: {error}"))?;
    let requirements = root.join(CRATE).join("tests").join("requirements.txt");
    let interpreter = match environment(&python, &folder.join("venv"), &requirements)? {
        Environment::Ready(interpreter) => interpreter,
        Environment::Without(reason) => return Ok(Report::skipped(reason)),
    };

    let mut pytest = Command::new(interpreter);
    pytest.args(["-m", "pytest", "-p", "no:cacheprovider"]).args(arguments);
    if !arguments.iter().any(|argument| !argument.starts_with('-') && argument.contains("test")) {
        pytest.args(["--doctest-modules", "tests"]).arg(package.join("glassnet"));
    }
    pytest.current_dir(root.join(CRATE)).env("PYTHONPATH", &package);
    pytest.env("PYTHONDONTWRITEBYTECODE", "1");
    without_our_variables(&mut pytest);
    count_pytests(pytest)
}

/// The name of a Python that is new enough and can make environments.
fn find_python() -> Option<String> {
    let named = std::env::var("PYTHON").ok().filter(|name| !name.is_empty());
    let suits = |name: &String| {
        let test = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
        Command::new(name).args(["-c", test]).output().is_ok_and(|output| output.status.success())
    };
    named.into_iter().chain(PYTHONS.map(str::to_owned)).find(suits)
}

/// What an interpreter says of itself: another one needs another environment.
fn version(python: &str) -> String {
    let said = Command::new(python).arg("--version").output();
    said.map_or_else(
        |_| python.to_owned(),
        |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
    )
}

/// An environment of Python, or why there is none.
enum Environment {
    /// Its interpreter.
    Ready(PathBuf),
    /// What it lacks.
    Without(String),
}

/// An environment in `folder` with what the file `requirements` lists.
fn environment(python: &str, folder: &Path, requirements: &Path) -> Result<Environment, String> {
    let unable =
        |error: std::io::Error| format!("{} cannot be prepared: {error}", folder.display());
    let wanted = std::fs::read_to_string(requirements).map_err(unable)?;
    let interpreter = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let interpreter = folder.join(interpreter);
    // Written last, so that an environment that was only half made is made again.
    let stamp = folder.join("requirements.txt");
    let wanted = format!("# {}\n{wanted}", version(python));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Environment::Ready(interpreter));
    }
    println!("making {}", folder.display());
    let mut make = Command::new(python);
    make.args(["-m", "venv", "--clear"]).arg(folder);
    run_to_end(make)?;
    let mut install = Command::new(&interpreter);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]);
    install.arg(requirements);
    if let Err(message) = run_to_end(install) {
        return Ok(Environment::Without(format!(
            "what {} lists could not be installed (is there a network?): {message}",
            requirements.display()
        )));
    }
    std::fs::write(&stamp, wanted).map_err(unable)?;
    Ok(Environment::Ready(interpreter))
}

/// A copy of the package at `package/glassnet`, with the extension of `built` in it.
fn lay_out(source: &Path, built: &Path, package: &Path) -> std::io::Result<()> {
    if package.exists() {
        std::fs::remove_dir_all(package)?;
    }
    let inside = package.join("glassnet");
    copy(&source.join("python").join("glassnet"), &inside)?;
    let (library, extension) = if cfg!(windows) {
        ("_glassnet.dll", "_glassnet.pyd")
    } else if cfg!(target_os = "macos") {
        ("lib_glassnet.dylib", "_glassnet.abi3.so")
    } else {
        ("lib_glassnet.so", "_glassnet.abi3.so")
    };
    std::fs::copy(built.join(library), inside.join(extension)).map(|_| ())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_name() == "__pycache__" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else {
            std::fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}

/// Runs a command that must succeed.
fn run_to_end(mut command: Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?} ended with {status}")),
        Err(error) => Err(format!("{command:?} cannot be started: {error}")),
    }
}
