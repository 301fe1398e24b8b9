#!/usr/bin/env python3
"""Writes a CSV table of so many bytes: 784 columns that are like the pixels of handwritten digits, and a label.

    python3 benches/long/generate.py FILE [GIGABYTES] [--decimals]

Four cells of five are 0 as in MNIST; with --decimals every cell is a decimal of four digits instead. Only the standard library.
"""

import random
import sys


def lines(count, decimals, rng):
    """Different rows: noise around one of ten patterns."""
    patterns = [[rng.random() < 0.2 for _ in range(784)] for _ in range(10)]
    for _ in range(count):
        label = rng.randrange(10)
        if decimals:
            cells = ["%.4f" % abs(rng.gauss(0.5 if on else 0.1, 0.2)) for on in patterns[label]]
        else:
            cells = [str(rng.randrange(1, 256)) if on and rng.random() < 0.9 else "0" for on in patterns[label]]
        yield (",".join(cells) + f",{label}\n").encode()


def main():
    decimals = "--decimals" in sys.argv
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    path, size = given[0], float(given[1] if len(given) > 1 else 10) * 1e9
    rng = random.Random(0)
    some = list(lines(20_000, decimals, rng))
    header = ",".join(f"p{i}" for i in range(784)) + ",label\n"
    with open(path, "wb", buffering=1 << 20) as file:
        written = file.write(header.encode())
        while written < size:
            written += file.write(b"".join(rng.choices(some, k=2_000)))


main()
