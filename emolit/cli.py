"""The command ``emolit``: which word runs what.

``fit``, ``validate``, ``test`` and ``predict`` are Lightning's; the others stand in
``emolit.commands``, a module each, which is imported when it is asked for.
"""

import importlib
import sys
from pathlib import Path

import emolit
from emolit.commands import COMMANDS, ELSEWHERE, TRAINER
from emolit.commands.near import meant


def main() -> None:
    """Run a subcommand; modules are found in the current folder too."""
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name == "--version":
        print(f"emolit {emolit.__version__}")
    elif name in ("-h", "--help"):
        print(help_text())
    elif name in COMMANDS or (name == "predict" and asks_checkpoint(sys.argv[2:])):
        command = importlib.import_module(f"emolit.commands.{name}")
        raise SystemExit(command.main(sys.argv[2:]))
    elif name.startswith("-") or name in TRAINER:
        training = importlib.import_module("emolit.commands.training")
        training.main()
    else:
        sys.stderr.write(f"error: {no_subcommand(name)}\n")
        raise SystemExit(2)


def help_text() -> str:
    """Return what ``emolit --help`` shows."""
    listed = [f"    {name:20}{does}" for name, does in {**TRAINER, **COMMANDS}.items()]
    return "\n".join(
        [
            "usage: emolit SUBCOMMAND [options]",
            "",
            str(emolit.__doc__),
            "",
            "subcommands:",
            *listed,
            "",
            "emolit SUBCOMMAND --help shows the options of one, emolit --version the release.",
        ]
    )


def asks_checkpoint(arguments: list[str]) -> bool:
    """Tell whether `predict` asks a checkpoint about recordings; with a config it runs that."""
    return not any(word.partition("=")[0] in ("--config", "-c") for word in arguments)


def no_subcommand(name: str) -> str:
    """Return the end of a sentence on a subcommand that is not there, or none.

    Example:
        >>> no_subcommand("swep").partition(" There")[0]
        "there is no subcommand 'swep'; did you mean 'sweep'?"
    """
    said = f"there is no subcommand {name!r}" if name else "name a subcommand"
    return (
        f"{said}{meant(name, [*TRAINER, *COMMANDS], ELSEWHERE)} `emolit --help` says what they do."
    )
