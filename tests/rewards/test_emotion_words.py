"""The reward for named emotions: worths by hand, and where it does not apply."""

import pytest

from emolit.rewards.emotion_words import EmotionWords
from emolit.types import Clip
from tests.lexicons import Toy


@pytest.mark.parametrize(
    ("answer", "captions", "worth"),
    [
        ("a happy voice", ("joyful",), 1.0),
        ("happy, sad", ("joyful",), (2 / 3 + 2 / 3) / 2),
        ("sad", ("angry",), (0 + 1) / 2),
        ("sad", ("angry", "happy"), (0 + 2 / 3) / 2),
        (("sad", "angry"), ("angry, sad",), 1.0),
        ("a voice", ("sad",), 0.0),
        (None, ("sad",), 0.0),
        ("sad", ("a voice",), None),
        ("sad", (), None),
        (None, (), None),
    ],
)
def test_a_caption_is_worth_its_f_averaged_over_wheels(answer, captions, worth):
    clip = Clip("a", "toy", "a.wav", captions=captions)
    assert EmotionWords(Toy()).score(clip, "", answer) == (worth and pytest.approx(worth))


@pytest.mark.parametrize(
    ("answer", "worth"),
    [("说话人怒气冲冲，气愤地质问。", 1.0), ("声音里满是愤怒。", 1.0), ("语速很快。", 0.0)],
)
def test_chinese_words_that_mean_the_same_are_worth_the_same(answer, worth):
    clip = Clip("a", "toy", "a.wav", captions=("语气里带着愤怒",))
    found = EmotionWords(wheels=["plutchik"]).score(clip, "", answer)
    assert found == pytest.approx(worth)
