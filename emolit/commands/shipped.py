"""The configs that come with emolit, by short names and from any folder.

    emolit fit --config demo/sft           # configs/experiments/demo/sft.yaml
    emolit sweep demo                      # configs/sweeps/demo.yaml

A file of one's own goes first. A path that begins with ``configs/`` and is not there is looked for
among the shipped ones too.
"""

import re
from pathlib import Path

import emolit
from emolit.commands.near import meant
from emolit.errors import ConfigError

FOLDER = Path(emolit.__file__).parent / "configs"
SHORT = re.compile(r"[\w-]+(/[\w.-]+)*")


def find(name: str, kind: str = "experiments") -> str:
    """Return the path of a config: the file of that name, or the shipped one.

    Args:
        name: A path, or a short name, below ``configs/<kind>`` or below ``configs``, without its
            ending.
        kind: Where short names are looked for first.

    Raises:
        ConfigError: A short name is that of no config.
    """
    if Path(name).is_file() or not SHORT.fullmatch(name):
        return name
    if name.startswith("configs/") and (FOLDER.parent / name).is_file():
        return str(FOLDER.parent / name)
    if name.endswith((".yaml", ".yml")):
        return name
    places = (FOLDER / kind / f"{name}.yaml", FOLDER / f"{name}.yaml")
    if found := next((path for path in places if path.is_file()), None):
        return str(found)
    raise ConfigError(
        f"There is no file {name!r}, and no config of that name comes with emolit"
        f"{meant(name, short_names(kind))} They are in {FOLDER / kind}."
    )


def short_names(kind: str) -> list[str]:
    """Return the short names of the shipped configs of a kind."""
    place = FOLDER / kind
    return sorted(str(path.relative_to(place).with_suffix("")) for path in place.rglob("*.yaml"))


def find_all(words: list[str]) -> list[str]:
    """Put paths in place of the short names that stand on a command line.

    Example:
        >>> found = find_all(["fit", "--config", "demo/sft"])
        >>> Path(found[-1]).relative_to(FOLDER).as_posix()
        'experiments/demo/sft.yaml'
    """
    found: list[str] = []
    for word in words:
        option, equals, value = word.rpartition("=") if word.startswith("--") else ("", "", word)
        named = option or (found[-1] if found else "")
        if named in ("--config", "-c") or value.startswith("configs/"):
            value = find(value)
        found.append(f"{option}{equals}{value}")
    return found
