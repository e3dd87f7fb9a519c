"""A voice made by code: glottal pulses through formants, in syllables, with breath and a room.

Source-filter synthesis (Fant 1960): every glottal pulse is a short impulse response, shaped in the
frequency domain by the slope of the source and by five resonances (Klatt 1980), and added at its
own instant, so that pitch, jitter and shimmer are exact and no recursive filter is needed.

Same bytes everywhere. Chance comes from ``numpy.random.RandomState``, whose stream NumPy froze,
and only as uniform numbers. All arithmetic is float64 and free of feedback; a last-bit difference
between two machines' FFT or ``exp`` moves a sample by about 1e-11 of one int16 step, so that
rounding to int16 (``quantize``) hides it: over all 60 million samples of the default corpus
the expected number of samples that differ between two such machines is below 0.01.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

Array = NDArray[np.float64]

RATE = 16_000
HOP = 80  # samples between two frames of the control tracks: 5 ms
SIZE = 4 * HOP  # samples of a pulse's response; also between two shapes of the vocal tract
BLOCK = 2 * HOP  # samples of a noise block, half overlapping
STEPS = 32  # pulses are placed on a grid of 1/32 sample
QUIET = 1e-3  # pulses weaker than this are left out

BINS: Array = np.fft.rfftfreq(SIZE, 1 / RATE)
BACK = np.exp(-2j * np.pi * BINS / RATE)  # one sample earlier
DELAYS = np.exp(-2j * np.pi * np.outer(np.arange(STEPS) / STEPS, BINS / RATE))
WINDOW: Array = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(BLOCK) / BLOCK)

VOWELS: Array = np.array(
    [
        [280, 2250, 2900],  # i
        [400, 2000, 2600],  # e
        [600, 1750, 2500],  # ae
        [730, 1150, 2440],  # a
        [560, 900, 2420],  # o
        [320, 850, 2250],  # u
        [500, 1450, 2450],  # schwa
    ],
    dtype=np.float64,
)
"""First three formants in Hz of a long vocal tract, rounded after Peterson & Barney (1952)."""
CENTER: Array = np.array([500.0, 1450.0, 2450.0])
BANDWIDTHS = (80.0, 100.0, 140.0)
UPPER = ((3400.0, 220.0), (4500.0, 300.0), (5500.0, 400.0), (6500.0, 500.0), (7500.0, 600.0))
"""Formants and bandwidths in Hz that do not move with the vowel."""


@dataclass(frozen=True)
class Voice:
    """All that shapes a clip besides chance.

    Attributes:
        seconds: Length of the clip.
        pitch: Middle of F0 in Hz.
        excursion: Size of the accents in semitones.
        contour: Change of F0 from the first to the last syllable in semitones.
        rate: Syllables a second while speaking.
        pause: Share of syllables that are followed by a pause.
        rhythm: Irregularity of syllable lengths, 0 to 0.6.
        tract: Factor on all formants; larger is a shorter vocal tract.
        smile: Further factor on the second and third formant.
        articulation: Size of the vowel space; 0 makes every vowel a schwa.
        hiss: Noise of the strongest consonant relative to the voiced part in dB.
        slope: Source spectrum above 300 Hz in dB an octave, negative.
        breath: Aspiration noise relative to the voiced part in dB.
        jitter: Deviation of pulse instants as a share of the period.
        shimmer: Deviation of pulse amplitudes in dB.
        attack: Seconds that a vowel takes to rise.
        stress: Loudness difference between accented and other syllables in dB.
        floor: Steady background noise relative to the voiced part in dB.
        color: Slope of that noise above 100 Hz in dB an octave.
        level: Root mean square of the clip relative to full scale in dB, negative.
    """

    seconds: float
    pitch: float
    excursion: float
    contour: float
    rate: float
    pause: float
    rhythm: float
    tract: float
    smile: float
    articulation: float
    hiss: float
    slope: float
    breath: float
    jitter: float
    shimmer: float
    attack: float
    stress: float
    floor: float
    color: float
    level: float


@dataclass(frozen=True)
class Syllables:
    """N syllables in order; times in seconds.

    Attributes:
        onset: Where the consonant starts. ``[N]``
        nucleus: Where the vowel starts. ``[N]``
        end: Where the vowel ends. ``[N]``
        accent: Prominence, -1 to 1. ``[N]``
        formants: First three formants in Hz. ``[N, 3]``
        friction: Middle of the consonant's noise in Hz. ``[N]``
        strength: Of the consonant's noise, 0 to 1. ``[N]``
    """

    onset: Array
    nucleus: Array
    end: Array
    accent: Array
    formants: Array
    friction: Array
    strength: Array


def centered(rng: RandomState, *shape: int) -> Array:
    """Return bell-shaped numbers of mean 0 and deviation 1 within [-3, 3]: sums of 3 uniforms."""
    return np.asarray(2 * (rng.random_sample((3, *shape)).sum(axis=0) - 1.5))


def decibels(value: Array | float) -> Array:
    """Return the amplitude factor of a level in dB."""
    return np.asarray(10 ** (np.asarray(value) / 20))


def level_of(wave: Array) -> float:
    """Return the root mean square of a waveform."""
    return float(np.sqrt(np.mean(wave * wave)))


def syllables(voice: Voice, rng: RandomState) -> Syllables:
    """Draw the syllables that fit into a clip: lengths, pauses, vowels, consonants, accents."""
    count = int(2 * voice.rate * voice.seconds) + 4
    lengths = (1 + voice.rhythm * (2 * rng.random_sample(count) - 1)) / voice.rate
    pauses = (rng.random_sample(count) < voice.pause) * (0.12 + 0.16 * rng.random_sample(count))
    lead = 0.03 + 0.06 * rng.random_sample()
    onset = lead + np.concatenate([[0.0], np.cumsum(lengths + pauses)[:-1]])
    share = 0.2 + 0.15 * rng.random_sample(count)
    vowel = (len(VOWELS) * rng.random_sample(count)).astype(np.int64)
    shape = CENTER + voice.articulation * (VOWELS[vowel] - CENTER)
    kept = onset + lengths < voice.seconds - 0.04
    kept[0] = True
    drawn = Syllables(
        onset=onset,
        nucleus=onset + share * lengths,
        end=np.minimum(onset + lengths, voice.seconds - 0.02),
        accent=2 * rng.random_sample(count) - 1,
        formants=shape * voice.tract * np.array([1.0, voice.smile, voice.smile]),
        friction=2500 + 3500 * rng.random_sample(count),
        strength=np.maximum(0.0, 2 * rng.random_sample(count) - 1),
    )
    return Syllables(**{name: value[kept] for name, value in vars(drawn).items()})


def frame_times(voice: Voice) -> Array:
    """Return the instants of the control frames in seconds."""
    return np.arange(int(voice.seconds * RATE) // HOP + 5) * (HOP / RATE)


def smooth(track: Array, width: int) -> Array:
    """Return the centered moving average over an odd number of frames."""
    padded = np.pad(track, width // 2, mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((total[width:] - total[:-width]) / width)


def loudness(voice: Voice, said: Syllables, times: Array) -> Array:
    """Return the amplitude of voicing at every frame: rise, sustain and fall of each vowel."""
    index = np.maximum(np.searchsorted(said.nucleus, times, side="right") - 1, 0)
    since, left = times - said.nucleus[index], said.end[index] - times
    rise = np.clip(since / voice.attack, 0, 1)
    fall = np.clip(left / 0.04, 0, 1)
    body = decibels(voice.stress * 0.5 * said.accent[index])
    return np.where((since >= 0) & (left >= 0), rise * fall * body, 0.0)


def fundamental(voice: Voice, said: Syllables, times: Array) -> Array:
    """Return F0 in Hz at every frame: a line over the clip and a bump on every syllable."""
    middle = 0.5 * (said.nucleus + said.end)
    accents = np.interp(times, middle, voice.excursion * said.accent)
    line = voice.contour * (times / voice.seconds - 0.5)
    return np.asarray(voice.pitch * 2 ** ((smooth(accents, 9) + line) / 12))


def resonance(frequency: Array, bandwidth: float) -> NDArray[np.complex128]:
    """Return the inverse of Klatt's digital resonator with gain 1 at 0 Hz. ``[F, bins]``."""
    radius = np.exp(-np.pi * bandwidth / RATE)
    first = (2 * radius * np.cos(2 * np.pi / RATE * frequency))[:, None]
    second = radius * radius
    inverse = (1 + second * BACK * BACK) - first * BACK
    return np.asarray(inverse / (1 + second - first))


