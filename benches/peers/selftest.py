"""Checks of the harness with glassnet alone: no peer need be installed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import footprint
import heatmap
import oracle
import report
import results
import widthmap
from cases import CASES, MAP_BATCHES, MOMENTUM, Case
from contestants import OURS, Seat
from measure import Bank, Cell, Pace, compare, measure, say
from process import Failure, Process


def run(bank: Bank, binary: Path, work: Path) -> int:
    """Runs all checks; the last line says how many passed and failed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checks = (
            lambda: losses_are_those_of_double_precision(bank, folder),
            lambda: a_case_of_each_kind_is_measured(bank, folder),
            lambda: results_are_written(bank, binary, folder),
            void_rows_do_not_count,
            cliffs_are_found,
            lambda: failures_are_told(folder),
        )
        failed = 0
        for number, check in enumerate(checks, 1):
            try:
                check()
            except (AssertionError, Failure) as error:
                failed += 1
                say(f"check {number}: {error}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


OURS_1 = Seat(OURS, 1)


def losses_are_those_of_double_precision(bank: Bank, folder: Path) -> None:
    """Adam, SGD and momentum; cross-entropy and squared error; against plain loops in double precision."""
    plain = {"name": "sgd", "lr": 0.05, "momentum": 0.0}
    for case in (
        Case("momentum", "train", (2, 2, 2), 4, 16, MOMENTUM),
        Case("adam", "train", (3, 5, 4), 6, 4),
        Case("squares", "train", (3, 5, 4), 6, 4, plain, "mse"),
    ):
        cell = measure(case, [OURS_1], Pace(1, 0.001), bank, folder)[0]
        assert cell.error is None, cell.error
        wanted = oracle.losses(case, 100)
        assert len(cell.values) == 100, f"{len(cell.values)} losses"
        for step, (got, want) in enumerate(zip(cell.values, wanted)):
            assert abs(got / want - 1) < 1e-4, f"{case.name}, step {step}: {got}, not {want}"
        assert cell.values[0] != cell.values[-1], f"{case.name}: nothing was learnt"


def a_case_of_each_kind_is_measured(bank: Bank, folder: Path) -> None:
    """Every figure is there and sensible; a case's files are removed after it."""
    for name in ("case1", "case2b", "infer2-1", "infer2-1024"):
        case = next(case for case in CASES if case.name == name)
        cell = measure(case, [OURS_1], Pace(2, 0.02), bank, folder)[0]
        assert cell.error is None, cell.error
        assert len(cell.mins) == 2 and 0 < cell.min <= cell.median < 1e5, f"{name}: {cell.mins}"
    assert not list(folder.iterdir()), "files are left"


def results_are_written(bank: Bank, binary: Path, folder: Path) -> None:
    """RESULTS.md and the map hold what was measured."""
    case = CASES[0]
    cells = measure(case, [OURS_1], Pace(1, 0.02), bank, folder)
    cells += [Cell(case.name, "JAX scan", 1, [cells[0].min * 2], [cells[0].min * 2], 1)]
    spots = [widthmap.Spot(8, batch, 1.0 + batch, 1, 50.0, 1) for batch in MAP_BATCHES]
    found = results.Found("selftest", "", True, Pace(1, 0.02), [1], "", 0.0, cells, spots)
    found.starts = footprint.starts(binary)
    bench = footprint.bench(binary, case, 0.05)
    assert 0 < bench["min"] <= bench["median"]
    text = report.write(found, folder).read_text()
    for part in ("not met", "2.00 ×", "less than the aim of 5.00 ×", "**PyTorch** is ahead"):
        assert part in text, f"no {part!r} in RESULTS.md"
    heatmap.draw(spots, folder / "map.svg")
    assert (folder / "map.svg").read_text().count("<title>") == len(spots) + 1
    for path in folder.iterdir():
        path.unlink()


def void_rows_do_not_count() -> None:
    """Who computed something else has no ratio."""
    ours = Cell(CASES[0].name, "glassnet", 1, [1.0], [1.0], 1, [0.7, 0.6])
    same = Cell(CASES[0].name, "JAX scan", 1, [5.0], [5.0], 1, [0.7, 0.6001])
    other = Cell(CASES[0].name, "PyTorch eager", 1, [0.1], [0.1], 1, [0.7, 0.5])
    broken = Cell(CASES[0].name, "candle", 1, [0.1], [0.1], 1, [0.7, float("nan")])
    cells = [ours, same, other, broken]
    compare(CASES[0], cells)
    assert [cell.counts for cell in cells] == [True, True, False, False]
    assert results.verdicts(cells)[0].ratio == 5.0
    assert results.verdicts(cells)[1].ratio is None


def cliffs_are_found() -> None:
    """A time proportional to the arithmetic has no cliff; a jump has one, and so has a fall."""

    def spots(change) -> list[widthmap.Spot]:
        return [
            widthmap.Spot(width, batch, 0.3 + widthmap.work(width, batch) * 1e-5 * change(width), 1, 1.0, 1)
            for width in (8, 16, 45, 46, 64)
            for batch in MAP_BATCHES
        ]

    assert not widthmap.cliffs(spots(lambda _: 1.0), "ours")
    jumps = widthmap.cliffs(spots(lambda width: 10.0 if width >= 46 else 1.0), "ours")
    assert jumps and all((jump.before[0], jump.after[0]) == (45, 46) for jump in jumps)
    falls = widthmap.cliffs(spots(lambda width: 10.0 if width < 46 else 1.0), "ours")
    assert falls and all((fall.before[0], fall.after[0]) == (45, 46) for fall in falls)


def failures_are_told(folder: Path) -> None:
    """A contestant that isn't there, ends, hangs or answers nonsense is a sentence, and leaves no process."""

    def words(command: list[str], seconds: float = 5.0) -> str:
        try:
            process = Process(command, {}, folder / "log.txt")
            try:
                process.ask({"do": "hello"}, seconds)
            finally:
                process.end(0.1)
                assert not process.alive
        except Failure as failure:
            return str(failure)
        return ""

    assert "cannot be started" in words(["glassnet-peer-that-is-not-there"])
    assert "ended (status 3): why" in words(["sh", "-c", "echo why >&2; exit 3"])
    assert "gave no answer" in words(["sh", "-c", "sleep 60"], 0.2)
    assert "answered" in words(["sh", "-c", "read line; echo nonsense; sleep 60"])
    assert words(["sh", "-c", 'read line; echo \'{"error": "no such case"}\'; read line']) == "no such case"
