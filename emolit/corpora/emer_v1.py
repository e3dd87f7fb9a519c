"""EMER, first version: why people in 100 Chinese clips feel what they feel, and one emotion each.

Layout, in the corpus folder, at any depth: ``gt-eng.csv`` and ``gt-chi.csv``, the same clips in two
languages, ``names,emotions,subtitles,reasons``; nobody is neutral. The recordings, the reasons as
text alone, the folds and the license are as in `emolit.corpora.emer`, the second version. Of the
100 clips 39 are in both: what was trained on one version must not be tested on the other.

Lian et al. 2023, https://arxiv.org/abs/2306.15401.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from emolit.corpora.emer import Emer
from emolit.files.media import Media
from emolit.files.table import Row, by_name
from emolit.types import Clip

TABLES = {"english": "gt-eng.csv", "chinese": "gt-chi.csv"}
EMOTIONS = {
    "angry": "angry", "happy": "happy", "sad": "sad", "surprise": "surprise", "worried": "worried",
    "生气": "angry", "高兴": "happy", "悲伤": "sad", "惊讶": "surprise", "担忧": "worried",
}  # fmt: skip


class EmerV1(Emer):
    """EMER, first version: 100 clips of film and television with reasons and one of 5 emotions.

    Args:
        source: ``clips`` serves recordings; ``reasons`` serves the reasons as text alone, without
            audio, for the policy `TextOnly`.
        subtitles: Language of reasons and transcripts; what is said is Chinese.
        fold: Which fifth of the clips is tested, 1 to 5.
        recordings: Folder of the recordings, relative to ``root``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all five.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows the folds: nobody says who speaks.
    """

    name = "emer_v1"
    folder = "emer"
    labels: ClassVar = tuple(dict.fromkeys(EMOTIONS.values()))
    size: ClassVar = 100
    expected: ClassVar = {"angry": 36, "happy": 32, "sad": 11, "surprise": 4, "worried": 17}

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the table."""
        table = self._find(folder, TABLES[self.subtitles])
        media = Media(folder / self.place, (".",))
        for name, row in by_name(table, ("emotions", "subtitles", "reasons"), "names").items():
            clip = Clip(
                id=name,
                corpus=self.name,
                path="",
                label=emotion_of(row),
                transcript=row.text("subtitles" if self.source == "clips" else "reasons"),
                reason=row.required("reasons"),
            )
            yield clip if self.source == "reasons" else self._with_recording(clip, media)


def emotion_of(row: Row) -> str:
    """Return the emotion of a row.

    Raises:
        CorpusError: It is unknown.
    """
    emotion = row.required("emotions")
    if emotion not in EMOTIONS:
        raise row.error(
            f"the emotion {emotion!r} is none of {', '.join(EMOTIONS)}", "Get the table again."
        )
    return EMOTIONS[emotion]
