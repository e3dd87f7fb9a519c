"""What is hushed, and that the rest is said."""

import logging
import warnings

import pytest
from lightning.pytorch.utilities import rank_zero_info

from emolit.commands.quiet import TELLS, hush, is_needed


@pytest.fixture
def hushed():
    with warnings.catch_warnings():
        hush()
        yield
    logging.getLogger(TELLS).removeFilter(is_needed)


def test_tips_are_hushed_and_the_rest_is_said(hushed, caplog):
    with caplog.at_level("INFO", logger=TELLS):
        rank_zero_info("💡 Tip: For seamless cloud uploads and versioning, try")
        rank_zero_info("TPU available: False, using: 0 TPU cores")
        rank_zero_info("GPU available: False, used: False")
    assert caplog.messages == ["GPU available: False, used: False"]


def test_a_warning_that_misleads_is_hushed_and_others_are_not():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        hush()
        warnings.warn(
            "The number of training batches (5) is smaller than the logging interval", stacklevel=1
        )
        warnings.warn("It is late", stacklevel=1)
    logging.getLogger(TELLS).removeFilter(is_needed)
    assert [str(warning.message) for warning in told] == ["It is late"]
