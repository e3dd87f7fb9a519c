"""What every use of gold replies is made of."""

import math

import pytest
import torch

from tests.demonstrations.cases import gold


def test_the_loss_is_that_of_supervised_finetuning():
    by_hand = -(math.log(0.5) + math.log(0.25) + math.log(0.8)) / 3
    assert gold().loss.item() == pytest.approx(by_hand, abs=1e-12)


def test_losses_are_those_of_each_reply():
    by_hand = [-(math.log(0.5) + math.log(0.25)) / 2, -math.log(0.8)]
    assert gold().losses.tolist() == pytest.approx(by_hand, abs=1e-12)
    assert gold().mean_over_replies(torch.tensor([3.0, 5.0])).item() == 4.0
