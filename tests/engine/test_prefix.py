"""Prefixes: positions, expansion, and rows that leave."""

import pytest
import torch

from emolit.engine.prefix import positions, prefill
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
    prefix = prefill(policy.base, policy.head, policy.encode(batch))
    keys = prefix.cache.layers[0].keys
    expanded = prefix.expanded(3)
    assert prefix.cache.layers[0].keys is keys
    assert torch.equal(expanded.cache.layers[0].keys, keys.repeat_interleave(3, 0))
    assert torch.equal(expanded.last[3:6], prefix.last[1].expand(3, -1))
    assert expanded.next_position.tolist() == [
        p for p in prefix.next_position.tolist() for _ in "123"
    ]


def test_the_next_position_is_the_number_of_prompt_tokens(policy, batch):
    inputs = policy.encode(batch)
    prefix = prefill(policy.base, policy.head, inputs)
    assert torch.equal(prefix.next_position, inputs["attention_mask"].sum(1))


def test_kept_rows_are_the_ones_asked_for(policy, batch):
    prefix = prefill(policy.base, policy.head, policy.encode(batch))
    values, last = prefix.cache.layers[1].values, prefix.last
    kept = prefix.rows(torch.tensor([4, 1]))
    assert torch.equal(kept.cache.layers[1].values, values[[4, 1]])
    assert torch.equal(kept.last, last[[4, 1]])


def test_the_tower_hears_each_clip_once_however_many_answers(policy, batch):
    heard = []
    policy.base.model.audio_tower.register_forward_hook(
        lambda _, inputs, output: heard.append(len(output.last_hidden_state))
    )
    from emolit.types import Sampling

    rollout = policy.sample(batch, 6, Sampling(max_tokens=4), seed=0, step=0)
    assert sum(heard) == 5
    policy.logprobs(rollout)
    assert sum(heard) == 10
