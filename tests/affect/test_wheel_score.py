"""The score of one sample: by hand on a toy, by its relation to the metric, and fast."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.affect.wheel_score import WheelScore
from emolit.errors import ConfigError
from emolit.metrics.wheel_f1 import WheelF1
from tests.lexicons import TOY, Toy


@pytest.mark.parametrize(
    ("settings", "words", "gold", "score"),
    [
        ({}, ("happy",), ("joyful",), 1.0),
        ({"ring": 2}, ("happy",), ("joyful",), 0.5),
        ({"ring": 2, "wheels": ["fine"]}, ("happy",), ("joyful",), 0.0),
        ({"wheels": ["fine"]}, ("sad",), ("sad", "angry"), 2 / 3),
        ({"wheels": ["fine"], "measure": "precision"}, ("sad",), ("sad", "angry"), 1.0),
        ({"wheels": ["fine"], "measure": "recall"}, ("sad",), ("sad", "angry"), 0.5),
        ({}, ("lost",), ("lost",), 1.0),  # no group on the coarse wheel
        ({}, ("happy",), ("xyzzy",), None),
        ({}, (), ("happy",), 0.0),
        ({}, ("xyzzy", "happy"), ("happy",), 1.0),
        ({"unknown": "wrong"}, ("xyzzy", "happy"), ("happy",), 2 / 3),
        ({}, ("neutral",), ("neutral",), 1.0),
        ({}, ("高兴",), ("happy",), 1.0),
        ({"wheels": ["coarse"]}, ("happy",), ("lost",), None),
    ],
)
def test_a_sample_by_hand(settings, words, gold, score):
    assert WheelScore(Toy(), **settings)(words, gold) == pytest.approx(score)


@pytest.mark.parametrize("settings", [{"wheels": ["round"]}, {"ring": 3}])
def test_what_is_not_there_is_named(settings):
    with pytest.raises(ConfigError, match="'toy' has the wheels"):
        WheelScore(Toy(), **settings)


lists = st.lists(st.sampled_from([*TOY, "neutral", "xyzzy"]), max_size=5)


@pytest.mark.filterwarnings("ignore:None of the")
@given(words=lists, gold=lists)
def test_of_one_sample_it_is_the_sample_f_of_the_metric(words, gold):
    metric = WheelF1(Toy(), unknown="free")
    metric.update([words], [gold])
    found = WheelScore(Toy())(words, gold)
    wanted = float(metric.compute()["sample_F1"])
    assert found == pytest.approx(wanted) if found is not None else wanted != wanted
