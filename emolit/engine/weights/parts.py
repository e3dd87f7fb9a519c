"""Whole models out of checkpoints in parts: each process has written its part of each weight.

Under ``save_distributed_checkpoint: true`` a run writes ``<name>.ckpt`` as a folder of parts, and
no process ever holds the whole model. The folder ``<name>`` beside has all but the weights.
"""

import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import torch

from emolit.errors import PolicyError

INDEX = ".metadata"
"""Says which part of which weight is where."""
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
        PolicyError: There are no parts, or they are not those of this model.
    """
    import transformers
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.state_dict_loader import load

    parts = parts_of(folder)
    if parts is None:
        raise PolicyError(f"{folder} has no parts of weights beside it; export another folder.")
    kept: dict[str, Any] = {**FileSystemReader(parts).read_metadata().state_dict_metadata}
    state: dict[str, Any] = {
        name: torch.empty(tensor.size, dtype=tensor.properties.dtype)
        for name, tensor in kept.items()
        if name.startswith(POLICY) and hasattr(tensor, "properties")
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")  # one process is meant
        load(state, checkpoint_id=parts, no_dist=True)
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
