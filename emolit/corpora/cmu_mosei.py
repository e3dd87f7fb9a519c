"""CMU-MOSEI: people speak into their cameras about anything, in English; sentiment from -3 to 3.

Layout: ``Audio/Full/WAV_16000/<video>.wav``, cut by ``Transcript/Segmented/Combined/<video>.txt``
with a line a cut, ``<video>___<n>___<start>___<end>___<text>``; or ``Raw/<video>/<n>.mp4``, cut
already, which is preferred. Labels are those of `emolit.corpora.polarity`; a labeled cut that has
neither a line nor a file of its own is reported as missing. Lines that are no cuts, as some copies
have them, are left out and counted.

Splits: official, 16,326 / 1871 / 4659 cuts in MERBench's archive, no video in two. Other releases
count 16,265 or 16,322 for training.

License: research, CMU MultiComp. Zadeh et al. 2018, https://aclanthology.org/P18-1208.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from math import isfinite
from pathlib import Path
from typing import ClassVar, NamedTuple

from lightning.pytorch.utilities import rank_zero_info

from emolit.corpora.polarity import Polarity, Rated
from emolit.errors import CorpusError
from emolit.files.disk import lines_of, text_of
from emolit.files.media import Media
from emolit.types import Clip

WHOLE = "Audio/Full/WAV_16000"
LINES = "Transcript/Segmented/Combined"


class Cut(NamedTuple):
    """Where a cut stands in its video, in seconds, and what is said."""

    start: float
    end: float
    text: str | None


class CmuMosei(Polarity):
    """CMU-MOSEI: 22,856 cuts of English videos, sentiment from -3 to 3.

    Args:
        subtitles: Language of the transcripts; what is said is English, and no other is released.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have a sentiment and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: no video stands in two splits.
    """

    name = "cmu_mosei"
    size: ClassVar = 22_856
    spoken: ClassVar = "english"
    places: ClassVar = (WHOLE, "Raw/*")
    homepage: ClassVar = "http://multicomp.cs.cmu.edu/resources/cmu-mosei-dataset"
    license: ClassVar = "research"

    def stems(self, rated: Rated) -> tuple[str, ...]:
        """Return the path without extension of a cut that has a file of its own."""
        return (f"Raw/{rated.video}/{rated.number}",)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the labeled cuts: a file each, or a segment of a whole recording."""
        whole = Media(folder, (WHOLE,))
        cuts = cache(lambda video: cuts_of(folder / LINES / f"{video}.txt", video))
        odd: dict[str, int] = {}
        for clip in super().read(folder):
            video, _, number = clip.id.rpartition("_")
            cut = cuts(video)[0].get(number)
            if cut is not None and self.subtitles == self.spoken:
                clip = replace(clip, transcript=clip.transcript or cut.text)
            if cut is not None and not (folder / clip.path).is_file():
                path, _ = whole.find(f"{WHOLE}/{video}")
                clip = replace(clip, path=path, start=cut.start, end=cut.end)
            odd[video] = cuts(video)[1]
            yield clip
        if any(odd.values()):
            video = max(odd, key=lambda name: odd[name])
            rank_zero_info(
                f"cmu_mosei: {sum(odd.values())} lines of the transcripts are no cuts and left "
                f"out, {odd[video]} of them in {folder / LINES / video}.txt"
            )


def cuts_of(file: Path, video: str) -> tuple[dict[str, Cut], int]:
    """Return the cuts of a video by their number, and how many lines are none.

    There are no cuts where the file is missing.

    Raises:
        CorpusError: The file is not UTF-8, or no line of it is a cut; names file and line.
    """
    if not file.is_file():
        return {}, 0
    found: dict[str, Cut] = {}
    lines = [line for line in lines_of(text_of(file)) if line.strip()]
    for line in lines:
        fields = line.removeprefix(f"{video}___").split("___", 3)
        try:
            cut, start, end, text = fields
            if isfinite(float(start)) and isfinite(float(end)):
                found[cut.strip()] = Cut(float(start), float(end), text.strip() or None)
        except ValueError:  # counted below
            continue
    if lines and not found:
        raise CorpusError(
            f"{file} has no line like {video}___1___0.5___2.25___text; the first one is "
            f"{lines[0]!r}. Get the file again."
        )
    return found, len(lines) - len(found)
