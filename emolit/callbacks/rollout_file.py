"""Rollouts as JSONL on disk: ``<run folder>/rollouts.jsonl``, one clip a line."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from emolit.files.atomic import write_atomically
from emolit.files.json_lines import json_line
from emolit.types import ScoredRollout

FILE = "rollouts.jsonl"


class RolloutFile:
    """Adds the rollouts of a step to a file.

    A line holds ``step corpus clip path question target responses answers rewards totals
    advantages``: G values each from ``responses`` on, in one order; rewards by name; null where an
    answer is unreadable or a reward does not apply. ``path`` is the audio file below the corpus's
    folder.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, step: int) -> int | None:
        """Leave out what a start that failed, or was killed, has written after a step.

        Returns:
            The last step that the file still has; None where it has none.
        """
        if not self.path.exists():
            return None
        with self.path.open(encoding="utf-8", newline="\n") as file:
            whole = (line for line in file if line.endswith("\n"))
            kept = [line for line in whole if json.loads(line)["step"] <= step and step]
        with write_atomically(self.path) as file:
            file.writelines(kept)
        return json.loads(kept[-1])["step"] if kept else None

    def add(self, scored: ScoredRollout, step: int) -> None:
        """Write all clips of a rollout."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.writelines(json_line({"step": step, **row}) for row in rows(scored))


def rows(scored: ScoredRollout) -> Iterator[dict[str, Any]]:
    """Yield what is written of each clip."""
    rollout = scored.rollout
    batch = rollout.batch
    for index, clip in enumerate(batch.clips):
        yield {
            "corpus": clip.corpus,
            "clip": clip.id,
            "path": clip.path,
            "question": batch.questions[index],
            "target": batch.targets[index] if clip.label is None else clip.label,
            "responses": rollout.responses[index],
            "answers": rollout.answers[index],
            "rewards": {name: _values(reward[index]) for name, reward in scored.rewards.items()},
            "totals": _values(scored.total[index]),
            "advantages": _values(scored.advantages[index]),
        }


def _values(row: Tensor) -> list[float | None]:
    """Return a row of numbers, None for NaN. ``[G]``."""
    return [None if math.isnan(value) else value for value in row.tolist()]
