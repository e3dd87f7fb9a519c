"""Merged weights are the base plus the adapter's product, worked out by hand."""

import json

import pytest
import torch
from safetensors.torch import load_file

from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.merging import copy_base, merge_adapter
from emolit.errors import PolicyError
from emolit.policies.nano import Nano


@pytest.fixture
def adapter(nano_folder, tmp_path):
    """An adapter whose weights are not 0."""
    policy = Nano(str(nano_folder), lora=Lora(rank=2, alpha=6, targets=["q_proj"]))
    policy.build(reference=False, seed=0)
    with torch.no_grad():
        for name, weight in policy.named_parameters():
            if weight.requires_grad:
                weight.copy_(torch.full_like(weight, 0.1 if "lora_A" in name else 0.2))
    policy.save(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_every_weight_is_the_base_plus_alpha_over_rank_times_the_product(nano_folder, adapter):
    merged = merge_adapter(str(adapter), Nano.auto_class, "float32").state_dict()
    base = Nano(str(nano_folder))
    base.build(reference=False, seed=0)
    given = load_file(adapter / "adapter_model.safetensors")
    changed = 0
    for name, weight in base.model.state_dict().items():
        pair = [given.get(f"base_model.model.{name[:-7]}.lora_{each}.weight") for each in "BA"]
        added = 0.0 if pair[0] is None else 6 / 2 * pair[0] @ pair[1]
        changed += pair[0] is not None
        torch.testing.assert_close(merged[name], weight + added)
    assert changed > 0 and len(merged) == len(base.model.state_dict())


def test_the_weights_keep_their_type(adapter):
    merged = merge_adapter(str(adapter), Nano.auto_class, "bfloat16")
    assert {weight.dtype for weight in merged.parameters()} == {torch.bfloat16}


def test_a_whole_model_has_nothing_to_merge(nano_folder):
    with pytest.raises(PolicyError, match="leave `--merge` out"):
        merge_adapter(str(nano_folder), Nano.auto_class, "float32")


def test_a_copied_base_is_named_by_where_it_lies_now(nano_folder, adapter):
    copy_base(nano_folder, adapter)
    assert (adapter / "base" / "config.json").is_file()
    settings = json.loads((adapter / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == "base" and settings["r"] == 2
