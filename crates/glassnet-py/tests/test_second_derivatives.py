"""Gradients of gradients: ``create_graph=True``."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import nn


def network(*layers):
    gn.manual_seed(0)
    return nn.Sequential(*layers)


NETWORKS = {
    "tanh": lambda: network(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)),
    "gelu": lambda: network(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 4), nn.Softplus(), nn.Linear(4, 1)),
    "silu": lambda: network(nn.Linear(3, 5), nn.SiLU(), nn.Residual(nn.Linear(5, 5), nn.Mish()), nn.Linear(5, 1)),
    "softmax": lambda: network(nn.Linear(3, 5), nn.Softmax(1), nn.Linear(5, 4), nn.LogSoftmax(1)),
    "formula": lambda: network(nn.Linear(3, 5), nn.Formula("z*sigmoid(z)"), nn.Linear(5, 1)),
}


def penalty(net, x):
    """What depends on the slope of the network's output towards its input."""
    (slope,) = gn.autograd.grad(net(x).sin().sum(), x, create_graph=True)
    return (slope.square().sum(1).sqrt() - 1).square().mean()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_penalty_of_the_slope_is_differentiated_as_differences_say(name):
    net = NETWORKS[name]()
    x = gn.randn(7, 3).requires_grad_()
    penalty(net, x).backward()
    random = np.random.default_rng(0)
    for parameter in net.parameters():
        direction = random.normal(size=parameter.shape).astype(np.float32)
        begun = parameter.detach().clone()
        step = 5e-3

        def at(by):
            with gn.no_grad():
                parameter.copy_(begun + by * gn.from_numpy(direction))
            return penalty(net, x).item()

        # A bias behind the last nonlinear layer moves nothing.
        found = 0.0 if parameter.grad is None else float((parameter.grad.numpy() * direction).sum())
        wanted = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
        at(0.0)
        assert found == pytest.approx(wanted, rel=2e-2, abs=2e-3)


def test_derivatives_of_a_network_towards_its_input():
    """As a network that solves a differential equation needs them."""
    net = network(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    x = gn.linspace(-1, 1, 9, dtype=gn.float64).unsqueeze(1).requires_grad_()
    y = net(x)
    derivatives = [y]
    for _ in range(3):
        (more,) = gn.autograd.grad(derivatives[-1].sum(), x, create_graph=True)
        derivatives.append(more)
    w, b = (each.detach().numpy() for each in net[0].parameters())
    v = net[2].weight.detach().numpy()
    t = np.tanh(x.detach().numpy() @ w.T + b)
    s = 1 - t**2
    forms = [s, -2 * t * s, (6 * t**2 - 2) * s]
    for order, (derivative, form) in enumerate(zip(derivatives[1:], forms), 1):
        wanted = (form * (v * w.T**order)).sum(1, keepdims=True)
        assert np.allclose(derivative.detach().numpy(), wanted, rtol=1e-12, atol=1e-12)
    derivatives[2].square().mean().backward()
    assert all(each.grad is not None for each in net[0].parameters())


def test_hessian_times_vector():
    a = gn.tensor([[2.0, 1.0], [1.0, 3.0]])
    x = gn.tensor([1.0, -2.0], requires_grad=True)
    (slope,) = gn.autograd.grad(0.5 * (x @ a @ x), x, create_graph=True)
    assert slope.requires_grad and not slope.is_leaf
    v = gn.tensor([1.0, 4.0])
    (product,) = gn.autograd.grad(slope, x, grad_outputs=v)
    assert product.tolist() == (a @ v).tolist()


def test_towards_a_value_on_the_way():
    x = gn.tensor([0.3, -0.7], requires_grad=True)
    middle = x * x
    (slope,) = gn.autograd.grad(middle.exp().sum(), middle, create_graph=True)
    (again,) = gn.autograd.grad(slope.sum(), middle, retain_graph=True)
    assert np.allclose(again.numpy(), np.exp(middle.detach().numpy()))
    slope.sum().backward()
    values = x.detach().numpy()
    assert np.allclose(x.grad.numpy(), 2 * values * np.exp(values**2))


def test_what_comes_from_above_is_differentiated_too():
    x = gn.tensor([2.0, 3.0], requires_grad=True)
    above = gn.tensor([5.0, 7.0], requires_grad=True)
    (slope,) = gn.autograd.grad(x**3, x, grad_outputs=above, create_graph=True)
    towards_x, towards_above = gn.autograd.grad(slope.sum(), (x, above))
    assert towards_x.tolist() == [60.0, 126.0] and towards_above.tolist() == [12.0, 27.0]


def test_backward_leaves_gradients_with_a_history():
    x = gn.tensor(2.0, requires_grad=True)
    (x**4).backward(create_graph=True)
    (x**2).backward(create_graph=True)
    first = x.grad
    assert first.item() == 36.0 and first.requires_grad
    x.grad = None
    first.backward()
    assert x.grad.item() == 12 * 4.0 + 2


def test_masks_of_dropout_are_those_of_the_call():
    gn.manual_seed(0)
    x = gn.ones(200, requires_grad=True)
    y = nn.functional.dropout(x, 0.5) ** 2
    (slope,) = gn.autograd.grad(y.sum(), x, create_graph=True)
    kept = y.detach().numpy() != 0
    assert (slope.detach().numpy() == 8 * kept).all()
    (again,) = gn.autograd.grad(slope.sum(), x)
    assert (again.numpy() == 8 * kept).all() and 50 < kept.sum() < 150


def test_without_create_graph_there_is_no_history():
    x = gn.tensor(2.0, requires_grad=True)
    (slope,) = gn.autograd.grad(x**2, x)
    assert not slope.requires_grad
    with pytest.raises(RuntimeError, match="does not require grad"):
        gn.autograd.grad(slope, x)
    with gn.no_grad():
        y = x * 2
    assert not y.requires_grad


def curvature(loss, x):
    (slope,) = gn.autograd.grad(loss(x), x, create_graph=True)
    (again,) = gn.autograd.grad(slope.square().sum(), x)
    return again.numpy()


def test_cross_entropy_is_differentiated_again():
    gn.manual_seed(0)
    x = gn.randn(5, 3).requires_grad_()
    classes, weight = np.array([0, 1, 2, 0, 1]), np.float32([0.5, 2.0, 1.0])
    one_hot = np.eye(3, dtype=np.float32)[classes]
    counted = one_hot * (classes != 1)[:, None]
    smooth = 0.8 * one_hot + 0.2 / 3
    weighted = one_hot * weight
    for settings, target in [
        ({}, one_hot / 5),
        ({"label_smoothing": 0.2}, smooth / 5),
        ({"weight": gn.tensor(weight)}, weighted / weighted.sum()),
        ({"reduction": "sum"}, one_hot),
        ({"ignore_index": 1}, counted / counted.sum()),
    ]:
        found = curvature(lambda x: nn.functional.cross_entropy(x, gn.tensor(classes), **settings), x)
        target = gn.tensor(np.float32(target))
        wanted = curvature(lambda x: -(target * nn.functional.log_softmax(x, 1)).sum(), x)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-7, err_msg=str(settings))
        assert abs(wanted).max() > 1e-3


