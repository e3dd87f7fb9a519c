"""EmotionTalk: Mandarin dialogs improvised by 19 actors, with labels a modality and captions.

Layout: ``Audio/wav/G00009/G00009_42/G00009_42_14/G00009_42_14_024.wav`` (or another audio
extension): group, dialog, speaker, utterance. Beside it a JSON an utterance in ``Audio/json/``
and, with the labels of all modalities together, in ``Multimodal/json/``: ``emotion_result``,
``content`` (what is said), ``file_name`` or ``file_path``, and in those of the audio also
``sourceAttr``, the captions. In place of the JSONs' labels those of the project's repository are
read where they lie anywhere in the folder: ``audio_label.npz``, ``mm_label.npz``
(`emolit.files.npz`), and ``transcription.csv``, whose own labels are those of the text and not
used.

How ``sourceAttr`` is built is not documented: captions are texts below a key, or beside a value,
that names their kind. Which keys there were is logged; a release in which no caption is found is
refused with them.

Transcripts carry marks. Those of overlapping speech are taken out and the words inside kept;
``[laughing]``, ``[Sobbing]``, ``[crying]``, ``[screaming]``, which would tell the emotion, and
``[interrupted]`` are taken out whole. How many of each is logged.

Splits: official, by group: G00001 and G00012 for validation, G00003 and G00015 for testing.
Training shares no speaker with them, but validation and test share speakers 02 and 13. The default
leaves those out of validation, so that test and training are the official ones;
``splits: official`` serves them too and needs ``speaker_independent: false``.

Raters labeled sound and the whole separately; the labels differ in a third of the utterances.
Reports say which were used.

License: CC BY-NC-SA 4.0, on request. Sun et al. 2025, https://arxiv.org/abs/2505.23018.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.data.emotion_talk_json import NAMES, Kind, UtteranceFiles, marks, remove_marks
from emolit.errors import CorpusError
from emolit.files.disk import below
from emolit.files.media import AUDIO
from emolit.files.npz import read_labels
from emolit.files.table import read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Split

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprise", "disgust", "fear")
"""In the order of their codes in the archives."""
SPELLINGS = {"surprised": "surprise", "disgusted": "disgust", "fearful": "fear"}
GROUPS: dict[str, Split] = {"G00001": "val", "G00012": "val", "G00003": "test", "G00015": "test"}
"""All other groups are for training."""
ARCHIVES = {"audio": "audio_label.npz", "multimodal": "mm_label.npz"}
FOLDERS = {"audio": "Audio", "multimodal": "Multimodal"}
TRANSCRIPTS = "transcription.csv"
Label = tuple[str, float | None]


class EmotionTalk(Corpus):
    """EmotionTalk: 19,250 Mandarin utterances, 19 speakers, 7 emotions, four kinds of captions.

    Args:
        caption: Which captions are the references: ``overall``, ``emotion``, ``style`` or
            ``speaker``; utterances without one are then in no split. None reads none.
        modality: Whose labels: of raters who heard the ``audio`` alone, or ``multimodal``.
        splits: ``speakers`` leaves the test's speakers out of validation; ``official`` does not,
            and needs ``speaker_independent: false``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all seven.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "emotiontalk"
    labels: ClassVar = EMOTIONS
    size: ClassVar = 19_250
    homepage: ClassVar = "https://huggingface.co/datasets/BAAI/Emotiontalk"
    license: ClassVar = "CC BY-NC-SA 4.0, on request"

    def __init__(
        self,
        caption: Kind | None = None,
        modality: Literal["audio", "multimodal"] = "audio",
        splits: Literal["speakers", "official"] = "speakers",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.caption = check_choice(self, "caption", caption, (None, *NAMES))
        self.modality = check_choice(self, "modality", modality, ARCHIVES)
        self.splits = check_choice(self, "splits", splits, ("speakers", "official"))

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the utterances, by name."""
        audio = {
            path.stem: path for path in below(folder, "G*_*_*_*.*") if path.suffix.lower() in AUDIO
        }
        told = UtteranceFiles.below(folder / FOLDERS["audio"] / "json")
        if told.objects:
            rank_zero_info(f"emotiontalk: the keys in {told.folder} are {told.keys()}")
        labels = self._labels(folder, told)
        captions = told.captions(self.caption) if self.caption else {}
        texts = self._texts(folder, told)
        for name, (label, value) in sorted(labels.items()):
            path = audio.get(name, folder / place_of(name))
            yield Clip(
                id=name,
                corpus=self.name,
                path=path.relative_to(folder).as_posix(),
                label=label,
                speaker=name.split("_")[2],
                transcript=texts.get(name),
                captions=captions.get(name, ()),
                sentiment=value,
                dialog="_".join(name.split("_")[:2]),
                turn=float(name.split("_")[3]),
            )

    def _labels(self, folder: Path, told: UtteranceFiles) -> dict[str, Label]:
        """Return the label of each utterance, and its sentiment where it has one."""
        archive = first(folder, ARCHIVES[self.modality])
        if archive is not None:
            return read_archived_labels(archive)
        place = folder / FOLDERS[self.modality] / "json"
        files = told if self.modality == "audio" else UtteranceFiles.below(place)
        if not files.objects:
            raise CorpusError(
                f"No labels of EmotionTalk in {folder}: looked for {place} and for "
                f"{ARCHIVES[self.modality]} at any depth. Set `root` to the folder above, or get "
                f"it from {self.homepage}."
            )
        return {name: (canonical(text, name), None) for name, text in files.emotions().items()}

    def _texts(self, folder: Path, told: UtteranceFiles) -> dict[str, str]:
        """Return what is said, without marks, by the table or by the JSONs."""
        table = first(folder, TRANSCRIPTS)
        rows = [] if table is None else read_table(table, ("name", "chinese"))
        listed = {row.required("name").split("/")[-1]: row.text("chinese") or "" for row in rows}
        texts = listed or told.contents()
        counts = Counter(mark for text in texts.values() for mark in marks(text))
        if counts:
            shown = ", ".join(f"{mark} {count}" for mark, count in counts.most_common())
            rank_zero_info(f"emotiontalk: marks taken out of the transcripts: {shown}")
        plain = {name: remove_marks(text) for name, text in texts.items()}
        return {name: text for name, text in plain.items() if text}

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their group."""
        placed = [replace(clip, split=split_of(clip.id)) for clip in clips]
        tested = {clip.speaker for clip in placed if clip.split == "test"}
        return [
            replace(clip, split=None)
            if self._mute(clip) or (self.splits == "speakers" and _heard(clip, tested))
            else clip
            for clip in placed
        ]

    def _mute(self, clip: Clip) -> bool:
        """Tell whether captions are wanted and the clip has none."""
        return self.caption is not None and not clip.captions

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say whose labels and which captions were used, and what validation shares."""
        notes = [f"labels: {self.modality}"]
        if self.caption:
            notes.append(f"captions: {self.caption}")
        if self.splits == "official":
            notes.append("validation and test share speakers 02 and 13")
        return tuple(notes)


def _heard(clip: Clip, tested: set[str | None]) -> bool:
    """Tell whether a clip would choose a checkpoint on a speaker of the test."""
    return clip.split == "val" and clip.speaker in tested


def split_of(name: str) -> Split:
    """Return the official split of an utterance.

    Example:
        >>> [split_of(f"{group}_45_13_004") for group in ("G00012", "G00003", "G00009")]
        ['val', 'test', 'train']
    """
    return GROUPS.get(name.split("_")[0], "train")


def place_of(name: str) -> str:
    """Return where the release has the audio of an utterance.

    Example:
        >>> place_of("G00009_42_14_024")
        'Audio/wav/G00009/G00009_42/G00009_42_14/G00009_42_14_024.wav'
    """
    group, dialog, speaker, _ = name.split("_")
    path = f"{group}/{group}_{dialog}/{group}_{dialog}_{speaker}"
    return f"Audio/wav/{path}/{name}.wav"


def first(folder: Path, name: str) -> Path | None:
    """Return a file of that name in a folder or below, the same one each time."""
    return min(below(folder, name), default=None)


def canonical(text: str, name: str) -> str:
    """Return the common name of a label.

    Raises:
        CorpusError: It is none of the seven.
    """
    label = SPELLINGS.get(text.strip().lower(), text.strip().lower())
    if label not in EMOTIONS:
        raise CorpusError(
            f"The emotion of the utterance {name!r} of EmotionTalk is {text!r}, none of "
            f"{list(EMOTIONS)}. Get the release again."
        )
    return label


def read_archived_labels(path: Path) -> dict[str, Label]:
    """Return the labels of an archive, whose parts must be the official splits.

    Raises:
        CorpusError: They are not, or a code is unknown.
    """
    found: dict[str, Label] = {}
    for part, labels in read_labels(path).items():
        for name, (code, value) in labels.items():
            if name.count("_") != 3 or split_of(name) != part or code not in range(len(EMOTIONS)):
                raise CorpusError(
                    f"{path} has {name!r} with the emotion {code!r} in its {part} part; expected "
                    "group_dialog_speaker_utterance of that part, and a code from 0 to 6. Get "
                    "the file again."
                )
            found[name] = EMOTIONS[int(code)], value
    return found
