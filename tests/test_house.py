"""The three trees rhyme, and every shelf holds plug-ins only."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import emolit
from emolit.commands.shelves import SHELVES, discover

ROOT = Path(__file__).parents[1]
PACKAGE = Path(emolit.__file__).parent
NODES = (
    "corpora", "demonstrations", "evaluators", "objectives", "policies", "prompts", "rewards",
    "rollouts",
)  # fmt: skip
"""Shelves whose classes are picked by a YAML node."""

ROOMS = {
    "affect", "audio", "commands", "compat", "data", "engine", "files", "inference", "judges",
    "reporting", "rl", "statistics", "text",
}  # fmt: skip
"""Packages that are no shelves."""
MODULES = {"__init__", "__main__", "cli", "errors", "seed", "types"}


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name not in {"__init__.py", "__main__.py"}:
            yield path.relative_to(PACKAGE)


@pytest.mark.parametrize("module", list(modules()), ids=str)
def test_every_module_has_its_test_file(module):
    if len(module.parts) == 3 and module.parts[0] == "commands":  # one command, one test file
        module = module.parent.with_suffix(".py")
    twin = ROOT / "tests" / module.parent / f"test_{module.name}"
    assert twin.is_file(), f"write {twin.relative_to(ROOT)}"


@pytest.mark.parametrize("module", list(modules()), ids=str)
def test_every_module_says_what_it_is(module):
    name = ".".join(("emolit", *module.with_suffix("").parts))
    assert (importlib.import_module(name).__doc__ or "").strip()


def plugins(shelf):
    """Classes of a shelf's own modules that can be made."""
    package = importlib.import_module(f"emolit.{shelf}")
    base = next(thing for thing in vars(package).values() if inspect.isclass(thing))
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"emolit.{shelf}.{info.name}")
        for thing in vars(module).values():
            own = inspect.isclass(thing) and thing.__module__ == module.__name__
            if own and issubclass(thing, base) and not inspect.isabstract(thing):
                yield info.name, thing


@pytest.mark.parametrize("shelf", NODES)
def test_every_plugin_has_a_node_that_names_it(shelf):
    for name, plugin in plugins(shelf):
        node = ROOT / "configs" / shelf / f"{name}.yaml"
        assert node.is_file(), f"write {node.relative_to(ROOT)}"
        assert f"class_path: {plugin.__name__}\n" in node.read_text()


def test_discovery_makes_every_plugin_known():
    discover()
    packages = {info.name for info in pkgutil.iter_modules(emolit.__path__) if info.ispkg}
    assert packages - ROOMS == set(SHELVES)


def test_the_root_holds_rooms_and_few_modules():
    found = {info.name: info.ispkg for info in pkgutil.iter_modules(emolit.__path__)}
    assert {name for name, package in found.items() if not package} | {"__init__"} <= MODULES
    assert sum(found.values()) <= 25  # 24, and the shelf `rollouts`, which no other one holds


PRIVATE = re.compile(
    r"\b(?:_version|_parameters|_name_or_path|_trainer|fit_loop|precision_plugin\.\w+|"
    r"past_key_values|_save_checkpoint|_remove_checkpoint|_find_last_checkpoints|_should_accumulate|_typehints|"
    r"adapt_typehints|GradientCheckpointingLayer|base_model\.model)\b|"
    r"from (?:transformers|peft|lightning|torch|jsonargparse)\.?[\w.]*\._"
)
"""What other libraries promise to nobody; tests/compat holds each of them."""


def test_what_others_do_not_promise_stands_in_compat_only():
    found = [
        f"{path.relative_to(PACKAGE)}: {match.group()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "compat"
        for match in PRIVATE.finditer(path.read_text())
    ]
    assert not found


def test_tools_are_imported_by_nobody():
    names = {path.stem for path in (ROOT / "tools").rglob("*.py")}
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        assert not any(f"import {name}" in text.split() for name in names)
        assert "from tools" not in text
