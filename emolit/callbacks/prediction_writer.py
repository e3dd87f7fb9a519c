"""Predictions as JSONL, one clip a line, from which every score can be computed again."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.base import rehearsal
from emolit.errors import ConfigError
from emolit.files.atomic import write_atomically
from emolit.files.folder_lock import hold, release
from emolit.files.json_lines import json_line
from emolit.types import Evaluation


class PredictionWriter(Callback):
    """Writes ``<default_root_dir>/<stage>/predictions-<corpus>.jsonl`` in test and predict.

    A line holds ``id corpus speaker target response answer rewards``: who speaks (null where
    unknown), the clip's label (the wanted reply where it has none), the whole response, the parsed
    answer (null when unreadable), and each reward by name (null where it does not apply); also
    ``words``, ``sentiment``, ``captions`` and ``attributes`` of the clip where it has them, and
    ``probabilities`` where the evaluator has a ``confidence``: by its name, each option's share.
    Lines are sorted by id, one a clip. Each process writes a part as it goes; at the end the first
    one merges them, so a file is whole or absent.
    """

    def __init__(self) -> None:
        self._file: TextIO | None = None

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open this process's part."""
        self._open(trainer, "test")

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open this process's part."""
        self._open(trainer, "predict")

    @override
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the batch's lines."""
        self._write(outputs)

    @override
    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the batch's lines."""
        self._write(outputs)

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Merge the parts."""
        self._merge(trainer, "test")

    @override
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Merge the parts."""
        self._merge(trainer, "predict")

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Close the part of a run that breaks; it stays for whoever wants it."""
        if self._file is not None:
            release(Path(self._file.name).parent)
        self._close()

    def _open(self, trainer: Trainer, stage: str) -> None:
        if rehearsal(trainer):
            return
        folder = _folder(trainer, stage)
        holder = hold(folder) if trainer.is_global_zero else None
        if holder is not None:
            raise ConfigError(
                f"The predictions of a {stage} are being written to {folder} by {holder}; give "
                "another `--trainer.default_root_dir`, or wait for its end."
            )
        path = part_file(folder, trainer.global_rank)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def _write(self, evaluation: Evaluation) -> None:
        if self._file is None:  # a rehearsal
            return
        for index in range(len(evaluation.batch)):
            self._file.write(json_line(prediction(evaluation, index)))

    def _merge(self, trainer: Trainer, stage: str) -> None:
        if rehearsal(trainer):
            return
        self._close()
        trainer.strategy.barrier()
        if trainer.is_global_zero:
            join_parts(_folder(trainer, stage), trainer.world_size)
            release(_folder(trainer, stage))
        trainer.strategy.barrier()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def part_file(folder: Path, rank: int) -> Path:
    """Return the file in which a process writes as it goes."""
    return folder / f".predictions.rank{rank}.part"


def prediction(evaluation: Evaluation, index: int) -> dict[str, Any]:
    """Return what is written of one clip."""
    clip = evaluation.batch.clips[index]
    wanted = evaluation.batch.targets[index]
    truths = {
        "words": clip.words or None,
        "sentiment": clip.sentiment,
        "captions": clip.captions or None,
        "attributes": {name: asdict(its) for name, its in clip.attributes.items()} or None,
    }
    return {
        "id": clip.id,
        "corpus": clip.corpus,
        "speaker": clip.speaker,
        "target": wanted if clip.label is None else clip.label,
        "response": evaluation.responses[index],
        "answer": evaluation.answers[index],
        "rewards": {name: values[index] for name, values in evaluation.rewards.items()},
        **{name: truth for name, truth in truths.items() if truth is not None},
        **({"probabilities": spreads} if (spreads := spread(evaluation, index)) else {}),
    }


def spread(evaluation: Evaluation, index: int) -> dict[str, dict[str, float]]:
    """Return each confidence's distribution over the options of one clip, by names."""
    options = evaluation.batch.options
    return {
        name: dict(zip(options, rows[index].tolist(), strict=True))
        for name, rows in evaluation.probabilities.items()
    }


def join_parts(folder: Path, world_size: int) -> None:
    """Make one file a corpus out of all parts: sorted by id, each clip once; remove the parts.

    A sampler that pads the last batches repeats clips; the first of equal ids is kept.
    """
    parts = [part_file(folder, rank) for rank in range(world_size)]
    lines: dict[str, dict[str, str]] = {}
    for path in parts:
        with path.open(encoding="utf-8", newline="\n") as file:
            for line in file:
                row = json.loads(line)
                lines.setdefault(row["corpus"], {}).setdefault(row["id"], line)
    for corpus, by_id in lines.items():
        with write_atomically(folder / f"predictions-{corpus}.jsonl") as file:
            file.writelines(by_id[name] for name in sorted(by_id))
    for path in parts:
        path.unlink()


def _folder(trainer: Trainer, stage: str) -> Path:
    return Path(trainer.default_root_dir) / stage
