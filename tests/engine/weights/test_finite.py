"""Weights that are no numbers are found; large ones that are numbers are not taken for such."""

import math

import pytest
import torch
from torch import nn

from emolit.engine.weights.finite import broken_weights, total_norm


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_broken_weights_that_train_are_named(value):
    layers = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert broken_weights(layers) == []
    with torch.no_grad():
        layers[1].bias[1] = value
    assert broken_weights(layers) == ["1.bias"]
    layers[1].bias.requires_grad_(False)  # a mask of -inf is no fault
    assert broken_weights(layers) == []


def test_a_norm_that_overflows_breaks_no_weight():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.fill_(1e30)
    assert total_norm([layer.weight]).isinf()
    assert broken_weights(layer) == []


def test_the_norm_is_that_of_all_tensors_as_one():
    tensors = [torch.tensor([3.0]), torch.tensor([[0.0, 4.0]])]
    assert total_norm(tensors) == 5.0
