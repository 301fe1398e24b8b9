"""scikit-learn's own checks of estimators: all of them, none expected to fail."""

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.utils.estimator_checks import check_estimator

from glassnet import MLPClassifier, MLPRegressor

#: What scikit-learn leaves out by itself: the first without SCIPY_ARRAY_API in the environment, the other for estimators
#: without a decision function, such as its own MLPClassifier.
LEFT_OUT = {"check_array_api_input", "check_classifiers_multilabel_output_format_decision_function"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", [MLPClassifier(), MLPRegressor()], ids=lambda e: type(e).__name__)
def test_all_checks_pass(estimator, capsys):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    count = {status: sum(r["status"] == status for r in results) for status in ("passed", "skipped", "failed", "xfail")}
    with capsys.disabled():
        print(f"\n{type(estimator).__name__}: {count['passed']} of scikit-learn's checks passed, {count['failed']} failed")
    failed = [f"{r['check_name']}: {r['exception']!r}" for r in results if r["status"] in ("failed", "xfail")]
    assert failed == []
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= LEFT_OUT
    assert not any(r["expected_to_fail"] for r in results)
    assert count["passed"] >= 55


def test_importing_the_package_does_not_import_scikit_learn():
    code = "import sys, glassnet; assert not {'sklearn', 'pandas', 'scipy', 'torch'} & set(sys.modules), sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_estimators_work_without_scikit_learn():
    code = """
        import copy, pickle, sys
        for name in ("sklearn", "joblib", "scipy", "pandas"):
            sys.modules[name] = None
        import numpy as np
        from glassnet import MLPClassifier, MLPRegressor

        random = np.random.default_rng(0)
        X = random.normal(size=(120, 4))
        y = np.array(["a", "b", "c"])[np.argmax(X[:, :3], axis=1)]
        model = MLPClassifier((32,), learning_rate_init=0.02, max_iter=150, random_state=0, early_stopping=True)
        assert repr(model) == (
            "MLPClassifier(early_stopping=True, hidden_layer_sizes=(32,), learning_rate_init=0.02, max_iter=150, random_state=0)"
        ), repr(model)
        model.fit(X, y)
        assert model.score(X, y) > 0.9
        assert model.n_features_in_ == 4 and list(model.classes_) == ["a", "b", "c"]
        again = pickle.loads(pickle.dumps(model))
        assert (again.predict_proba(X) == model.predict_proba(X)).all()
        other = type(model)(**model.get_params()).set_params(max_iter=1).fit(X, y)
        assert other.n_iter_ == 1
        for wrong, message in [(X[:, :2], "expecting 4 features"), (X[0], "Expected 2D"), (X * np.nan, "NaN")]:
            try:
                model.predict(wrong)
            except ValueError as error:
                assert message in str(error), error
            else:
                raise AssertionError(message)
        try:
            MLPRegressor().predict(X)
        except ValueError as error:
            assert "not fitted" in str(error)
        try:
            model.set_params(nothing=1)
        except ValueError as error:
            assert "Invalid parameter 'nothing'" in str(error)
        regressor = MLPRegressor(learning_rate_init=0.02, random_state=0).fit(X, X[:, 0] - X[:, 1])
        assert regressor.score(X, X[:, 0] - X[:, 1]) > 0.95
        assert not any(name.startswith("sklearn.") for name in sys.modules)
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], check=True)
