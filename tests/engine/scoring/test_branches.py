"""Replies behind the beginnings of responses; other networks are held to it by their policies."""

import pytest
import torch

from emolit.engine.scoring.branches import tails
from emolit.policies.nano import Nano
from emolit.rl.groups import join_replies
from emolit.types import Sampling
from tests.policies.contract import branching, check_branches
from tests.policies.test_language_models import CHUNKS, SAMPLING, built, written


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_branches_score_like_whole_replies_in_value_and_gradient(policy, batch, temperature):
    sampling = Sampling(max_tokens=6, stop=(), temperature=temperature)
    check_branches(policy, policy.sample(batch, 2, sampling, seed=0, step=0))


def test_a_beginning_is_read_once(policy, batch):
    """Beside whole rows: the prompt, each response, and what is new of each reply."""
    rollout = policy.sample(batch, 2, Sampling(max_tokens=6, stop=()), seed=0, step=0)
    replies, start = branching(rollout, options=3)
    place, _ = tails(replies.mask, start.repeat_interleave(3, dim=1))
    prompt = policy.encode(batch).mask.shape[1]
    read = []
    policy.base.model.language_model.register_forward_hook(
        lambda _, inputs, output: read.append(output.last_hidden_state.shape[1])
    )
    policy.branch_logprobs(rollout, replies, start)
    assert place.shape[2] == 3  # one to three tokens are new
    assert read == [prompt + 2 * rollout.tokens.shape[2] + 6 * 3]


def test_a_prefill_that_is_not_used_is_not_kept(policy, batch):
    rollout = policy.sample(batch, 2, Sampling(max_tokens=6, stop=()), seed=0, step=0)
    assert policy.scorer._kept is not None
    policy.branch_logprobs(rollout, *branching(rollout, options=2))
    assert policy.scorer._kept is None


def test_where_rows_cannot_be_packed_replies_are_scored_whole(tmp_path, batch):
    policy = built(written(tmp_path, "Llama4", **CHUNKS))
    rollout = policy.sample(batch, 2, SAMPLING, seed=0, step=0)
    replies, start = branching(rollout, options=2)
    mine, theirs = policy.branch_logprobs(rollout, replies, start)
    whole = policy.logprobs(join_replies(rollout, replies))
    torch.testing.assert_close(mine, whole[:, :2, : mine.shape[2]], atol=1e-5, rtol=0)
    torch.testing.assert_close(theirs, whole[:, 2:], atol=1e-5, rtol=0)
