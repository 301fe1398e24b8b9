"""The compiled training loop from Python."""

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import glassnet as gn
from glassnet import _glassnet
from glassnet._notation import loss_notation, network_notation, optimizer_notation


def table(rows=60, width=4, classes=3, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, width)).astype(np.float32)
    return x, (x @ random.normal(size=(width, classes))).argmax(axis=1)


class Net:
    """A network as a module of glassnet.nn or torch.nn shows itself."""

    def __init__(self, notation, seed=0):
        self.notation, self.state = _glassnet.network_state(notation, seed)

    def __repr__(self):
        return self.notation

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


def test_a_network_in_notation_learns():
    x, y = table()
    result = gn.fit("4-16-3", x, y, optimizer="Adam(lr=0.02)", epochs=60)
    assert result.stopped == "finished" and result.best_epoch == len(result.history) == 60
    assert result.train_loss[-1] < 0.1 < result.train_loss[0]
    outputs = _glassnet.Inference(result.network, result.state_dict, [4], 1)(x)
    assert (outputs.argmax(axis=1) == y).mean() > 0.95


def test_the_same_settings_give_the_same_bits_for_any_number_of_threads():
    x, y = table()
    def states(**changed):
        settings = {"epochs": 5, "batch_size": 16, "seed": 3, **changed}
        result = gn.fit("Sequential(Linear(4, 300), ReLU(), Dropout(0.2), Linear(300, 3))", x, y, **settings)
        return {key: value.tobytes() for key, value in result.state_dict.items()}
    one = states(threads=1)
    assert states(threads=1) == one
    assert states(threads=2) == one
    assert states(seed=4) != one


def test_a_module_gets_the_weights():
    x, y = table()
    net = Net("Sequential(Linear(4, 8), Tanh(), Linear(8, 3))")
    before = {key: value.copy() for key, value in net.state.items()}
    result = gn.fit(net, x, y, epochs=3)
    assert list(net.state) == list(before)
    assert all((net.state[key] != before[key]).any() for key in before)
    assert all((net.state[key] == result.state_dict[key]).all() for key in before)


def test_a_printed_module_is_read():
    net = Net("Sequential(Linear(4, 8), Tanh(), Linear(8, 3))")
    net.notation = (
        "Sequential(\n  (0): Linear(in_features=4, out_features=8, bias=True)\n  (1): Tanh()\n"
        "  (2): Linear(in_features=8, out_features=3, bias=True)\n)"
    )
    x, y = table()
    one = gn.fit(net, x, y, epochs=2)
    other = gn.fit("Sequential(Linear(4, 8), Tanh(), Linear(8, 3))", x, y, epochs=2)
    assert all((one.state_dict[key] == other.state_dict[key]).all() for key in other.state_dict)


@pytest.mark.parametrize("nested", [False, True])
def test_torchs_modules_are_trained(nested):
    torch = pytest.importorskip("torch")
    layers = [torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3)]
    net = torch.nn.Sequential(torch.nn.Sequential(*layers[:2]), layers[2]) if nested else torch.nn.Sequential(*layers)
    notation = network_notation(net)
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    x, _ = table()
    outputs = _glassnet.Inference(notation, state, [4], 1)(x)
    np.testing.assert_allclose(outputs, net(torch.tensor(x)).detach().numpy(), atol=1e-6)


def test_modules_losses_and_optimisers_of_the_package_are_trained():
    nn, optim = gn.nn, gn.optim
    x, y = table()
    for build in (
        lambda: nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)),
        lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU()), nn.Dropout(0.2), nn.Linear(8, 3)),
    ):
        gn.manual_seed(0)
        net = build()
        before = np.asarray(net(x).detach())
        optimizer = optim.Adam(net.parameters(), lr=0.05)
        schedule = optim.lr_scheduler.StepLR(optimizer, step_size=20)
        loss = nn.CrossEntropyLoss(weight=gn.tensor([1.0, 2.0, 1.0]), label_smoothing=0.1)
        result = gn.fit(net, x, y, loss=loss, optimizer=optimizer, schedule=schedule, epochs=40)
        assert [result.history[at]["lr"] for at in (0, 19, 20)] == pytest.approx([0.05, 0.05, 0.005])
        net.eval()
        outputs = np.asarray(net(x).detach())
        assert (outputs.argmax(axis=1) == y).mean() > 0.8 and (outputs != before).any()
        np.testing.assert_array_equal(outputs, _glassnet.Inference(result.network, result.state_dict, [4], 1)(x))


