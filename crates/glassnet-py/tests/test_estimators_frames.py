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


def shops(rows=600):
    """What is sold hangs on one of 80 shops, of which some aren't named."""
    at = np.arange(rows)
    shop = at * 37 % 80
    names = [None if row % 41 == 7 else f"shop {number}" for row, number in enumerate(shop)]
    return {"size": (at * 13 % 29).astype(float), "shop": names}, (shop * shop % 17).astype(float)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_columns_of_many_categories_become_codes(kind):
    library = pytest.importorskip(kind)
    data, y = shops()
    frame = library.DataFrame(data)
    options = {"learning_rate_init": 0.02, "random_state": 0, "hidden_layer_sizes": (16,), "max_iter": 60}
    model = MLPRegressor(**options).fit(frame, y)
    assert "EmbedColumns({'1': Embedding(82, 19, padding_idx=0)})" in str(model.network_)
    assert model.state_dict_["0.1.weight"].shape == (82, 19)
    assert not model.state_dict_["0.1.weight"][0].any()
    assert [weights.shape for weights in model.coefs_] == [(20, 16), (16, 1)] and model.n_layers_ == 3
    assert model.score(frame, y) > 0.8
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(frame) == model.predict(frame)).all()
    strange = library.DataFrame({"size": [1.0], "shop": ["shop 3000"]})
    with pytest.raises(ValueError, match="shop 3000"):
        model.predict(strange)
    assert np.isfinite(model.set_params(handle_unknown="ignore").predict(strange)).all()

    wide = MLPRegressor(**{**options, "max_iter": 2}, embedding="never").fit(frame, y)
    assert wide.coefs_[0].shape == (82, 16)
    short = MLPRegressor(**{**options, "max_iter": 2}, embedding={"shop": 3}).fit(frame, y)
    assert short.state_dict_["0.1.weight"].shape == (82, 3)
    own = MLPRegressor(max_iter=2, random_state=0, embedding=["shop"], network="20-8t-1").fit(frame, y)
    assert str(own.network_).startswith("Sequential(EmbedColumns({'1': Embedding(82, 19, padding_idx=0)}), Linear(20, 8)")
    with pytest.raises(ValueError, match="'size', which is no column of categories"):
        MLPRegressor(embedding=["size"]).fit(frame, y)
    with pytest.raises(ValueError, match="'embedding' parameter"):
        MLPRegressor(embedding="sometimes").fit(frame, y)


def test_codes_are_trained_by_every_solver_and_in_parts():
    pandas = pytest.importorskip("pandas")
    data, y = shops()
    frame = pandas.DataFrame(data)
    for options in ({"solver": "lbfgs"}, {"solver": "sgd"}, {"early_stopping": True}):
        model = MLPClassifier(random_state=0, max_iter=15, hidden_layer_sizes=(8,), **options).fit(frame, y > 8)
        assert model.predict_proba(frame).shape == (600, 2)
    partial = MLPClassifier(random_state=0, hidden_layer_sizes=(8,))
    for _ in range(3):
        partial.partial_fit(frame, y > 8, classes=[False, True])
    assert partial.t_ == 3 * 600 and partial.predict_proba(frame).shape == (600, 2)
