"""The same questions about other sound, about silence, or with other words: does a model listen?

A condition says of each clip whose sound is heard and which words are shown. Donors are drawn
from (seed, condition, clip), so that they are the same in every process and run.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from emolit.data.dataset import ClipDataset, Item
from emolit.seed import stream
from emolit.types import Clip


@dataclass(frozen=True)
class Swap:
    """A clip as a condition asks about it.

    Attributes:
        clip: What is asked about, with the words that are shown.
        sound: Whose sound is heard; None is silence as long as the clip.
        words: Whose words are shown; None shows none.
    """

    clip: Clip
    sound: Clip | None
    words: Clip | None

    @property
    def shown(self) -> Clip:
        """The clip with the words that are shown."""
        return replace(self.clip, transcript=None if self.words is None else self.words.transcript)


Condition = Callable[[Sequence[Clip], int], list[Swap]]
"""From clips and a seed to swaps; clips without a donor are left out."""
Fits = Callable[[Clip, Clip], bool]


def unchanged(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """Every clip as it is."""
    return [Swap(clip, clip, clip) for clip in clips]


def silence(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """Silence in place of every clip, and no words."""
    return [Swap(clip, None, None) for clip in clips]


def same_label(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """Another clip of the same label, of the same speaker where there is one."""
    return _sound_of_another(clips, seed, "same label", lambda a, b: a.label == b.label)


def another_label(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """A clip of another label, of the same speaker where there is one."""
    return _sound_of_another(clips, seed, "another label", lambda a, b: a.label != b.label)


def another_speaker(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """A clip of the same label by another speaker."""

    def fits(clip: Clip, donor: Clip) -> bool:
        known = clip.speaker is not None and donor.speaker is not None
        return known and clip.speaker != donor.speaker and clip.label == donor.label

    return _sound_of_another(clips, seed, "another speaker", fits)


def sound_alone(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """Every clip without its words."""
    return [Swap(clip, clip, None) for clip in clips if clip.transcript]


def words_alone(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """Silence with the words of the clip."""
    return [Swap(clip, None, clip) for clip in clips if clip.transcript]


def contradicting_words(clips: Sequence[Clip], seed: int) -> list[Swap]:
    """Every clip with the words of a clip of another label."""

    def fits(clip: Clip, donor: Clip) -> bool:
        differs = clip.label != donor.label and clip.transcript != donor.transcript
        return bool(clip.transcript and donor.transcript) and differs

    pairs = _donors(clips, seed, "contradicting words", fits)
    return [Swap(clip, clip, donor) for clip, donor in pairs]


SOUND: dict[str, Condition] = {
    "as it is": unchanged,
    "silence": silence,
    "same label": same_label,
    "another label": another_label,
    "another speaker": another_speaker,
}
"""Conditions for every prompt."""
WORDS: dict[str, Condition] = {
    "sound alone": sound_alone,
    "words alone": words_alone,
    "contradicting words": contradicting_words,
}
"""Conditions for prompts that show what is said."""


def _sound_of_another(clips: Sequence[Clip], seed: int, name: str, fits: Fits) -> list[Swap]:
    pairs = _donors(clips, seed, name, fits)
    return [Swap(clip, donor, donor) for clip, donor in pairs]


def _donors(clips: Sequence[Clip], seed: int, name: str, fits: Fits) -> Iterable[tuple[Clip, Clip]]:
    """Yield a donor for each clip that has one: of its corpus, and of its speaker if possible.

    It is the first that fits behind a place that is drawn: in the order of ids, around the end.
    """
    pools: dict[tuple[str, str | None], list[Clip]] = {}
    for clip in sorted(clips, key=lambda clip: clip.id):
        for speaker in {clip.speaker, None}:
            pools.setdefault((clip.corpus, speaker), []).append(clip)
    for clip in clips:
        place = int(torch.randint(2**31, (1,), generator=stream(seed, name, clip.corpus, clip.id)))
        for speaker in dict.fromkeys((clip.speaker, None)):
            pool = pools[clip.corpus, speaker]
            around = (pool[(place + step) % len(pool)] for step in range(len(pool)))
            donor = next((one for one in around if one.id != clip.id and fits(clip, one)), None)
            if donor is not None:
                yield clip, donor
                break


@dataclass(frozen=True)
class SwappedDataset(ClipDataset):
    """Clips with the sound and the words of a condition.

    Attributes:
        swaps: One a clip, in the order of ``clips``.
    """

    swaps: tuple[Swap, ...] = ()

    def __getitem__(self, index: int) -> Item:
        """Return the clip with the words shown, and the waveform heard ``[samples]``.

        Raises:
            AudioError: A file cannot be decoded.
        """
        swap = self.swaps[index]
        if swap.sound is None:
            seconds = min(self.loading.max_seconds, swap.clip.seconds or 1.0)
            return swap.shown, torch.zeros(max(1, round(seconds * self.sampling_rate)))
        return swap.shown, self.hear(swap.sound)
