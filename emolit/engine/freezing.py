"""Modules that do not train, by name."""

from typing import Any

from torch import nn

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
