"""What is known of a checkpoint: its policy, its base, its training, the test of it."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emolit.commands.explain import things
from emolit.commands.shelves import discover
from emolit.corpora import Corpus
from emolit.engine.weights.checkpoint import source_of
from emolit.engine.weights.parts import check_weights
from emolit.engine.weights.record import Record
from emolit.engine.weights.selection import selection_of
from emolit.errors import ConfigError
from emolit.inference.class_paths import without_code_of
from emolit.inference.trained import Trained, read_trained
from emolit.policies.huggingface import HuggingFace
from emolit.policies.qwen2_audio import Qwen2Audio
from emolit.reporting.run import Run, is_local, trainings

UNKNOWN = "not known"


@dataclass(frozen=True)
class Checkpoint:
    """A folder of weights, and what is known of it.

    Attributes:
        folder: The weights.
        trained: What they have learned to answer.
        record: ``emolit.json``, without folders of this machine.
        policy: The class that has trained them.
        dtype: Of the weights.
        source: Where the base of an adapter is, a folder or a hub id; None for a whole model.
        base: Hub id of the model that training began with; None where there is none.
        license: Of the base, as its own card says; None where it does not.
        corpora: Name, license and homepage of what was trained on.
        stages: The runs that made them, the oldest first.
        selection: What chose them.
        scores: Of a test of these very weights; None without one.
    """

    folder: Path
    trained: Trained
    record: Record
    policy: type[HuggingFace]
    dtype: str
    source: str | None
    base: str | None
    license: str | None
    corpora: tuple[tuple[str, str, str], ...]
    stages: tuple[Run, ...]
    selection: dict[str, Any] | None
    scores: dict[str, Any] | None

    @property
    def adapter(self) -> bool:
        """Whether the folder holds an adapter."""
        return self.source is not None

    @property
    def stock(self) -> bool:
        """Whether the processor of transformers alone makes the inputs that training has seen."""
        return self.policy is HuggingFace or issubclass(self.policy, Qwen2Audio)


def read_checkpoint(folder: Path, base: str | None, tested: Path | None) -> Checkpoint:
    """Return what is known of a checkpoint.

    Args:
        folder: The weights.
        base: What the user calls the base.
        tested: The run that has tested the weights; None is the run that has made them.

    Raises:
        ConfigError: Its prompt or policy is not found here.
        PolicyError: It holds no weights, or does not say what they have learned.
    """
    source, settings = source_of(str(folder))
    trained = read_trained(folder)
    check_weights(folder)
    record, policy = trained.record, trained.record["policy"]
    stages = tuple(trainings(folder))
    below = source if settings is not None else None
    named = [base, below, stages[0].start if stages else None, record.get("base")]
    return Checkpoint(
        folder=folder,
        trained=trained,
        record=without_folders(record),
        policy=policy_class(folder, policy["class_path"]),
        dtype=policy["init_args"].get("dtype", "float32"),
        source=below,
        base=next((name for name in named if name and not is_local(name)), None),
        license=license_of(below),
        corpora=tuple(training_data(record, stages)),
        stages=stages,
        selection=selection_of(folder),
        scores=scores_of(folder, tested or folder.parent),
    )


def without_folders(record: Record) -> Record:
    """Return ``emolit.json`` without folders of this machine."""
    told: Record = json.loads(json.dumps(record))
    settings = (told.get("prompt") or {}).get("init_args") or {}
    if settings.get("rationales"):
        settings["rationales"] = None
    if told.get("base") and is_local(told["base"]):
        told["base"] = None
    return told


def policy_class(folder: Path, path: str) -> type[HuggingFace]:
    """Return the class that has trained the weights.

    Raises:
        ConfigError: It is not found here, or lies in that folder.
    """
    module, _, name = path.rpartition(".")
    with without_code_of(folder):
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ImportError:
            found = None
    if not (isinstance(found, type) and issubclass(found, HuggingFace)):
        raise ConfigError(
            f"The policy {path!r} that has trained {folder} is not found, or is none that "
            "transformers opens; start `emolit export` in the folder where it was trained."
        )
    return found


def training_data(record: Record, stages: tuple[Run, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield name, license and homepage of each corpus that some stage has trained on."""
    discover()
    classes = {each.name: each for each in things("corpora") if hasattr(each, "name")}
    records = [record, *(run.record for run in stages if run.record)]
    for name in dict.fromkeys(name for each in records for name in each["corpora"]):
        said: dict[str, str] = {}
        for each in records:
            said |= each.get("licenses", {}).get(name, {})
        known: type[Corpus] | None = classes.get(name)
        yield (
            name,
            said.get("license") or getattr(known, "license", "") or UNKNOWN,
            said.get("homepage") or getattr(known, "homepage", "") or "-",
        )


def license_of(source: str | None) -> str | None:
    """Return the license in the card of a base that is a folder here; None without one."""
    from huggingface_hub import metadata_load

    card = Path(source) / "README.md" if source else None
    if card is None or not card.is_file():
        return None
    found = (metadata_load(card) or {}).get("license")
    return found if isinstance(found, str) else None


def scores_of(folder: Path, run: Path) -> dict[str, Any] | None:
    """Return the scores of a test of these very weights; None where it was of others, or of none.

    They are the same where the test names a folder of the same name whose weights were chosen by
    the same score at the same step.
    """
    scores = Run(run).scores
    tested = (scores or {}).get("checkpoint") or {}
    same = Path(tested.get("path", "")).name == folder.name
    return scores if same and tested.get("selection") == selection_of(folder) else None
