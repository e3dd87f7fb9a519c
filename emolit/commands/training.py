"""`emolit fit`, `validate`, `test`, `predict`: Lightning's CLI, its links, errors as sentences."""

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ProgressBar
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.trainer.states import TrainerStatus
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.exceptions import SIGTERMException
from safetensors import SafetensorError
from torch import OutOfMemoryError
from torch.distributed.checkpoint.api import CheckpointException

import emolit
from emolit.callbacks.incident import Incident
from emolit.callbacks.lost_process import LostProcess, lost
from emolit.callbacks.prediction_writer import PredictionWriter
from emolit.callbacks.progress import Progress
from emolit.callbacks.report import Report
from emolit.callbacks.run_board import RunBoard, stage_logger
from emolit.callbacks.run_folder import RunFolder
from emolit.callbacks.same_question import SameQuestion
from emolit.commands.failed_parts import failed_parts
from emolit.commands.memory import out_of_memory
from emolit.commands.parsing import Parser, configs_first, own_error
from emolit.commands.quiet import hush
from emolit.commands.refused_disk import refused
from emolit.commands.settings_check import check_settings
from emolit.commands.shelves import discover
from emolit.commands.shipped import find_all
from emolit.compat.lightning import callbacks_of
from emolit.compat.lightning_parts import reads_parts
from emolit.corpora import Corpus
from emolit.engine.weights.checkpoint import check_there
from emolit.errors import AudioError, ConfigError, EmolitError, PolicyError
from emolit.files.checkpoint_file import check_checkpoint_file
from emolit.prompts import Prompt
from emolit.tasks import Task
from emolit.text.printable import printable

TERMINATED = 128 + signal.SIGTERM
"""The status of a process that SIGTERM has ended, as a shell has it."""

TOLD = (
    CheckpointException, EmolitError, MisconfigurationException, OSError, RuntimeError,
    SafetensorError, ValueError,
)  # fmt: skip
"""What may be a mistake of the user, or of the machine."""


class EmolitCLI(LightningCLI):
    """LightningCLI with ``prompt`` and ``overwrite`` at the root and four links."""

    trainer: Any
    model: Any

    def before_fit(self) -> None:
        """Refuse to replace another run."""
        start = getattr(self.model.policy, "checkpoint", None)
        self.folder.check_run(self.trainer, start, self.config_init["fit"]["ckpt_path"])

    def before_test(self) -> None:
        """Refuse to replace other scores."""
        self.folder.check_results(self.trainer, "test", self.datamodule.test_names)

    def setup_parser(
        self, add_subcommands: bool, main_kwargs: dict[str, Any], subparser_kwargs: dict[str, Any]
    ) -> None:
        """Leave Lightning's own table of scores out unless it is asked for."""
        super().setup_parser(add_subcommands, main_kwargs, subparser_kwargs)
        self._parser("test").set_defaults({"verbose": False})

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Let what stands on the command line win over config files, wherever it stands.

        Raises:
            ConfigError: A setting cannot work, or the checkpoint that is named is not whole.
        """
        if args is None:
            try:
                words = find_all(configs_first(sys.argv[1:]))
            except ConfigError as error:
                sys.stderr.write(f"error: {error}\n")
                raise SystemExit(2) from error
            self.config = parser.parse_args(words)
        else:
            super().parse_arguments(parser, args)
        given = self.config[self.config["subcommand"]]
        check_settings(given)
        check_checkpoint_file(given["ckpt_path"])  # Lightning opens it next, for its settings

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        """Log to ``<run folder>/<stage>``, and show emolit's bar, where the config says nothing.

        Args:
            kwargs: Further arguments of the trainer.

        Raises:
            ConfigError: Lightning cannot make such a trainer, as FSDP without a GPU.
        """
        given = self._get(self.config_init, "trainer")
        callbacks = given["callbacks"] or []
        callbacks = [*callbacks] if isinstance(callbacks, list) else [callbacks]
        chosen = any(isinstance(each, ProgressBar) for each in callbacks)
        if given["enable_progress_bar"] is not False and not chosen:
            kwargs["callbacks"] = [*callbacks, Progress()]
        if given["logger"] in (None, True):
            folder = given["default_root_dir"] or Path.cwd()
            kwargs["logger"] = stage_logger(folder, str(self.subcommand))
        try:
            return super().instantiate_trainer(**kwargs)
        except ValueError as error:
            raise ConfigError(f"Lightning cannot make this trainer: {error}") from error

    def after_instantiate_classes(self) -> None:
        """Let a run look into its folder and at its question; say now what cannot work.

        A test writes scores and answers, also where its config, such as that of a training, does
        not name the callbacks. Data are not yet read, and weights not loaded.

        Raises:
            ConfigError: The evaluator cannot score what the prompt reads, or the strategy not read
                the checkpoint.
            PolicyError: The checkpoint is no folder that can be opened.
        """
        check_checkpoint_file(self._get(self.config, "ckpt_path"), reads_parts(self.trainer))
        self.folder = RunFolder(self._get(self.config_init, "overwrite"))
        added = [self.folder, SameQuestion(), RunBoard(), Incident(), LostProcess()]
        callbacks_of(self.trainer)[:0] = added
        if self.subcommand == "test":
            callbacks_of(self.trainer).extend(absent(self.trainer, PredictionWriter, Report))
        scores = self.subcommand != "predict" and (
            self.subcommand != "fit" or self.trainer.limit_val_batches != 0
        )
        if scores and self.model.prompt is not None:
            self.model.evaluator.check_prompt(self.model.prompt)
        checkpoint = getattr(self.model.policy, "checkpoint", None)
        if isinstance(checkpoint, str):
            check_there(checkpoint)

    def before_predict(self) -> None:
        """Refuse to replace other predictions; keep none in memory, the callbacks write them."""
        self.config_init["predict"]["return_predictions"] = False
        self.folder.check_results(self.trainer, "predict", self.datamodule.names)

    def fit(self, **settings: Any) -> None:
        """Train; say how to go on where someone stops it.

        Raises:
            AudioError: A file cannot be read any more.
            RuntimeError: Among others, a process that the run needs is gone.
            PolicyError: A GPU has run out of memory.
        """
        try:
            self.trainer.fit(**settings)
        except OutOfMemoryError as error:
            raise PolicyError(
                out_of_memory(str(error), self.trainer, self.model, self.datamodule)
            ) from error
        except (AudioError, RuntimeError) as error:
            if isinstance(error, AudioError) or lost(error):
                error.add_note(resumption(self.trainer))
            raise
        except (KeyboardInterrupt, SystemExit):
            if self.trainer.state.status == TrainerStatus.INTERRUPTED:
                rank_zero_info(resumption(self.trainer))
            raise

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the prompt, give it to both sides, and the labels to whoever has a `taxonomy`."""
        parser.add_subclass_arguments(Prompt, "prompt")
        help_text = "replace what an earlier run has left in trainer.default_root_dir"
        parser.add_argument("--overwrite", type=bool, default=False, help=help_text)
        parser.link_arguments("prompt", "data.init_args.prompt", apply_on="instantiate")
        parser.link_arguments("prompt", "model.init_args.prompt", apply_on="instantiate")
        for place in ("evaluator", "policy"):
            target = f"model.init_args.{place}.init_args.taxonomy"
            parser.link_arguments("data.taxonomy", target, apply_on="instantiate")


