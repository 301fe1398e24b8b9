//! The wheel: built by maturin as it is shipped, installed where nothing else is, and tried there.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{CRATE, find_python, run_to_end};
use crate::ci::{target_folder, without_our_variables};

/// The most bytes that a wheel may have.
const MOST_BYTES: u64 = 10_000_000;

/// What a wheel must do where NumPy is all that it finds: learn, be differentiated, explain.
const TRIAL: &str = r#"
import sys, time
import numpy as np
begun = time.perf_counter()
import glassnet as gn
took = 1000 * (time.perf_counter() - begun)
beside = {"pandas", "scipy", "sklearn", "torch"} & set(sys.modules)
assert not beside, f"import glassnet imports {beside}"
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
y = np.array([0, 1, 1, 0])
model = gn.MLPClassifier((16,), learning_rate_init=0.05, max_iter=500, random_state=0).fit(x, y)
assert (model.predict(x) == y).all(), model.predict(x)
net = gn.nn.Sequential(gn.nn.Linear(2, 8), gn.nn.Tanh(), gn.nn.Linear(8, 2))
gn.nn.functional.cross_entropy(net(x), gn.tensor(y)).backward()
assert net[0].weight.grad.abs().sum() > 0
assert "tanh" in gn.derive("tanh(z)").text()
print(f"glassnet {gn.__version__} works with Python {sys.version.split()[0]} and NumPy {np.__version__}; "
      f"imported within {took:.0f} ms after NumPy")
"#;

/// Builds the wheel in the target folder's `wheels/` and tries it. The answer is whether it is small enough and works.
pub(super) fn run(root: &Path) -> Result<bool, String> {
    let python =
        find_python().ok_or("there is no Python ≥ 3.10 with the modules venv and ensurepip")?;
    let target = target_folder(root)?;
    let (tools, wheels) = (target.join("python").join("wheel-tools"), target.join("wheels"));
    let maturin = install(&python, &tools, &["maturin>=1.16,<2".into()])?;
    let mut build = Command::new(maturin);
    build.args(["-m", "maturin", "build", "--release", "--strip", "--interpreter"]);
    build.arg(&python).arg("--out").arg(&wheels);
    build.current_dir(root.join(CRATE)).env("CARGO_TARGET_DIR", &target);
    without_our_variables(&mut build);
    if wheels.exists() {
        // So that what lies there afterwards is what was built.
        std::fs::remove_dir_all(&wheels).map_err(|e| format!("{}: {e}", wheels.display()))?;
    }
    run_to_end(build)?;
    let wheel = only_wheel(&wheels)?;
    let bytes = std::fs::metadata(&wheel).map_err(|e| format!("{}: {e}", wheel.display()))?.len();
    println!("{}: {bytes} bytes, at most {MOST_BYTES} allowed", wheel.display());

    let interpreter =
        install(&python, &target.join("python").join("wheel"), &[wheel.display().to_string()])?;
    let mut trial = Command::new(interpreter);
    // Isolated: neither this folder nor the environment's variables lend it another glassnet.
    trial.args(["-I", "-c", TRIAL]);
    let works = trial.status().map_err(|error| format!("{trial:?} cannot be started: {error}"))?;
    Ok(works.success() && bytes <= MOST_BYTES)
}

/// A fresh environment in `folder` with `packages` in it; its interpreter.
fn install(python: &str, folder: &Path, packages: &[String]) -> Result<PathBuf, String> {
    let mut make = Command::new(python);
    make.args(["-m", "venv", "--clear"]).arg(folder);
    run_to_end(make)?;
    let interpreter = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let interpreter = folder.join(interpreter);
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    run_to_end(pip)?;
    Ok(interpreter)
}

fn only_wheel(folder: &Path) -> Result<PathBuf, String> {
    let unreadable = |error: std::io::Error| format!("{}: {error}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| format!("maturin left no wheel in {}", folder.display()))
}
