"""EmoBox's folds: which clips are for training and which for testing, as its lists have it.

Layout of its ``data`` folder: ``<dataset>/label_map.json`` (emovo: ``label_dict.json``) and
``<dataset>/fold_<k>/<dataset>_{train,valid,test}_fold_<k>.jsonl``, k from 1, with rows like
``{"key": "savee-JE-n23", "wav": "downloads/savee/JE_n23.wav", "emo": "n", …}``, optionally with
``start_time`` and ``end_time`` in seconds.

Understood besides: old twins of lists (``…_fold1.jsonl``, or ``audio`` and ``label`` in place of
``wav`` and ``emo``), read where the usual name is missing; keys that end in the extension of
their file; labels that the map writes in other case. A missing training list is the union of the
test lists of the other folds. Deviation: EmoBox cuts validation clips out of training at random;
`with_validation` holds out speakers. Source: https://arxiv.org/abs/2406.07162.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path, PurePosixPath

from emolit.data.census import shorten
from emolit.errors import ConfigError, CorpusError
from emolit.files.disk import json_of
from emolit.files.table import Row, read_table
from emolit.types import Clip, Split

PARTS: dict[str, Split] = {"train": "train", "valid": "val", "test": "test"}
COMMON = {
    "anger": "angry", "angray": "angry", "disgusted": "disgust", "joy": "happy", "sadness": "sad",
    "superise": "surprise", "surprised": "surprise",
}  # fmt: skip
"""Names in older copies of the label maps (enterface, mead, oreau) to the common names of today."""
FEWEST = 3
"""With fewer speakers in training none is held out."""


@dataclass(frozen=True)
class ListedClip:
    """A row of a list.

    Attributes:
        id: Its key without the name of the dataset and without an extension.
        path: Audio file as listed.
        label: Common name in lower case.
        start: Where the clip begins in the file, in seconds.
        end: Where it ends there, in seconds; None is the end of the file.
    """

    id: str
    path: str
    label: str
    start: float
    end: float | None

    @property
    def stem(self) -> str:
        """Name of the audio file without folder and extension."""
        return PurePosixPath(self.path).stem


@dataclass(frozen=True)
class FoldLists:
    """The label map and the lists of one corpus.

    Attributes:
        data: EmoBox's ``data`` folder.
        dataset: EmoBox's name of the corpus.
        test_list: Which list is the test: ``test``, for mer2023 also ``test1`` to ``test3``.
    """

    data: Path
    dataset: str
    test_list: str = "test"

    @property
    def folder(self) -> Path:
        """Where they stand."""
        return self.data / self.dataset

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Raw label to common name in lower case.

        Raises:
            CorpusError: There is no label map, or it is not an object of texts.
        """
        files = [self.folder / name for name in ("label_map.json", "label_dict.json")]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            raise CorpusError(
                f"EmoBox's label map is missing: looked for {files[0]}. Set `lists` to the folder "
                "`data` of https://github.com/emo-box/EmoBox, and `dataset` to a folder in it."
            )
        content = json_of(found)
        texts = content.values() if isinstance(content, dict) else [content]
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise CorpusError(
                f"EmoBox's label map {found} has {shorten([repr(w) for w in wrong])}; it should "
                "be an object of texts, each label to its common name. Get it again."
            )
        return {raw: COMMON.get(name.lower(), name.lower()) for raw, name in content.items()}

    @cached_property
    def _read_folds(self) -> Mapping[str, str]:
        return {raw.casefold(): name for raw, name in self.names.items()}

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The folds that have a test list."""
        tails = (path.name.removeprefix("fold_") for path in self.folder.glob("fold_*"))
        return tuple(k for k in sorted(map(int, filter(str.isdigit, tails))) if self._file(k))

    def check(self, fold: int) -> None:
        """Refuse a fold that does not exist.

        Raises:
            ConfigError: Names the folds that do.
            CorpusError: There is not even a label map.
        """
        if self.names and fold not in self.numbers:
            raise ConfigError(
                f"`fold` of {self.dataset!r} is {fold}; {self.folder} has test lists of the folds "
                f"{list(self.numbers)}: looked for {self._usual(fold, self.test_list)}."
            )

    def files(self) -> list[Path]:
        """Return the lists of all folds."""
        parts = ("train", "valid", self.test_list)
        found = (self._file(fold, part) for fold in self.numbers for part in parts)
        return [file for file in found if file]

    def note(self, fold: int, clips: Iterable[Clip]) -> str:
        """Say where the validation clips of a fold come from."""
        speakers = {clip.speaker for clip in clips if clip.split == "val"}
        if self._file(fold, "valid"):
            return f"validation is EmoBox's list of fold {fold}"
        if not speakers:
            return f"no validation part: EmoBox has none, training under {FEWEST} speakers"
        if None in speakers:
            return "validation is drawn out of EmoBox's training part, clip by clip"
        names = ", ".join(sorted(filter(None, speakers)))
        return f"validation is held out of EmoBox's training part: speakers {names}"

    def rows(self) -> tuple[ListedClip, ...]:
        """Return every listed clip once.

        Raises:
            CorpusError: Two lists say different things of one clip.
        """
        found: dict[str, ListedClip] = {}
        for row in chain.from_iterable(self._read(file) for file in self.files()):
            if found.setdefault(row.id, row) != row:
                raise CorpusError(
                    f"The lists in {self.folder} describe {row.id!r} in two ways: "
                    f"{found[row.id]} and {row}. Get the lists again."
                )
        return tuple(found.values())

    def splits(self, fold: int, key: Callable[[ListedClip], str]) -> dict[str, Split]:
        """Return the split of every clip listed in a fold, by a name of it.

        Raises:
            CorpusError: A list is not what it should be, or a clip stands in two.
        """
        self.check(fold)
        found: dict[str, Split] = {}
        for part, split in PARTS.items():
            for row in self._part(fold, part):
                if found.setdefault(key(row), split) != split:
                    raise CorpusError(
                        f"Fold {fold} of {self.folder} lists {row.id!r} for {found[key(row)]} and "
                        f"for {split}. Get the lists again."
                    )
        return found

    def _part(self, fold: int, part: str) -> Iterator[ListedClip]:
        file = self._file(fold, self.test_list if part == "test" else part)
        if file:
            yield from self._read(file)
        elif part == "train":
            for other in self.numbers:
                yield from self._part(other, "test") if other != fold else ()

    def _file(self, fold: int, part: str | None = None) -> Path | None:
        usual = self._usual(fold, part or self.test_list)
        twin = usual.with_name(usual.name.replace(f"_fold_{fold}.", f"_fold{fold}."))
        return next((file for file in (usual, twin) if file.is_file()), None)

    def _usual(self, fold: int, part: str) -> Path:
        return self.folder / f"fold_{fold}" / f"{self.dataset}_{part}_fold_{fold}.jsonl"

    def _read(self, file: Path) -> Iterator[ListedClip]:
        for row in read_table(file, ("key",)):
            path = row.text("wav") or row.required("audio")
            name = row.required("key").removeprefix(f"{self.dataset}-")
            yield ListedClip(
                id=name.removesuffix(PurePosixPath(path).suffix),
                path=path,
                label=self._label(row),
                start=row.decimal("start_time") or 0.0,
                end=row.decimal("end_time"),
            )

    def _label(self, row: Row) -> str:
        raw = row.text("emo") or row.required("label")
        found = self.names.get(raw) or self._read_folds.get(raw.casefold())
        if found is None:
            raise row.error(
                f"the label {raw!r} is not in the label map, which has {[*self.names]}",
                "Add it to label_map.json.",
            )
        return found


def assign_splits(
    clips: Sequence[Clip], splits: Mapping[str, Split], lists: FoldLists
) -> list[Clip]:
    """Return the clips with their listed split; validation is cut from training if not listed.

    Args:
        clips: Of the whole release.
        splits: Clip id to split.
        lists: Where the splits come from.

    Raises:
        CorpusError: A listed clip is not among them.
    """
    missing = sorted(splits.keys() - {clip.id for clip in clips})
    if missing:
        raise CorpusError(
            f"{len(missing)} of {len(splits)} clips that {lists.folder} lists are not in the "
            f"release: {shorten(missing, ', ')}. Get the release again."
        )
    found = [replace(clip, split=splits.get(clip.id)) for clip in clips]
    return found if "val" in splits.values() else with_validation(found)


def with_validation(clips: Sequence[Clip]) -> list[Clip]:
    """Move the training clips of some speakers to validation.

    Speakers come in the order of a hash of their names until a tenth of the training clips is
    held out. Where a speaker is unknown the same is done with single clips. Where training has
    fewer than three speakers there is no validation part.
    """
    train = [clip for clip in clips if clip.split == "train"]
    named = all(clip.speaker for clip in train)
    unit = {clip.id: (clip.speaker or "") if named else clip.id for clip in train}
    sizes = Counter(unit.values())
    order = sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest())
    held: set[str] = set()
    while len(order) >= FEWEST and 10 * sum(sizes[name] for name in held) < len(train):
        held.add(order[len(held)])
    return [replace(clip, split="val") if unit.get(clip.id) in held else clip for clip in clips]
