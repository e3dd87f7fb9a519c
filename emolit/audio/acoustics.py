"""What a voice does in a clip, measured by Praat, and how that stands to the speaker's other clips.

Praat (through parselmouth, extra ``reasoning``) is the field's measuring instrument; everything
follows from one pitch, one intensity and one spectrum of a clip, some 15 ms of computing.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emolit.errors import ConfigError

Array = NDArray[np.float64]

STEP = 0.01
"""Seconds between two frames."""
FLOOR, CEILING = 60.0, 800.0
"""Lowest and highest F0 looked for, in Hz."""
QUIET = 25.0
"""Frames that are so many dB below the loudest are no speech (de Jong and Wempe 2009)."""
DIP = 2.0
"""Two syllables have a dip of so many dB between them (de Jong and Wempe 2009)."""
VOICED = 5
"""Frames that must have a pitch, or the clip has none."""
FULL_SCALE = 20 * math.log10(1 / 2e-5)
"""Level in dB of a root mean square of 1, since Praat takes samples as Pascal."""


@dataclass(frozen=True)
class ClipAcoustics:
    """What was measured in a clip; NaN where nothing could be.

    Attributes:
        pitch: Median F0, in semitones above 100 Hz.
        span: From the 10th to the 90th percentile of F0, in semitones.
        energy: Mean power of the speech frames, in dB re full scale.
        pace: Syllables, or what else was counted, in a second of speech.
        sharpness: Level from 1 to 5 kHz less that from 50 Hz to 1 kHz, in dB (the alpha ratio of
            eGeMAPS, Eyben et al. 2016).
        clearness: Mean ratio of harmonics to noise of the frames with a pitch, in dB: low in rough,
            breathy and whispered voices (Boersma 1993, eq. 4).
    """

    pitch: float
    span: float
    energy: float
    pace: float
    sharpness: float
    clearness: float


CUES = tuple(field.name for field in fields(ClipAcoustics))
SMALLEST = ClipAcoustics(pitch=1.0, span=1.0, energy=1.0, pace=0.25, sharpness=1.0, clearness=1.0)
"""A spread below this counts as this, so that what nobody hears makes no difference. Ours."""


@dataclass(frozen=True)
class Standing:
    """Where a clip stands among others of its speaker.

    Attributes:
        cues: By cue, how many spreads above the mean; NaN where it could not be measured.
        own: Whether the others are the speaker's own; else all clips of the corpus.
    """

    cues: Mapping[str, float]
    own: bool


def measure(waveform: Array, sampling_rate: int, units: int | None = None) -> ClipAcoustics:
    """Measure a clip.

    Args:
        waveform: Mono. ``[samples]``
        sampling_rate: In Hz.
        units: What is said, counted, such as letters of the transcript; None counts syllables by
            ear: peaks of intensity with dips between them.

    Raises:
        ConfigError: Parselmouth is not installed.
    """
    praat = _praat()
    shortest = math.ceil(6.5 / FLOOR * sampling_rate)  # Praat wants 6.4 periods of the lowest F0
    padded = np.pad(waveform, (0, max(0, shortest - len(waveform))))
    sound = praat.Sound(padded.astype(np.float64), sampling_rate)
    level = np.asarray(sound.to_intensity(FLOOR, STEP).values[0])
    speech = level[level > level.max() - QUIET]
    counted = count_syllables(level) if units is None else units
    pitch, span, clearness = _pitch(sound)
    return ClipAcoustics(
        pitch=pitch,
        span=span,
        energy=float(10 * np.log10(np.mean(10 ** (speech / 10)))) - FULL_SCALE,
        pace=counted / (len(speech) * STEP),
        sharpness=_sharpness(sound),
        clearness=clearness,
    )


def count_syllables(level: Array) -> int:
    """Count the peaks of an intensity contour in dB that have a dip on either side.

    Example:
        >>> count_syllables(np.array([40.0, 60, 59, 61, 50, 62, 40, 20, 25, 20]))
        2
    """
    heard = float(level.max()) - QUIET
    count, rising, turn = 0, True, float(level[0])
    for value in map(float, level):
        turn = max(turn, value) if rising else min(turn, value)
        if rising and value < turn - DIP:
            count += turn > heard
            rising, turn = False, value
        elif not rising and value > turn + DIP:
            rising, turn = True, value
    return count + (rising and turn > heard)


def standings(voices: Sequence[ClipAcoustics], speakers: Sequence[str | None]) -> list[Standing]:
    """Return where each clip stands among those of its speaker.

    A speaker who is unknown or has one clip only is compared with all clips.

    Args:
        voices: N clips.
        speakers: Who speaks in each.
    """
    rows = np.array([astuple(voice) for voice in voices], dtype=np.float64)
    counts = Counter(speakers)
    groups = [speaker if counts[speaker] > 1 else None for speaker in speakers]
    usual = {
        group: _usual(rows if group is None else rows[[other == group for other in groups]])
        for group in set(groups)
    }
    found = []
    for row, group in zip(rows, groups, strict=True):
        mean, spread = usual[group]
        cues = ((row - mean) / spread).tolist()
        found.append(Standing(dict(zip(CUES, cues, strict=True)), own=group is not None))
    return found


def _usual(rows: Array) -> tuple[Array, Array]:
    """Return mean and spread of each cue over some clips, leaving out what is NaN."""
    heard = np.ma.masked_invalid(rows)
    mean, spread = heard.mean(axis=0).filled(np.nan), heard.std(axis=0).filled(0)
    return mean, np.maximum(spread, astuple(SMALLEST))


def _pitch(sound: Any) -> tuple[float, float, float]:
    """Return level and range of F0 in semitones, and the ratio of harmonics to noise in dB."""
    track = sound.to_pitch(STEP, FLOOR, CEILING).selected_array
    voiced = track["frequency"] > 0
    if voiced.sum() < VOICED:
        return math.nan, math.nan, math.nan
    semitones = 12 * np.log2(track["frequency"][voiced] / 100)
    low, median, high = np.percentile(semitones, (10, 50, 90))
    periodic = np.clip(track["strength"][voiced], 1e-6, 1 - 1e-6)
    ratio = 10 * np.log10(periodic / (1 - periodic))
    return float(median), float(high - low), float(ratio.mean())


def _sharpness(sound: Any) -> float:
    """Return the alpha ratio in dB; NaN where a band is empty."""
    spectrum = sound.to_spectrum()
    low, high = spectrum.get_band_energy(50, 1000), spectrum.get_band_energy(1000, 5000)
    return 10 * math.log10(high / low) if min(low, high) > 0 else math.nan


def _praat() -> Any:
    try:
        import parselmouth
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Voices are measured by parselmouth, which is not installed. "
            "Run `pip install 'emolit[reasoning]'`."
        ) from error
    return parselmouth
