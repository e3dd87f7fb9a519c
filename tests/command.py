"""The command ``emolit``, run inside the test's own process."""

import sys
import warnings

from emolit.cli import main


def emolit(*arguments: object) -> None:
    """Run ``emolit`` with arguments, as a shell would."""
    before, sys.argv = sys.argv, ["emolit", *map(str, arguments)]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The number of training batches")
            main()
    finally:
        sys.argv = before
