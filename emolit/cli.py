"""The command ``emolit``: walk the shelves, link the prompt and the labels, run Lightning's CLI."""

import importlib
import os
import pkgutil
import warnings

from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from emolit.corpora import Corpus
from emolit.errors import EmolitError
from emolit.prompts import Prompt
from emolit.tasks import Task

SHELVES = (
    "prompts", "corpora", "policies", "rewards", "objectives", "evaluators", "metrics", "tasks",
    "callbacks",
)  # fmt: skip


EXPECTED = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # lightning 2.6 on torch 2.14
    r"Found \d+ module\(s\) in eval mode",  # a policy always is, so that dropout is off
    r"Checkpoint directory .* exists and is not empty",  # a run and its tests share one folder
)
"""Warnings that say what is meant to be; they are not shown."""


def discover() -> None:
    """Import every module of every shelf, so that short class names are legal in YAML."""
    for shelf in SHELVES:
        package = importlib.import_module(f"emolit.{shelf}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"emolit.{shelf}.{module.name}")


class EmolitCLI(LightningCLI):
    """LightningCLI with a ``prompt`` at the root and three links."""

    def before_predict(self) -> None:
        """Keep no predictions in memory; the callbacks write them."""
        self.config_init["predict"]["return_predictions"] = False

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the prompt, give it to both sides, and give the labels to the evaluator."""
        parser.add_subclass_arguments(Prompt, "prompt")
        parser.link_arguments("prompt", "data.init_args.prompt", apply_on="instantiate")
        parser.link_arguments("prompt", "model.init_args.prompt", apply_on="instantiate")
        parser.link_arguments(
            "data.taxonomy", "model.init_args.evaluator.init_args.taxonomy", apply_on="instantiate"
        )


def main() -> None:
    """Run a subcommand: fit, validate, test or predict.

    An error of emolit's own is shown as its sentence; ``EMOLIT_TRACEBACK=1`` in the environment
    shows its traceback.
    """
    for message in EXPECTED:
        warnings.filterwarnings("ignore", message=message)
    discover()
    try:
        EmolitCLI(
            model_class=Task,
            datamodule_class=Corpus,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            save_config_kwargs={"overwrite": True},
        )
    except EmolitError as error:
        if os.environ.get("EMOLIT_TRACEBACK"):
            raise
        raise SystemExit(f"error: {error}") from error