def absent(trainer: Any, *kinds: type[Callback]) -> list[Callback]:
    """Return a callback of each kind that a trainer has none of."""
    there = callbacks_of(trainer)
    return [kind() for kind in kinds if not any(isinstance(each, kind) for each in there)]


def resumption(trainer: Any) -> str:
    """Return how to go on with a run that was stopped."""
    kept = sorted(trainer.checkpoint_callbacks, key=lambda each: each.monitor is not None)
    paths = [each.best_model_path for each in kept]
    found = next((path for path in paths if path and Path(path).is_file()), trainer.ckpt_path)
    if found is None:
        return (
            f"Stopped in step {trainer.global_step}, and nothing to go on from was kept yet; the "
            "same command starts anew."
        )
    return (
        f"Stopped in step {trainer.global_step}. To go on from {found}, run the same command with "
        f"--ckpt_path {'last' if Path(found).name == 'last.ckpt' else shlex.quote(str(found))}"
    )


def main() -> None:
    """Run fit, validate, test or predict.

    An error of emolit's own, settings that Lightning refuses, what a disk refuses, and a lost
    process are shown as a sentence; ``EMOLIT_TRACEBACK=1`` in the environment shows its traceback.
    A run that was told to terminate ends with the status of that: whoever waits for it, such as a
    sweep, must not take it for done.
    """
    hush()
    discover()
    try:
        EmolitCLI(
            model_class=Task,
            datamodule_class=Corpus,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            parser_class=Parser,
            parser_kwargs={
                "prog": "emolit",
                "description": str(emolit.__doc__),
            },
            save_config_kwargs={"overwrite": True},
        )
    except SIGTERMException as error:
        raise SystemExit(TERMINATED) from error
    except TOLD as error:
        misconfigured = error if isinstance(error, MisconfigurationException) else None
        machine = refused(error) or failed_parts(error) or lost(error)
        told = own_error(error) or misconfigured or machine
        if told is None or os.environ.get("EMOLIT_TRACEBACK"):
            raise
        notes = getattr(error, "__notes__", [])
        raise SystemExit(printable("\n".join([f"error: {told}", *notes]))) from error
