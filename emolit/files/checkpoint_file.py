"""A checkpoint of the trainer that is not there, or not whole, is told before it is opened."""

import shlex
from pathlib import Path
from zipfile import is_zipfile

from emolit.errors import ConfigError

WORDS = ("best", "last", "hpc", "registry")
"""What Lightning takes for a checkpoint besides paths; the last one may go on behind a colon."""
SUFFIX = ".ckpt"


def check_checkpoint_file(given: str | Path | None, reads_parts: bool = True) -> None:
    """Refuse what a training cannot go on from.

    A file of torch is a zip archive, whose table of contents stands last. Words of Lightning's and
    addresses (``s3://``) are passed over.

    Args:
        given: A path; None and words pass.
        reads_parts: Whether the strategy opens checkpoints that are folders.

    Raises:
        ConfigError: It is not there, cut off, or a folder of weights; names what lies beside. Or it
            lies in parts, and the strategy reads none.
    """
    if given is None or "://" in str(given) or str(given).partition(":")[0] in WORDS:
        return
    path = Path(given)
    if _in_parts(path) and not reads_parts:
        weights = shlex.quote(str(path.with_suffix("")))
        raise ConfigError(
            f"{path} lies in parts, which this strategy cannot read; add `--trainer "
            f"configs/trainers/fsdp.yaml`, or take its weights: `emolit export {weights} --out "
            "FOLDER`."
        )
    if _whole(path):
        return
    beside = sorted(other for other in path.parent.glob(f"*{SUFFIX}") if other != path)
    whole = [*filter(_whole, beside)]
    if path.is_dir():
        own = path.with_name(f"{path.name}{SUFFIX}")
        whole = [own] if own in whole else whole
    raise ConfigError(f"{path} {_fault(path)} {_way_on(path, whole)}")


def _in_parts(path: Path) -> bool:
    """Tell whether processes have written their parts into a folder."""
    return path.suffix == SUFFIX and path.is_dir() and any(path.iterdir())


def _whole(path: Path) -> bool:
    return is_zipfile(path) or _in_parts(path)


def _fault(path: Path) -> str:
    """Return what is the matter with a path."""
    if path.is_dir():
        return "is a folder without the state of a training, and `--ckpt_path` goes on with one."
    if path.is_file():
        size = path.stat().st_size
        return f"has {size} bytes and is no whole checkpoint: it was cut off, or is something else."
    return "is not there."


def _way_on(path: Path, whole: list[Path]) -> str:
    """Return what to do instead."""
    if whole:
        other = shlex.quote(str(whole[0]))
        return f"Go on from what lies beside it, by `--ckpt_path {other}`."
    if path.is_dir():
        start = "--model.init_args.policy.init_args.checkpoint"
        return f"Begin a run with its weights, by `{start} {shlex.quote(str(path))}`."
    if path.is_file():
        return "No other checkpoint lies beside it; begin anew, with `--overwrite true`."
    return "No checkpoint lies beside it; look at the path, or leave `--ckpt_path` out."
