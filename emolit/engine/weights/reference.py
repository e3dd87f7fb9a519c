"""What the policy must not drift from, for the KL: never reloaded by name, never a different model.

Three cases: a fresh adapter is switched off; an adapter that was trained before, or whose reference
shall move, gets a frozen twin; a fully trained model gets a frozen copy of the weights that train
(frozen ones are shared). Twin and copy can move toward the policy (TR-DPO, arXiv 2404.09656).
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.peft import kept_training, name_in_adapter
from emolit.errors import PolicyError

Pair = tuple[Tensor, Tensor]
"""A weight of the policy, and the weight that stands in its place in the reference."""

TWIN = "reference"
"""Name of the frozen second adapter."""


@dataclass(frozen=True)
class Reference:
    """A model beside the policy.

    Attributes:
        opened: Gives the model for the time of a block.
        pairs: Gives each weight of the policy with its counterpart; none where the reference has
            no weights of its own. Ask anew each time: sharding replaces weights.
    """

    opened: Callable[[], AbstractContextManager[nn.Module]]
    pairs: Callable[[], list[Pair]]

    def trained_pairs(self) -> list[Pair]:
        """Return the pairs whose policy weight trains.

        Raises:
            PolicyError: The reference has no weights of its own.
        """
        pairs = self.pairs()
        if not pairs:
            raise PolicyError(
                "The reference is the policy with its adapters off and cannot move; call "
                "`expect_sync` before `build`, as the callback `SyncReference` does."
            )
        return [(weight, mirror) for weight, mirror in pairs if weight.requires_grad]

    @torch.no_grad()
    def move(self, alpha: float) -> None:
        """Move toward the policy: reference <- alpha * policy + (1 - alpha) * reference.

        That is TR-DPO's update, weight by weight; with alpha 1 the two are equal, bit by bit. Two
        adapters B A and B' A' are mixed by their factors, since the rank of the exact mixture would
        grow with each sync. The product of the mixed factors is the mixture of the products less
        alpha (1 - alpha) (B - B') (A - A'), which is of second order in the distance of the two.
        Weights in bfloat16 lose what is below half a rounding step; adapters are float32 there.

        Args:
            alpha: In (0, 1].
        """
        for weight, mirror in self.trained_pairs():
            mirror.lerp_(weight, alpha)


def adapters_off(peft_model: Any) -> Reference:
    """Return the base model without its fresh adapter."""

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        with kept_training(peft_model), peft_model.disable_adapter():
            yield peft_model.get_base_model()

    return Reference(opened, list)


def twin_adapter(peft_model: Any) -> Reference:
    """Add a frozen copy of the adapter as it is, and switch to it for the time of a block."""
    trained: str = peft_model.active_adapter
    settings = copy.deepcopy(peft_model.peft_config[trained])
    settings.inference_mode = True
    with torch.random.fork_rng():
        peft_model.add_adapter(TWIN, settings)
    peft_model.set_adapter(trained)

    def pairs() -> list[Pair]:
        weights = dict(peft_model.named_parameters())
        mirrors = {name: name_in_adapter(name, trained, TWIN) for name in weights}
        return [(weights[own], weights[name]) for own, name in mirrors.items() if own != name]

    with torch.no_grad():
        for weight, mirror in pairs():
            mirror.requires_grad_(False)
            if not weight.is_meta:  # else both get what another process has
                mirror.copy_(weight)

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        with kept_training(peft_model):
            peft_model.set_adapter(TWIN, inference_mode=True)
            try:
                yield peft_model.get_base_model()
            finally:
                peft_model.set_adapter(trained)

    return Reference(opened, pairs)


def frozen_copy(model: nn.Module, empty: bool = False) -> tuple[Reference, nn.Module]:
    """Copy what trains and share what is frozen; the copy must be kept where it moves along.

    Args:
        model: The policy's.
        empty: Give the weights of the copy no memory: once both are sharded it gets parts of its
            own of all of them.
    """
    memo: dict[int, Any] = {
        id(weight): nn.Parameter(torch.empty_like(weight, device="meta")) if empty else weight
        for weight in model.parameters()
        if empty or not weight.requires_grad
    }
    twin = copy.deepcopy(model, memo=memo)
    twin.requires_grad_(False)

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        yield twin

    def pairs() -> list[Pair]:
        return list(zip(model.parameters(), twin.parameters(), strict=True))

    return Reference(opened, pairs), twin