def response(said: Syllables, voice: Voice) -> NDArray[np.complex128]:
    """Return the transfer function of the vocal tract every 20 ms. ``[F, bins]``."""
    times = frame_times(voice)[::4]
    middle = 0.5 * (said.nucleus + said.end)
    fixed = np.ones((1, len(BINS)), dtype=np.complex128)
    for frequency, bandwidth in UPPER:
        fixed *= resonance(np.array([min(7800.0, voice.tract * frequency)]), bandwidth)
    total = np.repeat(fixed, len(times), axis=0)
    for column, bandwidth in enumerate(BANDWIDTHS):
        total *= resonance(np.interp(times, middle, said.formants[:, column]), bandwidth)
    return np.asarray(1 / total)


def source(voice: Voice) -> Array:
    """Return the amplitude spectrum of a glottal pulse with radiation at the lips. ``[bins]``."""
    octaves = 0.5 * np.log2(1 + (BINS / 300) ** 2)
    return np.asarray(decibels(voice.slope * octaves) * (BINS > 0))


def pulses(voice: Voice, pitch: Array, times: Array, rng: RandomState) -> tuple[Array, Array]:
    """Return instants in seconds and amplitudes of the glottal pulses, jittered and shimmered."""
    phase = np.concatenate([[0.0], np.cumsum(pitch[:-1] * (HOP / RATE))])
    instants = np.interp(np.arange(1, int(phase[-1])), phase, times)
    period = 1 / np.interp(instants, times, pitch)
    moved = instants + voice.jitter * period * (2 * rng.random_sample(len(instants)) - 1)
    swing = decibels(voice.shimmer * (2 * rng.random_sample(len(instants)) - 1))
    return moved, swing


