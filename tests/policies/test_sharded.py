"""How a policy is saved; sharded policies are tested in tests/engine/weights/test_sharding.py."""

from contextlib import nullcontext

import pytest
import torch

from emolit.engine.weights.adapters import Lora
from emolit.errors import ConfigError, PolicyError
from emolit.policies.nano import Nano


def test_settings_are_all_of_a_saved_model_but_its_weights(nano_folder, tmp_path):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    policy.save(tmp_path / "whole")
    policy.save_settings(tmp_path / "settings")
    whole, settings = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("whole", "settings")
    )
    del whole["model.safetensors"]
    assert settings == whole


@pytest.mark.parametrize("lora", [Lora(rank=2), None])
def test_a_policy_knows_whether_adapters_train_and_where_nothing_is_sharded(nano_folder, lora):
    policy = Nano(str(nano_folder), lora=lora)
    policy.build(reference=False, seed=0)
    assert policy.adapts is (lora is not None)
    assert policy.gather_weights() is None


@pytest.mark.parametrize(
    ("settings", "shares"),
    [({}, True), ({"store": "kept"}, False), ({"compile": True}, False)],
)
def test_the_other_processes_build_without_weights_where_that_can_be(
    nano_folder, tmp_path, monkeypatch, settings, shares
):
    monkeypatch.setattr("emolit.policies.sharded.reads_weights", lambda: False)
    settings = {name: str(tmp_path) if name == "store" else it for name, it in settings.items()}
    policy = Nano(str(nano_folder), **settings)
    assert not policy.builds_empty  # nothing is sharded later
    policy.expect_shards()
    assert policy.builds_empty is shares
    if settings.get("compile"):  # is refused once it is to be sharded
        return
    policy.build(reference=True, seed=0)
    assert all(weight.is_meta is shares for weight in policy.base.parameters())
    assert all(weight.is_meta is shares for weight in policy.frozen_twin.parameters())


def test_what_cannot_be_sharded_is_named(nano_folder):
    policy = Nano(str(nano_folder), compile=True)
    policy.build(reference=False, seed=0)
    with pytest.raises(PolicyError, match="leave out `compile`, or"):
        policy.shard(object())


@pytest.mark.parametrize(
    ("settings", "device", "sharded", "told"),
    [
        ({"gather": "layer"}, "cpu", False, "`gather: layer` says how sharded weights"),
        ({"cuda_graph": True}, "cpu", True, "trains on cpu, where there are no CUDA graphs"),
        ({"gather": "layer"}, "cpu", True, None),
        ({"cuda_graph": True}, "cuda", False, None),
        ({}, "cpu", False, None),
    ],
)
def test_settings_without_effect_where_it_trains_are_refused(settings, device, sharded, told):
    policy = Nano("folder", **settings)
    with pytest.raises(ConfigError, match=told) if told else nullcontext():
        policy.check_place(torch.device(device), sharded)
