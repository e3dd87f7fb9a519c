"""Shows the classes that YAML can name: all of them, or one with its arguments.

    emolit explain              # every class of every shelf, a line each
    emolit explain Correct      # what it is, its arguments with types and defaults, a node of YAML

A name that stands on two shelves is shown twice; what stands on none is shown by its path.
"""

import argparse
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from lightning.pytorch.callbacks import Callback
from torchmetrics import Metric

from emolit.commands.near import meant
from emolit.commands.shelves import SHELVES, discover


def main(arguments: list[str]) -> int:
    """Print what was asked for; return 2 for a name that is not there."""
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="emolit explain", description=about)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a class or function, as in YAML")
    given = parser.parse_args(arguments)
    discover()
    known = [(shelf, thing) for shelf in SHELVES for thing in things(shelf)]
    if not given.names:
        print("\n".join(overview(known)))
    for name in given.names:
        found = [(shelf, thing) for shelf, thing in known if thing.__name__ == name]
        found = found or [("", thing) for thing in by_path(name)]
        if not found:
            names = {thing.__name__ for _, thing in known}
            hint = f"{meant(name, names)} `emolit explain` lists all."
            sys.stderr.write(f"error: there is no class {name!r} on any shelf{hint}\n")
            return 2
        print("\n".join(explain(*each) for each in found))
    return 0


def overview(known: Sequence[tuple[str, Any]]) -> Iterator[str]:
    """Yield the names of every shelf, with what they are."""
    for shelf in SHELVES:
        yield f"{shelf}:"
        found = {thing.__name__: thing for place, thing in known if place == shelf}
        yield from (f"    {name:32}{first_line(found[name])}" for name in sorted(found))


def by_path(name: str) -> list[Any]:
    """Return what a dotted path names, such as ``emolit.rl.kl.KL``; nothing if it names nothing."""
    module, _, last = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), last, None) if module else None
    except ModuleNotFoundError:
        return []
    return [] if found is None else [found]


def things(shelf: str) -> Iterator[Any]:
    """Yield what the modules of a shelf offer to YAML: classes, and functions of the advantages."""
    package = importlib.import_module(f"emolit.{shelf}")
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"emolit.{shelf}.{info.name}")
        own = [each for each in vars(module).values() if _belongs(each, module)]
        functions = shelf == "advantages" and info.name != "base"
        yield from (
            each
            for each in own
            if _is_plugin(each, package) or (functions and inspect.isfunction(each))
        )


def _belongs(thing: Any, module: ModuleType) -> bool:
    """Tell whether something public was made in a module."""
    named = getattr(thing, "__name__", "_")[0] != "_"
    return named and getattr(thing, "__module__", "") == module.__name__


def _is_plugin(thing: Any, package: ModuleType) -> bool:
    """Tell whether a class derives from what a shelf is for, and can be made."""
    named = [vars(package)[name] for name in getattr(package, "__all__", ())]
    kinds = (Metric, Callback, *(base for base in named if inspect.isclass(base)))
    return inspect.isclass(thing) and issubclass(thing, kinds) and not inspect.isabstract(thing)


def first_line(thing: Any) -> str:
    """Return what a class is, in a line."""
    return (inspect.getdoc(thing) or "").split("\n")[0]


def explain(shelf: str, thing: Any) -> str:
    """Return what a class is, and how it stands in YAML."""
    path = f"{thing.__module__}.{thing.__name__}"
    of = f", of the shelf `{shelf}`" if shelf else ""
    lines = [f"{thing.__name__}  ({path}{of})", "", inspect.getdoc(thing) or ""]
    if not inspect.isclass(thing):
        return "\n".join([*lines, "", f"In YAML: {path}", ""])
    lines += ["", "In YAML:", f"    class_path: {thing.__name__ if shelf else path}"]
    settings = [
        setting
        for setting in inspect.signature(thing).parameters.values()
        if setting.kind not in (setting.VAR_POSITIONAL, setting.VAR_KEYWORD)
    ]
    if settings:
        lines.append("    init_args:")
    for setting in settings:
        needed = setting.default is setting.empty
        default = "..." if needed else format_default(setting.default)
        kind = inspect.formatannotation(setting.annotation)
        lines.append(f"      {setting.name}: {default}  # {kind}{', required' if needed else ''}")
    return "\n".join([*lines, ""])


def format_default(value: object) -> str:
    """Return a default as YAML has it, or as Python shows it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
