"""Prefixes: positions, expansion, and rows that leave."""

import pytest
import torch

from emolit.engine.prefix import EncodedPrompts, Prefix, positions, prefill
from emolit.policies.nano import Nano


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def test_positions_start_at_zero_behind_left_padding():
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    assert positions(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]]


def test_expansion_is_clip_major_and_leaves_the_prefix_alone(policy, batch):
    prefix = prefill(policy.language_model(), policy.encode(batch))
    keys = prefix.cache.layers[0].keys
    expanded = prefix.expand(3)
    assert prefix.cache.layers[0].keys is keys
    assert torch.equal(expanded.cache.layers[0].keys, keys.repeat_interleave(3, 0))
    assert torch.equal(expanded.last[3:6], prefix.last[1].expand(3, -1))
    assert expanded.next_position.tolist() == [
        p for p in prefix.next_position.tolist() for _ in "123"
    ]


def test_the_next_position_is_the_number_of_prompt_tokens(policy, batch):
    encoded = policy.encode(batch)
    prefix = prefill(policy.language_model(), encoded)
    assert torch.equal(prefix.next_position, encoded.inputs["attention_mask"].sum(1))


def test_positions_with_several_axes_go_on_behind_the_largest():
    """As in Qwen2.5-Omni: an answer starts behind the largest position of its prompt."""
    inputs = {"attention_mask": torch.ones(2, 3, dtype=torch.long)}
    where = torch.tensor([[[0, 1, 2], [0, 1, 2]], [[0, 5, 2], [0, 0, 0]]])
    encoded = EncodedPrompts(inputs, where)
    assert encoded.next_position.tolist() == [6, 3]
    assert encoded.response_positions(2).tolist() == [[[6, 7], [3, 4]], [[6, 7], [3, 4]]]
    prefix = Prefix(None, encoded.mask, torch.zeros(2, 1), encoded.next_position, (2,))
    assert prefix.positions(1, 2).tolist() == [[[7, 8], [4, 5]], [[7, 8], [4, 5]]]


def test_a_detached_prefix_has_no_graph_and_the_other_keeps_its_own(policy, batch):
    prefix = prefill(policy.language_model(), policy.encode(batch))
    loose = prefix.detach()
    assert not loose.last.requires_grad
    assert not any(layer.keys.requires_grad for layer in loose.cache.layers)
    assert all(layer.keys.requires_grad for layer in prefix.cache.layers)
    assert torch.equal(loose.cache.layers[0].values, prefix.cache.layers[0].values)


def test_kept_rows_are_the_ones_asked_for(policy, batch):
    prefix = prefill(policy.language_model(), policy.encode(batch))
    values, last = prefix.cache.layers[1].values, prefix.last
    kept = prefix.rows(torch.tensor([4, 1]))
    assert torch.equal(kept.cache.layers[1].values, values[[4, 1]])
    assert torch.equal(kept.last, last[[4, 1]])
