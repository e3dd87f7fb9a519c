"""Which clips of a release are served: those of a label set, with audio that can be used."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from emolit.affect.taxonomy import Taxonomy, merge
from emolit.affect.votes import merge_votes
from emolit.data.audio_check import AudioRecord
from emolit.data.census import shorten
from emolit.errors import AudioError, CorpusError
from emolit.types import Clip


def relabel(
    corpus: str, entries: Iterable[AudioRecord], taxonomy: Taxonomy, label_map: Mapping[str, str]
) -> tuple[list[AudioRecord], dict[str, int]]:
    """Return the entries inside the label set, and the number left out by label.

    Args:
        corpus: Its name, for a message.
        entries: Clips with the labels of the release.
        taxonomy: The label set.
        label_map: Renames labels before anything else.

    Raises:
        CorpusError: No clip is left.
    """
    kept, dropped = [], Counter[str]()
    for entry in entries:
        label = entry.clip.label
        label = None if label is None else merge(label, label_map)
        if label is None or label in taxonomy:
            votes = merge_votes(entry.clip.votes, label_map)
            kept.append(replace(entry, clip=replace(entry.clip, label=label, votes=votes)))
        else:
            dropped[label] += 1
    if not kept:
        raise CorpusError(
            f"No clip of {corpus!r} has a label among {list(taxonomy.labels)}; it has "
            f"{dict(dropped)}. Change `labels` or `label_map`."
        )
    return kept, dict(dropped)


def usable(
    corpus: str, entries: Sequence[AudioRecord], strict: bool, broken: Collection[str] = ()
) -> tuple[list[Clip], tuple[str, ...]]:
    """Return the clips with usable audio, and what is wrong with the others.

    Args:
        corpus: Its name, for a message.
        entries: Clips that were looked at.
        strict: Refuse any clip that cannot be used.
        broken: Ids of clips that every copy of the release lacks; these are not refused.

    Raises:
        AudioError: A clip cannot be used, and that is refused.
        CorpusError: No clip can be used.
    """
    problems = tuple(entry.problem for entry in entries if entry.problem)
    news = tuple(e.problem for e in entries if e.problem and e.clip.id not in broken)
    if news and strict:
        raise AudioError(
            f"{len(news)} of {len(entries)} clips of {corpus!r} cannot be used; mend "
            f"them, or set `loading.on_bad_audio` to skip. {shorten(news)}"
        )
    clips = [entry.clip for entry in entries if not entry.problem]
    if not clips:
        raise CorpusError(f"No clip of {corpus!r} has usable audio: {shorten(problems)}")
    return clips, problems


def drop(clips: Iterable[Clip], names: Collection[str]) -> list[Clip]:
    """Return the clips, those of the names given in no split, for example what others test on."""
    return [replace(clip, split=None) if clip.id in names else clip for clip in clips]
