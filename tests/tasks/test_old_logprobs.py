"""Sampling that is a little wrong costs no gradient, and what it is off by can be weighed."""

import math
import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import transformers

from emolit.affect.taxonomy import Taxonomy
from emolit.evaluators.categorical import Categorical
from emolit.objectives.bnpo import BNPO
from emolit.objectives.cispo import CISPO
from emolit.objectives.dapo import DAPO
from emolit.objectives.dr_grpo import DrGRPO
from emolit.objectives.grpo import GRPO
from emolit.objectives.gspo import GSPO
from emolit.objectives.real import REAL
from emolit.objectives.reinforce_plus_plus import ReinforcePlusPlus
from emolit.objectives.rloo import RLOO
from emolit.policies.nano import Nano
from emolit.policies.text_only import TextOnly
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rl.functional import k1, k3
from emolit.rl.groups import clips_of
from emolit.rl.kl import KL, AdaptiveKL
from emolit.tasks.old_logprobs import recompute_old_logprobs
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.rl_buffered import BufferedReinforcementFinetuning
from emolit.types import Sampling
from tests.conftest import OPTIONS
from tests.fakes.models import random_model, save, tokenizer
from tests.objectives.cases import example
from tests.tasks.toy import alone
from tests.test_house import plugins

LONGEST, CLIPS, GROUP = 12, 4, 6
CHAT = (
    "{% for message in messages %}{{ message['content'] }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}assistant\n{% endif %}"
)


def per_response(logs, mask):
    return (logs * mask).sum(-1) / mask.sum(-1)


def per_token(logs, mask):
    """Divided by all tokens, as a mean over responses would have it."""
    return (logs * mask).sum(-1) * mask[..., 0].numel() / mask.sum()


BY_HAND = {
    BNPO: per_token,
    CISPO: per_token,
    DAPO: per_token,
    DrGRPO: lambda logs, mask: (logs * mask).sum(-1) / LONGEST,
    GRPO: per_response,
    GSPO: per_response,
    ReinforcePlusPlus: per_response,
    RLOO: lambda logs, mask: (logs * mask).sum(-1),
}
"""What each paper's gradient, on the policy's own samples, is that of: A times this, averaged."""


class Noisy(Nano):
    """Says of its samples what bfloat16 would: off by five hundredths a token."""

    def sample(self, *arguments, **named):
        rollout = super().sample(*arguments, **named)
        random = torch.Generator().manual_seed(named["step"])
        noise = 0.05 * torch.randn(rollout.behavior.shape, generator=random)
        return replace(rollout, behavior=rollout.behavior + noise)


@pytest.fixture
def policy(nano_folder):
    made = Noisy(str(nano_folder))
    made.build(reference=True, seed=0)
    return made


def task(policy, kind=ReinforcementFinetuning, **settings):
    made = kind(
        policy=policy,
        objective=settings.pop("objective", GRPO()),
        rewards=[Correct()],
        optimizer=partial(torch.optim.SGD, lr=0.1),
        evaluator=Categorical(Taxonomy(OPTIONS)),
        prompt=Direct(),
        advantage=settings.pop("advantage", spread),
        group_size=GROUP,
        sampling=Sampling(max_tokens=LONGEST),
        **settings,
    )
    return alone(made, accumulate_grad_batches=1)


def spread(total):
    """Advantages of both signs in each group."""
    return torch.linspace(-1, 1, total.shape[1]).expand_as(total)


@pytest.fixture(autouse=True)
def counted(monkeypatch):
    """Give the task a step to draw by, as a trainer would."""
    step = property(lambda self: getattr(self, "_step", 0))
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", step)


def gradient(policy, loss):
    policy.zero_grad()
    loss.backward()
    return torch.cat([w.grad.flatten() for w in policy.parameters() if w.grad is not None])


def test_every_objective_has_its_formula_here():
    assert {*BY_HAND, REAL} == {plugin for _, plugin in plugins("objectives")}  # by signs alone


@pytest.mark.parametrize("objective", BY_HAND, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "updates", [None, {"epochs": 1}, {"epochs": 2}], ids=["simple", "one update", "first of two"]
)
def test_noise_of_sampling_costs_no_gradient(policy, batch, objective, updates):
    kind = ReinforcementFinetuning if updates is None else BufferedReinforcementFinetuning
    made = task(policy, kind, objective=objective(), **(updates or {}))
    outcome = made.training_step(clips_of(batch, range(CLIPS)), 0)
    found = gradient(policy, outcome["loss"])
    scored = outcome["scored"]
    value = BY_HAND[objective](policy.logprobs(scored.rollout), scored.mask)
    expected = gradient(policy, -(scored.advantages * value).mean())
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * expected.abs().max().item())
    mean = 0.05 * math.sqrt(2 / math.pi)  # of the absolute value of such noise
    assert made.logged["train/rollout_gap"] == pytest.approx(mean, rel=0.3)
    assert 2 * mean < made.logged["train/rollout_gap_max"] < 5 * mean
    if made.updates > 1:
        assert made.logged["train/clipped"] == 0
        assert made.logged["train/drift"] == pytest.approx(0.05**2 / 2, rel=0.3)
    else:  # by construction
        assert not {"train/clipped", "train/drift"} & made.logged.keys()


