"""Every plug-in on every shelf keeps its base's promises, found by discovery."""

import inspect
import pickle
from collections import defaultdict
from dataclasses import replace

import pytest
import torch

from emolit.objectives import Objective
from emolit.objectives.real import REAL
from emolit.prompts import Prompt
from emolit.prompts.reasoning import Reasoning
from emolit.rewards import Reward
from emolit.types import Batch, Clip, Rollout, Sampling, ScoredRollout
from tests.test_house import NODES, plugins

CHECKPOINTS = {"checkpoint"}
"""Arguments that differ by class on purpose; those have no default at all."""


SHARED = {"weight", "name", "guard"}
"""Arguments that a plug-in may take over from its base with their words."""


@pytest.mark.parametrize("shelf", NODES)
def test_siblings_share_no_argument_name_with_another_default(shelf):
    """Swapping a class in YAML keeps the old class's arguments where names coincide."""
    defaults = defaultdict(set)
    for _, plugin in plugins(shelf):
        for name, parameter in inspect.signature(plugin).parameters.items():
            if name not in CHECKPOINTS:
                defaults[name].add(repr(parameter.default))
    assert {name: found for name, found in defaults.items() if len(found) > 1} == {}


@pytest.mark.parametrize("shelf", NODES)
def test_every_plugin_is_documented(shelf):
    for _, plugin in plugins(shelf):
        assert plugin.__doc__
        for name in set(inspect.signature(plugin).parameters) - {"args", "kwargs"}:
            assert f"{name}:" in plugin.__doc__ or name in SHARED, (plugin, name)


def made(shelf):
    """Plug-ins that need nothing; the tests of the others have models and servers for them."""
    return [pytest.param(plugin(), id=name) for name, plugin in plugins(shelf) if not needs(plugin)]


def needs(plugin):
    arguments = inspect.signature(plugin).parameters.values()
    return any(argument.default is argument.empty for argument in arguments)


def rollout(behavior):
    batch = Batch((), (), (), (), (), 16_000)
    shape = behavior.shape
    tokens, mask = torch.zeros(shape, dtype=torch.long), torch.ones(shape, dtype=torch.bool)
    finished = torch.ones(shape[:2], dtype=torch.bool)
    return Rollout(batch, tokens, mask, behavior, finished, (), Sampling())


@pytest.mark.parametrize("objective", made("objectives"))
def test_objectives_pickle_and_are_finite_on_random_input(objective: Objective):
    torch.manual_seed(0)
    logprobs = (-5 * torch.rand(3, 4, 6)).requires_grad_()
    behavior, reference = -5 * torch.rand(3, 4, 6), -5 * torch.rand(3, 4, 6)
    scored = ScoredRollout(rollout(behavior), {}, torch.rand(3, 4), torch.randn(3, 4), reference)
    outcome = pickle.loads(pickle.dumps(objective))(logprobs, scored)
    outcome.loss.backward()
    assert torch.isfinite(outcome.loss)
    assert torch.isfinite(logprobs.grad).all()
    assert not any(value.requires_grad for value in outcome.stats.values())


@pytest.mark.parametrize("objective", made("objectives"))
def test_a_token_of_weight_zero_counts_like_one_without_advantage(objective: Objective):
    """Truncated importance sampling weighs tokens; the KL to the reference is not weighed."""
    if isinstance(objective, REAL):
        pytest.skip("REAL refuses weights: tests/objectives/test_real.py")
    torch.manual_seed(0)
    behavior, reference = -5 * torch.rand(3, 4, 6), -5 * torch.rand(3, 4, 6)
    total, gains = torch.rand(3, 4), torch.randn(3, 4)
    gradients = []
    for weights, advantages in ((torch.zeros(3, 4, 6), gains), (None, 0 * gains), (None, gains)):
        logprobs = (behavior + 0.01).requires_grad_()
        drawn = rollout(behavior)
        scored = ScoredRollout(drawn, {}, total, advantages, reference, weights=weights)
        objective(logprobs, scored).loss.backward()
        gradients.append(logprobs.grad)
    torch.testing.assert_close(gradients[0], gradients[1])
    assert (gradients[0] - gradients[2]).abs().max() > 1e-4


@pytest.mark.parametrize("reward", made("rewards"))
def test_rewards_pickle_and_score_odd_responses(reward: Reward):
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad")
    batch = Batch((clip,), ("?",), (None,), ("angry", "sad"), (), 16_000)
    responses = ("", "sad", "<answer>sad</answer>", "\n" * 50, "<think>" * 20, "悲伤")
    reward.prepare(Reasoning())
    for answer in ("sad", "angry", None, ("sad", "tired"), ()):
        drawn = rollout(torch.zeros(1, len(responses), 4))
        drawn = replace(drawn, batch=batch, responses=(responses,), answers=((answer,) * 6,))
        scores = pickle.loads(pickle.dumps(reward))(drawn)
        assert scores.values.shape == (1, 6) and not scores.values.isinf().any()
        assert not scores.failed.any()


@pytest.mark.parametrize("prompt", made("prompts"))
def test_prompts_read_back_what_they_ask_for(prompt: Prompt):
    options = ("angry", "sad")
    clip = Clip("a", "toy", "a.wav", label="sad", transcript="hello", captions=("sad",))
    copy = pickle.loads(pickle.dumps(prompt))
    assert copy.render(clip, options) == prompt.render(clip, options)
    reply = prompt.target(clip) or prompt.layout.replace("…", "sad")
    assert prompt.parse(reply, options) in ("sad", ("sad",))
    assert prompt.parse("", options) is None