def voiced(voice: Voice, said: Syllables, tract: NDArray[np.complex128], rng: RandomState) -> Array:
    """Return the voiced part at level 1: every pulse's response added at its own instant."""
    times = frame_times(voice)
    instants, swing = pulses(voice, fundamental(voice, said, times), times, rng)
    strength = swing * np.interp(instants, times, loudness(voice, said, times))
    heard = strength > QUIET
    grid = np.floor(instants[heard] * (RATE * STEPS) + 0.5).astype(np.int64)
    where, fraction = grid // STEPS, grid % STEPS
    spectra = (tract * source(voice))[where // SIZE]
    spectra *= DELAYS[fraction]
    spectra *= strength[heard][:, None]
    shapes = np.fft.irfft(spectra, SIZE, axis=1)
    wave = np.zeros(int(voice.seconds * RATE) + 2 * SIZE)
    for start, shape in zip(where.tolist(), shapes, strict=True):
        wave[start : start + SIZE] += shape
    wave = wave[: int(voice.seconds * RATE)]
    return np.asarray(wave / level_of(wave))


def shaped_noise(gains: Array, samples: int, rng: RandomState) -> Array:
    """Return white noise filtered block by block. ``gains [blocks, BLOCK / 2 + 1]``."""
    blocks = len(gains)
    white = (2 * rng.random_sample((blocks + 1) * HOP) - 1).reshape(blocks + 1, HOP)
    pieces = np.concatenate([white[:-1], white[1:]], axis=1)
    shaped = np.fft.irfft(np.fft.rfft(pieces, axis=1) * gains, BLOCK, axis=1) * WINDOW
    wave = np.zeros((blocks + 1, HOP))
    wave[:-1] += shaped[:, :HOP]
    wave[1:] += shaped[:, HOP:]
    return wave.ravel()[:samples]


def turbulence(voice: Voice, said: Syllables, tract: NDArray[np.complex128]) -> Array:
    """Return the gains of breath in vowels, hiss in consonants and background, every 5 ms."""
    times = frame_times(voice)
    voicing = smooth(loudness(voice, said, times), 5)
    breath = np.repeat(np.abs(tract[:, ::2]), 4, axis=0)[: len(times)] * voicing[:, None]
    breath *= decibels(voice.breath) / np.sqrt(np.mean(breath * breath))
    index = np.maximum(np.searchsorted(said.onset, times, side="right") - 1, 0)
    inside = (times >= said.onset[index]) & (times < said.nucleus[index])
    band = 1 / (1 + ((BINS[::2] - said.friction[index][:, None]) / 900) ** 2)
    band *= (4 * decibels(voice.hiss) * inside * said.strength[index])[:, None]
    steady = decibels(voice.color * np.log2(1 + BINS[::2] / 100))
    steady = steady * (decibels(voice.floor) / np.sqrt(np.mean(steady * steady)))
    return np.asarray(breath + band + steady)


def speak(voice: Voice, rng: RandomState) -> Array:
    """Return a clip of speech-like sound at 16 kHz with the level that the voice asks for."""
    said = syllables(voice, rng)
    tract = response(said, voice)
    wave = voiced(voice, said, tract, rng)
    wave += shaped_noise(turbulence(voice, said, tract), len(wave), rng)
    return np.asarray(wave * (decibels(voice.level) / level_of(wave)))


def reverberate(wave: Array, decay: float, wet: float, rng: RandomState) -> Array:
    """Add a room: noise that falls by 60 dB in ``decay`` seconds, ``wet`` relative to the voice."""
    tail = 2 * rng.random_sample(int(decay * RATE)) - 1
    tail *= decibels(-60 * np.arange(len(tail)) / len(tail))
    tail *= wet / np.sqrt(np.sum(tail * tail))
    size = 1 << (len(wave) + len(tail)).bit_length()
    echo = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(tail, size), size)[: len(wave)]
    return np.asarray(wave + echo)


def quantize(wave: Array) -> NDArray[np.int16]:
    """Round to int16 (floor of the value plus a half), scaled down first if it would clip."""
    peak = float(np.max(np.abs(wave)))
    scale = 32767 * min(1.0, 0.98 / peak)
    return np.floor(wave * scale + 0.5).astype(np.int16)
