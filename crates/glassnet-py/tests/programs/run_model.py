"""The lecture's programs for task 2.5, written for PyTorch; the imports are what is changed."""

import glassnet as torch
import numpy as np
from glassnet.nn import CrossEntropyLoss, Linear, Module, ReLU, Sequential
from glassnet.nn.functional import one_hot, softmax


def create_2unit_net() -> Module:
    """
    Create a two-layer MLP (1 hidden layer, 1 output layer) with 2 hidden units
    as described in the exercise.

    Returns:
        2-layer MLP module with 2 hidden units.
    """
    linear_units = 2
    model = Sequential(
        Linear(2, linear_units),
        ReLU(),
        Linear(linear_units, 2),
    )
    params = model.state_dict()

    # Now we assign the model weights since we still did not learn backpropagation
    params['0.weight'] = torch.Tensor(np.array([[3.21, 3.21], [-2.34, -2.34]]))
    params['0.bias'] = torch.Tensor(np.array([-3.21, 2.34]))
    params['2.weight'] = torch.Tensor(np.array([[3.19, 4.64], [-2.68, -3.44]]))
    params['2.bias'] = torch.Tensor(np.array([-4.08, 4.42]))
    model.load_state_dict(params)

    return model


def create_3unit_net() -> Module:
    """
    Create a two-layer MLP (1 hidden layer, 1 output layer) with 3 hidden units
    as described in the exercise.

    Returns:
        2-layer MLP module with 3 hidden units.
    """
    linear_units = 3
    model = Sequential(Linear(2, linear_units), ReLU(), Linear(linear_units, 2))

    params = model.state_dict()

    params['0.weight'] = torch.Tensor(np.array([[3.21, 3.21], [-2.34, -2.34], [0, 0]]))
    params['0.bias'] = torch.Tensor(np.array([-3.21, 2.34, 0]))
    params['2.weight'] = torch.Tensor(np.array([[3.19, 4.64, 0], [-2.68, -3.44, 0]]))
    params['2.bias'] = torch.Tensor(np.array([-4.08, 4.42]))

    model.load_state_dict(params)

    return model


def run_model(model: Module) -> None:
    x = torch.Tensor(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]))
    y = torch.tensor([0, 1, 1, 0])

    logits = model(x)
    print("Raw prediction logits:")
    print(logits.detach().numpy())
    print("Prediction after softmax:")
    print(softmax(logits, dim=1).detach().numpy())
    print("True labels, one-hot encoded:")
    print(one_hot(y, num_classes=2).float().numpy())
    loss = CrossEntropyLoss()(logits, y)
    print("Loss:", loss.detach().numpy())
