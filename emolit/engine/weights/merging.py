"""An adapter for others: put into its base, or beside a copy of it."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.peft import plain_layers
from emolit.compat.torch import replaced_forward
from emolit.engine.weights.adapters import open_adapter, widen
from emolit.engine.weights.checkpoint import load_model, source_of
from emolit.errors import PolicyError

SETTINGS = "adapter_config.json"
BASE = "base"
"""The folder beside an adapter that holds a copy of its base."""
TOGETHER = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))
"""Names of layers beside each other that are given the same input."""
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


class StackedProduct:
    """Linear layers that are given the same input, run as one product.

    Whoever is called first computes all; each part is handed out once.

    Args:
        weights: Of the layers. ``[O, I]`` each
        biases: Of the layers, or None for all. ``[O]`` each
    """

    def __init__(self, weights: list[Tensor], biases: list[Tensor] | None) -> None:
        self.weight = torch.cat(weights)
        self.bias = None if biases is None else torch.cat(biases)
        self.sizes = [len(weight) for weight in weights]
        self.given: Tensor | None = None
        self.parts: dict[int, Tensor] = {}

    def run(self, given: Tensor, place: int) -> Tensor:
        """Return what one of the layers says. ``[..., I]`` -> ``[..., O]``."""
        if given is not self.given or place not in self.parts:
            said = nn.functional.linear(given, self.weight, self.bias)
            self.given, self.parts = (
                given,
                dict(enumerate(said.split_with_sizes(self.sizes, dim=-1))),
            )
        return self.parts.pop(place)


def siblings(model: nn.Module) -> dict[int, tuple[nn.Module, ...]]:
    """Return, by the id of a layer, the layers that are given the same input, itself among them."""
    found: dict[int, tuple[nn.Module, ...]] = {}
    for part in model.modules():
        for names in TOGETHER:
            layers: tuple[Any, ...] = tuple(getattr(part, name, None) for name in names)
            if all(isinstance(layer, nn.Module) for layer in layers):
                found |= {id(layer): layers for layer in layers}
    return found


def stack_layers(layers: tuple[Any, ...], summed: dict[int, Tensor]) -> Iterator[Any]:
    """Yield what each of some layers runs, in order; the sums are taken out.

    Args:
        layers: All of them, or those that are left of such.
        summed: Weights with adapters in them, by the id of the layer.
    """
    weights = [summed.pop(id(layer)) for layer in layers]
    biases = [layer.get_base_layer().bias for layer in layers]
    lacking = {bias is None for bias in biases}
    if len(layers) == 1 or len(lacking) == 2:
        for weight, bias in zip(weights, biases, strict=True):
            yield partial(nn.functional.linear, weight=weight, bias=bias)
        return
    product = StackedProduct(weights, None if True in lacking else biases)
    for place in range(len(layers)):
        yield partial(product.run, place=place)


@contextmanager
def sampled_merged(model: nn.Module, rounded: bool) -> Iterator[None]:
    """Let layers with plain adapters run as one product, for a block without gradients.

    Layers that are given the same input, such as those of queries, keys and values, run together.

    The sum of weight and adapter stands beside the weight, which nobody writes: behind the block
    the model is what it was, bit by bit. It takes memory for these weights once more.

    Args:
        model: With its adapters.
        rounded: Merge into weights of less than float32, too, which round the sum.
    """
    together, layers = siblings(model), dict[int, Any]()
    summed: dict[int, Tensor] = {}
    with ExitStack() as stack, torch.no_grad():

        def enter(group: tuple[Any, ...]) -> None:
            for layer, run in zip(group, stack_layers(group, summed), strict=True):
                stack.enter_context(replaced_forward(layer, run))

        for layer, more in plain_layers(model):
            weight = layer.get_base_layer().weight
            if not rounded and weight.dtype != torch.float32:
                continue
            layers[id(layer)] = layer
            summed[id(layer)] = (weight.float() + more.float()).to(weight.dtype)
            group = together.get(id(layer), (layer,))
            if all(id(other) in summed for other in group):
                enter(group)
        for key in list(summed):  # others of their group carry no adapter
            enter((layers[key],))
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