def test_the_compiled_loop_takes_the_steps_of_the_written_one():
    nn, optim = gn.nn, gn.optim
    x, y = table(rows=48)
    gn.manual_seed(3)
    one, other = (nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)) for _ in range(2))
    other.load_state_dict(one.state_dict())
    gn.fit(one, x, y, optimizer="SGD(lr=0.1, momentum=0.9)", epochs=3, batch_size=16, shuffle=False)
    optimizer, criterion = optim.SGD(other.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss()
    for _ in range(3):
        for start in range(0, 48, 16):
            optimizer.zero_grad()
            criterion(other(gn.tensor(x[start : start + 16])), gn.tensor(y[start : start + 16])).backward()
            optimizer.step()
    for key, value in one.state_dict().items():
        np.testing.assert_allclose(np.asarray(value), np.asarray(other.state_dict()[key]), atol=1e-6, err_msg=key)


def test_what_the_compiled_loop_does_not_know_is_said():
    nn = gn.nn
    x, y = table()

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, input):
            return self.layer(input)

    with pytest.raises(TypeError, match="doesn't know what this Own computes"):
        gn.fit(Own(), x, y)
    with pytest.raises(TypeError, match="no loss Own"):
        loss_notation(Own())
    with pytest.raises(TypeError, match="no optimiser Own"):
        optimizer_notation(Own())


def test_torchs_losses_and_optimisers_are_read():
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.zeros(2))
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.5]))
    assert loss_notation(loss) == "CrossEntropyLoss(weight=[1.0, 2.5], ignore_index=-100, reduction='mean', label_smoothing=0.0)"
    for optimizer in (torch.optim.SGD([weight], lr=0.5, momentum=0.9, nesterov=True), torch.optim.AdamW([weight], lr=0.25)):
        x, y = table()
        assert gn.fit("4-8-3", x, y, optimizer=optimizer, epochs=1).history[0]["lr"] == optimizer.param_groups[0]["lr"]


def test_numbers_are_learnt_by_the_squared_error():
    x, _ = table()
    y = x[:, :2] * [1, -2] + 0.5
    result = gn.fit("Linear(4, 2)", x, y, optimizer="SGD(lr=0.1, momentum=0.9)", epochs=80)
    np.testing.assert_allclose(result.state_dict["bias"], [0.5, 0.5], atol=1e-3)
    with pytest.raises(ValueError, match="must be the same as input size"):
        gn.fit("Linear(4, 2)", x, y[:, 0])


def test_validation_chooses_the_best_weights_and_patience_ends():
    x, y = table()
    noise = np.random.default_rng(1).integers(0, 3, 60)
    result = gn.fit("4-32-3", x, noise, validation=(x[:20], y[:20]), patience=5, optimizer="Adam(lr=0.02)", epochs=500)
    assert result.stopped == "patience"
    assert result.best_epoch == int(np.argmin(result.validation_loss)) + 1 == len(result.history) - 5
    assert set(result.history[0]["validation"]) >= {"loss", "accuracy"}
    part = gn.fit("4-8-3", x, y, validation=0.25, epochs=2)
    assert len(part.validation_loss) == 2
    for wrong in (1.0, -0.5, 0.001):
        with pytest.raises(ValueError, match="validation"):
            gn.fit("4-8-3", x, y, validation=wrong)


def test_weights_of_rows_and_classes():
    x, y = table()
    def bits(**weights):
        return gn.fit("4-8-3", x, y, epochs=3, batch_size=60, shuffle=False, **weights).state_dict["0.weight"].tobytes()
    half = np.where(y == 1, 0.5, 1.0)
    assert bits(sample_weight=half) == bits(class_weight={1: 0.5}) == bits(class_weight=[1, 0.5, 1])
    assert bits(sample_weight=half) != bits()
    assert bits(class_weight="balanced") != bits()
    with pytest.raises(ValueError, match="59 weights for 60 rows|weights"):
        bits(sample_weight=half[1:])
    with pytest.raises(ValueError, match="weight"):
        bits(sample_weight=-half)
    with pytest.raises(ValueError, match="class_weight"):
        bits(class_weight=[1.0])


