"""What a trainer does besides while recordings are asked about: keep answers, tell the speed."""

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from typing_extensions import override

from emolit.files.json_lines import json_line
from emolit.inference.answer import Segment, segments_of
from emolit.inference.part_files import Line, PartFiles
from emolit.prompts import Prompt
from emolit.types import Evaluation


class AnswerWriter(Callback):
    """Appends the answers to each batch to the part file of its process.

    Args:
        parts: The files.
        prompt: Finds what was thought in a response.
    """

    def __init__(self, parts: PartFiles, prompt: Prompt) -> None:
        self.parts = parts
        self.prompt = prompt
        self._file: Any = None

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the file."""
        self._file = self.parts.open(trainer.global_rank)

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
        """Append a line a window."""
        evaluation: Evaluation = outputs
        found = segments_of(evaluation, self.prompt.reason)
        for clip, segment in zip(evaluation.batch.clips, found, strict=True):
            self._file.write(json_line(line_of(clip.id, segment)).encode())
        self._file.flush()

    @override
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close the file, and wait for the others."""
        self._file.close()
        trainer.strategy.barrier("emolit_answers")

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Close the file; it stays for the run that goes on."""
        if self._file is not None:
            self._file.close()


def line_of(window: str, segment: Segment) -> Line:
    """Return what is kept of a window."""
    return {
        "window": window,
        "start": segment.start,
        "end": segment.end,
        "response": segment.response,
        "answer": segment.answer,
        "probabilities": dict(segment.probabilities),
        "reason": segment.reason,
    }


def segment_of(line: Line) -> Segment:
    """Return what a line says of its window."""
    answer = line["answer"]
    return Segment(
        start=line["start"],
        end=line["end"],
        response=line["response"],
        answer=tuple(answer) if isinstance(answer, list) else answer,
        probabilities=line["probabilities"],
        reason=line["reason"],
    )


class SpeedBar(TQDMProgressBar):
    """Lightning's bar, with the seconds of sound heard a second."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = 0.0
        self._since = 0.0

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        super().on_predict_start(trainer, pl_module)
        self._heard, self._since = 0.0, time.perf_counter()

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
        """Show the speed."""
        samples = sum(len(waveform) for waveform in batch.waveforms)
        self._heard += samples / batch.sampling_rate * trainer.world_size
        speed = self._heard / (time.perf_counter() - self._since)
        self.predict_progress_bar.set_postfix_str(f"{speed:.1f}x real time")
        super().on_predict_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)
