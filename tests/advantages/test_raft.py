"""Rejection sampling as an advantage, by hand."""

import torch

from emolit.advantages import Accepted


def test_accepted_responses_weigh_alike_and_those_of_all_processes_are_counted():
    nan = float("nan")
    totals = torch.tensor([[1.0, 0.5, 2.0], [nan, 0.0, 0.3], [1.0, 1.0, 1.0]])
    # 8 are scored, 5 reach 1: each has 8 / 5
    expected = torch.tensor([[1.6, 0.0, 1.6], [0.0, 0.0, 0.0], [1.6, 1.6, 1.6]])
    torch.testing.assert_close(Accepted(threshold=1.0)(totals), expected)
    # of the first group only the best, of the last all: 4 of 8
    best = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0]])
    torch.testing.assert_close(Accepted(threshold=1.0, best=True)(totals), best)


def test_weights_that_add_up_to_the_threshold_reach_it():
    total = torch.tensor([[0.1], [0.0]]) + torch.tensor([[0.2], [0.0]]) + 0.7
    assert total[0, 0] < 1.0 + 1e-7
    assert (Accepted(threshold=0.1 + 0.2 + 0.7)(total) > 0).flatten().tolist() == [True, False]


def test_nobody_accepted_is_worth_nothing():
    assert (Accepted()(torch.tensor([[0.0, float("nan")]])) == 0).all()
    assert (Accepted(best=True)(torch.full((2, 2), float("nan"))) == 0).all()
