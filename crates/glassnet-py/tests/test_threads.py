"""Many threads may call one network, and a process may fork."""

import os
import subprocess
import sys
import threading

import glassnet as gn
import numpy as np
import pytest
from glassnet import nn


def make():
    gn.manual_seed(0)
    return nn.Sequential(nn.Linear(50, 200), nn.ReLU(), nn.Linear(200, 3))


@pytest.mark.parametrize("rows", [1, 500])
def test_many_threads_call_one_network(rows):
    net = make()
    x = gn.rand(rows, 50)
    wanted = net(x).detach().numpy().copy()
    failures = []

    def call():
        try:
            for _ in range(30):
                with gn.no_grad():
                    if not (net(x).numpy() == wanted).all():
                        failures.append("another result")
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_threads_train_networks_of_their_own():
    results = {}

    def train(number):
        net = nn.Linear(3, 1)
        net.load_state_dict({"weight": np.ones((1, 3)), "bias": np.zeros(1)})
        optimizer = gn.optim.SGD(net.parameters(), lr=0.1)
        x, y = gn.from_numpy(np.eye(3, dtype=np.float32)), gn.zeros(3, 1)
        for _ in range(50):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()
        results[number] = net.weight.tolist()

    threads = [threading.Thread(target=train, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(each == results[0] for each in results.values())


def test_recording_is_a_matter_of_the_thread():
    found = []
    w = gn.ones(1, requires_grad=True)
    with gn.no_grad():
        thread = threading.Thread(target=lambda: found.append((w * 2).requires_grad))
        thread.start()
        thread.join()
        assert not (w * 2).requires_grad
    assert found == [True]


@pytest.fixture
def two_threads():
    gn.set_num_threads(2)
    yield
    gn.set_num_threads(None)


def test_the_number_of_threads_changes_no_bit(two_threads):
    x, y = gn.rand(512, 50), gn.randint(0, 3, (512,))

    def train():
        net = make()
        optimizer = gn.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        with gn.no_grad():
            return net[2].weight.tolist(), net(x).tolist()

    assert gn.get_num_threads() == 2
    several = train()
    gn.set_num_threads(1)
    assert gn.get_num_threads() == 1 and train() == several
    with pytest.raises(RuntimeError):
        gn.set_num_threads(0)


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="this system doesn't list threads")
def test_one_number_governs_calls_training_and_estimators():
    program = """
import glassnet as gn, numpy as np, os
tasks = "/proc/self/task"
def running():
    return sum(open(f"{tasks}/{task}/comm").read().startswith("glassnet-") for task in os.listdir(tasks))
gn.set_num_threads(1)
x, y = np.ones((512, 64), np.float32), np.arange(512) % 3
def compute():
    net = gn.nn.Sequential(gn.nn.Linear(64, 256), gn.nn.ReLU(), gn.nn.Linear(256, 3))
    gn.nn.functional.cross_entropy(net(x), gn.tensor(y)).backward()
    net(x)
    gn.fit(net, x, y, epochs=1, batch_size=256)
    gn.MLPClassifier((64,), max_iter=2).fit(x, y).predict(x)
    return running()
found = [compute()]
gn.set_num_threads(3)
found.append(compute())
print(*found)
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    environment = {**os.environ, "GLASSNET_NUM_THREADS": "2"}
    assert subprocess.check_output(command, env=environment, text=True).split() == ["0", "2"]


def test_what_was_chosen_can_be_taken_back():
    before = gn.get_num_threads()
    gn.set_num_threads(before + 1)
    assert gn.get_num_threads() == before + 1
    gn.set_num_threads(None)
    assert gn.get_num_threads() == before
    for wrong in (1.5, True, 2000):
        with pytest.raises(ValueError, match="from 1 to 1024"):
            gn.set_num_threads(wrong)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
def test_a_fork_keeps_the_number_and_starts_its_own_threads(two_threads):
    test_a_fork_computes_on()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            x, y = np.ones((256, 50), np.float32), np.arange(256) % 3
            gn.fit(make(), x, y, epochs=1, batch_size=128)
            code = 0 if gn.get_num_threads() == 2 else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert gn.get_num_threads() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
def test_a_fork_computes_on():
    net = make()
    x = gn.rand(300, 50)
    wanted = net(x).detach().numpy().copy()
    net(x).sum().backward()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            net.zero_grad()
            same = (net(x).detach().numpy() == wanted).all()
            net(x).sum().backward()
            code = 0 if same and net[0].weight.grad is not None else 2
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    sys.stdout.flush()
