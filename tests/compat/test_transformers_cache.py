"""What emolit relies on of transformers' caches holds in the installed release.

A failure here means that a new release has changed what nobody had promised; mend the entry of
`emolit/compat/transformers_cache.py` that the test names, and nothing else.
"""

import inspect

import pytest
import torch
import transformers
from transformers.cache_utils import DynamicCache

from emolit.compat.transformers import version
from emolit.compat.transformers_cache import (
    CACHE_NAMES,
    cache_name,
    cache_of,
    copy_cache,
    detach_cache,
    odd_layers,
    preallocate,
)
from emolit.engine.weights.checkpoint import load_model

HERE = f"transformers {version()} breaks what emolit/compat/transformers_cache.py relies on"


@pytest.fixture
def network(nano_folder):
    """A tiny Qwen2-Audio."""
    return load_model(str(nano_folder), "Qwen2AudioForConditionalGeneration", "float32")


def prompt(network):
    return {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3).long()}


def states(rows: int, length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(rows, 2, length, 4, generator=generator) for _ in range(2))


def filled() -> DynamicCache:
    cache = DynamicCache()
    for layer in range(2):
        cache.update(*states(3, 5, layer), layer)
    return cache


def test_a_cache_goes_in_and_comes_out_under_a_known_name(network):
    name = cache_name(type(network))
    output = network(**prompt(network), use_cache=True)
    kept = cache_of(output)
    assert kept.get_seq_length() == 3, f"{HERE}: the output's {name} does not hold the prompt"
    one = {"input_ids": torch.tensor([[8]]), "attention_mask": torch.ones(1, 4).long()}
    behind = network(**one, **{name: kept}).logits[:, -1]
    whole = network(
        input_ids=torch.tensor([[5, 6, 7, 8]]), attention_mask=torch.ones(1, 4).long()
    ).logits[:, -1]
    torch.testing.assert_close(behind, whole, msg=f"{HERE}: a cache under {name} is not read")


def test_a_network_without_a_cache_has_no_name_for_it():
    class Deaf:
        def forward(self, input_ids):
            """Take no cache."""

    assert cache_name(Deaf) is None


def test_layers_of_a_cache_that_are_not_known_are_named():
    from transformers import Lfm2Config

    assert odd_layers(filled()) == []
    config = Lfm2Config(num_hidden_layers=2, full_attn_idxs=[1])
    assert odd_layers(DynamicCache(config=config)), f"{HERE}: convolutions look like keys"


def test_copies_of_a_cache_share_tensors_and_not_layers():
    whole = filled()
    copied = copy_cache(whole)
    copied.batch_repeat_interleave(2)
    assert whole.layers[0].keys.shape[0] == 3, f"{HERE}: a copied cache writes into the first"
    assert copied.layers[0].keys.shape[0] == 6, f"{HERE}: batch_repeat_interleave does nothing"


def test_a_detached_cache_has_no_graph():
    whole = DynamicCache()
    whole.update(*(part.requires_grad_() * 1 for part in states(2, 3, 0)), 0)
    free = detach_cache(whole)
    assert whole.layers[0].keys.requires_grad
    held = [v for layer in free.layers for v in vars(layer).values() if torch.is_tensor(v)]
    assert held, f"{HERE}: cache layers do not keep tensors as attributes"
    assert not any(value.requires_grad for value in held)


def test_every_policy_finds_its_network_taking_a_cache():

    for name in (
        "Qwen2AudioForConditionalGeneration",
        "Qwen2_5OmniThinkerForConditionalGeneration",
        "Qwen3OmniMoeThinkerForConditionalGeneration",
        "AudioFlamingo3ForConditionalGeneration",
        "VoxtralForConditionalGeneration",
        "GraniteSpeechForConditionalGeneration",
        "Phi4MultimodalForCausalLM",
        "Gemma3nForConditionalGeneration",
        "Qwen2ForCausalLM",
        "LlamaForCausalLM",
    ):
        known = inspect.signature(getattr(transformers, name).forward).parameters
        assert set(CACHE_NAMES) & set(known), f"{HERE}: {name} names its cache otherwise"


def test_a_preallocated_cache_holds_what_a_plain_one_holds():
    plain, roomy = filled(), filled()
    preallocate(roomy, 3)
    assert all(type(layer).__name__ == "PreallocatedLayer" for layer in roomy.layers)
    kept = torch.arange(3)
    for step, rows in enumerate((torch.tensor([0, 1, 2]), torch.tensor([2, 0]), torch.tensor([1]))):
        kept = kept[rows]
        for cache in (plain, roomy):
            cache.batch_select_indices(rows)
        for layer in range(2):
            new = states(len(kept), 1, 10 + step)
            expected, found = plain.update(*new, layer), roomy.update(*new, layer)
            assert all(map(torch.equal, expected, found))
        assert plain.get_seq_length() == roomy.get_seq_length()
        assert plain.get_mask_sizes(1, 0) == roomy.get_mask_sizes(1, 0)


def test_a_token_is_written_in_place():
    cache = filled()
    preallocate(cache, 2)
    before = cache.layers[0].keys.data_ptr()
    cache.update(*states(3, 1, 9), 0)
    assert cache.layers[0].keys.data_ptr() == before


def test_more_tokens_than_there_is_room_for_are_refused():
    cache = filled()
    preallocate(cache, 1)
    cache.update(*states(3, 1, 9), 0)
    with pytest.raises(RuntimeError):
        cache.update(*states(3, 1, 9), 0)


def test_layers_of_another_kind_stay():
    cache = DynamicCache()
    preallocate(cache, 4)
    assert not cache.layers


def test_whatever_else_a_release_hands_to_a_layer_is_taken():
    cache = filled()
    preallocate(cache, 1)
    cache.layers[0].update(*states(3, 1, 9), "one", kwargs={"more": 1}, later=2)
    assert cache.layers[0].get_seq_length() == 6, HERE


def test_the_network_samples_behind_a_preallocated_cache(network):
    kept = cache_of(network(**prompt(network), use_cache=True))
    preallocate(kept, 1)
    one = {"input_ids": torch.tensor([[8]]), "attention_mask": torch.ones(1, 4).long()}
    found = network(**one, **{cache_name(type(network)): kept}).logits[:, -1]
    whole = network(
        input_ids=torch.tensor([[5, 6, 7, 8]]), attention_mask=torch.ones(1, 4).long()
    ).logits[:, -1]
    torch.testing.assert_close(found, whole, msg=HERE)
