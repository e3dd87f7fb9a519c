"""What Lightning says and a run does not need: it is not shown."""

import logging
import warnings

WARNINGS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # lightning 2.6 on torch 2.14
    r"Found \d+ module\(s\) in eval mode",  # a policy always is, so that dropout is off
    r"Checkpoint directory .* exists and is not empty",  # a run and its tests share one folder
    r"The number of training batches \(\d+\) is smaller than the logging",  # steps go over epochs
)
"""Beginnings of warnings that say what is meant to be, or what is not so here."""
TIPS = ("💡 Tip: For seamless", "TPU available: False")
"""Beginnings of lines about what nobody asked for."""
TELLS = "lightning.pytorch.utilities.rank_zero"
"""The logger of these lines."""


def hush() -> None:
    """Leave these warnings and lines out, in this process."""
    for message in WARNINGS:
        warnings.filterwarnings("ignore", message=message)
    logging.getLogger(TELLS).addFilter(is_needed)


def is_needed(record: logging.LogRecord) -> bool:
    """Tell whether a line is shown."""
    return not record.getMessage().startswith(TIPS)
