"""Memory, history and mutation of tensors: what is shared, what is counted, what is refused."""

import copy
import pickle

import glassnet as gn
import numpy as np
import pytest
from glassnet import nn


def test_memory_is_shared_with_numpy_both_ways():
    array = np.zeros((2, 3), np.float32)
    t = gn.from_numpy(array)
    t[0, 1] = 5
    array[1, 2] = 7
    assert array[0, 1] == 5 and t[1, 2].item() == 7
    assert t.numpy() is array or np.shares_memory(t.numpy(), array)
    assert np.shares_memory(gn.as_tensor(array).numpy(), array)
    assert not np.shares_memory(gn.tensor(array).numpy(), array)
    assert np.shares_memory(gn.Tensor(array).numpy(), array)
    view = t.view(3, 2)
    view[0, 0] = 9
    assert array[0, 0] == 9
    assert np.shares_memory(t.T.numpy(), array) and np.shares_memory(t[0].numpy(), array)


def test_tensor_makes_float32_and_tensor_keeps_the_type():
    assert gn.Tensor(np.array([1.0, 2.0])).dtype == gn.float32
    assert gn.tensor(np.array([1.0, 2.0])).dtype == gn.float64
    assert gn.Tensor([1, 2]).dtype == gn.float32 and gn.Tensor(2, 3).shape == (2, 3)
    assert gn.tensor([1, 2.0]).dtype == gn.float32 and gn.tensor([True]).dtype == gn.bool
    with pytest.raises((TypeError, ValueError)):
        gn.tensor(["a"])
    with pytest.raises(ValueError):
        gn.tensor([[1.0], [1.0, 2.0]])
    with pytest.raises((TypeError, ValueError)):
        gn.Tensor(np.array(["a"]))


def test_dlpack_goes_both_ways():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    t = gn.from_dlpack(array)
    if t.numpy().flags.writeable:  # NumPy 1 sees the memory of others read-only.
        assert np.shares_memory(np.from_dlpack(t), array)


def test_arrays_in_any_layout_give_the_same_numbers():
    x = np.random.RandomState(0).rand(4, 6).astype(np.float32)
    net = nn.Sequential(nn.Linear(6, 3), nn.Tanh())
    wanted = net(x).detach().numpy()
    for other in (np.asfortranarray(x), x[::-1][::-1], np.concatenate([x, x], 1)[:, :6], x.astype(np.float64)):
        assert (net(other).detach().numpy() == wanted).all()
        assert (net(other).detach().numpy() == wanted).all()
    assert (gn.from_numpy(np.asfortranarray(x)) @ gn.ones(6, 1)).equal(gn.from_numpy(x) @ gn.ones(6, 1))


def step(net):
    for parameter in net.parameters():
        parameter.grad = gn.ones(*parameter.shape)
    gn.optim.SGD(net.parameters(), lr=0.5).step()


def test_a_parameter_is_never_changed_unseen():
    net = nn.Sequential(nn.Linear(3, 2))
    x = gn.ones(1, 3)
    weight = net[0].weight
    with gn.no_grad():
        for change in (
            lambda: weight.mul_(2),
            lambda: weight.copy_(gn.ones(2, 3)),
            lambda: weight.fill_(3),
            lambda: weight.__setitem__((0, 0), 9),
            lambda: setattr(weight, "data", gn.full((2, 3), 4.0)),
            lambda: net.state_dict()["0.weight"].zero_(),
            lambda: weight.detach()[1].add_(1),
            lambda: weight.data.view(-1)[0:2].fill_(8),
            lambda: nn.init.ones_(weight),
            lambda: step(net),
            lambda: net.load_state_dict({"0.weight": np.full((2, 3), 2.0), "0.bias": np.zeros(2)}),
            lambda: setattr(net[0], "weight", nn.Parameter(gn.full((2, 3), 5.0))),
            lambda: net.__setitem__(0, nn.Linear(3, 2)),
        ):
            before = net(x), net(x)
            change()
            layer = net[0]
            wanted = nn.functional.linear(x, layer.weight, layer.bias)
            assert net(x).equal(wanted) and net(x).equal(wanted)
            assert not before[1].equal(wanted)
    with pytest.raises(ValueError, match="read-only"):
        net[0].weight.detach().numpy()[0] = 1


def test_gradients_know_what_was_changed():
    w = gn.ones(2, requires_grad=True)
    loss = (w * w).sum()
    with gn.no_grad():
        w += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    with pytest.raises(RuntimeError, match="leaf Variable"):
        w += 1
    (w * w).sum().backward()
    assert w.grad.tolist() == [4.0, 4.0]


def test_a_graph_is_used_once_unless_it_is_retained():
    w = gn.ones(2, requires_grad=True)
    loss = (w * 3).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    assert w.grad.tolist() == [6.0, 6.0]
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_operations_in_place_have_a_history():
    w = gn.tensor([1.0, 2.0], requires_grad=True)
    h = w * 2
    h += w
    h[0] = w[1] * 5
    h.sum().backward()
    assert w.grad.tolist() == [0.0, 8.0]


