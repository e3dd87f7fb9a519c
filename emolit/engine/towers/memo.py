"""A frozen tower hears each clip once a step: rollout, loss and reference share what it says."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.torch import replace_forward, write_count
from emolit.compat.transformers import TOWERS
from emolit.engine.tensor_store import TensorStore, digest


class MemoizedTower:
    """Remembers what one frozen module said about its last input.

    The same input is the same tensor, or one of equal values. It is held, so that its place in
    memory cannot be taken by another, and forgotten once somebody writes into it.
    """

    def __init__(self, module: nn.Module) -> None:
        self.speak: Callable[..., Any] = module.forward
        self.heard: tuple[Any, ...] = ()
        self.versions: list[int] = []
        self.said: Any = None

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Answer from memory, or run the module.

        In inference mode, as in validation, a clip is heard once anyway, and what is said there
        must not reach a gradient. What is remembered has no graph, unless what is heard has one:
        under checkpointing peft lets a tower's embeddings ask for gradients that nobody needs.
        """
        if torch.is_inference_mode_enabled():
            return self.speak(*given, **named)
        now = (given, sorted(named.items()))
        known = bool(self.heard) and self.versions == versions(self.heard)
        if not (known and equal_arguments(self.heard, now)):
            with torch.set_grad_enabled(torch.is_grad_enabled() and differentiable(now)):
                self.said = self.speak(*given, **named)
            self.heard, self.versions = now, versions(now)
        return self.said


class DiskCachedTower:
    """Remembers on disk what a frozen tower said about each clip, over steps and runs.

    For towers that take clips as rows and answer with ``last_hidden_state`` rows. A row does not
    depend on its neighbors but for rounding.

    Args:
        module: The tower.
        store: Where its answers are kept, keyed by its weights and by all that a row holds.
    """

    def __init__(self, module: nn.Module, store: TensorStore) -> None:
        self.speak: Callable[..., Any] = module.forward
        settings = str(getattr(module, "config", ""))
        kind = type(module).__name__
        self.weights = digest("tower", kind, settings, dict(module.state_dict()))
        self.store = store

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Answer from the store where a row is known; run the others together and store them."""
        from transformers.modeling_outputs import BaseModelOutput

        first = given[0] if given else next(iter(named.values()))
        base = digest(self.weights, autocast_type(first.device))
        keys = [
            digest(base, *select_rows(given, [i]), select_rows(named, [i]))
            for i in range(len(first))
        ]
        rows = [self.store.load(key) for key in keys]
        missing = [index for index, row in enumerate(rows) if row is None]
        if missing:
            said = self.speak(
                *select_rows(given, missing), **select_rows(named, missing)
            ).last_hidden_state
            for index, state in zip(missing, said, strict=True):
                rows[index] = {"state": state}
                self.store.save(keys[index], {"state": state})
        states = [row["state"].to(first.device) for row in rows if row is not None]
        return BaseModelOutput(last_hidden_state=torch.stack(states))


def autocast_type(device: torch.device) -> str:
    """Return what autocast computes in there; empty where it is off."""
    autocast = torch.is_autocast_enabled(device.type)
    return str(torch.get_autocast_dtype(device.type)) if autocast else ""


def select_rows(thing: Any, rows: list[int]) -> Any:
    """Return some rows of every tensor in nested arguments."""
    if isinstance(thing, Tensor):
        return thing[rows]
    if isinstance(thing, list | tuple):
        return tuple(select_rows(inner, rows) for inner in thing)
    if isinstance(thing, dict):
        return {name: select_rows(inner, rows) for name, inner in thing.items()}
    return thing


class UnpaddedTower:
    """Shows clips to a tower one by one, for towers that do not mask the padding of a batch.

    A clip ends where its mask says; without a mask, with its last frame that is not 0 everywhere,
    and one that is 0 throughout is whole.

    Args:
        tower: Takes features ``[B, F, M]``, and perhaps a mask ``[B, F]`` behind them.
    """

    def __init__(self, tower: nn.Module) -> None:
        self.speak = tower.forward

    def __call__(self, features: Tensor, mask: Tensor | None = None, **named: Any) -> Any:
        """Return the tower's output, states padded with 0. ``[B, F, H]``."""
        real = (features != 0).any(-1) if mask is None else mask
        frames = torch.arange(1, features.shape[1] + 1, device=features.device)
        last = (real * frames).amax(-1)
        ends = torch.where(last == 0, features.shape[1], last).tolist()
        blank = () if mask is None else (None,)
        heard = [
            self.speak(clip[None, :end], *blank, **named)
            for clip, end in zip(features, ends, strict=True)
        ]
        if isinstance(heard[0], Tensor):
            return nn.utils.rnn.pad_sequence([clip[0] for clip in heard], batch_first=True)
        output = heard[0]
        output.last_hidden_state = nn.utils.rnn.pad_sequence(
            [clip.last_hidden_state[0] for clip in heard], batch_first=True
        )
        return output


def versions(thing: Any) -> list[int]:
    """Return how often each tensor in a nested argument has been written."""
    if isinstance(thing, Tensor):
        return [write_count(thing)]
    if isinstance(thing, list | tuple):
        return [version for part in thing for version in versions(part)]
    return []


def differentiable(thing: Any) -> bool:
    """Tell whether a tensor in a nested argument asks for a gradient."""
    if isinstance(thing, Tensor):
        return thing.requires_grad
    return isinstance(thing, list | tuple) and any(map(differentiable, thing))


def equal_arguments(one: Any, other: Any) -> bool:
    """Tell whether two nested arguments have the same values."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.shape != other.shape or one.dtype != other.dtype or one.device != other.device:
            return False
        place = one.data_ptr() == other.data_ptr() and one.stride() == other.stride()
        return place or bool((one == other).all())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal_arguments, one, other))
    return type(one) is type(other) and bool(one == other)


def cache_frozen_towers(networks: list[nn.Module], store: TensorStore | None = None) -> None:
    """Give every frozen tower a memory, one for all networks that share its weights.

    Args:
        networks: The policy's own, and a copy that shares what is frozen.
        store: Where answers are kept between steps and runs; None keeps the last one only.
    """
    for name in frozen_towers(networks[0]):
        module = networks[0].get_submodule(name)
        memory = MemoizedTower(module)
        if store is not None:
            memory.speak = DiskCachedTower(module, store)
        for network in networks:
            replace_forward(network.get_submodule(name), memory)


def frozen_towers(network: nn.Module) -> list[str]:
    """Return the names of the towers that do not train."""
    return [
        name
        for name, module in network.named_modules()
        if name.rsplit(".", 1)[-1] in TOWERS
        and not any(weight.requires_grad for weight in module.parameters())
    ]
