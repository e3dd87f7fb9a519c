"""A token over a cache of one length is the token over one that grows."""

from functools import partial

import pytest
import torch

from emolit.engine.inputs.responses import find_stop_strings
from emolit.engine.layers import FULL, SLIDING
from emolit.engine.sampling.generate import generate, random_streams
from emolit.engine.sampling.steps import EagerStep, StaticStep
from emolit.errors import PolicyError
from emolit.policies.nano import Nano
from emolit.types import Sampling
from tests.conftest import part


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def sampled(policy, batch, open_step, every=4):
    tokenizer, keys = policy.processor.tokenizer, [clip.id for clip in batch.clips]
    sampling = Sampling(max_tokens=14, stop=("a", "e"))
    with torch.no_grad():
        prefix = policy.scorer.prefix(policy.language_model(), policy.encode(batch), batch)
    return generate(
        policy.language_model(),
        prefix.expand(4),
        sampling,
        lambda rows: find_stop_strings(tokenizer, rows, sampling.stop),
        random_streams(0, 0, keys, 4, 14),
        every,
        open_step=open_step,
    )


@pytest.mark.parametrize("clips", [slice(0, 5), slice(2, 3)], ids=["padded", "alone"])
def test_the_same_tokens_over_a_cache_of_one_length(policy, batch, clips):
    """Rows end and leave the batch meanwhile."""
    mine = part(batch, clips)
    grows = sampled(policy, mine, EagerStep)
    fixed = sampled(policy, mine, partial(StaticStep, capture=False))
    assert len(grows.mask.sum(-1).unique()) > 1
    for name in ("tokens", "mask", "finished"):
        assert torch.equal(getattr(grows, name), getattr(fixed, name)), name
    torch.testing.assert_close(grows.behavior, fixed.behavior, atol=1e-5, rtol=0)


def test_nothing_that_a_graph_reads_moves_from_token_to_token(policy, batch):
    """Memory, mask and inputs have one place, and shapes stay: what CUDA graphs need."""
    with torch.no_grad():
        prefix = policy.scorer.prefix(policy.language_model(), policy.encode(batch), batch)
        step = StaticStep(policy.language_model(), prefix.detach(), 6, capture=False)
        seen = []
        for column in range(3):
            hidden = step(torch.full((5,), column + 7), column)
            layer = step.prefix.cache.layers[0]
            kept = (*layer.memory, step.mask, step.tokens, step.positions, step.where)
            seen.append([(t.data_ptr(), t.shape) for t in kept] + [hidden.shape])
    assert seen[0] == seen[1] == seen[2]


def test_on_a_cpu_it_is_refused(policy, batch):
    policy.cuda_graph = True
    assert policy.unshardable() == ["cuda_graph"]
    with pytest.raises(PolicyError, match="on cpu, where there are no CUDA graphs; leave it out"):
        policy.sample(batch, 2, Sampling(max_tokens=2), seed=0, step=0)


def test_windows_are_refused(policy, batch, monkeypatch):
    monkeypatch.setattr("emolit.engine.sampling.steps.kinds", lambda _: {FULL, SLIDING})
    with pytest.raises(PolicyError, match="needs layers of full attention alone"):
        sampled(policy, batch, partial(StaticStep, capture=False))


@pytest.mark.gpu
def test_a_replayed_graph_says_what_its_kernels_say(policy, batch):
    policy.cuda()
    grows = sampled(policy, batch, EagerStep)
    replayed = sampled(policy, batch, StaticStep)
    assert torch.equal(grows.tokens, replayed.tokens)
    torch.testing.assert_close(grows.behavior, replayed.behavior, atol=1e-4, rtol=0)
