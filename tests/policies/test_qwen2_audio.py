"""Qwen2-Audio: the same code as the 7B model on a folder of the same architecture."""

import pytest
import torch

from emolit.engine.weights.adapters import Lora
from emolit.errors import PolicyError
from emolit.policies.qwen2_audio import Qwen2Audio
from emolit.types import Sampling
from tests.policies.contract import check_gradients


def test_adapters_sit_on_the_language_model_only(nano_folder, batch):
    policy = Qwen2Audio(str(nano_folder), lora=Lora(rank=2))
    policy.build(reference=True, seed=0)
    trains = [name for name, weight in policy.named_parameters() if weight.requires_grad]
    assert trains
    assert all("language_model" in name and "lora_" in name for name in trains)
    rollout = policy.sample(batch, 2, Sampling(max_tokens=4), seed=0, step=0)
    assert torch.equal(policy.reference_logprobs(rollout), policy.logprobs(rollout).detach())


@pytest.mark.parametrize("lora", [None, Lora(rank=2, train=["multi_modal_projector"])])
def test_whatever_trains_gets_a_gradient(nano_folder, batch, lora):
    policy = Qwen2Audio(str(nano_folder), lora=lora)
    policy.build(reference=False, seed=0)
    check_gradients(policy, batch)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match="is not there; train it first"):
        Qwen2Audio(str(tmp_path / "none")).build(reference=False, seed=0)
