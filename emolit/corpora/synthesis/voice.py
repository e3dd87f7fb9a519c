"""A voice made by code: glottal pulses through formants, in syllables, with breath and hiss.

Source-filter synthesis: every glottal pulse is a short impulse response, shaped in the frequency
domain by the slope of the source and by eight resonances in cascade (Klatt 1980,
https://doi.org/10.1121/1.383940), and added at its own instant. So pitch, jitter and shimmer are
exact and no filter runs over the samples. Deviations from Klatt: the source is a slope of so many
dB an octave, not a filtered pulse train; no nasal and no parallel branch; formants move in
straight lines from syllable to syllable.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState

from emolit.corpora.synthesis.signal import (
    BINS,
    COARSE,
    HOP,
    RATE,
    SPAN,
    Array,
    Complex,
    decibels,
    inverse_resonance,
    root_mean_square,
    shaped_noise,
    smooth,
)

STEPS = 32
"""Pulses are placed on a grid of 1/32 sample."""
LEAD = 64
"""Samples of a pulse's response before its instant: the source has no phase, so it is even."""
DELAYS: Complex = np.exp(-2j * np.pi * np.outer(LEAD + np.arange(STEPS) / STEPS, BINS / RATE))
"""Delay by so many steps, ``LEAD`` included. ``[STEPS, bins]``"""
TAPER: Array = (
    np.sin(
        np.pi / 2 * np.clip(np.minimum(np.arange(SPAN) / LEAD, (SPAN - np.arange(SPAN)) / 96), 0, 1)
    )
    ** 2
)
"""Fades a response in and out, so that its ends make no clicks."""
SOFT: Array = 1 / (1 + (COARSE / 3000) ** 2)
"""Spectrum of the noise at the glottis that breath makes. ``[coarse]``"""
QUIET = 1e-3
"""Pulses weaker than this are left out."""

VOWELS: Array = np.array(
    [
        [280.0, 2250.0, 2900.0],  # i
        [400.0, 2000.0, 2600.0],  # e
        [600.0, 1750.0, 2500.0],  # ae
        [730.0, 1150.0, 2440.0],  # a
        [560.0, 900.0, 2420.0],  # o
        [320.0, 850.0, 2250.0],  # u
        [500.0, 1450.0, 2450.0],  # schwa
    ]
)
"""First three formants in Hz of men, after Peterson and Barney 1952, rounded."""
SCHWA = VOWELS[-1]
BANDWIDTHS = (80.0, 100.0, 140.0)
UPPER = ((3400.0, 220.0), (4500.0, 300.0), (5500.0, 400.0), (6500.0, 500.0), (7500.0, 600.0))
"""Formants and bandwidths in Hz that do not move with the vowel."""

HIGHEST = 7600.0
"""A formant above it stands too near half the sampling rate and is left out."""


