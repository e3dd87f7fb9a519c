"""Scoring behind a prefix; equality with whole rows is tested with the policies."""

import pytest
import torch

from emolit.engine.prefix import prefill
from emolit.engine.scoring import continue_prefix
from emolit.policies.nano import Nano


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def test_what_stands_behind_a_padded_token_is_not_seen(policy, batch):
    tokens = torch.randint(10, 200, (5, 4))
    mask = torch.tensor([[True, True, False, False]]).expand(5, 4)
    other = tokens.clone()
    other[:, 2:] = 7
    states = [
        continue_prefix(
            policy.base,
            policy.head,
            prefill(policy.base, policy.head, policy.encode(batch)),
            row,
            mask,
        )
        for row in (tokens, other)
    ]
    torch.testing.assert_close(states[0][:, :2], states[1][:, :2], atol=0, rtol=0)


def test_a_response_of_one_token_needs_no_second_pass(policy, batch):
    prefix = prefill(policy.base, policy.head, policy.encode(batch))
    ones = torch.ones(5, 1, dtype=torch.long)
    hidden = continue_prefix(policy.base, policy.head, prefix, ones, ones.bool())
    assert torch.equal(hidden[:, 0], prefix.last)
