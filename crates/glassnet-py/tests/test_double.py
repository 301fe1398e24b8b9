"""Networks in float64: evaluated and differentiated by the reference."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import nn

X = np.random.default_rng(0).normal(size=(5, 3))


def network():
    gn.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.2), nn.Linear(4, 2)).eval()


def test_the_output_is_that_of_numpy_in_float64():
    net = network().double()
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    assert {value.dtype for key, value in state.items() if "tracked" not in key} == {np.dtype(np.float64)}
    hidden = np.tanh((X @ state["0.weight"].T + state["0.bias"]) / np.sqrt(1 + 1e-5))
    wanted = hidden @ state["4.weight"].T + state["4.bias"]
    for given in (X, X.tolist(), gn.from_numpy(X)):
        found = net(given)
        assert found.dtype is gn.float64 and np.allclose(found.detach().numpy(), wanted, rtol=1e-14, atol=1e-15)
    assert np.array_equal(net(np.ones((2, 3), int)).tolist(), net(np.ones((2, 3))).tolist())


def test_back_in_float32_it_is_what_it_was():
    net = network()
    before = net(X).tolist()
    net(X).sum().backward()
    net.double()
    assert net[0].weight.grad.dtype is gn.float64 and net(X).tolist() != before
    net.to(gn.float32)
    assert net(X).tolist() == before and net[0].weight.grad.dtype is gn.float32


def test_gradients_are_of_float64():
    net = network().double()
    y = gn.tensor([0, 1, 0, 1, 1])
    nn.functional.cross_entropy(net(X), y).backward()
    at, step = net[0].weight, 1e-6
    found = at.grad[1, 2].item()
    losses = []
    for by in (step, -step):
        with gn.no_grad():
            at[1, 2] += by
            losses.append(nn.functional.cross_entropy(net(X), y).item())
            at[1, 2] -= by
    assert found == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=1e-7)


def test_what_needs_float32_says_so():
    net = network().double()
    net(X).sum().backward()
    for refused in (
        lambda: gn.optim.SGD(net.parameters(), lr=0.1).step(),
        lambda: gn.fit(net, X, np.arange(5) % 2, epochs=1),
        lambda: gn.write(net, "nowhere.safetensors"),
        lambda: network().double().train()(X),
    ):
        with pytest.raises(TypeError, match=r"\.float\(\)"):
            refused()
    with pytest.raises(RuntimeError, match=r"got Float and Double; convert the input with \.double\(\)"):
        net(gn.ones(2, 3))
    with pytest.raises(NotImplementedError, match="float32 and float64"):
        net.half()
    with pytest.raises(TypeError, match="floating point"):
        net.to(gn.int64)


def test_a_parameter_that_is_replaced_by_another_type_is_seen():
    net = nn.Sequential(nn.Linear(3, 2))
    x = gn.ones(4, 3)
    net(x), net(x)
    net[0].weight.data = net[0].weight.data.double()
    net[0].bias.data = net[0].bias.data.double()
    with pytest.raises(RuntimeError, match="got Float and Double"):
        net(x)
    assert net(x.double()).dtype is gn.float64
