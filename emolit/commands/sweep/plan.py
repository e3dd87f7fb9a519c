"""What a sweep file says: arms made of stages, over folds, seeds and other axes.

docs/experiments.md shows the form. Nothing here runs anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from emolit.commands.sweep.axes import fill_placeholders, placeholders, products
from emolit.errors import ConfigError

SUBCOMMANDS = ("fit", "validate", "test", "predict")
CELL = ("fold", "seed")
"""Axes that every arm is repeated over; others repeat the arms whose names hold them."""
KEYS = {"root", "configs", "axes", "options", "compare", "arms"}
STAGE_KEYS = {*SUBCOMMANDS, "from", "set", "same_wall_time_as", "best_of"}
NAME = re.compile(r"[\w.,+=-]+")


@dataclass(frozen=True)
class Stage:
    """One subcommand of emolit, in a process and a folder of its own.

    Attributes:
        arm: What it belongs to.
        name: Of the stage within its arm.
        cell: Values of ``fold`` and ``seed``, as far as the sweep has them.
        folder: Everything that it writes lies here.
        subcommand: ``fit``, ``validate``, ``test`` or ``predict``.
        configs: Files, the first an experiment, further ones put over it.
        options: Dotted names to values, put over the files.
        before: Stage before it in its arm; if that fails, it is not run.
        start: Stage whose ``best`` it starts from.
        as_long_as: Stage whose wall time it trains for.
        candidates: Stages of which it is the best by validation score; it runs nothing itself.
    """

    arm: str
    name: str
    cell: dict[str, Any]
    folder: Path
    subcommand: str
    configs: tuple[Path, ...]
    options: dict[str, Any]
    before: Path | None = None
    start: Path | None = None
    as_long_as: Path | None = None
    candidates: "tuple[Stage, ...]" = ()

    @property
    def sources(self) -> tuple[Path, ...]:
        """Folders of the stages whose outcome it builds on."""
        found = (self.start, self.as_long_as, *(stage.folder for stage in self.candidates))
        return tuple(folder for folder in found if folder is not None)

    @property
    def needs(self) -> tuple[Path, ...]:
        """Folders of the stages that come before it."""
        return tuple(dict.fromkeys((*filter(None, [self.before]), *self.sources)))


@dataclass(frozen=True)
class Sweep:
    """A sweep file.

    Attributes:
        path: Of the file.
        root: Folder of all stages.
        compare: Pairs of arms to test against each other, with the metric.
        cells: Every combination of ``fold`` and ``seed``.
        stages: By folder, in the order in which they run.
    """

    path: Path
    root: Path
    compare: tuple[dict[str, str], ...]
    cells: tuple[dict[str, Any], ...]
    stages: dict[Path, Stage]

    @property
    def arms(self) -> tuple[str, ...]:
        """Names of the arms, in the order of the file."""
        return tuple(dict.fromkeys(stage.arm for stage in self.stages.values()))


def read(path: Path, root: Path | None = None, seeds: list[int] | None = None) -> Sweep:
    """Read a sweep file and lay out its stages.

    Args:
        path: Of the file.
        root: In place of the file's own.
        seeds: Likewise.

    Raises:
        ConfigError: The file is not what it should be; the message says where.
    """
    said = _load(path)
    _check(said, f"The sweep {path}", KEYS, {"root", "arms"})
    for key in ("axes", "options", "arms"):
        if not isinstance(said.get(key, {}), dict):
            raise ConfigError(
                f"`{key}` of the sweep {path} must be keys and values, but is {said[key]!r}."
            )
    axes = {"seed": [0], **said.get("axes", {}), **({"seed": seeds} if seeds else {})}
    cells = tuple(products(axes, [name for name in CELL if name in axes]))
    root = Path(said["root"]) if root is None else root
    stages: dict[Path, Stage] = {}
    for cell in cells:
        reader = _Reader(
            root,
            path.parent / said.get("configs", "."),
            axes,
            said.get("options", {}),
            cell,
        )
        for template, body in said["arms"].items():
            stages |= {stage.folder: stage for stage in reader.arms(template, body)}
    compare = tuple(_pairs(said.get("compare", []), axes))
    sweep = Sweep(path, root, compare, cells, _sort_by_dependency(stages))
    if odd := {pair[side] for pair in compare for side in ("arm", "versus")} - {*sweep.arms}:
        raise ConfigError(f"`compare` names {sorted(odd)}; the arms are {list(sweep.arms)}.")
    return sweep


@dataclass(frozen=True)
class _Reader:
    """Turns the words of a file into the stages of one cell."""

    root: Path
    configs: Path
    axes: dict[str, list[Any]]
    options: dict[str, Any]
    cell: dict[str, Any]

    def arms(self, template: str, body: dict[str, Any]) -> Iterator[Stage]:
        """Yield the stages of an arm, for every value of the axes in its name."""
        for values in products(self.axes, _axes_in(template)):
            values = {**self.cell, **values}
            arm = fill_placeholders(template, values)
            if not NAME.fullmatch(arm):
                raise ConfigError(f"The arm {arm!r} is to be a folder; use letters and ._+=,-")
            _check(body, f"The arm {arm}", set(body or ()), set())
            before, start = None, None
            for name, said in body.items():
                stage = self.stage(arm, name, said, values)
                stage = replace(stage, before=before, start=stage.start or start)
                stage = self.searched(stage, said.get("best_of", {}))
                yield from (*stage.candidates, stage)
                before = stage.folder
                start = stage.folder if stage.subcommand == "fit" else start

    def stage(self, arm: str, name: str, said: dict[str, Any], values: dict[str, Any]) -> Stage:
        """Return one stage by itself."""
        where = f"The stage {arm}/{name}"
        _check(said, where, STAGE_KEYS, set())
        subcommands = [key for key in SUBCOMMANDS if key in said]
        if len(subcommands) != 1:
            raise ConfigError(f"{where} needs one of {list(SUBCOMMANDS)}, but has {subcommands}.")
        said, files = (
            fill_placeholders(said, values),
            fill_placeholders(said[subcommands[0]], values),
        )
        return Stage(
            arm=arm,
            name=name,
            cell=self.cell,
            folder=self.folder(arm, name),
            subcommand=subcommands[0],
            configs=tuple(
                self.config(file, where) for file in ([files] if isinstance(files, str) else files)
            ),
            options={**fill_placeholders(self.options, values), **said.get("set", {})},
            start=self.other(arm, said.get("from")),
            as_long_as=self.other(arm, said.get("same_wall_time_as")),
        )

    def searched(self, stage: Stage, best_of: dict[str, list[Any]]) -> Stage:
        """Give a stage its candidates, if it is to be the best of several."""
        candidates = tuple(
            replace(
                stage,
                folder=stage.folder.with_name(f"{stage.name},{_words(values, '=')}"),
                options=fill_placeholders(stage.options, values),
            )
            for values in (products(best_of, list(best_of)) if best_of else ())
        )
        for made in candidates or (stage,):
            left = {*placeholders(made.options)} & {*CELL, *self.axes, *best_of}
            if left:
                raise ConfigError(
                    f"The stage {stage.arm}/{stage.name} speaks of {sorted(left)}, "
                    "which the name of its arm lacks."
                )
        return replace(stage, candidates=candidates)

    def folder(self, arm: str, stage: str) -> Path:
        """Return where a stage lies."""
        return self.root / arm / _words(self.cell, "", "-") / stage

    def other(self, arm: str, name: str | None) -> Path | None:
        """Return the folder of ``stage`` in the same arm, or of ``arm/stage``."""
        if name is None:
            return None
        other, _, stage = name.rpartition("/")
        return self.folder(other or arm, stage)

    def config(self, name: str, where: str) -> Path:
        """Return the path of a config file."""
        path = self.configs / name
        if not path.is_file():
            raise ConfigError(f"{where} names the config {name!r}, but there is no {path}.")
        return path


def _pairs(entries: list[dict[str, str]], axes: dict[str, list[Any]]) -> Iterator[dict[str, str]]:
    """Yield the comparisons, repeated for every value of the axes in their names."""
    for entry in entries:
        _check(entry, "An entry of `compare`", {"arm", "versus", "metric"}, {"arm", "versus"})
        for values in products(axes, _axes_in(f"{entry['arm']} {entry['versus']}")):
            yield {"metric": "UA", **fill_placeholders(entry, values)}


def _axes_in(text: str) -> list[str]:
    """Return the axes that a name holds, but those of a cell."""
    return [name for name in placeholders(text) if name not in CELL]


def _words(values: dict[str, Any], sign: str, between: str = ",") -> str:
    """Return values with their names as a part of a folder's name."""
    return between.join(f"{name}{sign}{value}" for name, value in values.items())