def test_an_optimiser_goes_on():
    x, y = table()
    settings = {"batch_size": 20, "shuffle": False, "optimizer": "Adam(lr=0.01)"}
    net, whole = Net("4-8-3"), gn.fit("4-8-3", x, y, epochs=3, **settings)
    state = None
    for _ in range(3):
        state = gn.fit(net, x, y, epochs=1, optimizer_state=state, **settings).optimizer_state
    assert all((net.state[key] == whole.state_dict[key]).all() for key in net.state)
    with pytest.raises(ValueError, match="belongs to Adam"):
        gn.fit(net, x, y, optimizer="SGD(lr=0.1)", optimizer_state=state)


def test_a_callback_sees_every_epoch_and_may_stop():
    x, y = table()
    seen = []
    result = gn.fit("4-8-3", x, y, epochs=50, callback=lambda epoch: seen.append(epoch) or len(seen) == 7)
    assert result.stopped == "callback" and len(seen) == 7
    assert seen == result.history

    def fails(epoch):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        gn.fit("4-8-3", x, y, callback=fails)


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="sends itself a signal")
def test_ctrl_c_stops_and_leaves_the_best_weights():
    x, y = table()
    net = Net("4-8-3")
    before = net.state["0.weight"].copy()
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT))

    def callback(epoch):
        if epoch["epoch"] == 3:
            timer.start()

    with pytest.raises(KeyboardInterrupt) as caught:
        gn.fit(net, x, y, validation=(x, y), epochs=10**9, callback=callback)
    timer.join()
    result = caught.value.result
    assert result.stopped == "interrupted" and 3 <= len(result.history) < 10**9
    assert result.best_epoch == int(np.argmin(result.validation_loss)) + 1
    assert (net.state["0.weight"] == result.state_dict["0.weight"]).all()
    assert (net.state["0.weight"] != before).any()


def test_others_run_while_a_training_does():
    x, y = table()
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    gn.fit("4-64-64-3", x, y, epochs=300)
    seen = counted[0]
    stop.set()
    thread.join()
    assert seen > 1000, "the interpreter is free while the loop computes"


def test_results_are_plain_data():
    x, y = table()
    result = gn.fit("4-8-3", x, y, epochs=2)
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert other.history == result.history
        assert (other.state_dict["0.weight"] == result.state_dict["0.weight"]).all()
    result.state_dict["0.weight"][:] = 0
    assert not (gn.fit("4-8-3", x, y, epochs=2).state_dict["0.weight"] == 0).any()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"epochs": -1}, ValueError, "epochs is -1"),
        ({"batch_size": 0}, ValueError, "batch_size is 0"),
        ({"threads": 0}, ValueError, "threads is 0"),
        ({"optimizer": "Adan"}, ValueError, "Adan"),
        ({"optimizer": "SGD(lr=nan)"}, ValueError, "lr|learning rate|nan"),
        ({"loss": "crossentropy"}, ValueError, "there is no loss"),
        ({"l2": -1.0}, ValueError, "l2 is -1"),
        ({"clip_norm": 1.0, "clip_value": 1.0}, ValueError, "not both"),
        ({"optimizer": "SGD(lr=1e30)", "epochs": 50}, FloatingPointError, "diverged"),
    ],
)
def test_what_cannot_be_done_is_said(changed, error, message):
    x, y = table()
    with pytest.raises(error, match=message):
        gn.fit("4-8-3", x, y, **changed)


def test_targets_and_features_are_checked():
    x, y = table()
    with pytest.raises(ValueError, match="out of bounds"):
        gn.fit("4-8-2", x, y)
    with pytest.raises(ValueError, match="60 rows of features for 59 targets"):
        gn.fit("4-8-3", x, y[1:])
    with pytest.raises(ValueError, match="the input has 4 features"):
        gn.fit("5-8-3", x, y)
    with pytest.raises(TypeError, match="class indices or numbers"):
        gn.fit("4-8-3", x, y.astype(str))


def test_layouts_and_types_are_read():
    x, y = table()
    expected = gn.fit("4-8-3", x, y, epochs=2).state_dict["0.weight"]
    backwards = np.ascontiguousarray(x[::-1])[::-1]
    readonly = x.copy()
    readonly.flags.writeable = False
    for same in (x.astype(np.float64), np.asfortranarray(x), backwards, readonly, x.tolist()):
        assert (gn.fit("4-8-3", same, y.tolist(), epochs=2).state_dict["0.weight"] == expected).all()


