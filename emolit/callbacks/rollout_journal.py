"""Rollouts to read and to hear, in TensorBoard."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.base import tensorboard_writers
from emolit.reporting.tables import number
from emolit.types import Answer, ScoredRollout

SPECIAL = "\\`*_{}[]()<>#+-.!|&~:\"'=^$/@"
"""Characters that Markdown or HTML may take for layout."""


class RolloutJournal(Callback):
    """Writes the first clips of a batch with all their responses every so many steps.

    The text ``rollouts/<i>`` holds clip, question, target, and a table with each response, its
    answer, rewards and advantage; the audio ``rollouts/<i>`` is what the policy heard. It reads
    ``scored`` from what ``training_step`` returns, and is silent where a task has none.

    Args:
        every_n_steps: Optimizer steps between two entries; the first step is always written.
        clips: How many clips of the batch.
    """

    def __init__(self, every_n_steps: int = 50, clips: int = 2) -> None:
        self.every_n_steps = every_n_steps
        self.clips = clips
        self._written: int | None = None

    @override
    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Write the rollout if it is its turn."""
        scored = outputs.get("scored") if isinstance(outputs, Mapping) else None
        if scored is None or not trainer.is_global_zero or not self._due(trainer.global_step):
            return
        self._written = trainer.global_step
        asked = scored.rollout.batch
        for board in tensorboard_writers(trainer):
            for index in range(min(self.clips, len(asked))):
                tag = f"rollouts/{index}"
                board.add_text(tag, page(scored, index), trainer.global_step)
                waveform = asked.waveforms[index].detach().float().cpu().clamp(-1, 1)
                if len(waveform):
                    board.add_audio(tag, waveform[None], trainer.global_step, asked.sampling_rate)

    def _due(self, step: int) -> bool:
        return self._written is None or step - self._written >= self.every_n_steps


def page(scored: ScoredRollout, index: int) -> str:
    """Return the Markdown page of one clip: question, target, responses.

    Args:
        scored: The rollout with its rewards and advantages.
        index: Of the clip in the batch.
    """
    rollout = scored.rollout
    clip = rollout.batch.clips[index]
    names = list(scored.rewards)
    header = ["response", "answer", *names, "total", "advantage"]
    rows = [
        [
            rollout.responses[index][g],
            words(rollout.answers[index][g]),
            *(number(float(scored.rewards[name][index, g])) for name in names),
            number(float(scored.total[index, g])),
            number(float(scored.advantages[index, g])),
        ]
        for g in range(rollout.group_size)
    ]
    lines = [
        f"**clip** {escape(clip.id)} of {escape(clip.corpus)}",
        f"**question** {escape(rollout.batch.questions[index])}",
        f"**target** {escape(clip.label or rollout.batch.targets[index] or 'none')}",
        table(header, rows),
    ]
    return "\n\n".join(lines)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of plain texts."""
    lines = [header, *rows]
    body = ["| " + " | ".join(escape(cell) for cell in line) + " |" for line in lines]
    body.insert(1, "|" + " --- |" * len(header))
    return "\n".join(body)


def escape(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is, on one line.

    Example:
        >>> escape("<b>a|b\nc")
        '&#60;b&#62;a&#124;b⏎c'
    """
    one_line = "⏎".join(text.splitlines())
    return "".join(f"&#{ord(sign)};" if sign in SPECIAL else sign for sign in one_line)


def words(answer: Answer | None) -> str:
    """Return an answer as text; ``unreadable`` for None."""
    if answer is None:
        return "unreadable"
    return answer if isinstance(answer, str) else ", ".join(answer)
