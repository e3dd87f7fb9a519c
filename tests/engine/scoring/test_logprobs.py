"""Scoring behind a prefix; equality with whole rows is tested with the policies."""

import logging

import pytest
import torch

from emolit.engine.prefix import prefill
from emolit.engine.scoring.logprobs import continue_prefix, token_saving
from emolit.policies.nano import Nano
from emolit.rl.groups import groups_of
from emolit.types import Sampling
from tests.conftest import part


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=True, seed=0)
    return made


def counted(policy, batch):
    """Count the rows that the tower hears and the positions that the language model reads."""
    policy.encode(batch)  # the self-check is over
    counts = {"tower": 0, "positions": 0}

    def heard(_, inputs, output):
        counts["tower"] += len(output.last_hidden_state)

    def read(_, inputs, output):
        counts["positions"] += output.last_hidden_state.shape[:2].numel()

    policy.base.model.audio_tower.register_forward_hook(heard)
    policy.base.model.language_model.register_forward_hook(read)
    return counts


def test_rollout_and_loss_share_one_prefill_until_a_weight_changes(policy, batch):
    counts = counted(policy, batch)
    length = policy.encode(batch).mask.shape[1]
    rollout = policy.sample(batch, 6, Sampling(max_tokens=1), seed=0, step=0)
    first = policy.logprobs(rollout)
    assert counts == {"tower": 5, "positions": 5 * length}
    again = policy.logprobs(rollout)
    assert counts == {"tower": 10, "positions": 10 * length}
    torch.testing.assert_close(first, again, atol=1e-6, rtol=0)
    rollout = policy.sample(batch, 6, Sampling(max_tokens=1), seed=0, step=1)
    with torch.no_grad():
        policy.language_model().head.weight.mul_(2.0)
    moved = policy.logprobs(rollout)
    assert counts == {"tower": 20, "positions": 20 * length}
    assert (moved - rollout.behavior).abs().max() > 1e-2


def test_some_of_the_clips_are_scored_on_the_prefill_of_all(policy, batch):
    counts = counted(policy, batch)
    rollout = policy.sample(batch, 6, Sampling(max_tokens=4), seed=0, step=0)
    before = dict(counts)
    part_of_it = groups_of(rollout, [3, 1])
    shared = policy.logprobs(part_of_it)
    assert counts["tower"] == before["tower"]
    whole = policy.logprobs(rollout)
    torch.testing.assert_close(shared, whole[[3, 1]], atol=1e-6, rtol=0)

    def gradient(logprobs):
        policy.zero_grad()
        logprobs.sum().backward()
        return policy.language_model().head.weight.grad.clone()

    expected = gradient(whole[[3, 1]])
    torch.testing.assert_close(gradient(shared), expected, atol=1e-5, rtol=1e-5)


def test_a_prefill_without_gradients_is_not_kept(policy, batch):
    counts = counted(policy, batch)
    with torch.no_grad():
        rollout = policy.sample(batch, 2, Sampling(max_tokens=1), seed=0, step=0)
    assert policy.logprobs(rollout).requires_grad
    assert counts["tower"] == 10


def test_whole_rows_are_scored_where_sharing_does_not_pay(policy, batch, caplog):
    one = part(batch, slice(0, 2))
    rollout = policy.sample(one, 2, Sampling(max_tokens=250, stop=()), seed=0, step=0)
    assert token_saving(policy.encode(one).mask, rollout) < 1.2
    counts = counted(policy, batch)
    with caplog.at_level(logging.INFO):
        whole = policy.logprobs(rollout)
        policy.logprobs(rollout)
    assert counts["tower"] == 8
    assert caplog.text.count("are scored in full") == 1
    torch.testing.assert_close(whole.detach(), rollout.behavior, atol=1e-4, rtol=0)


def test_checkpointed_layers_run_twice_for_a_gradient_and_never_in_training_mode(
    nano_folder, batch
):
    policy = Nano(str(nano_folder), gradient_checkpointing=True)
    policy.build(reference=False, seed=0)
    layer = policy.base.model.language_model.layers[0]
    modes = []
    layer.self_attn.register_forward_pre_hook(lambda *_: modes.append(layer.training))
    rollout = policy.sample(batch, 2, Sampling(max_tokens=4), seed=0, step=0)
    modes.clear()
    logprobs = policy.logprobs(rollout)
    assert modes == [False]
    logprobs.sum().backward()
    assert modes == [False, False]  # the second time is for the gradient
    modes.clear()
    with torch.no_grad():
        policy.logprobs(rollout)
    assert modes == [False]


def test_what_stands_behind_a_padded_token_is_not_seen(policy, batch):
    tokens = torch.randint(10, 200, (5, 4))
    mask = torch.tensor([[True, True, False, False]]).expand(5, 4)
    other = tokens.clone()
    other[:, 2:] = 7
    states = [
        continue_prefix(
            policy.language_model(),
            prefill(policy.language_model(), policy.encode(batch)),
            row,
            mask,
        )
        for row in (tokens, other)
    ]
    torch.testing.assert_close(states[0][:, :2], states[1][:, :2], atol=0, rtol=0)


def test_a_response_of_one_token_needs_no_second_pass(policy, batch):
    prefix = prefill(policy.language_model(), policy.encode(batch))
    ones = torch.ones(5, 1, dtype=torch.long)
    hidden = continue_prefix(policy.language_model(), prefix, ones, ones.bool())
    assert torch.equal(hidden[:, 0], prefix.last)
