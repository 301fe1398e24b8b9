"""Compares models with their preprocessing in ONNX Runtime with `glassnet predict`, row by row from the raw columns.

    cargo build --release
    python crates/glassnet-cli/tests/onnx/check_columns.py target/release/glassnet data

Trains a model on each table of the repository, and on some that are made here (booleans, gaps, dates, many categories),
converts it with --with-preprocessing, gives ONNX Runtime the cells of the table as a server would (dates as seconds since
1970), and compares. Prints a
table; fails if ONNX's checker refuses a file, a label differs, or a number differs by more than 1e-6 of the largest.
Needs onnx, onnxruntime, numpy.
"""

import csv
import datetime
import io
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

TABLES = [
    ("seattle-weather.csv", "season", ["--split-by", "month"]),
    ("seattle-weather.csv", "season", ["--split-by", "month", "--ensemble", "3"]),
    ("digits.csv", "digit", ["--hidden", "64"]),
    ("penguins.csv", "species", []),
    ("autompg.csv", "mpg", []),
    ("autompg.csv", "mpg", ["--ensemble", "3"]),
    ("autompg.csv", "mpg", ["--net", "Sequential(Linear(9, 16), BatchNorm1d(16), SiLU(), LayerNorm(16), Linear(16, 1))"]),
    ("autompg.csv", "mpg,acceleration", []),
    ("made.csv", "kind", ["--missing", "NA,?"]),
    ("made.csv", "kind", ["--missing", "NA,?", "--embedding", "always"]),
    ("days.csv", "sales", ["--column-type", "day=date", "--embedding", "shop=3"]),
    ("days.csv", "sales", ["--column-type", "day=date", "--embedding", "never", "--ensemble", "2"]),
    ("times.csv", "sales", ["--column-type", "at=date"]),
]


def made():
    """Booleans, gaps in every column, two texts that stand for gaps, a category with a comma and an umlaut."""
    draw = random.Random(0)
    lines = ["open,when,size,colour,kind"]
    for _ in range(400):
        size, truth = draw.gauss(50, 9), draw.random() < 0.4
        colour = draw.choice(["red", "grün", '"blue, light"', "NA", "?", ""])
        kind = "large" if size + 5 * truth > 51 else "small"
        cells = ["true" if truth else "false", f"{draw.randrange(2000, 2030)}", f"{size:.3f}", colour, kind]
        for at in (0, 1, 2):
            if draw.random() < 0.1:
                cells[at] = draw.choice(["", "NA"])
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


def days(header, write, gaps):
    """Dates of three centuries, leap days among them, 120 shops, and what they sold."""
    draw = random.Random(1)
    lines = [f"{header},shop,sales"]
    worth = [draw.gauss(0, 5) for _ in range(120)]
    for at in range(1500):
        day = datetime.datetime(1890, 1, 1) + datetime.timedelta(seconds=draw.randrange(140 * 366 * 86400))
        if at % 50 == 0:
            day = day.replace(year=day.year - day.year % 4, month=2, day=28) + datetime.timedelta(days=1)
        shop = draw.randrange(120)
        sales = 20 + worth[shop] + 3 * (day.weekday() > 4) + 2 * (day.month == 12) + day.hour / 5 + draw.gauss(0, 0.2)
        cells = ["" if gaps and draw.random() < 0.05 else write(day), "" if draw.random() < 0.05 else f"shop {shop}"]
        lines.append(",".join([*cells, f"{sales:.2f}"]))
    return "\n".join(lines) + "\n"


def seconds(cell):
    """What a server gives for a date: the seconds since 1970-01-01 00:00 by the clock on the wall, NaN for none."""
    if not cell:
        return float("nan")
    return (datetime.datetime.fromisoformat(cell) - datetime.datetime(1970, 1, 1)).total_seconds()


def glassnet(binary, folder, *args):
    done = subprocess.run([binary, *map(str, args)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells(session, rows, missing):
    """The inputs that a server gives: float32 with NaN, texts with '' where a cell is missing."""
    inputs = {}
    for declared in session.get_inputs():
        raw = ["" if row[declared.name] in missing else row[declared.name] for row in rows]
        if declared.type == "tensor(string)":
            values = numpy.array(raw, dtype=object)
        elif declared.type == "tensor(double)":
            values = numpy.array([seconds(cell) for cell in raw], dtype=numpy.float64)
        else:
            number = lambda cell: {"": "nan", "true": "1", "false": "0"}.get(cell, cell)
            values = numpy.array([float(number(cell)) for cell in raw], dtype=numpy.float32)
        inputs[declared.name] = values.reshape(-1, 1)
    return inputs


def check(binary, data, folder, name, target, flags):
    table = folder / name if (folder / name).exists() else data / name
    glassnet(binary, folder, "train", table, "--target", target, "--output", "m.safetensors", "--force", "-q", *flags)
    glassnet(binary, folder, "convert", "m.safetensors", "m.onnx", "--with-preprocessing", "--force")
    missing = flags[1].split(",") if "--missing" in flags else []
    predicted = glassnet(binary, folder, "predict", "m.safetensors", table, "-q", "--unseen", "ignore", "--gaps", "fill")
    # The file that other runtimes compute is read back whole.
    again = glassnet(binary, folder, "predict", "m.onnx", table, "-q", "--unseen", "ignore", "--gaps", "fill")
    assert again == predicted
    wanted = list(csv.reader(io.StringIO(predicted)))[1:]
    model = onnx.load(folder / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(folder / "m.onnx")
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    outputs = dict(zip([output.name for output in session.get_outputs()], session.run(None, cells(session, rows, missing))))
    if "label" in outputs:
        labels = [row[0] for row in wanted]
        assert list(outputs["label"]) == labels, name
        numbers, found = [row[1:] for row in wanted], outputs["probabilities"]
    else:
        numbers, found = wanted, outputs["prediction"]
    numbers = numpy.array(numbers, dtype=numpy.float64)
    assert found.shape == numbers.shape, (found.shape, numbers.shape)
    difference = float(numpy.abs(found - numbers).max() / numpy.abs(numbers).max())
    print(f"| `{name}` | `{target}` | {' '.join(flags)} | {len(rows)} | {len(model.graph.input)} | {len(model.graph.node)} | {difference:.1e} |")
    return difference


def main():
    binary, data = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, {glassnet(binary, '.', '--version').strip()}\n")
    print("| table | target | flags of `train` | rows | inputs | nodes | largest difference / largest output |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "made.csv").write_text(made())
        (folder / "days.csv").write_text(days("day", lambda day: day.date().isoformat(), True))
        (folder / "times.csv").write_text(days("at", lambda day: day.isoformat(" "), False))
        worst = max(check(binary, data, folder, *table) for table in TABLES)
    assert worst <= 1e-6, worst


main()
