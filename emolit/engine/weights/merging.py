"""An adapter for others: put into its base, or beside a copy of it."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.peft import does_more, plain_layers
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
        downs: What leads into their adapters; R is 0 where there is none. ``[R, I]`` each
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
        if len(self.weight) > sum(self.sizes):
            leads = [up.to(kind) for up in ups]
            self.up = torch.block_diag(*leads).T  # type: ignore[no-untyped-call]  # torch's own
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


@dataclass(frozen=True)
class Joined:
    """A layer that runs as part of a product.

    Attributes:
        layer: Whose ``forward`` is replaced.
        base: The linear layer that it is, or that lies below its adapter.
        down: What leads into its adapter. ``[R, I]``
        up: What leads out, scaled. ``[O, R]``
    """

    layer: Any
    base: Any
    down: Tensor
    up: Tensor

    @property
    def form(self) -> tuple[Any, ...]:
        """What is the same for all layers of a product."""
        return self.base.bias is None, self.base.in_features, computed_in(self.base.weight)


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


def joined_layers(network: nn.Module) -> Iterator[Joined]:
    """Yield layers with plain adapters, and those that autocast would cast for each token."""
    seen = set[nn.Module]()
    for layer, down, up in plain_layers(network):
        seen.update(layer.modules())
        yield Joined(layer, layer.get_base_layer(), down, up)
    for base in network.modules():
        if type(base) is nn.Linear and base not in seen and not does_more(base):
            weight = base.weight
            if computed_in(weight) != weight.dtype:
                yield Joined(base, base, weight[:0], weight[:, :0])


@contextmanager
def sampled_merged(network: nn.Module) -> Iterator[None]:
    """Let layers run as one product with their plain adapters, in the type that is computed in.

    It is for a block without gradients. Layers that are given the same input, such as those of
    queries, keys and values, run together. Weights that autocast would cast for each token are cast
    once.

    The products stand beside the weights, which nobody writes: behind the block the network is what
    it was, bit by bit. They take memory for these weights once more.

    Args:
        network: What runs for each token.
    """
    with ExitStack() as stack, torch.no_grad():
        together = siblings(network)
        found = {id(each.layer): each for each in joined_layers(network)}
        while found:
            first = next(iter(found.values()))
            group = [found.get(id(each)) for each in together.get(id(first.layer), (first.layer,))]
            whole = [each for each in group if each is not None]
            if len(whole) < len(group) or len({each.form for each in whole}) > 1:
                whole = [first]
            product = StackedProduct(
                [each.base.weight for each in whole],
                None if first.base.bias is None else [each.base.bias for each in whole],
                [each.down for each in whole],
                [each.up for each in whole],
                computed_in(first.base.weight),
            )
            for place, each in enumerate(whole):
                del found[id(each.layer)]
                stack.enter_context(replaced_forward(each.layer, partial(product.run, place=place)))
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
