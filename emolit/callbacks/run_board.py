"""The run as its loggers show it: a name, settings to compare by, an overview, the best score."""

from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from typing_extensions import override

from emolit.callbacks.fit_report import best_checkpoints, better
from emolit.callbacks.main_settings import BLANK, main_settings
from emolit.callbacks.media import media

METRICS = ("score/best", "score/last", "train/reward", "train/loss")
"""Curves whose last values stand beside the settings; each run may have them."""
VALIDATION = {
    "monitored score": ("score/(best|last)$",),
    "accuracy on validation": ("val/[^/]+/(UA|WA|macro_F1|weighted_F1)$",),
    "readable answers on validation": ("val/[^/]+/parse_rate$",),
}
OVERVIEW: Mapping[str, tuple[str, ...]] = {
    "reward": ("train/reward$",),
    "each reward": ("reward/(?!.*_(sd|weight|unscored)$)",),
    "KL to the reference": ("train/(reward_)?kl$",),
    "tokens of a response": ("tokens/(mean|median|p90|max)$",),
    "answers": ("said/",),
    "entropy": ("train/entropy$",),
    "shares of responses and groups": ("train/(flat_groups|parse_rate|unfinished)$",),
    **VALIDATION,
}
"""The page of a task with rollouts: titles of charts, and patterns of the tags in each."""
IMITATION = {"loss": ("train/loss$",), "gradient": ("train/grad_norm$",), **VALIDATION}
"""The page of a task without."""


class RunBoard(Callback):
    """Logs what runs are compared by, and leaves out what a start that failed has logged before.

    The command ``emolit`` adds it to every run. At the start of a ``fit`` each logger gets the main
    settings, and TensorBoard a page ``overview`` under Custom Scalars. ``score/last`` and
    ``score/best`` follow the monitored score, in validations of this part of the run and as the
    checkpoint callback remembers it. Those and the settings are the columns of HParams.
    """

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, or go on, and log the settings; before anything is validated."""
        if not trainer.is_global_zero:
            return
        step = trainer.global_step
        settings = main_settings(trainer, pl_module)
        charts = OVERVIEW if hasattr(pl_module, "rewards") else IMITATION
        for each in media(trainer):
            each.begin(step + 1 if step else 0)
            each.add_settings(settings, BLANK, METRICS)
            each.add_overview(charts)

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew where nothing but validation runs."""
        if trainer.state.fn == "validate":
            self._begin_anew(trainer)

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin anew."""
        self._begin_anew(trainer)

    def _begin_anew(self, trainer: Trainer) -> None:
        for each in media(trainer) if trainer.is_global_zero else ():
            each.begin(0)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the first monitored score, and the best so far."""
        first = next(iter(best_checkpoints(trainer)), None)
        name = "" if first is None else str(first.monitor)
        if first is None or trainer.sanity_checking or name not in trainer.callback_metrics:
            return
        score, before = float(trainer.callback_metrics[name]), first.best_model_score
        best = score if before is None else better(score, float(before), first.mode)
        if trainer.is_global_zero and trainer.state.fn == "fit":
            for logger in trainer.loggers:
                logger.log_metrics({"score/last": score, "score/best": best}, trainer.global_step)


def stage_logger(folder: str | Path, stage: str) -> TensorBoardLogger:
    """Return the logger of a run that names none: TensorBoard, in ``<folder>/<stage>``.

    Args:
        folder: Of the run.
        stage: ``fit``, ``validate``, ``test`` or ``predict``.
    """
    return TensorBoardLogger(folder, name="", version=stage, default_hp_metric=False)
