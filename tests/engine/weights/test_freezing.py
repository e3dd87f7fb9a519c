"""Freezing by name: at any depth, under adapters too, and never silently nothing."""

import pytest
import torch
from torch import nn

from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.freezing import freeze_modules, trainable_table
from emolit.errors import PolicyError
from emolit.policies.nano import Nano


class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.audio_tower = nn.Linear(1, 1)
        self.audio_tower_too = nn.Linear(1, 1)


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Inner()
        self.head = nn.Linear(1, 1)


def trains(model):
    return {name.rsplit(".", 1)[0] for name, w in model.named_parameters() if w.requires_grad}


@pytest.mark.parametrize("name", ["audio_tower", "model.audio_tower"])
def test_a_name_freezes_its_module_only_wherever_it_sits(name):
    model = Outer()
    freeze_modules(model, model, [name])
    assert trains(model) == {"model.audio_tower_too", "head"}


def test_without_names_everything_trains():
    model = Outer()
    freeze_modules(model, model, [])
    assert len(trains(model)) == 3


def test_an_unknown_name_is_refused_with_those_that_are_there():
    model = Outer()
    with pytest.raises(PolicyError, match=r"'towr', which Outer does .*head.*model\.audio_tower"):
        freeze_modules(model, model, ["head", "towr"])


def test_a_policy_freezes_what_its_setting_names(nano_folder):
    policy = Nano(str(nano_folder), freeze=["audio_tower"])
    policy.build(reference=False, seed=0)
    names = {name for name, weight in policy.named_parameters() if weight.requires_grad}
    assert names
    assert not any("audio_tower" in name for name in names)
    assert torch.is_grad_enabled()


def test_the_table_says_what_trains(nano_folder):
    policy = Nano(str(nano_folder), freeze=["audio_tower"])
    policy.build(reference=True, seed=0)
    rows = {line.split()[0]: line.split()[1:] for line in trainable_table(policy).splitlines()}
    assert rows["model.audio_tower"][0] == "0"
    assert rows["model.language_model"][0] == rows["model.language_model"][1] != "0"
    trained = sum(w.numel() for w in policy.parameters() if w.requires_grad)
    assert rows["all"][0] == f"{trained:,}"


def test_the_table_does_not_count_the_reference(nano_folder):
    tables = []
    for syncs in (False, True):
        policy = Nano(str(nano_folder), lora=Lora(rank=2, train=["multi_modal_projector"]))
        if syncs:
            policy.expect_sync()
        policy.build(reference=True, seed=0)
        tables.append(trainable_table(policy))
    assert tables[0] == tables[1]
