"""REINFORCE++ by hand; its invariants are in test_base.py."""

import pytest
import torch

from emolit.objectives.reinforce_plus_plus import ReinforcePlusPlus
from tests.objectives.cases import example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Means over tokens: (1.2 + 1) / 2, -2, 0.5; over three responses.
    outcome = ReinforcePlusPlus(clip=0.2)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(1.1 - 2 + 0.5) / 3, abs=1e-12)
    assert outcome.stats["clipped"].item() == pytest.approx(3 / 4)


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = 1 / mask.sum(-1, keepdim=True) / 12
    torch.testing.assert_close(gradient(ReinforcePlusPlus(), logprobs, now), on_policy(weight, now))


def test_the_whole_responses_kl_has_the_gradient_of_the_kl_to_come():
    """The deviation that the docstring names, by enumerating all responses of two binary tokens."""
    theta = torch.tensor([0.3, -0.2, 0.7], dtype=torch.float64, requires_grad=True)
    reference = torch.tensor([-0.4, 0.1, 0.2], dtype=torch.float64)

    def logs(table: torch.Tensor, first: int, second: int) -> torch.Tensor:
        rows = torch.stack([table[0] * (1 - 2 * first), table[1 + first] * (1 - 2 * second)])
        return torch.nn.functional.logsigmoid(rows)

    whole, to_come = torch.zeros(()).double(), torch.zeros(()).double()
    for first in (0, 1):
        for second in (0, 1):
            now = logs(theta, first, second)
            nats = (now - logs(reference, first, second)).detach()
            chance = now.sum().exp().detach()
            whole = whole + chance * (nats.sum() * now).sum()
            to_come = to_come + chance * (nats.flip(0).cumsum(0).flip(0) * now).sum()
    expected = torch.autograd.grad(to_come, theta, retain_graph=True)[0]
    torch.testing.assert_close(torch.autograd.grad(whole, theta)[0], expected)
