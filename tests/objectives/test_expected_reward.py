"""The expected reward by hand, its powers, and its gradient against autograd of a formula."""

import math

import pytest
import torch

from emolit.objectives.expected_reward import ExpectedReward
from tests.objectives.cases import scored

P = torch.tensor([[0.5, 0.25, 0.125], [0.1, 0.2, 0.6]], dtype=torch.float64)
WORTH = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.25]], dtype=torch.float64)
E = (0.5 + 0.0625, 0.2 + 0.15)
MASK = torch.ones(2, 3, 1, dtype=torch.bool)
GIVEN = scored(P.unsqueeze(-1), MASK, WORTH)
LOGS = P.log().unsqueeze(-1)


@pytest.mark.parametrize(
    ("power", "gain"),
    [(1.0, lambda e: e), (0.0, math.log), (0.5, lambda e: (math.sqrt(e) - 1) / 0.5)],
)
def test_the_loss_equals_a_derivation_by_hand(power, gain):
    outcome = ExpectedReward(power)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(gain(E[0]) + gain(E[1])) / 2, abs=1e-12)


def test_the_gradient_is_what_a_policy_gradient_estimates():
    """By log p_k it is p_k R_k: the mean of R times the gradient of log p over samples."""
    logs = LOGS.clone().requires_grad_()
    ExpectedReward()(logs, GIVEN).loss.backward()
    torch.testing.assert_close(logs.grad.squeeze(-1), -P * WORTH / 2)


def test_a_gradient_of_samples_comes_to_it():
    """REINFORCE on 200,000 draws of a softmax over the options has it as its mean."""
    logits = torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64, requires_grad=True)
    mask, worth = torch.ones(1, 3, 1, dtype=torch.bool), WORTH[:1]
    logs = logits.log_softmax(0)
    ExpectedReward()(logs.view(1, 3, 1), scored(mask.double(), mask, worth)).loss.backward()
    drawn = torch.multinomial(
        logs.detach().exp(), 200_000, True, generator=torch.Generator().manual_seed(0)
    )
    each = torch.eye(3, dtype=torch.float64)[drawn] - logs.detach().exp()
    sampled = -(worth[0, drawn].unsqueeze(-1) * each)
    error = sampled.std(0) / math.sqrt(200_000)
    assert ((sampled.mean(0) - logits.grad).abs() < 4 * error).all()


def test_at_power_0_a_right_answer_alone_is_imitation():
    logs = LOGS.clone().requires_grad_()
    only = torch.tensor([[0.0, 1.0, 0.0]] * 2, dtype=torch.float64)
    outcome = ExpectedReward(0.0)(logs, scored(MASK.double(), MASK, only))
    assert outcome.loss.item() == pytest.approx(-(math.log(0.25) + math.log(0.2)) / 2)
    outcome.loss.backward()
    torch.testing.assert_close(logs.grad.squeeze(-1), -only / 2)


def test_an_answer_that_is_all_but_impossible_still_learns_at_power_0():
    logs = torch.tensor([[[-900.0], [-0.1]]], dtype=torch.float64, requires_grad=True)
    mask = torch.ones(1, 2, 1, dtype=torch.bool)
    worth = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    ExpectedReward(0.0)(logs, scored(mask.double(), mask, worth)).loss.backward()
    assert logs.grad.flatten().tolist() == pytest.approx([-1.0, 0.0])


def test_renormalized_the_mass_outside_of_the_options_is_forgotten():
    outcome = ExpectedReward(renormalize=True)(LOGS, GIVEN)
    by_hand = (E[0] / 0.875 + E[1] / 0.9) / 2
    assert outcome.loss.item() == pytest.approx(-by_hand)
