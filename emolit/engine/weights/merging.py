"""An adapter for others: put into its base, or beside a copy of it."""

import json
import shutil
from collections.abc import Iterator, Sequence
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
    """Linear layers that are given the same input, with their adapters, run as one product.

    Whoever is called first computes all; each part is handed out once.

    In float32 the adapters are in the weights. In less the sum would lose what is below 0.2% of a
    weight, as a young adapter is. So what leads into the adapters is further rows of the product,
    and a second product, with all that leads out of them, adds up.

    Args:
        weights: Of the layers. ``[O, I]`` each
        biases: Of the layers, or None for all. ``[O]`` each
        downs: What leads into their adapters. ``[R, I]`` each
        ups: What leads out, scaled. ``[O, R]`` each
        kind: That products are computed in.
    """

    def __init__(
        self,
        weights: list[Tensor],
        biases: list[Tensor] | None,
        downs: Sequence[Tensor],
        ups: Sequence[Tensor],
        kind: torch.dtype,
    ) -> None:
        self.sizes = [len(weight) for weight in weights]
        self.up: Tensor | None = None
        if kind == torch.float32:
            factors = zip(weights, downs, ups, strict=True)
            self.weight = torch.cat([weight + up @ down for weight, down, up in factors])
        else:
            self.weight = torch.cat([part.to(kind) for part in (*weights, *downs)])
            together: Tensor = torch.block_diag(*(up.to(kind) for up in ups))  # type: ignore[no-untyped-call]
            self.up = together.T
        self.bias: Tensor | None = None
        if biases is not None:
            bias = torch.cat([part.to(kind) for part in biases])
            self.bias = nn.functional.pad(bias, (0, len(self.weight) - len(bias)))
        self.given: Tensor | None = None
        self.parts: dict[int, Tensor] = {}

    def run(self, given: Tensor, place: int) -> Tensor:
        """Return what one of the layers says. ``[..., I]`` -> ``[..., O]``."""
        if given is not self.given or place not in self.parts:
            said = nn.functional.linear(given, self.weight, self.bias)
            if self.up is not None:
                whole, low = said.flatten(0, -2).split_with_sizes(self.up.shape[::-1], dim=-1)
                said = torch.addmm(whole, low, self.up).view(*given.shape[:-1], sum(self.sizes))
            parts = said.split_with_sizes(self.sizes, dim=-1)
            self.given, self.parts = given, dict(enumerate(parts))
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


def computed_in(weight: Tensor) -> torch.dtype:
    """Return what products with a weight are computed in: autocast has a say."""
    kind = weight.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def stack_layers(
    layers: tuple[Any, ...], factors: dict[int, tuple[Tensor, Tensor]]
) -> Iterator[Any]:
    """Yield what each of some layers runs, in order; their factors are taken out.

    Args:
        layers: All of them, or those that are left of such.
        factors: Of what the adapter of a layer adds, by the id of the layer.
    """
    parts = [layer.get_base_layer() for layer in layers]
    forms = {(part.bias is None, part.in_features, computed_in(part.weight)) for part in parts}
    if len(forms) > 1:
        for layer in layers:
            yield from stack_layers((layer,), factors)
        return
    weights, kind = [part.weight for part in parts], computed_in(parts[0].weight)
    biases = None if parts[0].bias is None else [part.bias for part in parts]
    downs, ups = zip(*(factors.pop(id(layer)) for layer in layers), strict=True)
    product = StackedProduct(weights, biases, downs, ups, kind)
    for place in range(len(layers)):
        yield partial(product.run, place=place)


@contextmanager
def sampled_merged(model: nn.Module) -> Iterator[None]:
    """Let layers run with their plain adapters as one product, for a block without gradients.

    Layers that are given the same input, such as those of queries, keys and values, run together.

    The product stands beside the weights, which nobody writes: behind the block the model is what
    it was, bit by bit. It takes memory for these weights once more.

    Args:
        model: With its adapters.
    """
    together, layers = siblings(model), dict[int, Any]()
    factors: dict[int, tuple[Tensor, Tensor]] = {}
    with ExitStack() as stack, torch.no_grad():

        def enter(group: tuple[Any, ...]) -> None:
            for layer, run in zip(group, stack_layers(group, factors), strict=True):
                stack.enter_context(replaced_forward(layer, run))

        for layer, down, up in plain_layers(model):
            layers[id(layer)] = layer
            factors[id(layer)] = down, up
            group = together.get(id(layer), (layer,))
            if all(id(other) in factors for other in group):
                enter(group)
        for key in list(factors):  # others of their group carry no adapter
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
