"""Settings of optimizer and scheduler that a checkpoint would overrule.

Lightning loads the options of the optimizer and the whole scheduler from the file, so that a config
with another learning rate would change nothing. A file of emolit therefore also says what it was
given. Where that differs from the config, the config counts: the file gives the moments and the
number of steps, and a schedule is what it would be now had it run with the new settings throughout.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from emolit.errors import ConfigError

KEY = "given"
"""Where a checkpoint says what it was given."""
OPTIMIZER, SCHEDULER = "optimizer", "scheduler"
DERIVED = ("last_lr", "base_lrs")
"""Of a scheduler, what follows from the optimizer's learning rate."""


def optimizer_settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return the options of an optimizer that no scheduler has touched, by name."""
    groups = optimizer.param_groups
    options = [{name: group[name] for name in group if name != "params"} for group in groups]
    found = options[0] if len(options) == 1 else options
    return {OPTIMIZER: type(optimizer).__name__, **dict(_flat(OPTIMIZER, found))}


def scheduler_settings(scheduler: LRScheduler) -> dict[str, Any]:
    """Return what a scheduler holds that has made no step, by name."""
    return {SCHEDULER: type(scheduler).__name__, **dict(_flat(SCHEDULER, scheduler.state_dict()))}


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the plain values below a name; a checkpoint cannot hold others safely."""
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _flat(f"{name}.{index}", inner)
    elif value is None or isinstance(value, bool | int | float | str):
        yield name, value


def compare_settings(then: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """Return what differs between two runs' settings, as ``was -> is``, by name."""
    return {
        name: f"{then.get(name)} -> {now.get(name)}"
        for name in [*now, *(name for name in then if name not in now)]
        if then.get(name) != now.get(name) and not any(part in name for part in DERIVED)
    }


def check_optimizer(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse another optimizer, whose moments mean something else.

    Raises:
        ConfigError: It is another one.
    """
    if then[OPTIMIZER] != now[OPTIMIZER]:
        raise ConfigError(
            f"The checkpoint holds the state of {then[OPTIMIZER]}, and `optimizer` is "
            f"{now[OPTIMIZER]}; resume with {then[OPTIMIZER]}, or start a new run from the folder "
            "of weights beside the checkpoint."
        )


def renew(
    optimizer: Optimizer,
    fresh: Optimizer,
    differing: Iterable[str],
    schedule: Callable[[Optimizer], LRScheduler] | None,
    steps: int,
) -> LRScheduler | None:
    """Give an optimizer with the moments of a checkpoint the options of a fresh one.

    Args:
        optimizer: Its options change in place.
        fresh: What the config gives.
        differing: Names of what was changed.
        schedule: Makes the scheduler; None where there is none.
        steps: How many steps were made.

    Returns:
        The scheduler at that step.
    """
    parts = {"lr", *(part for name in differing for part in name.split("."))}
    for group, given in zip(optimizer.param_groups, fresh.param_groups, strict=True):
        group.pop("initial_lr", None)
        group |= {name: given[name] for name in given if name in parts - {"params"}}
    if schedule is None:
        return None
    scheduler = schedule(optimizer)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")
        for _ in range(steps):
            scheduler.step()
    return scheduler
