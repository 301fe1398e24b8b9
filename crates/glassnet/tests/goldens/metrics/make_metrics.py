"""Writes metrics.json beside this script: scikit-learn's metrics and trivial predictors on small tables.

    pip install scikit-learn numpy
    python make_metrics.py

Scores and values are exact in f32. `probabilities` are the softmax of the scores in f64.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn import dummy, metrics

FOLDER = pathlib.Path(__file__).resolve().parent


def scores(seed, rows, classes, scale=64):
    """Multiples of 1/scale between -2 and 2."""
    return numpy.random.default_rng(seed).integers(-2 * scale, 2 * scale + 1, (rows, classes)) / scale


def softmax(z):
    e = numpy.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def classification(name, logits, truth, training):
    classes = logits.shape[1]
    labels, predicted, p = list(range(classes)), logits.argmax(axis=1), softmax(logits)
    case = {
        "name": name, "logits": logits.tolist(), "truth": truth.tolist(), "training": training.tolist(),
        "confusion": metrics.confusion_matrix(truth, predicted, labels=labels).tolist(),
        "metrics": {
            "accuracy": metrics.accuracy_score(truth, predicted),
            "macro_f1": metrics.f1_score(truth, predicted, average="macro", zero_division=0),
            "log_loss": metrics.log_loss(truth, p, labels=labels),
        },
    }
    trivial = dummy.DummyClassifier(strategy="prior").fit(training[:, None], training)
    guess = trivial.predict(truth[:, None])
    prior = numpy.zeros((len(truth), classes))
    prior[:, trivial.classes_] = trivial.predict_proba(truth[:, None])
    case["baseline"] = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "macro_f1": metrics.f1_score(truth, guess, average="macro", zero_division=0),
        "log_loss": metrics.log_loss(truth, prior, labels=labels),
    }
    if classes == 2 and len(set(truth.tolist())) == 2:
        case["metrics"]["roc_auc"] = metrics.roc_auc_score(truth, logits[:, 1] - logits[:, 0])
        case["baseline"]["roc_auc"] = metrics.roc_auc_score(truth, prior[:, 1])
    return case


def errors(truth, estimates):
    return {
        "mae": metrics.mean_absolute_error(truth, estimates), "rmse": metrics.mean_squared_error(truth, estimates) ** 0.5,
        "r2": metrics.r2_score(truth, estimates),
    }


def regression(name, truth, estimates, training):
    trivial = dummy.DummyRegressor().fit(training, training)
    guess = trivial.predict(truth).reshape(truth.shape)
    return {
        "name": name, "truth": truth.tolist(), "estimates": estimates.tolist(), "training": training.tolist(),
        "metrics": errors(truth, estimates), "baseline": errors(truth, guess),
    }


def labels(seed, rows, classes):
    return numpy.random.default_rng(seed).integers(0, classes, rows)


def main():
    ties = scores(4, 40, 2, scale=2)
    large = scores(6, 12, 3) * 512
    shifted = scores(11, 16, 1) * 100 + 5000
    classified = [
        classification("four classes", scores(1, 60, 4), labels(2, 60, 4), labels(3, 90, 4)),
        classification("two classes with ties", ties, labels(5, 40, 2), labels(5, 31, 2)),
        classification("two classes, one occurs", scores(7, 9, 2), numpy.ones(9, int), labels(8, 20, 2)),
        classification("probabilities of 0", large, labels(9, 12, 3), labels(10, 12, 3)),
        classification("all right", scores(1, 30, 3), scores(1, 30, 3).argmax(axis=1), labels(3, 9, 3)),
        classification("a class that never occurs", scores(12, 20, 5) - [0, 0, 9, 0, 0], labels(13, 20, 2), labels(14, 20, 2)),
    ]
    regressed = [
        regression("one target", scores(21, 30, 1), scores(22, 30, 1), scores(23, 40, 1)),
        regression("three targets", scores(24, 25, 3), scores(25, 25, 3) / 2, scores(26, 10, 3)),
        regression("far from 0", shifted, shifted + scores(12, 16, 1), shifted[:7]),
    ]
    made = {"made_with": {"scikit-learn": sklearn.__version__, "numpy": numpy.__version__}}
    text = json.dumps({**made, "classification": classified, "regression": regressed})
    (FOLDER / "metrics.json").write_text(text.replace('{"name"', '\n{"name"') + "\n")


main()
