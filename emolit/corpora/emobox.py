"""Any corpus that EmoBox lists: its folds and labels, with audio out of the corpus's own release.

Layout: the audio in ``root/<dataset>``, EmoBox's ``data`` folder at ``lists``
(``emolit.data.emobox_folds`` says what stands in it). A listed path begins in EmoBox's own folders,
and ``prefixes`` says what those are here. Where the listed file is missing, the same stem with
another audio extension (``.flac`` for ``.wav``) is taken. Every listed clip is served or reported.

Splits: EmoBox's lists. Those of cremad, emodb, tess, turevdb, ased and urdu, and of others,
share speakers between training and test: that must be allowed by ``speaker_independent: false``
and stands in every report. Validation is the list where there is one (meld, m3ed, msppodcast);
otherwise it is held out of training by speaker, and recorded.

Labels: EmoBox's common names in lower case. ``other``, ``unknown`` and ``no-agreement`` are
dropped and counted unless ``labels`` names them.

License: that of each corpus; the lists say MIT. Ma et al. 2024, https://arxiv.org/abs/2406.07162.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from glob import escape
from pathlib import Path, PurePosixPath
from typing import ClassVar

from lightning.pytorch.utilities import rank_zero_info

from emolit.affect.taxonomy import CANONICAL, Taxonomy, check_map, in_order, merge
from emolit.corpora.base import ROOT, Corpus
from emolit.data.dataset import LoaderSettings
from emolit.data.emobox_folds import FoldLists, ListedClip, assign_splits
from emolit.errors import CorpusError
from emolit.files.disk import compose_accents, find_spelling
from emolit.files.media import Media
from emolit.prompts import Prompt
from emolit.types import Clip

SPEAKERS = {
    "ased": r"(\d+)$",
    "cremad": r"^(\d{4})-",
    "emodb": r"^(\d\d)",
    "esd": r"^(\d{4})-",
    "iemocap": r"^(Ses\d\d)[FM].*_([FM])[^_]*$",
    "ravdess": r"-(\d\d)$",
    "savee": r"^([A-Z]{2})-",
    "tess": r"^([OY]AF)-",
    "turevdb": r"^(\d+)_",
    "urdu": r"^(S[MF]\d+)_",
}
"""Where the speaker stands in a clip's id; IEMOCAP's is the session and the letter at the end."""
UNSAID = frozenset({"no-agreement", "other", "unknown"})
"""Common names that are no feeling."""


class EmoBox(Corpus):
    """A corpus as EmoBox lists it.

    Args:
        dataset: EmoBox's name of the corpus, for example savee; also its folder below ``root``.
        fold: EmoBox's fold, from 1 on.
        lists: EmoBox's ``data`` folder, relative to ``root``, or absolute.
        prefixes: Beginning of listed paths to the folder that stands for it, relative to the
            corpus folder; the longest that fits is taken. None is ``{downloads/<dataset>/: ""}``.
        speaker: Regular expression that finds the speaker in a clip's id (the key without the
            dataset); its groups are joined. None takes the one known for the dataset, if any.
        test_list: Which list is the test, for example ``test2`` of mer2023.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all that the label map knows.
        label_map: Renames EmoBox's common names before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    homepage: ClassVar = "its provider (the lists: https://github.com/emo-box/EmoBox)"
    license: ClassVar = "that of the corpus"

    def __init__(
        self,
        dataset: str,
        fold: int = 1,
        lists: str = "emobox",
        prefixes: dict[str, str] | None = None,
        speaker: str | None = None,
        test_list: str = "test",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.name = dataset
        self.fold = fold
        self.lists = lists
        self.prefixes = {f"downloads/{dataset}/": ""} if prefixes is None else dict(prefixes)
        self.speaker = SPEAKERS.get(dataset) if speaker is None else speaker
        self.test_list = test_list

    @cached_property
    def folds(self) -> FoldLists:
        """The label map and the lists; looked for when they are needed."""
        return FoldLists(Path(self.root) / self.lists, self.name, self.test_list)

    @property
    def emobox_fold(self) -> int | None:
        """The fold, unless another test list is taken."""
        return self.fold if self.test_list == "test" else None

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The labels given, or those of the label map that are feelings."""
        if self.requested_labels is not None:
            return Taxonomy(tuple(self.requested_labels))
        own = set(self.folds.names.values()) - UNSAID
        return Taxonomy(in_order(merge(label, self.label_map) for label in own))

    def ensure_release(self) -> None:
        """Make sure that there are audio and lists of this fold."""
        super().ensure_release()
        self.folds.check(self.fold)
        check_map(self.name, in_order(self.folds.names.values()), self.label_map)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips of all folds, in the order of the lists."""
        names = {merge(name, self.label_map) for name in self.folds.names.values()}
        if unusual := sorted(names - UNSAID - set(CANONICAL)):
            rank_zero_info(
                f"{self.name}: the label map has {unusual}, names that no other corpus has; "
                "`label_map` renames them"
            )
        found = 0
        media = cache(lambda place: Media(folder, (place,)))  # of a folder, as far as it is needed
        for row in self.folds.rows():
            listed = self._local(row)
            path = find_spelling(folder, listed)
            if path is None:
                path = _twin(folder, listed, media)
            found += path is not None
            yield self._clip(row, path or listed)
        if not found:
            raise CorpusError(
                f"None of the files that EmoBox lists for {self.name!r} is in {folder}: the last "
                f"one looked for is {folder / listed}, listed as {row.path}. Set `root` to the "
                f"folder above, or `prefixes`, which is {self.prefixes}, to what differs."
            )

    def _local(self, row: ListedClip) -> str:
        fitting = [prefix for prefix in self.prefixes if row.path.startswith(prefix)]
        if not fitting:
            raise CorpusError(
                f"The listed path {row.path} of {self.name!r} begins with none of `prefixes`, "
                f"{[*self.prefixes]}. Add its beginning."
            )
        prefix = max(fitting, key=len)
        return PurePosixPath(self.prefixes[prefix], row.path.removeprefix(prefix)).as_posix()

    def _clip(self, row: ListedClip, path: str) -> Clip:
        return Clip(
            id=row.id,
            corpus=self.name,
            path=path,
            label=row.label,
            speaker=self._speaker(row.id),
            start=row.start,
            end=row.end,
        )

    def _speaker(self, name: str) -> str | None:
        if self.speaker is None:
            return None
        found = re.search(self.speaker, name)
        if found is None:
            raise CorpusError(
                f"The id {name!r} of {self.name!r} does not tell its speaker by the pattern "
                f"{self.speaker!r}. Set `speaker` to one that does."
            )
        return "".join(found.groups()) or found.group()

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of this fold's lists."""
        return assign_splits(clips, self.folds.splits(self.fold, lambda row: row.id), self.folds)

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say where the validation clips come from."""
        return (f"EmoBox's fold {self.fold}", self.folds.note(self.fold, clips))


def _twin(folder: Path, listed: str, media: Callable[[str], Media]) -> str | None:
    """Return the file that is named as the listed one but for its extension."""
    at = PurePosixPath(listed)
    place = find_spelling(folder, str(at.parent))
    if place is None:
        return None
    return media(escape(place)).audio.get(compose_accents(PurePosixPath(place, at.stem).as_posix()))
