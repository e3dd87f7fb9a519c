"""What the parser says about a mistake: where, what, and the names that are near.

jsonargparse tells every attempt, one inside the other. The cause is the innermost of the attempt
that went furthest.
"""

import inspect
import re
from argparse import ArgumentError
from collections.abc import Iterable, Sequence
from types import ModuleType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from emolit.commands.near import FEW, meant
from emolit.commands.renamed import new_class, new_option
from emolit.compat.jsonargparse import Attempt, attempt_of, get_all_subclass_paths

LONGEST = 200
"""Signs of a line at most."""
KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    list: "a list",
    dict: "a mapping",
    tuple: "a list",
}
ELSEWHERE = {
    "--beta": "--model.objective.kl",
    "--epochs": "--trainer.max_epochs",
    "--learning_rate": "--model.optimizer.lr",
    "--lr": "--model.optimizer.lr",
    "--num_generations": "--model.group_size",
    "--num_train_epochs": "--trainer.max_epochs",
    "--output_dir": "--trainer.default_root_dir",
    "--per_device_train_batch_size": "--data.loading.batch_size",
    "--resume_from_checkpoint": "--ckpt_path",
    "--seed": "--seed_everything",
}
"""Options of other trainers on the command line, and what they are here."""


class NoOptionError(ArgumentError):
    """An option that a parser does not have, with the names that are near."""

    def __init__(self, message: str) -> None:
        super().__init__(None, message)


def no_option(name: str, options: Iterable[str]) -> str:
    """Say that there is no such option, and which one may be meant.

    Example:
        >>> no_option("wieght", ["help", "name", "weight", "guard", "guard.limit"])
        "no option 'wieght'; did you mean 'weight'? There are: guard, name, weight."
    """
    if name.endswith(".help"):
        return f"no option {name!r}; `emolit explain CLASS` shows the arguments of a class."
    if now := new_option(name):
        return f"no option {name!r} any more; it is called {now!r} now."
    hidden = ("help", "print_shtab", "prompt", "version")
    known = {each for each in options if each.rpartition(".")[2] not in hidden and each[-1] != "+"}
    near = [each for each in known if each.count(".") == name.count(".")]
    above = name.rpartition(".")[0]
    listed = [each for each in near if each.rpartition(".")[0] == above]
    return f"no option {name!r}{meant(name, listed or near, ELSEWHERE)}"


def complaint(message: str, error: BaseException | None) -> str:
    """Return one to three lines about a mistake: the key, the cause, the next step.

    Args:
        message: What jsonargparse says.
        error: What made it say so.
    """
    if found := MISSING.match(message):
        return f"{found[1].replace('fit.', '')} missing; name an experiment with --config."
    if error is None:
        return _short(message)
    trail = list(_trail(error))
    keys = dict.fromkeys(match[1] for each in trail if (match := KEY.match(str(each))))
    where = ".".join(key for key in keys if key != "config")
    owners = [match[1] for each in trail if (match := OWNER.match(str(each)))]
    owner = owners[-1].rpartition(".")[2] if owners else ""
    said = _cause(trail, owner)
    return _short(f"{where}: {said}" if where else said)


KEY = re.compile(r'Parser key "([^"]+)"')
MISSING = re.compile(r"the following arguments are required: (.+)")
ABSENT = re.compile(r"File does not exist: (.+)")
OWNER = re.compile(r"Problem with given class_path '([^']+)'")


def _trail(error: BaseException) -> Iterable[BaseException]:
    """Yield an error and what caused it, down to the innermost one worth telling."""
    while True:
        yield error
        if isinstance(error, NoOptionError):
            return
        tried = attempt_of(error)
        inner: BaseException | None = error.__cause__
        if tried is not None and get_origin(tried.kind) in (Union, UnionType) and tried.branches:
            inner = max(tried.branches, key=_worth)
        if inner is None and isinstance(error.__context__, ModuleNotFoundError):
            inner = error.__context__
        if inner is None:
            return
        error = inner


def _worth(error: BaseException) -> tuple[bool, bool, int]:
    """Rank the branches of a union: not None, of the right kind, deep."""
    tried, depth, each = attempt_of(error), 0, error.__cause__
    while each is not None:
        depth, each = depth + 1, each.__cause__
    misfit = re.match(r"Expected a (<|typing|collections)|Not a valid", str(error)) is not None
    return tried is None or tried.kind is not NoneType, not misfit, depth


