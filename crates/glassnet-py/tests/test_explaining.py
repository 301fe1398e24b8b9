"""Documents of the library, and model files."""

import json
import re

import numpy as np
import pytest

import glassnet as gn
from glassnet import nn


def test_a_document_renders_in_every_form():
    document = gn.derive("tanh(z)")
    assert document.title == "The derivative of tanh(z)"
    assert "quotient rule" in str(document) and all(len(line) <= 60 for line in document.text(60).splitlines())
    assert document.html().startswith("<!DOCTYPE html>") and "<script" not in document.html()
    assert document._repr_html_().startswith('<div class="glassnet">')
    assert document.latex().startswith("\\documentclass") and "\\documentclass" not in document._repr_latex_()
    assert "$" in document._repr_markdown_()
    assert json.loads(document.json())["derivative"] == "1 - tanh(z)^2"
    assert repr(document) == '<glassnet.Document "The derivative of tanh(z)">'


def test_what_is_derived_worked_and_taught_is_what_the_command_says():
    assert json.loads(gn.derive("x^3", order=2).json())["derivative"] == "6*x"
    softmax = json.loads(gn.worked("softmax", "A=7", "B=1", "C=2.2", true="A").json())
    assert softmax["predicted"] == "A" and abs(softmax["loss"] - 0.010652) < 1e-6
    assert json.loads(gn.worked("softmax", [7, 1, 2.2]).json())["p"] == softmax["p"]
    assert "Manual optimization" in gn.lesson("2.3").title
    assert gn.exercise("2.3", seed=7).text() == gn.exercise("2.3", seed=7).text()
    assert gn.exercise("2.3", seed=7).text() != gn.exercise("2.3", seed=8).text()
    assert json.loads(gn.summary(nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))).json())["parameters"] == 356


def test_mistakes_say_where():
    with pytest.raises(ValueError, match="did you mean 'tanh'"):
        gn.derive("tanhh(z)")
    with pytest.raises(ValueError, match="lesson"):
        gn.lesson("9.9")
    with pytest.raises(TypeError, match="needs a network with weights"):
        gn.explain("2-2-2", [0, 1])


def two_units():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    net.load_state_dict(
        {
            "0.weight": np.array([[3.21, 3.21], [-2.34, -2.34]]),
            "0.bias": np.array([-3.21, 2.34]),
            "2.weight": np.array([[3.19, 4.64], [-2.68, -3.44]]),
            "2.bias": np.array([-4.08, 4.42]),
        }
    )
    return net


def test_rows_are_explained_with_the_gradients_that_backward_gives():
    net = two_units()
    explained = json.loads(gn.explain(net, [[0, 0], [0, 1]], [0, 1], weight="0.weight[0,1]").json())
    loss = nn.CrossEntropyLoss()(net(np.float32([[0, 0], [0, 1]])), np.array([0, 1]))
    loss.backward()
    assert explained["loss"] == pytest.approx(loss.item(), rel=1e-6)
    for key, parameter in net.named_parameters():
        np.testing.assert_allclose(explained["gradients_mean"][key], parameter.grad.numpy(), rtol=1e-5, atol=1e-9)
    outputs = [row["output"] for row in explained["rows"]]
    np.testing.assert_allclose(outputs, net(np.float32([[0, 0], [0, 1]])).detach().numpy(), rtol=1e-6)


def test_an_explanation_takes_values_names_and_a_single_row():
    net = nn.Sequential(nn.Linear(3, 1))
    explained = gn.explain(
        net,
        [1, 2, 3],
        0.5,
        loss=nn.HuberLoss(delta=100.0),
        feature_names=["a", "b", "c"],
        optimizer=gn.optim.SGD(net.parameters(), lr=0.1),
    )
    assert "SGD" in str(explained)
    data = json.loads(explained.json())
    assert data["loss"] == pytest.approx(float((net(np.float32([1, 2, 3])).item() - 0.5) ** 2) / 2, rel=1e-5)
    without = gn.explain(net, [1, 2, 3])
    assert "SGD" not in str(without) and json.loads(without.json())["rows"][0]["loss"] is None


def test_a_network_is_written_and_read_with_the_same_bits(tmp_path):
    gn.manual_seed(3)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.25), nn.Linear(8, 3))
    net(np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32))
    net.eval()
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    expected = net(x).detach().numpy()
    path = tmp_path / "net.safetensors"
    gn.write(net, path)
    again = gn.read(path).eval()
    assert repr(again) == repr(net)
    np.testing.assert_array_equal(again(x).detach().numpy(), expected)
    with pytest.raises(FileExistsError, match="overwrite"):
        gn.write(net, path)
    gn.write(net, path, overwrite=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["net.safetensors"]

    weights = tmp_path / "net.npz"
    gn.write(net, weights)
    np.testing.assert_array_equal(np.load(weights)["4.weight"], net[4].weight.detach().numpy())
    with pytest.warns(UserWarning, match="eps"):
        guessed = gn.read(weights, activation="tanh").eval()
    np.testing.assert_array_equal(guessed(x).detach().numpy(), expected)
    given = gn.read(weights, network=nn.parse(repr(net))).eval()
    np.testing.assert_array_equal(given(x).detach().numpy(), expected)
    with pytest.raises(ValueError, match="activation"):
        gn.read(weights)
    with open(path, "rb") as file:
        assert list(gn.read_state_dict(file)) == list(net.state_dict())


def test_what_is_no_model_file_is_refused(tmp_path):
    path = tmp_path / "a.pt"
    path.write_text("import torch")
    with pytest.raises(ValueError, match="a.pt"):
        gn.read(path)
    with pytest.raises(FileNotFoundError):
        gn.read(tmp_path / "none.pt")


@pytest.mark.parametrize(
    "notation",
    [
        "6-32t-4",
        "Sequential(Linear(2, 3, bias=False), LeakyReLU(0.2), LayerNorm(3), Softmax(dim=1))",
        "Sequential(OrderedDict([('body', Linear(2, 2)), ('act', GELU(approximate='tanh'))]))",
        "Sequential(Residual(Linear(4, 4), ReLU()), Hardtanh(-2.0, 2.0), PReLU(4))",
        "Sequential(Embedding(10, 3), Flatten(), Linear(6, 1))",
        "Sequential(EmbedColumns({'1': Embedding(10, 3, padding_idx=0), '3': Embedding(4, 2)}), Linear(8, 1))",
        "EmbedColumns({'0': Embedding(10, 3)})",
    ],
)
def test_a_notation_is_the_network_it_describes(notation):
    net = nn.parse(notation)
    assert repr(nn.parse(repr(net))) == repr(net)
    assert json.loads(gn.summary(net).json())["parameters"] == sum(p.numel() for p in net.parameters())


def test_a_notation_that_is_none_marks_the_place():
    with pytest.raises(ValueError, match=re.compile("ReLU.*\\^", re.DOTALL)):
        nn.parse("Sequential(Linear(2, 3), Relu6x())")
    with pytest.raises(ValueError):
        nn.parse("__import__('os').system('true')")
