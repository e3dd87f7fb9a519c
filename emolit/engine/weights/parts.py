"""Whole models out of checkpoints in parts: each process has written its part of each weight.

Under ``save_distributed_checkpoint: true`` a run writes ``<name>.ckpt`` as a folder of parts, and
no process ever holds the whole model. The folder ``<name>`` beside has all but the weights.
"""

import warnings
from concurrent.futures import Future
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from emolit.errors import PolicyError

INDEX = ".metadata"
"""Says which part of which weight is where."""
DAMAGED = (
    OSError, EOFError, UnpicklingError, RuntimeError, ValueError, LookupError, AttributeError,
)  # fmt: skip
"""What torch lets through where parts or their index are cut off."""
POLICY = "state_dict.policy.model."
"""Stands before the names of the policy's weights."""


def parts_of(folder: str | Path) -> Path | None:
    """Return the checkpoint in parts that has the weights of a folder; None if it has its own."""
    here = Path(folder)
    beside = here.with_name(f"{here.name}.ckpt")
    lacks = here.is_dir() and not any(here.glob("*.safetensors"))
    return beside if lacks and (beside / INDEX).is_file() else None


def start_writing(state: dict[str, Any], folder: Path, group: Any) -> "Future[Any]":
    """Copy this process's parts to its host and write them while it goes on; all must call it.

    Args:
        state: What is to be written, nested.
        folder: Where to; there already.
        group: Processes that talk on hosts, and about this alone.

    Returns:
        Done once the parts of all processes are written.
    """
    from torch.distributed.checkpoint.state_dict_saver import async_save

    written: Any = async_save(state, checkpoint_id=folder, process_group=group)
    found: Future[Any] = written
    return found


def check_weights(folder: Path) -> None:
    """Refuse a folder that has no weights, neither of its own nor in parts beside it.

    Raises:
        PolicyError: It has none.
    """
    if parts_of(folder) is None and not any(folder.glob("*.safetensors")):
        beside = folder.with_name(f"{folder.name}.ckpt")
        lacks = f", and {beside} has no {INDEX} of its parts" if beside.is_dir() else ""
        raise PolicyError(
            f"The folder {str(folder)!r} holds no weights (*.safetensors){lacks}. Give the folder "
            "that the run has written, such as RUN/last, with what lies beside it."
        )


def check_whole(source: str) -> None:
    """Refuse a folder whose weights are in parts.

    Raises:
        PolicyError: They are.
    """
    parts = parts_of(source)
    if parts is not None:
        raise PolicyError(
            f"The weights of {source!r} lie in parts in {str(parts)!r}; `emolit export {source} "
            "--out FOLDER` makes a folder that has them whole."
        )


def assemble_model(folder: Path, auto_class: str) -> Any:
    """Return the model of a folder whose weights are in parts, on the host.

    Args:
        folder: Has the settings; the parts lie beside.
        auto_class: The class of transformers that opens it.

    Raises:
        PolicyError: There are no parts, or they are damaged or not those of this model.
    """
    import transformers
    from torch.distributed.checkpoint.api import CheckpointException

    parts = parts_of(folder)
    if parts is None:
        raise PolicyError(f"{folder} has no parts of weights beside it; export another folder.")
    try:
        state = read_parts(parts)
    except (CheckpointException, *DAMAGED) as error:
        found = error.failures.values() if isinstance(error, CheckpointException) else ()
        why = next((cause for cause, _ in found), error)
        raise PolicyError(
            f"The parts in {parts} cannot be read ({type(why).__name__}: {why}). Get all of the "
            "folder again, or take another checkpoint of the run."
        ) from error
    factory = getattr(transformers, auto_class)
    config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    with torch.device("meta"):
        model = getattr(factory, "from_config", factory)(config)
    try:
        model.load_state_dict(
            {name.removeprefix(POLICY): weight for name, weight in state.items()}, assign=True
        )
    except RuntimeError as error:
        raise PolicyError(
            f"The parts in {parts} are not those of the model in {folder}: {error}. Export the "
            "folder that the run has written, where it was written."
        ) from error
    model.tie_weights()
    return model


def read_parts(parts: Path) -> dict[str, Any]:
    """Return the policy's weights of a checkpoint in parts, put together on the host."""
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.state_dict_loader import load

    kept: dict[str, Any] = {**FileSystemReader(parts).read_metadata().state_dict_metadata}
    state: dict[str, Any] = {
        name: torch.empty(tensor.size, dtype=tensor.properties.dtype)
        for name, tensor in kept.items()
        if name.startswith(POLICY) and hasattr(tensor, "properties")
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")  # one process is meant
        load(state, checkpoint_id=parts, no_dist=True)
    return state
