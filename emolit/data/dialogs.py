"""What was said before a clip in its dialog: words alone, never labels, never later turns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from emolit.data.audio_check import AudioRecord
from emolit.prompts.variation import MOST_TURNS


def remember_earlier(entries: Sequence[AudioRecord]) -> list[AudioRecord]:
    """Return clips with the words of the turns before them, of all clips of the release.

    A turn counts whatever its label, its split and its audio, since only its words are shown. Turns
    of the same place are not before each other. Turns without words are left out. No more are
    remembered than a prompt can show.

    Args:
        entries: All clips of a release, in any order; their order is kept.
    """
    dialogs: dict[str, list[AudioRecord]] = defaultdict(list)
    for entry in entries:
        if entry.clip.dialog is not None and entry.clip.turn is not None:
            dialogs[entry.clip.dialog].append(entry)
    earlier: dict[str, tuple[tuple[str | None, str], ...]] = {}
    for turns in dialogs.values():
        said: list[tuple[str | None, str]] = []
        for _, together in groupby(sorted(turns, key=_place), key=_place):
            clips = [entry.clip for entry in together]
            earlier |= dict.fromkeys((clip.id for clip in clips), tuple(said[-MOST_TURNS:]))
            said += [(clip.speaker, clip.transcript) for clip in clips if clip.transcript]
    return [
        replace(entry, clip=replace(entry.clip, earlier=earlier[entry.clip.id]))
        if earlier.get(entry.clip.id)
        else entry
        for entry in entries
    ]


def _place(entry: AudioRecord) -> float:
    return entry.clip.turn or 0.0
