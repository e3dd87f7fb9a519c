"""What a corpus serves, what it left out, and whether its speakers are kept apart."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, get_args
from unicodedata import normalize

from emolit.errors import CorpusError
from emolit.types import Clip, Split

SHOWN = 5
"""How many things a message names before it says how many more there are."""
UNKNOWN = "unknown"
"""Name of all speakers that nobody names."""


@dataclass(frozen=True)
class Census:
    """What a corpus serves and what it left out.

    Attributes:
        corpus: Name of the corpus.
        counts: Number of clips of each split.
        dropped: Number of clips left out by label, for labels outside the label set.
        skipped: Why each clip with unusable audio was left out, as sentences.
        cropped: Number of clips longer than ``max_seconds``.
        speaker_independent: Whether every speaker is known and stands in one split only.
        outside: Number of clips that the settings put into no split.
        notes: What else a reader of scores must know, as sentences.
    """

    corpus: str
    counts: Mapping[str, int]
    dropped: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    cropped: int = 0
    speaker_independent: bool = True
    outside: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def count(
        cls,
        corpus: str,
        clips: Sequence[Clip],
        max_seconds: float,
        dropped: Mapping[str, int],
        skipped: tuple[str, ...],
        notes: tuple[str, ...],
    ) -> Self:
        """Count clips.

        Args:
            corpus: Their corpus.
            clips: All that have a label of the set and audio that can be used, with their splits.
            max_seconds: Longer ones are cropped.
            dropped: Number of clips left out, by label.
            skipped: Why others were left out.
            notes: What else a reader must know.
        """
        counts = Counter(clip.split for clip in clips)
        return cls(
            corpus,
            counts={split: counts[split] for split in get_args(Split)},
            dropped=dropped,
            skipped=skipped,
            cropped=sum((clip.seconds or 0) > max_seconds for clip in clips),
            speaker_independent=not shared_speakers(clips),
            outside=counts[None],
            notes=notes,
        )

    def __str__(self) -> str:
        """Say it in one line, for the log.

        Example:
            >>> print(Census("urdu", {"test": 300}, {"sad": 100}))
            urdu: test 300 clips; sad: 100 clips dropped
        """
        counts = ", ".join(f"{split} {count}" for split, count in self.counts.items())
        parts = [f"{self.corpus}: {counts} clips"]
        parts += [f"{label}: {count} clips dropped" for label, count in self.dropped.items()]
        if self.outside:
            parts.append(f"{self.outside} clips in no split")
        if self.cropped:
            parts.append(f"{self.cropped} long clips cropped")
        if self.skipped:
            parts.append(f"{len(self.skipped)} clips skipped: {shorten(self.skipped)}")
        if not self.speaker_independent:
            parts.append("not speaker-independent")
        return "; ".join([*parts, *self.notes])


def shorten(things: Sequence[str], separator: str = " ") -> str:
    """Name the first few things and say how many more there are.

    Example:
        >>> shorten(["a", "b", "c", "d", "e", "f"], ", ")
        'a, b, c, d, e and 1 more'
    """
    text = separator.join(things[:SHOWN])
    return text if len(things) <= SHOWN else f"{text} and {len(things) - SHOWN} more"


def person(speaker: str) -> str:
    """Return what all spellings of a speaker have in common.

    That is all but case, how accents are composed, zeros before a number, and ``.0`` behind it.

    Example:
        >>> {person(name) for name in ("S01", "s1")}, {person(name) for name in ("1", "01", "1.0")}
        ({'s1'}, {'1'})
    """
    name = normalize("NFKC", speaker).casefold().strip()
    name = re.sub(r"^(\d+)\.0+$", r"\1", name)
    return re.sub(r"(?<!\d)0+(?=\d)", "", name)


def shared_speakers(clips: Iterable[Clip]) -> dict[str, tuple[str, ...]]:
    """Return the speakers that stand in several splits, with those splits.

    All clips without a speaker count as one, `UNKNOWN`, and so do all spellings of a `person`.
    """
    splits: dict[str, set[str]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    people: dict[str | None, str] = {None: UNKNOWN}
    for clip in clips:
        if clip.split is not None:
            if clip.speaker not in people:
                people[clip.speaker] = person(clip.speaker or "")
            who = people[clip.speaker]
            splits[who].add(clip.split)
            names[who].add(UNKNOWN if clip.speaker is None else clip.speaker)
    found = {" or ".join(sorted(names[who])): where for who, where in splits.items()}
    return {who: tuple(sorted(where)) for who, where in sorted(found.items()) if len(where) > 1}


def check_speakers(corpus: str, clips: Iterable[Clip]) -> None:
    """Refuse splits that share speakers, or may share them as nobody says who speaks.

    Raises:
        CorpusError: Names the speakers and their splits.
    """
    found = shared_speakers(clips)
    if found.keys() == {UNKNOWN}:
        raise CorpusError(
            f"Nobody says who speaks in the clips of {corpus!r}: its splits "
            f"{', '.join(found[UNKNOWN])} may share speakers. Set `speaker_independent: false` on "
            "the corpus to allow that; scores and reports then say so."
        )
    if found:
        named = [f"{who} in {' and '.join(splits)}" for who, splits in found.items()]
        raise CorpusError(
            f"The splits of {corpus!r} are not speaker-independent: {shorten(named, ', ')}. "
            "Give every speaker one split, or set `speaker_independent: false` and report it."
        )


def check_ids(corpus: str, clips: Iterable[Clip]) -> None:
    """Refuse clips that share an id.

    Raises:
        CorpusError: Names the ids and the files.
    """
    paths: dict[str, list[str]] = defaultdict(list)
    for clip in clips:
        paths[clip.id].append(clip.path)
    twice = [f"{who} ({', '.join(where)})" for who, where in paths.items() if len(where) > 1]
    if twice:
        raise CorpusError(
            f"Clips of {corpus!r} share an id: {shorten(twice, '; ')}. Remove the copies."
        )
