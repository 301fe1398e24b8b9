"""What must be there before anything is measured: the peers' Python packages and the compiled programs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from contestants import HERE
from measure import say

ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.txt"


def target_folder() -> Path:
    """Where Cargo builds, and where all that is made here goes."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()


def python(folder: Path) -> Path:
    """The interpreter of a virtual environment."""
    return folder / "bin" / "python"


def make_venv(folder: Path, given: bool) -> list[str]:
    """Makes the virtual environment, if it isn't there; returns what could not be installed.

    One that the user named is taken as it is when it exists."""
    pins = [line.strip() for line in REQUIREMENTS.read_text().splitlines()]
    pins = [line for line in pins if line and not line.startswith("#")]
    stamp = folder / "glassnet-peers"
    digest = hashlib.sha256("\n".join(pins).encode()).hexdigest()
    exists = python(folder).exists()
    if exists and (given or stamp.exists() and stamp.read_text() == digest):
        return []
    if not exists:
        say(f"making a virtual environment in {folder}")
        if subprocess.run([sys.executable, "-m", "venv", str(folder)]).returncode != 0:
            return [f"no virtual environment could be made with {sys.executable}, so no peer in Python takes part"]
    install = [str(python(folder)), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    say("installing the peers (this takes minutes and gigabytes the first time)")
    failures = []
    if subprocess.run([*install, "-r", str(REQUIREMENTS)]).returncode != 0:
        say("together they can't be installed; trying one by one")
        for pin in pins:
            if subprocess.run([*install, pin]).returncode != 0:
                failures.append(f"{pin} could not be installed")
    if not failures:
        stamp.write_text(digest)
    return failures


def build(peers: bool) -> tuple[dict[str, Path], list[str]]:
    """Builds glassnet's binary, our contestant and the Rust peers; returns programs and what failed."""
    base = target_folder()
    folder = HERE / "rust"
    programs: dict[str, Path] = {}
    failures: list[str] = []

    def cargo(binaries: dict[str, str], where: Path, packages: list[str], target: Path, flags: str | None) -> bool:
        named = " and ".join(packages)
        say(f"building {named}")
        environment = dict(os.environ)
        if flags is not None:
            environment["RUSTFLAGS"] = flags
        command = ["cargo", "build", "--release", "--quiet", "--target-dir", str(target)]
        command += [word for name in packages for word in ("-p", name)]
        try:
            status = subprocess.run(command, cwd=where, env=environment).returncode
        except OSError as error:
            say(str(error))
            status = 1
        if status != 0:
            failures.append(f"{named} could not be built")
            return False
        programs.update((key, target / "release" / binary) for key, binary in binaries.items())
        return True

    # Ours as it is shipped: it finds out at run time what the processor can do.
    cargo({"binary": "glassnet"}, ROOT, ["glassnet-cli"], base, None)
    cargo({"glassnet": "ours"}, folder, ["ours"], base, None)
    if peers:
        # The others for this very processor, and together: alone, each would have what they share built once more.
        native, target = "-C target-cpu=native", base / "peers" / "rust"
        rivals = {"burn": "peer-burn", "candle": "peer-candle"}
        if not cargo(rivals, folder, list(rivals.values()), target, native):
            failures.pop()
            for key, package in rivals.items():
                cargo({key: package}, folder, [package], target, native)
    return programs, failures
