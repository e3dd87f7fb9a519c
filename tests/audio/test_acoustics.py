"""What a voice does: the truth is the arithmetic that made the sound."""

import math
import sys

import numpy as np
import pytest

from emolit.audio.acoustics import (
    CUES,
    ClipAcoustics,
    Standing,
    count_syllables,
    measure,
    standings,
)
from emolit.errors import ConfigError
from tests.fakes.voices import RATE, voice


@pytest.fixture(scope="module", autouse=True)
def praat():
    pytest.importorskip("parselmouth", reason="pip install 'emolit[reasoning]'")


def measured(**settings) -> ClipAcoustics:
    return measure(voice(**settings), RATE)


@pytest.mark.parametrize("pitch", [80.0, 120.0, 220.0, 440.0])
def test_pitch_in_semitones_above_100_hz(pitch):
    found = measured(pitch=pitch)
    assert found.pitch == pytest.approx(12 * math.log2(pitch / 100), abs=0.05)
    assert found.span < 0.1


def test_the_range_of_an_even_glide_over_an_octave_is_eight_tenths_of_it():
    found = measured(pitch=120.0, end=240.0, seconds=2.0, syllables=0)
    assert found.pitch == pytest.approx(12 * math.log2(math.sqrt(120 * 240) / 100), abs=0.3)
    assert found.span == pytest.approx(0.8 * 12, abs=0.3)


def test_twice_the_amplitude_is_six_decibels_and_nothing_else():
    soft, loud = measured(level=0.05), measured(level=0.1)
    assert loud.energy - soft.energy == pytest.approx(20 * math.log10(2), abs=1e-6)
    for cue in set(CUES) - {"energy"}:
        assert getattr(loud, cue) == pytest.approx(getattr(soft, cue), abs=1e-3)


def test_a_full_sine_has_the_power_of_one_half():
    sine = np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)
    assert measure(sine, RATE).energy == pytest.approx(10 * math.log10(1 / 2), abs=0.1)


@pytest.mark.parametrize("number", [3, 5, 8])
def test_syllables_are_humps_of_loudness_a_second_of_speech(number):
    found = measured(seconds=2.0, syllables=number)
    spoken = measure(voice(seconds=2.0, syllables=number), RATE, units=2 * number)
    assert spoken.pace == pytest.approx(2 * found.pace)
    # 0.02 + 0.98 sin^2 is less than 25 dB below its top in this part of the time
    part = 1 - 2 / math.pi * math.asin(math.sqrt((10 ** (-25 / 20) - 0.02) / 0.98))
    assert found.pace == pytest.approx(number / 2.0 / part, rel=0.1)


def test_a_hump_less_than_two_decibels_deep_is_no_syllable():
    assert count_syllables(np.array([40.0, 60, 58.5, 60, 40])) == 1
    assert count_syllables(np.array([40.0, 60, 57.5, 60, 40])) == 2
    assert count_syllables(np.array([40.0, 60, 30, 34, 30])) == 1  # 26 dB below the loudest


def test_sharpness_is_the_level_above_1_khz_less_that_below():
    time = np.arange(RATE) / RATE
    both = np.sin(2 * np.pi * 500 * time) + 0.1 * np.sin(2 * np.pi * 2_000 * time)
    assert measure(0.1 * both, RATE).sharpness == pytest.approx(-20, abs=0.5)
    assert measured(octave_fall=6.0).sharpness > measured(octave_fall=12.0).sharpness + 5


@pytest.mark.parametrize("decibels", [5.0, 10.0, 15.0])
def test_clearness_is_the_ratio_of_harmonics_to_noise(decibels):
    sine = np.sin(2 * np.pi * 200 * np.arange(2 * RATE) / RATE)
    noise = np.random.RandomState(0).randn(len(sine)) * math.sqrt(0.5 / 10 ** (decibels / 10))
    assert measure(0.1 * (sine + noise), RATE).clearness == pytest.approx(decibels, abs=1.0)


def test_noise_has_no_pitch_and_a_short_clip_is_measured():
    noise = measure(0.01 * np.random.RandomState(0).randn(RATE), RATE)
    assert math.isnan(noise.pitch) and math.isnan(noise.span) and math.isnan(noise.clearness)
    assert math.isfinite(noise.energy) and math.isfinite(noise.pace)
    assert math.isfinite(measure(voice()[5_000:5_400], RATE).energy)  # 25 ms


def standing(*pitches, speakers) -> list[Standing]:
    made = [ClipAcoustics(pitch, 1.0, -20.0, 4.0, 0.0, 10.0) for pitch in pitches]
    return standings(made, speakers)


def test_a_clip_stands_against_its_own_speaker():
    found = standing(0.0, 4.0, 30.0, 40.0, speakers=["a", "a", "b", "b"])
    assert [each.cues["pitch"] for each in found] == [-1, 1, -1, 1]
    assert all(each.own and each.cues["energy"] == 0 for each in found)


def test_differences_that_nobody_hears_make_none():
    found = standing(0.0, 0.2, speakers=["a", "a"])  # spread 0.1 counts as 1
    assert [each.cues["pitch"] for each in found] == pytest.approx([-0.1, 0.1])


def test_a_speaker_of_one_clip_or_unknown_is_compared_with_all():
    found = standing(0.0, 4.0, 8.0, 12.0, speakers=["a", "a", "b", None])
    assert [each.own for each in found] == [True, True, False, False]
    spread = math.sqrt((36 + 4 + 4 + 36) / 4)
    assert found[2].cues["pitch"] == pytest.approx((8 - 6) / spread)
    assert found[3].cues["pitch"] == pytest.approx((12 - 6) / spread)


def test_what_was_not_measured_counts_nowhere():
    nan = math.nan
    found = standing(0.0, 4.0, nan, nan, nan, speakers=["a", "a", "a", "b", "b"])
    assert [each.cues["pitch"] for each in found[:2]] == [-1, 1]
    assert all(math.isnan(each.cues["pitch"]) for each in found[2:])


def test_without_praat_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    with pytest.raises(ConfigError, match=r"pip install 'emolit\[reasoning\]'"):
        measure(voice(), RATE)
