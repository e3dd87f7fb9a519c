"""Confusion matrices as pictures."""

from typing import TYPE_CHECKING

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from typing_extensions import override

from emolit.callbacks.media import media
from emolit.evaluators import Evaluator
from emolit.metrics.confusion import normalize_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Pictures(Callback):
    """Draws the confusion of each corpus at the end of every validation and test.

    Rows are truths, columns are answers, the last column unreadable ones. A cell shows the count
    and the share of its row; the color is the share. Tags are ``<stage>/<corpus>/confusion``.
    """

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw under ``val``, except for the sanity check before training."""
        if not trainer.sanity_checking:
            self._draw(trainer, pl_module, "val")

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw under ``test``."""
        self._draw(trainer, pl_module, "test")

    def _draw(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        evaluator = pl_module.evaluator
        if not isinstance(evaluator, Evaluator):
            return
        confusion = evaluator.confusion()
        if not trainer.is_global_zero:
            return
        for shown in media(trainer):
            for corpus, counts in confusion.items():
                figure = confusion_picture(counts.cpu(), evaluator.labels, f"{stage}/{corpus}")
                shown.add_picture(f"{stage}/{corpus}/confusion", figure, trainer.global_step)


def confusion_picture(counts: Tensor, labels: tuple[str, ...], title: str) -> "Figure":
    """Return a picture of a confusion matrix.

    Args:
        counts: Answers by truth, the last column unreadable. ``[K, K+1]`` int64
        labels: K names, in class order.
        title: Stands above.
    """
    from matplotlib.figure import Figure

    answers = (*labels, "unreadable")
    side = 2 + 0.7 * len(answers)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="answer", ylabel="truth")
    shares = normalize_rows(counts)
    axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(answers)), answers, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    for row, name in enumerate(labels):
        for column in range(len(answers)):
            share = float(shares[row, column])
            color = "white" if share > 0.5 else "black"
            words = cell(int(counts[row, column]), share)
            axes.text(column, row, words, ha="center", va="center", color=color, gid=name)
    return figure


def cell(count: int, share: float) -> str:
    r"""Return the words in a cell; a dash in the row of a class without truths.

    Example:
        >>> cell(3, 0.25)
        '3\n25%'
        >>> cell(0, float("nan"))
        '-'
    """
    return "-" if share != share else f"{count}\n{share:.0%}"
