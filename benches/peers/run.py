#!/usr/bin/env python3
"""Measures glassnet beside its peers and writes RESULTS.md. `--help` says how; README.md says what it means."""

from __future__ import annotations

import argparse
import datetime
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.dont_write_bytecode = True

import environment  # noqa: E402
import footprint  # noqa: E402
import heatmap  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import selftest  # noqa: E402
import widthmap  # noqa: E402
from cases import CASES, MAP_BATCHES, MAP_WIDTHS, MAP_WIDTHS_FULL, MAP_WIDTHS_QUICK, TRAINING  # noqa: E402
from contestants import HERE, OURS, PEERS, Seat, command, default_threads  # noqa: E402
from contestants import environment as variables  # noqa: E402
from measure import Bank, Pace, say  # noqa: E402
from process import Failure, Process  # noqa: E402

EXTRAS = ("map", "footprint", "bench")
PARTS = tuple(case.name for case in CASES) + EXTRAS


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures glassnet beside PyTorch, JAX, scikit-learn, ONNX Runtime, burn and candle.",
        epilog=f"Parts: {', '.join(PARTS)}; `train` and `infer` stand for all cases of their kind.",
    )
    parser.add_argument("--quick", action="store_true", help="few rounds and a coarse map: a few minutes")
    parser.add_argument(
        "--full", action="store_true", help="the map at every multiple of 8, and more rounds: about an hour"
    )
    parser.add_argument("--only", metavar="PARTS", help="measure only these, separated by commas")
    parser.add_argument(
        "--peers",
        metavar="NAMES",
        help=f"only these peers: {', '.join(p.key for p in PEERS)}; none for ours alone",
    )
    parser.add_argument(
        "--threads", metavar="COUNTS", help="thread counts, such as 1,2 (default: 1 and all processors)"
    )
    parser.add_argument("--rounds", type=int, help="rounds per case (default 5, quick 2, full 10)")
    parser.add_argument("--seconds", type=float, help="seconds per contestant and round (default 0.4, quick 0.15)")
    parser.add_argument(
        "--venv", type=Path, help="a virtual environment with the peers; one that exists is taken as it is"
    )
    parser.add_argument(
        "--output",
        type=Path,
        help="the folder for RESULTS.md, its CSV files and the map "
        "(default: this folder if everything is measured, else `peers/results` in Cargo's target folder)",
    )
    parser.add_argument(
        "--selftest", action="store_true", help="check this harness with glassnet alone; needs no peers"
    )
    given = parser.parse_args()
    if given.quick and given.full:
        parser.error("--quick and --full exclude each other")
    kinds = {kind: [case.name for case in CASES if case.task == kind] for kind in ("train", "infer")}
    wanted = given.only.split(",") if given.only else list(PARTS)
    given.parts = [part for name in wanted for part in kinds.get(name, [name])]
    for name, allowed, found in (
        ("--only", PARTS, given.parts),
        ("--peers", ("none", *(peer.key for peer in PEERS)), given.peers.split(",") if given.peers else []),
    ):
        unknown = [part for part in found if part not in allowed]
        if unknown:
            parser.error(f"{name}: there is no {unknown[0]!r}; there are {', '.join(allowed)}")
    try:
        given.threads = [int(part) for part in given.threads.split(",")] if given.threads else default_threads()
    except ValueError:
        parser.error("--threads: give numbers, such as 1,2")
    if min(given.threads) < 1 or (given.rounds or 1) < 1 or (given.seconds or 1) <= 0:
        parser.error("threads, rounds and seconds are above 0")
    return given


def main() -> int:
    given = arguments()
    # An end from outside goes the way of an interrupt at the keyboard: all processes are ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    work = environment.target_folder() / "peers"
    peers = [peer for peer in PEERS if not given.peers or peer.key in given.peers.split(",")]
    if given.selftest:
        peers = []
    try:
        return run(given, peers, work)
    except KeyboardInterrupt:
        say("interrupted: nothing was written")
        return 130


def run(given: argparse.Namespace, peers: list, work: Path) -> int:
    failures: list[str] = []
    python = Path(sys.executable)
    if any(peer.script for peer in peers):
        folder = given.venv or work / "venv"
        failures += environment.make_venv(folder, given.venv is not None)
        python = environment.python(folder)
    programs, unbuilt = environment.build(any(peer.native for peer in peers))
    failures += unbuilt
    if "glassnet" not in programs or "binary" not in programs:
        say("; ".join(failures))
        return 1

    def start(seat: Seat) -> Process:
        if not seat.framework.script and seat.framework.key not in programs:
            raise Failure("could not be built")
        cache = work / "cache"
        log = work / "log" / f"{seat.name}.txt"
        return Process(command(seat, python, programs), variables(seat, cache), log)

    bank = Bank(start)
    try:
        if given.selftest:
            return selftest.run(bank, programs["binary"], work)
        found = everything(given, peers, programs, bank, start, work)
    finally:
        bank.end()
    found.failures += failures
    complete = not given.only and not given.peers
    output = given.output or (HERE if complete else work / "results")
    output.mkdir(parents=True, exist_ok=True)
    if found.spots:
        widthmap.write_csv(found.spots, output / "map.csv")
        heatmap.draw(found.spots, output / "map.svg")
    say(f"wrote {report.write(found, output)}")
    return 0


