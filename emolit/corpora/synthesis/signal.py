"""Sound made by arithmetic: bell-shaped chance, levels, resonances, filtered noise, echo, int16.

Same bytes everywhere. Chance comes from ``numpy.random.RandomState``, whose stream NumPy froze
(https://numpy.org/doc/stable/reference/random/legacy.html), and only as uniform numbers. The
arithmetic is float64 and free of feedback: another machine's FFT, ``exp`` or ``cos`` moves a sample
by some 1e-9 of an int16 step at most (measured with and without vector instructions), and rounding
(``quantize``) hides it. Fewer than 0.1 of the 56 million samples of the default corpus are expected
to stand so near a tie.
"""

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

RATE = 16_000
"""Samples a second."""
HOP = 80
"""Samples between two control frames: 5 ms."""
SPAN = 4 * HOP
"""Samples of a pulse's response, and between two shapes of the vocal tract: 20 ms."""

BINS: Array = np.fft.rfftfreq(SPAN, 1 / RATE).astype(np.float64)
"""Frequencies of a pulse's spectrum in Hz, 50 Hz apart."""
COARSE: Array = BINS[::2]
"""Frequencies of a noise block's spectrum in Hz, 100 Hz apart."""
BACK: Complex = np.exp(-2j * np.pi * BINS / RATE)
"""Delay by one sample."""
WINDOW: Array = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * HOP) / HOP)


def bell_shaped(rng: RandomState, *shape: int) -> Array:
    """Return bell-shaped numbers of mean 0 and deviation 1 within [-3, 3]: sums of 3 uniforms."""
    return np.asarray(2 * (rng.random_sample((3, *shape)).sum(axis=0) - 1.5))


def decibels(level: Array | float) -> Array:
    """Return the amplitude factor of a level in dB.

    Example:
        >>> float(decibels(20.0))
        10.0
    """
    return np.asarray(10 ** (np.asarray(level, dtype=np.float64) / 20))


def root_mean_square(values: Array) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(values * values)))


def smooth(track: Array, width: int) -> Array:
    """Return the centered moving average over an odd number of frames."""
    padded = np.pad(track, width // 2, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((total[width:] - total[:-width]) / width)


def inverse_resonance(frequency: Array, bandwidth: float) -> Complex:
    """Return one over the response of Klatt's digital resonator (gain 1 at 0 Hz). ``[F, bins]``.

    Klatt 1980, https://doi.org/10.1121/1.383940, section I.A.

    Args:
        frequency: Middle of the resonance in Hz. ``[F]``
        bandwidth: Its width in Hz.
    """
    radius = float(np.exp(-np.pi * bandwidth / RATE))
    first = 2 * radius * np.cos(2 * np.pi / RATE * frequency)
    second = radius * radius
    scale = 1 / (1 + second - first)
    return np.outer(scale, 1 + second * BACK * BACK) - np.outer(scale * first, BACK)


def shaped_noise(gains: Array, samples: int, rng: RandomState) -> Array:
    """Return noise of variance 1 filtered block by block.

    Args:
        gains: Amplitude factor of each 10 ms block, blocks 5 ms apart. ``[blocks, coarse bins]``
        samples: Length of the result, at most ``(blocks + 1) * HOP``.
        rng: Where the noise comes from.
    """
    blocks = len(gains)
    white = 3**0.5 * (2 * rng.random_sample((blocks + 1, HOP)) - 1)
    pieces = np.concatenate([white[:-1], white[1:]], axis=1)
    shaped = np.fft.irfft(np.fft.rfft(pieces, axis=1) * gains, 2 * HOP, axis=1) * WINDOW
    wave = np.zeros((blocks + 1, HOP))
    wave[:-1] += shaped[:, :HOP]
    wave[1:] += shaped[:, HOP:]
    return wave.ravel()[:samples]


def reverberate(wave: Array, decay: float, wet: float, rng: RandomState) -> Array:
    """Add the echo of a room: noise that falls by 60 dB in ``decay`` seconds.

    Args:
        wave: Direct sound. ``[samples]``
        decay: Reverberation time in seconds.
        wet: Energy of the echo's impulse response, as an amplitude relative to the direct sound.
        rng: Where the room's reflections come from.
    """
    tail = 2 * rng.random_sample(int(decay * RATE)) - 1
    tail *= decibels(-60 * np.arange(len(tail)) / len(tail))
    tail *= wet / np.sqrt(np.sum(tail * tail))
    size = -(-(len(wave) + len(tail)) // 1024) * 1024
    echo = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(tail, size), size)
    return np.asarray(wave + echo[: len(wave)])


def quantize(wave: Array) -> NDArray[np.int16]:
    """Round to int16: ``floor(32767 x + 0.5)``, ``x`` first scaled down to a peak of 0.98."""
    scale = 32767 * min(1.0, 0.98 / max(float(np.max(np.abs(wave))), 1e-9))
    return np.floor(wave * scale + 0.5).astype(np.int16)
