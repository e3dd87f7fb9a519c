"""How rewards are spread."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.media import media


class RewardHistograms(Callback):
    """Draws a histogram of each reward and of the total every so many steps.

    Tags are those of the curves below ``spread/``: ``spread/reward/<name>`` and
    ``spread/train/reward``. TensorBoard shows a tag of two kinds as one of them only. What does not
    apply or failed is left out. It shows the responses of the first process.

    Args:
        every_n_steps: Optimizer steps between two histograms; the first step is always drawn.
    """

    def __init__(self, every_n_steps: int = 50) -> None:
        self.every_n_steps = every_n_steps
        self._drawn: int | None = None

    @override
    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Draw if it is the step's turn."""
        scored = outputs.get("scored") if isinstance(outputs, Mapping) else None
        step = trainer.global_step
        due = self._drawn is None or step - self._drawn >= self.every_n_steps
        if scored is None or not trainer.is_global_zero or not due:
            return
        self._drawn = step
        rewards = {f"reward/{name}": values for name, values in scored.rewards.items()}
        for tag, values in {**rewards, "train/reward": scored.total}.items():
            known = values[~values.isnan()].float().cpu()
            for shown in media(trainer) if known.numel() else ():
                shown.add_histogram(f"spread/{tag}", known, step)
