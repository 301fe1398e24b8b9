"""Modules as people change them: hooks, ties, frozen layers, subclasses, modes."""

from collections import OrderedDict

import glassnet as gn
import numpy as np
import pytest
from glassnet import nn

X = gn.from_numpy(np.random.RandomState(0).rand(5, 3).astype(np.float32))


def by_layers(net, x):
    for layer in net:
        x = layer(x)
    return x


def test_hooks_are_called_within_a_network():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    net(X), net(X)
    seen = []
    handle = net[1].register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    net(X), net(X)
    assert seen == [(5, 4), (5, 4)]
    handle.remove()
    pre = net[2].register_forward_pre_hook(lambda module, inputs: (inputs[0] * 0,))
    assert net(X).equal(net[2].bias.expand(5, 2))
    pre.remove()
    assert net(X).equal(by_layers(net, X)) and len(seen) == 2


def test_a_forward_of_ones_own_is_called():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    net(X), net(X)
    net[1].forward = lambda x: x * 2
    assert net(X).equal(net[0](X) * 2)
    del net[1].forward
    assert net(X).equal(net[0](X).relu())

    class Double(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    double = Double(3, 4)
    assert repr(double).startswith("Double(in_features=3")
    assert nn.Sequential(double)(X).equal(nn.functional.linear(X, double.weight, double.bias) * 2)

    class Plain(nn.Linear):
        pass

    plain = Plain(3, 4)
    assert nn.Sequential(plain)(X).equal(nn.functional.linear(X, plain.weight, plain.bias))


def test_tied_layers_share_their_gradient():
    first = nn.Linear(3, 3)
    net = nn.Sequential(first, nn.Tanh(), first)
    assert len(list(net.parameters())) == 2 and list(net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    net(X).sum().backward()
    found = first.weight.grad.clone()
    net.zero_grad()
    by_layers(net, X).sum().backward()
    assert np.allclose(found.numpy(), first.weight.grad.numpy(), atol=1e-6)


def test_frozen_layers_get_no_gradient_and_stay():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    net[0].requires_grad_(False)
    before = net[0].weight.clone()
    optimizer = gn.optim.Adam(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        net(X).sum().backward()
        optimizer.step()
    assert net[0].weight.grad is None and net[0].weight.equal(before) and net[2].weight.grad is not None


def test_modes_reach_all_layers_and_mixed_ones_are_kept():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    net[1].eval()
    before = net[1].running_mean.clone()
    assert (net(X) == 0).any() and net[1].running_mean.equal(before)
    assert not (net.eval()(X) == 0).any()
    net.train()
    net(X)
    assert not net[1].running_mean.equal(before) and all(module.training for module in net.modules())


def test_names_and_places():
    net = nn.Sequential(OrderedDict([("hidden", nn.Linear(3, 4)), ("act", nn.ReLU()), ("out", nn.Linear(4, 2))]))
    assert list(net.state_dict()) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert net(X).equal(by_layers(net, X)) and net.hidden is net[0] and net[-1] is net.out
    assert [name for name, _ in net[1:].named_children()] == ["act", "out"]
    plain = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    plain.append(nn.Linear(4, 2)).insert(1, nn.Tanh())
    assert [type(each).__name__ for each in plain] == ["Linear", "Tanh", "ReLU", "Linear"]
    del plain[1]
    assert list(plain.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"] and len(plain) == 3
    assert plain(X).shape == (5, 2)


def test_a_network_of_networks():
    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(width, width), nn.GELU())
            self.scale = nn.Parameter(gn.ones(1))
            self.register_buffer("count", gn.tensor(0))
            self.register_buffer("hidden", gn.zeros(1), persistent=False)

        def forward(self, x):
            self.count += 1
            return x + self.inner(x) * self.scale

    net = nn.Sequential(Block(3), Block(3), nn.Linear(3, 1))
    net(X).sum().backward()
    assert list(net.state_dict())[:4] == ["0.scale", "0.count", "0.inner.0.weight", "0.inner.0.bias"]
    assert net[1].scale.grad is not None and net[0].count.item() == 1
    assert isinstance(net.get_submodule("0.inner.1"), nn.GELU) and len(list(net.modules())) == 10
    other = nn.Sequential(Block(3), Block(3), nn.Linear(3, 1))
    assert repr(other.load_state_dict(net.state_dict())) == "<All keys matched successfully>"
    assert other(X).equal(net(X))
    found = other.load_state_dict({"extra": gn.ones(1)}, strict=False)
    assert found.unexpected_keys == ["extra"] and len(found.missing_keys) == len(net.state_dict())


def test_layers_over_the_batch_are_not_taken_row_by_row():
    net = nn.Sequential(nn.Linear(3, 4), nn.Softmax(dim=0))
    with gn.no_grad():
        for _ in range(3):
            assert np.allclose(net(X).sum(0).numpy(), 1, atol=1e-6)
    norm = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False)).eval()
    with gn.no_grad():
        for _ in range(3):
            assert np.allclose(norm(X).mean(0).numpy(), 0, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64, 200])
def test_a_row_does_not_depend_on_its_batch_or_on_what_computes_it(rows):
    gn.manual_seed(rows)
    net = nn.Sequential(nn.Linear(6, 33), nn.GELU(), nn.LayerNorm(33), nn.Linear(33, 3), nn.LogSoftmax(dim=1)).eval()
    x = gn.rand(rows, 6)
    recorded = net(x)
    with gn.no_grad():
        packed = net(x)
        single = gn.cat([net(x[row : row + 1]) for row in range(rows)])
    assert packed.equal(recorded) and packed.equal(single) and packed.equal(by_layers(net, x))


def test_inputs_by_name():
    for net in (nn.Sequential(nn.Linear(3, 2)), nn.Linear(3, 2), nn.Identity(), nn.Flatten()):
        assert net(input=X).equal(net(X))


def test_columns_of_codes_look_up_rows():
    torch = pytest.importorskip("torch")

    class EmbedColumns(torch.nn.ModuleDict):
        def forward(self, x):
            parts = [self[str(c)](x[..., c].long()) if str(c) in self else x[..., c : c + 1] for c in range(x.shape[-1])]
            return torch.cat(parts, -1)

    ours = nn.Sequential(nn.EmbedColumns({"1": nn.Embedding(5, 3, padding_idx=0), "2": nn.Embedding(4, 2)}), nn.Linear(7, 2))
    theirs = torch.nn.Sequential(
        EmbedColumns({"1": torch.nn.Embedding(5, 3, padding_idx=0), "2": torch.nn.Embedding(4, 2)}), torch.nn.Linear(7, 2)
    )
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    x = np.array([[0.5, 0, 3, -1], [1.5, 4, 0, 2], [0, 4, 3, 1]], dtype=np.float32)
    np.testing.assert_allclose(ours(x).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-6, atol=1e-6)
    ours(gn.Tensor(x)).square().sum().backward()
    theirs(torch.tensor(x)).square().sum().backward()
    for name, parameter in theirs.named_parameters():
        found = dict(ours.named_parameters())[name].grad.numpy()
        np.testing.assert_allclose(found, parameter.grad.numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
    with pytest.raises(ValueError, match="code 9 is outside"):
        ours(np.array([[0, 9, 0, 0]], dtype=np.float32))
    # The compiled loop takes whole numbers, too: they are columns of floats.
    history = gn.fit(ours, np.array(x, dtype=np.int64), np.array([0, 1, 1]), epochs=2)
    assert history is not None
