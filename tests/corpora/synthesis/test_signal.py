import numpy as np
import pytest
from scipy import signal

from emolit.corpora.synthesis import signal as sound
from emolit.corpora.synthesis.signal import BINS, HOP, RATE


def chance(seed: int = 0) -> np.random.RandomState:
    return np.random.RandomState(seed)


def test_bell_shaped_numbers_have_mean_0_deviation_1_and_end_at_3():
    numbers = sound.bell_shaped(chance(), 100_000)
    assert numbers.mean() == pytest.approx(0, abs=0.01)
    assert numbers.std() == pytest.approx(1, abs=0.01)
    assert np.abs(numbers).max() <= 3


@pytest.mark.parametrize(("frequency", "bandwidth"), [(500.0, 80.0), (2250.0, 140.0)])
def test_a_resonance_is_klatts_recursive_filter(frequency, bandwidth):
    c = -np.exp(-2 * np.pi * bandwidth / RATE)  # coefficients as printed in Klatt 1980
    b = 2 * np.exp(-np.pi * bandwidth / RATE) * np.cos(2 * np.pi * frequency / RATE)
    _, expected = signal.freqz([1 - b - c], [1, -b, -c], worN=BINS, fs=RATE)
    inverse = sound.inverse_resonance(np.array([frequency]), bandwidth)
    np.testing.assert_allclose(1 / inverse[0], expected, rtol=1e-9)


def test_unfiltered_noise_has_variance_1_and_a_flat_spectrum():
    noise = sound.shaped_noise(np.ones((2001, HOP + 1)), 2000 * HOP, chance())
    assert noise.var() == pytest.approx(1, rel=0.02)
    _, density = signal.welch(noise, RATE, nperseg=256)
    assert density[2:-2] == pytest.approx(density[2:-2].mean(), rel=0.15)


def test_gains_let_pass_only_their_band():
    gains = np.zeros((400, HOP + 1))
    gains[:, 20:31] = 1  # 2 to 3 kHz
    noise = sound.shaped_noise(gains, 400 * HOP, chance())
    frequency, density = signal.welch(noise, RATE, nperseg=512)
    inside = (frequency > 1800) & (frequency < 3200)
    assert density[inside].sum() > 0.98 * density.sum()


def test_the_moving_average_of_a_line_is_the_line():
    line = np.arange(20.0)
    np.testing.assert_allclose(sound.smooth(line, 5)[2:-2], line[2:-2])


def test_an_echo_has_the_energy_asked_for_and_falls_by_60_db():
    click = np.zeros(RATE)
    click[0] = 1
    echo = sound.reverberate(click, decay=0.5, wet=0.7, rng=chance()) - click
    assert np.sqrt(np.sum(echo**2)) == pytest.approx(0.7, rel=1e-6)
    start, end = np.mean(echo[:400] ** 2), np.mean(echo[7600:8000] ** 2)
    assert 10 * np.log10(start / end) == pytest.approx(60 * 7600 / 8000, abs=1.5)
    assert np.abs(echo[8000:]).max() < 1e-12


def test_rounding_is_the_floor_of_the_value_plus_a_half():
    steps = np.array([0.0, 0.49, 0.5, -0.5, -0.51, 1.5, 100.2])
    rounded = sound.quantize(steps / 32767)
    assert rounded.tolist() == [0, 0, 1, 0, -1, 2, 100]
    assert rounded.dtype == np.int16


def test_what_would_clip_is_made_quieter_and_silence_stays_silence():
    loud = sound.quantize(np.array([0.0, 2.0, -4.0]))
    assert loud.tolist() == [0, 16056, -32112]  # floor(32767 * 0.98 / 4 * x + 0.5)
    assert not sound.quantize(np.zeros(4)).any()
