"""Frames of pandas and polars with categories."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from glassnet import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def columns(rows=80):
    random = np.random.default_rng(0)
    colour = random.choice(["red", "green", "blue"], rows)
    size = random.normal(size=rows)
    return {"size": size, "colour": colour, "new": random.random(rows) < 0.5}, np.where(colour == "red", size, -size)


def pandas_frame(data, dtype="category"):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(data)
    return frame.astype({"colour": dtype})


def polars_frame(data, dtype="Categorical"):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(data).with_columns(polars.col("colour").cast(getattr(polars, dtype)))


FRAMES = [
    (pandas_frame, "category"),
    (pandas_frame, "object"),
    (pandas_frame, "string"),
    (polars_frame, "Categorical"),
    (polars_frame, "String"),
]


@pytest.mark.parametrize(("make", "dtype"), FRAMES)
def test_categories_become_a_column_each(make, dtype):
    data, y = columns()
    model = MLPRegressor(learning_rate_init=0.02, random_state=0, max_iter=150).fit(make(data, dtype), y)
    assert model.score(make(data, dtype), y) > 0.95
    assert list(model.categories_["colour"]) == ["blue", "green", "red"]
    assert list(model.feature_names_in_) == ["size", "colour", "new"] and model.n_features_in_ == 3
    assert model.coefs_[0].shape[0] == 5
    by_hand = np.column_stack([data["size"], *(data["colour"] == c for c in ("blue", "green", "red")), data["new"]])
    plain = MLPRegressor(learning_rate_init=0.02, random_state=0, max_iter=150).fit(by_hand, y)
    assert (plain.predict(by_hand) == model.predict(make(data, dtype))).all()
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(make(data, dtype)) == model.predict(make(data, dtype))).all()


@pytest.mark.parametrize(("make", "dtype"), FRAMES)
def test_unseen_categories_are_listed_or_ignored(make, dtype):
    data, y = columns()
    strange = {**data, "colour": np.where(np.arange(80) % 9 == 0, "mauve", data["colour"])}
    strict = MLPRegressor(random_state=0, max_iter=3).fit(make(data, dtype), y)
    with pytest.raises(ValueError, match="column 'colour' has 'mauve' \\(fitted: 'blue', 'green', 'red'\\)"):
        strict.predict(make(strange, dtype))
    lenient = MLPRegressor(random_state=0, max_iter=3, handle_unknown="ignore").fit(make(data, dtype), y)
    none = np.column_stack([data["size"], *((strange["colour"] == c) for c in ("blue", "green", "red")), data["new"]])
    plain = MLPRegressor(random_state=0, max_iter=3)
    by_hand = np.column_stack([data["size"], *(data["colour"] == c for c in ("blue", "green", "red")), data["new"]])
    assert (plain.fit(by_hand, y).predict(none) == lenient.predict(make(strange, dtype))).all()


@pytest.mark.parametrize("make", [pandas_frame, polars_frame])
def test_a_missing_category_is_one_of_its_own(make):
    data, y = columns()
    gaps = {**data, "colour": [None if row % 4 == 0 else c for row, c in enumerate(data["colour"])]}
    model = MLPRegressor(random_state=0, max_iter=3).fit(make(gaps), y)
    assert list(model.categories_["colour"]) == ["blue", "green", "red", None]
    without = MLPRegressor(random_state=0, max_iter=3).fit(make(data), y)
    with pytest.raises(ValueError, match="has missing"):
        without.predict(make(gaps))


@pytest.mark.parametrize("make", [pandas_frame, polars_frame])
def test_other_columns_are_said(make):
    data, y = columns()
    model = MLPRegressor(random_state=0, max_iter=3).fit(make(data), y)
    with pytest.raises(ValueError, match="same order"):
        model.predict(make({name: data[name] for name in ("colour", "size", "new")}))
    with pytest.raises(ValueError, match="unseen at fit time: weight\n.*missing: size"):
        model.predict(make({"weight": data["size"], "colour": data["colour"], "new": data["new"]}))
    with pytest.raises(TypeError, match="frame with categories in colour"):
        model.predict(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="NaN or infinity in size"):
        model.predict(make({**data, "size": np.where(data["size"] > 0, np.nan, 1.0)}))
    with pytest.raises(ValueError, match="column 'size' held numbers when the estimator was fitted"):
        model.predict(make({**data, "size": data["colour"]}))


def test_dates_are_refused_with_their_column():
    pandas = pytest.importorskip("pandas")
    data, y = columns()
    frame = pandas_frame(data).assign(day=pandas.Timestamp("2026-01-01"))
    with pytest.raises(TypeError, match="column 'day' is of type datetime64"):
        MLPRegressor().fit(frame, y)


@pytest.mark.parametrize("make", [pandas_frame, polars_frame])
def test_frames_of_numbers_are_scikit_learns(make):
    data, y = columns()
    frame = make(data)
    frame = frame[["size", "new"]] if hasattr(frame, "iloc") else frame.select("size", "new")
    model = MLPRegressor(random_state=0, max_iter=3).fit(frame, y)
    assert list(model.feature_names_in_) == ["size", "new"] and not hasattr(model, "categories_")
    plain = MLPRegressor(random_state=0, max_iter=3).fit(np.column_stack([data["size"], data["new"]]), y)
    assert (plain.predict(np.column_stack([data["size"], data["new"]])) == model.predict(frame)).all()


def test_targets_may_be_series():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    data, y = columns()
    names = np.where(y > 0, "up", "down")
    for series in (pandas.Series(names), pandas.Series(names, dtype="category"), polars.Series(names)):
        model = MLPClassifier(random_state=0, max_iter=3).fit(pandas_frame(data), series)
        assert list(model.classes_) == ["down", "up"]
        assert set(model.predict(pandas_frame(data))) <= {"down", "up"}
    for series in (pandas.Series(y), polars.Series(y)):
        MLPRegressor(random_state=0, max_iter=3).fit(pandas_frame(data), series, sample_weight=pandas.Series(abs(y)))