def test_rollouts_of_an_accumulation_have_ratio_one_each(policy, batch):
    made, total = task(policy, objective=RLOO()), 0
    policy.zero_grad()
    for step in range(2):
        made._step = step
        outcome = made.training_step(clips_of(batch, range(2 * step, 2 * step + 2)), step)
        outcome["loss"].backward()
        scored = outcome["scored"]
        value = (policy.logprobs(scored.rollout) * scored.mask).sum(-1)
        total = total - (scored.advantages * value).mean()
    found = torch.cat([w.grad.flatten() for w in policy.parameters() if w.grad is not None])
    torch.testing.assert_close(found, gradient(policy, total), rtol=1e-4, atol=1e-4)


def test_a_kl_in_the_reward_is_zero_at_the_start_whatever_sampling_says(policy, batch):
    """Rounding must not become a reward: groups of equal rewards stay without advantage."""
    from emolit.advantages import centered

    kl = AdaptiveKL(0.1, estimator=k1)
    for price in (KL(0.5, k1), KL(0.5, k3, weighted=True), kl):
        made = task(policy, objective=RLOO(), reward_kl=price, advantage=centered)
        scored = made.training_step(clips_of(batch, range(CLIPS)), 0)["scored"]
        torch.testing.assert_close(scored.advantages, centered(scored.total), atol=1e-5, rtol=0)
        assert made.logged["train/reward_kl"].item() == pytest.approx(0, abs=1e-6)
        assert made.logged["train/rollout_gap"] > 0.02
    assert kl.coefficient == pytest.approx(0.1 * 0.98)


@pytest.mark.parametrize("kind", [ReinforcementFinetuning, BufferedReinforcementFinetuning])
def test_a_cap_weighs_what_sampling_was_off_by(policy, batch, kind):
    made = task(policy, kind, importance_cap=1.01)
    scored = made.training_step(clips_of(batch, range(CLIPS)), 0)["scored"]
    given = policy.sample(
        clips_of(batch, range(CLIPS)), GROUP, made.sampling, seed=0, step=0
    ).behavior  # what sampling said
    with torch.no_grad():
        ratio = (policy.logprobs(scored.rollout) - given).exp()[scored.rollout.mask]
    torch.testing.assert_close(made.logged["train/importance"], ratio.clamp(max=1.01).mean())
    assert made.logged["train/importance_capped"] == pytest.approx(
        (ratio > 1.01).float().mean().item(), abs=1e-6
    )
    assert 0.2 < made.logged["train/importance_capped"] < 0.8


def test_aligned_by_hand():
    logprobs, given = example()
    told = given.rollout.behavior
    found = recompute_old_logprobs(given, logprobs.detach(), None)
    assert found.rollout.behavior.equal(logprobs)
    assert found.sampled is told
    assert found.weights is None
    again = recompute_old_logprobs(found, logprobs.detach() + math.log(3), 2.0)
    assert again.sampled is told  # what was sampled stays, however often training scores
    mask = given.rollout.mask
    torch.testing.assert_close(again.weights[mask], 3 * (logprobs.detach() - told).exp()[mask])
    assert again.cap == 2.0


@pytest.mark.parametrize("objective", [GSPO, RLOO, GRPO])
def test_in_bfloat16_no_gradient_is_lost(nano_folder, batch, objective):
    """Real rounding, of a small network that is made sharp enough for it to be seen."""
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.dim() == 2:
                weight.mul_(40)  # rounding is 0.003 a token then, ten times GSPO's bounds
    made = task(policy, objective=objective())
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        outcome = made.training_step(clips_of(batch, range(CLIPS)), 0)
        found = gradient(policy, outcome["loss"])
        scored = outcome["scored"]
        value = BY_HAND[objective](policy.logprobs(scored.rollout), scored.mask)
        expected = gradient(policy, -(scored.advantages * value).mean())
    assert made.logged["train/rollout_gap"] > 1e-4  # up to 0.003
    torch.testing.assert_close(found, expected, rtol=0.02, atol=0.01 * expected.abs().max().item())


@pytest.fixture
def random_smollm2(tmp_path):
    """135 million random weights in 30 layers: the size of SmolLM2, with a small vocabulary."""
    words = tokenizer((), CHAT)
    config = transformers.LlamaConfig(
        vocab_size=len(words),
        pad_token_id=words.pad_token_id,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        max_position_embeddings=512,
        initializer_range=0.05,
        hidden_size=576,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        intermediate_size=1536,
    )
    return save(tmp_path, random_model(transformers.LlamaForCausalLM, config, None), words)


@pytest.fixture
def trained_smollm2():
    """SmolLM2-135M-Instruct itself."""
    folder = os.environ.get("EMOLIT_SMOLLM2")
    if folder is None:
        pytest.skip("needs the weights of SmolLM2: EMOLIT_SMOLLM2=FOLDER names their folder")
    return Path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("objective", [GSPO, RLOO])
@pytest.mark.parametrize("weights", ["random_smollm2", "trained_smollm2"])
def test_smollm2_loses_no_gradient_in_bfloat16(request, batch, weights, objective):
    """Rounding between two passes through 30 layers would clip responses."""
    policy = TextOnly(str(request.getfixturevalue(weights)))
    policy.build(reference=False, seed=0)
    made = task(policy, objective=objective())
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        outcome = made.training_step(clips_of(batch, range(2)), 0)
        found = gradient(policy, outcome["loss"])
        scored = outcome["scored"]
        value = BY_HAND[objective](policy.logprobs(scored.rollout), scored.mask)
        expected = gradient(policy, -(scored.advantages * value).mean())
    assert made.logged["train/rollout_gap"] > 1e-4
    assert torch.nn.functional.cosine_similarity(found, expected, dim=0) > 0.99
    assert found.norm() / expected.norm() == pytest.approx(1, abs=0.02)
