"""A checkpoint of the trainer that was cut off is told before it is opened."""

import shlex
from pathlib import Path
from zipfile import is_zipfile

from emolit.errors import ConfigError


def check_checkpoint_file(given: str | Path | None) -> None:
    """Refuse a file that torch has not written to its end.

    It is a zip archive, whose table of contents stands last. A folder of parts, a word such as
    ``last`` and a path that leads nowhere are passed over.

    Raises:
        ConfigError: Names the file and what lies beside it.
    """
    if given is None or not Path(given).is_file() or is_zipfile(given):
        return
    path = Path(given)
    beside = sorted(other for other in path.parent.glob("*.ckpt") if other != path)
    whole = [other for other in beside if other.is_dir() or is_zipfile(other)]
    raise ConfigError(
        f"{path} has {path.stat().st_size} bytes and is no whole checkpoint: it was cut off, or is "
        "something else. "
        + (
            f"Go on from what lies beside it, by `--ckpt_path {shlex.quote(str(whole[0]))}`."
            if whole
            else "No other checkpoint lies beside it; begin anew, with `--overwrite true`."
        )
    )
