"""Rebuilds the tables of this folder from the Python packages that ship the originals.

    pip install vega_datasets==0.9.0 scikit-learn palmerpenguins==0.1.6 mlxtend==0.25.0
    python make_tables.py

Nothing is downloaded: every source is a file inside its package. README.md names the sources and licences.
"""

import csv
import gzip
from decimal import Decimal
from importlib import resources
from pathlib import Path

HERE = Path(__file__).resolve().parent

SEASONS = {
    12: "Winter", 1: "Winter", 2: "Winter",
    3: "Spring", 4: "Spring", 5: "Spring",
    6: "Summer", 7: "Summer", 8: "Summer",
    9: "Fall", 10: "Fall", 11: "Fall",
}

# The numbers of the original's column "origin", as the UCI archive documents them.
ORIGINS = {"1": "usa", "2": "europe", "3": "japan"}


def write(name, header, rows):
    with open(HERE / name, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows, {len(header)} columns")


def seattle_weather():
    source = resources.files("vega_datasets") / "_data" / "seattle-weather.csv"
    with source.open(encoding="utf-8", newline="") as file:
        days = list(csv.DictReader(file))
    rows = []
    for day in days:
        year, month, _ = day["date"].split("/")
        # Decimal keeps the difference of two tenths a tenth (12.8 - 5.0 is 7.8, not 7.800000000000001).
        daily_range = Decimal(day["temp_max"]) - Decimal(day["temp_min"])
        rows.append([
            f"{year}-{month}", day["precipitation"], day["temp_max"], day["temp_min"], day["wind"],
            day["weather"], f"{daily_range:.1f}", SEASONS[int(month)],
        ])
    header = ["month", "precipitation", "temp_max", "temp_min", "wind", "weather", "daily_range", "season"]
    write("seattle-weather.csv", header, rows)


def digits():
    from sklearn.datasets import load_digits

    table = load_digits()
    rows = [
        [*(int(pixel) for pixel in pixels), int(digit)] for pixels, digit in zip(table.data, table.target)
    ]
    write("digits.csv", [f"p{index}" for index in range(64)] + ["digit"], rows)


def penguins():
    source = resources.files("palmerpenguins") / "data" / "penguins.csv"
    with source.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    write("penguins.csv", header, [["" if cell == "NA" else cell for cell in row] for row in rows])


def autompg():
    source = resources.files("mlxtend") / "data" / "data" / "autompg.csv.gz"
    with source.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8", newline="") as file:
        cars = list(csv.reader(file))
    header = ["cylinders", "displacement", "horsepower", "weight", "acceleration", "model_year", "origin", "mpg"]
    # Column 7 is the car's name: nearly one per row, so it could only be learnt by heart.
    rows = [[*car[:6], ORIGINS[car[6]], car[8]] for car in cars]
    write("autompg.csv", header, rows)


if __name__ == "__main__":
    seattle_weather()
    digits()
    penguins()
    autompg()
