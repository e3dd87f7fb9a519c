"""The frozen copy; adapters are tested with the policies."""

import torch
from torch import nn

from emolit.engine.reference import frozen_copy


def test_the_copy_shares_what_is_frozen_and_keeps_what_trains():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    opened, twin = frozen_copy(model)
    assert twin[0].weight is model[0].weight
    before = model[1].weight.detach().clone()
    with torch.no_grad():
        model[1].weight += 1
    with opened() as reference:
        assert torch.equal(reference[1].weight, before)
    assert not any(weight.requires_grad for weight in twin.parameters())
    assert model[1].weight.requires_grad
