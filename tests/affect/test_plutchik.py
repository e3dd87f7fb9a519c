"""Plutchik's wheel: opposite pairs, neighbors at 45 degrees, what has no place."""

import itertools
import math

import pytest

from emolit.affect.plutchik import ANGLES, NAMES, angle, apart, similarity
from emolit.affect.taxonomy import CANONICAL

RING = ("joy", "trust", "fear", "surprise", "sadness", "disgust", "anger", "anticipation")
OPPOSITES = [
    ("joy", "sadness"),
    ("trust", "disgust"),
    ("fear", "anger"),
    ("surprise", "anticipation"),
]


@pytest.mark.parametrize("pair", OPPOSITES)
def test_opposites_are_not_alike(pair):
    assert similarity(*pair) == pytest.approx(0, abs=1e-12)


def test_each_has_two_neighbors_on_the_ring():
    for one, other in itertools.combinations(range(8), 2):
        steps = min(other - one, 8 - (other - one))
        assert apart(ANGLES[RING[one]], ANGLES[RING[other]]) == 45 * steps
        by_half_angle = math.cos(math.radians(45 * steps / 2)) ** 2  # (cos 2x + 1) / 2 = cos^2 x
        assert similarity(RING[one], RING[other]) == pytest.approx(by_half_angle, abs=1e-12)


@pytest.mark.parametrize("shift", [0, 90, 360, -720])
def test_the_angle_between_two_depends_on_neither_turns_nor_order(shift):
    assert apart(10, 350 + shift) == apart(350 + shift, 10)
    assert apart(10 + 360, 350) == 20


def test_labels_mean_emotions_of_the_wheel():
    for label, emotion in NAMES.items():
        assert angle(label) == angle(emotion) == ANGLES[emotion]
    on_it = {label for label in CANONICAL if angle(label) is not None}
    assert on_it == {"angry", "happy", "sad", "fear", "disgust", "surprise"}


@pytest.mark.parametrize("label", ["neutral", "calm", "boredom", "contempt", "frustrated", "other"])
def test_what_has_no_place_is_half_like_everything(label):
    assert {similarity(label, other) for other in CANONICAL} == {0.5}
    assert {similarity(other, label) for other in CANONICAL} == {0.5}
    assert similarity(label, "happy", unplaced=0.25) == 0.25


def test_places_of_ones_own_go_before_the_wheels():
    assert similarity("calm", "happy", places={"calm": 0}) == 1
    assert similarity("contempt", "angry", places={"contempt": 247.5}) == pytest.approx(
        (1 + math.cos(math.pi / 8)) / 2
    )
    assert similarity("sad", "fear", places={"sad": 90}) == 1
