"""Emotion-set F1 by hand on a toy, by its corner cases, and by its relations to other scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit import __version__
from emolit.affect.wheel_score import WheelScore
from emolit.metrics.emotion_set_f1 import EmotionSetF1, emotion_set_scores, match_sets
from emolit.metrics.wheel_f1 import WheelF1
from emolit.rewards.emotion_words import EmotionWords
from emolit.types import Clip
from tests.lexicons import Toy
from tests.metrics.pairs import scored


def toy(pairs, **settings):
    return scored(EmotionSetF1("zh-char", Toy(), **settings), pairs)


def test_by_hand():
    """Clip 1: {joy} of {joy, sorrow} is right, 2 has no emotion word, 3 is left out."""
    pairs = [
        ("a happy voice", ["joyful", "sad, soft"]),
        ("a soft voice", ["angry"]),
        ("happy", ["a voice"]),
    ]
    found = toy(pairs, wheels=["fine"])
    precision, recall = (1 + 0) / 2, (1 / 2 + 0) / 2
    assert found == pytest.approx(
        {
            "emotion_set_F1": 2 * precision * recall / (precision + recall),
            "emotion_set_precision": precision,
            "emotion_set_recall": recall,
            "emotion_set_left_out": 1,
        }
    )


@pytest.mark.parametrize(
    ("said", "wanted", "f1"),
    [
        ("happy", ["sad", "happy"], 2 / 3),  # references are taken together, not the best of them
        ("happy and sad", ["sad", "happy"], 1),
        ("sad", ["angry"], 1 / 2),  # one group on the coarse wheel, two on the fine one
        ("他很高兴", ["very happy"], 1),
        (None, ["sad"], 0),
        ("", ["sad"], 0),
        ("a voice", ["sad"], 0),
        ("lost", ["lost"], 1),  # no group on the coarse wheel, which then has no clip
        ("sad", ["a voice"], math.nan),
    ],
)
def test_corner_cases(said, wanted, f1):
    found = toy([(said, wanted)])
    assert found["emotion_set_F1"] == pytest.approx(f1, nan_ok=True)
    assert found["emotion_set_left_out"] == math.isnan(f1)


emotions = st.sampled_from(["happy", "joyful", "sad", "angry", "lost", "voice"])
captions = st.lists(emotions, max_size=3).map(" ".join)
corpora = st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=2)), min_size=1)


@pytest.mark.filterwarnings("ignore:None of the .* samples has a gold word")
@given(pairs=corpora)
def test_it_is_the_wheel_score_of_the_words_spotted(pairs):
    lists = [(said.split(), " ".join(some).split()) for said, some in pairs]
    wheels = WheelF1(Toy(), ["fine"], "free")
    wheels.update(*zip(*lists, strict=True))
    known = [{*gold} - {"voice"} for _, gold in lists]
    wanted = {name: float(wheels.compute()[name]) for name in ("F1", "precision", "recall")}
    found = toy(pairs, wheels=["fine"])
    for name, value in wanted.items():
        assert found[f"emotion_set_{name}"] == pytest.approx(value, nan_ok=True)
    assert found["emotion_set_left_out"] == sum(not words for words in known)


@given(pair=st.tuples(captions, st.lists(captions, min_size=1, max_size=2)))
def test_of_one_clip_and_one_wheel_it_is_the_reward(pair):
    said, wanted = pair
    clip = Clip("a", "toy", "a.wav", captions=tuple(wanted))
    worth = EmotionWords(Toy(), ["fine"]).score(clip, said, said)
    found = toy([pair], wheels=["fine"])["emotion_set_F1"]
    assert found == pytest.approx(math.nan if worth is None else worth, nan_ok=True)


@given(pairs=corpora)
def test_tallies_add_up_to_the_scores(pairs):
    ew = WheelScore(Toy())
    sums = sum(match_sets(ew, said, wanted) for said, wanted in pairs)
    again = emotion_set_scores(np.stack([sums, 2 * sums]))
    found = toy(pairs)
    wanted = [found[f"emotion_set_{name}"] for name in ("precision", "recall", "F1")]
    np.testing.assert_allclose(again, [wanted, wanted])


def test_the_signature_names_words_and_wheels_and_no_tokens():
    metric = EmotionSetF1("zh-char", wheels=["plutchik", "roberts"])
    scored(metric, [("高兴", ["高兴", "生气"])])
    assert metric.signatures()["emotion_set_F1"] == (
        "emotion_set_F1|lexicon:emolit|ring:1|wheels:plutchik,roberts|neutral:own|gold:union|"
        f"refs:2-2|impl:emolit|emolit:{__version__}"
    )
