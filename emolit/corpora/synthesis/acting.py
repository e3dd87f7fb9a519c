"""How an imagined speaker acts an emotion: the cues that the literature reports, as numbers.

Directions against neutral speech. B&S: Banse and Scherer 1996 (review table of earlier findings),
https://doi.org/10.1037/0022-3514.70.3.614; J&L: Juslin and Laukka 2003 (104 studies),
https://doi.org/10.1037/0033-2909.129.5.770; S: Scherer 2003,
https://doi.org/10.1016/S0167-6393(02)00084-5; T: Tartter 1980 (a smile raises formants),
https://doi.org/10.3758/BF03199901.

==========================  =====  =====  =====  =================
cue                         angry  happy  sad    source
==========================  =====  =====  =====  =================
level of F0                 up     up     down   B&S, J&L, S
range of F0                 up     up     down   B&S, J&L, S
contour of F0               down   up     down   B&S; up for happy: J&L
speech rate                 up     up     down   B&S, J&L, S
pauses                      fewer  fewer  more   J&L
intensity, its variability  up     up     down   B&S, J&L, S
high-frequency energy       up     up     down   B&S, J&L, S
onsets of the voice         fast   fast   slow   J&L
irregular fine structure    up     same   up     J&L (jitter, shimmer, rhythm)
formants, articulation      clear  clear  slack  J&L; lips spread when happy: T
breathiness                 less   less   more   S (lax, breathy voice of sadness)
==========================  =====  =====  =====  =================

J&L describe such cues as additive, with none necessary and none sufficient (Brunswik's lens). So
it is here: speakers differ in every cue by habit and repeat nothing exactly, which hides the
emotion in each single cue but not in all of them.
Deviations: sizes are chosen, not measured; J&L report rising contours for anger too; a level of
its own in every clip leaves little of the loudness.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log2
from typing import Literal

from numpy.random import RandomState

from emolit.corpora.synthesis import signal as sound
from emolit.corpora.synthesis import voice
from emolit.corpora.synthesis.signal import Array, bell_shaped
from emolit.corpora.synthesis.voice import Voice

Emotion = Literal["angry", "happy", "neutral", "sad"]
EMOTIONS: tuple[Emotion, ...] = ("angry", "happy", "neutral", "sad")


@dataclass(frozen=True)
class Cue:
    """One setting of the voice: its middle, what emotions add, how much people and clips vary.

    Attributes:
        middle: Value of a neutral clip of the average speaker, before ``shifts``.
        shifts: What each of ``EMOTIONS`` adds.
        speaker: Standard deviation between speakers.
        clip: Standard deviation between clips of a speaker.
        low: Least value.
        high: Greatest value.
        octaves: The numbers before ``low`` are base-2 logarithms.
    """

    middle: float
    shifts: tuple[float, float, float, float]
    speaker: float
    clip: float
    low: float
    high: float
    octaves: bool = False

    def value(self, emotion: Emotion, deviation: float) -> float:
        """Return the setting for an emotion and a deviation of speaker and clip."""
        raw = self.middle + self.shifts[EMOTIONS.index(emotion)] + deviation
        return min(self.high, max(self.low, 2.0**raw if self.octaves else raw))


CUES: Mapping[str, Cue] = {
    "pitch": Cue(0.0, (0.3, 0.42, 0.0, -0.3), 0.12, 0.08, 0.5, 2.0, octaves=True),
    "excursion": Cue(1.0, (0.25, 0.6, -0.3, -0.4), 0.3, 0.45, 0.3, 8.0, octaves=True),
    "contour": Cue(0.0, (-3.2, 3.9, 0.8, -3.2), 1.4, 2.1, -12.0, 12.0),
    "rate": Cue(2.13, (0.13, 0.12, -0.07, -0.16), 0.13, 0.15, 2.5, 7.0, octaves=True),
    "pause": Cue(0.06, (-0.03, -0.03, 0.0, 0.19), 0.04, 0.06, 0.0, 0.6),
    "rhythm": Cue(0.18, (0.26, 0.0, 0.0, 0.24), 0.06, 0.06, 0.0, 0.7),
    "smile": Cue(1.0, (-0.035, 0.085, 0.0, -0.035), 0.025, 0.035, 0.8, 1.3),
    "articulation": Cue(0.9, (0.1, 0.1, 0.05, -0.35), 0.1, 0.1, 0.2, 1.4),
    "hiss": Cue(-10.0, (6.0, 4.5, -2.0, -6.0), 2.5, 2.5, -40.0, 6.0),
    "slope": Cue(-10.0, (2.7, 1.7, -0.8, -2.6), 1.4, 1.3, -18.0, -3.0),
    "breath": Cue(-26.0, (-2.0, -2.0, -2.0, 11.0), 2.8, 2.8, -45.0, 0.0),
    "jitter": Cue(-6.8, (1.8, 0.0, 0.0, 1.0), 0.7, 0.65, 0.0, 0.08, octaves=True),
    "shimmer": Cue(0.2, (2.0, 0.0, 0.0, 1.2), 0.6, 0.6, 0.0, 8.0, octaves=True),
    "attack": Cue(-5.0, (-1.1, -0.9, 0.4, 1.1), 0.4, 0.4, 0.004, 0.15, octaves=True),
    "stress": Cue(6.0, (5.0, 4.0, -1.0, -2.0), 1.8, 1.8, 0.0, 20.0),
    "level": Cue(-25.0, (2.5, 1.5, -0.5, -2.5), 2.0, 3.8, -45.0, -14.0),
    "floor": Cue(-47.0, (0.0, 0.0, 0.0, 0.0), 2.5, 2.0, -60.0, 0.0),
    "color": Cue(-4.0, (0.0, 0.0, 0.0, 0.0), 1.0, 0.5, -12.0, 6.0),
}
"""Settings of ``emolit.corpora.synthesis.voice.Voice`` by name, in its units; pitch is relative to
the speaker's."""


