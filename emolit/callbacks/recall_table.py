"""Recall of each label over the training, as a table: what is learned, and what is lost."""

import csv
import io
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.base import rehearsal
from emolit.files.atomic import write_atomically
from emolit.reporting.tables import ScoreTable, number

FILE = "recall.csv"
KEY = "/recall/"
"""In the log keys of a label's recall: ``val/<corpus>/recall/<label>``."""
Row = dict[str, Any]


class RecallTable(Callback):
    """Writes ``fit/recall.csv`` in the run's folder: a row a validation and corpus.

    At the end the terminal shows the first validation, the last, and what lies between them. A
    resumed run goes on with its table. Evaluators without labels log no recall; then nothing is
    written.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []

    @override
    def state_dict(self) -> dict[str, Any]:
        """Keep the rows over a resume."""
        return {"rows": [row.copy() for row in self.rows]}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the rows of the parts before."""
        self.rows = [row.copy() for row in state_dict["rows"]]

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add a row for each corpus, and write the file anew."""
        if trainer.sanity_checking or rehearsal(trainer):
            return
        found: dict[str, Row] = {}
        for key, value in trainer.callback_metrics.items():
            corpus, split, label = key.removeprefix("val/").partition(KEY)
            if key.startswith("val/") and split:
                row = {"step": trainer.global_step, "corpus": corpus}
                found.setdefault(corpus, row)[label] = round(float(value), 6)
        again = [row for row in self.rows if row["step"] != trainer.global_step]
        self.rows = [*again, *found.values()]
        if self.rows and trainer.is_global_zero:
            with write_atomically(Path(trainer.default_root_dir) / "fit" / FILE) as file:
                file.write(as_csv(self.rows))

    @override
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show how recall has changed."""
        if trainer.is_global_zero and not rehearsal(trainer):
            for table in changes(self.rows):
                table.show()


def as_csv(rows: list[Row]) -> str:
    """Return rows as CSV; labels that a corpus lacks are empty."""
    text = io.StringIO()
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(text, [*names], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def changes(rows: list[Row]) -> list[ScoreTable]:
    """Return a table a corpus: each label's recall at the first and the last validation.

    Example:
        >>> first = {"corpus": "mine", "step": 0, "sad": 0.5}
        >>> changes([first, {"corpus": "mine", "step": 9, "sad": 0.75}])[0].rows
        (('sad', '0.500', '0.750', '+0.250'),)
    """
    tables = []
    for corpus in dict.fromkeys(row["corpus"] for row in rows):
        mine = [row for row in rows if row["corpus"] == corpus]
        first, last = mine[0], mine[-1]
        labels = [name for name in first if name not in ("step", "corpus")]
        told = tuple(
            (label, number(first[label]), number(last[label]), f"{last[label] - first[label]:+.3f}")
            for label in labels
        )
        header = ("label", f"step {first['step']}", f"step {last['step']}", "change")
        tables.append(ScoreTable(f"recall on validation, {corpus}", header, told))
    return tables