def test_normalisations_are_differentiated_again():
    gn.manual_seed(0)
    x = gn.randn(6, 4).requires_grad_()
    pick = gn.randn(6, 4)

    def by_hand(x, dim):
        middle = x.mean(dim, keepdim=True)
        variance = (x - middle).square().mean(dim, keepdim=True)
        return (x - middle) / (variance + 1e-5).sqrt()

    for layer, dim in [(nn.LayerNorm(4), 1), (nn.BatchNorm1d(4), 0)]:
        found = curvature(lambda x: (pick * layer(x)).sum(), x)
        wanted = curvature(lambda x: (pick * by_hand(x, dim)).sum(), x)
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
        assert abs(wanted).max() > 0.1


def test_a_penalty_of_gradients_reaches_the_weights():
    gn.manual_seed(0)
    net = network(nn.Linear(3, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, 2))
    x = gn.randn(5, 3).requires_grad_()
    loss = nn.functional.cross_entropy(net(x), gn.tensor([0, 1, 1, 0, 1]))
    (slope,) = gn.autograd.grad(loss, x, create_graph=True)
    (loss + slope.square().sum()).backward()
    assert all(np.isfinite(each.grad.numpy()).all() for each in net.parameters())
    # Along one weight the penalised loss grows as its gradient says.
    weight = net[0].weight
    gradient = weight.grad.numpy()[1, 2]

    def penalised(moved):
        with gn.no_grad():
            weight[1, 2] += moved
        loss = nn.functional.cross_entropy(net(x), gn.tensor([0, 1, 1, 0, 1]))
        (slope,) = gn.autograd.grad(loss, x)
        value = (loss + slope.square().sum()).item()
        with gn.no_grad():
            weight[1, 2] -= moved
        return value

    assert np.isclose((penalised(1e-2) - penalised(-1e-2)) / 2e-2, gradient, rtol=2e-2, atol=1e-3)


def test_losses_of_single_numbers_are_differentiated_again():
    x = gn.tensor([-2.0, -0.3, 0.4, 3.0], requires_grad=True)
    target = gn.tensor([0.0, 1.0, 1.0, 0.0])
    values = x.detach().numpy().astype(np.float64)
    s = 1 / (1 + np.exp(-values))
    loss = nn.functional.binary_cross_entropy_with_logits
    found = curvature(lambda x: loss(x, target, reduction="sum"), x)
    np.testing.assert_allclose(found, 2 * (s - target.numpy()) * s * (1 - s), rtol=1e-5)
    inside = abs(values) < 1.5
    found = curvature(lambda x: nn.functional.huber_loss(x, gn.zeros(4), reduction="sum", delta=1.5), x)
    np.testing.assert_allclose(found, np.where(inside, 2 * values, 0), rtol=1e-6)


def test_what_is_not_differentiated_again_names_the_mend():
    x = gn.tensor([0.2, 0.7], requires_grad=True)
    loss = nn.functional.binary_cross_entropy(x, gn.tensor([0.0, 1.0]))
    (slope,) = gn.autograd.grad(loss, x, create_graph=True)
    with pytest.raises(Exception, match="elementwise loss.*as arithmetic"):
        slope.square().sum().backward()