def test_embeddings_take_indices():
    x = np.array([[0, 1], [1, 2], [2, 0], [1, 1]])
    result = gn.fit("Sequential(Embedding(3, 4), Flatten(), Linear(8, 2))", x, [0, 1, 0, 1], epochs=100)
    assert result.train_loss[-1] < result.train_loss[0]
    with pytest.raises(ValueError, match="outside the embedding"):
        gn.fit("Sequential(Embedding(2, 4), Flatten(), Linear(8, 2))", x, [0, 1, 0, 1])


def test_many_threads_predict_at_once():
    x, y = table(rows=500)
    forward = _glassnet.Inference(*_glassnet.network_state("4-32-3", 0), [4], 2)
    expected = forward(x)
    wrong = []

    def predict():
        for rows in range(1, 500, 7):
            if not (forward(x[:rows]) == expected[:rows]).all():
                wrong.append(rows)

    threads = [threading.Thread(target=predict) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert wrong == []
    with pytest.raises(ValueError, match="compiled for"):
        forward(x[:, :3])
    with pytest.raises(TypeError, match="float32 or int64"):
        forward(x.astype(np.float64))
    assert forward(x[:0]).shape == (0, 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_trains_and_predicts():
    x, y = table(rows=2000)
    forward = _glassnet.Inference(*_glassnet.network_state("4-256-256-3", 0), [4], 2)
    expected = forward(x)
    trained = gn.fit("4-256-256-3", x, y, epochs=1, threads=2, batch_size=512).state_dict["0.weight"]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            same = (forward(x) == expected).all()
            again = gn.fit("4-256-256-3", x, y, epochs=1, threads=2, batch_size=512).state_dict["0.weight"]
            status = 0 if same and (again == trained).all() else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_part_of_the_rows_judges_as_if_it_were_given_apart():
    random = np.random.default_rng(3)
    x, y = random.normal(size=(90, 4)).astype(np.float32), random.integers(0, 3, 90)
    weights = random.random(90).astype(np.float32)
    order = np.random.default_rng(5).permutation(90)
    judges, trains = np.sort(order[:18]), np.sort(order[18:])
    settings = dict(epochs=4, batch_size=16, seed=5)
    part = gn.fit("4-8-3", x, y, sample_weight=weights, validation=0.2, **settings)
    apart = gn.fit(
        "4-8-3",
        x[trains],
        y[trains],
        sample_weight=weights[trains],
        validation=(x[judges], y[judges], weights[judges]),
        **settings,
    )
    assert part.history == apart.history
    assert all((part.state_dict[key] == apart.state_dict[key]).all() for key in part.state_dict)


@pytest.mark.skipif(sys.platform != "linux", reason="only there the peak of memory is counted alike")
def test_rows_are_read_where_they_lie():
    program = """
import resource, numpy as np, glassnet as gn
x = np.ones((200_000, 128), np.float32)
y = np.arange(200_000) % 2
peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
gn.fit("128-2", x[:64].copy(), y[:64].copy(), epochs=1)
before = peak()
gn.fit("128-2", x, y, epochs=1, batch_size=4096)
print((peak() - before) / x.nbytes)
"""
    more = float(subprocess.check_output([sys.executable, "-c", program]))
    assert more < 0.3, f"training took {more:.2f} times the rows' memory"


@pytest.mark.parametrize("lay", [np.asfortranarray, lambda x: x[::-1], lambda x: np.hstack([x, x])[:, :4], np.float64])
def test_the_layout_of_the_rows_changes_nothing(lay):
    random = np.random.default_rng(3)
    x, y = random.normal(size=(40, 4)).astype(np.float32), random.normal(size=(40, 2)).astype(np.float32)
    given = lay(x)
    plain = np.array(given, dtype=np.float32, order="C")
    one, other = (gn.fit("4-8-2", each, y, epochs=2) for each in (given, plain))
    assert all((one.state_dict[key] == other.state_dict[key]).all() for key in one.state_dict)


def test_a_mapped_file_is_learned_from(tmp_path):
    x = np.random.default_rng(3).normal(size=(50, 4)).astype(np.float32)
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", np.float32, "r", shape=(50, 4))
    one, other = (gn.fit("4-8-2", each, np.arange(50) % 2, epochs=2) for each in (mapped, x))
    assert all((one.state_dict[key] == other.state_dict[key]).all() for key in one.state_dict)