def _cause(trail: Sequence[BaseException], owner: str) -> str:
    """Return the sentence of the innermost error."""
    error = trail[-1]
    text, tried = str(error), attempt_of(error)
    for each in map(attempt_of, trail):
        said = _class_path_of(each.value) if each is not None else None
        if isinstance(said, str) and (now := new_class(said)):
            return f"there is no {said!r} any more; it is called {now!r} now."
    if isinstance(error, NoOptionError):
        return f"{owner} has {text}" if owner else f"there is {text}"
    if isinstance(error, ModuleNotFoundError):
        return (
            f"there is no module {error.name!r} to import; it is looked for in the current folder "
            "and among the installed packages."
        )
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        name = str(error.name)
        return f"the module {error.obj.__name__!r} has no {name!r}{meant(name, _of(error.obj))}"
    if tried is None:
        found = ABSENT.match(text)
        return text if found is None else f"the config file {found[1]} is not there."
    if _wants_class(tried.kind):
        return _about_class(text, tried)
    around = attempt_of(trail[-2]) if len(trail) > 1 else None
    return _about_value(text, tried, tried.kind if around is None else around.kind)


def _about_class(text: str, tried: Attempt) -> str:
    """Say what is wrong with what should name a class."""
    kind, name = _class_of(tried.kind), _class_path_of(tried.value)
    known = sorted({path.rpartition(".")[2] for path in get_all_subclass_paths(tried.kind)})
    if isinstance(name, str) and ("/" in name or name.endswith((".yaml", ".yml", ".json"))):
        return (
            f"there is no file {name!r}; a path is relative to the config that names it, here "
            f"{str(tried.folder)!r}."
        )
    if text.startswith("Expected a dot import path string"):
        return f"there is no {kind} {name!r}{meant(str(name), known)}"
    if "is abstract" in text:
        return f"{name!r} is abstract; choose one of {', '.join(known)}."
    if "does not correspond to a subclass" in text:
        return f"{name!r} is no {kind}; {_choose(known)}"
    if text.startswith("Not a valid subclass"):
        return f"{_given(tried.value)} is no {kind}; {_choose(known)}"
    return text.partition("\n")[0]


def _about_value(text: str, tried: Attempt, around: Any) -> str:
    """Say what is wrong with a value that is no class; ``around`` is the whole type."""
    value, origin = tried.value, get_origin(tried.kind) or tried.kind
    if origin is Literal:
        kinds = (tried.kind, *get_args(around))
        choices = [each for kind in kinds if get_origin(kind) is Literal for each in get_args(kind)]
        return (
            f"it is {_given(value)}; choose one of {', '.join(dict.fromkeys(map(str, choices)))}."
        )
    expected = KINDS.get(origin)
    if expected is None or not text.startswith("Expected a"):
        return text.partition("\n")[0]
    if origin is str and isinstance(value, bool | int | float):
        kind = "a truth value" if isinstance(value, bool) else "a number"
        return f"{value!r} is {kind} and text is expected; write it in quotes, such as '{value}'."
    return f"it is {_given(value)}, and {expected} is expected."


def _choose(known: Sequence[str]) -> str:
    """Return the names to choose from, or how a class is named."""
    if 0 < len(known) <= FEW:
        return f"choose one of {', '.join(known)}."
    return "give the path of a class, such as 'package.module.Class'."


def _wants_class(kind: Any) -> bool:
    """Tell whether a class of one's own, or a factory, is expected."""
    plain = kind in KINDS or get_origin(kind) in KINDS or kind is NoneType
    named = inspect.isclass(kind) or "Callable" in str(kind)
    return named and not plain


def _class_of(kind: Any) -> str:
    """Return the name of the class that is expected."""
    returned = get_args(kind)[-1] if "Callable" in str(kind) and get_args(kind) else kind
    return getattr(returned, "__name__", "class")


def _class_path_of(value: Any) -> Any:
    """Return the class that a value names."""
    if isinstance(value, str):
        return value
    if hasattr(value, "get"):
        return value.get("class_path", value)
    return getattr(value, "val", value)


def _of(module: ModuleType) -> list[str]:
    """Return the classes and functions that are a module's own."""
    own = module.__name__
    return [
        name
        for name, each in vars(module).items()
        if name[0] != "_" and callable(each) and getattr(each, "__module__", "").startswith(own)
    ]


def _given(value: Any) -> str:
    """Show a value, shortened."""
    return repr(getattr(value, "val", value))[:LONGEST]


def _short(text: str) -> str:
    """Keep the first three lines that say something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n  ".join(line[: 3 * LONGEST] for line in lines[:3])
