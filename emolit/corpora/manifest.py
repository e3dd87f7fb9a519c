"""A user's own clips, listed in a CSV, TSV or JSONL file.

Layout: a row a clip, with ``path`` and at least one truth, ``label``, ``caption``, ``openset`` or
``valence``; `emolit.data.manifest_rows` names all columns, and ``columns`` says what others they
have. Paths are relative to the file's own folder, with forward slashes. Splits and columns that are
not used: `emolit.corpora.listed`.
"""

from pathlib import Path

from emolit.corpora.base import ROOT
from emolit.corpora.listed import Listed, log_name
from emolit.data.attribute_columns import AttributeColumn
from emolit.data.column_names import check_columns, rename_columns
from emolit.data.dataset import LoaderSettings
from emolit.data.manifest_rows import lexical
from emolit.files.table import Row, read_table
from emolit.prompts import Prompt


class Manifest(Listed):
    """The clips that a CSV, TSV or JSONL file lists.

    Args:
        path: The file, relative to ``root``, or absolute.
        name: Name in log keys; None takes the file's name.
        columns: Columns of the file that have other names, emolit's name first, for example
            ``{path: wav, label: emo}``; null says that none is meant.
        attributes: Ratings by name, each with its scale and, where it is called otherwise, its
            column, for example ``{valence: {low: 1, high: 5, column: V}}``.
        root: Parent folder of all corpora. The audio must lie below it, or below the manifest's
            own folder where that lies elsewhere.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes the labels of the file, after
            ``label_map``.
        label_map: What the file's labels mean, in any case, for example ``{Wut: angry}``; some row
            must have each.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    def __init__(
        self,
        path: str,
        name: str | None = None,
        columns: dict[str, str | None] | None = None,
        attributes: dict[str, AttributeColumn] | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.path = path
        self.name = name or log_name(path, "manifest")
        self.columns = dict(columns or {})
        self.attributes = dict(attributes or {})
        check_columns(self.columns, self.name)

    @property
    def source(self) -> Path:
        """The manifest."""
        return Path(self.root) / Path(self.path).expanduser()

    @property
    def location(self) -> Path:
        """What paths of clips are relative to: the root, if the manifest lies below it."""
        root = Path(self.root)
        return root if lexical(self.source).is_relative_to(lexical(root)) else self.source.parent

    def read_rows(self) -> list[Row]:
        """Return the rows of the file.

        Raises:
            CorpusError: It is no table, or has no column of paths.
            ConfigError: ``columns`` takes what it does not have.
        """
        rows = read_table(self.source, (self.columns.get("path") or "path",))
        return rename_columns(rows, self.columns, self.name)
