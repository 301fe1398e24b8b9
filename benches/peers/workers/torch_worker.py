"""PyTorch as a contestant: eager, with the fused optimiser, and compiled (with the fused optimiser)."""

from __future__ import annotations

import torch
from serve import Case, Loaded, measure_passes, measure_steps, serve, threads


def network(case: Case) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for weight, bias in zip(case.weights, case.biases):
        # Without initial weights of its own, which would only be overwritten.
        linear = torch.nn.utils.skip_init(torch.nn.Linear, weight.shape[1], weight.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


class Training(Loaded):
    """The training loop of PyTorch's tutorials over tensors that are there."""

    def __init__(self, case: Case, form: str) -> None:
        assert case.y is not None
        self.case, self.form = case, form
        self.x = list(torch.from_numpy(case.x))
        y = torch.from_numpy(case.y)
        self.y = list(y.long() if case.loss == "cross_entropy" else y)
        self.net = network(case)
        self.initial = {key: value.clone() for key, value in self.net.state_dict().items()}
        criterion = torch.nn.CrossEntropyLoss() if case.loss == "cross_entropy" else torch.nn.MSELoss()

        def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return criterion(self.net(x), y)

        self.loss = torch.compile(loss, dynamic=False, fullgraph=True) if form == "compile" else loss
        self.start()
        self.run(0, 2)  # compiles

    def start(self) -> None:
        self.net.load_state_dict(self.initial)
        # `None`: PyTorch's own choice among its implementations.
        fused = True if self.form in ("fused", "compile") else None
        if self.case.optimizer["name"] == "adam":
            self.optimizer = torch.optim.Adam(self.net.parameters(), lr=self.case.lr, fused=fused)
        else:
            momentum = self.case.momentum
            self.optimizer = torch.optim.SGD(self.net.parameters(), lr=self.case.lr, momentum=momentum, fused=fused)

    def run(self, step: int, count: int) -> None:
        x, y, optimizer, loss, batches = self.x, self.y, self.optimizer, self.loss, len(self.x)
        for number in range(step, step + count):
            batch = number % batches
            optimizer.zero_grad(set_to_none=True)
            loss(x[batch], y[batch]).backward()
            optimizer.step()

    def measure(self, seconds: float) -> dict:
        return measure_steps(seconds, self.start, self.run)

    def losses(self, steps: int) -> list[float]:
        self.start()
        found = []
        for number in range(steps):
            batch = number % len(self.x)
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.x[batch], self.y[batch])
            loss.backward()
            self.optimizer.step()
            found.append(loss.item())
        return found


class Inference(Loaded):
    """Forward passes in inference mode."""

    def __init__(self, case: Case, form: str) -> None:
        self.x = list(torch.from_numpy(case.x))
        self.net = network(case).eval()
        if form == "compile":
            self.net = torch.compile(self.net, dynamic=False, fullgraph=True)
        self.run(0, 2)

    @torch.inference_mode()
    def run(self, begin: int, count: int) -> None:
        net, x, batches = self.net, self.x, len(self.x)
        for number in range(begin, begin + count):
            net(x[number % batches])

    def measure(self, seconds: float) -> dict:
        return measure_passes(seconds, self.run)

    @torch.inference_mode()
    def outputs(self, rows: int) -> list[float]:
        batches = -(-rows // len(self.x[0]))
        return torch.cat([self.net(x) for x in self.x[:batches]])[:rows].flatten().tolist()


def load(case: Case, form: str) -> Loaded:
    return Training(case, form) if case.task == "train" else Inference(case, form)


if __name__ == "__main__":
    torch.set_num_threads(threads())
    torch.set_num_interop_threads(1)
    serve({"name": "PyTorch", "versions": {"torch": torch.__version__}}, load, torch._dynamo.reset)
