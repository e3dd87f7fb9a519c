"""What a checkpoint says of itself, as objects: its prompt, its policy, its labels."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from emolit.engine.weights.checkpoint import check_there
from emolit.engine.weights.record import FILE, read_record
from emolit.errors import ConfigError, PolicyError
from emolit.inference.class_paths import without_code_of
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.tasks.inference import Inference, is_closed
from emolit.types import Clip, Sampling

NEEDED = ("prompt", "labels", "policy", "sampling", "window", "sampling_rate")
"""What asking needs of a record."""


@dataclass(frozen=True)
class Trained:
    """A checkpoint and the question that it has learned to answer.

    Attributes:
        checkpoint: Its folder.
        prompt: Asks, and reads answers.
        labels: The options, in class order; empty where answers are open.
        window: Seconds of a clip that were heard; None where there was no limit.
        sampling: How answers are decoded.
        sampling_rate: Of waveforms, in Hz.
        record: All that the checkpoint says.
    """

    checkpoint: str
    prompt: Prompt
    labels: tuple[str, ...]
    window: float | None
    sampling: Sampling
    sampling_rate: int
    record: dict[str, Any]

    @cached_property
    def options(self) -> tuple[str, ...]:
        """The labels that an answer must be one of; empty where answers are open."""
        return self.labels if is_closed(self.prompt, self.labels) else ()

    @cached_property
    def wants_transcript(self) -> bool:
        """Whether the question shows what is said, where that is known."""
        return len({self.prompt.render(_probe(text), self.labels) for text in ("So.", "Well.")}) > 1

    def module(self) -> Inference:
        """Return a module that answers; its weights are not loaded yet.

        Raises:
            PolicyError: It was trained to see, too.
        """
        if self.record.get("frames"):
            raise PolicyError(
                f"{self.checkpoint} was trained to see {self.record['frames']} pictures of each "
                "clip, which are not shown here yet; ask it by `emolit predict --config "
                "EXPERIMENT.yaml`."
            )
        policy = self.record["policy"]
        arguments = {**policy["init_args"], "checkpoint": self.checkpoint}
        node = {"class_path": policy["class_path"], "init_args": arguments}
        return Inference(self._policy(node), self.prompt, self.labels, self.sampling)

    def _policy(self, node: dict[str, Any]) -> Policy:
        with without_code_of(Path(self.checkpoint)):
            made: Policy = make(Policy, node, str(Path(self.checkpoint) / FILE))
        return made


def make(kind: type, node: dict[str, Any], place: str) -> Any:
    """Make an object out of its class path and arguments.

    Args:
        kind: The class that it must be one of.
        node: ``class_path`` and ``init_args``.
        place: What says so, for a message.

    Raises:
        ConfigError: It cannot be made.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(kind, "it")
    try:
        return parser.instantiate_classes(parser.parse_object({"it": node})).it
    except ArgumentError as error:
        raise ConfigError(
            f"{place} names {node['class_path']}, which cannot be made here "
            f"({str(error).splitlines()[0]}); install the package that has it, in a release that "
            "takes these arguments."
        ) from error


def _probe(transcript: str) -> Clip:
    return Clip("probe", "probe", "", transcript=transcript)


def read_trained(checkpoint: str | Path) -> Trained:
    """Read what a checkpoint says of itself.

    Raises:
        PolicyError: There are no weights, or nothing says what they have learned to answer.
        ConfigError: The prompt cannot be made, or a class that is named lies in the folder.
    """
    folder = str(checkpoint)
    check_there(folder)
    if not Path(folder).is_dir():
        raise PolicyError(
            f"The checkpoint folder {folder!r} is not there; name the folder of a trained model, "
            "such as runs/mine/grpo/best."
        )
    record = read_record(folder)
    missing = [name for name in NEEDED if name not in (record or {})]
    if record is not None and not missing:
        missing = [name for name in NEEDED if record[name] is None and name != "window"]
    if record is None or missing:
        raise PolicyError(
            f"{folder} does not say what it has learned to answer: "
            + (f"its {FILE} lacks {missing}" if record else f"it has no {FILE}")
            + ". Only a checkpoint of `emolit fit` does; ask others by `emolit predict --config "
            "EXPERIMENT.yaml`, which names prompt and labels."
        )
    with without_code_of(Path(folder)):
        prompt = make(Prompt, record["prompt"], str(Path(folder) / FILE))
    return Trained(
        checkpoint=folder,
        prompt=prompt,
        labels=tuple(record["labels"]),
        window=record["window"],
        sampling=Sampling(
            **(record["sampling"] | {"stop": tuple(record["sampling"].get("stop", ()))})
        ),
        sampling_rate=record["sampling_rate"],
        record=record,
    )
