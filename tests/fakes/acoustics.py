"""Cues of emotion measured from audio, with nothing known of how it was made."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RATE = 16_000
WIDTH, HOP, SIZE = 512, 160, 1024
WINDOW = np.hanning(WIDTH)
SHORTEST, LONGEST = RATE // 420, RATE // 65  # periods of a voice, in samples
FREQUENCIES = np.fft.rfftfreq(SIZE, 1 / RATE)
OWN = np.fft.irfft(np.abs(np.fft.rfft(WINDOW, SIZE)) ** 2)


def measured(samples: NDArray[np.int16]) -> dict[str, float]:
    """Return every cue of a clip."""
    wave = samples / 32768
    frames = np.lib.stride_tricks.sliding_window_view(wave, WIDTH)[::HOP] * WINDOW
    power = np.abs(np.fft.rfft(frames, SIZE, axis=1)) ** 2 + 1e-12
    energy = 10 * np.log10(power.sum(axis=1))
    pitch, periodicity = tracked(power)
    voiced = (periodicity > 0.55) & (energy > np.percentile(energy, 95) - 25)
    return {
        "loudness": float(10 * np.log10(np.mean(wave**2))),
        "peak": float(20 * np.log10(np.max(np.abs(wave)))),
        "length": len(wave) / RATE,
        "voiced share": float(voiced.mean()),
        "harmonicity": float(np.mean(10 * np.log10(periodicity / (1 - periodicity))[voiced])),
        **melody(pitch, voiced),
        **rhythm(energy),
        **color(power[voiced].mean(axis=0)),
    }


def tracked(power: Array) -> tuple[Array, Array]:
    """Return F0 in semitones and periodicity (0 to 1) of every frame, by autocorrelation."""
    lags = np.fft.irfft(power, axis=1)
    lags = lags / lags[:, :1] / np.maximum(OWN / OWN[0], 0.05)
    rows = np.arange(len(lags))
    best = lags[:, SHORTEST:LONGEST].argmax(axis=1) + SHORTEST
    height = lags[rows, best]
    for divisor in (4, 3, 2):  # the shortest of nearly equal periods
        shorter = np.round(best / divisor).astype(int)
        better = (shorter >= SHORTEST) & (lags[rows, shorter] > 0.7 * height)
        best = np.where(better, shorter, best)
    left, middle, right = (lags[rows, best + step] for step in (-1, 0, 1))
    offset = 0.5 * (left - right) / (left - 2 * middle + right - 1e-9)
    pitch = 12 * np.log2(RATE / (best + np.clip(offset, -0.5, 0.5)))
    return pitch, np.clip(middle, 1e-3, 0.9999)


def melody(pitch: Array, voiced: NDArray[np.bool_]) -> dict[str, float]:
    near = np.abs(pitch - np.median(pitch[voiced])) < 9  # octave errors left out
    frames = np.flatnonzero(voiced & near)
    line = pitch[frames]
    steps = np.abs(np.diff(line))[np.diff(frames) == 1]
    return {
        "F0": float(line.mean()),
        "F0 range": float(np.log(line.std() + 0.1)),
        "F0 contour": float(np.polyfit(frames * HOP / RATE, line, 1)[0]),
        "jitter": float(np.log(steps.mean() + 1e-3)) if len(steps) > 3 else -2.0,
    }


def rhythm(energy: Array) -> dict[str, float]:
    curve = np.convolve(energy, np.full(5, 0.2), "same")
    active = np.flatnonzero(energy > np.percentile(energy, 95) - 25)
    peaks = prominent(curve, np.percentile(energy, 95) - 22)
    gaps = np.diff(peaks) if len(peaks) > 2 else np.array([20, 20])
    return {
        "rate": len(peaks) / ((active[-1] - active[0] + 1) * HOP / RATE),
        "pauses": 1 - len(active) / len(energy),
        "irregular rhythm": float(np.log(gaps.std() + 0.5)),
        "onsets": float(np.percentile(np.diff(curve), 97)),
        "loudness range": float(energy[active].std()),
    }


def prominent(curve: Array, threshold: float) -> list[int]:
    """Return maxima above a threshold that a dip of 2 dB parts from the one before."""
    found: list[int] = []
    maxima = (curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:]) & (curve[1:-1] > threshold)
    for place in (np.flatnonzero(maxima) + 1).tolist():
        if not found or curve[found[-1] : place].min() < curve[[found[-1], place]].min() - 2:
            found.append(place)
        elif curve[place] > curve[found[-1]]:
            found[-1] = place
    return found


def color(spectrum: Array) -> dict[str, float]:
    def share(low: float, high: float) -> float:
        return float(spectrum[between(low, high)].sum())

    def middle(low: float, high: float) -> float:
        band = between(low, high)
        return float(np.log(np.average(FREQUENCIES[band], weights=spectrum[band])))

    band = between(150, 5000)
    slope = np.polyfit(np.log2(FREQUENCIES[band]), 10 * np.log10(spectrum[band]), 1)[0]
    return {
        "tilt": float(slope),
        "energy above 1 kHz": float(10 * np.log10(share(1000, 8000) / share(50, 1000))),
        "energy above 3 kHz": float(10 * np.log10(share(3000, 8000) / share(300, 3000))),
        "centroid": middle(50, 8000),
        "second formant": middle(1000, 3500),
        "third formant": middle(2000, 4000),
    }


def between(low: float, high: float) -> NDArray[np.bool_]:
    first, last = np.searchsorted(FREQUENCIES, (low, high))
    return (np.arange(len(FREQUENCIES)) >= first) & (np.arange(len(FREQUENCIES)) < last)
