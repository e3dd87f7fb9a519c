"""CHORD by hand."""

import math

import pytest
import torch

from emolit.demonstrations.chord import CHORD
from emolit.errors import ConfigError
from emolit.rl.schedule import LinearFade
from tests.demonstrations.cases import MASK, P, gold, rollout

GIVEN = rollout(torch.zeros(2, 3, dtype=torch.float64))
LOSSES = [-math.log(p) for p in (0.5, 0.25, 0.8)]


def test_the_loss_is_a_share_of_each():
    outcome = CHORD(share=0.25).combine(torch.tensor(2.0), gold(), GIVEN)
    assert outcome.loss.item() == pytest.approx(0.75 * 2 + 0.25 * sum(LOSSES) / 3, abs=1e-12)
    assert outcome.stats["imitation"].item() == pytest.approx(sum(LOSSES) / 3)
    assert outcome.stats["imitation_share"].item() == 0.25


def test_a_share_follows_the_training():
    fade = CHORD(share=LinearFade(start=1.0, end=0.0))
    at_start = fade.combine(torch.tensor(2.0), gold(), GIVEN)
    assert at_start.loss.item() == pytest.approx(sum(LOSSES) / 3)
    assert GIVEN.rollout.progress == 0.0


def test_tokens_weigh_p_times_one_less_p_without_gradient():
    outcome = CHORD(share=1.0, weigh_tokens=True).combine(torch.tensor(2.0), gold(), GIVEN)
    weights = (0.25, 0.1875, 0.16)
    by_hand = sum(w * loss for w, loss in zip(weights, LOSSES, strict=True)) / 3
    assert outcome.loss.item() == pytest.approx(by_hand, abs=1e-12)
    logs = P.log().requires_grad_()
    CHORD(share=1.0, weigh_tokens=True).combine(
        torch.tensor(2.0), gold(logs), GIVEN
    ).loss.backward()
    assert logs.grad[MASK].tolist() == pytest.approx([-w / 3 for w in weights])
    assert logs.grad[1, 1] == 0


@pytest.mark.parametrize("share", [-0.1, 1.5, LinearFade(start=2.0, end=0.0)])
def test_a_share_beyond_one_is_refused(share):
    with pytest.raises(ConfigError, match="it is 0 to 1"):
        CHORD(share=share)
