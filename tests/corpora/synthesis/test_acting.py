from dataclasses import fields

import numpy as np
import pytest

from emolit.corpora.synthesis import acting
from emolit.corpora.synthesis.acting import CUES, EMOTIONS, FIELD, STUDIO
from emolit.corpora.synthesis.voice import Voice

REPORTED = {  # sign against neutral of angry, happy, sad
    "pitch": (+1, +1, -1),
    "excursion": (+1, +1, -1),
    "contour": (-1, +1, -1),
    "rate": (+1, +1, -1),
    "pause": (-1, -1, +1),
    "slope": (+1, +1, -1),
    "attack": (-1, -1, +1),
    "rhythm": (+1, 0, +1),
    "jitter": (+1, 0, +1),
    "shimmer": (+1, 0, +1),
    "articulation": (+1, +1, -1),
    "level": (+1, +1, -1),
}
"""Banse and Scherer 1996, Juslin and Laukka 2003."""


def chance(*key: int) -> np.random.RandomState:
    return np.random.RandomState(key)


@pytest.mark.parametrize("cue", REPORTED)
def test_a_cue_moves_in_the_direction_that_the_literature_reports(cue):
    angry, happy, neutral, sad = CUES[cue].shifts
    shifts = np.array([angry, happy, sad]) - neutral
    slack = np.where(np.array(REPORTED[cue]) == 0, 1e-9, 0)
    assert (np.sign(shifts) * (np.abs(shifts) > slack)).tolist() == list(REPORTED[cue])


def test_every_setting_of_a_voice_is_a_cue_or_the_body_or_the_length():
    assert set(CUES) | {"seconds", "tract"} == {field.name for field in fields(Voice)}


def test_settings_stay_in_their_bounds_however_chance_falls():
    for number in range(200):
        speaker = acting.make_speaker(FIELD, number, chance(number))
        voice = acting.deliver(speaker, EMOTIONS[number % 4], chance(number, 1))
        assert 1.2 <= voice.seconds < 2.4
        assert 50 < voice.pitch < 450
        for name in set(CUES) - {"pitch"}:
            assert CUES[name].low <= getattr(voice, name) <= CUES[name].high


def test_even_speakers_have_lower_voices_and_longer_tracts():
    low, high = (
        [acting.make_speaker(STUDIO, n, chance(n)) for n in range(s, 40, 2)] for s in (0, 1)
    )
    assert np.mean([s.pitch for s in low]) == 115
    assert np.mean([s.pitch for s in high]) == 200
    assert np.mean([s.tract for s in low]) < np.mean([s.tract for s in high])


def test_speakers_differ_and_do_not_repeat_themselves():
    first, second = (acting.make_speaker(STUDIO, 0, chance(n)) for n in (1, 2))
    assert first.habits != second.habits
    takes = [acting.deliver(first, "sad", chance(take)) for take in (1, 2)]
    assert takes[0] != takes[1]


def test_only_the_field_reverberates():
    assert acting.make_speaker(STUDIO, 0, chance(0)).decay == 0
    decays = [acting.make_speaker(FIELD, n, chance(n)).decay for n in range(20)]
    assert 0.2 <= min(decays) < max(decays) <= 0.4
    assert len(set(decays)) == 20


@pytest.mark.parametrize(
    ("changes", "caption"),
    [
        ({}, "A plain voice, sad."),
        ({"pitch": 150.0, "rate": 2**2.3}, "A high, quick voice, sad."),
        ({"pitch": 100.0, "rate": 2**2.0, "slope": -12.0}, "A low, slow, dull voice, sad."),
        ({"slope": -8.0, "breath": -20.0}, "A bright, breathy voice, sad."),
        ({"breath": -31.0, "level": -40.0}, "A firm voice, sad."),
    ],
)
def test_a_caption_names_what_is_far_from_the_middle(changes, caption):
    speaker = acting.Speaker(pitch=120.0, tract=1.0, decay=0.0, habits={})
    middle = {name: cue.value("neutral", -cue.shifts[2]) for name, cue in CUES.items()}
    settings = {**middle, "seconds": 1.0, "tract": 1.0, "pitch": 120.0, **changes}
    assert acting.describe(Voice(**settings), speaker, "sad") == caption
