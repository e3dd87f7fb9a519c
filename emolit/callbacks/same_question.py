"""A trained checkpoint is asked what it was trained on, or it is said that it is not."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from typing_extensions import override

from emolit.callbacks.adapter_checkpoint import checkpoint_of
from emolit.corpora.listed import Listed
from emolit.engine.weights.record import (
    Record,
    labels_differ,
    prompt_differs,
    read_record,
    record_of,
)
from emolit.errors import ConfigError
from emolit.types import Clip

NEEDED = {"prompt", "labels", "corpora"}
"""What a record must say, so that a question can be compared with it."""


class SameQuestion(Callback):
    """Compares prompt and labels with those that the weights were trained with.

    The command ``emolit`` adds it to every run. A training that begins from a checkpoint says what
    is asked otherwise than before; one that resumes is warned of it. A checkpoint says in
    its ``emolit.json`` what it has learned to answer. Another prompt, and other labels on another
    corpus, are warned of. Other labels that nobody has chosen, since they follow from a table of
    clips or from the corpus that was trained on, are refused; `labels` of the data chooses them.
    """

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compare, before anything is answered.

        Raises:
            ConfigError: The labels are others, by accident.
        """
        if stage == "fit":  # not known yet what it resumes from: see `on_fit_start`
            return
        found = _questions(trainer, pl_module)
        if found is None:
            return
        path, trained, now = found
        if words := prompt_differs(trained, now):
            rank_zero_warn(f"The prompt is not the one that {path} was trained with: {words}.")
        prompt = getattr(pl_module, "prompt", None)
        other = prompt is not None and trained["labels"] != now["labels"]
        if other and asks_for_labels(prompt, trained, now):
            self._tell(getattr(trainer, "datamodule", None), path, trained, now)

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what a training asks otherwise than what it starts or resumes from."""
        found = _questions(trainer, pl_module)
        if found is None:
            return
        path, trained, now = found
        tell = rank_zero_warn if trainer.ckpt_path else rank_zero_info
        for differs in filter(None, (prompt_differs(trained, now), labels_differ(trained, now))):
            tell(f"{path} was trained with another question than this run puts: {differs}.")

    def _tell(self, corpus: Any, path: str, trained: Record, now: Record) -> None:
        """Refuse or warn of other labels."""
        text = (
            f"{path} was trained with the labels {trained['labels']} and would be asked with "
            f"{now['labels']}, which follow from the data of {now['corpora']}"
        )
        known = set(now["corpora"]) <= set(trained["corpora"])
        if corpus.requested_labels is None and (known or isinstance(corpus, Listed)):
            raise ConfigError(
                f"{text}; set `--data.init_args.labels` to those of the training, or to the ones "
                "that you want to ask for."
            )
        rank_zero_warn(
            f"{path} was trained with the labels {trained['labels']} and is asked with "
            f"{now['labels']}: a question that it has not learned. `--data.init_args.labels` sets "
            "them."
        )


def _questions(trainer: Trainer, task: LightningModule) -> tuple[str, Record, Record] | None:
    """Return a checkpoint, what it was trained to answer, and what it is asked; None if unknown."""
    corpus: Any = getattr(trainer, "datamodule", None)
    checkpoint = checkpoint_of(trainer, task)
    trained = None if checkpoint is None else read_record(checkpoint["path"])
    if corpus is None or checkpoint is None or trained is None or not trained.keys() >= NEEDED:
        return None
    prompt = getattr(task, "prompt", None)
    return checkpoint["path"], trained, record_of(prompt, corpus.taxonomy.labels, corpus.names)


def asks_for_labels(prompt: Any, trained: Record, now: Record) -> bool:
    """Tell whether the prompt shows the labels, or reads answers by them."""
    first, second = tuple(trained["labels"]), tuple(now["labels"])
    probe = Clip("probe", "probe", "", next(iter(first), None), transcript="probe")
    if prompt.render(probe, first) != prompt.render(probe, second):
        return True
    replies = [prompt.layout.replace("…", label) for label in {*first, *second}]
    return any(prompt.parse(reply, first) != prompt.parse(reply, second) for reply in replies)
