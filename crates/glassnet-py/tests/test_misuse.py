"""What doesn't fit is told by the exception that PyTorch's users expect, with what, where and how to mend it."""

import re
import subprocess
import sys

import glassnet as gn
import numpy as np
import pytest
from glassnet import nn

NET = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(5, 2))


@pytest.mark.parametrize(
    "kind, words, call",
    [
        (RuntimeError, 'layer "2".*4 features.*expects 5.*in_features=4', lambda: NET(gn.ones(2, 3))),
        (ValueError, "its input is the output of layer \"0\"", lambda: NET(gn.ones(2, 3))),
        (RuntimeError, "same dtype.*Double and Float.*float", lambda: nn.Linear(3, 1)(gn.ones(2, 3).double())),
        (TypeError, "can't convert", lambda: nn.Linear(3, 1)("abc")),
        (ValueError, "can't convert NoneType", lambda: nn.Linear(3, 1)(None)),
        (ValueError, "more than 1 value per channel", lambda: nn.BatchNorm1d(3)(gn.ones(1, 3))),
        (IndexError, "index 5 is outside.*3 rows", lambda: nn.Embedding(3, 2)(gn.tensor([5]))),
        (IndexError, "Target 3 is out of bounds", lambda: nn.CrossEntropyLoss()(gn.ones(1, 3), gn.tensor([3]))),
        (IndexError, "Dimension out of range.*got 5", lambda: nn.Softmax(dim=5)(gn.ones(2, 2))),
        (RuntimeError, "indices", lambda: nn.Embedding(3, 2)(gn.tensor([1.5]))),
        (RuntimeError, "CrossEntropyLoss", lambda: nn.CrossEntropyLoss()(gn.ones(2, 3), gn.ones(2))),
        (RuntimeError, "between 0 and 1", lambda: nn.BCELoss()(gn.ones(2) * 2, gn.ones(2))),
        (ValueError, "Invalid learning rate", lambda: gn.optim.SGD(NET.parameters(), lr=-1)),
        (ValueError, "Invalid beta", lambda: gn.optim.Adam(NET.parameters(), betas=(1.0, 0.9))),
        (ValueError, "Nesterov", lambda: gn.optim.SGD(NET.parameters(), nesterov=True)),
        (TypeError, "can only optimize Tensors", lambda: gn.optim.SGD(NET, lr=0.1)),
        (ValueError, "step_size", lambda: gn.optim.lr_scheduler.StepLR(gn.optim.SGD(NET.parameters()), 0)),
        (AttributeError, "no attribute 'wieght'", lambda: NET[0].wieght),
        (RuntimeError, "computes on the CPU", lambda: gn.ones(1).to("cuda")),
        (NotImplementedError, "float32", lambda: NET.to(gn.float16)),
        (ValueError, "is there|did you mean|formula|expected|column", lambda: nn.Formula("sigmoidd(z)")),
        (NotImplementedError, "runs code", lambda: gn.save({}, "file")),
        (TypeError, "before Module.__init__|cannot assign", lambda: setattr(nn.Linear(1, 1), "bias", 3)),
        (KeyError, "t contain", lambda: nn.Module().add_module("a.b", nn.ReLU())),
        (OverflowError, "", lambda: gn.manual_seed(2**200)),
    ],
)
def test_misuse_is_told(kind, words, call):
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value)
    assert re.search(words, text, re.DOTALL), text


def test_arrays_that_are_no_float32_are_taken_at_a_layer():
    layer = nn.Linear(2, 1)
    wanted = layer(gn.tensor([[1.0, 2.0]]))
    for x in ([[1, 2]], np.array([[1, 2]]), np.array([[1.0, 2.0]]), [[1.0, 2.0]]):
        assert layer(x).equal(wanted)
    table = nn.Embedding(4, 2)
    assert table(gn.tensor([1], dtype=gn.int32)).equal(table(np.array([1])))


def test_shapes_without_elements():
    assert gn.zeros(0).sum().item() == 0 and np.isnan(gn.zeros(0).mean().item())
    assert nn.Linear(3, 2)(gn.ones(0, 3)).shape == (0, 2)
    assert (gn.zeros(2, 0) @ gn.zeros(0, 2)).tolist() == [[0, 0], [0, 0]]
    x = gn.zeros(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.shape == (0, 3)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is counted in another unit elsewhere")
def test_ever_new_shapes_keep_a_bounded_part_of_memory():
    program = """
import resource
import glassnet as gn
for size in range(3_000_000, 3_000_030):
    gn.ones(size) + gn.ones(size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    peak = int(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout)
    assert peak < 800, f"{peak} MB"
