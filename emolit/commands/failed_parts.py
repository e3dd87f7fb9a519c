"""A checkpoint in parts that some process could not write or read, said as a sentence."""

from torch.distributed.checkpoint.api import CheckpointException

from emolit.commands.refused_disk import FULL_ADVICE, refused

WRITING = "write"
"""How torch names the step in which the parts go to the disk."""


def failed_parts(error: BaseException) -> str | None:
    """Return which process failed at which step, why, and what to do; None for other errors.

    Example:
        >>> error = CheckpointException("read", {1: (ValueError("cut"), None)})
        >>> str(failed_parts(error)).partition(". ")[0]
        'A checkpoint in parts failed at its step read: rank 1: ValueError: cut'
        >>> failed_parts(ValueError("cut"))
    """
    if not isinstance(error, CheckpointException):
        return None
    step, causes = error.args[0], {rank: cause for rank, (cause, _) in error.failures.items()}
    disk = next(filter(None, map(refused, causes.values())), None)
    if disk is not None and step == WRITING:
        return disk
    said = "; ".join(f"rank {r}: {type(cause).__name__}: {cause}" for r, cause in causes.items())
    advice = (
        f"The disk may be full. {FULL_ADVICE}"
        if step == WRITING
        else "It is not whole, or of another model; name another one by `--ckpt_path`."
    )
    return f"A checkpoint in parts failed at its step {step}: {said.rstrip('.')}. {advice}"
