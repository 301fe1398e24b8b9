"""What is proven of networks, asked from Python."""

import _thread
import json
import subprocess
import sys
import threading
import time

import glassnet as gn
import numpy as np
import pytest
from glassnet import nn

STATE = {
    "0.weight": [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
    "0.bias": [0.0, -5.0, 0.0],
    "2.weight": [[1.0, 2.0, -1.0], [0.0, 1.0, 1.0]],
    "2.bias": [0.5, 0.0],
}


def data(document):
    return json.loads(document.json())


@pytest.fixture
def net():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    net.load_state_dict(STATE)
    return net


def forward(net, x):
    return net(gn.tensor([x])).detach().numpy()[0]


def test_a_property_in_words_holds(net):
    document = gn.prove(net, output="y0 <= 1.6 and y1 >= -0.1", domain=(0, 1))
    assert data(document)["verdict"] == "holds"
    assert "holds" in str(document) and "holds" in document.html()


def test_a_counterexample_is_one(net):
    found = data(gn.prove(net, output="y0 <= 1.25", domain=[(0, 1), (0, 1)]))
    assert found["verdict"] == "violated"
    assert forward(net, found["witness"]["input"])[0] > 1.25
    assert found["semantics"] == "f32-any-order"


def test_a_column_has_its_own_interval(net):
    assert data(gn.prove(net, output="y0 <= 0.8", domain={"x0": (0, 0.25), "x1": (0, 1)}))["verdict"] == "holds"
    assert data(gn.prove(net, output="y0 <= 0.8", domain={"x0": (0, 0.5), "x1": (0, 1)}))["verdict"] == "violated"


def test_a_class_stays_near_a_row(net):
    x = np.float32([1.0, 0.25])
    near = data(gn.prove(net, class_stays=True, x=x, within=0.05, semantics="real"))
    assert near["verdict"] == "holds" and near["semantics"] == "real"
    assert data(gn.prove(net, class_stays=True, x=x, within={"x0": 2, "x1": 0.5}))["verdict"] == "violated"
    radius = data(gn.prove(net, class_stays=True, x=x))["radius"]
    # The scores are equal where x0 + 0.5 = 2·x1.
    assert radius["certified"] <= 1 / 3 <= radius["violated"] and radius["certified"] > 0.32


def test_an_output_grows_with_a_column(net):
    assert data(gn.prove(net, monotone="x0", of=0, domain=(0, 1)))["verdict"] == "holds"
    assert data(gn.prove(net, monotone="x1", of=0, domain=(0, 1)))["verdict"] == "violated"


def test_a_property_of_a_file_gets_a_proof(net, tmp_path):
    text = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
    text += "".join(f"(assert (>= X_{i} 0))(assert (<= X_{i} 1))" for i in range(2)) + "(assert (>= Y_0 1.75))"
    (tmp_path / "safe.vnnlib").write_text(text)
    model, proof = tmp_path / "net.safetensors", tmp_path / "safe.proof.json"
    gn.write(net, model)
    assert data(gn.prove(net, tmp_path / "safe.vnnlib", proof=proof))["verdict"] == "holds"
    command = [sys.executable, "-m", "glassnet", "verify-certificate", model, tmp_path / "safe.vnnlib", proof]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("valid")
    with pytest.raises(ValueError, match="exists"):
        gn.prove(model, tmp_path / "safe.vnnlib", proof=proof)
    gn.prove(model, tmp_path / "safe.vnnlib", proof=proof, overwrite=True)


def test_units_are_dead_on_a_domain(net):
    layer = data(gn.units(net, domain=(0, 1)))["layers"][0]
    assert layer["dead_units"] == [1]
    assert data(gn.units(net))["layers"][0]["dead_units"] == []
    assert "unit 1 is dead" in str(gn.units(net, domain="0..1"))
    assert data(gn.units(net, free=["0.bias[1]"], domain=(0, 1)))["layers"][0]["dead_units"] == []


def test_a_smaller_network_is_equal(net, tmp_path):
    output, certificate = tmp_path / "smaller.safetensors", tmp_path / "equal.json"
    done = data(gn.simplify(net, output, domain=(0, 1)))
    assert done["parameters_after"] < done["parameters_before"] == 17
    assert done["output"] == str(output)
    smaller = gn.read(output)
    assert np.array_equal(forward(smaller, [0.5, 0.25]), forward(net, [0.5, 0.25]))
    command = [sys.executable, "-m", "glassnet", "equal", output, output]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("equal")
    found = data(gn.equal_networks(net, smaller, domain=(0, 1), certificate=certificate))
    assert found["verdict"] == "equal" and found["certificate"] == str(certificate) and certificate.exists()
    apart = data(gn.equal_networks(net, output, domain=(0, 9)))
    assert apart["verdict"] == "different"
    x = apart["witness"]["input"]
    assert not np.array_equal(forward(net, x), forward(smaller, x))
    with pytest.raises(ValueError, match="exists"):
        gn.simplify(net, output)


def test_larger_networks_are_equal(net, tmp_path):
    x = [0.5, 0.25]
    wider, deeper = tmp_path / "wider.safetensors", tmp_path / "deeper.safetensors"
    done = data(gn.widen(net, [5], wider))
    assert done["network"] == "Sequential(Linear(2, 5), ReLU(), Linear(5, 2))"
    np.testing.assert_allclose(forward(gn.read(wider), x), forward(net, x), rtol=1e-6)
    found = gn.verify_certificate(net, wider, done["certificate"])
    assert data(found)["valid"] is True and found.title == "valid"
    done = data(gn.deepen(wider, "1", deeper))
    np.testing.assert_allclose(forward(gn.read(deeper), x), forward(net, x), rtol=1e-6)
    assert data(gn.verify_certificate(gn.read(wider), deeper, done["certificate"]))["valid"] is True
    # The certificate of another pair.
    found = data(gn.verify_certificate(net, deeper, done["certificate"]))
    assert found["valid"] is False and found["why"]
    with pytest.raises(ValueError, match="exists"):
        gn.widen(net, [5], wider)
    with pytest.raises(ValueError):
        gn.widen(net, [2], tmp_path / "narrower.safetensors")
    assert not (tmp_path / "narrower.safetensors").exists()


def test_a_folder_of_instances_is_proven(net, tmp_path):
    declared = "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
    box = "".join(f"(assert (>= X_{i} 0))(assert (<= X_{i} 1))" for i in range(2))
    for name, bound in [("safe", 1.75), ("unsafe", 1.25)]:
        (tmp_path / f"{name}.vnnlib").write_text(f"{declared}{box}(assert (>= Y_0 {bound}))")
    gn.write(net, tmp_path / "net.onnx")
    lines = ["net.onnx,safe.vnnlib,60", "net.onnx,unsafe.vnnlib,60"]
    (tmp_path / "instances.csv").write_text("\n".join(lines))
    (tmp_path / "proofs").mkdir()
    document = gn.prove(benchmark=tmp_path, proofs=tmp_path / "proofs")
    found = data(document)
    assert [row["verdict"] for row in found["instances"]] == ["holds", "violated"]
    assert found["contradictions"] == 0 and "1 hold, 1 violated" in str(document)
    proof = tmp_path / "proofs" / "net.onnx-safe.vnnlib.proof.json"
    checked = data(gn.verify_certificate(tmp_path / "net.onnx", tmp_path / "safe.vnnlib", proof))
    assert checked["valid"] is True and checked["verdict"] == "holds"
    # Of a network that is otherwise, it shows nothing.
    other = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    gn.write(other, tmp_path / "other.onnx")
    assert data(gn.verify_certificate(tmp_path / "other.onnx", tmp_path / "safe.vnnlib", proof))["valid"] is False
    with pytest.raises(TypeError, match="benchmark"):
        gn.prove(net, benchmark=tmp_path)
    with pytest.raises(ValueError, match="instances.csv"):
        gn.prove(benchmark=tmp_path / "proofs")


def test_mistakes_are_told(net):
    with pytest.raises(TypeError, match="class_stays"):
        gn.prove(net)
    with pytest.raises(ValueError, match="2 inputs"):
        gn.units(net, domain=[(0, 1), (0, 1), (0, 1)])
    with pytest.raises(OSError, match="no such file"):
        gn.units("there-is-none.safetensors")


def test_ctrl_c_ends_a_search():
    gn.manual_seed(0)
    net = nn.Sequential(nn.Linear(30, 60), nn.ReLU(), nn.Linear(60, 60), nn.ReLU(), nn.Linear(60, 1))
    outputs = net(gn.rand(2000, 30) * 2 - 1)
    # Nearer than any bound, and farther than any input that is tried.
    statement = f"y0 <= {float(outputs.max()) * 2 + 0.5}"
    timer = threading.Timer(1.0, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            gn.prove(net, output=statement, domain=(-1, 1), timeout=300)
    finally:
        timer.cancel()
    # Nothing of the library is left among the handlers.
    assert data(gn.prove(net, output="y0 <= 1000", domain=(-1, 1)))["verdict"] == "holds"


def test_ctrl_c_ends_work_that_has_no_end_in_sight(tmp_path):
    gn.manual_seed(0)
    # Wide enough that bounding its units takes far longer than the signal.
    layers = [nn.Linear(400, 700), nn.ReLU()]
    for _ in range(5):
        layers += [nn.Linear(700, 700), nn.ReLU()]
    net = nn.Sequential(*layers, nn.Linear(700, 10))
    model, smaller = tmp_path / "net.safetensors", tmp_path / "smaller.safetensors"
    gn.write(net, model)
    for work in [lambda: gn.units(model, domain=(-1, 1)), lambda: gn.simplify(model, smaller, domain=(-1, 1))]:
        sent = []

        def interrupt(sent=sent):
            sent.append(time.monotonic())
            _thread.interrupt_main()

        timer = threading.Timer(0.5, interrupt)
        timer.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                work()
        finally:
            timer.cancel()
        assert sent
    assert not smaller.exists()
