"""The parser of the command: lists that replace, options in full, mistakes told in a line."""

import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from emolit.commands.complaints import NoOptionError, complaint, no_option
from emolit.compat.jsonargparse import debug_mode_active, install, option_names
from emolit.errors import ConfigError, EmolitError

install()

REFUSED = re.compile(
    r"(?:Group '(?P<group>[^']+)' does not accept option|Subcommand '\w+' does not accept option|"
    r"Option) '(?P<name>[^']+)'"
)
UNRECOGNIZED = re.compile(r"unrecognized arguments: (?P<name>\S+?)(?:=|\s|$)")


class Parser(LightningArgumentParser):
    """Lightning's parser: options are written whole, mistakes are said in a line or two."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Say what is wrong and leave with status 2; a parser of one class raises instead."""
        said = self._refused(message)
        if not self.exit_on_error or debug_mode_active():
            if said is None:
                super().error(message, ex)
            raise NoOptionError(said) from ex
        parser = getattr(ex, "subcommand_parser", None) or self
        text = f"there is {said}" if said else complaint(message, ex)
        sys.stderr.write(f"error: {text}\n")
        parser.exit(2)
        raise SystemExit(2)

    def parse_args(self, *given: Any, **settings: Any) -> Any:
        """Parse as jsonargparse does; a config in another encoding is told as such.

        Raises:
            ConfigError: A config is not UTF-8.
        """
        try:
            return super().parse_args(*given, **settings)
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"A config is not UTF-8 at byte {error.start} ({error.reason}). Save it as UTF-8."
            ) from error

    def _refused(self, message: str) -> str | None:
        """Return the end of a sentence on an option that is not there; None for other messages."""
        if found := REFUSED.match(message):
            group, name = found["group"], found["name"]
            return no_option(f"{group}.{name}" if group else name, option_names(self))
        if found := UNRECOGNIZED.match(message):
            name = found["name"]
            if self.exit_on_error and name.startswith("--"):
                return no_option(name, [f"--{dest}" for dest in option_names(self)])
            if name.startswith("--"):
                return no_option(name.removeprefix("--"), option_names(self))
        return None


def configs_first(arguments: Sequence[str]) -> list[str]:
    """Put the config files of a command in front: what is written beside them wins over them.

    Example:
        >>> configs_first(["fit", "--data", "Manifest", "--config", "a.yaml", "-c", "b.yaml"])
        ['fit', '--config', 'a.yaml', '-c', 'b.yaml', '--data', 'Manifest']
    """
    command, *rest = arguments or [""]
    if command.startswith("-") or not rest:
        return list(arguments)
    configs, others, left = [], [], iter(rest)
    for word in left:
        if word in ("--config", "-c"):
            configs += [word, *(value for value in [next(left, None)] if value is not None)]
        elif word.startswith("--config="):
            configs.append(word)
        else:
            others.append(word)
    return [command, *configs, *others]


def own_error(error: BaseException) -> EmolitError | None:
    """Return the error of emolit's own in a chain; jsonargparse makes a ValueError of some."""
    each: BaseException | None = error
    while each is not None and not isinstance(each, EmolitError):
        each = each.__cause__
    return each
