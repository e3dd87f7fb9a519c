"""Layers behind which responses share a prompt; the networks are real ones at a tiny size."""

import pytest
import torch
import transformers
from transformers import DynamicCache

from emolit.engine.layers import check_cache, check_layers, kinds, packs
from emolit.errors import PolicyError

SIZES = {
    "vocab_size": 32,
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 32,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
MAMBA = {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_state": 8, "mamba_n_groups": 1}
HYBRID = {
    "Qwen3Next": ({}, "linear_attention"),
    "Lfm2": ({"full_attn_idxs": [1, 3]}, "conv"),
    "GraniteMoeHybrid": (MAMBA | {"layer_types": ["mamba", "attention"] * 2}, "linear_attention"),
    "Bamba": (MAMBA | {"attn_layer_indices": [1]}, "linear_attention"),
    "FalconH1": (MAMBA | {"mamba_d_ssm": 64}, "hybrid"),
    "Mamba2": (
        {"num_heads": 8, "head_dim": 8, "state_size": 8, "n_groups": 1, "expand": 2},
        "linear_attention",
    ),
    "RecurrentGemma": ({"num_hidden_layers": 3}, "(?:linear_attention|recurrent)"),
    "DeepseekV4": ({}, "sed_"),
}
PLAIN = {
    "Llama": ({}, {"full_attention"}, True),
    "Mistral": ({"sliding_window": 8}, {"sliding_attention"}, True),
    "Gemma2": ({"sliding_window": 8}, {"full_attention", "sliding_attention"}, True),
    "Llama4": ({"attention_chunk_size": 8}, {"chunked_attention", "full_attention"}, False),
    "Mpt": ({"d_model": 32, "n_heads": 4, "n_layers": 2}, {"full_attention"}, False),
}


def network(name, settings):
    """Make a network without memory for its weights: what it is shows in its config and code."""
    text = "TextConfig" if name == "Llama4" else "Config"
    factory = getattr(transformers, f"{name}{text}")
    known = {*factory.__dataclass_fields__, *factory.attribute_map}
    config = factory(**{k: v for k, v in (SIZES | settings).items() if k in known})
    with torch.device("meta"):
        return getattr(transformers, f"{name}ForCausalLM")(config)


@pytest.mark.parametrize("name", HYBRID)
def test_layers_that_carry_a_state_are_refused_by_their_kind(name):
    settings, kind = HYBRID[name]
    with pytest.raises(PolicyError, match=rf"'here' has layers of the kind '\w*{kind}\w*'"):
        check_layers(network(name, settings), "here")


@pytest.mark.parametrize("name", PLAIN)
def test_attention_passes_and_rows_are_packed_if_its_mask_is_known(name):
    settings, expected, packed = PLAIN[name]
    model = network(name, settings)
    check_layers(model, "here")
    assert kinds(model.config) == expected
    assert packs(model) is packed


def test_a_network_that_takes_no_cache_is_refused():
    with pytest.raises(PolicyError, match=r"Rwkv.* of 'here' takes no cache of keys and values"):
        check_layers(network("Rwkv", {}), "here")


def test_a_cache_that_is_not_there_or_of_another_kind_is_refused():
    config = transformers.Lfm2Config(**SIZES, full_attn_idxs=[1, 3])
    with pytest.raises(PolicyError, match=r"keeps \['LinearAttentionLayer'\] .* cannot go on"):
        check_cache(DynamicCache(config=config), "here")
    with pytest.raises(PolicyError, match="'here' keeps no keys and values"):
        check_cache(None, "here")
    check_cache(DynamicCache(config=transformers.LlamaConfig(**SIZES)), "here")
