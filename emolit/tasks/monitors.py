"""What callbacks monitor: short names become whole ones, and what nobody logs is refused."""

from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Trainer

from emolit.compat.lightning import callbacks_of
from emolit.corpora import Corpus
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator

OTHERS = ("train/", "reward/", "watch/")
"""Beginnings of curves that training logs, whose names depend on what is configured."""


def settle_monitors(trainer: Trainer, evaluator: Evaluator) -> None:
    """Write the whole log key into each callback that monitors a score.

    ``UA`` is ``val/<corpus>/UA`` of the corpus that trains. Called before weights are loaded; where
    nothing validates, no score is known and nothing is refused.

    Raises:
        ConfigError: Validation will not log such a score.
    """
    callbacks: list[Any] = [
        callback
        for callback in callbacks_of(trainer)
        if isinstance(getattr(callback, "monitor", None), str)
    ]
    corpus = getattr(trainer, "datamodule", None)
    if not callbacks or not isinstance(corpus, Corpus) or trainer.limit_val_batches == 0:
        return
    served = [census.corpus for census in corpus.censuses if census.counts.get("val", 0)]
    own = [name for name in served if name in corpus.training_names]
    scores = evaluator.scores()
    for callback in callbacks:
        callback.monitor = whole_name(
            type(callback).__name__, callback.monitor, served, own, scores
        )


def whole_name(
    who: str, monitor: str, served: Sequence[str], own: Sequence[str], scores: Sequence[str]
) -> str:
    """Return the log key that a ``monitor`` means.

    Args:
        who: The callback, for a message.
        monitor: What it is given.
        served: Names of the corpora that validation scores.
        own: Those of them that train.
        scores: Names of the scores of each.

    Raises:
        ConfigError: There is none.

    Example:
        >>> whole_name("AdapterCheckpoint", "UA", ["mine"], ["mine"], ["UA", "recall/sad"])
        'val/mine/UA'
    """
    if monitor.startswith(OTHERS):
        return monitor
    short = monitor in scores
    names = [f"val/{name}/{monitor}" for name in own] if short else [monitor]
    if len(names) == 1 and (short or any(_names(monitor, name, scores) for name in served)):
        return names[0]
    heads = dict.fromkeys(score.partition("/")[0] for score in scores)
    keys = [f"val/{name}/{head}" for head in heads for name in served]
    known = f"it logs {', '.join(keys)}" if keys else "there are no clips to validate on"
    raise ConfigError(
        f"`monitor` of {who} is {monitor!r}, which validation does not log: {known}. Set it to one "
        "of these, or to the name of a score alone for the corpus that trains."
        if not short
        else f"`monitor` of {who} is {monitor!r}, and {len(own)} corpora train and validate: name "
        f"one of {', '.join(f'val/{name}/{monitor}' for name in served)}."
    )


def _names(monitor: str, corpus: str, scores: Sequence[str]) -> bool:
    """Tell whether a key is of a corpus and of a score that it has."""
    start = f"val/{corpus}/"
    score = monitor.removeprefix(start)
    return monitor.startswith(start) and (score in scores or score.partition("/")[0] in scores)
