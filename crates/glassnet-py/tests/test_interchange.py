"""Other libraries' memory: DLPack both ways, and Arrow's PyCapsules, whether or not pyarrow is there to make them."""

import subprocess
import sys

import numpy as np
import pytest

import glassnet as gn
from glassnet import MLPClassifier, MLPRegressor, nn
from glassnet._convert import as_array

pytestmark = pytest.mark.filterwarnings("ignore:.*hasn't converged")

# --- DLPack ---


class OnlyDLPack:
    """An array that speaks DLPack and nothing else."""

    def __init__(self, array, device=(1, 0), dtype="float32"):
        self.array, self.device_, self.dtype = array, device, dtype

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device_


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_dlpack_in_and_out_shares_the_memory(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    tensor = gn.from_dlpack(OnlyDLPack(array.T[::2]))
    assert tensor._array.dtype == dtype and tensor.tolist() == array.T[::2].tolist()
    assert tensor.stride() == (2, 4)
    array[0, 0] = array[2, 3]
    assert tensor[0, 0].item() == array[2, 3]
    back = np.from_dlpack(tensor)
    assert back.ctypes.data == tensor.data_ptr() and back.strides == tensor._array.strides
    assert np.from_dlpack(tensor, copy=True).ctypes.data != tensor.data_ptr()


def test_what_is_read_only_stays_so():
    array = np.ones(3, np.float32)
    array.flags.writeable = False
    tensor = gn.from_dlpack(OnlyDLPack(array))
    with pytest.raises(ValueError, match="read-only"):
        tensor.add_(1)
    assert (tensor + 1).tolist() == [2, 2, 2]
    weight = nn.Linear(2, 2).weight
    with pytest.raises(BufferError, match="requires? gradient"):
        np.from_dlpack(weight)
    assert not np.from_dlpack(weight.detach()).flags.writeable
    with pytest.raises(BufferError, match="clone"):
        weight.detach().__dlpack__()
    assert np.from_dlpack(weight.detach().clone()).flags.writeable
    assert np.from_dlpack(weight.detach(), copy=True).flags.writeable


def test_what_cannot_be_read_says_so():
    with pytest.raises(RuntimeError, match=r"another device \(DLPack number 2\).*\.cpu\(\)"):
        gn.from_dlpack(OnlyDLPack(np.ones(2), device=(2, 0)))
    with pytest.raises(TypeError, match="list has not"):
        gn.from_dlpack([1.0])
    torch = pytest.importorskip("torch")
    for read in (gn.from_dlpack, gn.as_tensor, nn.Linear(2, 2)):
        with pytest.raises(TypeError, match=r"torch.bfloat16.*\.float\(\)"):
            read(torch.ones(2, 2, dtype=torch.bfloat16))


def test_a_layer_takes_what_speaks_dlpack():
    net, x = nn.Linear(2, 3), np.ones((4, 2), np.float32)
    assert net(OnlyDLPack(x)).tolist() == net(x).tolist()


# --- Arrow ---

arrow = pytest.importorskip("pyarrow")


class OnlyStream:
    """A table or an array as any other library than pyarrow would give it."""

    def __init__(self, data):
        self.data = data

    def __arrow_c_stream__(self, requested_schema=None):
        return self.data.__arrow_c_stream__(requested_schema)


class OnlyArray:
    def __init__(self, data):
        self.data = data

    def __arrow_c_array__(self, requested_schema=None):
        return self.data.__arrow_c_array__(requested_schema)


def columns(rows=90):
    random = np.random.default_rng(0)
    colour = random.choice(["red", "green", "a colour with a long name"], rows)
    size = random.normal(size=rows)
    return {"size": size, "colour": colour, "new": random.random(rows) < 0.5, "count": np.arange(rows) % 7}, colour == "red"


def table(data, text, chunks=1):
    encode = {
        "text": lambda a: a,
        "large": lambda a: a.cast(arrow.large_string()),
        "view": lambda a: a.cast(arrow.string_view()),
        "dictionary": lambda a: a.dictionary_encode(),
    }[text]
    whole = arrow.table({n: encode(arrow.array(c)) if c.dtype.kind == "U" else arrow.array(c) for n, c in data.items()})
    bounds = np.linspace(0, len(whole), chunks + 1).astype(int)
    # Slices: of what the producer holds, a part with an offset.
    return arrow.concat_tables([whole.slice(a, b - a) for a, b in zip(bounds, bounds[1:])])


@pytest.mark.parametrize("wrap", [lambda t: t, OnlyStream, lambda t: OnlyArray(t.combine_chunks().to_batches()[0])])
@pytest.mark.parametrize("text", ["text", "large", "view", "dictionary"])
@pytest.mark.parametrize("chunks", [1, 4])
def test_estimators_take_tables_with_categories(wrap, text, chunks):
    data, y = columns()
    fit = lambda X: MLPClassifier((8,), max_iter=20, random_state=0).fit(X, y)  # noqa: E731
    model = fit(wrap(table(data, text, chunks)))
    assert list(model.feature_names_in_) == list(data)
    assert list(model.categories_["colour"]) == ["a colour with a long name", "green", "red"]
    names = ("a colour with a long name", "green", "red")
    by_hand = np.column_stack([data["size"], *(data["colour"] == c for c in names), data["new"], data["count"]])
    assert (model.predict_proba(wrap(table(data, text, chunks))) == fit(by_hand).predict_proba(by_hand)).all()
    with pytest.raises(ValueError, match="'colour' has 'mauve'"):
        model.predict(wrap(table({**data, "colour": np.full(90, "mauve")}, text)))


@pytest.mark.parametrize("type_", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64", "bool"])
def test_numbers_of_every_type(type_):
    values = np.array([0, 1, 3, 1, 0, 2, 1, 1, 0, 1, 5]) % (2 if type_ == "bool" else 9)
    array = arrow.array(values.astype(type_))
    for data in (array, OnlyArray(array), OnlyStream(arrow.chunked_array([array]))):
        assert as_array(data).dtype == type_ and as_array(data).tolist() == values.tolist()
    sliced = OnlyArray(array.slice(3, 5))
    assert as_array(sliced).tolist() == values[3:8].tolist()
    gaps = arrow.array([None, *values.tolist()], mask=np.array([True, False, False, True, *[False] * 8])).slice(1)
    gaps = gaps.cast(type_) if type_ != "float16" else gaps
    read = as_array(OnlyArray(gaps))
    assert np.isnan(read).nonzero()[0].tolist() == [2] and read[3:].tolist() == values[3:].tolist()


def test_gaps_in_text_are_a_category_and_gaps_in_numbers_are_named():
    data, y = columns()
    holes = arrow.array([None if each == "green" else each for each in data["colour"]])
    for column in (holes, holes.dictionary_encode(), holes.cast(arrow.string_view())):
        model = MLPRegressor(max_iter=2).fit(OnlyStream(arrow.table({"size": data["size"], "colour": column})), data["size"])
        assert list(model.categories_["colour"]) == ["a colour with a long name", "red", None]
    size = arrow.array(data["size"], mask=np.arange(90) == 4)
    with pytest.raises(ValueError, match="NaN"):
        MLPRegressor().fit(OnlyStream(arrow.table({"size": size})), data["size"])


def test_targets_and_weights_speak_arrow():
    data, _ = columns()
    x, weights = data["size"][:, None], arrow.array(np.ones(90))
    for labels in (arrow.array(data["colour"]), arrow.chunked_array([arrow.array(data["colour"])]).dictionary_encode()):
        model = MLPClassifier((4,), max_iter=3).fit(x, labels, sample_weight=OnlyArray(weights))
        assert model.classes_.tolist() == ["a colour with a long name", "green", "red"]
        assert 0 <= model.score(x, labels) <= 1
    assert gn.fit("1-3", OnlyStream(arrow.table({"size": data["size"]})), arrow.array(data["count"] % 3), epochs=1).stopped == "finished"
    assert nn.Linear(1, 3)(arrow.table({"size": data["size"].astype(np.float32)})).shape == (90, 3)


def test_what_is_no_number_is_refused_by_name():
    dates = arrow.table({"day": arrow.array([1, 2], arrow.date32())})
    with pytest.raises(TypeError, match="column 'day' is of Arrow's type 'tdD'"):
        MLPRegressor().fit(OnlyStream(dates), [1, 2])
    with pytest.raises(ValueError, match="column 'name' holds string, not numbers"):
        gn.as_tensor(OnlyStream(arrow.table({"name": ["a", "b"]})))
    reader = arrow.RecordBatchReader.from_batches(
        arrow.schema([("a", arrow.int64())]), (1 / 0 for _ in range(1))
    )
    with pytest.raises(ValueError, match="ended with an error: .*division by zero"):
        gn.as_tensor(OnlyStream(reader))


def test_reading_frees_what_it_read():
    before = arrow.total_allocated_bytes()
    for _ in range(3):
        gn.as_tensor(OnlyStream(arrow.table({"a": arrow.array(np.arange(10_000)).cast(arrow.float32())})))
    assert arrow.total_allocated_bytes() == before


def test_arrow_is_read_without_pyarrow():
    polars = pytest.importorskip("polars")
    del polars
    program = """
import sys
sys.modules["pyarrow"] = None
import polars, numpy as np, glassnet as gn
class Only:
    def __init__(self, frame): self.frame = frame
    def __arrow_c_stream__(self, requested_schema=None): return self.frame.__arrow_c_stream__(requested_schema)
frame = polars.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "c": ["a text that is long", "y", None, "y"]})
y = polars.Series([0, 1, 0, 1])
for categories in (frame, frame.with_columns(polars.col("c").cast(polars.Categorical))):
    for X in (categories, Only(categories)):
        model = gn.MLPClassifier((3,), max_iter=2).fit(X, y)
        assert model.categories_["c"].tolist() == ["a text that is long", "y", None], model.categories_
        print(model.predict(X).shape)
"""
    said = subprocess.check_output([sys.executable, "-W", "ignore", "-c", program], text=True)
    assert said.split("\n")[:4] == ["(4,)"] * 4
