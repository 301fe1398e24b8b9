"""What calls from Python cost, beside PyTorch where it is installed: python calls.py

Build the extension for release first (`cargo xtask python --release`) and let Python find it:
PYTHONPATH=target/python/package. Each time is the least of many repetitions, in microseconds.
"""

import os
import subprocess
import sys
import time

import numpy as np


def least(function, seconds=0.5):
    """The least time of a call, in microseconds: of loops that take a millisecond or more."""
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            function()
        took = time.perf_counter() - start
        if took > 1e-3:
            break
        count *= 2
    best, end = took / count, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(count):
            function()
        best = min(best, (time.perf_counter() - start) / count)
    return best * 1e6


def measure(torch):
    """A name and a time for each thing that is measured."""
    nn = torch.nn
    found = {}
    for widths in ((6, 32, 32, 32, 4), (784, 256, 10)):
        torch.manual_seed(0)
        layers = [each for a, b in zip(widths, widths[1:]) for each in (nn.Linear(a, b), nn.ReLU())][:-1]
        net = nn.Sequential(*layers)
        name = "-".join(map(str, widths))
        for rows in (1, 64):
            x = torch.rand(rows, widths[0])
            with torch.no_grad():
                found[f"{name}, {rows} rows, no_grad"] = least(lambda: net(x))
            found[f"{name}, {rows} rows"] = least(lambda: net(x))
        x, y = torch.rand(64, widths[0]), torch.randint(0, widths[-1], (64,))
        for kind in ("SGD", "Adam"):
            optimizer = getattr(torch.optim, kind)(net.parameters(), lr=1e-3)
            criterion = nn.CrossEntropyLoss()

            def step():
                optimizer.zero_grad()
                criterion(net(x), y).backward()
                optimizer.step()

            found[f"{name}, a training step with {kind}, 64 rows"] = least(step)
    a, b = torch.rand(10), torch.rand(10)
    found["a + b, 10 numbers"] = least(lambda: a + b)
    return found


def importing(code):
    """The least processor time of a new Python that runs `code`, in milliseconds."""
    times = []
    for _ in range(9):
        before = os.times()
        subprocess.run([sys.executable, "-c", code], check=True)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(times) * 1e3


if __name__ == "__main__":
    import glassnet

    columns = {"glassnet": measure(glassnet)}
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed")
    else:
        torch.set_num_threads(1)
        columns["PyTorch"] = measure(torch)
    print(f"numpy {np.__version__}" + (f", torch {torch.__version__}, one thread" if len(columns) > 1 else ""))
    for name in columns["glassnet"]:
        print(f"{name:48}" + "".join(f"  {title} {column[name]:9.2f} µs" for title, column in columns.items()))
    alone, numpy, all_of_it = importing("pass"), importing("import numpy"), importing("import glassnet")
    print(f"processor time of importing glassnet: {all_of_it - alone:.0f} ms, of which NumPy {numpy - alone:.0f} ms")
