"""What emolit relies on of peft holds in the installed release."""

from functools import partial
from importlib.metadata import version

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from emolit.compat.peft import (
    ADAPTER,
    in_adapter,
    is_wrapped,
    kept_training,
    name_in_adapter,
    plain_layers,
    plain_name,
)

HERE = f"peft {version('peft')} breaks what emolit/compat/peft.py relies on"


class Two(nn.Module):
    """Two layers; one gets an adapter, one trains in full."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.head(self.body(x))


@pytest.fixture
def plain():
    return Two()


@pytest.fixture
def wrapped(plain):
    return get_peft_model(plain, LoraConfig(r=1, target_modules=["body"], modules_to_save=["head"]))


def test_a_wrapped_model_is_told_from_a_plain_one(wrapped):
    assert is_wrapped(wrapped), f"{HERE}: there is no peft_config"
    assert not is_wrapped(Two())


def test_the_adapter_has_the_name_that_peft_gives(wrapped):
    assert wrapped.active_adapter == ADAPTER, HERE


def test_names_without_the_wrapping_are_those_of_the_model(wrapped):
    names = {plain_name(name) for name, _ in wrapped.named_parameters()}
    assert "body.base_layer.weight" in names, HERE


def test_every_trained_weight_has_a_counterpart_in_another_adapter(wrapped):
    trained = [name for name, weight in wrapped.named_parameters() if weight.requires_grad]
    wrapped.add_adapter("other", LoraConfig(r=1, target_modules=["body"], modules_to_save=["head"]))
    names = dict(wrapped.named_parameters())
    for name in trained:
        other = name_in_adapter(name, ADAPTER, "other")
        assert other != name, f"{HERE}: {name} does not name its adapter"
        assert other in names, f"{HERE}: {other} is not there"


def test_the_weights_of_an_adapter_are_those_that_train(wrapped):
    for name, weight in wrapped.named_parameters():
        assert in_adapter(name) is weight.requires_grad, f"{HERE}: {name}"


def test_plain_layers_say_what_their_adapter_adds(wrapped):
    torch.nn.init.normal_(wrapped.base_model.model.body.lora_B.default.weight)
    x = torch.randn(4, 3)
    ((layer, down, up),) = plain_layers(wrapped)
    assert layer is wrapped.base_model.model.body, f"{HERE}: Linear is another class"
    torch.testing.assert_close(layer(x) - layer.base_layer(x), x @ down.T @ up.T, msg=HERE)
    with wrapped.disable_adapter():
        assert not list(plain_layers(wrapped)), f"{HERE}: disable_adapters"


@pytest.mark.parametrize(
    "setting",
    [{"use_dora": True}, {"lora_bias": True}, {"fan_in_fan_out": True}],
    ids=lambda setting: next(iter(setting)),
)
@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set")
def test_layers_with_other_adapters_are_not_plain(plain, setting):
    made = get_peft_model(plain, LoraConfig(r=1, target_modules=["body"], **setting))
    made.base_model.model.body.fan_in_fan_out = "fan_in_fan_out" in setting  # as for GPT-2
    assert not list(plain_layers(made)), f"{HERE}: {setting}"


def test_layers_are_not_plain_while_another_adapter_is_on(wrapped):
    wrapped.add_adapter("other", LoraConfig(r=1, target_modules=["body"], modules_to_save=["head"]))
    wrapped.set_adapter("other")
    assert not list(plain_layers(wrapped)), f"{HERE}: active_adapters"


def test_layers_whose_base_does_more_or_holds_its_adapter_are_not_plain(wrapped):
    body = wrapped.base_model.model.body
    handle = body.base_layer.register_forward_hook(lambda *_: None)
    assert not list(plain_layers(wrapped)), f"{HERE}: hooks"
    handle.remove()
    wrapped.merge_adapter()
    assert not list(plain_layers(wrapped)), f"{HERE}: merged"
    wrapped.unmerge_adapter()
    assert len(list(plain_layers(wrapped))) == 1
    body.base_layer.forward = partial(torch.nn.functional.linear, weight=body.base_layer.weight)
    assert not list(plain_layers(wrapped)), f"{HERE}: a forward in the layer itself"
    del body.base_layer.forward
    body.base_layer.__class__ = type("Own", (torch.nn.Linear,), {"forward": lambda *_: None})
    assert not list(plain_layers(wrapped)), f"{HERE}: a forward of its own"


def test_what_trains_is_the_same_after_adapters_were_switched_off(wrapped):
    before = {name: weight.requires_grad for name, weight in wrapped.named_parameters()}
    with kept_training(wrapped), wrapped.disable_adapter():
        wrapped(torch.ones(1, 3))
    assert before == {name: weight.requires_grad for name, weight in wrapped.named_parameters()}
