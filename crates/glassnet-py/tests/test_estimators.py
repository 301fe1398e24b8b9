"""The estimators beside scikit-learn's, and what they have beyond them."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import glassnet as gn
from glassnet import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def digits(rows=500):
    X, y = load_digits(return_X_y=True)
    return X[:rows] / 16, y[:rows]


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X * 20, (y - 150) / 75


SETTINGS = [
    {},
    {"activation": "tanh", "hidden_layer_sizes": (20, 10), "alpha": 10.0},
    {"activation": "logistic", "batch_size": 32},
    {"activation": "identity", "hidden_layer_sizes": 7},
    {"hidden_layer_sizes": ()},
    {"solver": "sgd", "learning_rate_init": 0.05, "batch_size": 64},
    {"solver": "sgd", "learning_rate_init": 0.05, "momentum": 0.0, "alpha": 1.0},
    {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False, "shuffle": False},
    {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "invscaling"},
    {"solver": "sgd", "learning_rate_init": 0.1, "learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
    {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3},
    {"tol": 0.3, "n_iter_no_change": 2},
]


def assert_same_training(ours, theirs, loss=2e-5):
    assert ours.n_iter_ == theirs.n_iter_ and ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=loss)
    assert ours.loss_ == ours.loss_curve_[-1]
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert [c.shape for c in ours.coefs_] == [c.shape for c in theirs.coefs_]
    assert [i.shape for i in ours.intercepts_] == [i.shape for i in theirs.intercepts_]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_classifiers_training_is_scikit_learns(settings):
    X, y = digits()
    settings = {"random_state": 1, "max_iter": 12, **settings}
    ours, theirs = MLPClassifier(**settings).fit(X, y), TheirClassifier(**settings).fit(X, y)
    assert_same_training(ours, theirs)
    np.testing.assert_allclose(ours.best_loss_, theirs.best_loss_, rtol=2e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-3)
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.99


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_classifiers_training_on_two_classes_is_scikit_learns(settings):
    X, y = digits()
    names = np.array(["no", "yes"])[(y > 4).astype(int)]
    settings = {"random_state": 3, "max_iter": 10, **settings}
    ours, theirs = MLPClassifier(**settings).fit(X, names), TheirClassifier(**settings).fit(X, names)
    assert_same_training(ours, theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-3)
    assert list(ours.classes_) == ["no", "yes"]


@pytest.mark.parametrize("settings", [s for s in SETTINGS if s.get("learning_rate") != "adaptive"], ids=str)
def test_a_regressors_training_is_scikit_learns(settings):
    X, y = diabetes()
    settings = {"random_state": 1, "max_iter": 12, **settings}
    if settings.get("solver") == "sgd":
        settings["learning_rate_init"] = 0.01
    ours, theirs = MLPRegressor(**settings).fit(X, y), TheirRegressor(**settings).fit(X, y)
    assert_same_training(ours, theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=2e-3)
    np.testing.assert_allclose(ours.score(X, y), theirs.score(X, y), atol=1e-3)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_several_outputs_are_minimised_as_in_scikit_learn(solver):
    X, y = diabetes()
    Y = np.column_stack([y, -2 * y, y**2])
    settings = {"random_state": 1, "max_iter": 10, "solver": solver, "alpha": 0.5, "learning_rate_init": 0.005}
    ours, theirs = MLPRegressor(**settings).fit(X, Y), TheirRegressor(**settings).fit(X, Y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=2e-3)
    assert ours.predict(X).shape == Y.shape and ours.n_outputs_ == 3


def test_counts_are_learnt_as_in_scikit_learn():
    sklearn_has_it = "loss" in TheirRegressor().get_params() and "poisson" in str(TheirRegressor.__doc__)
    if not sklearn_has_it:
        pytest.skip("this scikit-learn has no Poisson loss")
    X, y = diabetes()
    counts = np.random.default_rng(0).poisson(np.exp(y / 2))
    settings = {"random_state": 1, "max_iter": 12, "loss": "poisson"}
    ours, theirs = MLPRegressor(**settings).fit(X, counts), TheirRegressor(**settings).fit(X, counts)
    assert_same_training(ours, theirs, loss=1e-4)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=2e-3)
    with pytest.raises(ValueError, match="y >= 0"):
        MLPRegressor(loss="poisson").fit(X, counts - 1)


def test_several_labels_are_learnt_as_in_scikit_learn():
    X, Y = make_multilabel_classification(n_samples=200, n_features=10, n_classes=4, random_state=0)
    settings = {"random_state": 1, "max_iter": 20}
    ours, theirs = MLPClassifier(**settings).fit(X, Y), TheirClassifier(**settings).fit(X, Y)
    assert_same_training(ours, theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-3)
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.99
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)


def test_early_stopping_is_scikit_learns():
    X, y = digits()
    settings = {"random_state": 0, "early_stopping": True, "n_iter_no_change": 3, "tol": 0.01}
    ours, theirs = MLPClassifier(**settings).fit(X, y > 4), TheirClassifier(**settings).fit(X, y > 4)
    assert_same_training(ours, theirs)
    assert ours.validation_scores_ == theirs.validation_scores_
    assert ours.best_validation_score_ == theirs.best_validation_score_ == max(ours.validation_scores_)
    assert ours.best_loss_ is None and len(ours.validation_loss_curve_) == ours.n_iter_
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=2e-3)
    X, y = diabetes()
    ours, theirs = MLPRegressor(**settings).fit(X, y), TheirRegressor(**settings).fit(X, y)
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"activation": "tanh", "alpha": 0.1, "tol": 1e-3}], ids=str)
def test_lbfgs_minimises_as_in_scikit_learn(settings):
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    settings = {"solver": "lbfgs", "hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 30, **settings}
    ours, theirs = MLPClassifier(**settings).fit(X, y), TheirClassifier(**settings).fit(X, y)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=0.02)
    assert abs(ours.n_iter_ - theirs.n_iter_) <= 3 and not hasattr(ours, "loss_curve_")
    assert (ours.predict(X) == theirs.predict(X)).mean() > 0.99
    short = {**settings, "max_iter": 6, "tol": 0.0}
    ours, theirs = MLPClassifier(**short).fit(X, y), TheirClassifier(**short).fit(X, y)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-4)
    weights = np.random.default_rng(0).integers(0, 3, 150)
    weighted = MLPClassifier(**settings).fit(X, y, sample_weight=weights)
    repeated = MLPClassifier(**settings).fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert (weighted.predict_proba(X) == repeated.predict_proba(X)).all()
    X, y = diabetes()
    ours, theirs = (cls(**short).fit(X, y) for cls in (MLPRegressor, TheirRegressor))
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-4)
    with pytest.raises(AttributeError, match="lbfgs is not stochastic"):
        ours.partial_fit(X, y)


def test_partial_fit_goes_on_as_in_scikit_learn():
    X, y = digits(300)
    for settings in ({}, {"solver": "sgd", "learning_rate_init": 0.05}):
        ours, theirs = (cls(random_state=2, **settings) for cls in (MLPClassifier, TheirClassifier))
        for start in (0, 100, 200, 0):
            part = slice(start, start + 100)
            for model in (ours, theirs):
                model.partial_fit(X[part], y[part], classes=np.arange(10))
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=2e-5)
        assert ours.t_ == theirs.t_ == 400
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match="not the same as on last call"):
        ours.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="classes not in"):
        ours.partial_fit(X, y + 5)
    with pytest.raises(ValueError, match="early_stopping"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=np.arange(10))


def test_a_warm_start_goes_on_as_in_scikit_learn():
    X, y = digits(300)
    ours, theirs = (cls(random_state=2, warm_start=True, max_iter=3) for cls in (MLPClassifier, TheirClassifier))
    for _ in range(3):
        ours.fit(X, y)
        theirs.fit(X, y)
    assert len(ours.loss_curve_) == 9
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=2e-5)
    with pytest.raises(ValueError, match="same classes"):
        ours.fit(X[y < 5], y[y < 5])


def test_weights_count_as_in_scikit_learn():
    X, y = digits()
    weights = np.random.default_rng(0).uniform(0.1, 2, len(y))
    try:
        theirs = TheirClassifier(random_state=1, max_iter=8).fit(X, y, sample_weight=weights)
    except TypeError:
        pytest.skip("this scikit-learn has no sample_weight here")
    ours = MLPClassifier(random_state=1, max_iter=8).fit(X, y, sample_weight=weights)
    assert_same_training(ours, theirs)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_a_weight_is_a_repetition_bit_for_bit(estimator):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(40, 5)), random.integers(0, 3, 40)
    weights = random.integers(0, 4, 40)
    repeated = random.permutation(np.repeat(np.arange(40), weights))
    one = estimator(random_state=0, max_iter=50).fit(X, y, sample_weight=weights)
    other = estimator(random_state=0, max_iter=50).fit(X[repeated], y[repeated])
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_):
        assert (a == b).all()
    assert one.loss_curve_ == other.loss_curve_


def test_class_weights_are_row_weights():
    X, y = digits(300)
    def coefs(weights=None, **settings):
        return MLPClassifier(random_state=0, max_iter=3, **settings).fit(X, y, sample_weight=weights).coefs_[0]
    by_row = np.where(y == 3, 2.5, 1.0)
    assert (coefs(class_weight={3: 2.5}) == coefs(by_row)).all()
    balanced = len(y) / (10 * np.bincount(y))[y]
    assert (coefs(class_weight="balanced") == coefs(balanced)).all()
    assert (coefs(class_weight={3: 2.5}) != coefs()).any()
    with pytest.raises(ValueError, match="class_weight has the class 77"):
        coefs(class_weight={77: 1.0})
    with pytest.raises(ValueError, match="weight"):
        coefs(class_weight={0: -1.0})
    with pytest.raises(ValueError, match="balanced"):
        coefs(class_weight="even")


def test_what_scikit_learn_refuses():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(
        (16, 8),
        ("gelu", "LeakyReLU(0.2)"),
        dropout=(0.1, 0.0),
        batch_norm=True,
        loss="cross_entropy(label_smoothing=0.1)",
        optimizer="NAdam(lr=0.01)",
        schedule="CosineAnnealingLR(T_max=100)",
        alpha=0.01,
        max_iter=100,
        random_state=0,
    ).fit(X, y)
    assert model.network_ == (
        "Sequential(Linear(4, 16), BatchNorm1d(16), GELU(), Dropout(p=0.1), Linear(16, 8), BatchNorm1d(8), "
        "LeakyReLU(negative_slope=0.2), Linear(8, 3))"
    )
    assert model.score(X, y) > 0.9
    assert (model.predict_proba(X) == clone(model).fit(X, y).predict_proba(X)).all(), "dropout is repeatable"
    named = MLPClassifier(network="4-16t-3", learning_rate_init=0.02, random_state=0).fit(X, y)
    assert named.network_ == "Sequential(Linear(4, 16), Tanh(), Linear(16, 3))" and named.score(X, y) > 0.9
    assert [key for key in named.state_dict_] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    huber = MLPRegressor("HuberLoss(delta=0.5)", learning_rate_init=0.01, random_state=0)
    assert huber.fit(X[:, :3], X[:, 3]).score(X[:, :3], X[:, 3]) > 0.8
    absolute = MLPRegressor("absolute_error", learning_rate_init=0.01, random_state=0)
    assert absolute.fit(X[:, :3], X[:, 3]).score(X[:, :3], X[:, 3]) > 0.8


def test_a_network_may_have_one_output_for_two_classes_or_one_for_each():
    X, y = load_iris(return_X_y=True)
    for outputs, after in ((1, "logistic"), (2, "softmax")):
        model = MLPClassifier(network=f"4-8-{outputs}", learning_rate_init=0.02, random_state=0).fit(X[:100], y[:100])
        assert model.out_activation_ == after and model.score(X[:100], y[:100]) == 1.0
        assert model.predict_proba(X).shape == (150, 2)
    with pytest.raises(ValueError, match="out of bounds"):
        MLPClassifier(network="4-8-2").fit(X, y)
    with pytest.raises(ValueError, match="4 features, its weight expects 5"):
        MLPClassifier(network="5-8-3").fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "lbfgs", "dropout": 0.5}, "without dropout"),
        ({"solver": "newton"}, "'solver' parameter"),
        ({"alpha": -1}, "'alpha' parameter"),
        ({"alpha": float("nan")}, "'alpha' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"max_iter": True}, "'max_iter' parameter"),
        ({"learning_rate_init": 0}, "'learning_rate_init' parameter"),
        ({"batch_size": "all"}, "'batch_size' parameter"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": (4, 2), "activation": ("relu",)}, "activation has 1 entries for 2 hidden layers"),
        ({"activation": "rleu"}, "activation is 'rleu'"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"loss": "hinge"}, "'loss' parameter"),
        ({"loss": "bce_with_logits"}, "two classes or several labels"),
        ({"optimizer": "AdamW(lr=0.01)"}, "use its weight_decay instead"),
        ({"handle_unknown": "skip"}, "'handle_unknown' parameter"),
        ({"threads": 0}, "threads is 0"),
        ({"learning_rate_init": 1e30, "solver": "sgd"}, "non-finite|diverged"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_said(settings, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**settings).fit(X, y)


def test_a_training_that_fails_leaves_nothing_fitted():
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier(max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="non-finite"):
        model.set_params(solver="sgd", learning_rate_init=1e30).fit(X, y)
    with pytest.raises(ValueError, match="not fitted"):
        model.predict(X)


def test_bad_rows_are_said():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="one class only"):
        MLPClassifier().fit(X, np.zeros(150, dtype=int))
    with pytest.raises(ValueError, match="too large for dtype"):
        MLPClassifier().fit(X * 1e60, y)
    with pytest.raises(ValueError, match="too large for dtype"):
        MLPRegressor().fit(X, y * 1e60)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MLPClassifier().fit(X, y[:-1])


def test_pickles_and_clones_predict_alike():
    X, y = digits(200)
    model = MLPClassifier(random_state=0, max_iter=5).fit(X, y)
    before = model.predict_proba(X)
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == before).all() and again.loss_curve_ == model.loss_curve_
    assert (clone(model).fit(X, y).predict_proba(X) == before).all()
    again.partial_fit(X, y)
    model.partial_fit(X, y)
    assert (again.predict_proba(X) == model.predict_proba(X)).all(), "the optimiser's state is kept"


def test_searching_on_two_processes_uses_one_thread_each():
    X, y = digits(200)
    search = GridSearchCV(MLPClassifier(max_iter=5, random_state=0), {"alpha": [1e-4, 1.0]}, n_jobs=2, cv=2)
    search.fit(X, y)
    alone = GridSearchCV(MLPClassifier(max_iter=5, random_state=0), {"alpha": [1e-4, 1.0]}, n_jobs=None, cv=2).fit(X, y)
    assert (search.cv_results_["mean_test_score"] == alone.cv_results_["mean_test_score"]).all()
    joblib = pytest.importorskip("joblib")
    for backend in ("loky", "threading"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            assert joblib.Parallel()(joblib.delayed(gn.get_num_threads)() for _ in range(4)) == [1, 1, 1, 1]


def test_the_environment_says_how_many_threads():
    def threads(**environment):
        inherited = {k: v for k, v in os.environ.items() if not k.endswith("NUM_THREADS")}
        command = [sys.executable, "-c", "import glassnet; print(glassnet.get_num_threads())"]
        return int(subprocess.check_output(command, env={**inherited, **environment}))

    assert threads(GLASSNET_NUM_THREADS="3") == 3
    assert threads(OMP_NUM_THREADS="1") == 1
    assert threads(GLASSNET_NUM_THREADS="no", OMP_NUM_THREADS="1,2") == 1
    assert threads() >= 1


def test_in_a_pipeline_and_under_cross_validation():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), MLPClassifier((16,), learning_rate_init=0.02, random_state=0))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9


def test_trainings_on_many_threads_are_those_alone():
    X, y = digits(300)
    alone = [MLPClassifier(random_state=seed, max_iter=5).fit(X, y).coefs_[0] for seed in range(6)]
    found = [None] * 6

    def fit(seed):
        with warnings.catch_warnings():
            found[seed] = MLPClassifier(random_state=seed, max_iter=5).fit(X, y).coefs_[0]

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert all((a == b).all() for a, b in zip(alone, found))


@pytest.mark.skipif(os.name == "nt", reason="sends itself a signal")
@pytest.mark.parametrize("early", [False, True])
def test_ctrl_c_warns_and_keeps_the_weights(early, monkeypatch):
    X, y = digits(300)
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))

    def printed(text):
        if text.startswith("Iteration 3,"):
            timer.start()

    monkeypatch.setattr("glassnet._estimators_train.print", printed, raising=False)
    settings = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**9, "early_stopping": early}
    model = MLPClassifier(**settings, max_iter=10**9, verbose=True)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    timer.join()
    assert 3 <= model.n_iter_ < 10**9
    whole = MLPClassifier(**settings, max_iter=model.n_iter_).fit(X, y)
    assert whole.loss_curve_ == model.loss_curve_
    if early:
        assert (whole.coefs_[0] == model.coefs_[0]).all(), "the weights of the best score"


@pytest.mark.skipif(os.name == "nt", reason="sends itself a signal")
@pytest.mark.parametrize("early", [False, True])
def test_ctrl_c_while_an_epoch_is_written_down_loses_nothing(early, monkeypatch):
    X, y = digits(300)

    def printed(text):
        if text.startswith("Iteration 7,"):
            raise KeyboardInterrupt

    monkeypatch.setattr("glassnet._estimators_train.print", printed, raising=False)
    settings = {"random_state": 0, "tol": 0.0, "n_iter_no_change": 10**9, "early_stopping": early}
    model = MLPClassifier(**settings, max_iter=10**9, verbose=True)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y)
    assert model.n_iter_ == 7
    whole = MLPClassifier(**settings, max_iter=7).fit(X, y)
    assert whole.loss_curve_ == model.loss_curve_
    assert (whole.coefs_[0] == model.coefs_[0]).all()
    if early:
        assert whole.validation_scores_ == model.validation_scores_
        assert whole.best_validation_score_ == model.best_validation_score_


def test_verbose_says_what_scikit_learn_says(capsys):
    X, y = digits(200)
    said = []
    settings = {"solver": "sgd", "learning_rate": "adaptive", "tol": 0.1, "n_iter_no_change": 1, "verbose": True}
    for cls in (MLPClassifier, TheirClassifier):
        cls(random_state=0, max_iter=8, learning_rate_init=0.01, **settings).fit(X, y)
        said.append(capsys.readouterr().out)
    rounded = [[line[:26] for line in text.splitlines()] for text in said]
    assert rounded[0] == rounded[1] and len(rounded[0]) > 8


def test_a_training_that_did_not_converge_warns():
    X, y = digits(200)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\)"):
        MLPClassifier(max_iter=3).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(max_iter=50, tol=10.0, n_iter_no_change=2).fit(X, y)


def test_sparse_rows_are_dense_ones():
    sparse = pytest.importorskip("scipy.sparse")
    X, y = digits(200)
    dense = MLPClassifier(random_state=0, max_iter=3).fit(X, y)
    for form in (sparse.csr_matrix, sparse.csc_array):
        other = MLPClassifier(random_state=0, max_iter=3).fit(form(X), y)
        assert (other.predict_proba(form(X)) == dense.predict_proba(X)).all()
