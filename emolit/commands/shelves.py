"""The shelves of plug-ins: whatever lies there is known by its short name."""

import importlib
import pkgutil

SHELVES = (
    "prompts", "corpora", "policies", "advantages", "objectives", "demonstrations", "rewards",
    "evaluators", "metrics", "rollouts", "tasks", "callbacks",
)  # fmt: skip


def discover() -> None:
    """Import every module of every shelf, so that short class names are legal in YAML."""
    for shelf in SHELVES:
        package = importlib.import_module(f"emolit.{shelf}")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"emolit.{shelf}.{module.name}")
