"""How fast `MLPClassifier.fit` and `predict` are beside scikit-learn's, for equal epochs; both accuracies are printed.

    PYTHONPATH=… python crates/glassnet-py/benches/estimators.py [--rounds 7] [--threads N] [--json]

Both learn scikit-learn's digits with the same settings, the same initial weights and the same order of rows; after each
fit of one follows one of the other, and the least time of each counts. Epochs are made equal by tol=0 and
n_iter_no_change beyond max_iter. The extension has to be a release build.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings

CASES = [
    # name, settings
    ("defaults, 60 epochs", {"max_iter": 60}),
    ("(64, 32), batch 32, 40 epochs", {"hidden_layer_sizes": (64, 32), "batch_size": 32, "max_iter": 40}),
    ("sgd, batch 64, 40 epochs", {"solver": "sgd", "learning_rate_init": 0.1, "batch_size": 64, "max_iter": 40}),
    ("early stopping, 60 epochs", {"early_stopping": True, "max_iter": 60}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, help="of both; by default what each chooses")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.threads:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(arguments.threads)

    import numpy as np
    import sklearn
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier as Theirs

    import glassnet
    from glassnet import MLPClassifier as Ours

    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
    own = {"threads": arguments.threads} if arguments.threads else {}
    results = []
    for name, settings in CASES:
        settings = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**6, **settings}
        least: dict[str, float] = {}
        fitted = {}
        for _ in range(arguments.rounds):
            # scikit-learn computes in the type of the rows: it is measured in both.
            for who, cls, rows, more in (
                ("glassnet", Ours, X_train, own),
                ("scikit-learn", Theirs, X_train, {}),
                ("scikit-learn, float32", Theirs, X_train.astype(np.float32), {}),
            ):
                model = cls(**settings, **more)
                begun = time.perf_counter()
                model.fit(rows, y_train)
                taken = time.perf_counter() - begun
                least[who] = min(taken, least.get(who, taken))
                fitted[who] = model
        epochs = {model.n_iter_ for model in fitted.values()}
        assert len(epochs) == 1, f"epochs differ: {epochs}"
        for who, model in fitted.items():
            seconds = []
            for _ in range(30):
                begun = time.perf_counter()
                model.predict_proba(X_test)
                seconds.append(time.perf_counter() - begun)
            results.append(
                {
                    "case": name,
                    "who": who,
                    "epochs": model.n_iter_,
                    "fit_ms": 1e3 * least[who],
                    "predict_ms": 1e3 * min(seconds),
                    "accuracy": float(model.score(X_test, y_test)),
                    "loss": float(model.loss_),
                    "times": least[who] / least["glassnet"],
                }
            )
    if arguments.json:
        print(json.dumps({"glassnet": glassnet.__version__, "scikit-learn": sklearn.__version__, "results": results}))
        return
    print(f"glassnet {glassnet.__version__}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}, {os.cpu_count()} cores")
    print(f"{'case':32} {'who':22} {'fit, ms':>9} {'times':>6} {'predict 450 rows, ms':>21} {'accuracy':>9} {'loss':>9}")
    for r in results:
        print(
            f"{r['case']:32} {r['who']:22} {r['fit_ms']:9.2f} {r['times']:6.2f} {r['predict_ms']:21.3f} "
            f"{r['accuracy']:9.4f} {r['loss']:9.5f}"
        )


if __name__ == "__main__":
    main()
