"""Makes penguins.json: data/penguins.csv encoded by scikit-learn, to compare glassnet's preprocessing with.

    pip install scikit-learn pandas
    python make_golden.py

Fitted on the rows whose number is not divisible by 5; all rows are encoded.
"""

import json
from pathlib import Path

import numpy
import pandas
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = Path(__file__).resolve().parent
table = pandas.read_csv(HERE.parents[3] / "data" / "penguins.csv")
training = numpy.arange(len(table)) % 5 != 0

columns = []
for name in table.columns:
    if name == "species":
        continue
    cells = table[[name]]
    gaps = bool(cells[training].isna().any().iloc[0])
    if pandas.api.types.is_numeric_dtype(table[name]):
        scaler = StandardScaler().fit(cells[training])
        imputer = SimpleImputer(strategy="median").fit(scaler.transform(cells[training]))
        columns.append((name, imputer.transform(scaler.transform(cells))[:, 0]))
    else:
        filled = cells.fillna("")
        encoder = OneHotEncoder(sparse_output=False).fit(filled[training])
        encoded = encoder.transform(filled)
        for at, level in enumerate(encoder.categories_[0]):
            if level != "":
                columns.append((f"{name}={level}", encoded[:, at]))
    if gaps:
        columns.append((f"{name} missing", table[name].isna().to_numpy(dtype=float)))

shown = [0, 3, 10, 200, 271, 343]
golden = {
    "versions": {"scikit-learn": sklearn.__version__, "pandas": pandas.__version__},
    "feature_names": [name for name, _ in columns],
    "rows": {str(row): [round(float(values[row]), 12) for _, values in columns] for row in shown},
    "column_sums": [round(float(values.sum()), 9) for _, values in columns],
}
(HERE / "penguins.json").write_text(json.dumps(golden, indent=1) + "\n")
