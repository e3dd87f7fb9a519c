"""The policy as it was given, for the KL: never reloaded by name, never a different model.

Three cases: a fresh adapter is switched off; an adapter that was trained before gets a frozen twin;
a fully trained model gets a frozen copy of the weights that train (frozen ones are shared).
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from torch import nn

Reference = Callable[[], AbstractContextManager[nn.Module]]
"""Opens the reference model for the time of a block."""

TWIN = "reference"
"""Name of the frozen second adapter."""


def adapters_off(peft_model: Any) -> Reference:
    """Return the base model without its fresh adapter."""

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        with training_kept(peft_model), peft_model.disable_adapter():
            yield peft_model.get_base_model()

    return opened


@contextmanager
def training_kept(model: nn.Module) -> Iterator[None]:
    """Restore which weights train: peft turns them all on when it switches adapters."""
    trains = {name: weight.requires_grad for name, weight in model.named_parameters()}
    try:
        yield
    finally:
        for name, weight in model.named_parameters():
            weight.requires_grad_(trains[name])


def frozen_adapter(peft_model: Any, folder: str) -> Reference:
    """Load the given adapter a second time, frozen, and switch to it for the time of a block."""
    trained = peft_model.active_adapter
    peft_model.load_adapter(folder, adapter_name=TWIN, is_trainable=False)
    peft_model.set_adapter(trained)

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        with training_kept(peft_model):
            peft_model.set_adapter(TWIN, inference_mode=True)
            try:
                yield peft_model.get_base_model()
            finally:
                peft_model.set_adapter(trained)

    return opened


def frozen_copy(model: nn.Module) -> tuple[Reference, nn.Module]:
    """Copy what trains and share what is frozen; the copy must be kept where it moves along."""
    shared = {id(weight): weight for weight in model.parameters() if not weight.requires_grad}
    twin = copy.deepcopy(model, memo=dict(shared))
    twin.requires_grad_(False)

    @contextmanager
    def opened() -> Iterator[nn.Module]:
        yield twin

    return opened, twin
