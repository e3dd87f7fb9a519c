"""Pictures of an answer: the sound with its windows, and a wheel with what was said on it."""

import math
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.affect.plutchik import ANGLES, angle
from emolit.audio.segments import SegmentReader
from emolit.inference.answer import Answer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE = 8_000
"""At which a waveform is read to be drawn, in Hz."""
COLUMNS = 600
"""Of a waveform; each shows the least and the largest sample in it."""
FAINT = 0.01
"""Share below which a dot has no name: it lies in the middle, on the others."""
MIDDLE = "no place on the wheel"


def place_words(words: Mapping[str, float]) -> dict[str, float | None]:
    """Return where words lie on Plutchik's wheel, in degrees; None where they have no place.

    A label's place is its own; other words lie at their group in the packaged lexicon.

    Example:
        >>> place_words({"sad": 1.0, "neutral": 1.0})
        {'sad': 180.0, 'neutral': None}
    """
    lexicon = PackagedLexicon()
    found = {}
    for word in words:
        direct = angle(word)
        found[word] = direct if direct is not None else angle(lexicon.group(word, "plutchik") or "")
    return found


def draw_wheel(shares: Mapping[str, float]) -> "Figure":
    """Return Plutchik's wheel with words on it.

    Args:
        shares: Of each word, its probability or the share of windows that say it, from 0 to 1. The
            larger it is, the larger is the dot, and the farther it lies from the middle.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2, 4.2), layout="constrained")
    axes = figure.add_subplot(projection="polar")
    axes.set_ylim(0, 1.15)
    axes.set_yticks([])
    axes.set_xticks([math.radians(degrees) for degrees in ANGLES.values()], [*ANGLES])
    nowhere = []
    for word, degrees in place_words(shares).items():
        share = shares[word]
        if degrees is None:
            nowhere.append(f"{word} {share:.0%}")
            continue
        axes.scatter(math.radians(degrees), share, s=40 + 400 * share, alpha=0.6)
        place = (math.radians(degrees), share)
        if share >= FAINT:
            axes.annotate(f"{word} {share:.0%}", place, ha="center", va="bottom")
    if nowhere:
        axes.set_xlabel(f"{MIDDLE}: {', '.join(nowhere)}")
    return figure


def envelope(path: Path, seconds: float) -> NDArray[np.float32]:
    """Return the least and the largest sample of each column. ``[COLUMNS, 2]``.

    The file is read column by column, so that a long one takes no more memory than a short one.

    Args:
        path: The recording.
        seconds: How long it is.
    """
    step = seconds / COLUMNS
    with closing(SegmentReader(RATE)) as reader:
        spans = (reader.read(path, step * n, step * (n + 1)) for n in range(COLUMNS))
        found = [(float(span.min()), float(span.max())) for span in spans]
    return np.array(found, dtype=np.float32)


def draw_waveform(path: Path, answer: Answer) -> "Figure":
    """Return the waveform of a recording, its windows beside it with what was answered."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.6), layout="constrained")
    axes = figure.add_subplot()
    seconds = answer.seconds
    found = envelope(path, seconds)
    axes.fill_between(np.linspace(0, seconds, COLUMNS), found[:, 0], found[:, 1], linewidth=0.5)
    tallest = float(np.abs(found).max())
    for index, segment in enumerate(answer.segments):
        height = tallest * (1.15 + 0.22 * (index % 2))
        axes.plot([segment.start, segment.end], [height, height], linewidth=3, alpha=0.7)
        said = segment.answer
        text = "unreadable" if said is None else said if isinstance(said, str) else ", ".join(said)
        axes.annotate(
            text[:24], ((segment.start + segment.end) / 2, height), ha="center", va="bottom"
        )
    axes.set_ylim(-1.1 * tallest, 1.7 * tallest)
    axes.set_yticks([])
    axes.set_xlabel("seconds")
    axes.set_title("Sound and windows", fontsize=10, loc="left")
    return figure