def _sort_by_dependency(stages: dict[Path, Stage]) -> dict[Path, Stage]:
    """Put every stage behind those that it builds on, otherwise keeping the order.

    Raises:
        ConfigError: One builds on itself, or on what is no stage.
    """
    order: dict[Path, Stage] = {}

    def visit(stage: Stage, path: tuple[Path, ...]) -> None:
        if stage.folder in path:
            raise ConfigError(f"The stage {stage.folder} builds on itself; look at its `from`.")
        for folder in stage.needs:
            if folder not in stages:
                raise ConfigError(f"{stage.folder} builds on {folder}, which is no stage.")
            visit(stages[folder], (*path, stage.folder))
        order.setdefault(stage.folder, stage)

    for stage in stages.values():
        visit(stage, ())
    return order


def _load(path: Path) -> Any:
    """Return what a YAML file says.

    Raises:
        ConfigError: It is none; the message has file and line.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        said = f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8."
        raise ConfigError(said) from error
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
        line = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        raise ConfigError(f"{path}{line}: this is no YAML: {problem}. Correct it there.") from error


def _check(said: Any, where: str, keys: set[str], needed: set[str]) -> None:
    """Refuse keys that mean nothing, and the lack of needed ones."""
    if not isinstance(said, dict):
        raise ConfigError(f"{where} must be keys and values, but is {said!r}.")
    if odd := sorted(set(said) - keys):
        raise ConfigError(f"{where} has the key {odd[0]!r}; there are {sorted(keys)}.")
    if lacking := sorted(needed - set(said)):
        raise ConfigError(f"{where} lacks the key {lacking[0]!r}.")