def test_gradients_of_what_lies_between():
    w = gn.tensor([1.0, 2.0], requires_grad=True)
    h = w * w
    h.retain_grad()
    loss = (h * 3).sum()
    loss.backward()
    assert h.grad.tolist() == [3.0, 3.0] and w.grad.tolist() == [6.0, 12.0]
    x = gn.tensor(2.0, requires_grad=True)
    y = x**2
    (dy,) = gn.autograd.grad(y * 3, y)
    assert dy.item() == 3.0 and x.grad is None
    assert gn.autograd.grad(x * 1, [w], allow_unused=True) == (None,)
    with pytest.raises(RuntimeError, match="not have been used"):
        gn.autograd.grad(x * 1, [w])


def test_gradients_from_above():
    w = gn.tensor([1.0, 2.0], requires_grad=True)
    (w * w).backward(gn.tensor([1.0, 10.0]))
    assert w.grad.tolist() == [2.0, 40.0]
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (w * w).backward(gn.ones(3))


def test_what_is_not_recorded():
    w = gn.ones(2, requires_grad=True)
    with gn.no_grad():
        assert not (w * 2).requires_grad
        with gn.enable_grad():
            assert (w * 2).requires_grad
    assert not (w.detach() * 2).requires_grad

    @gn.no_grad()
    def double(x):
        return x * 2

    assert not double(w).requires_grad and (w * 2).requires_grad
    with pytest.raises(RuntimeError, match="does not require grad"):
        double(w).sum().backward()


def test_a_sum_over_very_many_steps_is_let_go():
    w = gn.ones(1, requires_grad=True)
    total = w * 0
    for _ in range(20_000):
        total = total + w
    del total


def test_copies_and_pickles():
    w = nn.Parameter(gn.tensor([1.0, 2.0]))
    w.grad = gn.ones(2)
    for other in (copy.deepcopy(w), pickle.loads(pickle.dumps(w))):
        assert isinstance(other, nn.Parameter) and other.requires_grad and other.tolist() == [1.0, 2.0]
        with gn.no_grad():
            other.fill_(0)
        assert w.tolist() == [1.0, 2.0]
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    net(gn.rand(4, 2))
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert repr(other) == repr(net) and list(other.state_dict()) == list(net.state_dict())
        assert other.eval()(gn.ones(1, 2)).equal(net.eval()(gn.ones(1, 2)))


def test_double_precision():
    x = gn.tensor([1.0, 2.0], dtype=gn.float64, requires_grad=True)
    y = (x.exp() * gn.tensor(2.0)).sum()
    y.backward()
    assert y.dtype == gn.float64 and abs(x.grad[1].item() - 2 * np.exp(2)) < 1e-14
    w = gn.ones(2, requires_grad=True)
    (w * x.detach()).sum().backward()
    assert w.grad.dtype == gn.float32 and w.grad.tolist() == [1.0, 2.0]


def test_dropout_is_the_same_forth_and_back():
    gn.manual_seed(0)
    x = gn.ones(1000, requires_grad=True)
    y = nn.Dropout(0.25)(x)
    z = nn.functional.dropout(x, 0.5)
    (y * 2 + z * 0).sum().backward()
    assert (x.grad / 2).equal(y.detach())
    assert abs((y == 0).float().mean().item() - 0.25) < 0.05 and not y.equal(z)
    net = nn.Sequential(nn.Linear(4, 50), nn.Dropout(0.5), nn.Linear(50, 1))
    a, b = net(gn.ones(1, 4)), net(gn.ones(1, 4))
    assert not a.equal(b) and net.eval()(gn.ones(1, 4)).equal(net(gn.ones(1, 4)))


def test_running_statistics_move_once_for_each_call():
    norm = nn.BatchNorm1d(2)
    x = gn.tensor([[1.0, 2.0], [3.0, 6.0]])
    (norm(x).sum() + norm(x).sum()).backward()
    assert norm.num_batches_tracked.item() == 2
    assert np.allclose(norm.running_mean.tolist(), [0.38, 0.76])
    norm.eval()(x)
    assert norm.num_batches_tracked.item() == 2


def test_numpy_functions_take_tensors():
    x = gn.tensor([1.0, 4.0])
    assert np.sqrt(x).tolist() == [1.0, 2.0] and np.asarray(x).dtype == np.float32
    assert np.mean(x.numpy()) == 2.5 and (np.array([1.0, 2.0]) * x).tolist() == [1.0, 8.0]
    with pytest.raises(RuntimeError, match="requires grad"):
        np.asarray(gn.ones(1, requires_grad=True))


@pytest.mark.parametrize(
    "size", [(2**40,), (2**40, 2**40), (-1,)], ids=str
)
def test_sizes_that_nobody_has_are_refused(size):
    with pytest.raises((MemoryError, ValueError, RuntimeError)):
        gn.rand(*size)


@pytest.mark.parametrize(
    "text", ["Linear(0, 2)", "Linear(2**40, 2**40)", "Linear(-1, 2)", "Linear(2.5, 2)", "Embedding(2**50, 2)", "BatchNorm1d(-3)", "LayerNorm([])", "Formula('1/(')"]
)
def test_layers_that_cannot_be_are_refused_or_empty(text):
    try:
        layer = eval(f"nn.{text}", {"nn": nn})
    except (ValueError, RuntimeError, MemoryError, TypeError) as error:
        assert str(error)
    else:
        assert text == "Linear(0, 2)" and layer.bias.shape == (2,)
