"""References that stay and that move; that they score right is tested with the policies."""

import copy

import peft
import pytest
import torch
from torch import nn

from emolit.engine.weights.reference import adapters_off, frozen_copy, twin_adapter
from emolit.errors import PolicyError


def adapted(dora=False):
    """A linear layer with an adapter that has been trained, and a module trained beside it."""
    torch.manual_seed(0)
    base = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    settings = peft.LoraConfig(
        r=2, lora_alpha=4, target_modules=["0"], modules_to_save=["1"], use_dora=dora
    )
    model = peft.get_peft_model(base, settings)
    nudge(model)
    return model


def nudge(model):
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += torch.randn(weight.shape)


def test_the_copy_shares_what_is_frozen_and_keeps_what_trains():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    reference, twin = frozen_copy(model)
    assert twin[0].weight is model[0].weight
    before = model[1].weight.detach().clone()
    with torch.no_grad():
        model[1].weight += 1
    with reference.opened() as opened:
        assert torch.equal(opened[1].weight, before)
    assert not any(weight.requires_grad for weight in twin.parameters())
    assert model[1].weight.requires_grad


def test_a_soft_update_by_hand():
    """A quarter of 3 and three quarters of 1 are 1.5; once more, 1.875."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    model[0].requires_grad_(False)
    frozen = model[0].weight.item()
    nn.init.constant_(model[1].weight, 1.0)
    reference, twin = frozen_copy(model)
    nn.init.constant_(model[1].weight, 3.0)
    for expected in (1.5, 1.875):
        reference.move(0.25)
        assert twin[1].weight.item() == expected
    assert (model[1].weight.item(), twin[0].weight.item()) == (3.0, frozen)
    assert model[1].weight.requires_grad
    assert not twin[1].weight.requires_grad


def test_tied_weights_move_once_and_stay_tied():
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    nn.init.constant_(model[0].weight, 0.0)
    reference, twin = frozen_copy(model)
    nn.init.constant_(model[0].weight, 1.0)
    reference.move(0.5)
    assert twin[0].weight is twin[1].weight
    assert twin[0].weight[0, 0].item() == 0.5


@pytest.mark.parametrize("dora", [False, True])
def test_a_twin_adapter_is_the_trained_one_and_changes_neither_training_nor_random_numbers(dora):
    model = adapted(dora)
    trains = {name for name, weight in model.named_parameters() if weight.requires_grad}
    given, state = torch.randn(5, 3), torch.random.get_rng_state()
    expected = model(given)
    reference = twin_adapter(model)
    assert torch.equal(torch.random.get_rng_state(), state)
    nudge(model)
    with reference.opened() as opened:
        assert torch.equal(opened(given), expected)
    assert not torch.equal(model(given), expected)
    assert {name for name, weight in model.named_parameters() if weight.requires_grad} == trains
    assert len(reference.trained_pairs()) == len(trains)
    reference.move(1.0)
    with reference.opened() as opened:
        assert torch.equal(opened(given), model(given))


def test_mixed_factors_differ_from_the_mixed_product_in_second_order_as_said():
    model = adapted()
    layer = model.base_model.model[0]
    reference = twin_adapter(model)
    nudge(model)
    (a, b), (a_, b_) = (
        [copy.deepcopy(factors[name].weight) for factors in (layer.lora_A, layer.lora_B)]
        for name in ("default", "reference")
    )
    reference.move(0.25)
    mixed = layer.lora_B["reference"].weight @ layer.lora_A["reference"].weight
    exact = 0.25 * b @ a + 0.75 * b_ @ a_
    torch.testing.assert_close(mixed, exact - 0.25 * 0.75 * (b - b_) @ (a - a_))
    assert (mixed - exact).abs().max() > 0.01


def test_adapters_that_are_off_cannot_move():
    with pytest.raises(PolicyError, match="adapters off and cannot move; call `expect_sync`"):
        adapters_off(adapted()).move(1.0)
