#!/usr/bin/env python3
"""Measures training from a table that is larger than the memory it may take, beside the same training in memory.

    cargo build --release && python3 benches/long/run.py [--gigabytes 10] [--folder /var/tmp] [--binary target/release/glassnet]

1. A table of 1 GB is trained on in memory and from a temporary file in turn, five times each: the ratio of rows per second.
2. A table of `--gigabytes` is trained on from a temporary file: seconds up to the first epoch, peak of resident memory.

The temporary folder needs about twice the larger table. Only the standard library. `README.md` has the last results.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent


def train(binary, table, memory, epochs, folder):
    """Trains, and gives the JSON, the seconds of all, and the peak of resident memory in MB."""
    words = [binary, "train", table, "--target", "label", "--task", "classification", "--hidden", "128,64"]
    words += ["--batch-size", "64", "--epochs", str(epochs), "--validation", "0.02", "--memory", memory]
    words += ["--json", "--force", "--output", str(folder / "model.safetensors")]
    start = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    answer = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(map(str, words))}")
    return json.loads(answer), time.monotonic() - start, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    parser.add_argument("--binary", default=str(HERE.parent.parent / "target/release/glassnet"))
    parser.add_argument("--decimals", action="store_true", help="cells of four decimals instead of pixels")
    given = parser.parse_args()
    table = given.folder / "glassnet-long.csv"
    kind = ["--decimals"] if given.decimals else []

    def generate(size):
        subprocess.run([sys.executable, HERE / "generate.py", table, str(size), *kind], check=True)

    try:
        generate(1)
        rates = {"8GB": [], "512MB": []}
        for _ in range(5):
            for memory, found in rates.items():
                answer, _, _ = train(given.binary, table, memory, 4, given.folder)
                found.append(answer["samples_per_second"])
        whole, long = (statistics.median(found) for found in rates.values())
        print(f"1 GB: in memory {whole:,.0f} rows/s, from a temporary file {long:,.0f} rows/s: {long / whole:.3f}")
        generate(given.gigabytes)
        answer, seconds, peak = train(given.binary, table, "512MB", 2, given.folder)
        before = seconds - answer["seconds"]
        size = table.stat().st_size / 1e6
        print(f"{size:,.0f} MB: {before:.0f} s before and after the epochs ({size / before:.0f} MB/s), {answer['seconds']:.0f} s for 2")
        print(f"epochs of {answer['rows_train']:,} rows ({answer['samples_per_second']:,.0f} rows/s); peak {peak:.0f} MB resident")
    finally:
        table.unlink(missing_ok=True)


main()
