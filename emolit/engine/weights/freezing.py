"""What trains: modules that do not, by name, and a table of all."""

from typing import Any

from torch import nn

from emolit.compat.peft import plain_name
from emolit.engine.weights.reference import TWIN
from emolit.errors import PolicyError


def freeze_modules(model: nn.Module, base: Any, names: list[str]) -> None:
    """Stop training of the modules that have one of the names, wherever they sit.

    Args:
        model: With its adapters.
        base: The transformers model inside, whose modules a message lists.
        names: Last parts of the modules' paths, or whole paths.

    Raises:
        PolicyError: A name belongs to no module.
    """
    for name in names:
        found = [
            module
            for path, module in model.named_modules()
            if path == name or path.endswith(f".{name}")
        ]
        if not found:
            known = sorted({path.rsplit(".", 1)[-1] for path, _ in base.named_children()})
            inner = [path for path, _ in base.named_modules() if path.count(".") == 1]
            raise PolicyError(
                f"`freeze` names the module {name!r}, which {type(base).__name__} does "
                f"not have; it has {known + inner}."
            )
        for module in found:
            module.requires_grad_(False)


def trainable_table(policy: nn.Module) -> str:
    """Return lines that say how many parameters of each part train.

    Parts are the module paths three levels below the policy; its reference does not count.
    """
    counts: dict[str, list[int]] = {}
    for name, weight in policy.named_parameters():
        if name.startswith("frozen_twin.") or TWIN in name.split("."):
            continue
        part = ".".join(plain_name(name).split(".")[1:3])
        row = counts.setdefault(part, [0, 0])
        row[0] += weight.numel() if weight.requires_grad else 0
        row[1] += weight.numel()
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    rows = [*counts.items(), ("all", total)]
    width = max(len(part) for part, _ in rows)
    lines = [f"{'module':<{width}}  {'trains':>15}  {'of':>15}"]
    lines += [f"{part:<{width}}  {row[0]:>15,}  {row[1]:>15,}" for part, row in rows]
    return "\n".join(lines)
