"""What was said before a clip in its dialog: words alone, never labels, never later turns."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from emolit.data.audio_check import AudioRecord

KEPT = 50
"""Turns before a clip that are remembered at most."""


def remember_earlier(entries: Sequence[AudioRecord]) -> list[AudioRecord]:
    """Return clips with the words of the turns before them, of all clips of the release.

    A turn counts whatever its label, its split and its audio, since only its words are shown. Turns
    of the same place are not before each other. Turns without words are left out.

    Args:
        entries: All clips of a release, in any order; their order is kept.
    """
    dialogs: dict[str, list[AudioRecord]] = defaultdict(list)
    for entry in entries:
        if entry.clip.dialog is not None and entry.clip.turn is not None:
            dialogs[entry.clip.dialog].append(entry)
    earlier: dict[str, tuple[tuple[str | None, str], ...]] = {}
    for turns in dialogs.values():
        turns.sort(key=_place)
        for entry in turns:
            before = [
                (other.clip.speaker, other.clip.transcript)
                for other in turns
                if other.clip.transcript and _place(other) < _place(entry)
            ]
            earlier[entry.clip.id] = tuple(before[-KEPT:])
    return [
        replace(entry, clip=replace(entry.clip, earlier=earlier.get(entry.clip.id, ())))
        for entry in entries
    ]


def _place(entry: AudioRecord) -> float:
    return entry.clip.turn or 0.0