@dataclass(frozen=True)
class Setting:
    """Who is recorded where: what two corpora of the same emotions differ in.

    Attributes:
        name: Stands in the names of its speakers and clips.
        stream: Keeps its chance apart from that of other settings.
        pitch: Usual F0 of low and of high voices in Hz.
        tract: Factor on the formants of low and of high voices.
        style: Added to the middle of cues, by name.
        decay: Shortest and longest reverberation of a speaker's room, in seconds; None for none.
        wet: Root mean square of the room's echo relative to the direct sound.
    """

    name: str
    stream: int
    pitch: tuple[float, float]
    tract: tuple[float, float]
    style: Mapping[str, float] = field(default_factory=dict)
    decay: tuple[float, float] | None = None
    wet: float = 0.0


STUDIO = Setting(name="studio", stream=0, pitch=(115.0, 200.0), tract=(1.0, 1.12))
FIELD = Setting(
    name="field",
    stream=1,
    pitch=(105.0, 220.0),
    tract=(0.97, 1.15),
    style={"rate": 0.15, "excursion": -0.25, "slope": 0.8, "floor": 16.0, "color": 0.5},
    decay=(0.2, 0.4),
    wet=0.5,
)
"""Livelier talk with a smaller range of F0, in noisy rooms that reverberate."""


@dataclass(frozen=True)
class Speaker:
    """A person: body and habits.

    Attributes:
        pitch: Usual F0 in Hz.
        tract: Factor on all formants.
        decay: Reverberation of the room they are recorded in, in seconds; 0 for none.
        habits: Deviation from the middle of each cue, style of the setting included.
    """

    pitch: float
    tract: float
    decay: float
    habits: Mapping[str, float]


def make_speaker(setting: Setting, number: int, rng: RandomState) -> Speaker:
    """Return a speaker; even numbers have low voices, odd ones high voices."""
    size, *habits = bell_shaped(rng, 1 + len(CUES)).tolist()
    shortest, longest = setting.decay or (0.0, 0.0)
    return Speaker(
        pitch=setting.pitch[number % 2],
        tract=setting.tract[number % 2] * (1 + 0.03 * size),
        decay=shortest + (longest - shortest) * rng.random_sample(),
        habits={
            name: cue.speaker * habit + setting.style.get(name, 0.0)
            for (name, cue), habit in zip(CUES.items(), habits, strict=True)
        },
    )


def deliver(speaker: Speaker, emotion: Emotion, rng: RandomState) -> Voice:
    """Return the voice of a speaker in one clip; its length, 1.2 to 2.4 s, tells nothing."""
    chance = bell_shaped(rng, len(CUES)).tolist()
    settings = {
        name: cue.value(emotion, speaker.habits[name] + cue.clip * deviation)
        for (name, cue), deviation in zip(CUES.items(), chance, strict=True)
    }
    settings["pitch"] *= speaker.pitch
    return Voice(seconds=1.2 + 1.2 * rng.random_sample(), tract=speaker.tract, **settings)


def record(speaker: Speaker, emotion: Emotion, wet: float, rng: RandomState) -> Array:
    """Return a clip of a speaker in their room at 16 kHz."""
    wave = voice.speak(deliver(speaker, emotion, rng), rng)
    return sound.reverberate(wave, speaker.decay, wet, rng) if speaker.decay else wave


HEARD = {
    "pitch": (0.1, "low", "high"),
    "rate": (0.08, "slow", "quick"),
    "slope": (1.2, "dull", "bright"),
    "breath": (4.0, "firm", "breathy"),
}
"""Cues that a caption names: how far from the middle they are heard, and what they are called."""


def describe(voice: Voice, speaker: Speaker, emotion: Emotion) -> str:
    """Return a caption: what is heard in a clip, against the average speaker, and the emotion.

    Example:
        >>> rng = RandomState(3)
        >>> anna = make_speaker(STUDIO, 1, rng)
        >>> describe(deliver(anna, "sad", rng), anna, "sad")
        'A low, slow, dull, breathy voice, sad.'
    """
    levels = {
        "pitch": log2(voice.pitch / speaker.pitch),
        "rate": log2(voice.rate),
        "slope": voice.slope,
        "breath": voice.breath,
    }
    words = [
        low if level < CUES[name].middle else high
        for (name, level), (limit, low, high) in zip(levels.items(), HEARD.values(), strict=True)
        if abs(level - CUES[name].middle) > limit
    ]
    return f"A {', '.join(words) or 'plain'} voice, {emotion}."
