"""Four-bit weights under adapters."""

from dataclasses import replace

import pytest
import torch

from emolit.engine.weights import quantization
from emolit.engine.weights.adapters import Lora
from emolit.errors import PolicyError
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.types import Sampling
from tests.policies.contract import graded

QLORA = Lora(rank=2, quantize="nf4")


def built(folder, lora, reference=True):
    policy = Nano(str(folder), lora=lora)
    policy.build(reference, seed=0)
    return policy


def test_without_bitsandbytes_the_setting_is_refused(nano_folder, monkeypatch):
    monkeypatch.setattr(quantization, "find_spec", lambda name: None)
    with pytest.raises(PolicyError, match=r"'nf4', which needs bitsandbytes; install .*\[qlora\]"):
        built(nano_folder, QLORA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("bitsandbytes")
    size = NanoSize(seconds=1, mels=20, tower_width=16, tower_layers=1, width=64, layers=2, heads=2)
    return write_nano(tmp_path_factory.mktemp("wide"), size, seed=0)


@pytest.mark.parametrize("targets", [None, ["q_proj", "v_proj"], r".*layers\.0\.mlp\.up_proj"])
def test_the_layers_that_carry_adapters_are_in_four_bits_and_no_others(folder, targets):
    policy = built(folder, replace(QLORA, targets=targets))
    carriers = {name for name, m in policy.base.named_modules() if hasattr(m, "lora_A")}
    assert carriers
    quantized = {
        name.removesuffix(".base_layer.weight")
        for name, weight in policy.base.named_parameters()
        if weight.dtype == torch.uint8
    }
    assert quantized == carriers


def test_it_scores_as_a_model_of_the_rounded_weights_does(folder, batch):
    """The truth is an ordinary model whose weights were rounded to the sixteen levels."""
    import bitsandbytes

    policy, plain = built(folder, QLORA), built(folder, replace(QLORA, quantize=None))
    rounded = 0
    for name, layer in plain.base.named_modules():
        if name.endswith(".base_layer"):
            four = policy.base.get_submodule(name).weight
            weight = bitsandbytes.functional.dequantize_4bit(four.data, four.quant_state)
            block = layer.weight.abs().max()
            assert 0 < (weight - layer.weight).abs().max() < 0.16 * block  # half the widest gap
            with torch.no_grad():
                layer.weight.copy_(weight)
            rounded += 1
    assert rounded == 14
    rollout = plain.sample(batch, 2, Sampling(max_tokens=4, stop=()), seed=0, step=0)
    truth, found = plain.logprobs(rollout), policy.logprobs(rollout)
    torch.testing.assert_close(found, truth, atol=1e-5, rtol=0)
    expected, gradients = graded(plain, truth), graded(policy, found)
    assert gradients.keys() == expected.keys()
    assert all("lora_" in name for name in gradients)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, atol=1e-5, rtol=1e-4)


def test_the_reference_is_the_start_and_a_saved_adapter_comes_back(folder, batch, tmp_path):
    policy = built(folder, QLORA)
    rollout = policy.encode_targets(batch)
    given = policy.reference_logprobs(rollout)
    assert torch.equal(given, policy.logprobs(rollout).detach())
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.requires_grad:
                weight += 0.05
    moved = policy.logprobs(rollout)
    assert (moved - given).abs().max() > 1e-3
    assert torch.equal(policy.reference_logprobs(rollout), given)
    policy.save(tmp_path / "adapter")
    again = built(tmp_path / "adapter", QLORA)
    torch.testing.assert_close(again.logprobs(rollout), moved, atol=1e-5, rtol=0)


def test_quantized_weights_cannot_be_sharded(folder):
    with pytest.raises(PolicyError, match=r"cannot be sharded; leave out `lora\.quantize`"):
        built(folder, QLORA).shard(None)