@dataclass(frozen=True)
class Voice:
    """All that shapes a clip besides chance.

    Attributes:
        seconds: Length of the clip, 0.5 or more.
        pitch: Middle of F0 in Hz.
        excursion: Size of the accents in semitones.
        contour: Change of F0 from the start to the end of the clip in semitones.
        rate: Syllables a second while speaking.
        pause: Share of syllables that are followed by a pause.
        rhythm: Irregularity of syllable lengths, below 1.
        tract: Factor on all formants; larger is a shorter vocal tract.
        smile: Further factor on the second and third formant.
        articulation: Size of the vowel space; 0 makes every vowel a schwa.
        hiss: Noise of the strongest consonant relative to the voiced part in dB.
        slope: Source spectrum above 300 Hz in dB an octave, negative.
        breath: Noise in the vowels relative to the voiced part in dB.
        jitter: Deviation of pulse instants as a share of the period.
        shimmer: Deviation of pulse amplitudes in dB.
        attack: Seconds that a vowel takes to rise.
        stress: Loudness difference between strong and weak syllables in dB.
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


def syllables(voice: Voice, rng: RandomState) -> Syllables:
    """Draw the syllables that fit into a clip: lengths, pauses, vowels, consonants, accents."""
    count = int(2 * voice.rate * voice.seconds) + 4
    lengths = (1 + voice.rhythm * (2 * rng.random_sample(count) - 1)) / voice.rate
    pauses = (rng.random_sample(count) < voice.pause) * (0.12 + 0.16 * rng.random_sample(count))
    lead = 0.03 + 0.06 * rng.random_sample()
    onset = lead + np.concatenate([[0.0], np.cumsum(lengths + pauses)[:-1]])
    share = 0.2 + 0.15 * rng.random_sample(count)
    vowel = (len(VOWELS) * rng.random_sample(count)).astype(np.int64)
    shape = SCHWA + voice.articulation * (VOWELS[vowel] - SCHWA)
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
    """Return the instants of the control frames in seconds, 5 ms apart. ``[F]``."""
    return np.asarray(np.arange(int(voice.seconds * RATE) // HOP + 5) * (HOP / RATE))


def loudness(voice: Voice, said: Syllables, times: Array) -> Array:
    """Return the amplitude of voicing: rise, body and fall of each vowel. ``[F]``."""
    index = np.maximum(np.searchsorted(said.nucleus, times, side="right") - 1, 0)
    since, left = times - said.nucleus[index], said.end[index] - times
    rise, fall = np.clip(since / voice.attack, 0, 1), np.clip(left / 0.04, 0, 1)
    body = decibels(voice.stress * 0.5 * said.accent[index])
    return np.where((since >= 0) & (left >= 0), rise * fall * body, 0.0)


def fundamental(voice: Voice, said: Syllables, times: Array) -> Array:
    """Return F0 in Hz: a line over the clip and a bump on every syllable. ``[F]``."""
    middle = 0.5 * (said.nucleus + said.end)
    accents = np.interp(times, middle, voice.excursion * said.accent)
    line = voice.contour * (times / voice.seconds - 0.5)
    return np.asarray(voice.pitch * 2 ** ((smooth(accents, 9) + line) / 12))


def tract_response(voice: Voice, said: Syllables) -> Complex:
    """Return the transfer function of the vocal tract every 20 ms. ``[F / 4, bins]``."""
    times = frame_times(voice)[::4]
    middle = 0.5 * (said.nucleus + said.end)
    fixed = np.ones((1, len(BINS)), dtype=np.complex128)
    for frequency, bandwidth in UPPER:
        if voice.tract * frequency < HIGHEST:
            fixed *= inverse_resonance(np.array([voice.tract * frequency]), bandwidth)
    total = np.repeat(fixed, len(times), axis=0)
    for column, bandwidth in enumerate(BANDWIDTHS):
        track = np.interp(times, middle, said.formants[:, column])
        total *= inverse_resonance(track, bandwidth)
    return np.asarray(1 / total)


def source(voice: Voice) -> Array:
    """Return the amplitude spectrum of a glottal pulse, radiation included. ``[bins]``."""
    octaves = 0.5 * np.log2(1 + (BINS / 300) ** 2)
    return np.asarray(decibels(voice.slope * octaves) * (BINS > 0))


def pulses(voice: Voice, said: Syllables, rng: RandomState) -> tuple[Array, Array]:
    """Return instants in seconds and amplitudes of the pulses heard, jittered and shimmered."""
    times = frame_times(voice)
    pitch = fundamental(voice, said, times)
    phase = np.concatenate([[0.0], np.cumsum(pitch[:-1] * (HOP / RATE))])
    instants = np.interp(np.arange(1, int(phase[-1])), phase, times)
    shift, swing = 2 * rng.random_sample((2, len(instants))) - 1
    moved = instants + voice.jitter * shift / np.interp(instants, times, pitch)
    strength = np.interp(moved, times, loudness(voice, said, times))
    strength *= decibels(voice.shimmer * swing)
    heard = strength > QUIET
    return moved[heard], strength[heard]


def voiced_part(voice: Voice, said: Syllables, tract: Complex, rng: RandomState) -> Array:
    """Return the voiced part at level 1: every pulse's response added at its own instant."""
    instants, strength = pulses(voice, said, rng)
    grid = np.floor(instants * (RATE * STEPS) + 0.5).astype(np.int64)
    starts, delay = grid // STEPS, grid % STEPS
    spectra = (tract * source(voice))[starts // SPAN]
    spectra *= DELAYS[delay]
    spectra *= strength[:, None]
    shapes = np.fft.irfft(spectra, SPAN, axis=1) * TAPER
    samples = int(voice.seconds * RATE)
    wave = np.zeros(samples + 2 * SPAN)
    for start, shape in zip(starts.tolist(), shapes, strict=True):
        wave[start : start + SPAN] += shape
    return np.asarray(wave[:samples] / root_mean_square(wave[:samples]))


def turbulence(voice: Voice, said: Syllables, tract: Complex) -> Array:
    """Return the gains of breath in vowels, hiss in consonants and background. ``[F, coarse]``."""
    times = frame_times(voice)
    voicing = smooth(loudness(voice, said, times), 5)
    breath = np.repeat(np.abs(tract[:, ::2]) * SOFT, 4, axis=0)[: len(times)] * voicing[:, None]
    breath *= decibels(voice.breath) / root_mean_square(breath)
    index = np.maximum(np.searchsorted(said.onset, times, side="right") - 1, 0)
    inside = (times >= said.onset[index]) & (times < said.nucleus[index])
    band = 1 / (1 + ((COARSE - said.friction[index][:, None]) / 900) ** 2)
    band *= (2.4 * decibels(voice.hiss) * inside * said.strength[index])[:, None]
    steady = decibels(voice.color * np.log2(1 + COARSE / 100))
    return np.asarray(breath + band + steady * (decibels(voice.floor) / root_mean_square(steady)))


def speak(voice: Voice, rng: RandomState) -> Array:
    """Return speech-like sound at 16 kHz with the level that the voice asks for. ``[samples]``."""
    said = syllables(voice, rng)
    tract = tract_response(voice, said)
    wave = voiced_part(voice, said, tract, rng)
    wave += shaped_noise(turbulence(voice, said, tract), len(wave), rng)
    return np.asarray(wave * (decibels(voice.level) / root_mean_square(wave)))
