"""The reward for right words: a table of answers and worths, and two of it by themselves."""

import pytest
import torch

from emolit.advantages import standardized
from emolit.rewards.wheel_f1 import WheelF1
from emolit.types import Clip
from tests.lexicons import Toy

CLIP = Clip("a", "toy", "a.wav", words=("sad", "angry"))


@pytest.mark.parametrize(
    ("answer", "worth"),
    [
        (("sad", "angry"), 1.0),
        ((" SAD", "sad"), (2 / 3 + 1.0) / 2),
        (("happy", "joyful"), 0.0),
        (("xyzzy",), 0.0),
        ((), 0.0),
        (None, 0.0),
        ("a sad voice, and angry", 1.0),
        (("neutral", "sad", "angry"), (4 / 5 + 2 / 3) / 2),
    ],
)
def test_an_answer_is_worth_its_f_averaged_over_wheels(answer, worth):
    assert WheelF1(Toy()).score(CLIP, "", answer) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("clip", "worth"),
    [
        (Clip("a", "toy", "a.wav", words=("xyzzy",)), None),
        (Clip("a", "toy", "a.wav"), None),
        (Clip("a", "toy", "a.wav", "sad"), 1.0),
        (Clip("a", "toy", "a.wav", "happy", words=("sad",)), 1.0),
    ],
)
def test_it_applies_where_gold_has_a_group_and_takes_the_label_where_there_are_no_words(
    clip, worth
):
    assert WheelF1(Toy()).score(clip, "", ("sad",)) == worth


@pytest.mark.parametrize(("slack", "worth"), [(None, 1.0), (2, 1.0), (1, 3 / 4), (0, 2 / 4)])
def test_words_beyond_gold_and_slack_take_their_share(slack, worth):
    answer = ("sad", "Sad", "angry", "xyzzy", "plugh")
    assert WheelF1(Toy(), slack=slack).score(CLIP, "", answer) == pytest.approx(worth)


def test_recall_and_precision_are_two_rewards_with_advantages_of_their_own():
    recall, precision = (WheelF1(Toy(), ["fine"], measure=part) for part in ("recall", "precision"))
    answers = [("sad",), ("sad", "angry"), ("sad", "angry", "happy")]
    found = {
        part.ew.place: [part.score(CLIP, "", answer) for answer in answers]
        for part in (recall, precision)
    }
    assert found == {1: [0.5, 1.0, 1.0], 0: [1.0, 1.0, pytest.approx(2 / 3)]}
    advantages = [standardized(torch.tensor([worths])) for worths in found.values()]
    total = sum(advantages).squeeze(0)
    assert total.argmax() == 1  # neither the short nor the long list
    assert total.argmin() != 1
