"""CMU-MOSEI: people speak into their cameras about anything, in English; sentiment from -3 to 3.

Layout: ``Audio/Full/WAV_16000/<video>.wav``, cut by ``Transcript/Segmented/Combined/<video>.txt``
with a line a cut, ``<video>___<n>___<start>___<end>___<text>``; or ``Raw/<video>/<n>.mp4``, cut
already, which is preferred. Labels are those of `emolit.corpora.polarity`; a labeled cut that has
neither a line nor a file of its own is reported as missing.

Splits: official, 16,326 / 1871 / 4659 cuts in MERBench's archive, no video in two. Other releases
count 16,265 or 16,322 for training.

License: research, CMU MultiComp. Zadeh et al. 2018, https://aclanthology.org/P18-1208.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import ClassVar, NamedTuple

from emolit.corpora.polarity import Polarity, Rated
from emolit.errors import CorpusError
from emolit.media import Media
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
        for clip in super().read(folder):
            video, _, number = clip.id.rpartition("_")
            cut = cuts(video).get(number)
            if cut is not None and self.subtitles == self.spoken:
                clip = replace(clip, transcript=clip.transcript or cut.text)
            if cut is not None and not (folder / clip.path).is_file():
                path, _ = whole.find(f"{WHOLE}/{video}")
                clip = replace(clip, path=path, start=cut.start, end=cut.end)
            yield clip


def cuts_of(file: Path, video: str) -> dict[str, Cut]:
    """Return the cuts of a video by their number; none where the file is missing.

    Raises:
        CorpusError: A line is not what it should be; names file and line.
    """
    if not file.is_file():
        return {}
    found = {}
    for number, line in enumerate(file.read_text("utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.removeprefix(f"{video}___").split("___", 3)
        try:
            cut, start, end, text = fields
            found[cut.strip()] = Cut(float(start), float(end), text.strip() or None)
        except ValueError as error:
            raise CorpusError(
                f"{file}, line {number}: {line!r} is no line like {video}___1___0.5___2.25___text. "
                "Get the file again."
            ) from error
    return found
