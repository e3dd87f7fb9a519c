"""Losses and gradients against TRL 1.16's own code, on fixed tensors in float64.

A stand-in has the attributes that `GRPOTrainer._compute_loss` and `RLOOTrainer._compute_loss` read
and returns given log-probabilities in place of a model's; the two methods run as they are. Equal
are GRPO, Dr. GRPO, DAPO, GSPO, CISPO, RLOO and BNPO, at ratios inside and outside of the trust
region, with and without a KL. TRL has no REINFORCE++. Not compared, because they differ by intent:
gradient accumulation and several processes under ``dapo``, ``cispo`` and ``bnpo`` (see DAPO and
BNPO), and log-ratios beyond 20, which TRL does not clamp.
"""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from emolit.objectives.bnpo import BNPO
from emolit.objectives.cispo import CISPO
from emolit.objectives.dapo import DAPO
from emolit.objectives.dr_grpo import DrGRPO
from emolit.objectives.grpo import GRPO
from emolit.objectives.gspo import GSPO
from emolit.objectives.rloo import RLOO
from emolit.rl.kl import KL
from tests.objectives.cases import LONGEST, example, gradient

trl = pytest.importorskip("trl", reason="TRL is not installed: nothing to compare the losses with")
pytestmark = pytest.mark.skipif(
    not trl.__version__.startswith("1.16."), reason=f"compares with TRL 1.16, not {trl.__version__}"
)
CLIP = {"epsilon_low": 0.2, "epsilon_high": 0.2}


class Accelerator:
    """One process."""

    num_processes = 1

    def gather(self, value):
        return value

    def reduce(self, value, reduction):
        return value


def stand_in(logprobs, loss_type, settings):
    """Return what TRL's loss asks of its trainer."""
    chosen = {"beta": 0.0, "importance_sampling_level": "token", "correction": False, **settings}
    scores = lambda *_, **__: (logprobs, torch.zeros_like(logprobs), None)  # noqa: E731
    return SimpleNamespace(
        _get_per_token_logps_and_entropies=scores,
        _entropy_bonus_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
        accelerator=Accelerator(),
        args=SimpleNamespace(
            delta=None, steps_per_generation=1, use_bias_correction_kl=chosen["correction"]
        ),
        aux_loss_enabled=False,
        current_gradient_accumulation_steps=1,
        loss_type=loss_type,
        max_completion_length=LONGEST,
        model=SimpleNamespace(training=True),
        off_policy_mask_threshold=None,
        top_entropy_quantile=1.0,
        use_vllm=False,
        vllm_importance_sampling_correction=False,
        **{name: value for name, value in chosen.items() if name != "correction"},
    )


def theirs(trainer, logprobs, given, loss_type=None, **settings):
    """Return TRL's loss and its gradient, rows as TRL has them: all groups in one dimension."""
    leaf = logprobs.detach().flatten(0, 1).clone().requires_grad_()
    rollout = given.rollout
    mask, behavior = rollout.mask.flatten(0, 1), rollout.behavior.flatten(0, 1)
    inputs = {
        "prompt_ids": torch.zeros(len(leaf), 1, dtype=torch.long),
        "prompt_mask": torch.ones(len(leaf), 1, dtype=torch.long),
        "completion_ids": rollout.tokens.flatten(0, 1),
        "completion_mask": mask.long(),
        "advantages": given.advantages.flatten(),
        "old_per_token_logps": behavior,
        "old_logps": (behavior * mask).sum(1),
        "ref_per_token_logps": given.reference.flatten(0, 1),
        "num_items_in_batch": mask.sum(),
    }
    loss = trainer._compute_loss(stand_in(leaf, loss_type, settings), None, inputs)
    loss.backward()
    return loss.detach(), leaf.grad.view_as(logprobs)


CASES = [
    (GRPO(), "grpo", CLIP),
    (GRPO(kl=0.04), "grpo", {**CLIP, "beta": 0.04}),
    (GRPO(kl=KL(0.04, weighted=True)), "grpo", {**CLIP, "beta": 0.04, "correction": True}),
    (DrGRPO(), "dr_grpo", CLIP),
    (DrGRPO(kl=0.04), "dr_grpo", {**CLIP, "beta": 0.04}),
    (DAPO(), "dapo", {"epsilon_low": 0.2, "epsilon_high": 0.28}),
    (DAPO(kl=0.04), "dapo", {"epsilon_low": 0.2, "epsilon_high": 0.28, "beta": 0.04}),
    (BNPO(), "bnpo", CLIP),
    (BNPO(kl=0.04), "bnpo", {**CLIP, "beta": 0.04}),
    (CISPO(cap=1.1), "cispo", {"epsilon_low": 0.2, "epsilon_high": 1.1}),
    (CISPO(), "cispo", {"epsilon_low": 0.2, "epsilon_high": 5.0}),
    *[
        (GSPO(*bounds, kl=beta), "grpo", {
            "epsilon_low": bounds[0],
            "epsilon_high": bounds[1],
            "importance_sampling_level": "sequence",
            "beta": beta,
        })
        for bounds in ((3e-4, 4e-4), (0.2, 0.3))
        for beta in (0.0, 0.04)
    ],
]  # fmt: skip


@pytest.mark.parametrize(
    ("objective", "loss_type", "settings"),
    CASES,
    ids=[f"{type(case[0]).__name__}-{i}" for i, case in enumerate(CASES)],
)
@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0])
@pytest.mark.filterwarnings("ignore")
def test_loss_and_gradient_equal_trls(objective, loss_type, settings, spread):
    from trl import GRPOTrainer

    for seed in range(3):
        logprobs, given = example(seed, spread=spread)
        loss, slope = theirs(GRPOTrainer, logprobs, given, loss_type, **settings)
        ours = objective(logprobs, given).loss
        torch.testing.assert_close(ours, loss, rtol=1e-10, atol=1e-10)
        found = gradient(objective, logprobs, given)
        torch.testing.assert_close(found, slope, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0])
@pytest.mark.filterwarnings("ignore")
def test_rloo_equals_trls(spread):
    from trl import RLOOTrainer

    for seed in range(3):
        logprobs, given = example(seed, spread=spread)
        loss, slope = theirs(RLOOTrainer, logprobs, given, **CLIP)
        torch.testing.assert_close(RLOO()(logprobs, given).loss, loss, rtol=1e-10, atol=1e-10)
        found = gradient(RLOO(), logprobs, given)
        torch.testing.assert_close(found, slope, rtol=1e-10, atol=1e-10)
