"""A disk that is full, or a place that takes no files, said as a sentence."""

import errno
import os
import re
import tempfile

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
FULL_ADVICE = (
    "Mend this; what was written before is whole, and `--ckpt_path last` goes on from there."
)
NUMBER = re.compile(r"\(os error (\d+)\)")
"""How the writer of safetensors, which is written in Rust, says it."""


def refused(error: BaseException) -> str | None:
    """Return what a disk has refused and what to do; None where another thing is the matter.

    Example:
        >>> import errno
        >>> said = refused(OSError(errno.EROFS, "Read-only file system", "run/last"))
        >>> str(said).partition(".")[0]
        'run/last cannot be written: Read-only file system'
        >>> refused(FileNotFoundError(errno.ENOENT, "No such file", "run/last"))
    """
    found = NUMBER.search(str(error))
    number = error.errno if isinstance(error, OSError) else int(found[1]) if found else None
    if number not in (*FULL, *CLOSED):
        return None
    named = (getattr(error, name, None) for name in ("filename2", "filename"))  # to, from
    what = next(filter(None, named), "A file of the run")
    said = f"{what} cannot be written: {os.strerror(number)}."
    if number in CLOSED:
        return f"{said} Name a folder that takes files, such as by `--trainer.default_root_dir`."
    return (
        f"{said} A checkpoint needs room for another one beside it, and its .ckpt for one in "
        f"{tempfile.gettempdir()} (`TMPDIR`) too. {FULL_ADVICE}"
    )
