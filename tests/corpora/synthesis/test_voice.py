from dataclasses import replace

import numpy as np
import pytest

from emolit.corpora.synthesis import signal as sound
from emolit.corpora.synthesis import voice
from emolit.corpora.synthesis.signal import BINS, RATE
from emolit.corpora.synthesis.voice import Voice
from tests.fakes.acoustics import measured

PLAIN = Voice(
    seconds=1.6, pitch=150.0, excursion=0.01, contour=0.0, rate=4.0, pause=0.0, rhythm=0.1,
    tract=1.0, smile=1.0, articulation=0.0, hiss=-80.0, slope=-9.0, breath=-80.0, jitter=0.0,
    shimmer=0.0, attack=0.03, stress=0.0, floor=-90.0, color=0.0, level=-23.0,
)  # fmt: skip
"""A monotone schwa of clean pulses."""


def spoken(seed: int = 0, **settings: float) -> np.ndarray:
    return voice.speak(replace(PLAIN, **settings), np.random.RandomState(seed))


def cues(seed: int = 0, **settings: float) -> dict[str, float]:
    return measured(sound.quantize(spoken(seed, **settings)))


def spectrum(wave: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(wave, 320)[::80] * np.hanning(320)
    return 10 * np.log10(np.mean(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0) + 1e-20)


@pytest.mark.parametrize("pitch", [100.0, 150.0, 250.0])
def test_the_voice_has_the_pitch_asked_for(pitch):
    assert cues(pitch=pitch)["F0"] == pytest.approx(12 * np.log2(pitch), abs=0.2)


@pytest.mark.parametrize("contour", [-6.0, 4.0])
def test_the_pitch_line_climbs_by_the_contour_asked_for(contour):
    assert cues(contour=contour)["F0 contour"] * PLAIN.seconds == pytest.approx(contour, rel=0.1)


def test_a_steeper_source_loses_its_decibels_an_octave():
    flat, steep = spectrum(spoken(slope=-6.0)), spectrum(spoken(slope=-12.0))
    octaves = 0.5 * np.log2((1 + (3000 / 300) ** 2) / (1 + (500 / 300) ** 2))
    at = {500: 10, 3000: 60}  # bins of 50 Hz
    lost = (flat[at[3000]] - flat[at[500]]) - (steep[at[3000]] - steep[at[500]])
    assert lost == pytest.approx(6 * octaves, abs=1)


def test_a_shorter_tract_moves_every_formant_by_its_factor():
    peaks = {}
    for tract in (1.0, 1.2):
        shaped = replace(PLAIN, tract=tract)
        said = voice.syllables(shaped, np.random.RandomState(0))
        response = np.abs(voice.tract_response(shaped, said)[10])
        inner = response[1:-1]
        maxima = np.flatnonzero((inner > response[:-2]) & (inner > response[2:])) + 1
        peaks[tract] = BINS[maxima][:4]
    np.testing.assert_allclose(peaks[1.0], [500, 1450, 2450, 3400], atol=50)
    np.testing.assert_allclose(peaks[1.2], 1.2 * peaks[1.0], atol=75)


@pytest.mark.parametrize("part", ["breath", "floor"])
def test_noise_has_the_level_asked_for_relative_to_the_voiced_part(part):
    clean, noisy = spoken(), spoken(**{part: -10.0})
    scale = np.dot(clean, noisy) / np.dot(clean, clean)  # the level is set after mixing
    rest = noisy - scale * clean
    ratio = 10 * np.log10(np.mean(rest**2) / np.mean((scale * clean) ** 2))
    assert ratio == pytest.approx(-10, abs=0.6)


def test_hiss_stands_above_2_khz_and_between_the_vowels():
    shaped = replace(PLAIN, hiss=0.0)
    rng = np.random.RandomState(0)
    said = voice.syllables(shaped, rng)
    gains = voice.turbulence(shaped, said, voice.tract_response(shaped, said))
    times = voice.frame_times(shaped)
    vowel = ((times[:, None] > said.nucleus) & (times[:, None] < said.end)).any(axis=1)
    assert gains[vowel].max() < 1e-2 * gains[~vowel].max()
    middles = sound.COARSE[gains[gains.max(axis=1) > 0.5].argmax(axis=1)]
    assert middles.min() >= 2500
    assert middles.max() <= 6000


def test_pulses_stand_a_period_apart_and_jitter_moves_them_by_its_share():
    for jitter in (0.0, 0.1):
        shaped = replace(PLAIN, jitter=jitter, rate=2.5, rhythm=0.0)
        rng = np.random.RandomState(1)
        instants, _ = voice.pulses(shaped, voice.syllables(shaped, rng), rng)
        steps = np.diff(instants) * PLAIN.pitch
        deviation = steps[steps < 1.5].std()  # inside a vowel
        # The difference of two uniform shifts within +- jitter has deviation jitter * sqrt(2 / 3).
        assert deviation == pytest.approx(jitter * (2 / 3) ** 0.5, rel=0.25, abs=0.02)


def test_shimmer_spreads_the_amplitudes_of_pulses_by_its_decibels():
    shaped = replace(PLAIN, shimmer=3.0, attack=0.001)
    rng = np.random.RandomState(1)
    said = voice.syllables(shaped, rng)
    instants, strength = voice.pulses(shaped, said, rng)
    steady = voice.loudness(shaped, said, instants) == 1
    level = 20 * np.log10(strength[steady])
    assert np.abs(level).max() <= 3 + 1e-9
    assert level.std() == pytest.approx(3 / 3**0.5, rel=0.1)  # uniform within +- 3 dB


def test_jitter_and_breath_are_heard_as_irregular_and_noisy():
    plain = cues()
    assert cues(jitter=0.05)["jitter"] > plain["jitter"] + 1
    assert cues(breath=-6.0)["harmonicity"] < plain["harmonicity"] - 3


def test_syllables_come_at_the_rate_asked_for():
    assert cues(rate=3.0, rhythm=0.0)["rate"] == pytest.approx(3.0, rel=0.2)
    assert cues(rate=5.5, rhythm=0.0)["rate"] == pytest.approx(5.5, rel=0.2)


def test_pauses_leave_less_sound():
    shares = {p: np.mean([cues(s, pause=p)["pauses"] for s in range(6)]) for p in (0.0, 0.5)}
    assert shares[0.5] > shares[0.0] + 0.1


@pytest.mark.parametrize("seed", range(20))
def test_every_clip_has_its_length_and_level_and_syllables_inside(seed):
    shaped = replace(PLAIN, seconds=1.2 + 0.06 * seed, rate=2.5 + 0.2 * seed, pause=0.3)
    wave = voice.speak(shaped, np.random.RandomState(seed))
    assert len(wave) == int(shaped.seconds * RATE)
    assert np.isfinite(wave).all()
    assert 20 * np.log10(np.sqrt(np.mean(wave**2))) == pytest.approx(-23, abs=1e-6)
    said = voice.syllables(shaped, np.random.RandomState(seed))
    assert (said.onset < said.nucleus).all()
    assert (said.nucleus < said.end).all()
    assert (said.end < shaped.seconds).all()
    assert (said.onset[1:] >= said.end[:-1] - 1e-12).all()