def everything(given: argparse.Namespace, peers: list, programs: dict, bank: Bank, start, work: Path) -> results.Found:
    rounds = given.rounds or (2 if given.quick else 10 if given.full else 5)
    pace = Pace(rounds, given.seconds or (0.15 if given.quick else 0.4))
    begun = time.monotonic()
    found = results.Found(
        command=shlex.join(["run.py", *sys.argv[1:]]) if not given.venv else "run.py " + shlex.join(_without_paths()),
        begun=datetime.date.today().isoformat(),
        quick=given.quick,
        pace=pace,
        threads=given.threads,
        revision=revision(),
        load=os.getloadavg()[0],
    )
    data = work / "data"
    seats = [Seat(framework, threads) for framework in (OURS, *peers) for threads in given.threads]
    for case in CASES:
        if case.name in given.parts:
            say(f"{case.name}: {case.title}")
            found.cells += measure.measure(case, seats, pace, bank, data)
    if "bench" in given.parts:
        found.bench = beside_bench(programs["binary"], pace, bank, data)
    found.hello = dict(bank.hello)
    if "map" in given.parts:
        found.spots = draw_map(given, peers, bank, data)
    found.hello.update(bank.hello)
    # Memory is measured in processes that have done nothing else, so the others end first.
    bank.end()
    if "footprint" in given.parts:
        weigh(found, peers, programs["binary"], start, data)
    found.minutes = (time.monotonic() - begun) / 60
    return found


def _without_paths() -> list[str]:
    """The arguments without folders, which mean nothing elsewhere."""
    kept, skip = [], False
    for argument in sys.argv[1:]:
        if skip:
            skip = False
        elif argument in ("--venv", "--output"):
            skip = True
        elif not argument.startswith(("--venv=", "--output=")):
            kept.append(argument)
    return kept


def beside_bench(binary: Path, pace: Pace, bank: Bank, data: Path) -> list:
    """Our contestant and `glassnet bench` in turn."""
    rows = []
    seat = Seat(OURS, 1)
    for case in TRAINING:
        say(f"glassnet bench: {case.name}")
        seconds = pace.seconds * case.stretch
        try:
            theirs = []
            alone = Pace(1, seconds, steps=4)
            ours = []
            for _ in range(max(2, pace.rounds // 2)):
                cell = measure.measure(case, [seat], alone, bank, data)[0]
                if cell.mins:
                    ours.append(cell.min)
                theirs.append(footprint.bench(binary, case, 2 * seconds)["min"])
            if ours:
                rows.append((case, min(ours), min(theirs)))
        except Failure as failure:
            say(f"  {failure}")
    return rows


def draw_map(given: argparse.Namespace, peers: list, bank: Bank, data: Path) -> list[widthmap.Spot]:
    torch = next((peer for peer in peers if peer.key == "pytorch"), None)
    if torch is None:
        say("map: left out, for it compares with PyTorch")
        return []
    fused = next(form for form in torch.forms if form.form == "fused")
    seats = [(Seat(OURS, threads), OURS.forms[0]) for threads in given.threads]
    seats += [(Seat(torch, threads), fused) for threads in given.threads]
    widths = MAP_WIDTHS_FULL if given.full else MAP_WIDTHS
    if given.quick:
        widths = tuple(width for width in MAP_WIDTHS if width in MAP_WIDTHS_QUICK)
    rounds, seconds = (2, 0.02) if given.quick else (3, 0.05)
    return widthmap.measure(widths, MAP_BATCHES, seats, rounds, seconds, bank, data)


def weigh(found: results.Found, peers: list, binary: Path, start, data: Path) -> None:
    case = next(case for case in TRAINING if case.name == "case3")
    say("memory and start")
    found.starts = footprint.starts(binary)
    torch = [peer for peer in peers if peer.key == "pytorch"]
    fresh = Bank(start)
    tables = footprint.TABLES_QUICK if found.quick else footprint.TABLES
    jobs: list[Callable[[], footprint.Memory]] = [
        partial(footprint.of_command, binary, case, rows, kind) for rows, kind in tables
    ]
    jobs += [partial(footprint.of_worker, case, Seat(one, 1), fresh, data) for one in (OURS, *torch)]
    try:
        for job in jobs:
            try:
                found.memory.append(job())
            except Failure as failure:
                found.failures.append(f"memory: {failure}")
    finally:
        fresh.end()


def revision() -> str:
    """The commit, and whether files differ from it."""

    def git(*words: str) -> str:
        try:
            done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
        except OSError:
            return ""
        return done.stdout.strip()

    commit = git("rev-parse", "--short=10", "HEAD") or "unknown"
    changed = git("status", "--porcelain", "--", str(environment.ROOT / "crates"))
    return commit + (" with changes" if changed else "")


if __name__ == "__main__":
    sys.exit(main())
