"""Rollouts and answers to read and to hear."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.base import rehearsal
from emolit.callbacks.media import media
from emolit.callbacks.rollout_file import FILE, RolloutFile
from emolit.reporting.tables import number
from emolit.text.markdown import escape
from emolit.types import Answer, Evaluation, ScoredRollout

ANSWERS = 8
"""How many answers of a validation are shown."""


class RolloutJournal(Callback):
    """Writes rollouts every so many steps, and the first answers of each validation.

    The text ``rollouts/<i>`` holds clip, question, target, and a table with each response, its
    answer, rewards and advantage; the sound ``rollouts/<i>`` of the same step is what the policy
    heard. The file ``<default_root_dir>/rollouts.jsonl`` holds all clips of these steps (see
    `emolit.callbacks.rollout_file`). It reads ``scored`` from what ``training_step`` returns, in
    the first process; a task without rollouts has only the text ``val/<corpus>/answers``.

    Args:
        every_n_steps: Optimizer steps between two entries; the first step is always written.
        clips: How many clips of the batch are shown.
        console: Whether the first of them is printed, too.
    """

    def __init__(self, every_n_steps: int = 50, clips: int = 2, console: bool = False) -> None:
        self.every_n_steps = every_n_steps
        self.clips = clips
        self.console = console
        self._written: int | None = None

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let the file end where the run goes on."""
        if trainer.is_global_zero and not rehearsal(trainer):
            self._written = rollout_file(trainer).begin(trainer.global_step)

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
        step = trainer.global_step
        if scored is None or not trainer.is_global_zero or not self._due(step):
            return
        self._written = step
        for index in range(min(self.clips, len(scored.rollout.batch))):
            self._show(trainer, scored, index)
        if self.console:
            pl_module.print(sample(scored, 0, step))
        if not rehearsal(trainer):
            rollout_file(trainer).add(scored, step)

    def _show(self, trainer: Trainer, scored: ScoredRollout, index: int) -> None:
        """Log a clip: its page, and its sound under the same tag and step."""
        asked, tag, step = scored.rollout.batch, f"rollouts/{index}", trainer.global_step
        waveform = asked.waveforms[index].detach().float().cpu().clamp(-1, 1)
        sound = f"**sound** under Audio: {escape(tag)}, step {step}" if len(waveform) else ""
        for shown in media(trainer):
            shown.add_text(tag, f"{page(scored, index)}\n\n{sound}", step)
            if len(waveform):
                shown.add_sound(tag, waveform, asked.sampling_rate, step)

    @override
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Write the first answers of each corpus."""
        first = batch_idx == 0 and not trainer.sanity_checking and trainer.is_global_zero
        if not first or not isinstance(outputs, Evaluation):
            return
        for corpus in dict.fromkeys(clip.corpus for clip in outputs.batch.clips):
            text = answers(outputs, corpus)
            for shown in media(trainer):
                shown.add_text(f"val/{corpus}/answers", text, trainer.global_step)

    def _due(self, step: int) -> bool:
        return self._written is None or step - self._written >= self.every_n_steps


def rollout_file(trainer: Trainer) -> RolloutFile:
    """Return the file of a run."""
    return RolloutFile(Path(trainer.default_root_dir) / FILE)


def answers(evaluation: Evaluation, corpus: str) -> str:
    """Return the first answers to clips of a corpus as a Markdown table."""
    batch = evaluation.batch
    mine = [i for i, clip in enumerate(batch.clips) if clip.corpus == corpus][:ANSWERS]
    rows = [
        [
            batch.clips[i].id,
            batch.clips[i].label or batch.targets[i] or "none",
            evaluation.responses[i],
            words(evaluation.answers[i]),
        ]
        for i in mine
    ]
    return table(["clip", "target", "response", "answer"], rows)


def sample(scored: ScoredRollout, index: int, step: int) -> str:
    """Return the responses to one clip as plain lines, the best advantage first.

    Args:
        scored: The rollout with its rewards and advantages.
        index: Of the clip in the batch.
        step: When it was.
    """
    rollout = scored.rollout
    clip = rollout.batch.clips[index]
    target = clip.label or rollout.batch.targets[index] or "none"
    order = scored.advantages[index].argsort(descending=True).tolist()
    lines = [
        f"  {float(scored.advantages[index, g]):+.3f}  {number(float(scored.total[index, g]))}  "
        f"{words(rollout.answers[index][g])}: {'⏎'.join(rollout.responses[index][g].splitlines())}"
        for g in order
    ]
    asked = f"step {step}, {clip.id} of {clip.corpus}, target {target}"
    return "\n".join([f"{asked}: advantage, reward, answer, response", *lines])


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
        f"**clip** {escape(clip.id)} of {escape(clip.corpus)}, {escape(clip.path)}",
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


def words(answer: Answer | None) -> str:
    """Return an answer as text; ``unreadable`` for None."""
    if answer is None:
        return "unreadable"
    return answer if isinstance(answer, str) else ", ".join(answer)
