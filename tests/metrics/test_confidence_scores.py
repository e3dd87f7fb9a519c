import pytest
import torch
from sklearn.metrics import f1_score

from emolit.metrics.confidence_scores import ConfidenceScores
from emolit.metrics.emo_superb import above_chance
from tests.metrics.distributions import random_case

ROWS, TARGETS, VOTES = random_case()
CALIBRATION = {"ECE", "MCE", "NLL", "Brier", "AURC", "agreement"}


def test_scores_against_raters_are_of_the_clips_that_have_votes():
    some = VOTES.clone()
    some[::2] = 0
    both, rated = ConfidenceScores(4), ConfidenceScores(4)
    both.update(ROWS, TARGETS, TARGETS, some)
    rated.update(ROWS[1::2], TARGETS[1::2], TARGETS[1::2], some[1::2])
    found, wanted = both.compute(), rated.compute()
    assert found["votes_n"] == 20
    for name in set(wanted) - CALIBRATION:
        assert torch.equal(found[name], wanted[name]), name
    gold = above_chance(some[1::2] / some[1::2].sum(1, keepdim=True))
    theirs = f1_score(gold, above_chance(ROWS[1::2]), average="macro")
    assert found["emo_superb_F1"].item() == pytest.approx(theirs)
    assert {"JSD", "KL", "cosine", "any_annotator", "WA_agreed", "WA_disputed"} < set(found)


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_without_votes_there_is_calibration_alone_and_without_clips_nothing():
    scores = ConfidenceScores(4)
    assert scores.compute() == {}
    scores.update(ROWS, TARGETS, TARGETS, torch.zeros_like(VOTES))
    found = scores.compute()
    assert set(found) == CALIBRATION
    assert {value.dtype for value in found.values()} == {torch.float64}


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_agreement_is_with_the_answers_given_not_with_the_truth():
    scores = ConfidenceScores(2)
    answers = torch.tensor([0, -1, 1])
    rows = torch.tensor([[0.6, 0.4], [0.0, 0.0], [0.6, 0.4]])
    scores.update(rows, answers, torch.tensor([1, 1, 1]), torch.zeros(3, 2))
    assert scores.compute()["agreement"].item() == pytest.approx(2 / 3)
