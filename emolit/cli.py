"""The command ``emolit``: walk the shelves, link the prompt and the labels, run Lightning's CLI."""

import importlib
import os
import pkgutil
import warnings

from lightning.pytorch import Callback
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from emolit.callbacks.run_folder import RunFolder
from emolit.callbacks.same_question import SameQuestion
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
    """LightningCLI with ``prompt`` and ``overwrite`` at the root and three links."""

    def after_instantiate_classes(self) -> None:
        """Let every run look into its folder, and every test at the question it puts."""
        self.folder = RunFolder(self._get(self.config_init, "overwrite"))
        callbacks: list[Callback] = self.trainer.callbacks  # type: ignore[attr-defined]  # set outside
        callbacks[:0] = [self.folder, SameQuestion()]

    def before_fit(self) -> None:
        """Refuse to replace another run."""
        start = getattr(self.model.policy, "checkpoint", None)
        self.folder.check_run(self.trainer, start, self.config_init["fit"]["ckpt_path"])

    def before_test(self) -> None:
        """Refuse to replace other scores."""
        self.folder.check_results(self.trainer, "test", self.datamodule.names)

    def before_predict(self) -> None:
        """Refuse to replace other predictions; keep none in memory, the callbacks write them."""
        self.config_init["predict"]["return_predictions"] = False
        self.folder.check_results(self.trainer, "predict", self.datamodule.names)

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the prompt, give it to both sides, and give the labels to the evaluator."""
        parser.add_subclass_arguments(Prompt, "prompt")
        help_text = "replace what an earlier run has left in trainer.default_root_dir"
        parser.add_argument("--overwrite", type=bool, default=False, help=help_text)
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
