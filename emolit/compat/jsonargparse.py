"""What emolit relies on of jsonargparse beyond its promises.

Every value at every depth is fitted to its type by `adapt_typehints`, which calls itself by its
name in `jsonargparse._typehints`; its argument ``prev_val`` is what an earlier config said; YAML is
read by `get_yaml_default_loader`; the classes of a shelf are listed by `get_all_subclass_paths`; a
parser keeps its options in ``_actions`` and its subcommands in ``_subcommands_action``.
"""

import inspect
from argparse import ArgumentError
from collections.abc import Hashable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

from jsonargparse import _typehints
from jsonargparse._common import debug_mode_active
from jsonargparse._loaders_dumpers import get_yaml_default_loader
from jsonargparse._typehints import get_all_subclass_paths
from jsonargparse._util import NestedArg
from yaml.constructor import ConstructorError

__all__ = [
    "Attempt",
    "attempt_of",
    "debug_mode_active",
    "fit_type",
    "get_all_subclass_paths",
    "install",
    "option_names",
]

ORIGINAL: Any = _typehints.adapt_typehints
SPEC = ("class_path", "init_args", "dict_kwargs")
MAP = "tag:yaml.org,2002:map"
NOTE = "_emolit_attempt"


@dataclass(frozen=True)
class Attempt:
    """What was tried when an error was raised: material for a sentence about it.

    Attributes:
        value: What was given.
        kind: The type that it did not fit.
        folder: What relative paths were relative to.
        branches: The errors of the parts, such as the members of a union.
    """

    value: Any
    kind: Any
    folder: Path
    branches: tuple[Exception, ...]


_branches: ContextVar[list[Exception] | None] = ContextVar("branches", default=None)


def fit_type(value: Any, kind: Any, **settings: Any) -> Any:
    """Fit a value to its type as jsonargparse does, but for two things.

    A list replaces an earlier one whole: its items inherit nothing from those at their places. And
    what is given on the command line for an argument of a class reaches it as it was written.

    Raises:
        ValueError: It does not fit; the error carries an `Attempt`.
    """
    if _replaces(value, kind, settings):
        settings["prev_val"] = None
    above, parts = _branches.get(), list[Exception]()
    token = _branches.set(parts)
    try:
        return ORIGINAL(_as_written(value, kind, settings), kind, **settings)
    except (ValueError, TypeError, ImportError, AttributeError, ArgumentError) as error:
        error.__dict__.setdefault(NOTE, Attempt(value, kind, Path.cwd(), tuple(parts)))
        if above is not None:
            above.append(error)
        raise
    finally:
        _branches.reset(token)


def attempt_of(error: BaseException) -> Attempt | None:
    """Return what was tried when an error was raised; None where nobody knows."""
    found: Attempt | None = getattr(error, NOTE, None)
    return found


def install() -> None:
    """Let jsonargparse use this module, in this process and once."""
    module: Any = _typehints
    module.adapt_typehints = fit_type
    loader: Any = get_yaml_default_loader
    loader().add_constructor(MAP, _mapping)


def option_names(parser: Any) -> list[str]:
    """Return the names of all options of a parser, those of its subcommands included."""
    below = parser._subcommands_action
    parsers = [parser, *(below.choices.values() if below is not None else ())]
    return [action.dest for each in parsers for action in each._actions if action.dest]


def _replaces(value: Any, kind: Any, settings: Mapping[str, Any]) -> bool:
    """Tell whether a whole list is given."""
    listed = get_origin(kind) in _typehints.sequence_origin_types
    return listed and not settings.get("append") and not isinstance(value, NestedArg)


def _as_written(value: Any, kind: Any, settings: Mapping[str, Any]) -> Any:
    """Return an argument of a class as the text that was written.

    jsonargparse hands over what YAML makes of it, and a question such as ``Emotion: {options}``
    would be a mapping.
    """
    written = settings.get("orig_val")
    if not (isinstance(value, NestedArg) and isinstance(written, NestedArg)):
        return value
    plain = inspect.isclass(kind) and not issubclass(kind, Mapping | tuple)
    own = value.key == written.key and value.key.partition(".")[0] not in SPEC
    return written if plain and own and isinstance(written.val, str) else value


def _mapping(loader: Any, node: Any) -> Any:
    """Read a mapping whose keys are text as written: ``0``, ``3.0`` and ``no`` are names.

    Raises:
        ConstructorError: A key stands twice; YAML would take the last and drop the others.
    """
    found: dict[Hashable, Any] = {}
    yield found
    seen: set[object] = set()
    for key, _ in node.value:
        text = getattr(key, "value", None)
        if isinstance(text, str) and text in seen:
            raise ConstructorError(
                None, None, f"the key {text!r} stands twice; join what is below", key.start_mark
            )
        seen.add(text if isinstance(text, str) else id(key))
    loader.flatten_mapping(node)
    for key, value in node.value:
        text = getattr(key, "value", None)
        name = text if isinstance(text, str) else loader.construct_object(key, deep=True)
        found[name] = loader.construct_object(value, deep=True)
