"""An adapter for others: put into its base, or beside a copy of it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from emolit.compat.peft import plain_layers
from emolit.compat.torch import replaced_forward
from emolit.engine.weights.adapters import open_adapter, widen
from emolit.engine.weights.checkpoint import load_model, source_of
from emolit.errors import PolicyError

SETTINGS = "adapter_config.json"
BASE = "base"
"""The folder beside an adapter that holds a copy of its base."""
LEFT_OUT = shutil.ignore_patterns("emolit.json", "selection.json", "*.ckpt")
"""What a copy of a base lacks: it is about the training of the base."""


def merge_adapter(folder: str, auto_class: str, dtype: str, foreign: tuple[str, ...] = ()) -> Any:
    """Return the base of an adapter with the adapter in its weights; it answers as before.

    Args:
        folder: Of the adapter.
        auto_class: The class of transformers that opens the base.
        dtype: Of the weights.
        foreign: Beginnings of the names of weights that the base may hold for other models.

    Raises:
        PolicyError: The folder holds no adapter, or its base does not load.
    """
    source, given = source_of(folder)
    if given is None:
        raise PolicyError(
            f"{folder} holds no adapter but a whole model, which has nothing to merge; leave "
            "`--merge` out."
        )
    base = load_model(source, auto_class, dtype, foreign)
    kind = base.dtype
    widen(base, given.get("modules_to_save") or [])
    merged = open_adapter(base, folder).merge_and_unload()
    return merged.to(kind)


@contextmanager
def sampled_merged(model: nn.Module, rounded: bool) -> Iterator[None]:
    """Let layers with plain adapters run as one product each, for a block without gradients.

    The sum of weight and adapter stands beside the weight, which nobody writes: behind the block
    the model is what it was, bit by bit. It takes memory for these weights once more.

    Args:
        model: With its adapters.
        rounded: Merge into weights of less than float32, too, which round the sum.
    """
    with ExitStack() as stack, torch.no_grad():
        for layer, more in plain_layers(model):
            base = layer.get_base_layer()
            if not rounded and base.weight.dtype != torch.float32:
                continue
            weight = (base.weight.float() + more.float()).to(base.weight.dtype)
            run = partial(nn.functional.linear, weight=weight, bias=base.bias)
            stack.enter_context(replaced_forward(layer, run))
        yield


def rename_base(folder: Path, name: str) -> None:
    """Let an adapter say that its base is called otherwise."""
    path = folder / SETTINGS
    given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(given | {"base_model_name_or_path": name}, indent=2, sort_keys=True)
    path.write_text(f"{text}\n", encoding="utf-8")


def copy_base(source: Path, folder: Path) -> None:
    """Copy the base of an adapter to where ``subfolder="base"`` finds it, and let it say so."""
    shutil.copytree(source, folder / BASE, ignore=LEFT_OUT)
    rename_base(folder, BASE)
