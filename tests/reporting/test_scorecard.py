"""Scores out of answers, against scikit-learn and the rows that they are made of."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from emolit.reporting.scorecard import of_arrays, restricted_answers, scorecard

LABELS = ("angry", "happy", "neutral", "sad")
RANDOM = np.random.RandomState(0)
TARGETS = RANDOM.randint(4, size=60).tolist()
ANSWERS = [t if RANDOM.rand() < 0.6 else int(RANDOM.randint(4)) for t in TARGETS]
SPEAKERS = [f"s{i % 6}" for i in range(60)]


def test_the_scores_are_sklearns():
    card = scorecard(LABELS, ANSWERS, TARGETS, SPEAKERS, 50)
    assert card["n"] == 60
    assert card["UA"] == pytest.approx(balanced_accuracy_score(TARGETS, ANSWERS))
    assert card["macro_F1"] == pytest.approx(f1_score(TARGETS, ANSWERS, average="macro"))
    counts = np.array(card["confusion"])
    assert (counts[:, :4] == confusion_matrix(TARGETS, ANSWERS)).all()
    assert counts[:, 4].sum() == 0
    for name in ("UA", "WA", "macro_F1"):
        found = card[f"{name}_interval"]
        assert found["low"] < card[name] < found["high"]
        assert (found["unit"], found["clusters"], found["resamples"]) == ("speakers", 6, 50)


def test_unreadable_is_wrong_foreign_is_counted_and_an_absent_label_has_no_recall():
    card = scorecard(("angry", "sad", "calm"), [0, -1, 2, 1], [0, 0, 1, 1], [None] * 4, 20)
    assert (card["UA"], card["WA"]) == (0.5, 0.5)
    assert (card["parse_rate"], card["foreign_rate"]) == (0.75, 0.25)
    assert card["recall"] == {"angry": 0.5, "sad": 0.5, "calm": None}
    assert card["UA_interval"]["unit"] == "clips"


def test_without_clips_there_is_no_score():
    with pytest.raises(ValueError, match="no clips to score"):
        scorecard(LABELS, [], [], [])


def test_restricted_answers_name_labels_that_some_clip_has():
    spreads = [[0.1, 0.2, 0.3, 0.4], [0.0, 0.9, 0.1, 0.0], [0.0, 0.5, 0.0, 0.5]]
    assert restricted_answers(spreads, [0, 2, 2]).tolist() == [2, 2, -1]


def test_a_score_takes_many_matrices_at_once():
    counts = np.array([[[3, 1, 0], [0, 4, 0]], [[0, 4, 0], [0, 2, 2]]])
    assert of_arrays("UA")(counts).tolist() == [0.875, 0.25]
